/* SPDX-License-Identifier: MIT */
/* Skeletons: characters are unfolded by tables, letter by letter. */
#include "shared/chat/skeleton.h"

#include "shared/base/base.h"
#include "shared/base/utf8.h"
#include "shared/chat/mark.h"

/* The tables are rows of so many numbers. */
#define RUN_WORDS 3
#define ONE_WORDS 2
#define TWO_WORDS 3

#include "shared/chat/skeleton_table.h"

/*
 * Signs beside characters: "rn" and "RN", of which only the first looks like
 * an m, "Rn" and "rN" among the second.
 */
#define SIGN_rn 0x110000
#define SIGN_RN 0x110001

/*
 * Letters of ASCII are signs without case, but for those that look different
 * (see add_ascii).  With this bit it is a letter that another character is
 * made of or looks like, and whose case does matter.
 */
#define SIGN_CASED 0x200000

/* Hangul syllables are made of these (Unicode 15.0, section 3.12). */
#define HANGUL_S 0xac00
#define HANGUL_L 0x1100
#define HANGUL_V 0x1161
#define HANGUL_T 0x11a7
#define HANGUL_SYLLABLES 11172
#define HANGUL_VS 21
#define HANGUL_TS 28

/*
 * The last row whose first number isn't above `code`, or NULL.  There are
 * `count` rows of `words` numbers.
 */
static const uint32_t *
find(const uint32_t *rows, size_t count, size_t words, uint32_t code)
{
	size_t low = 0, high = count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (rows[mid * words] > code)
			high = mid;
		else
			low = mid + 1;
	}
	return low > 0 ? rows + (low - 1) * words : NULL;
}

/* Default_Ignorable_Code_Point that may be in a name; and Braille's blank. */
static bool
shows_nothing(uint32_t code)
{
	return code == 0x34f || code == 0x115f || code == 0x1160 ||
	       code == 0x17b4 || code == 0x17b5 ||
	       (code >= 0x180b && code <= 0x180f) || code == 0x2800 ||
	       code == 0x3164 || (code >= 0xfe00 && code <= 0xfe0f) ||
	       code == 0xffa0 || (code >= 0xe0100 && code <= 0xe01ef) ||
	       utf8_is_format(code);
}

static void
add(struct skeleton *out, uint32_t sign)
{
	if (out->len < SKELETON_MAX)
		out->signs[out->len++] = sign;
}

/* An ASCII character; `cased` is 0 or SIGN_CASED. */
static void
add_ascii(struct skeleton *out, uint32_t c, uint32_t cased)
{
	uint32_t last = out->len > 0 ? out->signs[out->len - 1] : 0;
	uint32_t before = last & ~SIGN_CASED;

	if ((before == 'r' || before == 'R') && (c == 'n' || c == 'N')) {
		out->signs[out->len - 1] =
		    (before == 'r' && c == 'n' ? SIGN_rn : SIGN_RN) |
		    (last & cased);
		return;
	}
	if (c == '|')
		c = '1';
	if (cased == 0 && c >= 'A' && c <= 'Z' && c != 'I' && c != 'L' &&
	    c != 'O' && c != 'M' && c != 'R')
		c += 'a' - 'A';
	add(out, c | cased);
}

/*
 * A mark: into its place among those on the same letter.  A dot on an i is no
 * difference.
 */
static void
add_mark(struct skeleton *out, uint32_t mark)
{
	uint32_t at = out->len;
	uint32_t letter = at > 0 ? out->signs[at - 1] & ~SIGN_CASED : 0;

	if (mark == 0x307 && (letter == 'i' || letter == 'I' || letter == 'j'))
		return;
	add(out, mark);
	for (; at > 0 && at < out->len && out->signs[at - 1] > mark &&
	       mark_is(out->signs[at - 1]);
	     at--) {
		out->signs[at] = out->signs[at - 1];
		out->signs[at - 1] = mark;
	}
}

static void
add_syllable(struct skeleton *out, uint32_t n)
{
	add(out, HANGUL_L + n / (HANGUL_VS * HANGUL_TS));
	add(out, HANGUL_V + n % (HANGUL_VS * HANGUL_TS) / HANGUL_TS);
	if (n % HANGUL_TS != 0)
		add(out, HANGUL_T + n % HANGUL_TS);
}

/* One step: what the character is taken for, and the second sign, or 0. */
static uint32_t
unfold(uint32_t code, uint32_t *second)
{
	const uint32_t *row =
	    find(runs, COUNT(runs) / RUN_WORDS, RUN_WORDS, code);

	*second = 0;
	if (row != NULL && code <= row[1])
		return row[2] + (code - row[0]);
	row = find(ones, COUNT(ones) / ONE_WORDS, ONE_WORDS, code);
	if (row != NULL && row[0] == code)
		return row[1];
	row = find(twos, COUNT(twos) / TWO_WORDS, TWO_WORDS, code);
	if (row != NULL && row[0] == code) {
		*second = row[2];
		return row[1];
	}
	return code;
}

/*
 * All steps, with the second signs still to come kept aside.  How deep that
 * goes is a matter of the tables: five at most.
 */
static void
add_unfolded(struct skeleton *out, uint32_t code)
{
	uint32_t later[8], nlater = 0, second, to;

	for (;;) {
		if (code < 0x80) {
			add_ascii(out, code, SIGN_CASED);
		} else if ((to = unfold(code, &second)) != code) {
			if (second != 0 && nlater < COUNT(later))
				later[nlater++] = second;
			code = to;
			continue;
		} else if (code - HANGUL_S < HANGUL_SYLLABLES) {
			add_syllable(out, code - HANGUL_S);
		} else if (mark_is(code)) {
			add_mark(out, code);
		} else {
			add(out, code);
		}
		if (nlater == 0)
			return;
		code = later[--nlater];
	}
}

void
skeleton_make(struct skeleton *out, const char *name, size_t len)
{
	out->len = 0;
	for (size_t i = 0; i < len;) {
		uint32_t code;

		i += utf8_decode(name + i, len - i, &code);
		if (code < 0x80)
			add_ascii(out, code, 0);
		else if (code != UTF8_INVALID && !shows_nothing(code))
			add_unfolded(out, code);
	}
}

/* Without the case of what is no special letter. */
static uint32_t
uncased(uint32_t sign)
{
	sign &= ~SIGN_CASED;
	return sign >= 'A' && sign <= 'Z' && sign != 'I' && sign != 'L' &&
		       sign != 'O' && sign != 'M'
		   ? sign + ('a' - 'A')
		   : sign;
}

/* The same for all signs that are alike to each other, be it by others. */
static uint32_t
family(uint32_t sign)
{
	sign = uncased(sign);
	switch (sign) {
	case 'i':
	case 'I':
	case 'L':
	case '1':
		return 'l';
	case '0':
	case 'o':
		return 'O';
	case 'M':
	case SIGN_rn:
	case SIGN_RN:
		return 'm';
	}
	return sign;
}

static bool
is_pair(const uint32_t pairs[][2], size_t count, uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < count; i++) {
		if ((pairs[i][0] == a && pairs[i][1] == b) ||
		    (pairs[i][0] == b && pairs[i][1] == a))
			return true;
	}
	return false;
}

/* By the table in skeleton.h; in another case, if not both have one. */
static bool
signs_alike(uint32_t a, uint32_t b)
{
	static const uint32_t looks[][2] = {
	    {'I', 'l'}, {'1', 'l'}, {'1', 'I'}, {'O', '0'}, {'m', SIGN_rn}};
	static const uint32_t cases[][2] = {
	    {'i', 'I'}, {'l', 'L'}, {'o', 'O'}, {'m', 'M'}, {SIGN_rn, SIGN_RN}};
	bool both = (a & b & SIGN_CASED) != 0;

	if (a == b)
		return true;
	if (both) {
		a &= ~SIGN_CASED;
		b &= ~SIGN_CASED;
	} else {
		a = uncased(a);
		b = uncased(b);
	}
	return a == b || is_pair(looks, COUNT(looks), a, b) ||
	       (!both && is_pair(cases, COUNT(cases), a, b));
}

bool
skeleton_alike(const struct skeleton *a, const struct skeleton *b)
{
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++) {
		if (!signs_alike(a->signs[i], b->signs[i]))
			return false;
	}
	return true;
}

bool
skeleton_akin(const struct skeleton *a, const struct skeleton *b)
{
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++) {
		if (family(a->signs[i]) != family(b->signs[i]))
			return false;
	}
	return true;
}

uint64_t
skeleton_hash(const uint8_t key[HASH_KEY_BYTES], const struct skeleton *s)
{
	unsigned char bytes[3 * SKELETON_MAX];
	size_t n = 0;

	for (uint32_t i = 0; i < s->len; i++) {
		uint32_t sign = family(s->signs[i]);

		bytes[n++] = (unsigned char)sign;
		if (sign < 0x80)
			continue;
		bytes[n++] = (unsigned char)(sign >> 8);
		bytes[n++] = (unsigned char)(sign >> 16);
	}
	return hash_sip(key, bytes, n);
}
