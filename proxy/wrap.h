/* SPDX-License-Identifier: MIT */
/*
 * A line broken into rows of a terminal, at words, in the terminal's character
 * set and with a part of it in colour.  Pure, as all here.
 */
#ifndef PROXY_WRAP_H
#define PROXY_WRAP_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/charset.h"

/*
 * What is being written, and how.  A caller fills it in; `full` says at the end
 * that there was no place for it.
 */
struct wrap {
	enum charset charset;
	bool spare;          /* where that is not UTF-8: '?' for all else */
	unsigned columns;    /* of a row that may be used; 0: one row */
	unsigned indent;     /* blanks before each row but the first */
	const char *row_end; /* behind each row but the last */
	size_t from, to;     /* bytes of the text that stand in colour, */
	const char *color, *plain; /* what begins it (or NULL) and ends it */

	char *at, *end; /* where it goes */
	bool full;

	/* Of wrap.c: zero at the beginning of a line. */
	unsigned column; /* where the next character goes */
	bool later;      /* it is no longer the first row */
	bool colored;
};

/* Bytes as they are, which take no column. */
void wrap_put(struct wrap *w, const char *bytes, size_t len);

/*
 * Text of one line, without its end, that goes on where the row ends so far.
 * Blanks where it is broken are left out.  A word longer than a row is broken
 * where that ends, but not before what joins the character before it; SGR
 * sequences (ESC [ ... m) take no column and are not broken either.
 */
void wrap_text(struct wrap *w, const char *text, size_t len);

/* The columns that text[0, len) would take, from the first one on. */
unsigned wrap_columns(const struct wrap *w, const char *text, size_t len);

#endif
