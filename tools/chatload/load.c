/* SPDX-License-Identifier: MIT */
/*
 * The run: everyone connects and joins; then the load warms up, is measured,
 * and stops; what is still under way may arrive until nothing moves.
 */
#include "tools/chatload/load.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tools/chatload/cputime.h"

#define EVENTS_MAX 1024
#define JOINING_MAX 256 /* clients connected that have not joined yet */
#define PATIENCE_NS UINT64_C(10000000000) /* without any progress */

uint64_t
load_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void *
load_alloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (!p)
		err(1, "calloc");
	return p;
}

void
load_watch(struct load *l, struct client *c, bool writable)
{
	struct epoll_event ev = {
	    .events = EPOLLIN | (writable ? EPOLLOUT : 0),
	    .data.ptr = c,
	};

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

/* Waits until `until_ns` at most and reads what has come. */
static void
load_pass(struct load *l, uint64_t until_ns)
{
	static struct epoll_event events[EVENTS_MAX];
	uint64_t now = load_now();
	uint64_t wait_ns = until_ns > now ? until_ns - now : 0;
	struct timespec timeout = {
	    .tv_sec = (time_t)(wait_ns / 1000000000),
	    .tv_nsec = (long)(wait_ns % 1000000000),
	};
	int n = epoll_pwait2(l->epoll_fd, events, EVENTS_MAX, &timeout, NULL);

	if (n == -1 && errno != EINTR)
		err(1, "epoll_pwait2");
	for (int i = 0; i < n; i++) {
		struct client *c = events[i].data.ptr;

		if (events[i].events & EPOLLOUT)
			publisher_unblock(l, c->pub);
		if (events[i].events & ~(uint32_t)EPOLLOUT)
			receive(l, c);
	}
}

static void
load_connect(struct load *l, struct client *c)
{
	const struct load_config *cfg = l->config;
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	char room[TEXT_NAME_SIZE];
	char name[TEXT_NAME_SIZE];
	char lines[2 * TEXT_NAME_SIZE + 2];
	int len;

	c->fd = socket(cfg->addr.ss_family, SOCK_STREAM, 0);
	if (c->fd == -1)
		err(1, "socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (connect(c->fd, (const struct sockaddr *)&cfg->addr,
		cfg->addr_len) == -1)
		err(1, "connect");
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) == -1)
		err(1, "fcntl");
	text_room(&cfg->format, c->room, room);
	text_name(&cfg->format, c->room << 16 | c->member, name);
	len = snprintf(lines, sizeof(lines), "%s\n%s\n", room, name);
	if (send(c->fd, lines, (size_t)len, MSG_NOSIGNAL) != len)
		err(1, "send");
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

/* Until everyone has seen everyone join who joined after it. */
static void
load_join(struct load *l)
{
	uint64_t members = l->config->members;
	uint64_t all = l->config->rooms * (members * (members + 1) / 2);
	size_t connected = 0;
	uint64_t seen = 0;
	uint64_t deadline = load_now() + PATIENCE_NS;

	l->joining = true;
	while (l->notices < all) {
		while (connected < l->nclients &&
		       connected - l->joined < JOINING_MAX)
			load_connect(l, &l->clients[connected++]);
		load_pass(l, deadline);
		if (l->notices > seen) {
			seen = l->notices;
			deadline = load_now() + PATIENCE_NS;
		} else if (load_now() >= deadline) {
			errx(1, "%zu of %zu clients have joined", l->joined,
			    l->nclients);
		}
	}
	l->joining = false;
}

static void
load_for(struct load *l, double seconds)
{
	uint64_t end = load_now() + (uint64_t)(seconds * 1e9);
	uint64_t due;

	do {
		publisher_send_all(l);
		due = publisher_due(l);
		load_pass(l, due < end ? due : end);
	} while (load_now() < end);
}

/* Nothing new is sent, but what a socket did not take yet goes out. */
static void
load_drain(struct load *l)
{
	uint64_t seen = l->deliveries;
	uint64_t deadline = load_now() + PATIENCE_NS / 2;

	while (l->outstanding > 0 && load_now() < deadline) {
		load_pass(l, deadline);
		if (l->deliveries > seen) {
			seen = l->deliveries;
			deadline = load_now() + PATIENCE_NS / 2;
		}
	}
}

static double
server_cpu(const struct load *l)
{
	double cpu;

	if (l->config->pid == 0)
		return -1;
	cpu = cputime_tree(l->config->pid);
	if (cpu < 0)
		err(1, "process %d", (int)l->config->pid);
	return cpu;
}

static double
difference(double before, double after)
{
	return before < 0 ? -1 : after - before;
}

static void
load_measure(struct load *l)
{
	struct load_result *res = l->result;
	uint64_t messages = l->messages;
	uint64_t deliveries = l->deliveries;
	double cpu = server_cpu(l);
	double own = cputime_self();
	uint64_t start = load_now();

	l->sampling = true;
	load_for(l, l->config->seconds);
	l->sampling = false;
	res->seconds = (double)(load_now() - start) / 1e9;
	res->load_cpu = cputime_self() - own;
	res->server_cpu = difference(cpu, server_cpu(l));
	res->messages = l->messages - messages;
	res->deliveries = l->deliveries - deliveries;
}

static void
init_publisher(struct load *l, struct publisher *p, struct client *c)
{
	const struct load_config *cfg = l->config;

	p->client = c;
	p->left = load_alloc(l->mask + 1, sizeof(*p->left));
	p->out_size = 2 * (size_t)cfg->window * (cfg->format.size + 1);
	p->out = load_alloc(1, p->out_size);
	c->pub = p;
}

static void
load_init(struct load *l)
{
	const struct load_config *cfg = l->config;
	size_t window = 1;

	while (window < cfg->window)
		window *= 2;
	l->mask = window - 1;
	l->nclients = (size_t)cfg->rooms * cfg->members;
	l->npubs = (size_t)cfg->rooms * cfg->publishers;
	l->clients = load_alloc(l->nclients, sizeof(*l->clients));
	l->pubs = load_alloc(l->npubs, sizeof(*l->pubs));
	for (size_t i = 0; i < l->nclients; i++) {
		struct client *c = &l->clients[i];

		c->room = (unsigned int)(i / cfg->members);
		c->member = (unsigned int)(i % cfg->members);
		c->next = load_alloc(cfg->publishers, sizeof(*c->next));
		if (c->member < cfg->publishers)
			init_publisher(l,
			    &l->pubs[c->room * cfg->publishers + c->member], c);
	}
	/* Not a divisor of a window: every place in a batch is sampled. */
	l->sample_every = cfg->rate > 0 ? 1 : 17;
	l->sample_left = l->sample_every;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd == -1)
		err(1, "epoll_create1");
}

static void
load_fini(struct load *l)
{
	for (size_t i = 0; i < l->nclients; i++) {
		close(l->clients[i].fd);
		free(l->clients[i].next);
		free(l->clients[i].partial);
	}
	for (size_t i = 0; i < l->npubs; i++) {
		free(l->pubs[i].left);
		free(l->pubs[i].out);
	}
	free(l->clients);
	free(l->pubs);
	close(l->epoll_fd);
}

static void
raise_limits(size_t fds)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "getrlimit");
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_max < fds)
		errx(1, "%zu file descriptors needed, limit is %ju", fds,
		    (uintmax_t)rl.rlim_max);
	prctl(PR_SET_TIMERSLACK, 1);
}

void
load_run(const struct load_config *config, struct load_result *result)
{
	struct load l = {.config = config, .result = result};
	uint64_t start;
	double cpu;

	load_init(&l);
	raise_limits(l.nclients + 16);
	start = load_now();
	cpu = server_cpu(&l);
	load_join(&l);
	result->join_cpu = difference(cpu, server_cpu(&l));
	result->join_seconds = (double)(load_now() - start) / 1e9;
	publisher_start(&l);
	load_for(&l, config->warmup);
	load_measure(&l);
	load_drain(&l);
	receive_settle(&l);
	load_fini(&l);
}
