/* SPDX-License-Identifier: MIT */
/*
 * The lock in its strict form.  Whoever ever went the slow way acquires with
 * CONTENDED, also on retry: there may be others parked behind it, whom only
 * its unlock can wake.  CONTENDED is never set on a free word.
 */
#include "shared/shm/lock.h"

#include <errno.h>
#include <time.h>

#include "shared/base/fault.h"

#define PARKED_MS 250

int
lock_format(struct lock_shm *shm)
{
	atomic_store(&shm->word, 0);
	atomic_store(&shm->acquisitions, 0);
	atomic_store(&shm->contentions, 0);
	atomic_store(&shm->recoveries, 0);
	return sem_init(&shm->parked, 1, 0);
}

/* Sleep until posted, but wake now and then to answer the master's pings. */
static void
lock_park(struct lock *lock, uint32_t owner)
{
	struct timespec until;

	if (lock->on_parked != NULL)
		lock->on_parked(lock->context, (owner & ~LOCK_CONTENDED) - 1,
		    atomic_load_explicit(
			&lock->shm->acquisitions, memory_order_relaxed));
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PARKED_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	/* Posted, interrupted or timed out: the caller looks at the word. */
	(void)sem_clockwait(&lock->shm->parked, CLOCK_MONOTONIC, &until);
}

static void
lock_acquire_slowly(struct lock *lock)
{
	struct lock_shm *shm = lock->shm;
	uint32_t mine = (lock->seat + 1) | LOCK_CONTENDED;
	uint32_t word;

	atomic_fetch_add_explicit(&shm->contentions, 1, memory_order_relaxed);
	for (;;) {
		word = atomic_load_explicit(&shm->word, memory_order_relaxed);
		if (word == 0) {
			/* Pairs with the exchange in lock_release. */
			if (atomic_compare_exchange_strong_explicit(&shm->word,
				&word, mine, memory_order_acquire,
				memory_order_relaxed))
				return;
			continue;
		}
		if ((word & LOCK_CONTENDED) == 0 &&
		    !atomic_compare_exchange_strong_explicit(&shm->word, &word,
			word | LOCK_CONTENDED, memory_order_relaxed,
			memory_order_relaxed))
			continue;
		FAULT_POINT("lock.parking");
		lock_park(lock, word);
		FAULT_POINT("lock.woken");
	}
}

void
lock_acquire(struct lock *lock)
{
	struct lock_shm *shm = lock->shm;
	uint32_t free_word = 0;
	uint64_t n;

	/* Pairs with the exchange in lock_release. */
	if (!atomic_compare_exchange_strong_explicit(&shm->word, &free_word,
		lock->seat + 1, memory_order_acquire, memory_order_relaxed))
		lock_acquire_slowly(lock);
	n = atomic_load_explicit(&shm->acquisitions, memory_order_relaxed);
	atomic_store_explicit(&shm->acquisitions, n + 1, memory_order_relaxed);
	FAULT_POINT("lock.acquired");
}

void
lock_release(struct lock *lock)
{
	struct lock_shm *shm = lock->shm;

	FAULT_POINT("lock.releasing");
	/* Pairs with the compare and exchange of the next owner. */
	if ((atomic_exchange_explicit(&shm->word, 0, memory_order_release) &
		LOCK_CONTENDED) != 0) {
		FAULT_POINT("lock.released");
		sem_post(&shm->parked);
	}
}

bool
lock_is_mine(const struct lock *lock)
{
	uint32_t word =
	    atomic_load_explicit(&lock->shm->word, memory_order_acquire);

	return (word & ~LOCK_CONTENDED) == lock->seat + 1;
}

void
lock_post(struct lock *lock)
{
	sem_post(&lock->shm->parked);
}
