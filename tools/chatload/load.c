/* SPDX-License-Identifier: MIT */
/*
 * The run: everyone connects and joins, and in mode idle stays so for a
 * while; then the load warms up, is measured, and stops; what is still under
 * way may arrive until nothing moves.
 */
#include "tools/chatload/load.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <time.h>
#include <unistd.h>

#include "tools/chatload/cputime.h"
#include "tools/chatload/progress.h"

#define EVENTS_MAX 1024

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

struct speaker
load_speaker(const struct client *c)
{
	return (struct speaker){
	    .who = c->room << 16 | c->member,
	    .room = c->room,
	    .talks = c->pub != NULL,
	};
}

static void
load_connect(struct load *l, struct client *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	struct speaker who = load_speaker(c);

	c->fd = dial(l->config, &who, (uint32_t)(c - l->clients));
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

/* How many joins are read in all when each has read all that it will. */
static uint64_t
load_notices(const struct load_config *cfg)
{
	uint64_t members = cfg->members;

	if (!cfg->protocol->joins_seen)
		return cfg->rooms * members;
	return cfg->rooms * (members * (members + 1) / 2);
}

/* Until everyone has seen everyone join who joined after it. */
static void
load_join(struct load *l)
{
	uint64_t all = load_notices(l->config);
	size_t max = l->config->protocol->joining_max;
	size_t connected = 0;
	uint64_t seen = 0;
	uint64_t deadline = load_now() + LOAD_PATIENCE_NS;

	l->joining = true;
	while (l->notices < all) {
		while (connected < l->nclients && connected - l->joined < max)
			load_connect(l, &l->clients[connected++]);
		load_pass(l, deadline);
		if (l->notices > seen) {
			seen = l->notices;
			deadline = load_now() + LOAD_PATIENCE_NS;
		} else if (load_now() >= deadline) {
			errx(1, "%zu of %zu clients have joined", l->joined,
			    l->nclients);
		}
		if (progress_due())
			progress_show("%zu of %zu clients have joined",
			    l->joined, l->nclients);
	}
	l->joining = false;
}

/* Reads, and sends nothing. */
static void
load_hold(struct load *l, double seconds)
{
	uint64_t end = load_now() + (uint64_t)(seconds * 1e9);

	do {
		load_pass(l, end);
		if (progress_due())
			progress_show("%zu clients are idle", l->nclients);
	} while (load_now() < end);
}

/* Until all rows are on the screens. */
static void
load_type_rows(struct load *l)
{
	uint64_t deadline = load_now() + LOAD_PATIENCE_NS;

	if (l->config->protocol->telnet != TELNET_KEYS)
		return;
	typing_rows(l);
	while (!typing_rows_shown(l)) {
		load_pass(l, deadline);
		if (load_now() >= deadline)
			errx(1, "not all rows are shown as they are typed");
	}
	l->typed = true;
}

static bool
load_all_said(const struct load *l)
{
	return l->messages == l->messages_max && l->outstanding == 0;
}

static void
load_for(struct load *l, double seconds, const char *what)
{
	uint64_t start = load_now();
	uint64_t end = start + (uint64_t)(seconds * 1e9);
	uint64_t due;

	do {
		publisher_send_all(l);
		typing_send_due(l);
		due = MIN(publisher_due(l), typing_due(l));
		load_pass(l, due < end ? due : end);
		if (progress_due())
			progress_show("%s: %.1f of %g s, %ju deliveries", what,
			    (double)(load_now() - start) / 1e9, seconds,
			    (uintmax_t)l->deliveries);
	} while (load_now() < end && !load_all_said(l));
}

/* Nothing new is sent, but what a socket did not take yet goes out. */
static void
load_drain(struct load *l)
{
	uint64_t seen = l->deliveries;
	uint64_t deadline = load_now() + LOAD_PATIENCE_NS / 2;

	while (l->outstanding > 0 && load_now() < deadline) {
		load_pass(l, deadline);
		if (l->deliveries > seen) {
			seen = l->deliveries;
			deadline = load_now() + LOAD_PATIENCE_NS / 2;
		}
	}
}

double
load_server_cpu(const struct load_config *config)
{
	double cpu;

	if (config->pid == 0)
		return -1;
	cpu = cputime_tree(config->pid);
	if (cpu < 0)
		err(1, "process %d", (int)config->pid);
	return cpu;
}

double
load_cpu_between(double before, double after)
{
	return before < 0 ? -1 : after - before;
}

static void
load_measure(struct load *l)
{
	struct load_result *res = l->result;
	uint64_t messages = l->messages;
	uint64_t deliveries = l->deliveries;
	uint64_t keys = l->keys;
	double cpu = load_server_cpu(l->config);
	double own = cputime_self();
	uint64_t start = load_now();

	l->sampling = true;
	if (l->config->messages > 0)
		l->messages_max = messages + l->config->messages;
	load_for(l, l->config->seconds, "measuring");
	l->sampling = false;
	res->seconds = (double)(load_now() - start) / 1e9;
	res->load_cpu = cputime_self() - own;
	res->server_cpu = load_cpu_between(cpu, load_server_cpu(l->config));
	res->messages = l->messages - messages;
	res->deliveries = l->deliveries - deliveries;
	res->keys = l->keys - keys;
}

static void
load_init_client(struct load *l, size_t i)
{
	const struct load_config *cfg = l->config;
	struct client *c = &l->clients[i];

	c->room = (unsigned int)(i / cfg->members);
	c->member = (unsigned int)(i % cfg->members);
	if (c->room >= cfg->talking)
		return;
	c->next = load_alloc(cfg->publishers, sizeof(*c->next));
	if (c->member < cfg->publishers)
		publisher_init(
		    l, &l->pubs[c->room * cfg->publishers + c->member], c);
}

static void
load_init(struct load *l)
{
	const struct load_config *cfg = l->config;
	size_t window = 1;

	while (window < cfg->window)
		window *= 2;
	l->mask = window - 1;
	l->readers = cfg->members -
		     (cfg->protocol->talkers_listen ? 1 : cfg->publishers);
	l->readers += cfg->protocol->telnet == TELNET_KEYS;
	l->messages_max = UINT64_MAX;
	l->nclients = (size_t)cfg->rooms * cfg->members;
	l->npubs = (size_t)cfg->talking * cfg->publishers;
	l->clients = load_alloc(l->nclients, sizeof(*l->clients));
	l->pubs = load_alloc(l->npubs, sizeof(*l->pubs));
	cfg->protocol->layout(&cfg->format, &l->layout);
	for (size_t i = 0; i < l->nclients; i++)
		load_init_client(l, i);
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
	for (size_t i = 0; i < l->npubs; i++)
		publisher_fini(&l->pubs[i]);
	free(l->clients);
	free(l->pubs);
	close(l->epoll_fd);
}

/* Memory that is not known is left out of the figures. */
static void
load_idle(struct load *l)
{
	struct load_result *res = l->result;
	struct memory now;

	load_hold(l, l->config->hold);
	if (!res->memory_known)
		return;
	if (memory_tree(l->config->pid, &now) == -1)
		err(1, "memory of process %d", (int)l->config->pid);
	res->grown = (struct memory){
	    .rss = now.rss - res->memory.rss,
	    .pss = now.pss - res->memory.pss,
	    .private = now.private - res->memory.private,
	};
}

void
load_run(const struct load_config *config, struct load_result *result)
{
	struct load l = {.config = config, .result = result};
	bool idle = config->mode == MODE_IDLE;
	uint64_t start;
	double cpu;

	load_init(&l);
	dial_prepare(l.nclients + 16);
	if (idle && config->pid != 0)
		result->memory_known =
		    memory_tree(config->pid, &result->memory) == 0;
	start = load_now();
	cpu = load_server_cpu(config);
	load_join(&l);
	result->joins = l.nclients;
	result->join_cpu = load_cpu_between(cpu, load_server_cpu(config));
	result->join_seconds = (double)(load_now() - start) / 1e9;
	if (idle)
		load_idle(&l);
	if (config->talking > 0) {
		load_type_rows(&l);
		publisher_start(&l);
		typing_start(&l);
		if (config->warmup > 0)
			load_for(&l, config->warmup, "warming up");
		load_measure(&l);
		load_drain(&l);
		receive_settle(&l);
	}
	load_fini(&l);
}
