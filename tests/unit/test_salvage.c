/* SPDX-License-Identifier: MIT */
/* shared/shm/salvage: what is worth keeping is kept, and nothing else read. */
#include "shared/shm/salvage.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/chat/notice.h"
#include "shared/chat/render.h"
#include "shared/net/channel.h"
#include "shared/shm/pool.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"
#include "shared/shm/tables.h"
#include "tests/harness/segment.h"
#include "tests/harness/test.h"

#define ROUNDS 400 /* of garbage */

enum {
	ALICE, /* in the lobby, seat 0 */
	BOB,   /* in the lobby, seat 1 */
	CAROL, /* alone in the den, seat 2 */
	DAVE,  /* is asked for his name */
	ERIN,  /* has just been accepted: no worker has seen her */
	PEOPLE,
};

static struct segment live;     /* as the workers left it */
static struct segment old, new; /* what is salvaged, and into what */
static struct segment_params params;
static int live_fd;
static struct salvage_connection connections[PEOPLE];
static struct salvage result;

static void
set_up(void)
{
	struct journal workers[TEST_SEATS];

	params = test_params();
	live_fd = test_segment_fd(&params);
	CHECK_EQ(segment_attach(&live, live_fd, true), 0);
	for (uint32_t i = 0; i < TEST_SEATS; i++)
		workers[i] = test_journal(&live, i);
	for (uint32_t i = 0; i < PEOPLE; i++) {
		connections[i] = (struct salvage_connection){
		    .seat = i % TEST_SEATS,
		    .gen = 1,
		    .id = i + 1,
		};
		if (i == ERIN)
			break;
		test_connect(&live, i, i % TEST_SEATS);
		live.sessions[i].half.next_room = NONE;
	}
	test_join(&workers[0], ALICE, "Alice", "lobby");
	test_join(&workers[1], BOB, "Bob", "Lobby");
	test_join(&workers[2], CAROL, "carol", "Den");
	test_tell(&workers[0], ALICE, RECORD_TOPIC, "teapots");
	test_say(&workers[1], BOB, "hello", 3);
	live.sessions[DAVE].half.state = SESSION_NAME;
	live.sessions[DAVE].half.room_len = 3;
	memcpy(live.sessions[DAVE].half.room_name, "Den", 3);
	for (uint32_t i = 0; i < TEST_SEATS; i++)
		atomic_store(&segment_seat(&live, i)->cursor, ring_head(&live));
	/* All input is consumed. */
	for (uint32_t i = 0; i < ERIN; i++) {
		uint64_t done = live.sessions[i].half.in_done;

		connections[i].read = live.sessions[i].kept_at = done;
		atomic_store(&live.sessions[i].in_total, done);
		connections[i].accepted = 1000;
		atomic_store(&live.sessions[i].out_total, 1000);
	}
	CHECK_STR(test_breach(&live), "");
}

static void
salvage(void)
{
	struct segment_params next = params;

	CHECK_EQ(segment_attach_private(&old, live_fd, &params), 0);
	next.first_seq = salvage_next_seq(&old);
	test_segment(&new, &next);
	result = (struct salvage){
	    .old = &old,
	    .new = &new,
	    .now_us = 1000000,
	    .real_us = params.created_us + 1,
	    .login_us = 60,
	};
	salvage_begin(&result);
	for (uint32_t i = 0; i < PEOPLE; i++)
		salvage_session(&result, i, &connections[i]);
	CHECK_EQ(salvage_end(&result), 0);
	CHECK_STR(test_breach(&new), "");
}

static void
tear_down(void)
{
	segment_detach(&old);
	segment_detach(&new);
	segment_detach(&live);
	close(live_fd);
}

static void
check_told(uint32_t slot, enum chat_error code, uint64_t arg, int newline)
{
	const struct reply *r = &new.sessions[slot].half.reply;

	CHECK_EQ(r->code, code);
	CHECK_EQ(r->arg, arg);
	CHECK_EQ(r->newline, newline);
}

TEST(sessions_go_on_in_their_rooms)
{
	uint32_t lobby, den;

	set_up();
	salvage();
	CHECK_EQ(result.kept, 4);
	CHECK_EQ(result.lost, 0);
	CHECK(ring_head(&new) > ring_head(&live));
	CHECK_EQ(tables_find_name(&new, "alice", 5), ALICE);
	CHECK_EQ(tables_find_name(&new, "Bob", 3), BOB);
	lobby = tables_find_room(&new, "lobby", 5);
	den = tables_find_room(&new, "den", 3);
	CHECK_EQ(new.members[ALICE].room, lobby);
	CHECK_EQ(new.members[BOB].room, lobby);
	CHECK_EQ(new.members[CAROL].room, den);
	CHECK_EQ(new.rooms[lobby].topic_len, 7);
	CHECK(memcmp(new.rooms[lobby].topic, "teapots", 7) == 0);
	CHECK_EQ(new.rooms[lobby].messages, 3);
	CHECK_EQ(new.rooms[lobby].home[0], 0);
	CHECK_EQ(new.sessions[CAROL].half.room, den);
	CHECK_EQ(atomic_load(&new.sessions[CAROL].owner), 3);
	check_told(ALICE, CHAT_LAGGED, 0, 0);
	CHECK_EQ(new.sessions[DAVE].half.state, SESSION_NAME);
	CHECK_EQ(new.sessions[DAVE].half.room_len, 3);
	check_told(DAVE, CHAT_OK, 0, 0);
	CHECK_EQ(new.sessions[ERIN].gen, 0);
	tear_down();
}

TEST(what_was_not_delivered_is_counted)
{
	struct session_half *half;

	set_up();
	/* Seat 0 has fanned nothing out but the joins and the topic. */
	atomic_store(&segment_seat(&live, 0)->cursor, ring_head(&live) - 3);
	salvage();
	check_told(ALICE, CHAT_LAGGED, 3, 0);
	check_told(BOB, CHAT_LAGGED, 0, 0); /* they are his own */
	tear_down();

	set_up();
	half = &live.sessions[ALICE].half;
	half->lag = 1;
	half->own = ring_head(&live) - 2;
	half->msg_next = 1;
	half->cut_skip = 4;
	salvage();
	check_told(ALICE, CHAT_LAGGED, 2, 1);
	half = &new.sessions[ALICE].half;
	CHECK_EQ(half->cut_skip, 0);
	CHECK_EQ(half->own, ring_head(&new));
	tear_down();
}

TEST(what_is_committed_but_not_applied_counts)
{
	struct journal worker;

	set_up();
	worker = test_journal(&live, 0);
	test_tell(&worker, ALICE, RECORD_RENAME, "Alison");
	/* As if it had died right behind the commit. */
	atomic_store(&live.ring->applied, ring_head(&live) - 1);
	memcpy(live.sessions[ALICE].name, "Alice", 5);
	live.sessions[ALICE].name_len = 5;
	connections[ALICE].read++;
	atomic_store(&live.sessions[ALICE].in_total, connections[ALICE].read);
	salvage();
	CHECK_EQ(tables_find_name(&new, "Alison", 6), ALICE);
	tear_down();
}

/* Gives Alice input that is not consumed. */
static void
type(const char *text, size_t len, uint32_t buffer)
{
	struct session_shm *s = &live.sessions[ALICE];
	char *to = s->kept;

	if (buffer != 0) {
		atomic_store(&live.bufctl[buffer - 1].owner, ALICE + 1);
		to = segment_buffer(&live, buffer - 1);
	}
	s->in_buf = buffer;
	memcpy(to, text, len);
	connections[ALICE].read += len;
	atomic_store(&s->in_total, connections[ALICE].read);
}

TEST(input_that_is_not_consumed_is_kept)
{
	char text[200];
	const struct session_shm *s;

	memset(text, 'x', sizeof(text));
	set_up();
	type("half a l", 8, 0);
	salvage();
	s = &new.sessions[ALICE];
	CHECK_EQ(s->in_buf, 0);
	CHECK(memcmp(s->kept, "half a l", 8) == 0);
	CHECK_EQ(atomic_load(&s->in_total) - s->half.in_done, 8);
	CHECK_EQ(s->half.skip_line, 0);
	tear_down();

	set_up();
	type(text, sizeof(text), 2);
	salvage();
	s = &new.sessions[ALICE];
	CHECK(pool_owns(&new, s->in_buf, ALICE + 1));
	CHECK(memcmp(segment_buffer(&new, s->in_buf - 1), text, sizeof(text)) ==
	      0);
	tear_down();
}

TEST(input_that_a_worker_had_in_hand_is_kept)
{
	const struct session_shm *s;
	struct note_in *note;

	set_up();
	note = &segment_seat(&live, 0)->in;
	note->slot = ALICE;
	note->base = live.sessions[ALICE].half.in_done;
	note->raw = connections[ALICE].read;
	note->kept = 0;
	atomic_store(&note->valid, 1);
	memcpy(segment_input(&live, 0), "one\ntwo", 7);
	connections[ALICE].read += 7;
	live.sessions[ALICE].half.in_done += 4;
	salvage();
	s = &new.sessions[ALICE];
	CHECK_EQ(s->half.skip_line, 0);
	CHECK(memcmp(s->kept, "two", 3) == 0);
	CHECK_EQ(atomic_load(&s->in_total) - s->half.in_done, 3);
	tear_down();
}

TEST(input_that_does_not_add_up_is_thrown_away_to_the_end_of_its_line)
{
	const struct session_shm *s;

	set_up();
	connections[ALICE].read += 5; /* nobody knows where they are */
	salvage();
	s = &new.sessions[ALICE];
	CHECK_EQ(s->half.skip_line, 1);
	CHECK_EQ(s->half.in_done, connections[ALICE].read);
	CHECK_EQ(atomic_load(&s->in_total), connections[ALICE].read);
	CHECK_EQ(s->half.state, SESSION_JOINED);
	tear_down();
}

TEST(a_session_that_makes_no_sense_is_closed_with_a_word)
{
	set_up();
	live.sessions[ALICE].gen = 7;
	live.sessions[BOB].name_len = 200;
	memcpy(live.sessions[CAROL].name, "ca ol", 5);
	live.sessions[DAVE].half.state = 9;
	salvage();
	CHECK_EQ(result.kept, 0);
	CHECK_EQ(result.lost, 4);
	for (uint32_t i = ALICE; i <= DAVE; i++) {
		CHECK_EQ(new.sessions[i].half.state, SESSION_LEAVING);
		CHECK_EQ(new.sessions[i].half.reason, CLOSE_INTERNAL);
		check_told(i, CHAT_INTERNAL, 0, i == ALICE);
	}
	CHECK_EQ(new.tables->rooms_used, 0);
	tear_down();
}

TEST(a_room_is_found_by_the_name_that_its_members_noted)
{
	struct session_half *half;

	set_up();
	half = &live.sessions[ALICE].half;
	half->room_len = 5;
	memcpy(half->room_name, "lobby", 5);
	live.sessions[BOB].half.room_len = 5;
	memcpy(live.sessions[BOB].half.room_name, "LOBBY", 5);
	memset(live.rooms, 0xff, TEST_ROOMS * sizeof(live.rooms[0]));
	salvage();
	CHECK_EQ(result.lost, 1); /* Carol has noted none */
	CHECK_EQ(new.members[ALICE].room, new.members[BOB].room);
	CHECK_EQ(new.tables->rooms_used, 1);
	tear_down();
}

TEST(of_two_with_one_name_one_is_kept)
{
	set_up();
	memcpy(live.sessions[CAROL].name, "aLICE", 5);
	salvage();
	CHECK_EQ(new.sessions[ALICE].half.state, SESSION_JOINED);
	CHECK_EQ(new.sessions[CAROL].half.state, SESSION_LEAVING);
	CHECK_EQ(result.lost, 1);
	tear_down();
}

TEST(with_nothing_to_read_all_are_told)
{
	struct segment_params next = params;

	set_up();
	next = params;
	test_segment(&new, &next);
	result = (struct salvage){.new = &new};
	salvage_begin(&result);
	for (uint32_t i = 0; i < PEOPLE; i++)
		salvage_session(&result, i, &connections[i]);
	CHECK_EQ(salvage_end(&result), 0);
	CHECK_EQ(result.lost, 4);
	check_told(ALICE, CHAT_INTERNAL, 0, 1);
	CHECK_EQ(new.sessions[ERIN].gen, 0);
	segment_detach(&new);
	segment_detach(&live);
	close(live_fd);
}

/* Alice came by the web, and is between two frames. */
static struct session_shm *
upgrade(void)
{
	struct session_shm *s = &live.sessions[ALICE];

	connections[ALICE].web = true;
	connections[ALICE].kind = s->kind = LISTENER_WEB;
	s->half.upgraded = 1;
	s->half.dialect = DIALECT_WS | DIALECT_JSON;
	memset(&s->ws, 0, sizeof(s->ws));
	return s;
}

TEST(a_websocket_goes_on_between_two_frames)
{
	const struct session_shm *s;
	struct session_shm *was;

	set_up();
	was = upgrade();
	was->ws.head_len = 3; /* of what it sends: wherever that is */
	was->ws.opcode = 1;
	was->ws.pinged = 1;
	memcpy(was->ws_kept, "half", 4);
	connections[ALICE].read += 20;
	atomic_store(&was->in_total, connections[ALICE].read);
	was->in_cut = 16;
	salvage();
	s = &new.sessions[ALICE];
	CHECK_EQ(s->half.state, SESSION_JOINED);
	CHECK_EQ(s->half.upgraded, 1);
	CHECK_EQ(s->half.dialect, DIALECT_WS | DIALECT_JSON);
	CHECK_EQ(s->half.broken, 0);
	CHECK_EQ(s->half.skip_line, 0);
	CHECK_EQ(s->ws.head_len, 3);
	CHECK_EQ(s->ws.opcode, 1);
	CHECK_EQ(s->in_cut, 16);
	CHECK(memcmp(s->ws_kept, "half", 4) == 0);
	/* It has its time to answer the next ping. */
	CHECK_EQ(s->ws.pinged, 0);
	CHECK_EQ(s->ws.heard_s, result.now_us / 1000000);
	check_told(ALICE, CHAT_LAGGED, 0, 0);
	tear_down();
}

TEST(a_ping_that_waits_for_its_answer_costs_the_answer_only)
{
	const struct session_shm *s;
	struct session_shm *was;

	set_up();
	was = upgrade();
	was->ws.pong_len = 1 + 4;
	memcpy(was->ws_kept, "ping", 4);
	salvage();
	s = &new.sessions[ALICE];
	CHECK_EQ(s->half.state, SESSION_JOINED);
	CHECK_EQ(s->ws.pong_len, 0);
	tear_down();
}

/* Ways to be within a frame, or before the first. */
static void
cut(struct session_shm *s, int how)
{
	struct session_half *half = &s->half;

	switch (how) {
	case 0: /* what was read is nowhere */
		connections[ALICE].read++;
		break;
	case 1: /* what was sent is not known */
		connections[ALICE].accepted++;
		break;
	case 2:
		half->cut_skip = 1;
		break;
	case 3:
		half->reply.code = CHAT_LAGGED;
		half->reply.skip = 1;
		break;
	case 4:
		s->ws.pong_len = 5;
		s->ws.pong_off = 1;
		break;
	case 5:
		s->ws.payload_len = 3;
		break;
	case 6:
		s->ws.closing = 1000;
		break;
	case 7:
		half->farewell = 1;
		break;
	case 8:
		half->state = SESSION_LEAVING;
		break;
	case 9: /* the answer to its handshake is still to be sent */
		half->state = SESSION_ROOM;
		half->reply.code = REPLY_HTTP;
		half->reply.arg = 101;
		break;
	case 10:
		half->upgraded = 0;
		half->state = SESSION_HTTP;
		break;
	default:
		half->upgraded = 0;
		break;
	}
}

TEST(a_websocket_within_a_frame_is_cut_off_without_a_word)
{
	for (int how = 0; how < 12; how++) {
		set_up();
		cut(upgrade(), how);
		salvage();
		CHECK_EQ(result.lost, 1);
		CHECK_EQ(new.sessions[ALICE].half.state, SESSION_LEAVING);
		CHECK_EQ(new.sessions[ALICE].half.broken, 1);
		CHECK_EQ(tables_find_name(&new, "Alice", 5), NONE);
		tear_down();
	}
}

static uint64_t random_state;

static uint64_t
random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Where what matters is: all but staging, and most of the ring. */
static size_t
random_place(void)
{
	static const size_t sizes[] = {64, 4096, 16384};
	size_t first = live.layout.lock;

	switch (random_next() % 4) {
	case 0:
		first = live.layout.sessions;
		break;
	case 1:
		first = live.layout.rooms;
		break;
	case 2:
		first = live.layout.seats;
		break;
	default:
		break;
	}
	return first + random_next() % sizes[random_next() % COUNT(sizes)];
}

static void
spoil(void)
{
	static const uint64_t values[] = {
	    0, 1, UINT32_MAX, UINT64_MAX, 1 << 20};
	uint64_t times = 1 + random_next() % 200, value;

	for (; times > 0; times--) {
		value = random_next() % 2
			    ? random_next()
			    : values[random_next() % COUNT(values)];
		memcpy(live.base + random_place(), &value,
		    1 + random_next() % sizeof(value));
	}
}

/* salvage() checks that what comes of it holds together. */
TEST_WITHIN(whatever_is_written_over_it_there_is_a_sound_segment, 120)
{
	uint64_t sessions = 0;

	for (uint64_t round = 1; round <= ROUNDS; round++) {
		random_state = round * 0x9e3779b97f4a7c15u;
		set_up();
		if (round % 2 == 0)
			upgrade();
		spoil();
		salvage();
		CHECK_EQ(result.kept + result.lost, 4);
		sessions += result.kept;
		tear_down();
	}
	CHECK(sessions > 0);
}
