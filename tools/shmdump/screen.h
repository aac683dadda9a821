/* SPDX-License-Identifier: MIT */
/*
 * The terminal as a screen: the alternate one, so that what was there before
 * comes back, without a cursor and without echo.  ANSI escapes only.
 */
#ifndef TOOLS_SHMDUMP_SCREEN_H
#define TOOLS_SHMDUMP_SCREEN_H

#include <stddef.h>
#include <stdint.h>

#include "tools/shmdump/outbuf.h"

enum screen_event {
	SCREEN_TICK,   /* the time has come */
	SCREEN_REDRAW, /* another size, or back from being stopped */
	SCREEN_QUIT,   /* q, or a signal that ends programs */
	SCREEN_HANGUP, /* the terminal is gone */
};

/* Take the terminal on standard output.  Returns 0, or -1 with errno. */
int screen_open(void);

/* Give it back as it was.  May be called at any time, by signal handlers too.
 */
void screen_close(void);

/* Rows and columns, 24 and 80 if the terminal does not know. */
void screen_size(size_t *rows, size_t *columns);

/* Wait for something to happen, or for the time `until_us` (clock_us). */
enum screen_event screen_wait(uint64_t until_us);

/* Draw `text`, whose lines fit, and nothing else.  Returns 0, or -1. */
int screen_draw(const struct outbuf *text);

#endif
