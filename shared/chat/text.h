/* SPDX-License-Identifier: MIT */
/*
 * Text hygiene: what comes from a client is made safe once, on its way in.
 */
#ifndef SHARED_CHAT_TEXT_H
#define SHARED_CHAT_TEXT_H

#include <stddef.h>

/* Sanitised text takes at most this many times the bytes (U+FFFD is three). */
#define TEXT_EXPANSION 3

/*
 * Copy src to dst, made safe: bytes that are no UTF-8 become U+FFFD, one for
 * each maximal ill-formed subpart (see utf8_decode); C0 and C1 controls but
 * TAB, DEL, bidi embeddings, overrides and isolates (U+202A-202E,
 * U+2066-2069), line and paragraph separators (U+2028, U+2029) are left out,
 * and of more than MARKS_MAX combining marks in a row those beyond it; all
 * else stays, TAB, ZWJ and ZWNJ among it.
 *
 * dst has room for TEXT_EXPANSION * len bytes and doesn't overlap src.
 * Returns how many bytes it has now; 0 means that nothing was left.  Doing it
 * again changes nothing.  No NUL is added.
 */
size_t text_sanitise(char *restrict dst, const char *restrict src, size_t len);

/*
 * Copy the printable ASCII that src begins with, which is safe as it is, and
 * nearly all there ever is in a line.  Returns how much there was; dst, which
 * doesn't overlap src, may be written up to `len` bytes.
 */
size_t text_plain(char *restrict dst, const char *restrict src, size_t len);

#endif
