/* SPDX-License-Identifier: MIT */
/*
 * Connections: two streams of bytes with their ends, seen from the server's
 * kernel.  What a client sends arrives at once, and what it reads is
 * acknowledged at once; how fast either happens is the client's business.
 * Modelled after Linux where the code under test can see it: which counters
 * count a FIN, what is left to read after an RST, which end resets.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/model/sim/sim.h"

void *__real_memcpy(void *dst, const void *src, size_t len);

struct conn *
conn_open(int client)
{
	struct conn *c = &sim.conns[client];
	struct bytes in = c->in, out = c->out;

	*c = (struct conn){.used = true, .client = client};
	c->in = in;
	c->out = out;
	c->in.len = c->out.len = 0;
	c->sndbuf = sim.profile.sndbuf;
	return c;
}

void
conn_hold(struct conn *c)
{
	c->refs++;
}

/*
 * The last fd is closed: input that nobody read makes it a reset, which hurts
 * a client that still has something to read.
 */
static void
conn_close(struct conn *c)
{
	struct file file = {c, 0};

	epoll_forget(&file);
	if (c->rst)
		return;
	if (c->in_read < c->in.len && !c->fin_acked) {
		TRACE("client %d: reset, its input was not read", c->client);
		c->aborted = true;
		c->rst = true;
	}
	c->shut_wr = true;
}

void
conn_drop(struct conn *c)
{
	if (--c->refs == 0)
		conn_close(c);
	if (c->refs < 0)
		fail("client %d: its fd is closed once too often", c->client);
}

ssize_t
conn_recv(struct conn *c, char *dst, size_t len, bool peek)
{
	size_t n = c->in.len - c->in_read;

	if (random_percent(sim.profile.failures)) {
		errno = EINTR;
		return -1;
	}
	if (n > 0) {
		n = n < len ? n : len;
		__real_memcpy(dst, c->in.data + c->in_read, n);
		c->in_read += peek ? 0 : n;
		return (ssize_t)n;
	}
	if (c->error != 0) {
		errno = c->error;
		c->error = 0;
		return -1;
	}
	if (c->fin_in || c->rst || c->shut_rd)
		return 0;
	errno = EAGAIN;
	return -1;
}

static size_t
space(const struct conn *c)
{
	size_t queued = c->out.len - c->out_acked;

	return c->sndbuf > queued ? c->sndbuf - queued : 0;
}

ssize_t
conn_send(struct conn *c, const struct iovec *iov, size_t n, bool whole)
{
	size_t room = space(c), sent = 0;
	bool empty = c->out.len == c->out_acked;

	if (c->error != 0) {
		errno = c->error;
		c->error = 0;
		return -1;
	}
	if (c->rst || c->shut_wr) {
		errno = EPIPE;
		return -1;
	}
	if (random_percent(sim.profile.failures)) {
		errno = random_percent(50) ? ENOBUFS : EINTR;
		return -1;
	}
	if (room > 0 && random_percent(sim.profile.short_sends))
		room = random_below((unsigned)room);
	if (whole && empty) /* as every real queue takes at least */
		room = MAX(room, (size_t)2048);
	for (size_t i = 0; i < n && sent < room; i++) {
		size_t part = MIN(iov[i].iov_len, room - sent);

		bytes_add(&c->out, iov[i].iov_base, part);
		sent += part;
	}
	if (sent > 0)
		return (ssize_t)sent;
	errno = EAGAIN;
	return -1;
}

void
conn_shutdown(struct conn *c, int how)
{
	if (how != SHUT_WR)
		c->shut_rd = true;
	if (how != SHUT_RD)
		c->shut_wr = true;
}

uint32_t
conn_poll(const struct conn *c)
{
	uint32_t events = 0;
	bool closed = c->rst || (c->fin_in && c->fin_acked);

	if (closed || (c->shut_wr && (c->fin_in || c->shut_rd)))
		events |= EPOLLHUP;
	if (c->in_read < c->in.len || c->fin_in || c->shut_rd || c->rst)
		events |= EPOLLIN;
	if (c->shut_wr || c->rst || space(c) >= c->sndbuf / 3)
		events |= EPOLLOUT;
	if (c->error != 0)
		events |= EPOLLERR;
	return events;
}

/* The client resets it. */
void
conn_reset(struct conn *c)
{
	if (c->rst)
		return;
	c->error = c->fin_in ? EPIPE : ECONNRESET;
	c->rst = true;
}
