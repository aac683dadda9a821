/* SPDX-License-Identifier: MIT */
/* See link.h. */
#include "proxy/tls/link.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tls/conn.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define FDS_OWN 64
#define BATCH 16 /* messages, then others have their turn */

/* As many connections as may wait for their handshake: then no more. */
#define WAITING_MAX (4 * HANDSHAKES_MAX)

void
link_ready(struct tls *t, uint64_t began_us)
{
	struct channel_message m = {.type = CHANNEL_READY};

	m.ready.us = clock_us() - began_us;
	if (channel_send(t->channel, &m, NULL, 0) == -1)
		die(1, "channel-failed", NULL);
}

static void
link_pass(struct tls *t, const struct channel_message *m, const int *fds)
{
	for (unsigned i = 0; i < m->count; i++)
		conn_new(t, fds[i], m->pass[i].slot, m->pass[i].gen,
		    &m->pass[i].peer);
	t->acks++;
	if (t->stopping)
		conn_stop(t);
}

static void
link_reload(struct tls *t)
{
	char err[CERTS_ERROR_MAX], quoted[LOG_QUOTED(CERTS_ERROR_MAX)];
	struct certs *certs = certs_load(t->files, err, sizeof(err));

	if (certs == NULL) {
		log_errorx("tls-reload", "result=kept reason=%s",
		    log_quote(quoted, sizeof(quoted), err, strlen(err)));
		return;
	}
	certs_release(t->certs);
	t->certs = certs;
	log_info("tls-reload", "result=loaded");
	certs_log(certs, t->files);
}

static void
link_replace_log(const int *fds)
{
	if (log_replace(fds[0]) == -1)
		log_error("log-reopen-failed", NULL);
	close(fds[0]);
}

static void
link_obey(
    struct tls *t, const struct channel_message *m, int *fds, unsigned nfds)
{
	switch (m->type) {
	case CHANNEL_PASS:
		link_pass(t, m, fds);
		return;
	case CHANNEL_LOG:
		link_replace_log(fds);
		return;
	case CHANNEL_RELOAD:
		link_reload(t);
		break;
	case CHANNEL_STOP:
		t->stopping = true;
		conn_stop(t);
		break;
	default:
		break;
	}
	while (nfds > 0)
		close(fds[--nfds]);
}

/*
 * Is there room for what the next message may hold, two fds a connection, and
 * are not too many waiting already?
 */
static bool
link_has_room(const struct tls *t)
{
	return 2 * (t->nconns + CHANNEL_FDS) + FDS_OWN <= t->limit &&
	       t->counts[CONN_QUEUED] < WAITING_MAX;
}

void
link_on_readable(struct tls *t)
{
	for (int i = 0; i < BATCH && link_has_room(t); i++) {
		struct channel_message m;
		int fds[CHANNEL_FDS];
		unsigned nfds;
		int r = channel_recv(t->channel, &m, fds, &nfds);

		if (r == 1) {
			link_obey(t, &m, fds, nfds);
			continue;
		}
		if (r == -1 && errno == EPROTO)
			die(1, "channel-failed", NULL);
		if (r == 0 || errno != EAGAIN)
			t->deaf = true;
		return;
	}
}

void
link_on_ping(struct tls *t)
{
	struct ping ping;

	while (
	    recv(t->ping, &ping, sizeof(ping), MSG_DONTWAIT) == sizeof(ping)) {
		ping.waits_for = -1;
		ping.acquisition = 0;
		(void)send(
		    t->ping, &ping, sizeof(ping), MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* Sends what is to be told of it; false when that is to be tried again. */
static bool
link_send(struct tls *t, const struct conn *c)
{
	struct channel_message m = {.type = CHANNEL_CLOSED};

	if (c->handed != -1) {
		m.type = CHANNEL_CLEAR;
		m.count = 1;
		m.clear.slot = c->slot;
		m.clear.gen = c->gen;
		m.clear.tls = c->suite;
	} else {
		m.closed.slot = c->slot;
		m.closed.gen = c->gen;
		m.closed.reason = c->reason;
		m.closed.in = c->in;
		m.closed.out = c->out;
	}
	return channel_send(t->channel, &m, &c->handed, c->handed != -1) == 0 ||
	       (errno != EAGAIN && errno != ETOOMANYREFS);
}

/* Wait until the channel takes more, and for what comes if there is room. */
static void
link_watch(struct tls *t)
{
	struct epoll_event event = {.data.ptr = &t->channel};

	if (link_has_room(t))
		event.events |= EPOLLIN;
	if (!TAILQ_EMPTY(&t->untold))
		event.events |= EPOLLOUT;
	if (event.events == t->channel_events)
		return;
	if (epoll_ctl(t->epoll, EPOLL_CTL_MOD, t->channel, &event) == -1)
		die(1, "epoll-failed", "fd=%d", t->channel);
	t->channel_events = event.events;
}

void
link_forget(struct tls *t, struct conn *c)
{
	if (c->is_untold)
		TAILQ_REMOVE(&t->untold, c, untold);
	c->is_untold = false;
	if (c->handed != -1)
		close(c->handed);
	c->handed = -1;
}

void
link_tell(struct tls *t, struct conn *c)
{
	if (TAILQ_EMPTY(&t->untold) && link_send(t, c)) {
		link_forget(t, c);
		return;
	}
	c->is_untold = true;
	TAILQ_INSERT_TAIL(&t->untold, c, untold);
}

static void
link_acknowledge(struct tls *t)
{
	struct channel_message ack = {.type = CHANNEL_ACK, .count = t->acks};

	if (t->acks > 0 && channel_send(t->channel, &ack, NULL, 0) == 0)
		t->acks = 0;
}

void
link_flush(struct tls *t)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&t->untold)) != NULL && link_send(t, c))
		link_forget(t, c);
	link_acknowledge(t);
	link_watch(t);
}
