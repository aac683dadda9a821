/* SPDX-License-Identifier: MIT */
/* shared/chat/line. */
#include "tests/harness/test.h"

#include <string.h>

#include "shared/chat/line.h"

static enum line_result
next(const char *s, size_t max_line, struct line *out)
{
	return line_next(s, strlen(s), max_line, out);
}

TEST(a_line_ends_with_lf_or_crlf)
{
	struct line l;

	CHECK_EQ(next("Hi\nthere\n", 10, &l), LINE_FOUND);
	CHECK_MEM(l.text, l.len, "Hi", 2);
	CHECK_EQ(l.consumed, 3);
	CHECK_EQ(next("Hi\r\nthere\n", 10, &l), LINE_FOUND);
	CHECK_MEM(l.text, l.len, "Hi", 2);
	CHECK_EQ(l.consumed, 4);
}

TEST(only_one_cr_belongs_to_the_line_end)
{
	struct line l;

	CHECK_EQ(next("a\rb\r\r\n", 10, &l), LINE_FOUND);
	CHECK_MEM(l.text, l.len, "a\rb\r", 4);
}

TEST(an_empty_line_is_a_line)
{
	struct line l;

	CHECK_EQ(next("\nx", 10, &l), LINE_FOUND);
	CHECK_EQ(l.len, 0);
	CHECK_EQ(l.consumed, 1);
	CHECK_EQ(next("\r\nx", 10, &l), LINE_FOUND);
	CHECK_EQ(l.len, 0);
	CHECK_EQ(l.consumed, 2);
}

TEST(a_line_without_its_end_is_partial)
{
	struct line l;

	CHECK_EQ(line_next(NULL, 0, 4, &l), LINE_PARTIAL);
	CHECK_EQ(next("abc", 4, &l), LINE_PARTIAL);
	CHECK_EQ(l.consumed, 0);
	CHECK_EQ(next("abcd", 4, &l), LINE_PARTIAL);
	CHECK_EQ(next("abcd\r", 4, &l), LINE_PARTIAL);
	CHECK_EQ(l.consumed, 0);
}

TEST(a_line_may_have_max_line_bytes_whatever_its_end)
{
	struct line l;

	CHECK_EQ(next("abcd\n", 4, &l), LINE_FOUND);
	CHECK_EQ(l.len, 4);
	CHECK_EQ(next("abcd\r\n", 4, &l), LINE_FOUND);
	CHECK_EQ(l.len, 4);
	CHECK_EQ(next("abcde\n", 4, &l), LINE_TOO_LONG);
	CHECK_EQ(l.consumed, 6);
	CHECK(l.ended);
	CHECK_EQ(next("abcd\r\r\n", 4, &l), LINE_TOO_LONG);
	CHECK_EQ(next("abcde\r\n", 4, &l), LINE_TOO_LONG);
}

TEST(a_line_too_long_is_known_before_its_end)
{
	struct line l;
	size_t consumed;

	CHECK_EQ(next("abcde", 4, &l), LINE_TOO_LONG);
	CHECK_EQ(l.consumed, 5);
	CHECK(!l.ended);
	CHECK_EQ(next("abcd\rx", 4, &l), LINE_TOO_LONG);
	CHECK(!l.ended);
	CHECK(!line_skip("fgh", 3, &consumed));
	CHECK_EQ(consumed, 3);
	CHECK(!line_skip(NULL, 0, &consumed));
	CHECK_EQ(consumed, 0);
	CHECK(line_skip("ij\nnext\n", 8, &consumed));
	CHECK_EQ(consumed, 3);
}

TEST(the_last_line_needs_no_end)
{
	struct line l;

	CHECK_EQ(line_last("a\nbc", 4, 4, &l), LINE_FOUND);
	CHECK_EQ(l.consumed, 2);
	CHECK_EQ(line_last("bc", 2, 4, &l), LINE_FOUND);
	CHECK_MEM(l.text, l.len, "bc", 2);
	CHECK_EQ(l.consumed, 2);
	CHECK_EQ(line_last("abcd\r", 5, 4, &l), LINE_FOUND);
	CHECK_EQ(l.len, 4);
	CHECK_EQ(line_last("abcde", 5, 4, &l), LINE_TOO_LONG);
	CHECK_EQ(l.consumed, 5);
	CHECK(l.ended);
	CHECK_EQ(line_last(NULL, 0, 4, &l), LINE_PARTIAL);
	CHECK_EQ(l.consumed, 0);
}

/* Feeds `in` in pieces and joins what comes out with '|'; '!' is too long. */
static void
feed(const char *in, size_t len, size_t piece, char *out)
{
	char kept[64];
	size_t n = 0;
	bool skipping = false;

	*out = '\0';
	for (size_t at = 0; at < len; at += piece) {
		size_t add = MIN(piece, len - at), done = 0;
		struct line l;

		CHECK(n + add <= sizeof(kept));
		memcpy(kept + n, in + at, add);
		n += add;
		while (done < n) {
			enum line_result r;

			if (skipping) {
				size_t consumed;

				skipping = !line_skip(
				    kept + done, n - done, &consumed);
				done += consumed;
				continue;
			}
			r = line_next(kept + done, n - done, 8, &l);
			if (r == LINE_PARTIAL)
				break;
			if (r == LINE_FOUND)
				strncat(out, l.text, l.len);
			else
				strcat(out, "!");
			strcat(out, "|");
			skipping = !l.ended;
			done += l.consumed;
		}
		memmove(kept, kept + done, n - done);
		n -= done;
		CHECK(n <= 9);
	}
}

TEST(lines_are_the_same_wherever_packets_are_cut)
{
	static const char in[] = "one\ntwo\r\n\n12345678\r\n123456789\r\n"
				 "much too long a line\n/quit\n";

	for (size_t piece = 1; piece <= sizeof(in); piece++) {
		char out[128];

		feed(in, sizeof(in) - 1, piece, out);
		CHECK_STR(out, "one|two||12345678|!|!|/quit|");
	}
}

static enum line_kind
classify(const char *s, struct line_words *w)
{
	return line_classify(s, strlen(s), w);
}

TEST(a_line_is_nothing_a_message_or_a_command)
{
	struct line_words w;

	CHECK_EQ(classify("", &w), LINE_EMPTY);
	CHECK_EQ(classify("Hello /world", &w), LINE_MESSAGE);
	CHECK_MEM(w.text, w.text_len, "Hello /world", 12);
	CHECK_EQ(classify("  ", &w), LINE_MESSAGE);
	CHECK_MEM(w.text, w.text_len, "  ", 2);
	CHECK_EQ(classify(" /quit", &w), LINE_MESSAGE);
	CHECK_EQ(classify("/quit", &w), LINE_COMMAND);
	CHECK_MEM(w.name, w.name_len, "quit", 4);
	CHECK_EQ(w.text_len, 0);
}

TEST(a_double_slash_says_a_slash)
{
	struct line_words w;

	CHECK_EQ(classify("//etc/passwd", &w), LINE_MESSAGE);
	CHECK_MEM(w.text, w.text_len, "/etc/passwd", 11);
	CHECK_EQ(classify("//", &w), LINE_MESSAGE);
	CHECK_MEM(w.text, w.text_len, "/", 1);
	CHECK_EQ(classify("///", &w), LINE_MESSAGE);
	CHECK_MEM(w.text, w.text_len, "//", 2);
}

TEST(a_commands_arguments_come_without_the_blanks_around)
{
	struct line_words w;

	CHECK_EQ(classify("/msg \t Bob  hi  there \t", &w), LINE_COMMAND);
	CHECK_MEM(w.name, w.name_len, "msg", 3);
	CHECK_MEM(w.text, w.text_len, "Bob  hi  there", 14);
	CHECK_EQ(classify("/who  ", &w), LINE_COMMAND);
	CHECK_MEM(w.name, w.name_len, "who", 3);
	CHECK_EQ(w.text_len, 0);
}

TEST(a_slash_alone_is_a_command_without_name)
{
	struct line_words w;

	CHECK_EQ(classify("/", &w), LINE_COMMAND);
	CHECK_EQ(w.name_len, 0);
	CHECK_EQ(classify("/ x", &w), LINE_COMMAND);
	CHECK_EQ(w.name_len, 0);
	CHECK_MEM(w.text, w.text_len, "x", 1);
}
