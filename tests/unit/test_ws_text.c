/* SPDX-License-Identifier: MIT */
/* proxy/ws: the text of messages, and close frames. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "proxy/ws.h"
#include "shared/base/utf8.h"
#include "tests/harness/frames.h"

#define M "\0\0\0\0"
#define BYTES(b) b, sizeof(b) - 1

static const struct ws_limits text_only = {.message = 1000, .fragments = 200};

/* Sent in one frame, and in one frame for each byte. */
static void
check_text(const char *text, size_t len, const char *expected)
{
	char in[1024];
	size_t n = frames_put(in, 0x81, "mask", text, len);

	frames_check(&text_only, in, n, expected);
	n = frames_put(in, 0x01, "mask", "", 0);
	for (size_t i = 0; i < len; i++)
		n += frames_put(in + n, 0x00, "mask", text + i, 1);
	n += frames_put(in + n, 0x80, "mask", "", 0);
	frames_check(&text_only, in, n, expected);
}

TEST(text_is_utf8)
{
	static const char *const texts[] = {
	    "Hello-\302\265@\303\237\303\266\303\244\303\274-UTF-8!!",
	    "\316\272\341\275\271\317\203\316\274\316\265", /* kosme */
	    "\177",
	    "\302\200",         /* U+0080 */
	    "\337\277",         /* U+07FF */
	    "\340\240\200",     /* U+0800 */
	    "\355\237\277",     /* U+D7FF */
	    "\356\200\200",     /* U+E000 */
	    "\357\277\275",     /* U+FFFD */
	    "\357\277\276",     /* U+FFFE is no character, but UTF-8 */
	    "\357\277\277",     /* U+FFFF */
	    "\360\220\200\200", /* U+10000 */
	    "\364\217\277\277", /* U+10FFFF */
	    "\360\237\214\237 eight bytes and more of ASCII \360\237\214\237",
	    "12345678\303\2441234567\303\244123456\303\24412345\303\244",
	};
	char expected[256];

	for (size_t i = 0; i < COUNT(texts); i++) {
		snprintf(expected, sizeof(expected), "data(%s)text;", texts[i]);
		check_text(texts[i], strlen(texts[i]), expected);
	}
	check_text("", 0, "text;");
	check_text("a\0b", 3, "data(a"); /* the line is a string */
}

/* What may be the beginning is passed on, and the first byte that may not be
 * ends it, whatever is still to come. */
TEST(text_fails_at_the_first_byte_that_is_wrong)
{
	static const struct {
		const char *good, *bad;
	} cases[] = {
	    {"", "\200"}, /* continuations alone */
	    {"", "\277"},
	    {"abcdefgh", "\200"},
	    {"", "\300"}, /* bytes that are in no character */
	    {"", "\301"},
	    {"", "\365"},
	    {"", "\376"},
	    {"", "\377"},
	    {"", "\300\257"}, /* overlong */
	    {"\340", "\200\257"},
	    {"\340", "\237\277"},
	    {"\360", "\200\200\257"},
	    {"\360", "\217\277\277"},
	    {"", "\370\210\200\200\200"}, /* of five and six bytes */
	    {"", "\374\204\200\200\200\200"},
	    {"\355", "\240\200"}, /* surrogates */
	    {"\355", "\277\277"},
	    {"\355", "\240\200\355\260\200"},
	    {"\364", "\220\200\200"}, /* over U+10FFFF */
	    {"\303", " "},            /* cut short */
	    {"\303", "\303"},
	    {"\343\201", "a"},
	    {"\360\237\214", "\360"},
	    {"\360", "a"},
	    {"a\303\244\303", "b"},
	    {"\316\272\341\275\271\317\203\316\274\316\265\355",
		"\240\200edited"},
	};
	char text[256], expected[256];

	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(
		    text, sizeof(text), "%s%s", cases[i].good, cases[i].bad);
		snprintf(expected, sizeof(expected),
		    *cases[i].good != '\0' ? "data(%s)fail 1007;"
					   : "fail 1007;",
		    cases[i].good);
		check_text(text, strlen(text), expected);
	}
}

/* Of a long frame that has only just begun, as 6.4 of public suites has it. */
TEST(text_fails_before_its_frame_is_complete)
{
	frames_check(&text_only,
	    BYTES("\x81\xfe\x03\xe8" M
		  "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90"),
	    "data(\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4)fail "
	    "1007;");
	frames_check(&text_only,
	    BYTES("\x01\x81" M "\xf4\x00\xfe\x03\xe7" M "\x90"),
	    "data(\xf4)fail 1007;");
}

TEST(text_does_not_end_within_a_character)
{
	static const char *const texts[] = {"\303", "a\303", "\343\201", "\343",
	    "\360\237\214", "\360\237", "\360", "\364\217\277", "12345678\303"};
	char expected[64];

	for (size_t i = 0; i < COUNT(texts); i++) {
		snprintf(
		    expected, sizeof(expected), "data(%s)fail 1007;", texts[i]);
		check_text(texts[i], strlen(texts[i]), expected);
	}
	/* Each message for itself. */
	frames_check(&text_only,
	    BYTES("\x81\x82" M "\303\244\x81\x81" M "\244"),
	    "data(\303\244)text;fail 1007;");
}

/* All sequences of bytes at which the rules change, against the decoder. */
TEST(following_a_text_finds_what_decoding_it_finds)
{
	static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
	    0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
	    0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
	char s[5];

	for (unsigned n = 0;
	     n < COUNT(edges) * COUNT(edges) * COUNT(edges) * COUNT(edges);
	     n++) {
		uint8_t state = 0, slow = 0;
		size_t good, len = sizeof(s) - (n % 2);

		for (unsigned i = 0, rest = n; i < 4; i++) {
			s[i] = (char)edges[rest % COUNT(edges)];
			rest /= COUNT(edges);
		}
		s[4] = 'a';
		good = utf8_follow(&state, s, len);
		CHECK_EQ(good == len && state == 0, utf8_valid(s, len));
		for (size_t i = 0; i < good; i++)
			CHECK_EQ(utf8_follow(&slow, s + i, 1), 1);
		CHECK_EQ(slow, state);
		if (good < len)
			CHECK_EQ(utf8_follow(&slow, s + good, 1), 0);
	}
}

TEST(a_close_frame_has_a_code_and_a_reason_or_nothing)
{
	frames_check(&text_only, BYTES("\x88\x80" M), "close 1005;");
	frames_check(&text_only, BYTES("\x88\x82" M "\x03\xe8"),
	    "payload(\x03\xe8)close 1000;");
	frames_check(&text_only,
	    BYTES("\x88\x85" M "\x03\xe9"
		  "bye"),
	    "payload(\x03\xe9"
	    "bye)close 1001;");
	frames_check(&text_only, BYTES("\x88\x81"), "fail 1002;");
}

TEST(a_close_frame_may_have_these_codes)
{
	for (unsigned code = 0; code < 65536; code++) {
		bool valid = (code >= 1000 && code <= 1003) ||
			     (code >= 1007 && code <= 1014) ||
			     (code >= 3000 && code < 5000);
		struct frames f = {0};
		char payload[2] = {(char)(code >> 8), (char)code};
		char in[16], expected[32];
		size_t n = frames_put(in, 0x88, "mask", payload, 2);

		CHECK_EQ(ws_code_is_valid(code), valid);
		frames_take(&f, &text_only, in, n, false);
		if (valid)
			snprintf(
			    expected, sizeof(expected), ")close %u;", code);
		else
			snprintf(expected, sizeof(expected), ")fail 1002;");
		/* The line has a NUL in it where the code has one. */
		CHECK_STR(f.line + f.len - strlen(expected), expected);
	}
}

TEST(the_reason_of_a_close_frame_is_utf8)
{
	char payload[WS_CONTROL_MAX], in[WS_CONTROL_MAX + 16], expected[256];
	size_t n;

	frames_check(&text_only, BYTES("\x88\x84" M "\x03\xe8\303\244"),
	    "payload(\x03\xe8\303\244)close 1000;");
	frames_check(&text_only, BYTES("\x88\x83" M "\x03\xe8\303"),
	    "payload(\x03\xe8\303)fail 1007;");
	frames_check(&text_only, BYTES("\x88\x84" M "\x03\xe8\303 "),
	    "payload(\x03\xe8\303)fail 1007;");
	frames_check(&text_only, BYTES("\x88\x83" M "\x03\xe8\377"),
	    "payload(\x03\xe8)fail 1007;");
	/* The longest there is; and none of it mixes with the message's. */
	memset(payload, '*', sizeof(payload));
	memcpy(payload, "\x03\xe8", 2);
	n = frames_put(in, 0x88, "mask", payload, sizeof(payload));
	snprintf(expected, sizeof(expected), "payload(%.*s)close 1000;",
	    (int)sizeof(payload), payload);
	frames_check(&text_only, in, n, expected);
	frames_check(&text_only,
	    BYTES("\x01\x81" M "\303\x88\x83" M "\x03\xe8x"),
	    "data(\303)payload(\x03\xe8x)close 1000;");
}
