/* SPDX-License-Identifier: MIT */
/* SHA-1 after RFC 3174, method 1. */
#include "shared/base/sha1.h"

#include <endian.h>
#include <string.h>

#define BLOCK 64 /* bytes */

static uint32_t
rotate_left(uint32_t x, unsigned bits)
{
	return x << bits | x >> (32 - bits);
}

/* f of round t with its constant (sections 5 and 6.1). */
static uint32_t
mix(unsigned t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) | (~b & d)) + 0x5a827999;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60)
		return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void
block(uint32_t h[5], const uint8_t bytes[BLOCK])
{
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], w[80];

	memcpy(w, bytes, BLOCK);
	for (unsigned t = 0; t < 16; t++)
		w[t] = be32toh(w[t]);
	for (unsigned t = 16; t < 80; t++)
		w[t] =
		    rotate_left(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (unsigned t = 0; t < 80; t++) {
		uint32_t next = rotate_left(a, 5) + mix(t, b, c, d) + e + w[t];

		e = d;
		d = c;
		c = rotate_left(b, 30);
		b = a;
		a = next;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
}

void
sha1(const void *data, size_t len, uint8_t digest[SHA1_BYTES])
{
	uint32_t h[5] = {
	    0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	const uint8_t *p = data;
	const uint64_t bits = htobe64((uint64_t)len * 8);
	uint8_t last[2 * BLOCK] = {0};
	size_t end;

	for (; len >= BLOCK; p += BLOCK, len -= BLOCK)
		block(h, p);
	/* The padding: one bit, zeros, and the length in bits. */
	if (len > 0)
		memcpy(last, p, len);
	last[len] = 0x80;
	end = len + 1 + sizeof(bits) <= BLOCK ? BLOCK : 2 * BLOCK;
	memcpy(last + end - sizeof(bits), &bits, sizeof(bits));
	for (size_t at = 0; at < end; at += BLOCK)
		block(h, last + at);
	for (unsigned i = 0; i < 5; i++)
		h[i] = htobe32(h[i]);
	memcpy(digest, h, SHA1_BYTES);
}
