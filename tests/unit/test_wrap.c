/* SPDX-License-Identifier: MIT */
/* proxy/wrap, as proxy/look uses it: lines broken into rows. */
#include "tests/harness/test.h"

#include <string.h>

#include "proxy/look.h"
#include "shared/chat/record.h"

#define WRAPPED LOOK_WRAP

/* A record with its line, of which name and text are found by themselves. */
static struct render_record
record(unsigned type, const char *line, const char *name, const char *text)
{
	return (struct render_record){
	    .type = type,
	    .time_us = 1795452018123456, /* 2026-11-23T16:40:18.123Z */
	    .line = line,
	    .len = (uint32_t)strlen(line),
	    .name_off = (uint32_t)(strstr(line, name) - line),
	    .name_len = (uint32_t)strlen(name),
	    .text_off =
		text != NULL ? (uint32_t)(strstr(line, text) - line) : 0,
	};
}

typedef size_t looker(struct look look, unsigned dialect,
    const struct render_record *r, char *dst, size_t size);

static void
check(looker *render, struct look look, const struct render_record *r,
    const char *expected)
{
	char dst[512];
	size_t n = render(look, DIALECT_CRLF, r, dst, sizeof(dst));

	CHECK_MEM(dst, n, expected, strlen(expected));
}

/* A message of Al, wrapped at so many columns. */
static void
check_wrap(unsigned columns, const char *line, const char *expected)
{
	struct render_record r = record(RECORD_MESSAGE, line, "Al", ": ");

	r.text_off += 2;
	check(look_record, (struct look){WRAPPED, (uint8_t)columns}, &r,
	    expected);
}

TEST(lines_are_broken_at_words_and_hang_below_the_text)
{
	check_wrap(20, "Al: one two three\n", "Al: one two three\r\n");
	check_wrap(20, "Al: one two threes\n", "Al: one two threes\r\n");
	check_wrap(
	    20, "Al: one two three4567\n", "Al: one two\r\n    three4567\r\n");
	check_wrap(20, "Al: one two threefour five six seven eight nine\n",
	    "Al: one two\r\n    threefour five\r\n    six seven eight\r\n"
	    "    nine\r\n");
	check_wrap(40, "Al: one two threefour five six seven eight nine\n",
	    "Al: one two threefour five six seven\r\n    eight nine\r\n");
	check_wrap(255, "Al: one two threefour five six seven eight nine\n",
	    "Al: one two threefour five six seven eight nine\r\n");
}

TEST(the_last_column_stays_free)
{
	check_wrap(20, "Al: 567890123456789\n", "Al: 567890123456789\r\n");
	check_wrap(20, "Al: 567890123456 89\n", "Al: 567890123456 89\r\n");
	check_wrap(
	    20, "Al: 567890123456 890\n", "Al: 567890123456\r\n    890\r\n");
}

TEST(blanks_within_a_row_stay_and_those_where_it_ends_go)
{
	check_wrap(20, "Al: a  b   c\n", "Al: a  b   c\r\n");
	check_wrap(20, "Al:   a\n", "Al:   a\r\n");
	check_wrap(20, "Al: 567890123456      7890\n",
	    "Al: 567890123456\r\n    7890\r\n");
	check_wrap(20, "Al: 567890123456 \n", "Al: 567890123456 \r\n");
	check_wrap(20, "Al: 567890123456         \n", "Al: 567890123456\r\n");
	check_wrap(20, "Al:                          x\n", "Al:\r\n    x\r\n");
}

TEST(a_tab_goes_to_the_next_stop)
{
	check_wrap(20, "Al: a\tb\n", "Al: a\tb\r\n");
	check_wrap(20, "Al: a\t\tabc\n", "Al: a\t\tabc\r\n");
	check_wrap(20, "Al: a\t\tabcd\n", "Al: a\r\n    abcd\r\n");
}

TEST(a_word_longer_than_a_row_is_broken_where_that_ends)
{
	check_wrap(20, "Al: 5678901234567890123456789012345\n",
	    "Al: 567890123456789\r\n    012345678901234\r\n    5\r\n");
	check_wrap(20, "Al: see http://example.com/a/b/c/d/e x\n",
	    "Al: see http://exam\r\n    ple.com/a/b/c/d\r\n    /e x\r\n");
}

TEST(what_a_long_name_leaves_is_two_thirds_at_least)
{
	struct look look = {WRAPPED, 30};
	struct render_record r = record(RECORD_MESSAGE,
	    "Hippopotomonstrosesquippedalio: one two three four\n",
	    "Hippopotomonstrosesquippedalio", "one");

	check(look_record, look, &r,
	    "Hippopotomonstrosesquippedali\r\n          o: one two three\r\n"
	    "          four\r\n");
	look.columns = 40;
	check(look_record, look, &r,
	    "Hippopotomonstrosesquippedalio: one two\r\n"
	    "             three four\r\n");
}

TEST(other_lines_hang_four_columns)
{
	struct look look = {WRAPPED, 24};
	struct render_record r = record(RECORD_ACTION,
	    "* Alice waves and waves and waves\n", "Alice", "waves");

	check(look_record, look, &r,
	    "* Alice waves and waves\r\n    and waves\r\n");
	r = record(
	    RECORD_PRIVATE, "[private] Al: one two three four\n", "Al", "one");
	check(look_record, look, &r,
	    "[private] Al: one two\r\n        three four\r\n");
	r = record(RECORD_JOIN, "🌟 Alice123456 joined the room!\n",
	    "Alice123456", NULL);
	check(
	    look_record, look, &r, "🌟 Alice123456 joined\r\n    the room!\r\n");
	check(look_past, look, &r,
	    "*** 2026-11-23T16:40:18\r\n    .123Z 🌟\r\n"
	    "    Alice123456 joined\r\n    the room!\r\n");
}

TEST(wide_and_combining_characters_are_measured)
{
	check_wrap(20, "Al: 漢字漢字漢字 ab\n", "Al: 漢字漢字漢字 ab\r\n");
	check_wrap(
	    20, "Al: 漢字漢字漢字 abc\n", "Al: 漢字漢字漢字\r\n    abc\r\n");
	/* 15 columns are left, and the eighth would be half in. */
	check_wrap(20, "Al: 漢字漢字漢字漢字漢\n",
	    "Al: 漢字漢字漢字漢\r\n    字漢\r\n");
	check_wrap(20, "Al: e\u0301e\u0301e\u0301e\u0301e\u0301 890123456 x\n",
	    "Al: e\u0301e\u0301e\u0301e\u0301e\u0301 890123456\r\n    x\r\n");
	/* What joins a character stays with it. */
	check_wrap(20, "Al: 567890123456789\u0301\u03220123\n",
	    "Al: 567890123456789\u0301\u0322\r\n    0123\r\n");
	check_wrap(20, "Al: 🌟🌟🌟🌟🌟🌟🌟🌟\n", "Al: 🌟🌟🌟🌟🌟🌟🌟\r\n    🌟\r\n");
}

TEST(rows_end_as_lines_do)
{
	struct render_record r =
	    record(RECORD_MESSAGE, "Al: 567890123456 890\n", "Al", "5");
	char dst[64];
	size_t n = look_record(
	    (struct look){WRAPPED, 20}, DIALECT_TEXT, &r, dst, sizeof(dst));

	CHECK_MEM(dst, n, "Al: 567890123456\n    890\n", 25);
}
