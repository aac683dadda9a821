/* SPDX-License-Identifier: MIT */
/*
 * Segments for tests: small, in memory that goes with the process, and the
 * few things that a worker does to one.  All of it CHECKs.
 */
#ifndef TESTS_HARNESS_SEGMENT_H
#define TESTS_HARNESS_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "shared/shm/journal.h"
#include "shared/shm/segment.h"

#define TEST_SEATS 3
#define TEST_SLOTS 16
#define TEST_ROOMS 4

/* The counts above, the shortest lines, the smallest ring: 512 records. */
struct segment_params test_params(void);

/* A formatted object, and a formatted one's mapping. */
int test_segment_fd(const struct segment_params *params);
void test_segment(struct segment *seg, const struct segment_params *params);

/* Zeroed memory that children share. */
void *test_share(size_t size);

/* What a worker in `seat` holds. */
struct journal test_journal(struct segment *seg, uint32_t seat);

/*
 * A connection in `slot`, with a new generation, served by `seat`.  It comes
 * from 10.0.0.1 if the slot is even, and from 10.0.0.2 if it is odd.
 */
void test_connect(struct segment *seg, uint32_t slot, uint32_t seat);

/*
 * Publish as a worker does: decide under the lock, then all at once.  The
 * session's half counts a byte of input for each record.
 */
void test_join(
    struct journal *j, uint32_t slot, const char *name, const char *room);
void test_leave(struct journal *j, uint32_t slot);
void test_say(
    struct journal *j, uint32_t slot, const char *text, unsigned times);

/* The same as one run. */
void test_say_run(
    struct journal *j, uint32_t slot, const char *text, unsigned times);

/* Publish a record whose text matters: an action, a new name, a topic. */
void test_tell(
    struct journal *j, uint32_t slot, enum record_type type, const char *text);

/* The first sentence that tables_verify says, or "". */
const char *test_breach(const struct segment *seg);

/*
 * What the tables mean, whatever the order of their lists: equal pictures,
 * byte for byte, are equal states of chat.  Sets have a bit for a row.
 */
struct test_picture {
	uint64_t head, applied;
	uint64_t free_rooms;
	uint64_t counts[3]; /* of rooms, members, names */
	struct {
		uint32_t gen;
		uint32_t used;
		uint64_t name;
		uint64_t topic;
		uint64_t messages;
		uint64_t homes;
		uint64_t creator;
		uint64_t created; /* by its creator, by the creator's list */
		uint64_t found;   /* by its name */
		uint64_t count;
		uint64_t members; /* by the room's list */
	} rooms[TEST_ROOMS];
	struct {
		uint64_t name;
		uint64_t found;
		uint64_t room;
		uint64_t half; /* a hash, as those of the names are */
	} sessions[TEST_SLOTS];
};

/* Of a segment with the counts above. */
void test_picture(const struct segment *seg, struct test_picture *p);

/*
 * Make the segment `to` what `from` is, both made for the same params, in all
 * that the lock guards and the seats.
 */
void test_copy(const struct segment *to, const struct segment *from);

/* Are they the same, in these areas? */
bool test_same(const struct segment *a, const struct segment *b);

#endif
