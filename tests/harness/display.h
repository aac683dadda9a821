/* SPDX-License-Identifier: MIT */
/*
 * A terminal that is told bytes as they come, cut anywhere, and tells each row
 * when it is left for the next one; nothing goes back up here.  UTF-8, each
 * character one column wide, BS, CR, LF, BEL, CSI K, C and D.  Text that wraps
 * at the margin is one row, as one that copies it has it.
 */
#ifndef TESTS_HARNESS_DISPLAY_H
#define TESTS_HARNESS_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>

#define DISPLAY_WIDTH_MAX 1000
#define DISPLAY_ROW_MAX 16384

/* A row is left; without the blanks at its end. */
typedef void display_row_fn(void *context, const char *text, size_t len);

struct display {
	unsigned width;
	unsigned column;
	bool margin;     /* the last column is written, the next one wraps */
	bool returned;   /* CR came last */
	const char *odd; /* what no program in its senses does, or NULL */
	unsigned state, number;
	display_row_fn *on_row;
	void *context;
	char cells[DISPLAY_WIDTH_MAX][5]; /* "": nothing was written there */
	size_t wrapped; /* bytes of this row that have been wrapped: */
	char row[DISPLAY_ROW_MAX];
};

void display_init(
    struct display *d, unsigned width, display_row_fn *on_row, void *context);
void display_write(struct display *d, const char *bytes, size_t len);

/* The row being written, into `text`; returns its bytes. */
size_t display_row(const struct display *d, char text[DISPLAY_ROW_MAX]);

/* The column where the next character comes, as far as anybody can tell. */
unsigned display_column(const struct display *d);

#endif
