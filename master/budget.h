/* SPDX-License-Identifier: MIT */
/*
 * How many connections each address has: a count for every IPv4 address or
 * IPv6 /64 (address_budget_key) that has any, whatever the listener.  Looking
 * up, charging and releasing take constant time, since clients can't guess
 * who shares a bucket, and memory is bounded by the connections there may be.
 */
#ifndef MASTER_BUDGET_H
#define MASTER_BUDGET_H

#include <stdint.h>

#include "shared/base/address.h"
#include "shared/base/hash.h"

struct budget_row {
	uint8_t key[ADDRESS_BYTES];
	uint32_t count; /* connections; 0 in a row that is free */
	uint32_t next;  /* row + 1 in its chain, or in that of the free ones */
};

struct budget {
	uint8_t hash_key[HASH_KEY_BYTES];
	uint32_t *buckets; /* row + 1, or 0: untouched pages cost nothing */
	struct budget_row *rows;
	uint32_t nbuckets; /* a power of two */
	uint32_t nrows;
	uint32_t fresh; /* rows from here on were never used */
	uint32_t freed; /* row + 1, or 0: those that were */
};

/*
 * Make the table for up to `nrows` connections, which is as many addresses.
 * `hash_key` is random.  Returns 0, or -1 with errno ENOMEM.
 */
int budget_init(
    struct budget *b, uint32_t nrows, const uint8_t hash_key[HASH_KEY_BYTES]);
void budget_fini(struct budget *b);

/* How many connections are charged to this address's budget? */
uint32_t budget_used(const struct budget *b, const uint8_t addr[ADDRESS_BYTES]);

/*
 * Count one more.  The caller keeps to the bound given to budget_init: an
 * address for which there is no row is not counted.
 */
void budget_charge(struct budget *b, const uint8_t addr[ADDRESS_BYTES]);

/* Count one less; nothing, if there is none. */
void budget_release(struct budget *b, const uint8_t addr[ADDRESS_BYTES]);

#endif
