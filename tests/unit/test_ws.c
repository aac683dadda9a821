/* SPDX-License-Identifier: MIT */
/* proxy/ws: frames, what may be in them and in which order. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/ws.h"
#include "tests/harness/frames.h"

#define M "\0\0\0\0" /* a mask that lets the payload be read here */
#define BYTES(b) b, sizeof(b) - 1

static const struct ws_limits some = {
    .message = 1000, .fragments = 8, .binary = true};

struct frame_case {
	const char *in;
	size_t len;
	const char *expected;
};

static void
check_cases(const struct frame_case *cases, size_t count,
    const struct ws_limits *limits)
{
	for (size_t i = 0; i < count; i++)
		frames_check(
		    limits, cases[i].in, cases[i].len, cases[i].expected);
}
#define CHECK_CASES(cases) check_cases(cases, COUNT(cases), &some)

TEST(a_frame_is_a_message)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x81\x85" M "Hello"), "data(Hello)text;"},
	    {BYTES("\x82\x85" M "Hello"), "data(Hello)binary;"},
	    {BYTES("\x81\x80" M), "text;"},
	    {BYTES("\x82\x80" M), "binary;"},
	    {BYTES("\x81\x81" M "a\x82\x81" M "b\x81\x80" M),
		"data(a)text;data(b)binary;text;"},
	    {BYTES("\x82\x82" M "\xff\xfe"), "data(\xff\xfe)binary;"},
	    /* The example of RFC 6455, section 5.7. */
	    {BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"),
		"data(Hello)text;"},
	};

	CHECK_CASES(cases);
}

TEST(fragments_are_one_message)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x01\x83" M "Hel\x80\x82" M "lo"), "data(Hello)text;"},
	    {BYTES("\x02\x83" M "Hel\x80\x82" M "lo"), "data(Hello)binary;"},
	    {BYTES("\x01\x80" M "\x00\x80" M "\x80\x80" M), "text;"},
	    {BYTES("\x01\x80" M "\x00\x82" M "ab\x80\x80" M), "data(ab)text;"},
	    {BYTES("\x01\x81" M "a\x80\x81" M "b\x01\x81" M "c\x80\x81" M "d"),
		"data(ab)text;data(cd)text;"},
	};

	CHECK_CASES(cases);
}

TEST(control_frames_come_between_fragments)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x01\x83" M "Hel\x89\x81" M "?\x80\x82" M "lo"),
		"data(Hel)payload(?)ping;data(lo)text;"},
	    {BYTES("\x01\x83" M "Hel\x8a\x80" M "\x89\x80" M "\x80\x82" M "lo"),
		"data(Hel)pong;ping;data(lo)text;"},
	    {BYTES("\x01\x83" M "Hel\x88\x82" M "\x03\xe8\x80\x82" M "lo"),
		"data(Hel)payload(\x03\xe8)close 1000;"},
	    {BYTES("\x02\x81" M "a\x89\x81" M "\xff\x80\x81" M "b"),
		"data(a)payload(\xff)ping;data(b)binary;"},
	    /* A ping's payload is no part of the character around it. */
	    {BYTES("\x01\x81" M "\xc3\x89\x81" M "x\x80\x81" M "\xa4"),
		"data(\xc3)payload(x)ping;data(\xa4)text;"},
	};

	CHECK_CASES(cases);
}

TEST(pings_and_pongs_hold_up_to_125_bytes)
{
	char in[256], expected[256], payload[126];

	memset(payload, '.', sizeof(payload));
	for (size_t len = 0; len < sizeof(payload); len++) {
		size_t n = frames_put(in, 0x89, "abcd", payload, len);

		snprintf(expected, sizeof(expected),
		    len == 0 ? "ping;" : "payload(%.*s)ping;", (int)len,
		    payload);
		frames_check(&some, in, n, expected);
	}
	frames_check(&some, BYTES("\x89\xfe\x00\x7e" M), "fail 1002;");
	frames_check(&some, BYTES("\x8a\xfe\x00\x7e" M), "fail 1002;");
	frames_check(&some, BYTES("\x88\xfe\x00\x7e" M), "fail 1002;");
	frames_check(&some, BYTES("\x89\xff"), "fail 1002;");
	frames_check(&some, BYTES("\x89\xfe"), "fail 1002;");
}

TEST(control_frames_know_nothing_of_each_other)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x89\x81" M "a\x88\x82" M "\x03\xe8"),
		"payload(a)ping;payload(\x03\xe8)close 1000;"},
	    {BYTES("\x8a\x82" M "\xff\xff\x88\x80" M),
		"payload(\xff\xff)pong;close 1005;"},
	    {BYTES("\x89\x81" M "\xc3\x88\x83" M "\x03\xe8x"),
		"payload(\xc3)ping;payload(\x03\xe8x)close 1000;"},
	};

	CHECK_CASES(cases);
}

TEST(control_frames_are_not_fragmented)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x09\x80" M "\x80\x80" M), "fail 1002;"},
	    {BYTES("\x0a\x81" M "a\x80\x80" M), "fail 1002;"},
	    {BYTES("\x08\x82" M "\x03\xe8"), "fail 1002;"},
	    {BYTES("\x01\x81" M "a\x09"), "data(a)fail 1002;"},
	};

	CHECK_CASES(cases);
}

TEST(frames_without_a_mask_are_refused)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x81\x05Hello"), "fail 1002;"},
	    {BYTES("\x81\x00"), "fail 1002;"},
	    {BYTES("\x89\x00"), "fail 1002;"},
	    {BYTES("\x88\x02\x03\xe8"), "fail 1002;"},
	    {BYTES("\x82\x7e"), "fail 1002;"},
	    {BYTES("\x82\x7f"), "fail 1002;"},
	    {BYTES("\x81\x81" M "a\x81\x01"), "data(a)text;fail 1002;"},
	};

	CHECK_CASES(cases);
}

/* All first bytes: the bits are checked before anything else comes. */
TEST(reserved_bits_and_opcodes_are_refused_at_the_first_byte)
{
	for (unsigned first = 0; first < 256; first++) {
		unsigned opcode = first & 0x0f;
		bool known = opcode == 1 || opcode == 2 ||
			     (first & 0x80 && opcode >= 8 && opcode <= 10);
		struct frames f = {0};
		char byte = (char)first;

		frames_take(&f, &some, &byte, 1, false);
		CHECK_STR(
		    f.line, known && (first & 0x70) == 0 ? "" : "fail 1002;");
	}
}

TEST(messages_do_not_nest_and_continuations_need_one)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x80\x81" M "a"), "fail 1002;"},
	    {BYTES("\x00\x81" M "a"), "fail 1002;"},
	    {BYTES("\x81\x81" M "a\x80"), "data(a)text;fail 1002;"},
	    {BYTES("\x81\x81" M "a\x00"), "data(a)text;fail 1002;"},
	    {BYTES("\x01\x81" M "a\x81"), "data(a)fail 1002;"},
	    {BYTES("\x01\x81" M "a\x01"), "data(a)fail 1002;"},
	    {BYTES("\x01\x81" M "a\x82"), "data(a)fail 1002;"},
	    {BYTES("\x01\x81" M "a\x89\x80" M "\x81"),
		"data(a)ping;fail 1002;"},
	    {BYTES("\x01\x80" M "\x80\x80" M "\x80"), "text;fail 1002;"},
	};

	CHECK_CASES(cases);
}

TEST(lengths_are_said_in_the_shortest_way)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x82\xfe\x00\x00"), "fail 1002;"},
	    {BYTES("\x82\xfe\x00\x7d"), "fail 1002;"},
	    {BYTES("\x82\xfe\x00\x7e"), ""},
	    {BYTES("\x82\xff\0\0\0\0\0\0\0\x05"), "fail 1002;"},
	    {BYTES("\x82\xff\0\0\0\0\0\0\xff\xff"), "fail 1002;"},
	    {BYTES("\x82\xff\0\0\0\0\0\0\xff"), ""},
	    {BYTES("\x82\xff\x80"), "fail 1002;"},
	    {BYTES("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "fail 1002;"},
	};

	CHECK_CASES(cases);
}

TEST(lengths_are_checked_before_anything_is_taken)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x82\xfe\x03\xe8"), ""},
	    {BYTES("\x82\xfe\x03\xe9"), "fail 1009;"},
	    {BYTES("\x81\xfe\xff\xff"), "fail 1009;"},
	    {BYTES("\x82\xff\0\0\0\0\0\1\0\0"), "fail 1009;"},
	    {BYTES("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"), "fail 1009;"},
	    /* A message is the sum of its fragments. */
	    {BYTES("\x02\x81" M "a\x80\xfe\x03\xe7"), "data(a)"},
	    {BYTES("\x02\x81" M "a\x80\xfe\x03\xe8"), "data(a)fail 1009;"},
	    {BYTES("\x02\x81" M "a\x80\xff\x7f\xff\xff\xff\xff\xff\xff\xff"),
		"data(a)fail 1009;"},
	    /* Control frames are no part of it. */
	    {BYTES("\x02\x81" M "a\x89\x81" M "b\x80\xfe\x03\xe7"),
		"data(a)payload(b)ping;"},
	};
	static const struct frame_case none[] = {
	    {BYTES("\x81\x80" M), "text;"},
	    {BYTES("\x81\x81"), "fail 1009;"},
	    {BYTES("\x89\x81" M "a"), "payload(a)ping;"},
	};
	const struct ws_limits nothing = {.message = 0, .fragments = 1};

	CHECK_CASES(cases);
	check_cases(none, COUNT(none), &nothing);
}

/* A reload may change it meanwhile. */
TEST(a_limit_that_has_become_smaller_holds_for_what_follows)
{
	const struct ws_limits less = {.message = 2, .fragments = 8};
	struct frames f = {0};

	frames_take(&f, &some, BYTES("\x01\x84" M "abcd"), false);
	frames_take(&f, &less, BYTES("\x80\x81"), false);
	CHECK_STR(f.line, "data(abcd)fail 1009;");
}

TEST(the_limit_of_one_message_is_not_that_of_the_next)
{
	const struct ws_limits four = {.message = 4, .fragments = 2};

	frames_check(&four,
	    BYTES("\x01\x82" M "ab\x80\x82" M "cd\x01\x82" M "ef\x80\x82" M
		  "gh\x81\x84" M "ijkl\x81\x85"),
	    "data(abcd)text;data(efgh)text;data(ijkl)text;fail 1009;");
}

TEST(the_fragments_of_a_message_are_counted)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x01\x81" M "a\x00\x81" M "b\x80\x81" M "c"),
		"data(abc)text;"},
	    {BYTES("\x01\x81" M "a\x00\x81" M "b\x00\x81" M "c\x80"),
		"data(abc)fail 1008;"},
	    {BYTES("\x01\x80" M "\x00\x80" M "\x00\x80" M "\x00"),
		"fail 1008;"},
	    {BYTES("\x01\x80" M "\x89\x80" M "\x89\x80" M "\x89\x80" M
		   "\x80\x80" M),
		"ping;ping;ping;text;"},
	    {BYTES("\x01\x80" M "\x00\x80" M "\x80\x80" M "\x01\x80" M
		   "\x00\x80" M "\x80\x80" M),
		"text;text;"},
	};
	const struct ws_limits three = {.message = 1000, .fragments = 3};

	check_cases(cases, COUNT(cases), &three);
}

TEST(binary_is_refused_where_it_is_not_expected)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x82\x81" M "a"), "fail 1003;"},
	    {BYTES("\x02"), "fail 1003;"},
	    {BYTES("\x81\x81" M "a\x82"), "data(a)text;fail 1003;"},
	    {BYTES("\x01\x81" M "a\x82"), "data(a)fail 1002;"},
	};
	const struct ws_limits text = {.message = 1000, .fragments = 8};

	check_cases(cases, COUNT(cases), &text);
}

TEST(nothing_is_looked_at_after_the_end)
{
	static const struct frame_case cases[] = {
	    {BYTES("\x83\x80" M "\x81\x81" M "a"), "fail 1002;"},
	    {BYTES("\x88\x80" M "\x81\x81" M "a"), "close 1005;"},
	    {BYTES("\x88\x80" M "\x89\x80" M "\x83"), "close 1005;"},
	    {BYTES("\x88\x80" M "\x88\x80" M), "close 1005;"},
	};

	CHECK_CASES(cases);
}

TEST(any_mask_comes_off_wherever_it_is_cut)
{
	char in[64], payload[41], expected[64];

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)('a' + i % 26);
	for (size_t len = 1; len < sizeof(payload); len++) {
		size_t n =
		    frames_put(in, 0x82, "\x12\xff\x80\x7f", payload, len);

		snprintf(expected, sizeof(expected), "data(%.*s)binary;",
		    (int)len, payload);
		frames_check(&some, in, n, expected);
	}
}

/* Of each way to say a length; in pieces of odd sizes, since it is much. */
TEST(messages_of_any_length_come_through)
{
	static const size_t lens[] = {
	    0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 200000};
	const struct ws_limits many = {
	    .message = 200000, .fragments = 1, .binary = true};
	static char payload[200000], in[200014], out[200014];

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 31 + i / 256);
	for (size_t i = 0; i < COUNT(lens); i++) {
		size_t n = frames_put(in, 0x82, "wxyz", payload, lens[i]);

		for (size_t piece = 1; piece < 2 * n; piece = piece * 5 + 2) {
			struct ws_shm ws = {0};
			struct ws_step step = {0};
			size_t len = 0, at = 0, end = 0;

			while (step.event != WS_MESSAGE) {
				if (at == end)
					end = MIN(at + piece, n);
				step = ws_next(
				    &ws, &many, in + at, end - at, out + len);
				CHECK(step.event != WS_FAIL);
				at += step.used;
				len += step.len;
			}
			CHECK_EQ(at, n);
			CHECK_MEM(out, len, payload, lens[i]);
		}
	}
}

TEST(what_is_sent_says_its_length_in_the_shortest_way)
{
	static const struct {
		uint64_t len;
		const char *head;
		size_t head_len;
	} cases[] = {
	    {0, BYTES("\x81\x00")},
	    {125, BYTES("\x81\x7d")},
	    {126, BYTES("\x81\x7e\x00\x7e")},
	    {65535, BYTES("\x81\x7e\xff\xff")},
	    {65536, BYTES("\x81\x7f\0\0\0\0\0\1\0\0")},
	    {INT64_MAX, BYTES("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xff")},
	};
	char dst[WS_HEAD_MAX];

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = ws_head(dst, WS_OP_TEXT, cases[i].len);

		CHECK_MEM(dst, len, cases[i].head, cases[i].head_len);
	}
	CHECK_EQ(ws_head(dst, WS_OP_PONG, 0), 2);
	CHECK_MEM(dst, 2, "\x8a\x00", 2);
}

TEST(the_answer_to_a_key_is_that_of_the_standard)
{
	char accept[WS_ACCEPT_LEN];

	ws_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
	CHECK_MEM(accept, sizeof(accept),
	    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WS_ACCEPT_LEN);
}

/* Bytes that lie in shared memory may be anything. */
TEST(a_state_that_no_parser_left_does_no_harm)
{
	unsigned seed = 1;

	for (unsigned run = 0; run < 20000; run++) {
		struct ws_shm ws = {0};
		char in[100], out[100];
		size_t at = 0;
		struct ws_step step;

		for (size_t i = 0; i < sizeof(ws); i++)
			((unsigned char *)&ws)[i] =
			    (unsigned char)(rand_r(&seed) >> 8);
		ws.flags &= (uint8_t)~WS_ENDED;
		if (run % 2 == 0) /* in the middle of a payload that is short */
			ws.left %= 50;
		if (run % 3 == 0)
			ws.head_len %= 15;
		for (size_t i = 0; i < sizeof(in); i++)
			in[i] = (char)(rand_r(&seed) >> 8);
		do {
			step = ws_next(
			    &ws, &some, in + at, sizeof(in) - at, out + at);
			CHECK(step.len <= step.used);
			at += step.used;
			CHECK(at <= sizeof(in));
		} while (step.event != WS_MORE);
		CHECK_EQ(at, sizeof(in));
	}
}
