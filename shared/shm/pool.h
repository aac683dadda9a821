/* SPDX-License-Identifier: MIT */
/*
 * The pool: a few shared buffers for what does not fit into a session's row,
 * a half-line of input or the rest of a record that a short send cut.  A
 * buffer belongs to whoever is named in its owner word, which is claimed by
 * one compare and swap; so no lock is needed, and a takeover finds what a
 * dead worker had claimed but not yet put into a row.
 */
#ifndef SHARED_SHM_POOL_H
#define SHARED_SHM_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/segment.h"
#include "shared/shm/tables.h"

/*
 * Claim a free buffer for `owner` (slot + 1, or seat + 1 with BUFFER_SPARE).
 * Returns its index + 1, or 0 when none is free, which is counted.  Looks
 * first behind `*hint`, the caller's.
 */
uint32_t pool_claim(struct segment *seg, uint32_t owner, uint32_t *hint);

/*
 * The same, but one in POOL_RESERVED is left for pool_claim: for half-lines,
 * whose owners can be asked to give them up.  What clients don't read can't be
 * taken from them; without that, those who don't read could keep everybody
 * from saying a long line.
 */
#define POOL_RESERVED 4
uint32_t pool_claim_common(struct segment *seg, uint32_t owner, uint32_t *hint);

/*
 * The same for a small one, of SMALL_BYTES, with a hint of its own.  That there
 * is none is not counted: a large one does as well.
 */
uint32_t pool_claim_small(struct segment *seg, uint32_t owner, uint32_t *hint);

/* Bytes of buffer `ref` (index + 1); 0 if it is none. */
size_t pool_size(const struct segment *seg, uint32_t ref);

/* Give buffer `ref` (index + 1) back, or do nothing when `ref` is 0. */
void pool_give(struct segment *seg, uint32_t ref);

/* Is `ref` (index + 1) a buffer, and is it `owner`'s? */
bool pool_owns(const struct segment *seg, uint32_t ref, uint32_t owner);

/*
 * Ask the owner of the oldest half-line kept in the pool to give it up.
 * Returns the slot it belongs to, or NONE.
 */
uint32_t pool_evict_oldest(struct segment *seg);

#endif
