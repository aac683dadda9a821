/* SPDX-License-Identifier: MIT */
/*
 * The line protocol's lines: finding them in a buffer, telling them apart.
 * Pure functions that point into the caller's buffer and keep nothing.
 */
#ifndef SHARED_CHAT_LINE_H
#define SHARED_CHAT_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum line_result {
	LINE_FOUND,    /* text, len and consumed are the line's */
	LINE_PARTIAL,  /* no line end yet, and it may still fit: consumed 0 */
	LINE_TOO_LONG, /* throw `consumed` away; see `ended` */
};

struct line {
	const char *text; /* in the buffer; without LF and one CR before it */
	size_t len;       /* bytes of text, at most max_line */
	size_t consumed;  /* bytes of the buffer that are done with */
	bool ended;       /* the line's LF was seen (or line_last made it up) */
};

/*
 * Find the first line in buf[0, len).  A line holds at most max_line bytes,
 * CR LF or LF not counted.
 *
 * LINE_TOO_LONG with `ended`: consumed ends behind its LF, go on with the next
 * line.  Without: consumed is all there is; call line_skip on what comes until
 * it returns true.  A caller that keeps LINE_PARTIAL bytes never keeps more
 * than max_line + 1.
 */
enum line_result line_next(
    const char *buf, size_t len, size_t max_line, struct line *out);

/*
 * The same when nothing will follow: the end of the buffer ends its last line
 * too.  LINE_PARTIAL means that nothing was left.
 */
enum line_result line_last(
    const char *buf, size_t len, size_t max_line, struct line *out);

/*
 * The rest of a line that was too long: *consumed bytes can be thrown away;
 * true if they end in its LF.
 */
bool line_skip(const char *buf, size_t len, size_t *consumed);

enum line_kind {
	LINE_EMPTY,   /* nothing at all: to be ignored */
	LINE_MESSAGE, /* text */
	LINE_COMMAND, /* /NAME ARGS: name, and args in text */
};

struct line_words {
	const char *name; /* without the '/'; empty for "/" and "/ x" */
	size_t name_len;
	const char *text; /* //TEXT gives /TEXT; args without blanks around */
	size_t text_len;
};

/*
 * Tell what a line of a joined client is.  Before or after text_sanitise: a
 * slash or a blank is what it was.  All pointers are into `text`.
 */
enum line_kind line_classify(
    const char *text, size_t len, struct line_words *out);

#endif
