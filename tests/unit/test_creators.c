/* SPDX-License-Identifier: MIT */
/* shared/shm/creators: whose the rooms are, as they come, go and come again. */
#include "shared/shm/creators.h"

#include <stdio.h>
#include <string.h>

#include "shared/shm/ring.h"
#include "shared/shm/tables.h"
#include "tests/harness/segment.h"
#include "tests/harness/test.h"

static struct segment seg;
static struct journal worker;

/* Even slots come from 10.0.0.1, odd ones from 10.0.0.2. */
static void
set_up(void)
{
	struct segment_params params = test_params();

	test_segment(&seg, &params);
	worker = test_journal(&seg, 0);
	for (uint32_t i = 0; i < TEST_SLOTS; i++)
		test_connect(&seg, i, 0);
}

/* Rooms that are the address's of that slot. */
static uint32_t
rooms_of(uint32_t slot)
{
	uint8_t key[ADDRESS_BYTES];

	address_budget_key(key, seg.sessions[slot].addr);
	return creators_count(&seg, key, NONE);
}

static void
check_counts(int line, uint32_t even, uint32_t odd)
{
	for (int round = 0; round < 2; round++) {
		if (rooms_of(0) != even || rooms_of(1) != odd)
			test_fail(__FILE__, line, "%u and %u rooms, %s",
			    rooms_of(0), rooms_of(1),
			    round == 0 ? "as linked" : "as made anew");
		CHECK_STR(test_breach(&seg), "");
		tables_rebuild(&seg);
	}
}

TEST(rooms_are_counted_for_the_address_that_brought_them_into_being)
{
	set_up();
	check_counts(__LINE__, 0, 0);
	test_join(&worker, 0, "a", "red");
	test_join(&worker, 1, "b", "blue");
	test_join(&worker, 2, "c", "green");
	check_counts(__LINE__, 2, 1);
	test_join(&worker, 3, "d", "red"); /* that was there already */
	check_counts(__LINE__, 2, 1);
	test_leave(&worker, 0); /* who made it, and it lives on */
	check_counts(__LINE__, 2, 1);
	test_leave(&worker, 3);
	check_counts(__LINE__, 1, 1);
	test_join(&worker, 3, "d", "red"); /* it comes again, as another's */
	check_counts(__LINE__, 1, 2);
	for (uint32_t i = 1; i < 4; i++)
		test_leave(&worker, i);
	check_counts(__LINE__, 0, 0);
}

TEST(counting_ends_where_it_is_enough)
{
	uint8_t key[ADDRESS_BYTES];

	set_up();
	test_join(&worker, 0, "a", "red");
	test_join(&worker, 2, "b", "blue");
	test_join(&worker, 4, "c", "green");
	address_budget_key(key, seg.sessions[0].addr);
	CHECK_EQ(creators_count(&seg, key, 0), 0);
	CHECK_EQ(creators_count(&seg, key, 2), 2);
	CHECK_EQ(creators_count(&seg, key, 3), 3);
	CHECK_EQ(creators_count(&seg, key, 4), 3);
}

TEST(an_ipv6_creator_is_its_64)
{
	static const uint8_t a[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 7, [15] = 1};
	static const uint8_t b[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 7, [8] = 9};
	static const uint8_t c[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 8, [15] = 1};

	set_up();
	memcpy(seg.sessions[0].addr, a, 16);
	memcpy(seg.sessions[1].addr, b, 16);
	memcpy(seg.sessions[2].addr, c, 16);
	test_join(&worker, 0, "a", "red");
	test_join(&worker, 1, "b", "blue");
	test_join(&worker, 2, "c", "green");
	CHECK_EQ(rooms_of(0), 2);
	CHECK_EQ(rooms_of(1), 2);
	CHECK_EQ(rooms_of(2), 1);
	CHECK_STR(test_breach(&seg), "");
}

/* Only a process gone wrong publishes for what isn't its session any more. */
TEST(a_room_made_by_another_generation_is_nobodys)
{
	static const char line[] = "* ghost has joined\n";
	static const uint8_t nobody[ADDRESS_BYTES];
	struct desc_shm d = {
	    .type = RECORD_JOIN,
	    .flags = RECORD_ROOM_NEW,
	    .name_off = 2,
	    .name_len = 5,
	    .len = sizeof(line) - 1,
	    .extra = 5,
	};

	set_up();
	d.sender_gen = seg.sessions[0].gen + 1;
	tables_apply(&seg, 1, &d, line, "haunt", false);
	tables_apply(&seg, 1, &d, line, "haunt", false);
	tables_rebuild(&seg);
	CHECK(seg.rooms[0].used);
	CHECK_EQ(rooms_of(0), 0);
	CHECK_EQ(creators_count(&seg, nobody, NONE), 1);
}

/* Rooms of one and of many addresses, ended in another order. */
TEST(rooms_leave_their_lists_in_any_order)
{
	enum {
		ROOMS = 500
	};
	struct segment_params params = test_params();
	char name[32];

	params.nslots = params.nrooms = ROOMS;
	test_segment(&seg, &params);
	worker = test_journal(&seg, 0);
	for (uint32_t i = 0; i < ROOMS; i++) {
		test_connect(&seg, i, 0);
		if (i % 3 == 0)
			memcpy(&seg.sessions[i].addr[12], &i, sizeof(i));
		snprintf(name, sizeof(name), "n%u", i);
		test_join(&worker, i, name, name);
	}
	CHECK_STR(test_breach(&seg), "");
	CHECK_EQ(rooms_of(1) + rooms_of(2), ROOMS - (ROOMS + 2) / 3);
	for (uint32_t n = 0, i = 0; n < ROOMS; n++, i = (i + 7) % ROOMS) {
		test_leave(&worker, i);
		if (n % 50 == 0)
			CHECK_STR(test_breach(&seg), "");
	}
	CHECK_EQ(rooms_of(1), 0);
	CHECK_EQ(rooms_of(2), 0);
	CHECK_STR(test_breach(&seg), "");
}

TEST(broken_lists_neither_trap_nor_mislead_far)
{
	uint32_t b;

	set_up();
	test_join(&worker, 0, "a", "red");
	test_join(&worker, 2, "b", "blue");
	b = creators_bucket(&seg, seg.rooms[0].creator);
	seg.rooms[0].creator_next = 1; /* a ring */
	CHECK_EQ(rooms_of(0), TEST_ROOMS);
	seg.creators[b] = TEST_ROOMS;
	CHECK_EQ(rooms_of(0), 0);
	seg.rooms[0].creator_next = seg.rooms[0].creator_prev = 1000000;
	test_leave(&worker, 0);
	test_leave(&worker, 2);
	tables_rebuild(&seg);
	CHECK_STR(test_breach(&seg), "");
}
