/* SPDX-License-Identifier: MIT */
/* One client of the echo server. */
#include "tests/wsecho/peer.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/http.h"
#include "proxy/ws.h"
#include "shared/base/base.h"
#include "shared/base/clock.h"

static void
append(struct bytes *b, const char *data, size_t len)
{
	size_t room = MAX(b->room, (size_t)256);

	if (len == 0)
		return;
	while (room - b->len < len)
		room *= 2;
	if (room != b->room) {
		char *at = realloc(b->at, room);

		if (at == NULL)
			err(1, "realloc");
		b->at = at;
		b->room = room;
	}
	memcpy(b->at + b->len, data, len);
	b->len += len;
}

static void
drop(struct bytes *b)
{
	free(b->at);
	*b = (struct bytes){0};
}

void
peer_fini(struct peer *p)
{
	drop(&p->in);
	drop(&p->small);
	drop(&p->out);
}

static void
send_frame(
    struct peer *p, enum ws_opcode opcode, const char *payload, size_t len)
{
	char head[WS_HEAD_MAX];

	append(&p->out, head, ws_head(head, opcode, len));
	append(&p->out, payload, len);
}

static void
send_close(struct peer *p, unsigned code)
{
	const char payload[] = {(char)(code >> 8), (char)code};

	send_frame(p, WS_OP_CLOSE, payload, sizeof(payload));
	p->state = PEER_CLOSED;
}

/* A control frame is complete. */
static void
answer_control(struct peer *p, const struct ws_step *step)
{
	if (step->opcode == WS_OP_PING)
		send_frame(p, WS_OP_PONG, p->small.at, p->small.len);
	else if (step->opcode == WS_OP_CLOSE)
		send_close(
		    p, step->code == WS_NO_CODE ? WS_NORMAL : step->code);
	p->small.len = 0;
}

static void
take_step(struct peer *p, const struct ws_step *step, const char *payload)
{
	switch (step->event) {
	case WS_MORE:
		break;
	case WS_DATA:
		append(&p->in, payload, step->len);
		break;
	case WS_MESSAGE:
		send_frame(
		    p, (enum ws_opcode)step->opcode, p->in.at, p->in.len);
		drop(&p->in);
		break;
	case WS_PAYLOAD:
		append(&p->small, payload, step->len);
		break;
	case WS_CONTROL:
		answer_control(p, step);
		break;
	case WS_FAIL:
		send_close(p, step->code);
		break;
	}
}

static void
read_frames(struct peer *p, char *data, size_t len)
{
	const struct ws_limits limits = {
	    .message = p->limit, .fragments = UINT32_MAX, .binary = true};
	struct ws_step step;

	do {
		step = ws_next(&p->ws, &limits, data, len, data);
		take_step(p, &step, data);
		data += step.used;
		len -= step.used;
	} while (step.event != WS_MORE);
}

static void
answer_request(struct peer *p, unsigned status, const struct http_request *r)
{
	char head[HTTP_ANSWER_MAX], accept[WS_ACCEPT_LEN];
	struct http_answer a = {.status = status, .time_us = clock_real_us()};

	if (status == 0)
		a.status = r->upgrade && r->version_13 ? 101 : 426;
	if (a.status == 101) {
		ws_accept(r->key.at, accept);
		a.accept = accept;
	}
	append(&p->out, head, http_answer(head, &a));
	p->state = a.status == 101 ? PEER_OPEN : PEER_CLOSED;
}

static void
read_head(struct peer *p, char *data, size_t len)
{
	size_t before = p->in.len;
	struct http_request r;
	long end;

	append(&p->in, data, len);
	end = http_head_end(p->in.at, p->in.len);
	if (end == 0)
		return;
	if (end == -1)
		answer_request(p, 431, NULL);
	else
		answer_request(p, http_parse(p->in.at, (size_t)end, &r), &r);
	drop(&p->in);
	/* What has come behind it is frames already. */
	if (p->state == PEER_OPEN)
		read_frames(p, data + ((size_t)end - before),
		    len - ((size_t)end - before));
}

void
peer_read(struct peer *p, char *data, size_t len)
{
	switch (p->state) {
	case PEER_HEAD:
		read_head(p, data, len);
		break;
	case PEER_OPEN:
		read_frames(p, data, len);
		break;
	case PEER_CLOSED:
		break;
	}
}

size_t
peer_waiting(const struct peer *p, const char **data)
{
	*data = p->out.at + p->sent;
	return p->out.len - p->sent;
}

void
peer_sent(struct peer *p, size_t len)
{
	p->sent += len;
	if (p->sent == p->out.len) {
		drop(&p->out);
		p->sent = 0;
	}
}
