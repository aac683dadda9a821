/* SPDX-License-Identifier: MIT */
/* shared/chat/mark. */
#include "tests/harness/test.h"

#include "shared/chat/mark.h"

TEST(marks_of_many_scripts_are_marks)
{
	static const uint32_t marks[] = {0x300, 0x301, 0x36f, 0x483, 0x489,
	    0x591, 0x5b0, 0x64b, 0x93e, 0x94d, 0xe31, 0xe47, 0x302a, 0x3099,
	    0xa66f, 0xfb1e, 0xfe0f, 0x20e3, 0x1ab0, 0x1d165, 0x1e94a, 0xe0100,
	    0xe01ef};

	for (size_t i = 0; i < COUNT(marks); i++)
		CHECK(mark_is(marks[i]));
}

TEST(letters_signs_and_what_is_no_character_are_none)
{
	static const uint32_t others[] = {0, 'a', 0xa8, 0xb4, 0x2ff, 0x370,
	    0x430, 0x482, 0x48a, 0x5be, 0x5d0, 0x627, 0x905, 0xe01, 0x200c,
	    0x200d, 0x3042, 0x4e00, 0xac00, 0x1f3fb, 0xe00ff, 0xe01f0, 0x10ffff,
	    UINT32_MAX};

	for (size_t i = 0; i < COUNT(others); i++)
		CHECK(!mark_is(others[i]));
}

TEST(eight_marks_in_a_row_are_counted_and_no_more)
{
	unsigned row = 0;

	CHECK(mark_count(&row, 'a'));
	for (int i = 0; i < MARKS_MAX; i++)
		CHECK(mark_count(&row, 0x301));
	CHECK(!mark_count(&row, 0x302));
	CHECK(!mark_count(&row, 0x303));
	CHECK(mark_count(&row, 'b'));
	CHECK(mark_count(&row, 0x301));
	CHECK_EQ(row, 1);
}

TEST(what_is_invisible_ends_no_row)
{
	unsigned row = 0;

	for (int i = 0; i < MARKS_MAX; i++)
		CHECK(mark_count(&row, 0x301));
	CHECK(mark_count(&row, 0x200d));
	CHECK(mark_count(&row, 0x200b));
	CHECK(!mark_count(&row, 0x301));
}
