/* SPDX-License-Identifier: MIT */
/* Keys: one byte, UTF-8, or an escape sequence, which may be cut anywhere. */
#include "proxy/keys.h"

#include "proxy/telnet.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"

#define ESC 0x1b
#define REPLACEMENT 0xfffd

static const uint8_t controls[0x20] = {
    [0x01] = KEY_HOME,           /* ^A */
    [0x02] = KEY_LEFT,           /* ^B */
    [0x03] = KEY_INTERRUPT,      /* ^C */
    [0x04] = KEY_DELETE_OR_END,  /* ^D */
    [0x05] = KEY_END,            /* ^E */
    [0x06] = KEY_RIGHT,          /* ^F */
    [0x07] = KEY_CANCEL,         /* ^G */
    [0x08] = KEY_BACKSPACE,      /* ^H */
    [0x09] = KEY_TAB,            /* ^I */
    [0x0a] = KEY_ENTER,          /* ^J */
    [0x0b] = KEY_KILL_RIGHT,     /* ^K */
    [0x0c] = KEY_REDRAW,         /* ^L */
    [0x0e] = KEY_DOWN,           /* ^N */
    [0x0f] = KEY_DISCARD,        /* ^O */
    [0x10] = KEY_UP,             /* ^P */
    [0x12] = KEY_SEARCH,         /* ^R */
    [0x14] = KEY_TRANSPOSE,      /* ^T */
    [0x15] = KEY_KILL_LEFT,      /* ^U */
    [0x17] = KEY_KILL_WORD_LEFT, /* ^W */
    [0x19] = KEY_YANK,           /* ^Y */
    [TELNET_KEY_THERE] = KEY_THERE,
};

/* By the byte that ends ESC [ or ESC O. */
static enum key
key_of_final(char final, bool word)
{
	switch (final) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return word ? KEY_WORD_RIGHT : KEY_RIGHT;
	case 'D':
		return word ? KEY_WORD_LEFT : KEY_LEFT;
	case 'F':
		return KEY_END;
	case 'H':
		return KEY_HOME;
	default:
		return KEY_NONE;
	}
}

/* By the number before a '~'. */
static enum key
key_of_number(unsigned number)
{
	switch (number) {
	case 1:
	case 7:
		return KEY_HOME;
	case 4:
	case 8:
		return KEY_END;
	case 3:
		return KEY_DELETE;
	case 200:
		return KEY_PASTE_BEGIN;
	case 201:
		return KEY_PASTE_END;
	default:
		return KEY_NONE;
	}
}

/*
 * ESC [ or ESC O, parameters, and a byte that ends it.  A byte that can't be
 * in there ends it, too, and is not part of it.
 */
static size_t
sequence(const char *in, size_t len, enum key *key)
{
	unsigned number = 0, parameter = 0, modifier;
	size_t i;

	*key = KEY_NONE;
	for (i = 2; i < len && i < KEYS_SEQUENCE_MAX; i++) {
		unsigned char c = (unsigned char)in[i];

		if (c >= '0' && c <= '9') {
			parameter = (parameter * 10 + (c - '0')) % 1000;
		} else if (c == ';') {
			number = parameter;
			parameter = 0;
		} else if (c < 0x20 || c >= 0x7f) {
			return i;
		} else if (c >= 0x40) {
			break;
		}
	}
	if (i == len && i < KEYS_SEQUENCE_MAX)
		return 0;
	if (i == KEYS_SEQUENCE_MAX)
		return i;
	modifier = number != 0 ? parameter : 0;
	if (in[1] == '[' && in[i] == '[' &&
	    i == 2) /* a function key: ESC [ [ A */
		return len > 3 ? 4 : 0;
	if (in[1] == '[' && in[i] == '~')
		*key = key_of_number(number != 0 ? number : parameter);
	else if (in[1] == 'O' && in[i] == 'M') /* of the keypad */
		*key = KEY_ENTER;
	else if (in[1] == 'O' && (in[i] == 'c' || in[i] == 'd')) /* rxvt */
		*key = in[i] == 'c' ? KEY_WORD_RIGHT : KEY_WORD_LEFT;
	else
		*key = key_of_final(in[i], modifier > 2 || parameter == 5);
	return i + 1;
}

/* ESC and a key: Alt. */
static enum key
key_of_alt(char c)
{
	switch (c) {
	case 'b':
	case 'B':
		return KEY_WORD_LEFT;
	case 'f':
	case 'F':
		return KEY_WORD_RIGHT;
	case 'd':
	case 'D':
		return KEY_KILL_PART_RIGHT;
	case 0x08:
	case 0x7f:
		return KEY_KILL_PART_LEFT;
	default:
		return KEY_NONE;
	}
}

static size_t
escape(const char *in, size_t len, enum key *key)
{
	*key = KEY_NONE;
	if (len < 2)
		return 0;
	if (in[1] == '[' || in[1] == 'O')
		return sequence(in, len, key);
	/* ESC ESC [ D is Alt and a key; ESC and Enter are two keys. */
	if (in[1] == ESC || in[1] == '\n')
		return 1;
	if (((unsigned char)in[1] & 0x80) != 0)
		return 1;
	*key = key_of_alt(in[1]);
	return 2;
}

/* Bytes that UTF-8 has from this first one on. */
static size_t
utf8_need(char c)
{
	unsigned char first = (unsigned char)c;

	return first < 0xc2 || first > 0xf4 ? 1
	       : first < 0xe0               ? 2
	       : first < 0xf0               ? 3
					    : 4;
}

static size_t
character(enum charset charset, const char *in, size_t len, enum key *key,
    uint32_t *code)
{
	char utf8[CHARSET_EXPANSION];
	size_t n;

	*key = KEY_CHARACTER;
	if (charset != CHARSET_UTF8) {
		n = charset_decode(charset, in, 1, utf8);
		(void)utf8_decode(utf8, n, code);
		return 1;
	}
	n = utf8_decode(in, len, code);
	if (*code == UTF8_INVALID) {
		if (n == len && n < utf8_need(in[0]))
			return 0;
		*code = REPLACEMENT;
	}
	return n;
}

size_t
keys_next(enum charset charset, const char *in, size_t len, bool pasting,
    enum key *key, uint32_t *code)
{
	unsigned char c = (unsigned char)in[0];
	size_t n = 1;

	if (c == ESC) {
		n = escape(in, len, key);
		if (pasting && *key != KEY_PASTE_END)
			*key = KEY_NONE;
		return n;
	}
	if (c >= 0x20 && c != 0x7f)
		return character(charset, in, len, key, code);
	*key = c == 0x7f ? KEY_BACKSPACE : (enum key)controls[c];
	if (pasting && *key == KEY_TAB) {
		*key = KEY_CHARACTER;
		*code = '\t';
	} else if (pasting && *key != KEY_ENTER) {
		*key = KEY_NONE;
	}
	return n;
}
