/* SPDX-License-Identifier: MIT */
/*
 * Text of unknown origin, made fit for a terminal or for JSON.  The server
 * has cleaned what users typed, but what lies in the segment may come from a
 * process gone wrong, so nothing here relies on that.
 */
#ifndef TOOLS_SHMDUMP_ESCAPE_H
#define TOOLS_SHMDUMP_ESCAPE_H

#include <stddef.h>

#include "tools/shmdump/outbuf.h"

/*
 * Append `len` bytes for a terminal: control and format characters become
 * \u{HEX}, bytes that are not UTF-8 become \xHH, TAB and LF \t and \n, and a
 * backslash is doubled.  ZWJ and ZWNJ stay, as they do in chat.
 */
void escape_terminal(struct outbuf *b, const char *s, size_t len);

/* Append `len` bytes as a JSON string (RFC 8259), quotes included.  Bytes
 * that are not UTF-8 become U+FFFD, what a terminal may not see \uHHHH. */
void escape_json(struct outbuf *b, const char *s, size_t len);

/* Bytes of the first characters of the escaped string `s` that fit into so
 * many columns. */
size_t escape_fit(const char *s, size_t len, size_t columns);

/* Columns that the escaped string `s` takes on a terminal. */
size_t escape_width(const char *s);

#endif
