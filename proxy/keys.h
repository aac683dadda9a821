/* SPDX-License-Identifier: MIT */
/*
 * Keys, out of the bytes that terminals send for them: ECMA-48, and what xterm,
 * rxvt, PuTTY, the Linux console and screen make of it.
 */
#ifndef PROXY_KEYS_H
#define PROXY_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/charset.h"

enum key {
	KEY_NONE, /* one that means nothing */
	KEY_CHARACTER,
	KEY_ENTER,
	KEY_TAB,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_WORD_LEFT,
	KEY_WORD_RIGHT,
	KEY_HOME,
	KEY_END,
	KEY_UP,
	KEY_DOWN,
	KEY_SEARCH,
	KEY_CANCEL,
	KEY_BACKSPACE,
	KEY_DELETE,
	KEY_DELETE_OR_END, /* of input: Ctrl-D */
	KEY_KILL_LEFT,
	KEY_KILL_RIGHT,
	KEY_KILL_WORD_LEFT, /* back to white space */
	KEY_KILL_PART_LEFT, /* back to the beginning of a word */
	KEY_KILL_PART_RIGHT,
	KEY_YANK,
	KEY_TRANSPOSE,
	KEY_REDRAW,
	KEY_INTERRUPT,
	KEY_DISCARD,
	KEY_THERE,
	KEY_PASTE_BEGIN,
	KEY_PASTE_END,
};

/* A sequence that has not ended after so many bytes is none. */
#define KEYS_SEQUENCE_MAX 32

/*
 * The first key of in[0, len), len > 0, from a client with that character set.
 * Stores it, and the character for KEY_CHARACTER, U+FFFD where it is none.
 * Returns its bytes, or 0 if more must come to tell: then `len` is less than
 * KEYS_SEQUENCE_MAX.  While `pasting`, controls but LF and TAB mean nothing,
 * and TAB is a character.
 */
size_t keys_next(enum charset charset, const char *in, size_t len, bool pasting,
    enum key *key, uint32_t *code);

#endif
