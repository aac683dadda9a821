/* SPDX-License-Identifier: MIT */
/* See refusals.h. */
#include "master/refusals.h"

#include <string.h>

#define SECOND_US 1000000

static struct refusal *
refusals_find(struct refusals *refusals, const uint8_t key[ADDRESS_BYTES])
{
	struct refusal *vacant = NULL;

	for (size_t i = 0; i < REFUSALS_ROWS; i++) {
		struct refusal *r = &refusals->rows[i];

		if (r->since_us == 0)
			vacant = vacant ? vacant : r;
		else if (memcmp(r->key, key, sizeof(r->key)) == 0)
			return r;
	}
	return vacant;
}

bool
refusals_count(struct refusals *refusals, const uint8_t addr[ADDRESS_BYTES],
    uint8_t listener, const char *reason, uint64_t now_us)
{
	uint8_t key[ADDRESS_BYTES];
	struct refusal *r;

	address_budget_key(key, addr);
	r = refusals_find(refusals, key);
	if (!r)
		return true;
	if (r->since_us == 0) {
		memcpy(r->key, key, sizeof(r->key));
		r->since_us = MAX(now_us, (uint64_t)1);
		r->count = 0;
	}
	memcpy(r->addr, addr, sizeof(r->addr));
	r->listener = listener;
	r->reason = reason;
	return ++r->count <= REFUSALS_LOGGED;
}

void
refusals_flush(struct refusals *refusals, uint64_t now_us,
    void (*sum)(void *context, const struct refusal *r), void *context)
{
	for (size_t i = 0; i < REFUSALS_ROWS; i++) {
		struct refusal *r = &refusals->rows[i];

		if (r->since_us == 0 || now_us < r->since_us + SECOND_US)
			continue;
		if (r->count > REFUSALS_LOGGED)
			sum(context, r);
		r->since_us = 0;
	}
}

uint64_t
refusals_due_us(const struct refusals *refusals)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < REFUSALS_ROWS; i++)
		if (refusals->rows[i].since_us != 0)
			due = MIN(due, refusals->rows[i].since_us + SECOND_US);
	return due;
}
