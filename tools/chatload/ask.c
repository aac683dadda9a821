/* SPDX-License-Identifier: MIT */
/*
 * Mode ask.  Everyone joins; then each sends whenever its socket takes
 * something, waiting for no reply, and throws away what it reads.  They are
 * a burden for a server that another process measures.  Small send buffers
 * keep the kernel from storing gigabytes of questions.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tools/chatload/load.h"
#include "tools/chatload/progress.h"

#define EVENTS_MAX 256
#define READ_MAX 65536
#define ASK_WHO 0xa0000000u /* no member of modes talk and idle */
#define ASK_BLOCK 4096      /* bytes sent at a time, at most */
#define TURN_MS 50

static const char ask_commands[] = "/rooms\n/history 1000\n";

struct asker {
	int fd;
	bool joined;
	size_t at; /* in ask_commands: what comes next */
};

struct ask {
	const struct load_config *config;
	struct load_result *result;
	int epoll_fd;
	struct asker *askers;
	size_t count;
	size_t joined;
	char block[ASK_BLOCK + sizeof(ask_commands)];
};

static volatile sig_atomic_t over;

static void
on_signal(int number)
{
	(void)number;
	over = 1;
}

/* The first line is the own join, or why there is none. */
static void
asker_read(struct ask *a, struct asker *s)
{
	static char data[READ_MAX];
	ssize_t n = recv(s->fd, data, sizeof(data), 0);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		err(1, "recv");
	if (n == 0)
		errx(1, "the server closed a connection");
	if (s->joined) {
		a->result->answered += (uint64_t)n;
		return;
	}
	if (data[0] == '*')
		errx(1, "refused: %.*s", (int)n, data);
	s->joined = true;
	a->joined++;
}

static void
asker_write(struct ask *a, struct asker *s)
{
	size_t period = strlen(ask_commands);
	ssize_t n = send(s->fd, a->block + s->at, ASK_BLOCK, MSG_NOSIGNAL);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		err(1, "send");
	s->at = (s->at + (size_t)n) % period;
	a->result->asked += (uint64_t)n;
}

static void
ask_pass(struct ask *a)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(a->epoll_fd, events, EVENTS_MAX, TURN_MS);

	if (n == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (int i = 0; i < n; i++) {
		struct asker *s = events[i].data.ptr;

		if (events[i].events & ~(uint32_t)EPOLLOUT)
			asker_read(a, s);
		if (events[i].events & EPOLLOUT)
			asker_write(a, s);
	}
}

static void
ask_join(struct ask *a)
{
	uint64_t start = load_now();

	for (size_t i = 0; i < a->count; i++) {
		struct asker *s = &a->askers[i];
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
		struct speaker who = {
		    .who = ASK_WHO + (uint32_t)i,
		    .room = (unsigned int)i % a->config->rooms,
		};

		s->fd = dial(a->config, &who, (uint32_t)i);
		setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &(int){ASK_BLOCK},
		    sizeof(int));
		if (epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) == -1)
			err(1, "epoll_ctl");
		while (a->joined < i + 1) {
			ask_pass(a);
			if (load_now() - start > 6 * LOAD_PATIENCE_NS)
				errx(1, "%zu of %zu clients have joined",
				    a->joined, a->count);
		}
	}
}

static void
ask_for(struct ask *a, double seconds)
{
	uint64_t end = load_now() + (uint64_t)(seconds * 1e9);

	for (size_t i = 0; i < a->count; i++) {
		struct asker *s = &a->askers[i];
		struct epoll_event ev = {
		    .events = EPOLLIN | EPOLLOUT,
		    .data.ptr = s,
		};

		if (epoll_ctl(a->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev) == -1)
			err(1, "epoll_ctl");
	}
	while (load_now() < end && !over) {
		ask_pass(a);
		if (progress_due())
			progress_show("%zu ask: %ju bytes of replies", a->count,
			    (uintmax_t)a->result->answered);
	}
}

void
ask_run(const struct load_config *config, struct load_result *result)
{
	struct ask a = {.config = config, .result = result};
	uint64_t start;
	double cpu;

	a.count = (size_t)config->rooms * config->members;
	a.askers = load_alloc(a.count, sizeof(*a.askers));
	for (size_t i = 0; i < sizeof(a.block); i++)
		a.block[i] = ask_commands[i % strlen(ask_commands)];
	dial_prepare(a.count + 16);
	a.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (a.epoll_fd == -1)
		err(1, "epoll_create1");
	start = load_now();
	ask_join(&a);
	result->joins = a.count;
	result->join_seconds = (double)(load_now() - start) / 1e9;
	/* Who measures something else knows when it is enough. */
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	cpu = load_server_cpu(config);
	start = load_now();
	ask_for(&a, config->seconds);
	result->seconds = (double)(load_now() - start) / 1e9;
	result->server_cpu = load_cpu_between(cpu, load_server_cpu(config));
	for (size_t i = 0; i < a.count; i++)
		close(a.askers[i].fd);
	free(a.askers);
	close(a.epoll_fd);
}
