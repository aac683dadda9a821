/* SPDX-License-Identifier: MIT */
/*
 * Refused connections, counted by address (IPv6: by /64), so that a flood of
 * them doesn't flood the log: of more than REFUSALS_LOGGED in a second from
 * one address the rest becomes one line.
 */
#ifndef MASTER_REFUSALS_H
#define MASTER_REFUSALS_H

#include "shared/base/address.h"
#include "shared/base/base.h"

#define REFUSALS_LOGGED 20 /* a second and address */
#define REFUSALS_ROWS 128  /* addresses at once; more are logged one by one */

struct refusal {
	uint8_t key[ADDRESS_BYTES];  /* address_budget_key of all of them */
	uint8_t addr[ADDRESS_BYTES]; /* of the last one */
	uint8_t listener;            /* likewise */
	const char *reason;
	uint64_t since_us; /* when its second began; 0: the row is free */
	unsigned count;    /* in that second */
};

struct refusals {
	struct refusal rows[REFUSALS_ROWS];
};

/*
 * Count a refusal.  `reason` lives for ever.  Returns whether it is to be
 * logged by itself.  `now_us` is CLOCK_MONOTONIC.
 */
bool refusals_count(struct refusals *refusals,
    const uint8_t addr[ADDRESS_BYTES], uint8_t listener, const char *reason,
    uint64_t now_us);

/*
 * Call `sum` for every address whose second is over with some unlogged: their
 * number is `r->count` less REFUSALS_LOGGED.
 */
void refusals_flush(struct refusals *refusals, uint64_t now_us,
    void (*sum)(void *context, const struct refusal *r), void *context);

/* When to flush next: CLOCK_MONOTONIC, or UINT64_MAX. */
uint64_t refusals_due_us(const struct refusals *refusals);

#endif
