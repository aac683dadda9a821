/* SPDX-License-Identifier: MIT */
/* shared/base/hash and clock. */
#include "tests/harness/test.h"

#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/hash.h"

/* Key 00..0f, message 00..len-1: from the authors' vectors_sip64. */
TEST(hash_gives_the_reference_vectors)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} cases[] = {
	    {0, 0x726fdb47dd0e0e31},
	    {1, 0x74f839c593dc67fd},
	    {2, 0x0d6c8009d9a94f5a},
	    {3, 0x85676696d7fb7e2d},
	    {7, 0xab0200f58b01d137},
	    {8, 0x93f5f5799a932462},
	    {15, 0xa129ca6149be45e5},
	    {63, 0x958a324ceb064572},
	};
	uint8_t key[HASH_KEY_BYTES], message[64];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	memcpy(key, message, sizeof(key));
	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK(hash_sip(key, message, cases[i].len) == cases[i].hash);
}

TEST(hash_nocase_is_hash_of_the_lower_case_text)
{
	const uint8_t key[HASH_KEY_BYTES] = "chosen at random";
	char text[256 + 16], lower[256 + 16];

	/* All bytes, at every alignment to the words of the hash. */
	for (size_t shift = 0; shift < 16; shift++) {
		size_t len = 256 + shift;

		memset(text, 'x', shift);
		for (size_t i = 0; i < 256; i++)
			text[shift + i] = (char)i;
		for (size_t i = 0; i < len; i++) {
			char c = text[i];

			lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		}
		CHECK(hash_sip_nocase(key, text, len) ==
		      hash_sip(key, lower, len));
		CHECK(hash_sip(key, text, len) != hash_sip(key, lower, len));
	}
}

TEST(hash_depends_on_each_byte_of_the_key)
{
	uint8_t key[HASH_KEY_BYTES] = {0};
	uint64_t plain = hash_sip(key, "general", 7);

	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] = 1;
		CHECK(hash_sip(key, "general", 7) != plain);
		key[i] = 0;
	}
}

TEST(clocks_run_forward_and_agree_on_units)
{
	uint64_t us = clock_us(), ms = clock_ms();
	uint64_t real = clock_real_us();

	CHECK(ms >= us / 1000);
	CHECK(clock_us() >= us);
	CHECK(real / 1000000 + 1 >= (uint64_t)time(NULL));
	CHECK(real / 1000000 <= (uint64_t)time(NULL));
}
