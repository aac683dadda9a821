/* SPDX-License-Identifier: MIT */
/*
 * Sessions that come by the web: a connection first sends requests, and becomes
 * a WebSocket by one of them.  From then on its messages are lines, as those of
 * anybody else (proxy/wslines.h), and what it reads is one more dialect.
 *
 * An answer is a line said to one client, like any other (reply.c): a function
 * of what the row says, rendered again if it is cut.
 */
#include "worker/web.h"

#include <string.h>

#include "proxy/http.h"
#include "proxy/page.h"
#include "shared/base/fault.h"
#include "shared/shm/metrics.h"
#include "worker/scrape.h"

static_assert(HTTP_HEAD_MAX <= LIMIT_REQUEST, "a request's head can be kept");
static_assert(HTTP_ANSWER_MAX + REASON_MAX <= STAGING_BYTES, "an answer, too");

/*
 * An answer, in `arg` of a reply: its status, and this.  Which body goes with
 * it follows from the status, but for that of 200.
 */
enum answer_bit {
	ANSWER_STATUS = 0x3ff,
	ANSWER_KEEP_ALIVE = 0x400,
	ANSWER_HEAD = 0x800,      /* no body */
	ANSWER_PROTOCOL = 0x1000, /* the client asked for one, which is */
	ANSWER_TEXT = 0x2000,     /* chat.text, and not chat.json */
	ANSWER_HEALTH = 0x4000,   /* 200: all is well, and not the page */
	ANSWER_METRICS = 0x8000,  /* 200: the head of the figures */
};

bool
web_is_upgraded(const struct session_shm *s)
{
	return session_is_web(s) && s->half.upgraded;
}

bool
web_is_closing(const struct session_shm *s)
{
	return web_is_upgraded(s) && s->ws.closing != 0;
}

bool
web_is_answering(const struct session_shm *s)
{
	return web_is_upgraded(s) && s->ws.pong_len != 0;
}

/* Its queue must not get the next pong before the last one is out of it. */
bool
web_is_stuck(const struct session_shm *s)
{
	return web_is_answering(s) && s->ws.pong_off != 0;
}

/*
 * Decode `got` bytes that were read behind those that were kept; as
 * input_decode, which see.
 */
size_t
web_decode(struct worker *w, size_t got)
{
	const struct note_in *note = &w->seat->in;
	size_t kept = note->kept, tail;

	w->ws = note->ws;
	tail = wslines_tail(&w->ws);
	if (tail > kept) { /* of a process gone wrong */
		wslines_lose(&w->ws);
		tail = 0;
	}
	w->text = w->decoded;
	memcpy(w->decoded, w->input, kept - tail);
	wslines_load(&w->ws, w->input + kept - tail, &w->tail);
	return kept - tail +
	       wslines_decode(&w->ws, w->settings->max_line, &w->tail,
		   w->input + kept, got, w->decoded + kept - tail);
}

/*
 * Bytes of lines that `n` bytes will be which come where `ws` is, without
 * consuming them; `to` has room for n + WSLINES_EXTRA.
 */
size_t
web_peek(const struct worker *w, struct ws_shm *ws, const char *in, size_t n,
    char *to)
{
	struct wslines_tail tail = {0}; /* no part of lines */

	return wslines_decode(ws, w->settings->max_line, &tail, in, n, to);
}

/* What can't be kept of it, for want of a buffer. */
void
web_lose(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);

	if (!web_is_upgraded(s))
		return;
	/* Half a frame that can't go on: that connection has lost its thread.
	 */
	s->half.broken |= web_is_stuck(s);
	wslines_lose(&s->ws);
}

static void
answer(struct consumer *c, unsigned status, unsigned bits)
{
	if ((bits & (ANSWER_METRICS | ANSWER_HEAD)) == ANSWER_METRICS)
		session_reply(c->w, c->slot, &c->half, REPLY_METRICS, 0);
	else
		session_reply(
		    c->w, c->slot, &c->half, REPLY_HTTP, status | bits);
	if ((bits & ANSWER_KEEP_ALIVE) != 0 || status == 101) {
		c->s->deadline_us = web_deadline(c->w);
		journal_step(&c->w->journal, c->slot, &c->half);
	} else {
		talk_end(c->w, c->slot, &c->half, CLOSE_ANSWERED);
	}
}

/* From the answer on it is a WebSocket. */
static void
upgrade(struct consumer *c, const struct http_request *r)
{
	struct session_half *h = &c->half;
	bool text = r->protocol == HTTP_PROTOCOL_TEXT;
	bool named = text || r->protocol == HTTP_PROTOCOL_JSON;

	h->state = SESSION_ROOM;
	h->upgraded = 1;
	h->dialect = (uint8_t)(DIALECT_WS | (text ? 0 : DIALECT_JSON));
	ws_accept(r->key.at, h->accept);
	answer(
	    c, 101, (named ? ANSWER_PROTOCOL : 0) | (text ? ANSWER_TEXT : 0));
}

static bool
origin_is_allowed(const struct settings *set, const struct http_request *r)
{
	const char *origins[SETTINGS_ORIGINS];
	uint32_t n = MIN(set->origins_count, (uint32_t)SETTINGS_ORIGINS);

	for (uint32_t i = 0; i < n; i++)
		origins[i] = set->origins[i];
	return http_origin_is_allowed(r, origins, n);
}

/* Why a request for a WebSocket is refused, or 0. */
static unsigned
upgrade_refused(const struct worker *w, const struct http_request *r)
{
	if (!r->upgrade || !r->version_13)
		return 426;
	if (r->method != HTTP_GET || r->key.at == NULL)
		return 400;
	return origin_is_allowed(w->settings, r) ? 0 : 403;
}

static bool
is_path(const struct http_request *r, const char *path)
{
	return r->path.len == strlen(path) &&
	       memcmp(r->path.at, path, r->path.len) == 0;
}

/* What is answered to one for the figures, and to no other. */
static unsigned
choose_figures(
    const struct worker *w, const struct http_request *r, unsigned *bits)
{
	if (is_path(r, "/metrics"))
		*bits |= ANSWER_METRICS;
	else if (is_path(r, "/healthz"))
		*bits |= ANSWER_HEALTH;
	else
		return 404;
	return (*bits & ANSWER_METRICS) != 0 || scrape_is_healthy(w) ? 200
								     : 503;
}

/* What is answered to a request that is well-formed, with more bits. */
static unsigned
choose(const struct consumer *c, const struct http_request *r, unsigned *bits)
{
	unsigned refused;

	if (c->s->kind == LISTENER_METRICS)
		return choose_figures(c->w, r, bits);
	if (is_path(r, "/"))
		return http_has(r, page_etag) ? 304 : 200;
	if (!is_path(r, "/chat"))
		return 404;
	refused = upgrade_refused(c->w, r);
	return refused != 0 ? refused : 101;
}

static void
count_request(struct seat_shm *seat, bool upgraded)
{
	atomic_fetch_add_explicit(&seat->requests, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &seat->websockets, upgraded, memory_order_relaxed);
}

/* A whole head has come, `len` bytes; more may have come behind it. */
static void
on_request(struct consumer *c, const char *head, size_t len, bool more)
{
	struct http_request r;
	unsigned status = http_parse(head, len, &r), bits = 0;

	c->half.in_done += len;
	if (status == 0) {
		status = choose(c, &r, &bits);
		/* It has to wait for the answer before it sends a frame. */
		if (status == 101 && more)
			status = 400;
		/* Where the figures end, the connection does. */
		if (r.keep_alive && status < 400 &&
		    (bits & ANSWER_METRICS) == 0)
			bits |= ANSWER_KEEP_ALIVE;
	}
	if (r.method == HTTP_HEAD) /* so much is known of refused ones, too */
		bits |= ANSWER_HEAD;
	if (status == 101)
		upgrade(c, &r);
	else
		answer(c, status, bits);
	count_request(c->w->seat, status == 101);
}

enum progress
web_request(struct consumer *c)
{
	const char *at = c->w->text + (c->half.in_done - c->base);
	size_t len = (size_t)(c->total - c->half.in_done);
	long end;

	if (len == 0)
		return STOP;
	if (talk_reply_waits(c))
		return WAIT;
	end = http_head_end(at, len);
	if (end == 0)
		return STOP;
	if (end < 0) {
		c->half.in_done = c->total;
		answer(c, 431, 0);
	} else {
		on_request(c, at, (size_t)end, len > (size_t)end);
	}
	FAULT_POINT("web.request");
	return c->half.state == SESSION_LEAVING ? STOP : GO_ON;
}

/* Say `status` to one that is about to be closed: nobody asked for it. */
void
web_turn_away(struct worker *w, uint32_t slot, struct session_half *half,
    enum chat_error why)
{
	unsigned status = why == CHAT_LOGIN_TIMEOUT   ? 408
			  : why == CHAT_TOO_LONG      ? 431
			  : why == CHAT_SHUTTING_DOWN ? 503
						      : 500;

	/* Without a request there is nothing to answer. */
	if (half->in_done < session_input_end(session_row(w, slot)))
		session_reply(w, slot, half, REPLY_HTTP, status);
}

uint64_t
web_deadline(const struct worker *w)
{
	return w->settings->login_timeout_s == 0
		   ? UINT64_MAX
		   : w->now_us +
			 w->settings->login_timeout_s * UINT64_C(1000000);
}

/* The body that goes with an answer. */
static struct iovec
body_of(unsigned arg, char reason[REASON_MAX])
{
	static char healthy[] = "ok\n";
	unsigned status = arg & ANSWER_STATUS;
	const char *text = http_reason(status);
	size_t len = MIN(strlen(text), (size_t)REASON_MAX - 2);

	if (status == 101 || status == 304 || (arg & ANSWER_METRICS) != 0)
		return (struct iovec){0};
	if (status == 200 && (arg & ANSWER_HEALTH) != 0)
		return (struct iovec){healthy, sizeof(healthy) - 1};
	if (status == 200)
		return (struct iovec){(void *)(uintptr_t)page_bytes, page_size};
	memcpy(reason, text, len);
	reason[len] = '\n';
	return (struct iovec){reason, len + 1};
}

/* The figures have no length beforehand, and therefore end the connection. */
static struct http_answer
figures_head(uint64_t time_us)
{
	return (struct http_answer){
	    .status = 200,
	    .time_us = time_us,
	    .content_type = "text/plain; version=0.0.4; charset=utf-8",
	    .length = HTTP_LENGTH_UNKNOWN,
	};
}

/*
 * The head is at position 0, together with what is at the figures' own first
 * one; from there on positions are theirs and 1.
 */
size_t
web_metrics(const struct worker *w, const struct session_half *half, char *dst,
    size_t size, uint64_t *next)
{
	struct reply r = half->reply;
	size_t len = 0;

	if (r.arg == 0) {
		const struct http_answer a = figures_head(r.time_us);

		len = http_answer(dst, &a);
		*next = 1;
		if (size - len < METRICS_PIECE_MIN)
			return len;
	} else {
		r.arg--;
	}
	len += scrape_piece(w, &r, dst + len, size - len, next);
	if (*next != REPLY_DONE)
		++*next;
	return len;
}

struct iovec
web_answer(const struct session_half *half, char *head, size_t *head_len,
    char reason[REASON_MAX])
{
	unsigned arg = (unsigned)half->reply.arg;
	unsigned status = arg & ANSWER_STATUS;
	struct iovec body = body_of(arg, reason);
	bool page = (status == 200 || status == 304) &&
		    (arg & (ANSWER_HEALTH | ANSWER_METRICS)) == 0;
	struct http_answer a = {
	    .status = status,
	    .keep_alive = (arg & ANSWER_KEEP_ALIVE) != 0,
	    .time_us = half->reply.time_us,
	    .content_type = page ? "text/html; charset=utf-8" : NULL,
	    .etag = page ? page_etag : NULL,
	    .policy = page ? page_policy : NULL,
	    .length = body.iov_len,
	    .protocol = (arg & ANSWER_PROTOCOL) == 0 ? HTTP_PROTOCOL_NONE
			: (arg & ANSWER_TEXT) != 0   ? HTTP_PROTOCOL_TEXT
						     : HTTP_PROTOCOL_JSON,
	    .accept = half->accept,
	};

	if ((arg & ANSWER_METRICS) != 0)
		a = figures_head(half->reply.time_us);
	*head_len = http_answer(head, &a);
	if ((arg & ANSWER_HEAD) != 0)
		body.iov_len = 0;
	return body;
}

/* With which code a WebSocket is closed that ends for that reason. */
static unsigned
close_code(const struct session_shm *s)
{
	switch ((enum close_reason)s->half.reason) {
	case CLOSE_EOF:
	case CLOSE_PROTOCOL:
		return s->ws.closing != 0 ? s->ws.closing : WS_NORMAL;
	case CLOSE_QUIT:
	case CLOSE_RESET:
	case CLOSE_ANSWERED:
	case CLOSE_TLS_HANDSHAKE: /* before there was a session */
	case CLOSE_TLS_TIMEOUT:
	case CLOSE_TLS_DIED:
	case CLOSE_REASONS:
		return WS_NORMAL;
	case CLOSE_SHUTDOWN:
		return WS_GOING_AWAY;
	case CLOSE_ERRORS:
	case CLOSE_LOGIN_TIMEOUT:
	case CLOSE_UNREAD:
	case CLOSE_IDLE_TIMEOUT:
	case CLOSE_PING_TIMEOUT:
	case CLOSE_BANNED:
	case CLOSE_DISPLACED:
		return WS_POLICY;
	case CLOSE_INTERNAL:
		return WS_INTERNAL;
	}
	return WS_INTERNAL;
}

/* All is said: the last frame (RFC 6455, section 5.5.1), if there is none yet.
 */
bool
web_farewell(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct session_half half = s->half;

	if (!web_is_upgraded(s) || half.state != SESSION_LEAVING ||
	    half.farewell)
		return false;
	session_reply(w, slot, &half, REPLY_CLOSE, close_code(s));
	half.farewell = 1;
	journal_step(&w->journal, slot, &half);
	FAULT_POINT("web.farewell");
	return true;
}

size_t
web_frame(const struct reply *r, char *to)
{
	size_t head;

	if (r->code == REPLY_PING)
		return ws_head(to, WS_OP_PING, 0);
	head = ws_head(to, WS_OP_CLOSE, 2);
	to[head] = (char)(r->arg >> 8);
	to[head + 1] = (char)r->arg;
	return head + 2;
}

size_t
web_pong(struct worker *w, uint32_t slot, char *frame)
{
	const struct session_shm *s = session_row(w, slot);
	struct wslines_tail tail = {0};
	const char *kept = input_kept_tail(w, slot);

	if (kept != NULL)
		wslines_load(&s->ws, kept, &tail);
	return wslines_pong(&s->ws, &tail, frame);
}

/* It has sent something, whatever it is. */
void
web_heard(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);

	s->ws.heard_s = (uint32_t)(w->now_us / 1000000);
	s->ws.pinged = 0;
}

/* Now and then: is it still there? */
bool
web_is_dead(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	uint32_t silent_s = (uint32_t)(w->now_us / 1000000) - s->ws.heard_s;
	uint32_t ping_s = w->settings->web_ping_s;
	struct session_half half = s->half;

	if (!web_is_upgraded(s) || half.state != SESSION_JOINED ||
	    ping_s == 0 || silent_s < ping_s)
		return false;
	if (s->ws.pinged)
		return silent_s >= 2 * ping_s;
	if (half.reply.code != CHAT_OK)
		return false;
	/* From now on it has its time, however late that was noticed. */
	s->ws.heard_s += silent_s - ping_s;
	s->ws.pinged = 1;
	session_reply(w, slot, &half, REPLY_PING, 0);
	journal_step(&w->journal, slot, &half);
	return false;
}
