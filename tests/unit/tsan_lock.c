/* SPDX-License-Identifier: MIT */
/*
 * The lock, and what it guards, as threads over one mapping: the thread
 * sanitizer sees one process only.
 */
#include "shared/shm/lock.h"

#include <pthread.h>
#include <sched.h>

#include "shared/shm/pool.h"
#include "shared/shm/ring.h"
#include "shared/shm/tables.h"
#include "tests/harness/segment.h"
#include "tests/harness/test.h"

#define ROUNDS 20000

static struct segment seg;
static uint64_t counter, doubled; /* guarded by the lock */
static _Atomic uint64_t parkings;

static void
start_all(void *(*work)(void *), uint32_t count)
{
	pthread_t threads[TEST_SEATS];
	uint32_t seats[TEST_SEATS];

	CHECK(count <= TEST_SEATS);
	for (uint32_t i = 0; i < count; i++) {
		seats[i] = i;
		CHECK_EQ(pthread_create(&threads[i], NULL, work, &seats[i]), 0);
	}
	for (uint32_t i = 0; i < count; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void
set_up(void)
{
	struct segment_params params = test_params();

	test_segment(&seg, &params);
}

static void
count_parking(void *context, uint32_t owner_seat, uint64_t acquisition)
{
	(void)context;
	(void)acquisition;
	CHECK(owner_seat < TEST_SEATS);
	atomic_fetch_add(&parkings, 1);
}

static void *
count_up(void *seat)
{
	struct lock lock = {.shm = seg.lock,
	    .seat = *(uint32_t *)seat,
	    .on_parked = count_parking};

	for (unsigned i = 0; i < ROUNDS; i++) {
		lock_acquire(&lock);
		CHECK_EQ(doubled, 2 * counter);
		counter++;
		if (i % 64 == 0)
			sched_yield(); /* so that others come and wait */
		doubled += 2;
		lock_release(&lock);
	}
	return NULL;
}

TEST(the_lock_orders_what_its_owners_do)
{
	set_up();
	start_all(count_up, TEST_SEATS);
	CHECK_EQ(counter, TEST_SEATS * ROUNDS);
	CHECK_EQ(atomic_load(&seg.lock->acquisitions), TEST_SEATS * ROUNDS);
	CHECK(atomic_load(&parkings) > 0);
}

/* Each worker with five sessions of its own that come, talk and go. */
static void *
chat(void *seat)
{
	uint32_t me = *(uint32_t *)seat, slot;
	struct journal j = test_journal(&seg, me);
	char name[] = "user-?", room[] = "room-?";

	for (uint32_t i = 0; i < ROUNDS / 20; i++) {
		slot = me * 5 + i % 5;
		name[5] = (char)('a' + slot);
		room[5] = (char)('a' + i * 7 % 4);
		test_connect(&seg, slot, me);
		test_join(&j, slot, name, room);
		test_say(&j, slot, "hello", 1 + i % 3);
		lock_acquire(&j.lock);
		CHECK_EQ(tables_verify(&seg, NULL, NULL), 0);
		lock_release(&j.lock);
		test_leave(&j, slot);
		atomic_store_explicit(
		    &seg.sessions[slot].owner, 0, memory_order_release);
	}
	return NULL;
}

TEST(workers_that_publish_at_once_keep_the_tables_whole)
{
	set_up();
	start_all(chat, TEST_SEATS);
	CHECK_STR(test_breach(&seg), "");
	CHECK_EQ(seg.tables->members, 0);
}

/* Of buffers fewer than they want; each holder writes to the bytes. */
static void *
claim(void *seat)
{
	uint32_t me = *(uint32_t *)seat + 1, hint = 0, refs[60] = {0}, n = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t ref = pool_claim(&seg, me, &hint);

		if (ref != 0) {
			*segment_buffer(&seg, ref - 1) = (char)me;
			refs[n++] = ref;
		}
		if (i % 16 == 0)
			pool_evict_oldest(&seg);
		if (ref != 0 && n < COUNT(refs))
			continue;
		while (n > 0) {
			ref = refs[--n];
			CHECK(pool_owns(&seg, ref, me));
			CHECK_EQ(*segment_buffer(&seg, ref - 1), me);
			pool_give(&seg, ref);
		}
	}
	return NULL;
}

TEST(a_pool_buffer_passes_from_thread_to_thread)
{
	set_up();
	start_all(claim, TEST_SEATS);
}
