/* SPDX-License-Identifier: MIT */
/*
 * The ring as threads over one mapping: writers with the lock, readers without
 * one, on a ring so small that readers are lapped all the time.
 */
#include "shared/shm/ring.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "shared/shm/lock.h"
#include "tests/harness/segment.h"
#include "tests/harness/test.h"

#define WRITERS 2
#define READERS 2
#define RECORDS 60000
#define LINE_MAX_BYTES 700

static struct segment seg;
static uint64_t first;
static unsigned appended; /* batches; guarded by the lock */
static _Atomic uint64_t accepted, lapped;

/* Bytes that say whose they are. */
static void
fill(char *bytes, size_t len, uint64_t number)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(number * 31 + i * 7);
}

static size_t
length_of(uint64_t number)
{
	return number * 13 % LINE_MAX_BYTES;
}

/* Publish one record, or now and then three.  Returns the new head. */
static uint64_t
publish(struct lock *lock)
{
	char lines[3][LINE_MAX_BYTES];
	struct record recs[3];
	uint64_t head;
	size_t n;

	memset(recs, 0, sizeof(recs));
	lock_acquire(lock);
	head = ring_head(&seg);
	n = head % 5 == 0 ? 3 : 1;
	for (size_t i = 0; i < n; i++) {
		uint64_t number = head + i;

		fill(lines[i], length_of(number), number);
		recs[i].line = lines[i];
		recs[i].d.type = RECORD_MESSAGE;
		recs[i].d.room = (uint32_t)number;
		recs[i].d.len = (uint32_t)length_of(number);
		recs[i].d.room_msg = ~number;
		recs[i].d.time_us = number;
	}
	head = ring_append(&seg, recs, n);
	/* Now and then a writer dies, and nothing has happened. */
	if (++appended % 50 != 0)
		ring_commit(&seg, head);
	lock_release(lock);
	return head;
}

static void *
write_all(void *seat)
{
	struct lock lock = {.shm = seg.lock, .seat = *(uint32_t *)seat};

	while (publish(&lock) < first + RECORDS)
		continue;
	return NULL;
}

/* What is accepted is whole. */
static enum ring_result
read_one(uint64_t number)
{
	char got[LINE_MAX_BYTES + 8], expected[LINE_MAX_BYTES];
	enum ring_result result;
	struct desc_shm d;

	result = ring_read(&seg, number, &d);
	if (result != RING_OK)
		return result;
	CHECK_EQ(d.room, (uint32_t)number);
	CHECK_EQ(d.len, length_of(number));
	CHECK_EQ(d.room_msg, ~number);
	CHECK_EQ(d.time_us, number);
	result = ring_copy(&seg, &d, 0, got, d.len);
	if (result != RING_OK)
		return result;
	fill(expected, d.len, number);
	CHECK_MEM(got, d.len, expected, d.len);
	return RING_OK;
}

/* The room index peeked at is right if the record is held afterwards. */
static void
peek(uint64_t number)
{
	uint32_t room;

	if (number >= ring_head(&seg))
		return;
	room = ring_peek_room(&seg, number);
	if (ring_holds(&seg, number))
		CHECK_EQ(room, (uint32_t)number);
}

static void *
read_all(void *seat)
{
	uint64_t number = first, oldest;

	(void)seat;
	/* Begin late, lapped for sure. */
	while (ring_head(&seg) < first + 2 * (uint64_t)seg.layout.ndesc)
		sched_yield();
	while (number < first + RECORDS - 10) {
		peek(number);
		switch (read_one(number)) {
		case RING_OK:
			atomic_fetch_add(&accepted, 1);
			number++;
			break;
		case RING_NOTHING:
			break;
		case RING_LAPPED:
			atomic_fetch_add(&lapped, 1);
			oldest = ring_oldest(&seg);
			CHECK(oldest > number);
			number = oldest;
			break;
		}
	}
	return NULL;
}

TEST(readers_accept_nothing_torn_from_writers_that_never_wait)
{
	struct segment_params params = test_params();
	pthread_t threads[WRITERS + READERS];
	uint32_t seats[WRITERS + READERS];

	test_segment(&seg, &params);
	first = params.first_seq;
	for (uint32_t i = 0; i < COUNT(threads); i++) {
		seats[i] = i;
		CHECK_EQ(pthread_create(&threads[i], NULL,
			     i < WRITERS ? write_all : read_all, &seats[i]),
		    0);
	}
	for (uint32_t i = 0; i < COUNT(threads); i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK(atomic_load(&accepted) > 0);
	CHECK(atomic_load(&lapped) > 0);
}
