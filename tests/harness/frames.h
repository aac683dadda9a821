/* SPDX-License-Identifier: MIT */
/*
 * What the parser of WebSocket frames makes of bytes, as one line of text:
 *
 *   data(Hello)text;                      a message
 *   data(Hel)payload(?)ping;data(lo)text; the same, with a ping within
 *   payload(..)close 1000;                1005 if it has no code
 *   fail 1002;
 *
 * Pieces of payload that follow each other are one, so that the line doesn't
 * depend on where the bytes were cut.
 */
#ifndef TESTS_HARNESS_FRAMES_H
#define TESTS_HARNESS_FRAMES_H

#include <stddef.h>

#include "proxy/ws.h"

#define FRAMES_LINE_MAX 4096

struct frames {
	struct ws_shm ws;
	size_t len;
	bool open; /* a bracket is */
	enum ws_event last;
	char line[FRAMES_LINE_MAX];
};

/* Takes bytes; `same` unmasks them where they are. */
void frames_take(struct frames *f, const struct ws_limits *limits,
    const char *in, size_t len, bool same);

/*
 * Fails the test unless this is what these bytes give, from a new connection
 * on, in pieces of each size and cut into two at each place.
 */
void frames_check(const struct ws_limits *limits, const char *in, size_t len,
    const char *expected);

/* The bytes of a frame with this first byte, masked; returns how many. */
size_t frames_put(char *dst, unsigned first, const char *mask,
    const char *payload, size_t len);

#endif
