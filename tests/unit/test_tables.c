/* SPDX-License-Identifier: MIT */
/* shared/shm/tables: finding, applying, making anew, and believing nothing. */
#include "shared/shm/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/shm/ring.h"
#include "tests/harness/segment.h"
#include "tests/harness/test.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define __asan_poison_memory_region(p, n) ((void)(p), (void)(n))
#endif

static struct segment seg, copy;
static struct journal workers[TEST_SEATS];
static uint64_t x = 88172645463325252;

static uint64_t
draw(uint64_t below)
{
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % below;
}

static void
set_up(void)
{
	struct segment_params params = test_params();

	test_segment(&seg, &params);
	test_segment(&copy, &params);
	for (uint32_t i = 0; i < TEST_SEATS; i++)
		workers[i] = test_journal(&seg, i);
}

/* Alice and Bob in the lobby, dave alone in the den, each on a seat. */
static void
set_up_people(void)
{
	set_up();
	for (uint32_t i = 0; i < 3; i++)
		test_connect(&seg, i, i);
	test_join(&workers[0], 0, "Alice", "lobby");
	test_join(&workers[1], 1, "Bob", "lobby");
	test_join(&workers[2], 2, "dave", "Den");
}

static uint32_t
find(const char *name)
{
	return tables_find_name(&seg, name, strlen(name));
}

static uint32_t
find_room(const char *name)
{
	return tables_find_room(&seg, name, strlen(name));
}

static uint32_t
find_alike(const char *name, uint32_t but)
{
	return tables_find_alike(&seg, name, strlen(name), but);
}

TEST(names_are_found_whatever_their_case)
{
	set_up_people();
	CHECK_EQ(find("Alice"), 0);
	CHECK_EQ(find("aLICE"), 0);
	CHECK_EQ(find("BOB"), 1);
	CHECK_EQ(find("alic"), NONE);
	CHECK_EQ(find("alicee"), NONE);
	CHECK_EQ(find(""), NONE);
	CHECK_EQ(find_room("lobby"), find_room("LOBBY"));
	CHECK_EQ(find_room("den"), 1);
	CHECK_EQ(find_room("attic"), NONE);
	CHECK_EQ(find_room(""), NONE);
}

TEST(names_are_found_by_what_looks_like_them)
{
	set_up_people();
	CHECK_EQ(find_alike("Alice", NONE), 0);
	CHECK_EQ(find_alike("aLICE", NONE), 0);
	CHECK_EQ(find_alike("AIice", NONE), 0);
	CHECK_EQ(find_alike("B\u043eb", NONE), 1);  /* Cyrillic */
	CHECK_EQ(find_alike("B0B", NONE), NONE);    /* like BOB, not like Bob */
	CHECK_EQ(find_alike("\uff24ave", NONE), 2); /* fullwidth */
	CHECK_EQ(find_alike("Dave", 2), NONE);
	CHECK_EQ(find_alike("Eve", NONE), NONE);
	CHECK_EQ(find("AIice"), NONE);
	test_leave(&workers[0], 0);
	CHECK_EQ(find_alike("AIice", NONE), NONE);
	CHECK_STR(test_breach(&seg), "");
}

/* All of il and IL: one bucket, and none of them is like another. */
TEST(nobody_makes_a_chain_longer_than_a_few)
{
	uint32_t n = 0;

	set_up_people();
	for (; n < TEST_SLOTS - 3; n++) {
		char name[] = "iiii";

		for (uint32_t bit = 0; bit < 4; bit++) {
			if (n & 1u << bit)
				name[bit] = 'l';
		}
		if (find_alike(name, NONE) != NONE)
			break;
		test_connect(&seg, n + 3, 0);
		test_join(&workers[0], n + 3, name, "lobby");
	}
	CHECK_EQ(n, AKIN_MAX);
	CHECK_STR(test_breach(&seg), "");
}

TEST(letters_beyond_ascii_are_compared_exactly)
{
	set_up();
	test_connect(&seg, 4, 0);
	test_join(&workers[0], 4, "Ärger", "Café");
	CHECK_EQ(find("Ärger"), 4);
	CHECK_EQ(find("ÄRGER"), 4);
	CHECK_EQ(find("ärger"), NONE);
	CHECK_EQ(find_room("CAFé"), 0);
	CHECK_EQ(find_room("CAFÉ"), NONE);
}

TEST(whoever_leaves_is_found_no_more)
{
	uint32_t gen;

	set_up_people();
	gen = seg.rooms[1].gen;
	test_leave(&workers[2], 2);
	CHECK_EQ(find("dave"), NONE);
	CHECK_EQ(find_room("den"), NONE);
	CHECK_EQ(seg.rooms[1].gen, gen + 1);
	CHECK_EQ(seg.members[2].room, NONE);
	test_leave(&workers[0], 0);
	CHECK_EQ(find("alice"), NONE);
	CHECK_EQ(find_room("lobby"), 0);
	CHECK_STR(test_breach(&seg), "");
}

TEST(a_room_counts_its_messages_from_its_birth_and_the_segment_all)
{
	set_up_people();
	test_say(&workers[0], 0, "hi", 3);
	test_say(&workers[2], 2, "hi", 2);
	CHECK_EQ(seg.rooms[0].messages, 3);
	CHECK_EQ(seg.rooms[1].messages, 2);
	CHECK_EQ(atomic_load(&seg.tables->messages), 5);
	test_leave(&workers[2], 2); /* the room ends */
	test_connect(&seg, 2, 2);
	test_join(&workers[2], 2, "dave", "den");
	CHECK_EQ(seg.rooms[1].messages, 0);
	test_say(&workers[2], 2, "hi", 1);
	CHECK_EQ(atomic_load(&seg.tables->messages), 6);
	test_tell(&workers[2], 2, RECORD_ACTION, "waves");
	CHECK_EQ(seg.rooms[1].messages, 2);
	CHECK_EQ(atomic_load(&seg.tables->messages), 7);
	test_tell(&workers[2], 2, RECORD_PRIVATE, "psst");
	tables_rebuild(&seg);
	CHECK_EQ(atomic_load(&seg.tables->messages), 7);
	test_say_run(&workers[0], 0, "hi", 5);
	CHECK_EQ(atomic_load(&seg.tables->messages), 12);
	CHECK_EQ(seg.rooms[0].messages, 8);
}

TEST(a_new_name_is_found_and_the_old_one_is_not)
{
	set_up_people();
	test_tell(&workers[0], 0, RECORD_RENAME, "Zoe");
	CHECK_EQ(find("alice"), NONE);
	CHECK_EQ(find("zoe"), 0);
	test_tell(&workers[0], 0, RECORD_RENAME, "ZOE");
	CHECK_EQ(find("zoe"), 0);
	CHECK_STR(test_breach(&seg), "");
	test_connect(&seg, 9, 0); /* in no room: it has no name to change */
	seg.sessions[9].half.room = 0;
	test_tell(&workers[0], 9, RECORD_RENAME, "nobody");
	CHECK_EQ(find("nobody"), NONE);
	CHECK_STR(test_breach(&seg), "");
}

TEST(a_topic_lasts_as_long_as_its_room)
{
	char longest[LIMIT_TOPIC + 10];

	set_up_people();
	test_tell(&workers[2], 2, RECORD_TOPIC, "fire");
	CHECK_MEM(seg.rooms[1].topic, seg.rooms[1].topic_len, "fire", 4);
	CHECK_EQ(seg.rooms[0].topic_len, 0);
	test_tell(&workers[2], 2, RECORD_TOPIC, "");
	CHECK_EQ(seg.rooms[1].topic_len, 0);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	test_tell(&workers[2], 2, RECORD_TOPIC, longest);
	CHECK_EQ(seg.rooms[1].topic_len, LIMIT_TOPIC);
	CHECK_STR(test_breach(&seg), "");
	test_leave(&workers[2], 2);
	test_connect(&seg, 2, 2);
	test_join(&workers[2], 2, "dave", "den");
	CHECK_EQ(seg.rooms[1].topic_len, 0);
}

TEST(a_join_and_a_new_name_say_what_one_may_do)
{
	struct desc_shm d = {.type = RECORD_RENAME,
	    .target = RIGHT_REGISTERED | RIGHT_OPERATOR | 0x80,
	    .name_len = 5,
	    .text_off = 6,
	    .len = 10};

	set_up_people();
	CHECK_EQ(seg.sessions[0].rights, 0);
	d.sender_gen = seg.sessions[0].gen;
	d.room_gen = seg.rooms[0].gen;
	tables_apply(&seg, 1, &d, "Alice Zoe\n", "", true);
	CHECK_EQ(seg.sessions[0].rights, RIGHT_REGISTERED | RIGHT_OPERATOR);
	d.target = RIGHT_MUTED;
	tables_apply(&seg, 1, &d, "Alice Zoe\n", "", true);
	CHECK_EQ(seg.sessions[0].rights, RIGHT_MUTED);
	CHECK_STR(test_breach(&seg), "");
}

TEST(who_is_displaced_is_to_end_by_that_record_and_nobody_else_is)
{
	struct desc_shm d = {.type = RECORD_DISPLACE,
	    .room = NONE,
	    .sender = 9,
	    .name_len = 5,
	    .len = 6};

	set_up_people();
	d.target_gen = seg.sessions[0].gen + 1;
	tables_apply(&seg, 7, &d, "Alice\n", "", true);
	CHECK_EQ(seg.sessions[0].end, 0);
	d.target_gen--;
	tables_apply(&seg, 8, &d, "Alice\n", "", true);
	tables_apply(&seg, 9, &d, "Alice\n", "", true);
	CHECK_EQ(seg.sessions[0].end, 8);
	CHECK_EQ(seg.sessions[0].end_reason, CLOSE_DISPLACED);
	CHECK_EQ(seg.sessions[1].end, 0);
	d.target = TEST_SLOTS;
	tables_apply(&seg, 10, &d, "Alice\n", "", true);
	CHECK_STR(test_breach(&seg), "");
}

TEST(a_record_of_another_generation_changes_no_session)
{
	struct desc_shm d = {.type = RECORD_LEAVE, .name_len = 5, .len = 6};
	struct test_picture before, after;

	set_up_people();
	test_picture(&seg, &before);
	d.sender_gen = seg.sessions[0].gen - 1;
	d.room_gen = seg.rooms[0].gen;
	tables_apply(&seg, 1, &d, "Alice\n", "", true);
	test_picture(&seg, &after);
	CHECK_MEM(&after, sizeof(after), &before, sizeof(before));
	d.type = RECORD_MESSAGE;
	d.room_gen = seg.rooms[0].gen + 1;
	d.room_msg = 1000;
	tables_apply(&seg, 1, &d, "Alice\n", "", true);
	CHECK_EQ(seg.rooms[0].messages, 0);
}

TEST(each_record_out_of_bounds_changes_nothing)
{
	const struct desc_shm good = {
	    .type = RECORD_LEAVE, .name_len = 5, .len = 6, .sender_gen = 1};
	struct desc_shm bad[9];
	struct test_picture before, after;

	set_up_people();
	test_picture(&seg, &before);
	for (unsigned i = 0; i < COUNT(bad); i++)
		bad[i] = good;
	bad[0].room = TEST_ROOMS;
	bad[1].room = UINT32_MAX;
	bad[2].sender = TEST_SLOTS;
	bad[3].name_len = 0;
	bad[4].name_len = LIMIT_NAME + 1;
	bad[4].len = 100;
	bad[5].name_off = 2;
	bad[6].extra = LIMIT_ROOM + 1;
	bad[7].type = RECORD_NONE;
	bad[8].type = 200;
	for (unsigned i = 0; i < COUNT(bad); i++)
		tables_apply(&seg, 1, &bad[i], "Alice\n", "", true);
	test_picture(&seg, &after);
	CHECK_MEM(&after, sizeof(after), &before, sizeof(before));
	tables_apply(&seg, 1, &good, "Alice\n", "", true);
	CHECK_EQ(find("alice"), NONE);
}

TEST(leaving_without_having_joined_is_harmless)
{
	struct desc_shm d = {.type = RECORD_LEAVE,
	    .name_len = 5,
	    .len = 6,
	    .sender = 7,
	    .sender_gen = 1};
	struct test_picture before, after;

	set_up_people();
	test_connect(&seg, 7, 0);
	test_picture(&seg, &before);
	tables_apply(&seg, 1, &d, "frank\n", "", true);
	test_picture(&seg, &after);
	CHECK_MEM(&after, sizeof(after), &before, sizeof(before));
	CHECK_STR(test_breach(&seg), "");
}

/* Joins, leaves, messages and moves at random, against a simple model. */

static struct person {
	bool joined;
	unsigned room; /* 0 is "room-a" */
} people[TEST_SLOTS];

static void
room_name(char name[8], unsigned room)
{
	snprintf(name, 8, "room-%c", 'a' + (int)room);
}

static struct journal *
worker_of(uint32_t slot)
{
	uint32_t owner = atomic_load(&seg.sessions[slot].owner);

	return &workers[(owner & ~OWNER_MOVING) - 1];
}

static void
join_at_random(uint32_t slot)
{
	unsigned room = (unsigned)draw(6);
	char name[LIMIT_NAME + 1], room_as[8];

	room_name(room_as, room);
	if (find_room(room_as) == NONE && seg.tables->rooms_free == NONE)
		return;
	test_connect(&seg, slot, (uint32_t)draw(TEST_SEATS));
	snprintf(name, sizeof(name), "user%u%.*s", slot, (int)draw(20),
	    "and-some-more-letters");
	test_join(worker_of(slot), slot, name, room_as);
	people[slot] = (struct person){.joined = true, .room = room};
}

/* What adoption does, or half of it. */
static void
move_at_random(uint32_t slot)
{
	uint32_t to = (uint32_t)draw(TEST_SEATS);
	struct room_shm *r = &seg.rooms[seg.members[slot].room];

	if (draw(2) == 0) {
		atomic_store(
		    &seg.sessions[slot].owner, (to + 1) | OWNER_MOVING);
		return;
	}
	atomic_store(&seg.sessions[slot].owner, to + 1);
	atomic_fetch_or(&r->seats, UINT64_C(1) << to);
}

static void
rename_at_random(uint32_t slot)
{
	char name[LIMIT_NAME + 1];

	snprintf(name, sizeof(name), "%u-%u", slot, (unsigned)draw(1000));
	test_tell(worker_of(slot), slot, RECORD_RENAME, name);
	test_tell(worker_of(slot), slot, RECORD_TOPIC, name);
}

static void
act_at_random(void)
{
	uint32_t slot = (uint32_t)draw(TEST_SLOTS);

	if (!people[slot].joined) {
		join_at_random(slot);
	} else if (draw(3) == 0) {
		test_say(worker_of(slot), slot, "hello", 1);
	} else if (draw(3) == 0) {
		rename_at_random(slot);
	} else if (draw(3) == 0) {
		move_at_random(slot);
	} else {
		test_leave(worker_of(slot), slot);
		atomic_store(&seg.sessions[slot].owner, 0);
		people[slot].joined = false;
	}
}

/* The members of each room are those of the model. */
static void
check_model(const struct test_picture *p)
{
	for (unsigned room = 0; room < 6; room++) {
		char name[8];
		uint64_t members = 0;
		uint32_t at;

		room_name(name, room);
		at = find_room(name);
		for (uint32_t i = 0; i < TEST_SLOTS; i++)
			if (people[i].joined && people[i].room == room)
				members |= UINT64_C(1) << i;
		CHECK_EQ(at != NONE, members != 0);
		if (at != NONE)
			CHECK_EQ(p->rooms[at].members, members);
	}
}

TEST(caches_kept_up_are_the_caches_made_anew)
{
	struct test_picture kept, made;

	set_up();
	for (unsigned step = 0; step < 5000; step++) {
		act_at_random();
		CHECK_STR(test_breach(&seg), "");
		test_picture(&seg, &kept);
		check_model(&kept);
		test_copy(&copy, &seg);
		tables_rebuild(&copy);
		CHECK_STR(test_breach(&copy), "");
		test_picture(&copy, &made);
		CHECK_MEM(&made, sizeof(made), &kept, sizeof(kept));
		if (step % 100 == 99) /* go on with those made anew */
			test_copy(&seg, &copy);
	}
}

/* Garbage: nothing is trusted, every walk ends. */

/* Only the tables may be looked at; the address sanitizer watches. */
static void
fence(const struct segment *s)
{
	const struct segment_layout *l = &s->layout;

	__asan_poison_memory_region(s->base + l->input, l->sessions - l->input);
	__asan_poison_memory_region(
	    s->base + l->buffers, s->mapped - l->buffers);
}

static void
use_everything(void)
{
	struct desc_shm d = {0};
	char line[64] = "Alice: hello\n", extra[LIMIT_ROOM] = "lobby";
	uint8_t *byte = (uint8_t *)&d;

	find("Alice");
	find_room("lobby");
	tables_verify(&seg, NULL, NULL);
	for (unsigned i = 0; i < 10; i++) {
		for (size_t k = 0; k < sizeof(d); k++)
			byte[k] = (uint8_t)draw(256);
		d.type = (uint8_t)(1 + i % RECORD_TYPES);
		d.room = (uint32_t)draw(TEST_ROOMS + 1);
		d.sender = (uint32_t)draw(TEST_SLOTS + 1);
		d.sender_gen = draw(8) == 0
				   ? (uint32_t)draw(2)
				   : seg.sessions[d.sender % TEST_SLOTS].gen;
		d.len = (uint32_t)draw(sizeof(line));
		d.name_off = (uint8_t)draw(sizeof(line));
		d.text_off = (uint8_t)draw(sizeof(line));
		d.name_len = (uint8_t)draw(LIMIT_NAME + 2);
		d.extra = (uint32_t)draw(LIMIT_ROOM + 2);
		tables_apply(&seg, 1, &d, line, extra, draw(2) == 0);
	}
	tables_verify(&seg, NULL, NULL);
	find("Alice");
	tables_rebuild(&seg);
	find("Alice");
	find_room("lobby");
	tables_verify(&seg, NULL, NULL);
}

/* Words of four kinds: any, NONE or small, small, mostly what was there. */
static void
scribble(size_t from, size_t to, unsigned kind)
{
	for (size_t at = from; at + 4 <= to; at += 4) {
		uint32_t *word = (uint32_t *)(void *)(seg.base + at);

		if (kind == 0)
			*word = (uint32_t)draw(UINT32_MAX);
		else if (kind == 1)
			*word = draw(3) == 0 ? NONE : (uint32_t)draw(16);
		else if (kind == 2 || draw(30) == 0)
			*word = (uint32_t)draw(20);
	}
}

TEST(random_bytes_in_the_tables_neither_crash_nor_hang)
{
	const struct segment_layout *l = &seg.layout;

	set_up_people();
	test_copy(&copy, &seg);
	fence(&seg);
	for (unsigned i = 0; i < 2000; i++) {
		if (i % 4 == 3) { /* the fence is no area of test_copy */
			memcpy(seg.base + l->sessions, copy.base + l->sessions,
			    l->buffers - l->sessions);
			memcpy(seg.base + l->lock, copy.base + l->lock,
			    l->input - l->lock);
		}
		scribble(l->tables, l->ring, i % 4);
		scribble(l->sessions, l->bufctl, i % 4);
		use_everything();
	}
}

TEST(every_walk_round_a_cycle_ends)
{
	for (uint32_t other = 0; other < 2; other++) { /* itself, or of two */
		set_up_people();
		for (uint32_t b = 0; b < seg.layout.nnames; b++)
			seg.names[b] = 0;
		for (uint32_t b = 0; b < seg.layout.nroomnames; b++)
			seg.roomnames[b] = 0;
		seg.sessions[0].name_next = other;
		seg.sessions[other].name_next = 0;
		seg.rooms[0].hash_next = other;
		seg.rooms[other].hash_next = 0;
		seg.rooms[0].first = 0;
		seg.members[0].next = other;
		seg.members[other].next = 0;
		seg.tables->rooms_free = 0;
		CHECK_EQ(find("nobody"), NONE);
		CHECK_EQ(find_alike("nobody", NONE), NONE);
		CHECK_EQ(find_room("nowhere"), NONE);
		CHECK(tables_verify(&seg, NULL, NULL) > 0);
		for (uint32_t i = 3; i-- > 0;)
			test_leave(&workers[i], i);
		/* The facts were sound. */
		tables_rebuild(&seg);
		CHECK_STR(test_breach(&seg), "");
	}
}
