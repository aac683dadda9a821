/* SPDX-License-Identifier: MIT */
/*
 * How fast connections come from each address (IPv6: each /64): as many a
 * second as are allowed, after as many at once.  The table is of a fixed size;
 * who comes from more addresses than it has rows for drives the one out that
 * has waited longest, so that it is too lenient at worst.
 */
#ifndef MASTER_RATE_H
#define MASTER_RATE_H

#include "shared/base/address.h"
#include "shared/base/base.h"
#include "shared/base/hash.h"

#define RATE_SETS 1024 /* a power of two */
#define RATE_WAYS 4    /* rows of a set: addresses whose hashes agree */

struct rate_row {
	uint8_t key[ADDRESS_BYTES];
	/*
	 * When all that came would have come, had it come one by one at the
	 * rate allowed.  In the past: the row says nothing any more.
	 */
	uint64_t until_us;
};

struct rate {
	uint8_t hash_key[HASH_KEY_BYTES];
	struct rate_row rows[RATE_SETS][RATE_WAYS];
};

/* `hash_key` is random. */
void rate_init(struct rate *rate, const uint8_t hash_key[HASH_KEY_BYTES]);

/*
 * One more comes from that address.  Is that within `limit` a second (0: there
 * is none)?  One that is not doesn't count.  `now_us` is CLOCK_MONOTONIC.
 */
bool rate_allows(struct rate *rate, const uint8_t addr[ADDRESS_BYTES],
    unsigned limit, uint64_t now_us);

#endif
