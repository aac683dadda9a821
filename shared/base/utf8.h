/* SPDX-License-Identifier: MIT */
/*
 * Strict UTF-8 (RFC 3629) and the few character properties that matter for
 * hygiene (Unicode 15.0 PropList and DerivedGeneralCategory).
 */
#ifndef SHARED_BASE_UTF8_H
#define SHARED_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What utf8_decode stores for bytes that are no UTF-8. */
#define UTF8_INVALID UINT32_MAX

/*
 * Decode the character that begins at s; len (bytes) is at least 1.
 *
 * Returns how many bytes it takes, 1 to 4, and stores its code point.  Bytes
 * that are no UTF-8 (overlong, surrogate, above U+10FFFF, cut short) give
 * UTF8_INVALID and the length of the maximal ill-formed subpart (Unicode 15.0,
 * section 3.9, as WHATWG decoders do), so that the caller goes on behind it.
 */
size_t utf8_decode(const char *s, size_t len, uint32_t *code);

/* Is it all well-formed? */
bool utf8_valid(const char *s, size_t len);

/*
 * The same for a text that comes in pieces.  `state` is 0 at its beginning and
 * whenever it ends between two characters.  Returns how many bytes of the piece
 * can be the beginning of a well-formed text; if that is less than `len`, the
 * byte there can not, and will not if it is tried again.
 */
size_t utf8_follow(uint8_t *state, const char *s, size_t len);

bool utf8_is_control(uint32_t code); /* Cc: C0, DEL, C1; TAB too */
bool utf8_is_space(uint32_t code);   /* White_Space, U+2028 and U+2029 too */
bool utf8_is_format(uint32_t code);  /* Cf: bidi, zero-width, tags, ... */
bool utf8_is_bidi(uint32_t code);    /* embeddings, overrides, isolates */
bool utf8_is_private(uint32_t code); /* Co */
bool utf8_is_nonchar(uint32_t code); /* U+FDD0-FDEF, U+nFFFE, U+nFFFF */

/*
 * Could it move a terminal's cursor, reorder the line or hide in it?  ZWJ and
 * ZWNJ could not; TAB and LF could.
 */
bool utf8_is_unprintable(uint32_t code);

#endif
