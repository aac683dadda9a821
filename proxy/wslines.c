/* SPDX-License-Identifier: MIT */
/* See wslines.h. */
#include "proxy/wslines.h"

#include <string.h>

#include "shared/base/base.h"

#define LOST UINT8_MAX /* payload_len: some of it could not be kept */

/* Of struct ws_shm, which may be nonsense. */
static size_t
payload_len(const struct ws_shm *ws)
{
	return ws->payload_len == LOST
		   ? 0
		   : MIN((size_t)ws->payload_len, (size_t)WS_CONTROL_MAX);
}

/* pong_len is one more, so that there are pongs without payload. */
static size_t
pong_len(const struct ws_shm *ws)
{
	return ws->pong_len == 0
		   ? 0
		   : MIN((size_t)ws->pong_len - 1, (size_t)WS_CONTROL_MAX);
}

size_t
wslines_tail(const struct ws_shm *ws)
{
	return payload_len(ws) + pong_len(ws);
}

void
wslines_load(
    const struct ws_shm *ws, const char *kept, struct wslines_tail *tail)
{
	memcpy(tail->payload, kept, payload_len(ws));
	memcpy(tail->pong, kept + payload_len(ws), pong_len(ws));
}

void
wslines_store(
    const struct ws_shm *ws, const struct wslines_tail *tail, char *to)
{
	memcpy(to, tail->payload, payload_len(ws));
	memcpy(to + payload_len(ws), tail->pong, pong_len(ws));
}

void
wslines_lose(struct ws_shm *ws)
{
	if (ws->payload_len > 0)
		ws->payload_len = LOST;
	ws->pong_len = 0;
	ws->pong_off = 0;
}

/* More of a control frame's payload. */
static void
add_payload(
    struct ws_shm *ws, struct wslines_tail *tail, const char *bytes, size_t len)
{
	if (ws->payload_len == LOST)
		return;
	if (len > WS_CONTROL_MAX - payload_len(ws)) { /* of nonsense */
		ws->payload_len = LOST;
		return;
	}
	memcpy(tail->payload + payload_len(ws), bytes, len);
	ws->payload_len = (uint8_t)(ws->payload_len + len);
}

/* A control frame is complete. */
static void
on_control(
    struct ws_shm *ws, struct wslines_tail *tail, const struct ws_step *step)
{
	if (step->opcode == WS_OP_PING && ws->payload_len != LOST) {
		memcpy(tail->pong, tail->payload, payload_len(ws));
		ws->pong_len = (uint8_t)(1 + payload_len(ws));
		ws->pong_off = 0;
	} else if (step->opcode == WS_OP_CLOSE) {
		ws->closing = step->code == WS_NO_CODE ? WS_NORMAL : step->code;
	}
	ws->payload_len = 0;
}

size_t
wslines_decode(struct ws_shm *ws, uint32_t max_line, struct wslines_tail *tail,
    const char *in, size_t n, char *text)
{
	const struct ws_limits limits = {
	    .message = (uint64_t)WSLINES_MESSAGE * max_line,
	    .fragments = WSLINES_FRAGMENTS,
	};
	size_t len = 0;
	struct ws_step step;

	while (ws->closing == 0) {
		step = ws_next(ws, &limits, in, n, text + len);
		in += step.used;
		n -= step.used;
		switch (step.event) {
		case WS_MORE:
			return len;
		case WS_DATA:
			len += step.len;
			if (step.len > 0)
				ws->lf = text[len - 1] == '\n';
			break;
		case WS_MESSAGE:
			if (!ws->lf)
				text[len++] = '\n';
			ws->lf = 0;
			break;
		case WS_PAYLOAD:
			add_payload(ws, tail, text + len, step.len);
			break;
		case WS_CONTROL:
			on_control(ws, tail, &step);
			break;
		case WS_FAIL:
			ws->closing = step.code;
			ws->failed = 1;
			break;
		}
	}
	return len;
}

size_t
wslines_pong(
    const struct ws_shm *ws, const struct wslines_tail *tail, char *frame)
{
	size_t head;

	if (ws->pong_len == 0)
		return 0;
	head = ws_head(frame, WS_OP_PONG, pong_len(ws));
	memcpy(frame + head, tail->pong, pong_len(ws));
	return head + pong_len(ws);
}

void
wslines_ponged(struct ws_shm *ws, size_t sent, size_t len)
{
	ws->pong_off = (uint8_t)sent;
	if (sent < len)
		return;
	ws->pong_len = 0;
	ws->pong_off = 0;
}
