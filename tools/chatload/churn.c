/* SPDX-License-Identifier: MIT */
/*
 * Mode connect.  A place is taken by one client after the other, each with a
 * name of its own: joining until it has read so, leaving until the server
 * has closed the connection, so that no more are there than there are places.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tools/chatload/cputime.h"
#include "tools/chatload/load.h"
#include "tools/chatload/progress.h"

#define EVENTS_MAX 256
#define READ_MAX 65536
#define PARTIAL_MAX 1024
#define TURN_NS UINT64_C(50000000)

struct place {
	int fd; /* -1: nobody */
	bool joined;
	unsigned int room;
	uint32_t who;
	struct telnet telnet;
	uint64_t since_ns; /* the client began to connect */
	size_t len;
	char partial[PARTIAL_MAX]; /* a frame without its end yet */
};

struct churn {
	const struct load_config *config;
	struct load_result *result;
	int epoll_fd;
	struct place *places;
	size_t nplaces;
	size_t taken;
	size_t joining;   /* of these, have not joined yet */
	uint32_t clients; /* so far: the name and address of the next */
	uint64_t joins;
	uint64_t leaves;
	bool sampling;
	bool ending; /* nobody new comes */
};

static void
place_take(struct churn *ch, struct place *p)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = p};
	struct speaker who = {.who = ch->clients, .room = p->room};

	p->since_ns = load_now();
	p->joined = false;
	p->len = 0;
	p->who = who.who;
	p->telnet = (struct telnet){0};
	p->fd = dial(ch->config, &who, ch->clients++);
	ch->taken++;
	ch->joining++;
	if (epoll_ctl(ch->epoll_fd, EPOLL_CTL_ADD, p->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
place_leave(struct churn *ch, struct place *p)
{
	close(p->fd);
	p->fd = -1;
	ch->taken--;
	ch->leaves++;
	if (!p->joined)
		errx(1, "the server closed a connection");
}

static void
place_joined(struct churn *ch, struct place *p)
{
	p->joined = true;
	ch->joining--;
	ch->joins++;
	if (ch->sampling)
		histogram_add(
		    &ch->result->join_latency, load_now() - p->since_ns);
	if (shutdown(p->fd, SHUT_WR) == -1)
		err(1, "shutdown");
}

/* The first join that a client reads is its own. */
static size_t
place_frames(struct churn *ch, struct place *p, const char *data, size_t len)
{
	const struct load_config *cfg = ch->config;
	struct speaker who = {.who = p->who, .room = p->room};
	size_t at = 0;
	size_t n;

	while (
	    !p->joined && (n = cfg->protocol->frame(data + at, len - at)) > 0) {
		const char *unused[2];
		enum heard heard = cfg->protocol->heard(
		    &cfg->format, data + at, n, &unused[0], &unused[1]);

		if (heard == HEARD_REFUSAL)
			errx(1, "refused: %.*s", (int)n - 1, data + at);
		if (heard == HEARD_READY)
			dial_join(cfg, &who, p->fd);
		if (heard == HEARD_JOIN)
			place_joined(ch, p);
		at += n;
	}
	return at;
}

static ssize_t
place_negotiate(struct churn *ch, struct place *p, char *data, size_t len)
{
	struct speaker who = {.who = p->who, .room = p->room};

	return (ssize_t)dial_negotiate(
	    ch->config, &who, p->fd, &p->telnet, data, len);
}

/* Once it has joined, nothing is looked at but the end. */
static void
place_read(struct churn *ch, struct place *p)
{
	static char data[PARTIAL_MAX + READ_MAX];
	ssize_t n = recv(p->fd, data + p->len, READ_MAX, 0);
	size_t len;
	size_t used;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1 && errno != ECONNRESET)
		err(1, "recv");
	if (n <= 0) {
		place_leave(ch, p);
		return;
	}
	if (p->joined)
		return;
	if (ch->config->protocol->telnet != TELNET_NONE)
		n = place_negotiate(ch, p, data + p->len, (size_t)n);
	memcpy(data, p->partial, p->len);
	len = p->len + (size_t)n;
	used = place_frames(ch, p, data, len);
	p->len = p->joined ? 0 : len - used;
	if (p->len > PARTIAL_MAX)
		errx(1, "the server sent something without an end");
	memcpy(p->partial, data + used, p->len);
}

static void
churn_pass(struct churn *ch)
{
	struct epoll_event events[EVENTS_MAX];
	size_t max = ch->config->protocol->joining_max;
	int n;

	for (size_t i = 0; i < ch->nplaces && !ch->ending; i++)
		if (ch->places[i].fd == -1 && ch->joining < max)
			place_take(ch, &ch->places[i]);
	n = epoll_wait(ch->epoll_fd, events, EVENTS_MAX, TURN_NS / 1000000);
	if (n == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (int i = 0; i < n; i++)
		place_read(ch, events[i].data.ptr);
}

/* Until the time is up or, at the end, all have gone. */
static void
churn_for(struct churn *ch, double seconds, const char *what)
{
	uint64_t start = load_now();
	uint64_t end = start + (uint64_t)(seconds * 1e9);
	uint64_t moved_ns = start;
	uint64_t moved = ch->joins + ch->leaves;

	do {
		churn_pass(ch);
		if (ch->joins + ch->leaves > moved) {
			moved = ch->joins + ch->leaves;
			moved_ns = load_now();
		} else if (load_now() - moved_ns > LOAD_PATIENCE_NS) {
			errx(1, "nobody joins or leaves any more");
		}
		if (progress_due())
			progress_show("%s: %ju have joined, %ju have left",
			    what, (uintmax_t)ch->joins, (uintmax_t)ch->leaves);
	} while (ch->ending ? ch->taken > 0 : load_now() < end);
}

static void
churn_measure(struct churn *ch)
{
	struct load_result *res = ch->result;
	uint64_t joins = ch->joins;
	double cpu = load_server_cpu(ch->config);
	double own = cputime_self();
	uint64_t start = load_now();

	ch->sampling = true;
	churn_for(ch, ch->config->seconds, "measuring");
	ch->sampling = false;
	res->joins = ch->joins - joins;
	res->join_seconds = (double)(load_now() - start) / 1e9;
	res->load_cpu = cputime_self() - own;
	res->join_cpu = load_cpu_between(cpu, load_server_cpu(ch->config));
}

void
churn_run(const struct load_config *config, struct load_result *result)
{
	struct churn ch = {.config = config, .result = result};

	ch.nplaces = (size_t)config->rooms * config->members;
	ch.places = load_alloc(ch.nplaces, sizeof(*ch.places));
	for (size_t i = 0; i < ch.nplaces; i++) {
		ch.places[i].fd = -1;
		ch.places[i].room = (unsigned int)(i / config->members);
	}
	dial_prepare(ch.nplaces + 16);
	ch.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ch.epoll_fd == -1)
		err(1, "epoll_create1");
	if (config->warmup > 0)
		churn_for(&ch, config->warmup, "warming up");
	churn_measure(&ch);
	ch.ending = true;
	churn_for(&ch, 0, "ending");
	free(ch.places);
	close(ch.epoll_fd);
}
