/* SPDX-License-Identifier: MIT */
/* shared/base/sha1 and shared/base/base64. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/base64.h"
#include "shared/base/sha1.h"

static void
check_digest(const char *text, size_t len, const char *expected)
{
	uint8_t digest[SHA1_BYTES];
	char hex[2 * SHA1_BYTES + 1];

	sha1(text, len, digest);
	for (size_t i = 0; i < SHA1_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	CHECK_STR(hex, expected);
}

TEST(the_digests_are_those_of_the_standard)
{
	char *many = malloc(1000000);

	check_digest("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	check_digest("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
	check_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnop"
		     "nopq",
	    56, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	CHECK(many != NULL);
	memset(many, 'a', 1000000);
	check_digest(many, 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
	free(many);
}

/* Those that sha1sum gives for so many letters "a". */
TEST(the_padding_is_right_at_the_ends_of_blocks)
{
	static const struct {
		size_t len;
		const char *digest;
	} cases[] = {
	    {1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"},
	    {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
	    {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
	    {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
	    {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
	    {65, "11655326c708d70319be2610e8a57d9a5b959d3b"},
	    {119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
	    {120, "f34c1488385346a55709ba056ddd08280dd4c6d6"},
	    {128, "ad5b3fdbcb526778c2839d2f151ea753995e26a0"},
	};
	char text[128];

	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < COUNT(cases); i++)
		check_digest(text, cases[i].len, cases[i].digest);
}

TEST(base64_is_that_of_the_standard)
{
	static const char *const cases[][2] = {
	    {"", ""},
	    {"f", "Zg=="},
	    {"fo", "Zm8="},
	    {"foo", "Zm9v"},
	    {"foob", "Zm9vYg=="},
	    {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"},
	    {"\xff\xef\xbe", "/+++"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i][0]);
		char text[16];

		base64_encode(text, cases[i][0], len);
		CHECK_MEM(
		    text, BASE64_LEN(len), cases[i][1], strlen(cases[i][1]));
		CHECK(base64_is(text, BASE64_LEN(len), len));
	}
}

TEST(what_no_encoder_writes_is_not_base64)
{
	static const struct {
		const char *text;
		size_t bytes;
	} cases[] = {
	    {"Zg=", 1},        /* cut short */
	    {"Zg", 1},         /* without padding */
	    {"Zg===", 1},      /* too much of it */
	    {"Zg==", 2},       /* another length */
	    {"Zm8=", 1},       /* another length */
	    {"Zh==", 1},       /* bits that no byte uses */
	    {"Zm9=", 2},       /* bits that no byte uses */
	    {"Z===", 1},       /* padding too early */
	    {"Zm=v", 3},       /* padding inside */
	    {"Z-9v", 3},       /* the alphabet of URLs */
	    {"Zm9v\n", 3},     /* a line end */
	    {"Zm v", 3},       /* a blank */
	    {"\303\244==", 1}, /* no ASCII */
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK(!base64_is(
		    cases[i].text, strlen(cases[i].text), cases[i].bytes));
	CHECK(!base64_is("Zm\0v", 4, 3));
}
