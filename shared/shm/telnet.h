/* SPDX-License-Identifier: MIT */
/* What is remembered of a session's telnet side; proxy/telnet.h works on it. */
#ifndef SHARED_SHM_TELNET_H
#define SHARED_SHM_TELNET_H

#include <stdint.h>

#include "shared/base/base.h"

/* Bytes of answers that can wait: more than a client asks for at once. */
#define TELNET_ANSWER_MAX 42

/* Options that are remembered one by one: see proxy/negotiate.h. */
#define TELNET_OPTIONS 7

/* Options 0 to 39 are refused once, those above each time. */
#define TELNET_REFUSED_MAX 40

/* Bytes of a subnegotiation that are looked at, at a time. */
#define TELNET_SUB_MAX 14

/*
 * All zero is a new session.
 *
 *   offset  field
 *        0  option[]       both sides' state of each option, 4 bits each
 *        7  charset        enum charset, as negotiated
 *        8  wont, dont     options refused already: one bit each
 *       18  width          columns of the window, 0 if unknown
 *       20  sub_len        bytes of the subnegotiation so far
 *       22  terminal       what kind of client it is
 *       23  flags          how far negotiation has come
 *       24  wishes         of negotiate.c's table: how many have been said
 *       25  ttypes         how many names of the terminal were asked for
 *       26  budget         answers to options given so far
 *       27  state          of the parser: what the next byte is part of
 *       28  sub_option     what the subnegotiation is about
 *       29  sub_used       bytes in sub[]
 *       30  sub[]          of it what matters
 *       44  answer_off     answer[off, off + len) is still to be sent
 *       45  answer_len
 *       46  answer[]
 *
 * Only the worker that the session belongs to reads and writes it.
 */
struct telnet_shm {
	uint8_t option[TELNET_OPTIONS];
	uint8_t charset;
	uint8_t wont[TELNET_REFUSED_MAX / 8]; /* bit x: DO x was refused */
	uint8_t dont[TELNET_REFUSED_MAX / 8]; /* bit x: WILL x was */
	uint16_t width;
	uint16_t sub_len;
	uint8_t terminal;
	uint8_t flags;
	uint8_t wishes;
	uint8_t ttypes;
	uint8_t budget;
	uint8_t state;
	uint8_t sub_option;
	uint8_t sub_used;
	uint8_t sub[TELNET_SUB_MAX];
	uint8_t answer_off;
	uint8_t answer_len;
	uint8_t answer[TELNET_ANSWER_MAX];
};
static_assert(sizeof(struct telnet_shm) == 88, "layout comment above");

#endif
