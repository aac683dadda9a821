/* SPDX-License-Identifier: MIT */
/* What is remembered of a WebSocket's input; proxy/ws.h works on it. */
#ifndef SHARED_SHM_WS_H
#define SHARED_SHM_WS_H

#include <stdint.h>

#include "shared/base/base.h"

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
	uint8_t unused[5];
};
static_assert(sizeof(struct ws_shm) == 40, "layout comment above");

#endif
