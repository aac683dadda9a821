/* SPDX-License-Identifier: MIT */
/*
 * Clients: each works off its script, and reads at its own pace.
 */
#include <string.h>

#include "tests/model/sim/sim.h"

#define AWAKE_US 6000000

void *__real_memcpy(void *dst, const void *src, size_t len);

static const struct op *
op_now(const struct client *c)
{
	return c->op < c->nops ? &c->ops[c->op] : NULL;
}

/* Look at the lines that came since the last time. */
static void
look(struct client *c)
{
	char join[64];
	size_t n = notice_join(join, sizeof(join), c->name, strlen(c->name));

	for (;;) {
		const char *line = c->got.data + c->parsed;
		const char *end = memchr(line, '\n', c->got.len - c->parsed);
		size_t len;

		if (c->got.len == c->parsed || end == NULL)
			return;
		len = (size_t)(end - line) + 1;
		if (len == n && memcmp(line, join, n) == 0)
			c->join_seen = true;
		asked_line(c, line, len);
		if (asked_kind(line, len) == ASKED_NOTHING)
			who_line(c, line, len);
		else
			who_end(c);
		if (len > 16 && memcmp(line, "*** error lagged", 16) == 0)
			c->join_seen = true; /* it may be what it missed */
		else if (len > 9 && memcmp(line, "*** error", 9) == 0)
			c->replies_seen++;
		c->parsed += len;
	}
}

/* Not for so long that it would be cut off for it. */
bool
client_sleeps(const struct client *c)
{
	return c->sleepy && sim.quiets < QUIET_AWAKE && sim.now_us < AWAKE_US;
}

unsigned
client_listener(const struct client *c)
{
	return c->telnet ? LISTENER_TELNET
	       : c->web  ? LISTENER_WEB
			 : LISTENER_LINE;
}

/* Read something.  False if there was nothing, or it sleeps. */
static bool
read_some(int i)
{
	struct client *c = &sim.clients[i];
	struct conn *conn = c->conn;
	size_t n = conn->out.len - conn->out_acked;

	if (client_sleeps(c))
		return false;
	if (c->deaf && c->op == c->nops - 1) {
		c->done = conn->refs == 0;
		return c->done;
	}
	if (n > 0) {
		n = MIN(n, (size_t)1 + random_below(c->pace));
		if (c->edits)
			typing_read(c, conn->out.data + conn->out_acked, n);
		else
			dialect_read(c, conn->out.data + conn->out_acked, n);
		conn->out_acked += n;
		look(c);
		return true;
	}
	if (conn->aborted || (conn->shut_wr && !conn->fin_acked)) {
		conn->fin_acked = true;
		TRACE("client %d: reads the end", i);
		if (!conn->fin_in && !conn->rst)
			conn->fin_in = true;
		c->done = true;
		return true;
	}
	return false;
}

static bool
send_some(struct client *c, const struct op *op)
{
	struct conn *conn = c->conn;
	size_t queued = conn->in.len - conn->in_read, n = op->to - c->sent;

	if (conn->rst || conn->shut_rd || conn->refs == 0) {
		c->sent = op->to; /* goes nowhere */
		c->op++;
		return true;
	}
	if (queued >= sim.profile.rcvbuf || c->answering)
		return false;
	if (!op->whole && n > 1 && random_percent(60))
		n = 1 + random_below((unsigned)n);
	bytes_add(&conn->in, c->text.data + c->sent, n);
	who_sent(c, c->sent, c->sent + n);
	if (c->edits)
		typing_sent(c, c->sent, c->sent + n);
	c->sent += n;
	if (c->sent == op->to)
		c->op++;
	return true;
}

static bool
passed(struct client *c, bool yes)
{
	if (yes)
		c->op++;
	return yes;
}

/*
 * Wait until the other one has joined, whose name is then asked for; if it may
 * have left again, do without: pass over the send and its reply.
 */
static bool
wait_for_other(struct client *c, const struct op *op)
{
	if (sim.quiets >= QUIET_OPEN) {
		c->sent = op[1].to;
		c->replies[op[2].to - 1] = CHAT_OK;
		c->replies_seen++;
		c->op += 3;
		return true;
	}
	return passed(c, sim.clients[op->to].nstays > 0);
}

/* Work on the script. */
static bool
act(int i)
{
	struct client *c = &sim.clients[i];
	const struct op *op = op_now(c);

	if (op == NULL)
		return false;
	switch (op->kind) {
	case OP_SEND:
		return send_some(c, op);
	case OP_ASKED:
		return passed(c, typing_is_asked(c));
	case OP_EDITING:
		return passed(c, typing_is_on(c));
	case OP_OPENED:
		return passed(c, c->opened);
	case OP_JOINED:
		return passed(c, c->join_seen);
	case OP_REPLIES:
		return passed(c, c->replies_seen >= (int)op->to);
	case OP_OTHER:
		return wait_for_other(c, op);
	case OP_REST:
		return passed(c, sim.quiets >= op->to);
	case OP_BARRIER:
		return passed(c, sim.quiets >= QUIET_OPEN);
	case OP_FIN:
		TRACE("client %d: ends its side", i);
		c->conn->fin_in = true;
		return passed(c, true);
	case OP_RESET:
		TRACE("client %d: resets", i);
		conn_reset(c->conn);
		c->done = true;
		return passed(c, true);
	case OP_END:
		return false;
	}
	return false;
}

static bool
connect_now(int i)
{
	struct client *c = &sim.clients[i];

	if (c->conn == NULL)
		c->conn = conn_open(i);
	if (!master_accept(i))
		return false;
	c->connected = true;
	return true;
}

/* One thing that client does.  False when there is nothing it can do. */
bool
client_step(int i)
{
	struct client *c = &sim.clients[i];

	if (c->done)
		return false;
	if (!c->connected)
		return connect_now(i);
	if (random_percent(50))
		return act(i) || read_some(i) || typing_answer(c);
	return read_some(i) || typing_answer(c) || act(i);
}
