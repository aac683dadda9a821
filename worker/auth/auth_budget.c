/* SPDX-License-Identifier: MIT */
/* See auth_budget.h. */
#include "worker/auth/auth_budget.h"

#include <string.h>

#include "shared/base/base.h"
#include "shared/base/hash.h"

#define MINUTE_US (60 * UINT64_C(1000000))

/* The first of the rows that may be the address'. */
static uint32_t
first_row(const struct auth_budget *b, const uint8_t key[ADDRESS_BYTES])
{
	uint64_t hash = hash_sip(b->key, key, ADDRESS_BYTES);

	return (uint32_t)(hash % (AUTH_BUDGET_ROWS / AUTH_BUDGET_WAYS)) *
	       AUTH_BUDGET_WAYS;
}

bool
auth_budget_allows(const struct auth_budget *b,
    const uint8_t addr[ADDRESS_BYTES], uint64_t now_us)
{
	uint8_t key[ADDRESS_BYTES];
	uint32_t row;

	if (b->limit == 0)
		return true;
	address_budget_key(key, addr);
	row = first_row(b, key);
	for (uint32_t i = row; i < row + AUTH_BUDGET_WAYS; i++)
		if (memcmp(b->rows[i].addr, key, sizeof(key)) == 0)
			return b->rows[i].full_us <=
			       now_us + (b->limit - 1) * (MINUTE_US / b->limit);
	return true;
}

void
auth_budget_spend(
    struct auth_budget *b, const uint8_t addr[ADDRESS_BYTES], uint64_t now_us)
{
	uint8_t key[ADDRESS_BYTES];
	uint32_t row, best;

	if (b->limit == 0)
		return;
	address_budget_key(key, addr);
	row = best = first_row(b, key);
	for (uint32_t i = row; i < row + AUTH_BUDGET_WAYS; i++) {
		if (memcmp(b->rows[i].addr, key, sizeof(key)) == 0) {
			best = i;
			break;
		}
		if (b->rows[i].full_us < b->rows[best].full_us)
			best = i;
	}
	if (memcmp(b->rows[best].addr, key, sizeof(key)) != 0) {
		memcpy(b->rows[best].addr, key, sizeof(key));
		b->rows[best].full_us = 0;
	}
	b->rows[best].full_us =
	    MAX(b->rows[best].full_us, now_us) + MINUTE_US / b->limit;
}
