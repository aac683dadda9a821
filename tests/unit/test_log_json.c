/* SPDX-License-Identifier: MIT */
/* shared/base/log_json: lines of the log as JSON. */
#include "shared/base/log_json.h"

#include <string.h>

#include "tests/harness/test.h"

/* The object that a line becomes, without its line end. */
static const char *
json(const char *line)
{
	static char dst[LOG_JSON_MAX];
	char copy[LOG_LINE_MAX + 1];
	size_t len = strlen(line), n;

	CHECK(len < LOG_LINE_MAX);
	memcpy(copy, line, len);
	copy[len] = '\n';
	n = log_json(dst, copy, len + 1);
	CHECK(n >= 3 && n <= sizeof(dst));
	CHECK_EQ(dst[n - 1], '\n');
	CHECK_EQ(dst[n - 2], '}');
	CHECK(memchr(dst, '\n', n - 1) == NULL);
	dst[n - 1] = '\0';
	return dst;
}

TEST(json_has_the_same_keys_in_the_same_order)
{
	CHECK_STR(json("time=2026-11-23T13:41:46.123Z level=info event=x "
		       "more=\"two words\""),
	    "{\"time\":\"2026-11-23T13:41:46.123Z\",\"level\":\"info\","
	    "\"event\":\"x\",\"more\":\"two words\"}");
	CHECK_STR(json(""), "{}");
	CHECK_STR(json("a= b=\"\""), "{\"a\":\"\",\"b\":\"\"}");
}

TEST(json_has_numbers_where_they_are_numbers)
{
	CHECK_STR(json("a=0 b=-12 c=3.25 d=18446744073709551615"),
	    "{\"a\":0,\"b\":-12,\"c\":3.25,\"d\":18446744073709551615}");
	CHECK_STR(json("a=\"17\" b=127.0.0.1 c=1e5 d=007 e=- f=1. g=.5 h=0x1"),
	    "{\"a\":\"17\",\"b\":\"127.0.0.1\",\"c\":\"1e5\",\"d\":\"007\","
	    "\"e\":\"-\",\"f\":\"1.\",\"g\":\".5\",\"h\":\"0x1\"}");
	CHECK_STR(json("name=17 sname=17"), "{\"name\":\"17\",\"sname\":17}");
}

TEST(json_has_an_array_where_a_key_comes_again)
{
	CHECK_STR(json("line=a x=1 line=\"b c\" y=2 line=3"),
	    "{\"line\":[\"a\",\"b c\",3],\"x\":1,\"y\":2}");
}

TEST(json_escapes_what_the_log_has_escaped)
{
	CHECK_STR(
	    json("a=\"\\\"\\\\\\n\\r\\t\""), "{\"a\":\"\\\"\\\\\\n\\r\\t\"}");
	CHECK_STR(json("a=\"\\x1b\\u202e\\U000e0041\""),
	    "{\"a\":\"\\u001b\\u202e\\udb40\\udc41\"}");
	CHECK_STR(json("a=\"\\xff\\ud800\\Uffffffff\""),
	    "{\"a\":\"\\ufffd\\ufffd\\ufffd\"}");
	CHECK_STR(json("a=\"Grüße 🌟\""), "{\"a\":\"Grüße 🌟\"}");
}

TEST(json_is_json_whatever_the_line_was)
{
	CHECK_STR(json("a=\"\\z\\u12\\x\\u00G0"), "{\"a\":\"\\\\z\\\\u12\\\\x"
						  "\\\\u00G0\"}");
	CHECK_STR(json("a=\"x\\"), "{\"a\":\"x\\\\\"}");
	CHECK_STR(json("a=b\"c\\d e"), "{\"a\":\"b\\\"c\\\\d\",\"e\":\"\"}");
	CHECK_STR(json("\"k\"=1 =2"), "{\"_k_\":1,\"\":2}");
	CHECK_STR(json("a=\"b\"c=d"), "{\"a\":\"b\",\"c\":\"d\"}");
}

TEST(json_fits_its_room_whatever_the_line_was)
{
	static const char *const units[] = {"a ", "\\ ", "a=\\ ", "= ",
	    "a=\"\\xff\" ", "b=\"\\U000e0041\" ", "\"", "\\", "=\"\" "};
	char line[LOG_LINE_MAX], dst[LOG_JSON_MAX];

	for (size_t i = 0; i < COUNT(units); i++) {
		size_t add = strlen(units[i]), len = 0, n;

		for (; len + add < sizeof(line); len += add)
			memcpy(line + len, units[i], add);
		line[len++] = '\n';
		n = log_json(dst, line, len);
		CHECK(n < sizeof(dst) - 256);
		CHECK_EQ(dst[n - 2], '}');
	}
	/* Single letters that all differ from their neighbours. */
	for (size_t i = 0; i < sizeof(line); i++)
		line[i] = i % 2 ? ' ' : (char)('A' + i / 2 % 26);
	CHECK(log_json(dst, line, sizeof(line)) < sizeof(dst));
}
