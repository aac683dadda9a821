/* SPDX-License-Identifier: MIT */
/*
 * Character sets of telnet clients: UTF-8 to what they show and back.  What a
 * set doesn't have is spelt in what it has: letters without their marks, signs
 * that look alike, emoji by name; '?' stands for the rest.
 */
#ifndef PROXY_CHARSET_H
#define PROXY_CHARSET_H

#include <stddef.h>
#include <stdint.h>

/* The best first. */
enum charset {
	CHARSET_UTF8,
	CHARSET_LATIN1, /* ISO-8859-1 */
	CHARSET_CP437,
	CHARSET_ASCII,
	CHARSETS
};

/* The name that IANA has for it; "" for what is none. */
const char *charset_name(int charset);

/* The set of that name, or one of its others, in capitals; -1: none of ours. */
int charset_find(const char *name, size_t len);

/* Bytes that one character, and that n bytes of UTF-8, become at most. */
#define CHARSET_PUT_MAX 12
#define CHARSET_EXPANSION 3

/*
 * A character for a client's terminal: writes at most CHARSET_PUT_MAX bytes to
 * `out` and returns how many; 0 for what takes no column and is not in the set.
 * A byte 255 is doubled, as telnet has it (IAC).  `code` is no UTF8_INVALID.
 */
size_t charset_put(enum charset charset, uint32_t code, char *out);

/* The columns that it takes there. */
unsigned charset_cells(enum charset charset, uint32_t code);

/*
 * UTF-8 as it is for such a client; C0 controls pass.  Writes at most
 * CHARSET_EXPANSION * len bytes to `out`, which doesn't overlap `in`, and
 * returns how many.  Not for pieces of a text that begin or end in a character.
 */
size_t charset_encode(
    enum charset charset, const char *in, size_t len, char *out);

/*
 * The reverse: what came from such a client, IAC undone already.  UTF-8 is
 * copied as it is; a byte that is not in the set becomes U+FFFD.  The same
 * bounds.
 */
size_t charset_decode(
    enum charset charset, const char *in, size_t len, char *out);

#endif
