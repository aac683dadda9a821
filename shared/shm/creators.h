/* SPDX-License-Identifier: MIT */
/*
 * Who brought which rooms into being: a cache over room_shm.creator, so that
 * an address's rooms are counted without a look at all of them.  Each bucket
 * of hashed creators has a list of rooms, linked both ways, so that a room is
 * taken out of one at once, however long it is.
 *
 * The caller holds the lock, or is alone.
 */
#ifndef SHARED_SHM_CREATORS_H
#define SHARED_SHM_CREATORS_H

#include <stdint.h>

#include "shared/base/address.h"
#include "shared/shm/segment.h"

/* The bucket of a creator, which is an address_budget_key. */
uint32_t creators_bucket(
    const struct segment *seg, const uint8_t creator[ADDRESS_BYTES]);

/* Empty all lists. */
void creators_clear(struct segment *seg);

/* Put the room, in no list so far, into its creator's; take it out again. */
void creators_link(struct segment *seg, uint32_t room);
void creators_unlink(struct segment *seg, uint32_t room);

/*
 * How many rooms that are alive are this creator's?  Counts up to `most`: that
 * many, and those who share its bucket, are all that is looked at.
 */
uint32_t creators_count(const struct segment *seg,
    const uint8_t creator[ADDRESS_BYTES], uint32_t most);

#endif
