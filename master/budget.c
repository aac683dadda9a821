/* SPDX-License-Identifier: MIT */
/* See budget.h. */
#include "master/budget.h"

#include <stdlib.h>
#include <string.h>

int
budget_init(
    struct budget *b, uint32_t nrows, const uint8_t hash_key[HASH_KEY_BYTES])
{
	memset(b, 0, sizeof(*b));
	memcpy(b->hash_key, hash_key, sizeof(b->hash_key));
	b->nrows = nrows;
	b->nbuckets = 1;
	while (b->nbuckets < nrows)
		b->nbuckets *= 2;
	b->buckets = calloc(b->nbuckets, sizeof(*b->buckets));
	b->rows = calloc(nrows, sizeof(*b->rows));
	if (b->buckets && b->rows)
		return 0;
	budget_fini(b);
	return -1;
}

void
budget_fini(struct budget *b)
{
	free(b->buckets);
	free(b->rows);
	b->buckets = NULL;
	b->rows = NULL;
}

static uint32_t
budget_bucket(const struct budget *b, const uint8_t key[ADDRESS_BYTES])
{
	return (uint32_t)hash_sip(b->hash_key, key, ADDRESS_BYTES) &
	       (b->nbuckets - 1);
}

/*
 * The link that leads to the row of `key`: a bucket, or the `next` of the row
 * before it.  It is 0 at the end of the chain, if there is no such row.
 */
static uint32_t *
budget_find(const struct budget *b, const uint8_t key[ADDRESS_BYTES])
{
	uint32_t *link = &b->buckets[budget_bucket(b, key)];

	while (*link != 0 &&
	       memcmp(b->rows[*link - 1].key, key, ADDRESS_BYTES) != 0)
		link = &b->rows[*link - 1].next;
	return link;
}

uint32_t
budget_used(const struct budget *b, const uint8_t addr[ADDRESS_BYTES])
{
	uint8_t key[ADDRESS_BYTES];
	uint32_t row;

	address_budget_key(key, addr);
	row = *budget_find(b, key);
	return row != 0 ? b->rows[row - 1].count : 0;
}

/* A row that is free, + 1; or 0. */
static uint32_t
budget_take_row(struct budget *b)
{
	uint32_t row = b->freed;

	if (row != 0) {
		b->freed = b->rows[row - 1].next;
		return row;
	}
	return b->fresh < b->nrows ? ++b->fresh : 0;
}

void
budget_charge(struct budget *b, const uint8_t addr[ADDRESS_BYTES])
{
	uint8_t key[ADDRESS_BYTES];
	uint32_t *link, row;

	address_budget_key(key, addr);
	link = budget_find(b, key);
	if (*link == 0) {
		row = budget_take_row(b);
		if (row == 0)
			return;
		memcpy(b->rows[row - 1].key, key, ADDRESS_BYTES);
		b->rows[row - 1].next = 0;
		*link = row;
	}
	b->rows[*link - 1].count++;
}

void
budget_release(struct budget *b, const uint8_t addr[ADDRESS_BYTES])
{
	uint8_t key[ADDRESS_BYTES];
	uint32_t *link, row;

	address_budget_key(key, addr);
	link = budget_find(b, key);
	row = *link;
	if (row == 0 || --b->rows[row - 1].count > 0)
		return;
	*link = b->rows[row - 1].next;
	b->rows[row - 1].next = b->freed;
	b->freed = row;
}
