/* SPDX-License-Identifier: MIT */
/*
 * The one lock of the segment: it guards the ring's write side and the shared
 * rows.  Its holder copies and indexes, and does nothing else: no system
 * call, no log line, no unbounded loop, no further lock.
 *
 * A bare semaphore cannot be taken from the dead: kill its holder between
 * sem_wait and noting the owner, and nobody can tell.  So the owner is in the
 * word, and the semaphore only parks the losers.  Ownership is by seat, never
 * by pid, and is taken over only by the successor of a process that has been
 * reaped.
 *
 * Killed here?  The owner is in the word, so the successor in seat s finds
 * out with one load whether its predecessor held the lock, and then holds it.
 * tests/model/lock.pml checks the scheme.
 */
#ifndef SHARED_SHM_LOCK_H
#define SHARED_SHM_LOCK_H

#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/base.h"

#define LOCK_CONTENDED 0x80000000u

struct lock_shm {
	_Atomic uint32_t word; /* 0, or owner seat + 1, with LOCK_CONTENDED */
	sem_t parked;          /* process-shared; only puts losers to sleep */
	/* Counters: written by the holder, but `contentions` by losers. */
	alignas(CACHELINE) _Atomic uint64_t acquisitions;
	_Atomic uint64_t contentions;
	_Atomic uint64_t recoveries;
};

/* A process' handle to the lock. */
struct lock {
	struct lock_shm *shm;
	uint32_t seat;
	/* Called every 250 ms while parked, and before parking; may be NULL. */
	void (*on_parked)(
	    void *context, uint32_t owner_seat, uint64_t acquisition);
	void *context;
};

/* Lay the lock out, free.  Returns 0, or -1 with errno of sem_init(3). */
int lock_format(struct lock_shm *shm);

void lock_acquire(struct lock *lock);
void lock_release(struct lock *lock);

/* Does this handle's seat own the lock?  Asked by a successor. */
bool lock_is_mine(const struct lock *lock);

/*
 * Pass on a wake-up that the dead predecessor may have swallowed: at every
 * takeover, whoever held the lock, after it has been settled.
 */
void lock_post(struct lock *lock);

#endif
