/* SPDX-License-Identifier: MIT */
/*
 * A terminal for tests: text, BS, CR, LF, BEL, CSI K, C and D, wide characters
 * and those that join the one before, and a margin at which text wraps as with
 * xterm, once there is more of it.  Anything else ends the test.
 */
#ifndef TESTS_HARNESS_TERMINAL_H
#define TESTS_HARNESS_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/charset.h"

#define TERMINAL_ROWS 24
#define TERMINAL_WIDTH_MAX 256
#define TERMINAL_CELL_MAX 32 /* bytes of one cell that are kept */

struct terminal {
	unsigned width;
	enum charset charset;
	bool ansi; /* or else CSI ends the test */
	unsigned row, column;
	bool margin; /* the last column is written, the next one wraps */
	unsigned bells;
	unsigned scrolled; /* rows that have left the screen */
	size_t written;    /* bytes in all */
	/* UTF-8; "" is a blank, as " " is, and a wide one's second half. */
	char cell[TERMINAL_ROWS][TERMINAL_WIDTH_MAX][TERMINAL_CELL_MAX];
};

void terminal_init(
    struct terminal *t, unsigned width, enum charset charset, bool ansi);

/* What is beyond the border is gone; nothing is wrapped anew. */
void terminal_resize(struct terminal *t, unsigned width);

/* What has come; no character or sequence may be cut at the end. */
void terminal_write(struct terminal *t, const char *bytes, size_t len);

/* A row's text, without the blanks at its end, in a static buffer. */
const char *terminal_row(const struct terminal *t, unsigned row);

#endif
