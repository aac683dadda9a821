/* SPDX-License-Identifier: MIT */
/* What is remembered of a WebSocket's input; proxy/ws.h works on it. */
#ifndef SHARED_SHM_WS_H
#define SHARED_SHM_WS_H

#include <stdint.h>

#include "shared/base/base.h"

#define WS_ACCEPT_LEN 28 /* characters of Sec-WebSocket-Accept */

enum ws_flag {
	WS_ENDED = 1 << 0, /* a close frame came, or what isn't allowed */
	WS_BAD = 1 << 1,   /* the next step fails with close_code */
};

/*
 * All zero is a new connection.
 *
 *   offset  field
 *        0  left           bytes of the frame's payload still to come
 *        8  message        bytes of the message so far
 *       16  mask[]         of the frame
 *       20  fragments      frames of the message so far
 *       24  close_code     of a close frame so far, or what WS_BAD fails with
 *       26  head_len       bytes of the frame's head so far
 *       27  head[]         the first two of them
 *       29  mask_at        which byte of the mask is next
 *       30  opcode         of the message that is under way, or 0
 *       31  control_len    bytes of a control frame's payload so far
 *       32  text           state of the UTF-8 check of the message
 *       33  control_text   the same of a close frame's reason
 *       34  flags          enum ws_flag
 *       35  lf             the message's last byte so far is an LF
 *       36  pong_len       a pong is to be sent: bytes of its payload, and 1
 *       37  pong_off       bytes of its frame that are sent
 *       38  payload_len    bytes of a control frame's payload that are kept,
 *                          as the pong's: see proxy/wslines.h
 *       39  pinged         1: a ping was sent, and nothing has come since
 *       40  closing        close code: the client closes, or has to be closed
 *       42  failed         closing because of what the client did wrong
 *       44  heard_s        CLOCK_MONOTONIC: when something came last
 *
 * Only the worker that the session belongs to reads and writes it.
 */
struct ws_shm {
	uint64_t left;
	uint64_t message;
	uint8_t mask[4];
	uint32_t fragments;
	uint16_t close_code;
	uint8_t head_len;
	uint8_t head[2];
	uint8_t mask_at;
	uint8_t opcode;
	uint8_t control_len;
	uint8_t text;
	uint8_t control_text;
	uint8_t flags;
	uint8_t lf;
	uint8_t pong_len;
	uint8_t pong_off;
	uint8_t payload_len;
	uint8_t pinged;
	uint16_t closing;
	uint8_t failed;
	uint8_t unused;
	uint32_t heard_s;
};
static_assert(sizeof(struct ws_shm) == 48, "layout comment above");

#endif
