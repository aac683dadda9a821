/* SPDX-License-Identifier: MIT */
/*
 * WebSocket frames (RFC 6455, version 13), the server's side.  Pure functions:
 * what comes in is a function of the bytes and of struct ws_shm, wherever the
 * boundaries of packets fall.
 */
#ifndef PROXY_WS_H
#define PROXY_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/ws.h"

/* Close codes (RFC 6455, section 7.4.1). */
enum ws_code {
	WS_NORMAL = 1000,
	WS_GOING_AWAY = 1001,
	WS_PROTOCOL_ERROR = 1002,
	WS_UNACCEPTABLE = 1003, /* binary, where text is expected */
	WS_NO_CODE = 1005,      /* a close frame without a code; never sent */
	WS_BAD_TEXT = 1007,
	WS_POLICY = 1008,
	WS_TOO_BIG = 1009,
	WS_INTERNAL = 1011,
};

enum ws_opcode {
	WS_OP_CONTINUATION = 0x0,
	WS_OP_TEXT = 0x1,
	WS_OP_BINARY = 0x2,
	WS_OP_CLOSE = 0x8,
	WS_OP_PING = 0x9,
	WS_OP_PONG = 0xa,
};

#define WS_CONTROL_MAX 125 /* bytes of a control frame's payload */
#define WS_HEAD_MAX 10     /* bytes in front of what a server sends */

/* What the caller lets in. */
struct ws_limits {
	uint64_t message;   /* bytes of one message: more is WS_TOO_BIG */
	uint32_t fragments; /* frames of one message: more is WS_POLICY */
	bool binary;        /* else WS_UNACCEPTABLE */
};

enum ws_event {
	WS_MORE,    /* all is consumed */
	WS_DATA,    /* `len` bytes of a message; `opcode`: text or binary */
	WS_MESSAGE, /* it is complete: `opcode` */
	WS_PAYLOAD, /* `len` bytes of a control frame: `opcode` */
	WS_CONTROL, /* it is complete: `opcode`; `code` of a close frame */
	WS_FAIL,    /* close with `code`; what follows is not looked at */
};

struct ws_step {
	enum ws_event event;
	size_t used; /* bytes of the input that were consumed */
	size_t len;  /* of what was written to dst */
	uint8_t opcode;
	uint16_t code;
};

/*
 * Take the next step in `n` bytes of input: at most one event.  Go on with the
 * rest of them until it is WS_MORE: the last byte of a frame may give two
 * events, the second of which uses none.  Unmasked bytes are written to `dst`,
 * which has room for n bytes and may be `in` itself.  Control frames may come
 * between WS_DATA of one message, never within another control frame.  After
 * WS_FAIL and after a close frame all input is consumed silently.  Text is
 * checked as it comes: WS_DATA of a text message has nothing that could not be
 * UTF-8, though it may end within a character; so has WS_PAYLOAD of a close
 * frame, which begins with the two bytes of the code.
 *
 * A state that no parser left behind gives wrong events, and does no other
 * harm.
 */
struct ws_step ws_next(struct ws_shm *ws, const struct ws_limits *limits,
    const char *in, size_t n, char *dst);

/*
 * Write the head of an unmasked, final frame with `len` bytes of payload to
 * dst, which has room for WS_HEAD_MAX bytes; returns its bytes (2, 4 or 10).
 */
size_t ws_head(char *dst, enum ws_opcode opcode, uint64_t len);

/* May a close frame have this code (RFC 6455, section 7.4)? */
bool ws_code_is_valid(unsigned code);

#define WS_KEY_LEN 24

/*
 * The value of Sec-WebSocket-Accept for that of Sec-WebSocket-Key (RFC 6455,
 * section 4.2.2), without NUL.
 */
void ws_accept(const char key[WS_KEY_LEN], char accept[WS_ACCEPT_LEN]);

#endif
