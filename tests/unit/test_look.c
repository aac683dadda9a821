/* SPDX-License-Identifier: MIT */
/* proxy/look: what looks change, and where; wrapping is in test_wrap.c. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/look.h"
#include "proxy/negotiate.h"
#include "shared/chat/record.h"

#define COLORED (LOOK_COLOR | LOOK_ANSI)
#define WRAPPED LOOK_WRAP
#define IN(charset) ((charset) << LOOK_CHARSET_SHIFT)
#define FFFD "\xef\xbf\xbd"

/* 2026-11-23T16:40:18.123Z */
static const uint64_t seq = 1795452018123456, time_us = 1795452018123456;

/* A record with its line, of which name and text are found by themselves. */
static struct render_record
record(unsigned type, const char *line, const char *name, const char *text)
{
	return (struct render_record){
	    .type = type,
	    .seq = seq,
	    .time_us = time_us,
	    .line = line,
	    .len = (uint32_t)strlen(line),
	    .name_off = (uint32_t)(strstr(line, name) - line),
	    .name_len = (uint32_t)strlen(name),
	    .text_off =
		text != NULL ? (uint32_t)(strstr(line, text) - line) : 0,
	    .room = "general",
	    .room_len = 7,
	};
}

/* In a block of exactly that size: what is beyond it isn't written to. */
static void
check_bytes(size_t got, char *dst, size_t size, const char *expected)
{
	CHECK(got <= size);
	CHECK_MEM(dst, got, expected, strlen(expected));
	free(dst);
}

static char *
block(size_t size)
{
	char *dst = malloc(size + (size == 0));

	CHECK(dst != NULL);
	return dst;
}

static void
check_in(size_t size, struct look look, unsigned dialect,
    const struct render_record *r, const char *expected)
{
	char *dst = block(size);

	check_bytes(
	    look_record(look, dialect, r, dst, size), dst, size, expected);
}

static void
check_record(struct look look, unsigned dialect, const struct render_record *r,
    const char *expected)
{
	check_in(strlen(expected), look, dialect, r, expected);
	check_in(4096, look, dialect, r, expected);
}

static void
check_past(struct look look, unsigned dialect, const struct render_record *r,
    const char *expected)
{
	char *dst = block(4096);

	check_bytes(
	    look_past(look, dialect, r, dst, 4096), dst, 4096, expected);
}

static void
check_lines(
    struct look look, unsigned dialect, const char *lines, const char *expected)
{
	size_t len = strlen(lines), size = strlen(expected);
	char *dst = block(size);

	check_bytes(look_lines(look, dialect, lines, len, dst, size), dst, size,
	    expected);
	dst = block(4096);
	check_bytes(look_lines(look, dialect, lines, len, dst, 4096), dst, 4096,
	    expected);
}

TEST(a_look_without_bits_is_what_render_writes)
{
	struct render_record r =
	    record(RECORD_MESSAGE, "Al: Hi \t there!\n", "Al", "Hi");
	char expected[1024];

	/* A look is telnet's, and no frame is. */
	for (unsigned dialect = 0; dialect < DIALECT_WS; dialect++) {
		expected[render_record(dialect, &r, expected, 1000)] = '\0';
		check_record((struct look){0}, dialect, &r, expected);
		expected[render_past(dialect, &r, expected, 1000)] = '\0';
		check_past((struct look){0}, dialect, &r, expected);
	}
}

TEST(only_what_changes_something_is_no_plain_look)
{
	CHECK(look_is_plain((struct look){0}, DIALECT_CRLF));
	CHECK(look_is_plain((struct look){LOOK_WRAP, 0}, DIALECT_CRLF));
	CHECK(look_is_plain((struct look){LOOK_COLOR, 80}, DIALECT_CRLF));
	CHECK(look_is_plain((struct look){LOOK_ANSI | LOOK_COLORS, 80}, 1));
	CHECK(!look_is_plain((struct look){LOOK_WRAP, 80}, DIALECT_CRLF));
	CHECK(!look_is_plain((struct look){COLORED, 0}, DIALECT_CRLF));
	CHECK(!look_is_plain((struct look){LOOK_TIME, 0}, DIALECT_CRLF));
	CHECK(look_is_plain(
	    (struct look){LOOK_ASKED | LOOK_ANSI, 80}, DIALECT_JSON));
	for (unsigned charset = 1; charset < CHARSETS; charset++) {
		uint8_t bits = (uint8_t)IN(charset);

		CHECK(!look_is_plain((struct look){bits, 0}, DIALECT_CRLF));
		CHECK(!look_is_plain((struct look){bits, 0}, DIALECT_JSON));
	}
}

TEST(a_look_is_what_is_asked_for_and_what_the_terminal_is)
{
	static const struct {
		uint8_t asked, charset;
		unsigned terminal, width;
		struct look look;
	} cases[] = {
	    {0, 0, 0, 0, {0, 0}},
	    {LOOK_ASKED, 0, 0, 0, {LOOK_ASKED, 0}},
	    {0xff, 0, 0, 80, {LOOK_ASKED, 80}},
	    {LOOK_COLOR, CHARSET_CP437, TERMINAL_ANSI, 80,
		{COLORED | IN(CHARSET_CP437), 80}},
	    {0, CHARSET_ASCII, TERMINAL_ANSI | TERMINAL_COLORS, 1,
		{LOOK_ANSI | LOOK_COLORS | IN(CHARSET_ASCII), 20}},
	    {0, 0, 0, 19, {0, 20}},
	    {0, 0, 0, 255, {0, 255}},
	    {0, 0, 0, 65535, {0, 255}},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct look look =
		    look_of(cases[i].asked, (enum charset)cases[i].charset,
			cases[i].terminal, cases[i].width);

		CHECK_EQ(look.bits, cases[i].look.bits);
		CHECK_EQ(look.columns, cases[i].look.columns);
	}
}

TEST(a_name_is_in_colour_wherever_it_stands)
{
	static const struct {
		unsigned type;
		const char *line, *text, *expected;
	} cases[] = {
	    {RECORD_MESSAGE, "Alice: Alice!\n", ": ",
		"\x1b[32mAlice\x1b[0m: Alice!\r\n"},
	    {RECORD_ACTION, "* Alice waves\n", "waves",
		"* \x1b[32mAlice\x1b[0m waves\r\n"},
	    {RECORD_PRIVATE, "[private] Alice: x\n", "x",
		"[private] \x1b[32mAlice\x1b[0m: x\r\n"},
	    {RECORD_JOIN, "🌟 Alice joined the room!\n", NULL,
		"🌟 \x1b[32mAlice\x1b[0m joined the room!\r\n"},
	    {RECORD_LEAVE, "👋 Alice left the room\n", NULL,
		"👋 \x1b[32mAlice\x1b[0m left the room\r\n"},
	    {RECORD_RENAME, "*** Alice is now known as Eve\n", "Eve",
		"*** \x1b[32mAlice\x1b[0m is now known as Eve\r\n"},
	    {RECORD_TOPIC, "*** Alice set the topic: x\n", "x",
		"*** \x1b[32mAlice\x1b[0m set the topic: x\r\n"},
	};
	struct look look = {COLORED, 0};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct render_record r = record(
		    cases[i].type, cases[i].line, "Alice", cases[i].text);

		check_record(look, DIALECT_CRLF, &r, cases[i].expected);
	}
}

TEST(a_name_has_one_colour_for_all_ways_to_write_it)
{
	static const char *const lines[] = {"ALICE: x\n", "alice: x\n"};

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct render_record r = record(
		    RECORD_MESSAGE, lines[i], i == 0 ? "ALICE" : "alice", "x");

		check_record((struct look){COLORED, 0}, DIALECT_CRLF, &r,
		    i == 0 ? "\x1b[32mALICE\x1b[0m: x\r\n"
			   : "\x1b[32malice\x1b[0m: x\r\n");
		check_record((struct look){COLORED | LOOK_COLORS, 0},
		    DIALECT_CRLF, &r,
		    i == 0 ? "\x1b[38;5;28mALICE\x1b[0m: x\r\n"
			   : "\x1b[38;5;28malice\x1b[0m: x\r\n");
	}
}

/* Of 1000 names each colour has at least half of its share. */
static void
check_spread(struct look look, size_t colors)
{
	char seen[32][16] = {{0}}, line[32], dst[64];
	unsigned count[32] = {0};
	size_t n = 0;

	for (unsigned i = 0; i < 1000; i++) {
		struct render_record r;
		char name[16];
		size_t k = 0, end;

		snprintf(name, sizeof(name), "user%u", i);
		snprintf(line, sizeof(line), "%s: x\n", name);
		r = record(RECORD_MESSAGE, line, name, "x");
		CHECK(
		    look_record(look, DIALECT_CRLF, &r, dst, sizeof(dst)) > 0);
		end = (size_t)(strchr(dst, 'm') - dst) + 1;
		CHECK(end < sizeof(seen[0]));
		dst[end] = '\0';
		while (k < n && strcmp(seen[k], dst) != 0)
			k++;
		CHECK(k < colors);
		snprintf(seen[k], sizeof(seen[k]), "%.15s", dst);
		n += k == n;
		count[k]++;
	}
	CHECK_EQ(n, colors);
	for (size_t k = 0; k < n; k++)
		CHECK(count[k] > 500 / colors);
}

TEST(names_have_many_colours)
{
	check_spread((struct look){COLORED, 0}, 6);
	check_spread((struct look){COLORED | LOOK_COLORS, 0}, 16);
}

TEST(a_terminal_that_shows_no_colours_gets_none)
{
	struct render_record r = record(RECORD_MESSAGE, "Al: x\n", "Al", "x");

	check_record(
	    (struct look){LOOK_COLOR, 80}, DIALECT_CRLF, &r, "Al: x\r\n");
	check_record(
	    (struct look){LOOK_ANSI, 80}, DIALECT_CRLF, &r, "Al: x\r\n");
}

TEST(colours_take_no_column_and_go_on_in_the_next_row)
{
	struct look look = {COLORED | WRAPPED, 20};
	struct render_record r =
	    record(RECORD_MESSAGE, "Alice: 890123456 89 x\n", "Alice", "8");

	check_record(look, DIALECT_CRLF, &r,
	    "\x1b[32mAlice\x1b[0m: 890123456 89\r\n      x\r\n");
	r = record(RECORD_MESSAGE, "Alice678901234567890123: x\n",
	    "Alice678901234567890123", "x");
	check_record(look, DIALECT_CRLF, &r,
	    "\x1b[34mAlice67890123456789\r\n      0123\x1b[0m: x\r\n");
}

TEST(the_time_stands_in_front)
{
	struct look look = {LOOK_TIME, 0};
	struct render_record r =
	    record(RECORD_MESSAGE, "Al: Hi!\n", "Al", "Hi!");

	check_record(look, DIALECT_CRLF, &r, "[16:40] Al: Hi!\r\n");
	r.time_us = 0;
	check_record(look, DIALECT_CRLF, &r, "[00:00] Al: Hi!\r\n");
	r.time_us = 86399999999;
	check_record(look, DIALECT_CRLF, &r, "[23:59] Al: Hi!\r\n");
	r.time_us = UINT64_MAX;
	CHECK(look_record(look, DIALECT_CRLF, &r, (char[32]){0}, 32) > 0);
	r = record(
	    RECORD_MESSAGE, "Al: one two three four five\n", "Al", "one");
	look = (struct look){LOOK_TIME | COLORED | WRAPPED, 35};
	check_record(look, DIALECT_CRLF, &r,
	    "[16:40] \x1b[35mAl\x1b[0m: one two three four\r\n"
	    "           five\r\n");
	look.columns = 24;
	check_record(look, DIALECT_CRLF, &r,
	    "[16:40] \x1b[35mAl\x1b[0m: one two\r\n"
	    "        three four five\r\n");
}

TEST(the_past_has_its_own_time_and_its_names_their_colour)
{
	struct look look = {LOOK_TIME | COLORED | WRAPPED, 60};
	struct render_record r = record(
	    RECORD_MESSAGE, "Al: one two three four five six\n", "Al", "one");

	check_past(look, DIALECT_CRLF, &r,
	    "*** 2026-11-23T16:40:18.123Z \x1b[35mAl\x1b[0m: one two three "
	    "four five\r\n    six\r\n");
}

TEST(what_a_set_has_not_is_spelt_and_measured_as_spelt)
{
	struct render_record r =
	    record(RECORD_MESSAGE, "Jörg: ÿ 漢 🌟 “a” €\n", "Jörg", "ÿ");

	check_record((struct look){IN(CHARSET_LATIN1), 0}, DIALECT_CRLF, &r,
	    "J\xf6rg: \xff\xff ? [star] \"a\" EUR\r\n");
	check_record((struct look){IN(CHARSET_CP437), 0}, DIALECT_CRLF, &r,
	    "J\x94rg: \x98 ? [star] \"a\" EUR\r\n");
	check_record((struct look){IN(CHARSET_ASCII), 0}, DIALECT_CRLF, &r,
	    "Jorg: y ? [star] \"a\" EUR\r\n");
	check_record((struct look){IN(CHARSET_LATIN1) | WRAPPED, 20},
	    DIALECT_CRLF, &r,
	    "J\xf6rg: \xff\xff ? [star]\r\n"
	    "      \"a\" EUR\r\n");
}

TEST(replies_are_wrapped_and_keep_their_ends)
{
	struct look look = {WRAPPED, 30};

	check_lines(look, DIALECT_CRLF,
	    "*** you are Alice in general, from 127.0.0.1\r\n*** x\r\n",
	    "*** you are Alice in general,\r\n    from 127.0.0.1\r\n"
	    "*** x\r\n");
	check_lines(look, DIALECT_CRLF,
	    "*** x\r\nEnter username: ", "*** x\r\nEnter username: ");
	check_lines(look, DIALECT_CRLF, "\r\n*** x\r\n", "\r\n*** x\r\n");
	check_lines(look, DIALECT_CRLF, "", "");
	check_lines(look, DIALECT_TEXT,
	    "*** you are Alice in general, from 127.0.0.1\n",
	    "*** you are Alice in general,\n    from 127.0.0.1\n");
	check_lines((struct look){IN(CHARSET_LATIN1), 0}, DIALECT_CRLF,
	    "*** topic of Köln: €\r\n", "*** topic of K\xf6ln: EUR\r\n");
}

TEST(a_line_that_was_cut_ends_its_colour_too)
{
	struct look look = {COLORED, 0};

	check_lines(
	    look, DIALECT_CRLF, "\r\n*** x\r\n", "\x1b[0m\r\n*** x\r\n");
	check_lines(look, DIALECT_TEXT, "\n*** x\n", "\x1b[0m\n*** x\n");
	check_lines(look, DIALECT_CRLF, "*** x\r\n", "*** x\r\n");
}

TEST(sequences_of_the_terminal_are_not_broken)
{
	check_lines((struct look){WRAPPED, 20}, DIALECT_CRLF,
	    "*** 56789012345678\x1b[38;5;160m9\x1b[0m012345678\r\n",
	    "*** 56789012345678\x1b[38;5;160m9\x1b[0m\r\n    012345678\r\n");
}

TEST(json_has_no_looks_but_is_ascii_for_who_reads_no_utf8)
{
	struct render_record r =
	    record(RECORD_MESSAGE, "Jörg: 漢“\"🌟" FFFD "\n", "Jörg", "漢");
	const struct look all = {LOOK_ASKED | LOOK_ANSI, 20};
	struct look look = all;

#define OBJECT(name, text)                                                     \
	"{\"type\":\"message\",\"seq\":1795452018123456,\"time\":\"2026-11-"   \
	"23T16:40:18.123Z\",\"room\":\"general\",\"name\":\"" name             \
	"\",\"text\":\"" text "\"}\r\n"
	check_record(look, DIALECT_JSON | DIALECT_CRLF, &r,
	    OBJECT("Jörg", "漢“\\\"🌟" FFFD));
	check_lines(look, DIALECT_JSON | DIALECT_CRLF,
	    "{\"text\":\"one two three four five six seven\"}\r\n",
	    "{\"text\":\"one two three four five six seven\"}\r\n");
	for (unsigned charset = 1; charset < CHARSETS; charset++) {
		look.bits = (uint8_t)(all.bits | IN(charset));
		check_in(4096, look, DIALECT_JSON | DIALECT_CRLF, &r,
		    OBJECT("J\\u00f6rg", "\\u6f22\\u201c\\\"\\ud83c\\udf1f?"));
		check_lines(look, DIALECT_JSON | DIALECT_CRLF,
		    "{\"text\":\"Köln\"}\r\n", "{\"text\":\"K\\u00f6ln\"}\r\n");
	}
}

/* What it becomes in a block of each size from 0 on. */
TEST(a_line_too_long_for_its_looks_has_fewer)
{
	struct look look = {WRAPPED | IN(CHARSET_ASCII), 20};
	struct render_record r =
	    record(RECORD_MESSAGE, "Al: 🌟🌟 one two three four\n", "Al", "🌟");
	static const char *const ladder[] = {
	    "Al: ?? one two three four\r\n",
	    "Al: [star][star] one two three four\r\n",
	    "Al: [star][star]\r\n    one two three\r\n    four\r\n",
	};

	for (size_t size = 0; size < 100; size++) {
		const char *expected = "";
		char *dst = block(size);

		for (size_t i = 0; i < COUNT(ladder); i++)
			if (strlen(ladder[i]) <= size)
				expected = ladder[i];
		check_bytes(look_record(look, DIALECT_CRLF, &r, dst, size), dst,
		    size, expected);
	}
}

TEST(an_object_too_long_in_ascii_has_question_marks)
{
	struct look look = {IN(CHARSET_ASCII), 0};
	const char *json = "{\"text\":\"🌟漢\"}\n";
	size_t len = strlen(json);

	for (size_t size = 0; size < 60; size++) {
		char *dst = block(size);
		size_t n = look_lines(look, DIALECT_JSON, json, len, dst, size);

		if (size < len)
			CHECK_EQ(n, 0);
		else if (n == strlen("{\"text\":\"??\"}\n"))
			CHECK_MEM(dst, n, "{\"text\":\"??\"}\n", n);
		else
			CHECK_MEM(dst, n,
			    "{\"text\":\"\\ud83c\\udf1f\\u6f22\"}\n",
			    strlen("{\"text\":\"\\ud83c\\udf1f\\u6f22\"}\n"));
		free(dst);
	}
}

TEST(nonsense_is_no_line)
{
	struct render_record r = record(RECORD_MESSAGE, "Al: x\n", "Al", "x"),
			     bad;
	struct look look = {0xff, 0xff};
	char dst[256];

	bad = r;
	bad.len = 5;
	CHECK_EQ(look_record(look, DIALECT_CRLF, &bad, dst, sizeof(dst)), 0);
	bad = r;
	bad.name_len = 200;
	CHECK_EQ(look_record(look, DIALECT_CRLF, &bad, dst, sizeof(dst)), 0);
	CHECK_EQ(look_past(look, DIALECT_CRLF, &bad, dst, sizeof(dst)), 0);
	bad = r;
	bad.type = RECORD_TYPES;
	CHECK_EQ(look_record(look, DIALECT_CRLF, &bad, dst, sizeof(dst)), 0);
}
