/* SPDX-License-Identifier: MIT */
/*
 * Keyed hashing for tables whose keys clients choose: SipHash-2-4
 * (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012).
 */
#ifndef SHARED_BASE_HASH_H
#define SHARED_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_KEY_BYTES 16

/* The same for the same bytes and key on every machine. */
uint64_t hash_sip(
    const uint8_t key[HASH_KEY_BYTES], const void *data, size_t len);

/* The same for texts that differ in ASCII case only (A-Z is taken as a-z). */
uint64_t hash_sip_nocase(
    const uint8_t key[HASH_KEY_BYTES], const void *data, size_t len);

#endif
