/* SPDX-License-Identifier: MIT */
/* proxy/charset. */
#include "tests/harness/test.h"

#include <string.h>

#include "proxy/charset.h"
#include "proxy/width.h"

static void
check_encode(enum charset charset, const char *in, const char *expected)
{
	char out[256];
	size_t n = charset_encode(charset, in, strlen(in), out);

	CHECK_MEM(out, n, expected, strlen(expected));
}

static void
check_decode(enum charset charset, const char *in, const char *expected)
{
	char out[256];
	size_t n = charset_decode(charset, in, strlen(in), out);

	CHECK_MEM(out, n, expected, strlen(expected));
}

TEST(sets_are_found_by_the_names_they_have)
{
	static const struct {
		const char *name;
		int charset;
	} cases[] = {
	    {"UTF-8", CHARSET_UTF8},
	    {"UTF8", CHARSET_UTF8},
	    {"ISO-8859-1", CHARSET_LATIN1},
	    {"LATIN1", CHARSET_LATIN1},
	    {"CP437", CHARSET_CP437},
	    {"IBM437", CHARSET_CP437},
	    {"US-ASCII", CHARSET_ASCII},
	    {"ASCII", CHARSET_ASCII},
	    {"ISO-8859-15", -1},
	    {"UTF-16", -1},
	    {"", -1},
	    {"UTF-", -1},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(charset_find(cases[i].name, strlen(cases[i].name)),
		    cases[i].charset);
	for (int c = 0; c < CHARSETS; c++)
		CHECK_EQ(
		    charset_find(charset_name(c), strlen(charset_name(c))), c);
	CHECK_STR(charset_name(-1), "");
	CHECK_STR(charset_name(CHARSETS), "");
}

TEST(what_a_set_has_goes_there_and_back)
{
	for (enum charset c = CHARSET_LATIN1; c < CHARSETS; c++) {
		for (unsigned byte = 1; byte < 256; byte++) {
			char in[2] = {(char)byte, 0}, utf8[8], out[8];
			size_t n = charset_decode(c, in, 1, utf8);

			if ((c == CHARSET_ASCII && byte >= 0x80) ||
			    (c == CHARSET_LATIN1 && byte >= 0x80 &&
				byte < 0xa0) ||
			    (c == CHARSET_CP437 && byte == 0xff))
				continue;
			n = charset_encode(c, utf8, n, out);
			CHECK_EQ(n, 1 + (byte == 0xff));
			CHECK_EQ((unsigned char)out[0], byte);
		}
	}
}

TEST(a_byte_255_is_doubled)
{
	check_encode(CHARSET_LATIN1, "aÿb",
	    "a\xff\xff"
	    "b");
	check_encode(CHARSET_CP437, "\u00a0", " ");
	CHECK_EQ(charset_cells(CHARSET_LATIN1, 0xff), 1);
}

TEST(letters_lose_their_marks_and_are_spelt)
{
	check_encode(CHARSET_ASCII, "äöüÄÖÜßéçñøÆþ", "aouAOUssecnoAEth");
	check_encode(CHARSET_ASCII, "Łódź, Žižek, Ğ", "Lodz, Zizek, G");
	check_encode(CHARSET_ASCII, "e\u0301a\u0308\u200d\ufe0f!", "ea!");
	check_encode(CHARSET_ASCII, "Привет, Щука", "Privet, Shchuka");
	check_encode(CHARSET_ASCII, "Ωμέγα Θ", "Omega Th");
	check_encode(CHARSET_ASCII, "Ａｂ１𝐇𝐢𝟗 ﬁ ⅷ", "Ab1Hi9 fi viii");
	check_encode(CHARSET_LATIN1, "ä Łä", "\xe4 L\xe4");
	check_encode(CHARSET_CP437, "äł█─├", "\x84l\xdb\xc4\xc3");
}

TEST(signs_become_what_looks_like_them_and_emoji_their_names)
{
	check_encode(CHARSET_ASCII, "“a” – ‘b’…", "\"a\" - 'b'...");
	check_encode(CHARSET_ASCII, "5 € → ≤ ½ © ™", "5 EUR -> <= 1/2 (c) TM");
	check_encode(CHARSET_ASCII, "┌─┐│█", "+-+|#");
	check_encode(CHARSET_ASCII, "🌟 Bob", "[star] Bob");
	check_encode(CHARSET_ASCII, "👋❤️", "[wave][heart]");
	check_encode(CHARSET_ASCII, "漢字\xff", "???");
}

TEST(controls_pass_and_utf8_stays_as_it_is)
{
	check_encode(CHARSET_ASCII, "\r\033[K\b\a\n\t", "\r\033[K\b\a\n\t");
	check_encode(CHARSET_UTF8, "ä🌟\xff", "ä🌟\xff");
	check_decode(CHARSET_UTF8, "ä🌟\xff", "ä🌟\xff");
	check_decode(CHARSET_LATIN1, "\xe4\xff", "äÿ");
	check_decode(CHARSET_CP437, "\x84\xdb\xe1", "ä█ß");
	check_decode(CHARSET_ASCII, "a\x84", "a\ufffd");
}

TEST(no_character_becomes_long_or_looks_like_the_protocol)
{
	char utf8[CHARSET_PUT_MAX], out[CHARSET_PUT_MAX];

	for (uint32_t code = 0xa0; code < 0x110000; code++) {
		size_t len = charset_put(CHARSET_UTF8, code, utf8);

		CHECK_EQ(charset_cells(CHARSET_UTF8, code), width_of(code));
		for (enum charset c = CHARSET_LATIN1; c < CHARSETS; c++) {
			size_t n = charset_put(c, code, out);

			if (n > CHARSET_EXPANSION * len)
				test_fail(__FILE__, __LINE__,
				    "U+%04X becomes %zu bytes", code, n);
			CHECK_EQ(charset_cells(c, code),
			    n - (code == 0xff && n == 2));
			for (size_t i = 0; i < n; i++)
				CHECK((unsigned char)out[i] >= ' ' &&
				      out[i] != 0x7f && out[i] != ':' &&
				      out[i] != '*');
			CHECK(n > 0 || width_of(code) == 0);
		}
	}
}
