/* SPDX-License-Identifier: MIT */
/* What is remembered of a session's telnet side; proxy/telnet.h works on it. */
#ifndef SHARED_SHM_TELNET_H
#define SHARED_SHM_TELNET_H

#include <stdint.h>

#include "shared/base/base.h"

/* Bytes of answers that can wait: more refusals than a client sends at once. */
#define TELNET_ANSWER_MAX 44

/*
 * All zero is a new session.
 *
 *   offset  field
 *        0  wont, dont    options 0-63 refused already: one bit each
 *       16  state, verb   of the parser: what the next byte is part of
 *       18  answer_off    answer[off, off + len) is still to be sent
 *       19  answer_len
 *       20  answer[]
 *
 * Only the worker that the session belongs to reads and writes it.
 */
struct telnet_shm {
	uint64_t wont; /* bit x: DO x was answered with WONT x */
	uint64_t dont; /* bit x: WILL x was answered with DONT x */
	uint8_t state;
	uint8_t verb; /* the WILL, WONT, DO or DONT whose option comes next */
	uint8_t answer_off;
	uint8_t answer_len;
	uint8_t answer[TELNET_ANSWER_MAX];
};
static_assert(sizeof(struct telnet_shm) == 64, "layout comment above");

#endif
