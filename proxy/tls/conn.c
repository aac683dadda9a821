/* SPDX-License-Identifier: MIT */
/*
 * The master keeps a dup of a connection's fd until it is handed back, so
 * closing ours sends no FIN and takes nothing out of our epoll set: both are
 * done by hand first.  See conn.h.
 */
#include "proxy/tls/conn.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/tls/link.h"
#include "proxy/tls/relay.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/net/pair.h"
#include "shared/net/suite.h"
#include "shared/shm/tables.h"

#define HANDSHAKE_US (10 * 1000 * 1000)
#define ENDING_US (10 * 1000 * 1000)
#define FINISHED_US (2 * 1000 * 1000)
#define STOPPING_US (1500 * 1000) /* either of both, when the server stops */
#define NAME_SHOWN 64             /* bytes of what a client says */

void
conn_enter(struct tls *t, struct conn *c, enum conn_state state)
{
	static const uint64_t times[CONN_STATES] = {
	    [CONN_SILENT] = HANDSHAKE_US,
	    [CONN_ENDING] = ENDING_US,
	    [CONN_FINISHED] = FINISHED_US,
	};

	TAILQ_REMOVE(&t->lists[c->state], c, entry);
	t->counts[c->state]--;
	if (state == CONN_QUEUED) /* what it waits there doesn't count */
		c->due_us -= MIN(c->due_us, t->now_us);
	else if (state == CONN_SHAKING)
		c->due_us += c->state == CONN_QUEUED ? t->now_us : 0;
	else if (t->stopping)
		c->due_us =
		    t->now_us + MIN(times[state], (uint64_t)STOPPING_US);
	else
		c->due_us = t->now_us + times[state];
	c->state = state;
	TAILQ_INSERT_TAIL(&t->lists[state], c, entry);
	t->counts[state]++;
}

void
conn_new(
    struct tls *t, int fd, uint32_t slot, uint32_t gen, const struct peer *peer)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		die(1, "out-of-memory", "bytes=%zu", sizeof(*c));
	c->slot = slot;
	c->gen = gen;
	c->id = peer->id;
	c->kind = (enum listener_kind)peer->kind;
	c->client.fd = fd;
	c->clear.fd = -1;
	c->handed = -1;
	c->state = CONN_SILENT;
	TAILQ_INSERT_TAIL(&t->lists[CONN_SILENT], c, entry);
	t->counts[CONN_SILENT]++;
	t->nconns++;
	conn_enter(t, c, CONN_SILENT);
	conn_step(t, c, RELAY_CLIENT);
}

/*
 * What isn't waited for isn't registered at all: a side that is broken would
 * be reported again and again.
 */
static void
conn_watch_side(
    struct tls *t, struct conn *c, struct side *side, uint32_t events)
{
	/* A connection is aligned: there is room for which side it is. */
	uint64_t tag = (uint64_t)(uintptr_t)c | (side == &c->clear);
	struct epoll_event event = {.events = events, .data.u64 = tag};
	int op = EPOLL_CTL_MOD;

	if (side->fd == -1 || side->events == events)
		return;
	if (side->events == 0)
		op = EPOLL_CTL_ADD;
	else if (events == 0)
		op = EPOLL_CTL_DEL;
	if (epoll_ctl(t->epoll, op, side->fd, &event) == -1)
		die(1, "epoll-failed", "fd=%d", side->fd);
	side->events = events;
}

static void
conn_watch(struct tls *t, struct conn *c)
{
	uint32_t client = 0, clear = 0;

	switch (c->state) {
	case CONN_SILENT:
		client = EPOLLIN;
		break;
	case CONN_SHAKING:
		client = SSL_want_write(c->ssl) ? EPOLLOUT : EPOLLIN;
		break;
	case CONN_OPEN:
	case CONN_ENDING:
	case CONN_FINISHED:
		client = relay_wants_client(c);
		clear = relay_wants_clear(c);
		break;
	case CONN_QUEUED:
	case CONN_DEAD:
	case CONN_STATES:
		break;
	}
	conn_watch_side(t, c, &c->client, client);
	conn_watch_side(t, c, &c->clear, clear);
}

static void
conn_close_side(struct tls *t, struct conn *c, struct side *side)
{
	if (side->fd == -1)
		return;
	conn_watch_side(t, c, side, 0);
	shutdown(side->fd, SHUT_RDWR);
	close(side->fd);
	side->fd = -1;
}

void
conn_close(struct tls *t, struct conn *c)
{
	if (c->has_more)
		TAILQ_REMOVE(&t->again, c, more);
	c->has_more = false;
	conn_close_side(t, c, &c->client);
	conn_close_side(t, c, &c->clear);
	SSL_free(c->ssl);
	c->ssl = NULL;
	certs_release(c->certs);
	c->certs = NULL;
	relay_free(c);
	conn_enter(t, c, CONN_DEAD);
	t->nconns--;
}

/*
 * No handshake came of it.  What the client has sent is thrown away, as
 * otherwise the close would be a reset that might overtake the alert.
 */
static void
conn_refuse(struct tls *t, struct conn *c, enum close_reason reason)
{
	if (c->ssl) {
		c->in = BIO_number_read(SSL_get_rbio(c->ssl));
		c->out = BIO_number_written(SSL_get_wbio(c->ssl));
	}
	c->reason = (uint32_t)reason;
	shutdown(c->client.fd, SHUT_WR);
	recv(c->client.fd, NULL, 64 * 1024, MSG_DONTWAIT | MSG_TRUNC);
	link_tell(t, c);
	conn_close(t, c);
}

static void
conn_fail(struct tls *t, struct conn *c, int error)
{
	unsigned long code = ERR_peek_error();
	const char *why = code ? ERR_reason_error_string(code) : NULL;

	if (!why)
		why = error == SSL_ERROR_SYSCALL && errno != 0
			  ? strerror(errno)
			  : "the client has gone";
	log_info("tls-failed", "session=%" PRIu64 " error=\"%s\"", c->id, why);
	conn_refuse(t, c, CLOSE_TLS_HANDSHAKE);
}

static void
conn_log(const struct conn *c)
{
	const char *name =
	    SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	char quoted[LOG_QUOTED(NAME_SHOWN)];
	char sni[sizeof(quoted) + 8] = "";

	if (name)
		snprintf(sni, sizeof(sni), " sni=%s",
		    log_quote(quoted, sizeof(quoted), name, strlen(name)));
	log_info("tls", "session=%" PRIu64 " version=%s cipher=%s resumed=%s%s",
	    c->id, suite_version(c->suite), suite_cipher(c->suite),
	    SSL_session_reused(c->ssl) ? "yes" : "no", sni);
}

/* The handshake is done: the rest goes through a pair. */
static void
conn_open(struct tls *t, struct conn *c)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(c->ssl);
	struct pair pair;

	c->suite = (uint8_t)suite_of(SSL_CIPHER_get_protocol_id(cipher));
	conn_log(c);
	if (c->suite == SUITE_NONE || pair_make(t->listener, &pair) == -1) {
		log_warn("tls-no-pair", "session=%" PRIu64, c->id);
		conn_refuse(t, c, CLOSE_INTERNAL);
		return;
	}
	certs_release(c->certs);
	c->certs = NULL;
	c->clear.fd = pair.connecting;
	c->handed = pair.accepted;
	conn_enter(t, c, CONN_OPEN);
	link_tell(t, c);
}

static void
conn_shake(struct tls *t, struct conn *c)
{
	int r, error;

	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(c->ssl);
	if (r == 1) {
		conn_open(t, c);
		return;
	}
	error = SSL_get_error(c->ssl, r);
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		conn_fail(t, c, error);
}

/* Begin the handshake, or wait until there are fewer. */
static void
conn_begin(struct tls *t, struct conn *c)
{
	if (t->counts[CONN_SHAKING] >= HANDSHAKES_MAX) {
		if (c->state != CONN_QUEUED)
			conn_enter(t, c, CONN_QUEUED);
		return;
	}
	conn_enter(t, c, CONN_SHAKING);
	c->certs = certs_hold(t->certs);
	c->ssl = certs_begin(c->certs, c->kind == LISTENER_WEB_TLS);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->client.fd) != 1)
		conn_fail(t, c, SSL_ERROR_SSL);
}

/* What has become of it, now that what could be carried has been. */
static void
conn_settle(struct tls *t, struct conn *c)
{
	if (relay_is_over(c))
		conn_close(t, c);
	else if (c->down_shut && c->state != CONN_FINISHED)
		conn_enter(t, c, CONN_FINISHED);
	else if ((c->down_ended || c->gone) && c->state == CONN_OPEN)
		conn_enter(t, c, CONN_ENDING);
}

static void
conn_relay(struct tls *t, struct conn *c, unsigned ready)
{
	bool more = relay_run(t, c, ready);

	conn_settle(t, c);
	if (c->state == CONN_DEAD || more == c->has_more)
		return;
	c->has_more = more;
	if (more)
		TAILQ_INSERT_TAIL(&t->again, c, more);
	else
		TAILQ_REMOVE(&t->again, c, more);
}

/* A client is silent until the first byte is there, or its end. */
static bool
conn_is_silent(const struct conn *c)
{
	char byte;

	return recv(c->client.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == -1 &&
	       errno == EAGAIN;
}

void
conn_step(struct tls *t, struct conn *c, unsigned ready)
{
	if (c->state == CONN_SILENT && !conn_is_silent(c))
		conn_begin(t, c);
	if (c->state == CONN_SHAKING)
		conn_shake(t, c);
	if (c->state == CONN_OPEN || c->state == CONN_ENDING ||
	    c->state == CONN_FINISHED)
		conn_relay(t, c, ready);
	if (c->state != CONN_DEAD)
		conn_watch(t, c);
}

void
conn_admit(struct tls *t)
{
	while (t->counts[CONN_SHAKING] < HANDSHAKES_MAX &&
	       t->counts[CONN_QUEUED] > 0) {
		struct conn *c = TAILQ_FIRST(&t->lists[CONN_QUEUED]);

		conn_begin(t, c);
		conn_step(t, c, RELAY_CLIENT);
	}
}

/* Who came first is due first, but for handshakes that had to wait. */
static uint64_t
conn_expire_list(struct tls *t, enum conn_state state)
{
	uint64_t next = UINT64_MAX;
	struct conn *c = TAILQ_FIRST(&t->lists[state]), *following;

	for (; c != NULL; c = following) {
		following = TAILQ_NEXT(c, entry);
		if (c->due_us > t->now_us) {
			next = MIN(next, c->due_us);
			if (state != CONN_SHAKING)
				break;
		} else if (state == CONN_SILENT || state == CONN_SHAKING) {
			conn_refuse(t, c, CLOSE_TLS_TIMEOUT);
		} else {
			conn_close(t, c);
		}
	}
	return next;
}

uint64_t
conn_expire(struct tls *t)
{
	uint64_t next = UINT64_MAX;

	next = MIN(next, conn_expire_list(t, CONN_SILENT));
	next = MIN(next, conn_expire_list(t, CONN_SHAKING));
	next = MIN(next, conn_expire_list(t, CONN_ENDING));
	next = MIN(next, conn_expire_list(t, CONN_FINISHED));
	return next;
}

void
conn_stop(struct tls *t)
{
	static const enum conn_state early[] = {
	    CONN_SILENT, CONN_QUEUED, CONN_SHAKING};
	struct conn *c;

	for (size_t i = 0; i < COUNT(early); i++)
		while ((c = TAILQ_FIRST(&t->lists[early[i]])) != NULL)
			conn_refuse(t, c, CLOSE_SHUTDOWN);
}

void
conn_sweep(struct tls *t)
{
	struct conn *c = TAILQ_FIRST(&t->lists[CONN_DEAD]), *following;

	for (; c != NULL; c = following) {
		following = TAILQ_NEXT(c, entry);
		if (c->is_untold)
			continue;
		TAILQ_REMOVE(&t->lists[CONN_DEAD], c, entry);
		t->counts[CONN_DEAD]--;
		free(c);
	}
}

void
conn_end_all(struct tls *t)
{
	struct conn *c;

	for (unsigned state = 0; state < CONN_DEAD; state++)
		while ((c = TAILQ_FIRST(&t->lists[state])) != NULL)
			conn_close(t, c);
	while ((c = TAILQ_FIRST(&t->untold)) != NULL)
		link_forget(t, c);
	conn_sweep(t);
}
