/* SPDX-License-Identifier: MIT */
#include "shared/shm/pool.h"

#include "shared/base/fault.h"

static uint32_t
count(const struct segment *seg)
{
	return seg->layout.nbuffers + seg->layout.nsmall;
}

/* Claim one of `n` from `first` on. */
static uint32_t
claim(struct segment *seg, uint32_t first, uint32_t n, uint32_t owner,
    uint32_t *hint)
{
	uint32_t free_word, at;

	for (uint32_t i = 0; i < n; i++) {
		at = first + (*hint + i) % n;
		free_word = 0;
		if (atomic_load_explicit(
			&seg->bufctl[at].owner, memory_order_relaxed) != 0 ||
		    !atomic_compare_exchange_strong_explicit(
			&seg->bufctl[at].owner, &free_word, owner,
			memory_order_acquire, memory_order_relaxed))
			continue;
		FAULT_POINT("pool.claimed");
		atomic_store_explicit(
		    &seg->bufctl[at].evict, 0, memory_order_relaxed);
		atomic_store_explicit(
		    &seg->bufctl[at].since_us, 0, memory_order_relaxed);
		*hint = (at - first + 1) % n;
		return at + 1;
	}
	return 0;
}

/* The same, of the large ones. */
static uint32_t
claim_large(struct segment *seg, uint32_t n, uint32_t owner, uint32_t *hint)
{
	uint32_t ref = claim(seg, 0, n, owner, hint);

	if (ref == 0)
		atomic_fetch_add_explicit(
		    &seg->tables->pool_empty, 1, memory_order_relaxed);
	return ref;
}

uint32_t
pool_claim(struct segment *seg, uint32_t owner, uint32_t *hint)
{
	return claim_large(seg, seg->layout.nbuffers, owner, hint);
}

uint32_t
pool_claim_common(struct segment *seg, uint32_t owner, uint32_t *hint)
{
	uint32_t n = seg->layout.nbuffers;

	return claim_large(seg, n - n / POOL_RESERVED, owner, hint);
}

uint32_t
pool_claim_small(struct segment *seg, uint32_t owner, uint32_t *hint)
{
	return claim(
	    seg, seg->layout.nbuffers, seg->layout.nsmall, owner, hint);
}

size_t
pool_size(const struct segment *seg, uint32_t ref)
{
	if (ref == 0 || ref > count(seg))
		return 0;
	return ref > seg->layout.nbuffers ? SMALL_BYTES
					  : seg->layout.buffer_stride;
}

void
pool_give(struct segment *seg, uint32_t ref)
{
	if (ref == 0 || ref > count(seg))
		return;
	/* Pairs with the compare and exchange in pool_claim. */
	atomic_store_explicit(
	    &seg->bufctl[ref - 1].owner, 0, memory_order_release);
}

bool
pool_owns(const struct segment *seg, uint32_t ref, uint32_t owner)
{
	return ref != 0 && ref <= count(seg) &&
	       atomic_load_explicit(
		   &seg->bufctl[ref - 1].owner, memory_order_relaxed) == owner;
}

uint32_t
pool_evict_oldest(struct segment *seg)
{
	uint64_t oldest = UINT64_MAX, since;
	uint32_t found = NONE, owner;

	for (uint32_t i = 0; i < seg->layout.nbuffers; i++) {
		owner = atomic_load_explicit(
		    &seg->bufctl[i].owner, memory_order_relaxed);
		since = atomic_load_explicit(
		    &seg->bufctl[i].since_us, memory_order_relaxed);
		if (owner == 0 || (owner & BUFFER_SPARE) != 0 || since == 0 ||
		    since >= oldest)
			continue;
		oldest = since;
		found = i;
	}
	if (found == NONE)
		return NONE;
	owner = atomic_load_explicit(
	    &seg->bufctl[found].owner, memory_order_relaxed);
	if (owner == 0 || owner > seg->params.nslots)
		return NONE;
	atomic_store_explicit(
	    &seg->bufctl[found].evict, 1, memory_order_relaxed);
	return owner - 1;
}
