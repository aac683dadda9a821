/* SPDX-License-Identifier: MIT */
/*
 * The row of a terminal on which a line is edited: a prompt and the text behind
 * it, of which as much is seen as fits, the cursor's place always; scrolled
 * sideways by steps.  What is seen is a function of prompt, text, cursor and
 * width, so that it can be drawn again at any time.  The last column stays
 * empty, because terminals differ in what they do there.
 *
 * Everything is drawn with text, BS, CR and, for terminals that have them, CSI
 * K, C and D (ECMA-48), so that any terminal will do.
 */
#ifndef PROXY_ROW_H
#define PROXY_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/charset.h"

#define ROW_WIDTH_MIN 10
#define ROW_WIDTH_MAX 1000
#define ROW_WIDTH_UNKNOWN 80

struct screen {
	unsigned width; /* ROW_WIDTH_MIN to ROW_WIDTH_MAX */
	enum charset charset;
	bool ansi; /* has CSI K, C and D */
};

struct row {
	const char *prompt; /* UTF-8, as the text */
	size_t prompt_len;
	const char *text;
	size_t len;
	size_t cursor; /* bytes of text before it */
};

/* What goes to the terminal; what has no room in there is left out. */
struct output {
	char *bytes;
	size_t len;
	size_t size;
};

/* Bytes that one of the functions below puts out for rows of `len` bytes. */
#define ROW_OUTPUT_MAX(len) (CHARSET_EXPANSION * (len) + 4 * ROW_WIDTH_MAX)

void output_put(struct output *out, const char *bytes, size_t len);

/* The width of a window that a client has told; 0 if it hasn't. */
unsigned row_width(unsigned told);

/* Draw a row on a line that is empty, the cursor at its beginning. */
void row_draw(
    const struct screen *screen, const struct row *row, struct output *out);

/* The row is drawn: make that of it. */
void row_change(const struct screen *screen, const struct row *from,
    const struct row *to, struct output *out);

/* The row is drawn: leave an empty line, the cursor at its beginning. */
void row_erase(
    const struct screen *screen, const struct row *row, struct output *out);

/* Whatever the row holds: leave an empty line, the cursor at its beginning. */
void row_wipe(const struct screen *screen, struct output *out);

/* The row is drawn: leave all of it on the screen, and go to the next line. */
void row_finish(const struct screen *screen, const struct row *from,
    const struct row *to, struct output *out);

#endif
