/* SPDX-License-Identifier: MIT */
/*
 * How many wrong passwords an address may give: so many a minute, all of them
 * at once if it likes (the generic cell rate algorithm, as in worker/talk.c).
 * A table of fixed size: when it is full, who has the least to wait for is
 * forgotten.
 */
#ifndef WORKER_AUTH_BUDGET_H
#define WORKER_AUTH_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/address.h"

#define AUTH_BUDGET_ROWS 4096
#define AUTH_BUDGET_WAYS 8

struct auth_budget {
	unsigned limit;  /* a minute; 0: none */
	uint8_t key[16]; /* of the hash: random */
	struct {
		uint8_t addr[ADDRESS_BYTES]; /* an address_budget_key */
		uint64_t full_us; /* its clock, which runs ahead of ours */
	} rows[AUTH_BUDGET_ROWS];
};

/* May the address try another one now?  Times are CLOCK_MONOTONIC. */
bool auth_budget_allows(const struct auth_budget *budget,
    const uint8_t addr[ADDRESS_BYTES], uint64_t now_us);

/* It was wrong. */
void auth_budget_spend(struct auth_budget *budget,
    const uint8_t addr[ADDRESS_BYTES], uint64_t now_us);

#endif
