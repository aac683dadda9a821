/* SPDX-License-Identifier: MIT */
/* See loop.h. */
#include "proxy/tls/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "proxy/tls/conn.h"
#include "proxy/tls/link.h"
#include "proxy/tls/relay.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/net/pair.h"

#define EVENTS_MAX 64
#define WAIT_MAX_US (60 * 1000 * 1000)
#define UNTOLD_US                                                              \
	(10 * 1000) /* too many fds under way: epoll can't say when            \
		     */
#define TICKETS_US (UINT64_C(3600) * 1000 * 1000)

/* What isn't a connection is tagged with where its fd is. */
static int
loop_add(struct tls *t, int *fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, *fd, &event);
}

int
loop_open(struct tls *t)
{
	for (unsigned i = 0; i < CONN_STATES; i++)
		TAILQ_INIT(&t->lists[i]);
	TAILQ_INIT(&t->again);
	TAILQ_INIT(&t->untold);
	t->now_us = clock_us();
	t->tickets_us = t->now_us + TICKETS_US;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	t->listener = pair_listen();
	if (t->epoll == -1 || t->listener == -1)
		return -1;
	if (loop_add(t, &t->channel) == -1 || loop_add(t, &t->ping) == -1)
		return -1;
	return 0;
}

static void
loop_dispatch(struct tls *t, uint64_t tag)
{
	struct conn *c = (void *)(uintptr_t)(tag & ~UINT64_C(1));

	if ((void *)c == &t->channel)
		link_on_readable(t);
	else if ((void *)c == &t->ping)
		link_on_ping(t);
	else if (c->state != CONN_DEAD)
		conn_step(t, c, (tag & 1) != 0 ? RELAY_CLEAR : RELAY_CLIENT);
}

/* Those that had more to do than there was time for: once each. */
static void
loop_serve_again(struct tls *t)
{
	struct conn *last = TAILQ_LAST(&t->again, conn_list), *c;

	while ((c = TAILQ_FIRST(&t->again)) != NULL) {
		TAILQ_REMOVE(&t->again, c, more);
		c->has_more = false;
		conn_step(t, c, RELAY_CLIENT | RELAY_CLEAR);
		if (c == last)
			break;
	}
}

/* What is due; returns when the next is, in milliseconds for epoll_wait. */
static int
loop_on_time(struct tls *t)
{
	uint64_t due;

	if (t->now_us >= t->tickets_us) {
		certs_renew_tickets(t->certs);
		t->tickets_us = t->now_us + TICKETS_US;
	}
	due = MIN(conn_expire(t), t->tickets_us);
	if (!TAILQ_EMPTY(&t->again))
		return 0;
	if (!TAILQ_EMPTY(&t->untold))
		due = MIN(due, t->now_us + UNTOLD_US);
	due = MIN(MAX(due, t->now_us) - t->now_us, (uint64_t)WAIT_MAX_US);
	return (int)((due + 999) / 1000);
}

static bool
loop_is_done(const struct tls *t)
{
	return t->deaf ||
	       (t->stopping && t->nconns == 0 && TAILQ_EMPTY(&t->untold));
}

void
loop_run(struct tls *t)
{
	struct epoll_event events[EVENTS_MAX];
	int timeout = 0;

	log_hold();
	while (!loop_is_done(t)) {
		int n;

		link_flush(t);
		log_flush();
		n = epoll_wait(t->epoll, events, EVENTS_MAX, timeout);
		t->now_us = clock_us();
		loop_serve_again(t);
		for (int i = 0; i < n; i++)
			loop_dispatch(t, events[i].data.u64);
		conn_admit(t);
		timeout = loop_on_time(t);
		conn_sweep(t);
	}
}

void
loop_close(struct tls *t)
{
	conn_end_all(t);
	close(t->listener);
	close(t->epoll);
	log_flush();
}
