/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 after the authors' paper, eight bytes at a time. */
#include "shared/base/hash.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate_left(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate_left(s->v1, 13) ^ s->v0;
	s->v0 = rotate_left(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate_left(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate_left(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate_left(s->v1, 17) ^ s->v2;
	s->v2 = rotate_left(s->v2, 32);
}

static void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

/* Up to eight bytes as a little-endian word. */
static uint64_t
load(const unsigned char *bytes, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, bytes, len);
	return le64toh(word);
}

/* A-Z to a-z in each of the eight bytes; no carry leaves its byte. */
static uint64_t
fold(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101, high = 0x80 * ones;
	uint64_t low7 = word & ~high;
	uint64_t from_a = low7 + (0x80 - 'A') * ones;
	uint64_t past_z = low7 + (0x7f - 'Z') * ones;
	uint64_t upper = (from_a ^ past_z) & ~word & high;

	return word | upper >> 2;
}

static inline uint64_t
sip(const uint8_t key[HASH_KEY_BYTES], const void *data, size_t len,
    bool nocase)
{
	const unsigned char *p = data;
	const uint64_t k0 = load(key, 8), k1 = load(key + 8, 8);
	const uint64_t length = (uint64_t)len << 56;
	struct sip s = {
	    .v0 = k0 ^ 0x736f6d6570736575,
	    .v1 = k1 ^ 0x646f72616e646f6d,
	    .v2 = k0 ^ 0x6c7967656e657261,
	    .v3 = k1 ^ 0x7465646279746573,
	};

	for (; len >= 8; p += 8, len -= 8)
		sip_word(&s, nocase ? fold(load(p, 8)) : load(p, 8));
	if (len > 0)
		sip_word(
		    &s, (nocase ? fold(load(p, len)) : load(p, len)) | length);
	else
		sip_word(&s, length);
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
hash_sip(const uint8_t key[HASH_KEY_BYTES], const void *data, size_t len)
{
	return sip(key, data, len, false);
}

uint64_t
hash_sip_nocase(const uint8_t key[HASH_KEY_BYTES], const void *data, size_t len)
{
	return sip(key, data, len, true);
}
