/* SPDX-License-Identifier: MIT */
/* Character sets: a table of spellings in ASCII, and what a set has itself. */
#include "proxy/charset.h"

#include <string.h>

#include "proxy/width.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"

struct spelling {
	uint32_t code;
	char text[CHARSET_PUT_MAX]; /* NUL behind it if there is room */
};

struct cp437_byte {
	uint16_t code;
	uint8_t byte;
};

#include "proxy/charset_table.h"

#define REPLACEMENT 0xfffd

/* The first name of each is the one to be said. */
static const struct {
	const char *name;
	enum charset charset;
} names[] = {
    {"UTF-8", CHARSET_UTF8},
    {"ISO-8859-1", CHARSET_LATIN1},
    {"CP437", CHARSET_CP437},
    {"US-ASCII", CHARSET_ASCII},
    {"UTF8", CHARSET_UTF8},
    {"ISO8859-1", CHARSET_LATIN1},
    {"ISO_8859-1", CHARSET_LATIN1},
    {"LATIN1", CHARSET_LATIN1},
    {"LATIN-1", CHARSET_LATIN1},
    {"IBM437", CHARSET_CP437},
    {"437", CHARSET_CP437},
    {"ASCII", CHARSET_ASCII},
};

const char *
charset_name(int charset)
{
	return charset >= 0 && charset < CHARSETS ? names[charset].name : "";
}

int
charset_find(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (len == strlen(names[i].name) &&
		    memcmp(name, names[i].name, len) == 0)
			return (int)names[i].charset;
	return -1;
}

static size_t
utf8_put(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/*
 * The alphabets that repeat ASCII: fullwidth, and those of mathematics, which
 * some write their names in.  Not those of the fullwidth signs by which lines
 * of the protocol are told apart.
 */
static char
alphabet(uint32_t code)
{
	uint32_t c = 0;

	if (code >= 0xff01 && code <= 0xff5e)
		c = code - 0xff01 + '!';
	else if (code >= 0x1d400 && code < 0x1d6a4)
		c = (code - 0x1d400) % 52 < 26
			? 'A' + (code - 0x1d400) % 52
			: 'a' + (code - 0x1d400) % 52 - 26;
	else if (code >= 0x1d7ce && code < 0x1d800)
		c = '0' + (code - 0x1d7ce) % 10;
	return c == ':' || c == '*' || c == '[' ? 0 : (char)c;
}

/* What is in no other set. */
static size_t
spell(uint32_t code, char *out)
{
	size_t low = 0, high = COUNT(spellings), mid, len;

	while (low < high) {
		mid = (low + high) / 2;
		if (spellings[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < COUNT(spellings) && spellings[low].code == code) {
		len = strnlen(spellings[low].text, CHARSET_PUT_MAX);
		memcpy(out, spellings[low].text, len);
		return len;
	}
	if (width_of(code) == 0)
		return 0;
	*out = alphabet(code);
	if (*out == 0)
		*out = '?';
	return 1;
}

/* Not its last one, a blank that would be an IAC. */
static bool
cp437_put(uint32_t code, char *out)
{
	size_t low = 0, high = COUNT(cp437_bytes), mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (cp437_bytes[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == COUNT(cp437_bytes) || cp437_bytes[low].code != code)
		return false;
	*out = (char)cp437_bytes[low].byte;
	return true;
}

size_t
charset_put(enum charset charset, uint32_t code, char *out)
{
	if (charset == CHARSET_UTF8 || code < 0x80)
		return utf8_put(code, out);
	if (charset == CHARSET_LATIN1 && code >= 0xa0 && code <= 0xff) {
		out[0] = out[1] = (char)code;
		return code == 0xff ? 2 : 1;
	}
	if (charset == CHARSET_CP437 && cp437_put(code, out))
		return 1;
	return spell(code, out);
}

unsigned
charset_cells(enum charset charset, uint32_t code)
{
	char out[CHARSET_PUT_MAX];

	if (charset == CHARSET_UTF8 || code < 0x80)
		return width_of(code);
	if (code == 0xff) /* two bytes in ISO-8859-1 */
		return 1;
	return (unsigned)charset_put(charset, code, out);
}

size_t
charset_encode(enum charset charset, const char *in, size_t len, char *out)
{
	size_t n = 0;
	uint32_t code;

	if (charset == CHARSET_UTF8) {
		memcpy(out, in, len);
		return len;
	}
	for (size_t i = 0; i < len;) {
		i += utf8_decode(in + i, len - i, &code);
		if (code == UTF8_INVALID)
			out[n++] = '?';
		else
			n += charset_put(charset, code, out + n);
	}
	return n;
}

size_t
charset_decode(enum charset charset, const char *in, size_t len, char *out)
{
	size_t n = 0;

	if (charset == CHARSET_UTF8) {
		memcpy(out, in, len);
		return len;
	}
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)in[i];
		uint32_t code = c;

		if (c >= 0x80 && charset == CHARSET_CP437)
			code = cp437[c - 0x80];
		else if (c >= 0x80 && charset == CHARSET_ASCII)
			code = REPLACEMENT;
		n += utf8_put(code, out + n);
	}
	return n;
}
