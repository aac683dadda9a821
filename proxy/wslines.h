/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket's messages as lines, and what comes between them: pings, and the
 * end.  Pure functions.
 *
 * A message is one or more lines: an LF within it separates two, and one is
 * added at its end if there is none.  Of pings only the last one is answered
 * (RFC 6455, section 5.5.3).  What of control frames has to be remembered lies
 * behind the half-line that is kept, wslines_tail bytes: the payload of a
 * control frame as far as it has come, then that of the pong to be sent.
 */
#ifndef PROXY_WSLINES_H
#define PROXY_WSLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/ws.h"

/* A message may be that many times as long as a line, */
#define WSLINES_MESSAGE 16
/* and in so many frames. */
#define WSLINES_FRAGMENTS 4096

/* Bytes of text that may come of a byte of input: a last one, and an LF. */
#define WSLINES_EXTRA 1

#define WSLINES_TAIL_MAX (2 * WS_CONTROL_MAX)

/* Control frames' payloads, while input is being decoded. */
struct wslines_tail {
	char payload[WS_CONTROL_MAX];
	char pong[WS_CONTROL_MAX];
};

/* Bytes of the tail. */
size_t wslines_tail(const struct ws_shm *ws);

/* Read it from where it was kept, and write it to where it is to be kept. */
void wslines_load(
    const struct ws_shm *ws, const char *kept, struct wslines_tail *tail);
void wslines_store(
    const struct ws_shm *ws, const struct wslines_tail *tail, char *to);

/* It could not be kept: that ping gets no answer. */
void wslines_lose(struct ws_shm *ws);

/*
 * Decode `n` bytes of input into lines; `text` has room for n + WSLINES_EXTRA.
 * Returns their bytes.  Once ws->closing is set all further input is void.
 */
size_t wslines_decode(struct ws_shm *ws, uint32_t max_line,
    struct wslines_tail *tail, const char *in, size_t n, char *text);

/*
 * The frame that answers the last ping, to `frame`, of WS_HEAD_MAX +
 * WS_CONTROL_MAX bytes; returns its bytes, 0 if there is nothing to answer.
 */
size_t wslines_pong(
    const struct ws_shm *ws, const struct wslines_tail *tail, char *frame);

/* Of the pong's frame `sent` bytes of `len` are sent. */
void wslines_ponged(struct ws_shm *ws, size_t sent, size_t len);

#endif
