/* SPDX-License-Identifier: MIT */
/*
 * Sockets are read into one buffer that all connections share; only what the
 * other side doesn't take is kept with the connection.  So one that is idle
 * costs no buffers, here or in the library.  See relay.h.
 */
#include "proxy/tls/relay.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "shared/base/log.h"

#define ROUNDS 4 /* chunks each way, then others have their turn */

/* Keeps what could not be passed on.  False when memory is short. */
static bool
rest_keep(struct rest *rest, const char *bytes, size_t len)
{
	rest->bytes = malloc(CHUNK);
	if (rest->bytes == NULL)
		return false;
	memcpy(rest->bytes, bytes, len);
	rest->at = 0;
	rest->len = len;
	return true;
}

static void
rest_took(struct rest *rest, size_t n)
{
	rest->at += n;
	if (rest->at < rest->len)
		return;
	free(rest->bytes);
	*rest = (struct rest){0};
}

static void
rest_drop(struct rest *rest)
{
	rest_took(rest, rest->len - rest->at);
}

/* The client is out of reach.  What it had sent still goes its way. */
static void
relay_lose_client(struct conn *c)
{
	c->gone = true;
	c->up_ended = true;
	if (c->down.bytes)
		rest_drop(&c->down);
}

/* Chat wants nothing more from the client, and has nothing more for it. */
static void
relay_lose_clear(struct conn *c)
{
	if (c->up.bytes)
		rest_drop(&c->up);
	c->up_ended = c->up_shut = true;
	c->down_ended = true;
}

/* Sends to the clear side.  Returns how much was taken. */
static size_t
clear_send(struct conn *c, const char *bytes, size_t len)
{
	ssize_t n = send(c->clear.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n >= 0)
		return (size_t)n;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		return 0;
	relay_lose_clear(c);
	return len;
}

/* Sends to the client.  Returns how much was taken. */
static size_t
client_send(struct conn *c, const char *bytes, size_t len)
{
	size_t n = 0;
	int error;

	if (c->gone)
		return len;
	ERR_clear_error();
	if (SSL_write_ex(c->ssl, bytes, len, &n) == 1)
		return n;
	error = SSL_get_error(c->ssl, 0);
	if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ)
		return 0;
	relay_lose_client(c);
	return len;
}

/*
 * Reads from the client into the shared buffer.  Returns how much, 0 when
 * there is nothing now or ever again.
 */
static size_t
client_read(struct tls *t, struct conn *c)
{
	size_t n = 0;

	ERR_clear_error();
	c->read_wants_out = false;
	if (SSL_read_ex(c->ssl, t->chunk, CHUNK, &n) == 1)
		return n;
	switch (SSL_get_error(c->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_WANT_WRITE:
		c->read_wants_out = true;
		break;
	case SSL_ERROR_ZERO_RETURN: /* close_notify, or a FIN without it */
		c->up_ended = true;
		break;
	default:
		relay_lose_client(c);
		break;
	}
	return 0;
}

/* One chunk from the client.  Returns true when there may be more now. */
static bool
relay_up_once(struct tls *t, struct conn *c, bool ready)
{
	size_t n, taken;

	if (c->up.bytes) {
		rest_took(&c->up, clear_send(c, c->up.bytes + c->up.at,
				      c->up.len - c->up.at));
		if (c->up.bytes)
			return false;
	}
	if (c->up_ended || (!ready && !SSL_has_pending(c->ssl)))
		return false;
	n = client_read(t, c);
	if (n == 0)
		return false;
	if (c->up_shut) /* nobody wants it */
		return true;
	taken = clear_send(c, t->chunk, n);
	if (taken < n && !c->up_shut &&
	    !rest_keep(&c->up, t->chunk + taken, n - taken))
		relay_lose_client(c);
	/*
	 * What the library has read ahead, epoll doesn't know of.  As for the
	 * socket, epoll knows better than another read that finds nothing.
	 */
	return taken == n && SSL_has_pending(c->ssl);
}

/* One chunk to the client.  Returns true when there may be more now. */
static bool
relay_down_once(struct tls *t, struct conn *c, bool ready)
{
	ssize_t n;
	size_t taken;

	if (c->down.bytes) {
		rest_took(&c->down, client_send(c, c->down.bytes + c->down.at,
					c->down.len - c->down.at));
		if (c->down.bytes)
			return false;
	}
	if (c->down_ended || !ready)
		return false;
	n = recv(c->clear.fd, t->chunk, CHUNK, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n == -1)
		relay_lose_clear(c);
	if (n <= 0) {
		c->down_ended = true;
		return false;
	}
	taken = client_send(c, t->chunk, (size_t)n);
	if (taken < (size_t)n && !c->gone &&
	    !rest_keep(&c->down, t->chunk + taken, (size_t)n - taken))
		relay_lose_client(c);
	return n == CHUNK && taken == (size_t)n;
}

/* Passes the ends on that have come behind everything else. */
static void
relay_pass_ends(struct conn *c)
{
	int r;

	if (c->up_ended && !c->up.bytes && !c->up_shut) {
		shutdown(c->clear.fd, SHUT_WR);
		c->up_shut = true;
	}
	if (!c->down_ended || c->down.bytes || c->down_shut)
		return;
	if (!c->gone) {
		ERR_clear_error();
		r = SSL_shutdown(c->ssl);
		if (r < 0 && SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_WRITE)
			return;
		shutdown(c->client.fd, SHUT_WR);
	}
	c->down_shut = true;
}

bool
relay_run(struct tls *t, struct conn *c, unsigned ready)
{
	bool up = relay_up_once(t, c, (ready & RELAY_CLIENT) != 0);
	bool down = relay_down_once(t, c, (ready & RELAY_CLEAR) != 0);

	for (int i = 1; i < ROUNDS && (up || down); i++) {
		if (up)
			up = relay_up_once(t, c, true);
		if (down)
			down = relay_down_once(t, c, true);
	}
	relay_pass_ends(c);
	return up || down;
}

uint32_t
relay_wants_client(const struct conn *c)
{
	uint32_t events = 0;

	if (c->gone)
		return 0;
	if (!c->up_ended && !c->up.bytes)
		events |= c->read_wants_out ? EPOLLOUT : EPOLLIN;
	if (c->down.bytes || (c->down_ended && !c->down_shut))
		events |= EPOLLOUT;
	return events;
}

uint32_t
relay_wants_clear(const struct conn *c)
{
	uint32_t events = 0;

	if (!c->down_ended && !c->down.bytes)
		events |= EPOLLIN;
	if (c->up.bytes)
		events |= EPOLLOUT;
	return events;
}

bool
relay_is_over(const struct conn *c)
{
	return c->up_ended && c->up_shut && c->down_shut;
}

void
relay_free(struct conn *c)
{
	free(c->up.bytes);
	free(c->down.bytes);
	c->up = c->down = (struct rest){0};
}
