/* SPDX-License-Identifier: MIT */
/*
 * Rows, written as JSON or as a table for eyes.  A view names its columns
 * once and hands over rows of values; how a number, a duration or a name from
 * the segment looks in either form is decided here.
 */
#ifndef TOOLS_SHMDUMP_OUT_H
#define TOOLS_SHMDUMP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/shmdump/outbuf.h"

enum out_shape {
	OUT_OBJECT, /* one row: an object, or a line for each column */
	OUT_TABLE,  /* an array, or a table; text is held back to the end */
	OUT_STREAM, /* an object a line, or a table of fixed widths */
};

enum out_kind {
	OUT_NONE,    /* null, or "-" */
	OUT_TEXT,    /* untrusted bytes: escaped */
	OUT_NUMBER,  /* as it is in both forms */
	OUT_BYTES,   /* JSON: a number; text: 16.0M */
	OUT_MS,      /* JSON: milliseconds; text: 1.5s */
	OUT_SECONDS, /* JSON: seconds; text: 2h 05m */
	OUT_TIME,    /* µs since 1970; RFC 3339, UTC, milliseconds */
	OUT_BOOL,    /* true or false; yes or no */
};

struct out_value {
	enum out_kind kind;
	uint64_t number;
	const char *text; /* OUT_TEXT; the caller's until out_row returns */
	size_t len;
};

struct out_column {
	const char *key;  /* in JSON; NULL: not there */
	const char *head; /* in text; NULL: not there */
	uint8_t width;    /* OUT_STREAM: at least so many columns */
	bool right;       /* text is right-aligned */
};

#define OUT_COLUMNS 32 /* most in one table */

struct out {
	enum out_shape shape;
	bool json;
	const struct out_column *columns;
	size_t ncolumns;
	size_t nrows;
	size_t widths[OUT_COLUMNS];
	struct outbuf cells; /* text: strings with their NULs, row by row */
	struct outbuf line;
};

/* Begin; `columns` (at most OUT_COLUMNS) must last until out_end. */
void out_begin(struct out *out, enum out_shape shape, bool json,
    const struct out_column *columns, size_t ncolumns);

/* One row: a value for each column, in their order. */
void out_row(struct out *out, const struct out_value *values);

/* Print what is left.  Returns 0, or -1 when standard output has failed. */
int out_end(struct out *out);

/* Print bytes as they are. */
void out_bytes(const char *bytes, size_t len);

/* Hand over to the kernel what has been printed so far. */
void out_flush(void);

/* The errno that standard output has failed with, or 0: a long view ends. */
int out_error(void);

/* Append a value as a table for eyes has it. */
void out_put(struct outbuf *b, const struct out_value *value);

struct out_value out_none(void);
struct out_value out_text(const char *text, size_t len);
struct out_value out_string(const char *text); /* terminated; NULL: none */
struct out_value out_number(uint64_t number);
struct out_value out_as(enum out_kind kind, uint64_t number);

#endif
