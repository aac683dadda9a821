/* SPDX-License-Identifier: MIT */
/*
 * What goes into a JSON string (RFC 8259, section 7).
 */
#ifndef SHARED_BASE_JSON_H
#define SHARED_BASE_JSON_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that json_unicode writes at most. */
#define JSON_UNICODE_MAX (2 * (sizeof("\\uXXXX") - 1))

/*
 * Bytes that json_escape writes at most for one of text made safe by
 * text_sanitise: of that, only TAB and what JSON itself wants escaped grow.
 */
#define JSON_EXPANSION 2

/*
 * Write a code point (up to U+10FFFF, no surrogate) as \uXXXX, or two of them
 * if it takes more than 16 bits.  Returns the bytes; no NUL.
 */
size_t json_unicode(char dst[JSON_UNICODE_MAX], uint32_t code);

/*
 * Write text as the inside of a JSON string, whole characters as far as `size`
 * goes.  `*len` is the bytes of `s`, then how many of them were written.
 * Returns the bytes; no NUL.
 *
 * Whatever `s` holds, the result is valid UTF-8 on one line: `"`, `\` and the
 * usual controls have a backslash before them, all other C0 and C1 controls,
 * DEL, U+2028 and U+2029 are \uXXXX, and each maximal ill-formed subpart (see
 * utf8_decode) becomes U+FFFD.
 */
size_t json_escape(char *dst, size_t size, const char *s, size_t *len);

#endif
