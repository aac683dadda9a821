/* SPDX-License-Identifier: MIT */
/* proxy/width. */
#include "tests/harness/test.h"

#include <string.h>

#include "proxy/width.h"

TEST(characters_take_the_columns_that_unicode_says)
{
	static const struct {
		uint32_t code;
		unsigned width;
	} cases[] = {
	    {0, 0},
	    {'\t', 0},
	    {0x1b, 0},
	    {0x7f, 0},
	    {0x9b, 0},
	    {' ', 1},
	    {'a', 1},
	    {'~', 1},
	    {0xa0, 1},
	    {0xad, 1},
	    {0xe4, 1},
	    {0x2ff, 1},
	    {0x300, 0},
	    {0x36f, 0},
	    {0x370, 1},
	    {0x5d0, 1},
	    {0x5bf, 0},
	    {0x600, 1},
	    {0x61c, 0},
	    {0xe31, 0},
	    {0x1100, 2},
	    {0x1160, 0},
	    {0x11ff, 0},
	    {0x200b, 0},
	    {0x200d, 0},
	    {0x2013, 1},
	    {0x20ac, 1},
	    {0x231a, 2},
	    {0x2605, 1},
	    {0x2b50, 2},
	    {0x3000, 2},
	    {0x4e00, 2},
	    {0xac00, 2},
	    {0xd7b0, 0},
	    {0xfe0f, 0},
	    {0xff21, 2},
	    {0xff71, 1},
	    {0xfffd, 1},
	    {0x1d400, 1},
	    {0x1f31f, 2},
	    {0x1f44b, 2},
	    {0x1fae8, 2},
	    {0x20000, 2},
	    {0xe0001, 0},
	    {0xe01ef, 0},
	    {0x10ffff, 1},
	    {0x110000, 1},
	    {UINT32_MAX, 1},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		if (width_of(cases[i].code) != cases[i].width)
			test_fail(__FILE__, __LINE__, "U+%04X takes %u, not %u",
			    cases[i].code, width_of(cases[i].code),
			    cases[i].width);
}

/* The steps through a text, forwards and backwards, are these. */
static void
check_steps(const char *text, size_t len, const size_t *steps, size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		CHECK_EQ(width_next(text, len, at), at + steps[i]);
		at += steps[i];
		CHECK_EQ(width_previous(text, len, at), at - steps[i]);
	}
	CHECK_EQ(at, len);
	CHECK_EQ(width_next(text, len, len), len);
	CHECK_EQ(width_previous(text, len, 0), 0);
}

#define CHECK_STEPS(text, ...)                                                 \
	check_steps(text, sizeof(text) - 1, (const size_t[]){__VA_ARGS__},     \
	    sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t))

TEST(a_cursor_steps_over_a_character_and_what_joins_it)
{
	CHECK_STEPS("abc", 1, 1, 1);
	CHECK_STEPS("aäb", 1, 2, 1);
	CHECK_STEPS("漢🌟", 3, 4);
	CHECK_STEPS("e\u0301\u0323x", 5, 1);
	CHECK_STEPS("\u0301x", 2, 1);
	CHECK_STEPS("👩\u200d💻!", 7, 4, 1);
	CHECK_STEPS("\t\u0301\t", 3, 1);
}

TEST(bytes_that_are_no_utf8_are_steps_of_their_own)
{
	CHECK_STEPS("a\xff\xff"
		    "b",
	    1, 1, 1, 1);
	CHECK_STEPS("\x80\x80\x80\x80\x80", 1, 1, 1, 1, 1);
	CHECK_STEPS("\xff\u0301", 3);
}
