/* SPDX-License-Identifier: MIT */
/* shared/chat/text and shared/base/utf8. */
#include "tests/harness/test.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/utf8.h"
#include "shared/chat/text.h"

#define FFFD "\xef\xbf\xbd"

/* Sanitises from and to heap blocks of exact size, for the sanitizers. */
static void
check_clean(const char *in, size_t len, const char *expected)
{
	char *src = malloc(len + !len), *dst = malloc(TEXT_EXPANSION * len + 1);
	char *again;
	size_t n, n2;

	CHECK(src != NULL && dst != NULL);
	memcpy(src, in, len);
	n = text_sanitise(dst, src, len);
	CHECK_MEM(dst, n, expected, strlen(expected));
	again = malloc(TEXT_EXPANSION * n + 1);
	CHECK(again != NULL);
	n2 = text_sanitise(again, dst, n);
	CHECK_MEM(again, n2, dst, n);
	free(src);
	free(dst);
	free(again);
}

#define CLEAN(in, expected) check_clean(in, sizeof(in) - 1, expected)

/* Encode without any check, so that forbidden characters can be made. */
static size_t
encode(char *out, uint32_t code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

TEST(every_code_point_decodes_and_surrogates_do_not)
{
	for (uint32_t code = 0; code < 0x120000; code++) {
		const bool scalar =
		    code < 0x110000 && (code < 0xd800 || code > 0xdfff);
		char bytes[4];
		uint32_t got;
		size_t n = encode(bytes, code);
		size_t used = utf8_decode(bytes, n, &got);

		CHECK_EQ(got, scalar ? code : UTF8_INVALID);
		CHECK_EQ(used, scalar ? n : 1);
	}
}

TEST(every_prefix_of_a_character_is_one_ill_formed_subpart)
{
	static const uint32_t codes[] = {0x80, 0x7ff, 0x800, 0xd7ff, 0xe000,
	    0xffff, 0x10000, 0x3ffff, 0x40000, 0x10ffff};

	for (size_t i = 0; i < COUNT(codes); i++) {
		char bytes[5];
		size_t n = encode(bytes, codes[i]);

		for (size_t cut = 1; cut < n; cut++) {
			char then = bytes[cut];
			uint32_t got;

			CHECK_EQ(utf8_decode(bytes, cut, &got), cut);
			CHECK_EQ(got, UTF8_INVALID);
			bytes[cut] = 'x';
			CHECK_EQ(utf8_decode(bytes, n, &got), cut);
			CHECK_EQ(got, UTF8_INVALID);
			bytes[cut] = then;
		}
	}
}

TEST(plain_text_stays_as_it_is)
{
	CLEAN("", "");
	CLEAN("a", "a");
	CLEAN("Hello world!", "Hello world!");
	CLEAN("tab\there", "tab\there");
	CLEAN("Grüße, 你好, שלום, 🌟", "Grüße, 你好, שלום, 🌟");
	CLEAN("\u00a0\ufeff\ue000", "\u00a0\ufeff\ue000");
}

TEST(joiners_stay_so_that_emoji_and_persian_hold_together)
{
	CLEAN("👩\u200d💻 می\u200cخواهم", "👩\u200d💻 می\u200cخواهم");
}

TEST(controls_are_removed)
{
	CLEAN("a\0b\x01\x1b[2J\x7f\r\n", "ab[2J");
	CLEAN("\x1b]0;title\x07", "]0;title");
	CLEAN("\302\200a\302\205b\302\23331mc\302\237", "ab31mc");
	CLEAN("\x01\x02", "");
}

TEST(each_of_all_characters_is_treated_by_the_rule)
{
	for (uint32_t code = 0; code < 0x110000; code++) {
		const bool removed = (code < 0x20 && code != '\t') ||
				     (code >= 0x7f && code <= 0x9f) ||
				     (code >= 0x202a && code <= 0x202e) ||
				     (code >= 0x2066 && code <= 0x2069) ||
				     code == 0x2028 || code == 0x2029;
		char in[4], out[12];
		size_t n = encode(in, code), got = text_sanitise(out, in, n);

		if (code >= 0xd800 && code <= 0xdfff)
			CHECK_MEM(out, got, FFFD FFFD FFFD, 9);
		else
			CHECK_MEM(out, got, in, removed ? 0 : n);
	}
}

TEST(line_separators_and_bidi_controls_are_removed)
{
	CLEAN("a\u2028b\u2029c", "abc");
	CLEAN("\u202auser\u202e\u2066\u2069", "user");
	CLEAN("\u200e\u200f\u061c", "\u200e\u200f\u061c");
}

/* The examples of Unicode 15.0, section 3.9, tables 3-8 to 3-11. */
TEST(invalid_bytes_become_one_replacement_for_each_maximal_subpart)
{
	CLEAN("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41",
	    FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
	CLEAN("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41",
	    FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A");
	CLEAN("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42",
	    FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B");
	CLEAN("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", FFFD FFFD FFFD FFFD "A");
}

TEST(removing_a_byte_never_joins_its_neighbours)
{
	CLEAN("\xe2\x01\x80\xae", FFFD FFFD FFFD);
	CLEAN("\xe2\x80\u202e\xae", FFFD FFFD);
	CLEAN("\xf0\x9f\x7f\x8c\x9f", FFFD FFFD FFFD);
}

TEST(a_cut_character_at_the_end_becomes_one_replacement)
{
	CLEAN("caf\xc3", "caf" FFFD);
	CLEAN("\xf0\x9f\x8c", FFFD);
	CLEAN("12345678\xe2\x82", "12345678" FFFD);
}

/* The fast path works in words: put each byte at each place of a few words. */
TEST(each_byte_is_treated_alike_at_each_place)
{
	for (size_t len = 1; len <= 24; len++) {
		for (size_t at = 0; at < len; at++) {
			for (unsigned byte = 0; byte < 256; byte++) {
				char in[24], out[72], expected[72];
				const char *middle = FFFD;
				size_t add = 3, n;
				char c = (char)byte;

				memset(in, '~', len);
				in[at] = c;
				if (byte < 0x80) {
					middle = &c;
					add = byte == '\t' ||
					      (byte >= 0x20 && byte < 0x7f);
				}
				memset(expected, '~', sizeof(expected));
				memcpy(expected + at, middle, add);
				n = text_sanitise(out, in, len);
				CHECK_MEM(out, n, expected, len - 1 + add);
			}
		}
	}
}

TEST(the_worst_text_grows_no_more_than_promised)
{
	char in[100], out[TEXT_EXPANSION * 100];

	memset(in, 0xff, sizeof(in));
	CHECK_EQ(text_sanitise(out, in, sizeof(in)), sizeof(out));
	CHECK(utf8_valid(out, sizeof(out)));
}

#define ROW "\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308"

TEST(of_marks_in_a_row_the_ninth_and_those_behind_it_are_removed)
{
	CLEAN("a" ROW "b", "a" ROW "b");
	CLEAN("a" ROW "\u0309b", "a" ROW "b");
	CLEAN("a" ROW ROW ROW, "a" ROW);
	CLEAN(ROW ROW, ROW);
	CLEAN("a" ROW "b" ROW "c" ROW ROW, "a" ROW "b" ROW "c" ROW);
	CLEAN("é" ROW "\u0301я" ROW "\u0301", "é" ROW "я" ROW);
	CLEAN("a" ROW "\t" ROW "\u0301", "a" ROW "\t" ROW);
	CLEAN("\u20dd" ROW "\u0903\u0e31x", "\u20dd\u0301\u0302\u0303\u0304"
					    "\u0305\u0306\u0307x");
}

TEST(neither_what_is_removed_nor_what_is_invisible_ends_a_row_of_marks)
{
	CLEAN("a" ROW "\x01\u0301", "a" ROW);
	CLEAN("a" ROW "\u202e\u0301", "a" ROW);
	CLEAN("a" ROW "\u200d\u0301\u200c\u0301", "a" ROW "\u200d\u200c");
	CLEAN("a" ROW "\xff\u0301", "a" ROW FFFD "\u0301");
}

TEST(what_languages_write_stays_as_it_is)
{
	static const char *const texts[] = {
	    "Xin chào! Tie\u0302\u0301ng Vie\u0323\u0302t, Tiếng Việt",
	    "שָׁלוֹם, בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים", "بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ", "ก้าวหน้า ที่นี่ น้ำ",
	    "श्रीकृष्ण, क्ष्म्य", "བསྒྲུབས་",
	    "👩‍❤️‍💋‍👨 1️⃣ 🏴‍☠️ 👍🏽",
	    "がんばって か\u3099"};

	for (size_t i = 0; i < COUNT(texts); i++)
		check_clean(texts[i], strlen(texts[i]), texts[i]);
}
