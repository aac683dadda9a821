/* SPDX-License-Identifier: MIT */
/* proxy/telnet. */
#include "tests/harness/test.h"

#include <string.h>

#include "proxy/telnet.h"

#define IAC "\377"
#define DONT "\376"
#define DO "\375"
#define WONT "\374"
#define WILL "\373"
#define SB "\372"
#define AYT "\366"
#define SE "\360"

/* What the server asks one who seems to, one who does negotiate. */
#define ASK IAC DO "\30"
#define ASK_MORE IAC DO "\37" IAC WILL "\52"

#define TEXT(bytes) bytes, sizeof(bytes) - 1

/* What `in` becomes, fed in pieces of `piece` bytes. */
static size_t
decode(
    struct telnet_shm *t, const char *in, size_t len, size_t piece, char *out)
{
	size_t n = 0;

	for (size_t at = 0; at < len; at += piece)
		n += telnet_decode(t, in + at, MIN(piece, len - at), out + n);
	return n;
}

/* A new session reads `in`, cut anywhere: text and answers are these. */
static void
check(const char *in, size_t in_len, const char *text, size_t text_len,
    const char *answers, size_t answers_len)
{
	for (size_t piece = 1; piece <= in_len; piece++) {
		struct telnet_shm t = {0};
		char out[256];
		const char *pending;
		size_t n = decode(&t, in, in_len, piece, out);

		CHECK_MEM(out, n, text, text_len);
		n = telnet_answers(&t, &pending);
		CHECK_MEM(pending, n, answers, answers_len);
	}
}

static void
check_answers(const struct telnet_shm *t, const char *expected, size_t len)
{
	const char *pending;
	size_t n = telnet_answers(t, &pending);

	CHECK_MEM(pending, n, expected, len);
}

TEST(text_comes_out_as_it_went_in)
{
	check(TEXT("general\nBob\n"), TEXT("general\nBob\n"), TEXT(""));
	check(TEXT("\xf0\x9f\x8c\x9f\t\0x"), TEXT("\xf0\x9f\x8c\x9f\t\0x"),
	    TEXT(""));
}

TEST(each_line_end_becomes_one_lf)
{
	check(TEXT("a\r\nb\r\0c\nd\re"), TEXT("a\nb\nc\nd\ne"), TEXT(""));
	check(TEXT("\r\n\r\n"), TEXT("\n\n"), TEXT(""));
	check(TEXT("\r\0\r\0"), TEXT("\n\n"), TEXT(""));
	check(TEXT("\r\r\n"), TEXT("\n\n"), TEXT(""));
	check(TEXT("\n\r"), TEXT("\n\n"), TEXT(""));
}

TEST(one_lf_or_nul_belongs_to_a_cr)
{
	check(TEXT("\r\n\n"), TEXT("\n\n"), TEXT(""));
	check(TEXT("\r\n\0"), TEXT("\n\0"), TEXT(""));
	check(TEXT("\r\0\n"), TEXT("\n\n"), TEXT(""));
	check(TEXT("\rx\n"), TEXT("\nx\n"), TEXT(""));
}

TEST(a_line_end_may_have_a_command_in_it)
{
	check(TEXT("a\r" IAC "\362\nb"), TEXT("a\nb"), TEXT(""));
	check(TEXT("a\r" IAC WONT "\1\0b"), TEXT("a\nb"), TEXT(""));
	check(TEXT("a\r" IAC IAC "\nb"), TEXT("a\n\377\nb"), TEXT(""));
}

TEST(one_line_alone_ended_as_telnet_has_it_looks_typed)
{
	static const struct {
		const char *raw;
		size_t len;
		bool typed;
	} cases[] = {
	    {TEXT("general\r\n"), true},
	    {TEXT("general\r\0"), true},
	    {TEXT("\r\n"), true},
	    {TEXT("general\n"), false},
	    {TEXT("general\r"), false},
	    {TEXT("\n"), false},
	    {TEXT("general\r\nBob\r\n"), false},
	    {TEXT("general\nBob\r\n"), false},
	    {TEXT("general\r\nB"), false},
	    {TEXT(""), false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct telnet_shm t = {0};
		char text[64];
		size_t n = telnet_decode(&t, cases[i].raw, cases[i].len, text);

		CHECK_EQ(telnet_is_typed(text, n, cases[i].raw, cases[i].len),
		    cases[i].typed);
	}
}

TEST(a_doubled_iac_is_one_byte_of_text)
{
	check(TEXT("a" IAC IAC "b"), TEXT("a\377b"), TEXT(""));
	check(TEXT(IAC IAC IAC IAC), TEXT("\377\377"), TEXT(""));
	check(TEXT(IAC IAC WILL "\1"), TEXT("\377\373\1"), TEXT(""));
}

TEST(options_are_taken_out_and_answered)
{
	check(TEXT("a" IAC WILL "\40b"), TEXT("ab"),
	    TEXT(IAC DONT "\40" ASK ASK_MORE));
	check(TEXT("a" IAC DO "\1b"), TEXT("ab"),
	    TEXT(IAC WILL "\1" ASK ASK_MORE));
	check(TEXT("a" IAC WONT "\1" IAC DONT "\3" IAC WONT "\310"
		   "b"),
	    TEXT("ab"), TEXT(""));
}

TEST(an_answer_that_was_sent_is_not_sent_again)
{
	struct telnet_shm t = {0};
	char out[8];

	CHECK_EQ(telnet_decode(&t, TEXT(IAC DO "\40"), out), 0);
	check_answers(&t, TEXT(IAC WONT "\40" ASK ASK_MORE));
	telnet_answers_sent(&t, 12);
	CHECK_EQ(telnet_decode(&t, TEXT(IAC DO "\40"), out), 0);
	check_answers(&t, TEXT(""));
}

TEST(a_timing_mark_is_set_each_time)
{
	check(TEXT(IAC DO "\6" IAC DO "\6"), TEXT(""),
	    TEXT(IAC WILL "\6" IAC WILL "\6"));
	check(TEXT(IAC WILL "\6" IAC WILL "\6"), TEXT(""), TEXT(IAC DONT "\6"));
}

TEST(are_you_there_is_answered_yes)
{
	check(TEXT("a" IAC AYT "b" IAC AYT), TEXT("ab"),
	    TEXT("[Yes]\r\n[Yes]\r\n"));
}

static const struct {
	uint8_t command;
	char key;
} keys[] = {
    {TELNET_EOF, TELNET_KEY_END},
    {TELNET_ABORT, TELNET_KEY_INTERRUPT},
    {TELNET_BRK, TELNET_KEY_INTERRUPT},
    {TELNET_IP, TELNET_KEY_INTERRUPT},
    {TELNET_AO, TELNET_KEY_DISCARD},
    {TELNET_EC, TELNET_KEY_ERASE},
    {TELNET_EL, TELNET_KEY_KILL},
};

TEST(commands_are_taken_out_or_become_keys)
{
	for (int c = 0; c < TELNET_SB; c++) {
		const char in[] = {'a', '\377', (char)c, 'b'};
		char out[] = {'a', 'b', 'b'};
		size_t len = 2;

		for (size_t i = 0; i < COUNT(keys); i++) {
			if (keys[i].command == c) {
				out[1] = keys[i].key;
				len = 3;
			}
		}
		if (c == TELNET_AO)
			check(in, sizeof(in), out, len, TEXT(IAC "\362"));
		else if (c != TELNET_AYT)
			check(in, sizeof(in), out, len, TEXT(""));
	}
}

TEST(in_line_mode_no_text_looks_like_a_command)
{
	check(TEXT("\3\4\17\25\34\177\36\1"), TEXT("\37\37\37\37\37\37\36\1"),
	    TEXT(""));
	check(TEXT("a" IAC "\367\177"), TEXT("a\177\37"), TEXT(""));
}

TEST(in_edit_mode_the_text_is_keys)
{
	check(TEXT(IAC DO "\1\3\4\17\25\34\177\36" IAC "\366" IAC "\367"),
	    TEXT("\3\4\17\25\37\177\36\36\177"),
	    TEXT(IAC WILL "\1" ASK ASK_MORE));
}

TEST(a_subnegotiation_is_taken_out_whatever_it_holds)
{
	check(
	    TEXT("a" IAC SB "\37\0\120\0\30" IAC SE "b"), TEXT("ab"), TEXT(""));
	check(TEXT("a" IAC SB IAC SE "b"), TEXT("ab"), TEXT(""));
	check(TEXT("a" IAC SB "\37" IAC IAC SE "\r\n" IAC IAC IAC SE "b"),
	    TEXT("ab"), TEXT(""));
}

TEST(a_subnegotiation_may_have_any_length)
{
	struct telnet_shm t = {0};
	char long_one[1000], out[1000];

	memset(long_one, 'x', sizeof(long_one));
	CHECK_EQ(telnet_decode(&t, TEXT(IAC SB "\30"), out), 0);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(telnet_decode(&t, long_one, sizeof(long_one), out), 0);
	CHECK_EQ(telnet_decode(&t, TEXT(IAC SE "a"), out), 1);
	CHECK_EQ(out[0], 'a');
}

TEST(a_subnegotiation_that_lost_its_end_ends_at_the_next_command)
{
	check(TEXT("a" IAC SB "\30" IAC WILL "\40b"), TEXT("ab"),
	    TEXT(IAC DONT "\40" ASK ASK_MORE));
	check(
	    TEXT("a" IAC SB "\30" IAC AYT "b"), TEXT("ab"), TEXT("[Yes]\r\n"));
	check(TEXT("a" IAC SB "\30" IAC SB "\37" IAC SE "b"), TEXT("ab"),
	    TEXT(""));
	check(TEXT("a" IAC SB "\30" IAC "\361b"), TEXT("ab"), TEXT(""));
}

TEST(answers_are_sent_in_parts)
{
	struct telnet_shm t = {0};
	char out[8];

	telnet_decode(&t, TEXT(IAC AYT), out);
	telnet_answers_sent(&t, 3);
	check_answers(&t, TEXT("s]\r\n"));
	telnet_decode(&t, TEXT(IAC DO "\6"), out);
	check_answers(&t, TEXT("s]\r\n" IAC WILL "\6"));
	telnet_answers_sent(&t, 0);
	check_answers(&t, TEXT("s]\r\n" IAC WILL "\6"));
	telnet_answers_sent(&t, 7);
	check_answers(&t, TEXT(""));
	telnet_answers_sent(&t, 1);
	check_answers(&t, TEXT(""));
}

TEST(an_answer_without_place_is_dropped_whole_and_may_be_asked_for_again)
{
	struct telnet_shm t = {0};
	char out[8], expected[TELNET_ANSWER_MAX];
	const size_t fit = TELNET_ANSWER_MAX / 3;

	for (size_t i = 0; i < fit; i++) {
		memcpy(expected + 3 * i, IAC WILL "\6", 3);
		telnet_decode(&t, TEXT(IAC DO "\6"), out);
	}
	telnet_decode(&t, TEXT(IAC DO "\43" IAC AYT), out);
	check_answers(&t, expected, 3 * fit);
	telnet_answers_sent(&t, 3 * fit);
	telnet_decode(&t, TEXT(IAC DO "\43" IAC DO "\43"), out);
	check_answers(&t, TEXT(ASK ASK_MORE IAC WONT "\43"));
}

TEST(a_state_gone_wrong_is_a_new_one)
{
	struct telnet_shm t;
	char out[8];

	memset(&t, 0xff, sizeof(t));
	check_answers(&t, TEXT(""));
	telnet_answers_sent(&t, 200);
	memset(&t, 0xff, sizeof(t));
	CHECK_EQ(telnet_decode(&t, TEXT("a" IAC AYT), out), 1);
	check_answers(&t, TEXT("[Yes]\r\n"));
	memset(&t, 0, sizeof(t));
	t.answer_off = TELNET_ANSWER_MAX;
	t.answer_len = 1;
	check_answers(&t, TEXT(""));
}
