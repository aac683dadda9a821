/* SPDX-License-Identifier: MIT */
/* See loop.h. */
#include "master/loop.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "master/admit.h"
#include "master/auth.h"
#include "master/bans.h"
#include "master/logs.h"
#include "master/pass.h"
#include "master/reap.h"
#include "master/requests.h"
#include "master/rescue.h"
#include "master/spawn.h"
#include "master/stop.h"
#include "master/policy.h"
#include "master/reload.h"
#include "master/tls.h"
#include "master/watchdog.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define EVENTS_MAX 64

static void
loop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
}

int
loop_block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	loop_signals(&set);
	return sigprocmask(SIG_BLOCK, &set, NULL);
}

int
loop_open(struct master *m)
{
	sigset_t set;

	loop_signals(&set);
	m->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m->signals == -1 || m->epoll == -1)
		return -1;
	return loop_add(m, m->signals, SOURCE_SIGNAL, 0);
}

static struct epoll_event
loop_event(enum source source, uint32_t index, bool mute)
{
	return (struct epoll_event){
	    .events = mute ? 0 : EPOLLIN,
	    .data.u64 = (uint64_t)source << 32 | index,
	};
}

int
loop_add(struct master *m, int fd, enum source source, uint32_t index)
{
	struct epoll_event ev = loop_event(source, index, false);

	return epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &ev);
}

void
loop_mute(
    struct master *m, int fd, enum source source, uint32_t index, bool mute)
{
	struct epoll_event ev = loop_event(source, index, mute);

	if (epoll_ctl(m->epoll, EPOLL_CTL_MOD, fd, &ev) == -1)
		log_error("epoll", "fd=%d", fd);
}

void
loop_remove(struct master *m, int fd)
{
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void
loop_on_signals(struct master *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			m->children_ended = true;
			break;
		case SIGHUP:
			reload_on_hup(m);
			break;
		case SIGUSR1:
			logs_reopen(m);
			break;
		default:
			stop_on_signal(m, (int)info.ssi_signo);
			break;
		}
	}
}

static void
loop_dispatch(struct master *m, uint64_t data)
{
	uint32_t index = (uint32_t)data;

	switch ((enum source)(data >> 32)) {
	case SOURCE_SIGNAL:
		loop_on_signals(m);
		break;
	case SOURCE_LISTENER:
		admit_on_readable(m, index);
		break;
	case SOURCE_CHANNEL:
		requests_on_readable(m, index);
		break;
	case SOURCE_PING:
		watchdog_on_readable(m, index);
		break;
	}
}

/* Milliseconds until something is due, rounded up; -1: nothing is. */
static int
loop_timeout(const struct master *m)
{
	uint64_t due = UINT64_MAX;
	uint64_t now = clock_us();

	due = MIN(due, admit_due_us(m));
	due = MIN(due, pass_due_us(m));
	due = MIN(due, logs_due_us(m));
	due = MIN(due, spawn_due_us(m));
	due = MIN(due, rescue_due_us(m));
	due = MIN(due, watchdog_due_us(m));
	due = MIN(due, stop_due_us(m));
	due = MIN(due, tls_due_us(m));
	due = MIN(due, policy_due_us(m));
	due = MIN(due, auth_due_us(m));
	due = MIN(due, bans_due_us(m));
	if (due == UINT64_MAX)
		return -1;
	if (due <= now)
		return 0;
	return (int)MIN((due - now + 999) / 1000, (uint64_t)60 * 1000);
}

static void
loop_on_time(struct master *m)
{
	uint64_t now = clock_us();

	admit_on_time(m, now);
	logs_on_time(m, now);
	rescue_on_time(m, now);
	spawn_on_time(m, now);
	watchdog_on_time(m, now);
	stop_on_time(m, now);
	tls_on_time(m, now);
	policy_on_time(m, now);
	auth_on_time(m, now);
	bans_on_time(m, now);
}

void
loop_run(struct master *m)
{
	struct epoll_event events[EVENTS_MAX];

	log_hold();
	while (!stop_is_done(m)) {
		int n =
		    epoll_wait(m->epoll, events, EVENTS_MAX, loop_timeout(m));

		for (int i = 0; i < n; i++)
			loop_dispatch(m, events[i].data.u64);
		/*
		 * Deaths come after requests, so that an event never meets a
		 * channel that is newer than itself.
		 */
		if (m->children_ended) {
			m->children_ended = false;
			reap_children(m);
		}
		loop_on_time(m);
		pass_send(m);
		log_flush();
	}
}
