/* SPDX-License-Identifier: MIT */
/* shared/shm/verify: one word changed, and the sentence that it earns. */
#include <stdio.h>
#include <string.h>

#include "shared/shm/creators.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"
#include "shared/shm/tables.h"
#include "tests/harness/segment.h"
#include "tests/harness/test.h"

static struct segment seg;

/* Alice (slot 0, seat 0), Bob (1, 1) in room 0; dave (2, 2) in room 1. */
static void
set_up(void)
{
	struct segment_params params = test_params();
	struct journal workers[TEST_SEATS];

	test_segment(&seg, &params);
	for (uint32_t i = 0; i < TEST_SEATS; i++) {
		workers[i] = test_journal(&seg, i);
		test_connect(&seg, i, i);
	}
	test_join(&workers[0], 0, "Alice", "lobby");
	test_join(&workers[1], 1, "Bob", "lobby");
	test_join(&workers[2], 2, "dave", "Den");
	test_say(&workers[2], 2, "hello", 1);
	CHECK_STR(test_breach(&seg), "");
}

struct wanted {
	const char *sentence;
	bool said;
};

static void
compare(void *context, const char *sentence)
{
	struct wanted *wanted = context;

	wanted->said |= strcmp(sentence, wanted->sentence) == 0;
}

static void
check_said(int line, const char *sentence)
{
	struct wanted wanted = {.sentence = sentence};

	CHECK(tables_verify(&seg, NULL, NULL) > 0);
	tables_verify(&seg, compare, &wanted);
	if (!wanted.said)
		test_fail(__FILE__, line, "it says \"%s\" first, not \"%s\"",
		    test_breach(&seg), sentence);
}

/* Changes a word, expects the sentence, and changes it back. */
#define BREAK(word, value, sentence)                                           \
	do {                                                                   \
		const __typeof__(word) was_ = word;                            \
		word = value;                                                  \
		check_said(__LINE__, sentence);                                \
		word = was_;                                                   \
		CHECK_STR(test_breach(&seg), "");                              \
	} while (0)

TEST(verify_names_what_is_wrong_with_the_ring)
{
	set_up();
	BREAK(seg.ring->applied, seg.ring->head - 1,
	    "ring: a record is committed but not applied");
	BREAK(seg.ring->rsv_desc, seg.ring->head - 1,
	    "ring: head is beyond what was reserved");
	BREAK(seg.ring->head, seg.params.first_seq - 1,
	    "ring: head is before the first record");
	BREAK(segment_seat(&seg, 2)->cursor, seg.ring->head + 1,
	    "seat 2: its cursor is beyond the head");
}

TEST(verify_names_what_is_wrong_with_a_session)
{
	set_up();
	BREAK(seg.sessions[0].owner, TEST_SEATS + 1,
	    "session 0: owner is no seat");
	BREAK(seg.sessions[9].owner, TEST_SEATS + 1,
	    "session 9: owner is no seat");
	BREAK(
	    seg.sessions[0].owner, 0, "session 0: closed, but still in a room");
	BREAK(seg.sessions[1].name_len, LIMIT_NAME + 1,
	    "session 1: name too long");
	BREAK(seg.sessions[1].name_len, 0,
	    "session 1: a name but no room, or the reverse");
	BREAK(seg.members[1].room, NONE,
	    "session 1: a name but no room, or the reverse");
	BREAK(seg.sessions[9].name_len, 3,
	    "session 9: a name but no room, or the reverse");
	BREAK(seg.sessions[1].name[0], 'X',
	    "session 1: its name does not lead to it");
	BREAK(seg.members[1].room, TEST_ROOMS, "session 1: room out of range");
	BREAK(seg.members[2].gen, 0,
	    "session 2: membership of another generation");
	BREAK(seg.members[2].room_gen, seg.rooms[1].gen + 1,
	    "session 2: its room has ended");
	BREAK(seg.rooms[1].used, 0, "session 2: its room has ended");
	BREAK(seg.rooms[0].seats, 1,
	    "session 1: its room would not wake its worker");
}

/* Its new worker sets its bit when it adopts it. */
TEST(verify_lets_a_session_move_to_a_worker_that_its_room_does_not_wake)
{
	set_up();
	atomic_store(&seg.sessions[0].owner, 3 | OWNER_MOVING);
	CHECK_STR(test_breach(&seg), "");
	atomic_store(&seg.sessions[0].owner, 3);
	check_said(__LINE__, "session 0: its room would not wake its worker");
	atomic_fetch_or(&seg.rooms[0].seats, 4);
	CHECK_STR(test_breach(&seg), "");
	BREAK(seg.sessions[0].owner, (TEST_SEATS + 1) | OWNER_MOVING,
	    "session 0: owner is no seat");
}

TEST(verify_names_what_is_wrong_with_a_room)
{
	set_up();
	BREAK(seg.rooms[0].name_len, 0, "room 0: length of the name");
	BREAK(seg.rooms[0].name_len, LIMIT_ROOM + 1,
	    "room 0: length of the name");
	BREAK(
	    seg.rooms[0].name[0], 'X', "room 0: its name does not lead to it");
	BREAK(seg.rooms[0].topic_len, LIMIT_TOPIC + 1,
	    "room 0: length of the topic");
	BREAK(seg.rooms[0].members, 1, "room 0: count of members");
	BREAK(seg.rooms[0].members, 0,
	    "room 0: nobody is in it, but it has not ended");
	BREAK(seg.rooms[3].used, 1,
	    "room 3: nobody is in it, but it has not ended");
	BREAK(seg.rooms[2].used, 1, "room 2: in use, but listed as free");
}

TEST(verify_names_what_is_wrong_with_a_list)
{
	set_up();
	BREAK(seg.rooms[0].first, TEST_SLOTS, "room 0: its list is broken");
	BREAK(seg.rooms[0].first, NONE, "room 0: count of members");
	BREAK(seg.rooms[0].first, 2, "room 0: lists session 2 of another room");
	BREAK(seg.members[0].next, 1, "room 0: its list is broken");
	BREAK(
	    seg.members[0].prev, NONE, "room 0: broken link before session 0");
	BREAK(seg.members[1].next, NONE, "room 0: count of members");
}

TEST(verify_names_what_is_wrong_with_a_chain)
{
	uint32_t alice, lobby, free_bucket = 0;
	char sentence[64];

	set_up();
	alice = tables_name_bucket(&seg, "alice", 5);
	lobby = tables_room_bucket(&seg, "lobby", 5);
	while (seg.names[free_bucket] != NONE)
		free_bucket++;
	BREAK(
	    seg.names[alice], NONE, "session 0: its name does not lead to it");
	BREAK(
	    seg.roomnames[lobby], NONE, "room 0: its name does not lead to it");
	BREAK(seg.names[free_bucket], 0, "names: session 0 is astray");
	BREAK(seg.names[free_bucket], 9, "names: session 9 is astray");
	snprintf(sentence, sizeof(sentence), "names: chain %u is broken",
	    free_bucket);
	BREAK(seg.names[free_bucket], TEST_SLOTS, sentence);
	snprintf(
	    sentence, sizeof(sentence), "names: chain %u is broken", alice);
	BREAK(seg.sessions[0].name_next, 0, sentence);
	snprintf(sentence, sizeof(sentence), "room names: chain %u is broken",
	    lobby);
	BREAK(seg.rooms[0].hash_next, 0, sentence);
	BREAK(seg.roomnames[lobby], 3, "room names: room 3 is astray");
}

/* Rooms 0 and 1 are of one address: the second made is the first listed. */
TEST(verify_names_what_is_wrong_with_a_creators_list)
{
	uint8_t stranger[ADDRESS_BYTES];
	uint32_t mine, other = 0;
	char sentence[64];

	set_up();
	mine = creators_bucket(&seg, seg.rooms[0].creator);
	while (other == mine)
		other++;
	memcpy(stranger, seg.rooms[0].creator, sizeof(stranger));
	while (creators_bucket(&seg, stranger) == mine)
		stranger[0]++;
	BREAK(
	    seg.rooms[0].creator[0], stranger[0], "creators: room 0 is astray");
	BREAK(seg.rooms[1].creator_prev, 0,
	    "creators: broken link before room 1");
	BREAK(seg.rooms[0].creator_prev, NONE,
	    "creators: broken link before room 0");
	BREAK(seg.creators[mine], NONE,
	    "creators: rooms are missing from their lists");
	BREAK(seg.rooms[1].creator_next, NONE,
	    "creators: rooms are missing from their lists");
	BREAK(seg.creators[other], 0, "creators: room 0 is astray");
	BREAK(seg.creators[other], 3, "creators: room 3 is astray");
	snprintf(
	    sentence, sizeof(sentence), "creators: list %u is broken", other);
	BREAK(seg.creators[other], TEST_ROOMS, sentence);
	snprintf(
	    sentence, sizeof(sentence), "creators: list %u is broken", mine);
	BREAK(seg.rooms[0].creator_next, 1, sentence);
}

TEST(verify_names_a_count_that_is_wrong)
{
	set_up();
	BREAK(seg.tables->rooms_used, 3, "tables: count of rooms");
	BREAK(seg.tables->members, 2, "tables: count of members");
	BREAK(seg.tables->names_used, 4, "tables: count of names");
	BREAK(seg.tables->rooms_free, 3,
	    "tables: free rooms are missing from their list");
	BREAK(seg.tables->rooms_free, NONE,
	    "tables: free rooms are missing from their list");
	BREAK(seg.rooms[2].hash_next, 2,
	    "tables: free rooms are missing from their list");
}

static void
count_one(void *context, const char *sentence)
{
	(void)sentence;
	++*(unsigned *)context;
}

TEST(verify_counts_all_breaches_but_tells_a_hundred)
{
	struct segment_params params = test_params();
	unsigned told = 0;

	params.nslots = 1000;
	test_segment(&seg, &params);
	for (uint32_t i = 0; i < params.nslots; i++)
		atomic_store(&seg.sessions[i].owner, TEST_SEATS + 1);
	CHECK_EQ(tables_verify(&seg, count_one, &told), params.nslots);
	CHECK_EQ(told, 100);
	CHECK_EQ(tables_verify(&seg, NULL, NULL), params.nslots);
}
