/* SPDX-License-Identifier: MIT */
/* See rate.h.  The rule is the generic cell rate algorithm. */
#include "master/rate.h"

#include <string.h>

#define SECOND_US UINT64_C(1000000)

void
rate_init(struct rate *rate, const uint8_t hash_key[HASH_KEY_BYTES])
{
	memset(rate, 0, sizeof(*rate));
	memcpy(rate->hash_key, hash_key, sizeof(rate->hash_key));
}

/* The row of that key, or the one to give to it. */
static struct rate_row *
rate_find(struct rate *rate, const uint8_t key[ADDRESS_BYTES])
{
	uint64_t hash = hash_sip(rate->hash_key, key, ADDRESS_BYTES);
	struct rate_row *set = rate->rows[hash & (RATE_SETS - 1)];
	struct rate_row *oldest = set;

	for (unsigned i = 0; i < RATE_WAYS; i++) {
		if (memcmp(set[i].key, key, ADDRESS_BYTES) == 0)
			return &set[i];
		if (set[i].until_us < oldest->until_us)
			oldest = &set[i];
	}
	memcpy(oldest->key, key, ADDRESS_BYTES);
	oldest->until_us = 0;
	return oldest;
}

bool
rate_allows(struct rate *rate, const uint8_t addr[ADDRESS_BYTES],
    unsigned limit, uint64_t now_us)
{
	uint8_t key[ADDRESS_BYTES];
	struct rate_row *row;
	uint64_t each_us;

	if (limit == 0)
		return true;
	address_budget_key(key, addr);
	row = rate_find(rate, key);
	each_us = MAX(SECOND_US / limit, UINT64_C(1));
	if (row->until_us + each_us > now_us + SECOND_US)
		return false;
	row->until_us = MAX(row->until_us, now_us) + each_us;
	return true;
}
