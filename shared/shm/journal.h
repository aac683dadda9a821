/* SPDX-License-Identifier: MIT */
/*
 * Changes that happen once, whenever the worker dies: publishing records
 * together with the sender's new half, stepping a session to a new half, and
 * settling both for a dead predecessor.
 *
 *   publish: note STEP, append, commit (one store), apply, new half, STEP off
 *   step:    note STEP (its valid word is the commit), new half, STEP off
 *
 * Died before the commit: nothing happened.  Died after: the successor
 * applies the records again, which is harmless, and copies the half.
 */
#ifndef SHARED_SHM_JOURNAL_H
#define SHARED_SHM_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/lock.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"
#include "shared/shm/segment.h"
#include "shared/shm/tables.h"

struct journal {
	struct segment *seg;
	struct seat_shm *seat; /* of this process */
	struct lock lock;
	/*
	 * Called with the lock held when what lies in the ring can't be; never
	 * returns.  NULL: that isn't looked at.
	 */
	void (*on_damage)(void *context);
	void *context;
	unsigned breaches; /* what the last journal_check left */
};

/*
 * Publish `n` records and give session `slot` its new `half`, all at once.
 * The caller holds the lock, has made its decisions under it, and has checked
 * that the records fit (see ring_append).  Wakes nobody.
 */
void journal_publish(struct journal *j, const struct record *recs, size_t n,
    uint32_t slot, const struct session_half *half);

/* Give session `slot` its new `half`, all at once.  Takes no lock. */
void journal_step(
    struct journal *j, uint32_t slot, const struct session_half *half);

/*
 * Do the tables hold together?  If not, the caches are made anew, and
 * j->breaches is what doesn't hold even so.  The caller holds the lock.
 */
void journal_check(struct journal *j);

/*
 * Apply to the facts, once more perhaps, what is committed.  The caller holds
 * the lock, or is alone.
 */
void journal_replay(struct segment *seg);

/*
 * Settle what a dead predecessor in this seat left of the above: apply what
 * it committed, settle its STEP, make the caches anew if it held the lock,
 * look whether they hold together (j->breaches) and let go of it.  Returns
 * whether it held the lock.  To be called once, at a takeover, before anything
 * else is done in this seat.
 */
bool journal_settle(struct journal *j);

#endif
