/* SPDX-License-Identifier: MIT */
/* shared/chat/render and shared/base/json. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/json.h"
#include "shared/chat/notice.h"
#include "shared/chat/render.h"
#include "shared/shm/ring.h"

#define FFFD "\xef\xbf\xbd"
#define TIME "\"time\":\"2026-11-23T16:40:18.123Z\""
#define HEAD(type) "{\"type\":\"" type "\",\"seq\":1795452018123456," TIME

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

typedef size_t renderer(
    unsigned dialect, const struct render_record *r, char *dst, size_t size);

/* In a block of each size up to the bound: only the sizes that hold it do. */
static void
check_render(renderer *render, unsigned dialect, const struct render_record *r,
    size_t max, const char *expected)
{
	size_t need = strlen(expected);

	CHECK(need <= max);
	for (size_t size = 0; size <= max; size++) {
		char *dst = malloc(size + (size == 0));
		size_t n;

		CHECK(dst != NULL);
		n = render(dialect, r, dst, size);
		if (size < need)
			CHECK_EQ(n, 0);
		else
			CHECK_MEM(dst, n, expected, need);
		free(dst);
	}
}

static void
check_record(
    unsigned dialect, const struct render_record *r, const char *expected)
{
	check_render(render_record, dialect, r,
	    render_record_max(dialect, r->len), expected);
}

static void
check_past(
    unsigned dialect, const struct render_record *r, const char *expected)
{
	check_render(render_past, dialect, r, render_past_max(dialect, r->len),
	    expected);
}

static void
check_reply(unsigned dialect, const char *lines, const char *expected)
{
	size_t len = strlen(lines), need = strlen(expected);
	size_t max = render_reply_max(dialect, len);

	CHECK(need <= max);
	for (size_t size = 0; size <= max; size++) {
		char *dst = malloc(size + (size == 0));
		size_t n;

		CHECK(dst != NULL);
		n = render_reply(dialect, seq, time_us, lines, len, dst, size);
		if (size < need)
			CHECK_EQ(n, 0);
		else
			CHECK_MEM(dst, n, expected, need);
		free(dst);
	}
}

TEST(a_line_is_the_same_in_text_and_has_a_cr_in_crlf)
{
	struct render_record r =
	    record(RECORD_MESSAGE, "Alice: Hi!\n", "Alice", "Hi!");

	check_record(DIALECT_TEXT, &r, "Alice: Hi!\n");
	check_record(DIALECT_CRLF, &r, "Alice: Hi!\r\n");
	check_record(DIALECTS, &r, "Alice: Hi!\n");
}

TEST(each_type_of_record_has_its_object)
{
	static const struct {
		unsigned type;
		const char *line, *name, *text, *object;
	} cases[] = {
	    {RECORD_MESSAGE, "Al: Hi!\n", "Al", "Hi!",
		HEAD("message") ",\"room\":\"general\",\"name\":\"Al\","
				"\"text\":\"Hi!\"}\n"},
	    {RECORD_JOIN, "🌟 Al joined the room!\n", "Al", NULL,
		HEAD("join") ",\"room\":\"general\",\"name\":\"Al\"}\n"},
	    {RECORD_LEAVE, "👋 Al left the room\n", "Al", NULL,
		HEAD("leave") ",\"room\":\"general\",\"name\":\"Al\"}\n"},
	    {RECORD_ACTION, "* Al waves\n", "Al", "waves",
		HEAD("action") ",\"room\":\"general\",\"name\":\"Al\","
			       "\"text\":\"waves\"}\n"},
	    {RECORD_PRIVATE, "[private] Al: psst\n", "Al", "psst",
		HEAD("private") ",\"name\":\"Al\",\"text\":\"psst\"}\n"},
	    {RECORD_RENAME, "*** Al is now known as Bo\n", "Al", "Bo",
		HEAD("rename") ",\"room\":\"general\",\"name\":\"Al\","
			       "\"text\":\"Bo\"}\n"},
	    {RECORD_TOPIC, "*** Al set the topic: Tea\n", "Al", "Tea",
		HEAD("topic") ",\"room\":\"general\",\"name\":\"Al\","
			      "\"text\":\"Tea\"}\n"},
	    {RECORD_KICK, "*** Al kicked Bo: why\n", "Al", "kicked Bo: why",
		HEAD("notice") ",\"room\":\"general\",\"name\":\"Al\","
			       "\"text\":\"kicked Bo: why\"}\n"},
	};
	bool seen[RECORD_TYPES] = {true};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct render_record r = record(
		    cases[i].type, cases[i].line, cases[i].name, cases[i].text);

		check_record(DIALECT_JSON, &r, cases[i].object);
		seen[cases[i].type] = true;
	}
	/* What operators do are notices, all of them; the rest nobody reads. */
	for (size_t i = 0; i < RECORD_TYPES; i++)
		CHECK(seen[i] || record_is_act((unsigned)i) ||
		      record_needs_no_room((unsigned)i));
}

TEST(an_object_ends_in_cr_lf_where_lines_do)
{
	struct render_record r = record(RECORD_JOIN, "+ Al\n", "Al", NULL);

	check_record(DIALECT_JSON | DIALECT_CRLF, &r,
	    HEAD("join") ",\"room\":\"general\",\"name\":\"Al\"}\r\n");
}

TEST(a_record_of_no_known_room_has_no_room)
{
	struct render_record r = record(RECORD_JOIN, "+ Al\n", "Al", NULL);

	r.room = NULL;
	r.room_len = 0;
	check_record(DIALECT_JSON, &r, HEAD("join") ",\"name\":\"Al\"}\n");
}

TEST(text_is_escaped_where_json_wants_it)
{
	struct render_record r = record(RECORD_MESSAGE,
	    "A\"\\: 8 plain, \"quoted\" \\ tab\tthen é🌟 {}<>&/ end\n", "A\"\\",
	    "8 plain");

	check_record(DIALECT_JSON, &r,
	    HEAD("message") ",\"room\":\"general\",\"name\":\"A\\\"\\\\\","
			    "\"text\":\"8 plain, \\\"quoted\\\" \\\\ tab\\t"
			    "then é🌟 {}<>&/ end\"}\n");
}

TEST(what_was_never_sanitised_is_still_valid_json)
{
	struct render_record r = record(RECORD_MESSAGE,
	    "A: long enough \x01\x7f\n\r\b\f \xff\xe2\x80 \xc2\x9b "
	    "\xe2\x80\xa8\xe2\x80\xa9, and some more\n",
	    "A", "long");

	check_record(DIALECT_JSON, &r,
	    HEAD("message") ",\"room\":\"general\",\"name\":\"A\","
			    "\"text\":\"long enough \\u0001\\u007f\\n\\r\\b\\f "
			    "" FFFD FFFD " \\u009b \\u2028\\u2029, and some "
			    "more\"}\n");
}

TEST(garbage_that_grows_beyond_the_bound_is_cut)
{
	struct render_record r = record(RECORD_MESSAGE,
	    "\xff\xff: \x01\x01\x01\x01\n", "\xff\xff", "\x01\x01\x01\x01");

	r.room = "\x01\x01\x01\xff";
	r.room_len = 4;
	check_record(DIALECT_JSON, &r,
	    HEAD("message") ",\"room\":\"\\u0001\",\"name\":\"" FFFD "\","
			    "\"text\":\"\\u0001\"}\n");
}

TEST(the_bound_is_reached_by_text_that_doubles)
{
	static const char line[] = "NNNN: \"\"\"\"\\\\\\\\\t\t\t\t\n";
	struct render_record r =
	    record(RECORD_MESSAGE, line, "NNNN", "\"\"\"\"");
	char room[LIMIT_ROOM], dst[1024];
	size_t n, max = render_record_max(3, strlen(line));

	memset(room, '"', sizeof(room));
	r.room = room;
	r.room_len = sizeof(room);
	r.seq = UINT64_MAX;
	n = render_record(DIALECT_JSON | DIALECT_CRLF, &r, dst, sizeof(dst));
	/* The name doesn't double, and ": " and LF are in no string. */
	CHECK_EQ(n, max - RENDER_FRAME_HEAD - 4 - 2 * 3);
}

TEST(numbers_and_times_are_written_as_they_are)
{
	struct render_record r = record(RECORD_JOIN, "+ Al\n", "Al", NULL);

	r.room_len = 0;
	r.seq = r.time_us = 0;
	check_record(DIALECT_JSON, &r,
	    "{\"type\":\"join\",\"seq\":0,\"time\":\"1970-01-01T00:00:00.000Z\""
	    ",\"name\":\"Al\"}\n");
	r.seq = UINT64_C(1) << 63;
	r.time_us = UINT64_C(951868799999999);
	check_record(DIALECT_JSON, &r,
	    "{\"type\":\"join\",\"seq\":9223372036854775808,"
	    "\"time\":\"2000-02-29T23:59:59.999Z\",\"name\":\"Al\"}\n");
}

TEST(a_record_that_is_nonsense_is_not_written)
{
	const struct render_record good =
	    record(RECORD_MESSAGE, "Al: Hi!\n", "Al", "Hi!");
	struct render_record bad[12];
	char dst[1024];

	for (size_t i = 0; i < COUNT(bad); i++)
		bad[i] = good;
	bad[0].len = 0;
	bad[1].len = good.len - 1; /* no LF */
	bad[2].type = RECORD_NONE;
	bad[3].type = RECORD_TYPES;
	bad[4].type = UINT32_MAX;
	bad[5].name_off = 100;
	bad[6].name_len = UINT32_MAX;
	bad[7].name_off = UINT32_MAX;
	bad[8].text_off = 1; /* within the name */
	bad[9].text_off = good.len;
	bad[10].text_off = UINT32_MAX;
	bad[11].room_len = LIMIT_ROOM + 1;
	for (unsigned dialect = 0; dialect < DIALECTS; dialect++) {
		CHECK(render_record(dialect, &good, dst, sizeof(dst)) > 0);
		for (size_t i = 0; i < COUNT(bad); i++) {
			CHECK_EQ(
			    render_record(dialect, &bad[i], dst, sizeof(dst)),
			    0);
			CHECK_EQ(
			    render_past(dialect, &bad[i], dst, sizeof(dst)), 0);
		}
	}
}

TEST(what_is_past_is_a_reply)
{
	struct render_record r =
	    record(RECORD_ACTION, "* Al waves\n", "Al", "waves");

	check_past(
	    DIALECT_TEXT, &r, "*** 2026-11-23T16:40:18.123Z * Al waves\n");
	check_past(
	    DIALECT_CRLF, &r, "*** 2026-11-23T16:40:18.123Z * Al waves\r\n");
	check_past(DIALECT_JSON, &r,
	    HEAD("reply") ",\"room\":\"general\",\"name\":\"Al\","
			  "\"text\":\"waves\",\"replay\":true,"
			  "\"kind\":\"action\"}\n");
	r = record(RECORD_MESSAGE, "Al: Hi!\n", "Al", "Hi!");
	check_past(DIALECT_JSON, &r,
	    HEAD("reply") ",\"room\":\"general\",\"name\":\"Al\","
			  "\"text\":\"Hi!\",\"replay\":true,"
			  "\"kind\":\"message\"}\n");
}

TEST(each_line_of_a_reply_is_one)
{
	check_reply(
	    DIALECT_TEXT, "*** 2 in a\n*** Al Bo\n", "*** 2 in a\n*** Al Bo\n");
	check_reply(DIALECT_CRLF, "*** 2 in a\n*** Al Bo\n",
	    "*** 2 in a\r\n*** Al Bo\r\n");
	check_reply(DIALECT_JSON, "*** 2 in \"a\"\n*** Al Bo\n",
	    HEAD("reply") ",\"text\":\"2 in \\\"a\\\"\"}\n" HEAD(
		"reply") ",\"text\":\"Al Bo\"}\n");
	check_reply(DIALECT_JSON | DIALECT_CRLF, "*** a\n",
	    HEAD("reply") ",\"text\":\"a\"}\r\n");
	check_reply(DIALECT_JSON, "*** \n", HEAD("reply") ",\"text\":\"\"}\n");
	check_reply(DIALECT_JSON, "", "");
}

TEST(an_error_has_a_code)
{
	check_reply(DIALECT_JSON, "*** error lagged: 3 messages missed\n",
	    HEAD("error") ",\"text\":\"3 messages missed\","
			  "\"code\":\"lagged\"}\n");
	check_reply(DIALECT_JSON, "*** error : x\n",
	    HEAD("reply") ",\"text\":\"error : x\"}\n");
	check_reply(DIALECT_JSON, "*** error a\n",
	    HEAD("reply") ",\"text\":\"error a\"}\n");
	check_reply(DIALECT_JSON, "*** error: 5\n",
	    HEAD("reply") ",\"text\":\"error: 5\"}\n");
	for (int code = CHAT_OK + 1; code < CHAT_ERRORS; code++) {
		char line[NOTICE_MAX], dst[1024], end[64];
		size_t len =
		    notice_error(line, sizeof(line), (enum chat_error)code, 7);
		size_t n = render_reply(DIALECT_JSON, seq, time_us, line, len,
		    dst, render_reply_max(DIALECT_JSON, len));
		int m = snprintf(end, sizeof(end), "\",\"code\":\"%s\"}\n",
		    notice_code((enum chat_error)code));

		CHECK(n > (size_t)m);
		CHECK_MEM(dst + n - m, (size_t)m, end, (size_t)m);
		CHECK_MEM(dst, 15, "{\"type\":\"error\"", 15);
	}
}

TEST(a_line_end_in_front_of_a_reply_ends_a_cut_line)
{
	check_reply(DIALECT_TEXT, "\n*** a\n", "\n*** a\n");
	check_reply(DIALECT_CRLF, "\n*** a\n", "\r\n*** a\r\n");
	check_reply(
	    DIALECT_JSON, "\n*** a\n", "\n" HEAD("reply") ",\"text\":\"a\"}\n");
	check_reply(DIALECT_CRLF, "\n", "\r\n");
}

TEST(a_reply_that_is_nonsense_stays_within_its_bound)
{
	check_reply(DIALECT_JSON, "*** a\n\n\nb\n*** c",
	    HEAD("reply") ",\"text\":\"a\"}\n" HEAD(
		"reply") ",\"text\":\"c\"}\n");
	check_reply(
	    DIALECT_JSON, "wrong\n", HEAD("reply") ",\"text\":\"wrong\"}\n");
	check_reply(DIALECT_CRLF, "*** a\n\n\nb\n*** c", "*** a\r\n*** c\r\n");
}

TEST(every_code_point_is_escaped_or_left_as_it_is)
{
	CHECK_EQ(JSON_UNICODE_MAX, 12);
	for (uint32_t code = 0; code < 0x80; code++) {
		/* Wherever in a word it stands. */
		for (size_t at = 0; at < 9; at++) {
			char in[9] = "abcdefghi", out[32];
			size_t len = sizeof(in), n, i = at;
			bool kept = code >= ' ' && code < 0x7f && code != '"' &&
				    code != '\\';

			in[at] = (char)code;
			n = json_escape(out, sizeof(out), in, &len);
			CHECK_EQ(len, sizeof(in));
			CHECK_MEM(out, at, in, at);
			if (kept) {
				CHECK_MEM(out, n, in, sizeof(in));
				continue;
			}
			CHECK_EQ(out[i++], '\\');
			i += out[i] == 'u' ? 5 : 1;
			CHECK_MEM(out + i, n - i, in + at + 1, 8 - at);
		}
	}
}

TEST(characters_beyond_16_bits_take_two_escapes)
{
	char dst[JSON_UNICODE_MAX];

	CHECK_MEM(dst, json_unicode(dst, 0x1f31f), "\\ud83c\\udf1f", 12);
	CHECK_MEM(dst, json_unicode(dst, 0x10ffff), "\\udbff\\udfff", 12);
	CHECK_MEM(dst, json_unicode(dst, 0xffff), "\\uffff", 6);
	CHECK_MEM(dst, json_unicode(dst, 0), "\\u0000", 6);
}

TEST(an_escape_is_written_whole_or_not)
{
	size_t len = 3;
	char dst[8];

	CHECK_MEM(dst, json_escape(dst, 7, "a\x01z", &len), "a\\u0001", 7);
	CHECK_EQ(len, 2);
	len = 3;
	CHECK_MEM(dst, json_escape(dst, 6, "a\x01z", &len), "a", 1);
	CHECK_EQ(len, 1);
	len = 4;
	CHECK_MEM(dst, json_escape(dst, 3, "🌟", &len), "", 0);
	CHECK_EQ(len, 0);
}
