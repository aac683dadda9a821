/* SPDX-License-Identifier: MIT */
#include "shared/shm/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/utf8.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"
#include "tests/harness/segment.h"
#include "tests/harness/test.h"

#define NOW_US UINT64_C(1800000000000000)
#define TEXT_MAX (256 * 1024)

static const char *const types[] = {"chat", "telnet"};

static struct metrics
metrics_of(const struct segment *seg)
{
	return (struct metrics){.moment = {
				    .seg = seg,
				    .alive = true,
				    .now_us = NOW_US,
				    .beat_us = 5000000,
				    .head = ring_head(seg),
				    .types = types,
				    .ntypes = COUNT(types),
				}};
}

/* All of the text, in pieces of at most `size` bytes; returns how many. */
static unsigned
in_pieces(const struct metrics *m, size_t size, char text[TEXT_MAX])
{
	uint64_t at = 0, before;
	unsigned pieces = 0;
	size_t used = 0, n;

	while (at != METRICS_DONE) {
		before = at;
		CHECK(used + size < TEXT_MAX);
		n = metrics_render(m, at, text + used, size, &at);
		CHECK(n <= size && at > before);
		CHECK(n == 0 || text[used + n - 1] == '\n');
		used += n;
		pieces++;
	}
	text[used] = '\0';
	return pieces;
}

/* How often does `what` stand in `text`? */
static unsigned
times(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void
populate(struct segment *seg)
{
	const struct segment_params params = test_params();
	struct journal j;

	test_segment(seg, &params);
	j = test_journal(seg, 0);
	for (uint32_t i = 0; i < 4; i++)
		test_connect(seg, i, i % 2);
	test_join(&j, 0, "Alice", "general");
	test_join(&j, 1, "Bob", "general");
	test_join(&j, 2, "Carol", "q\"u\\o");
	test_say(&j, 0, "hello", 3);
	atomic_store(&seg->status->seats[1].type, 1);
	atomic_store(&seg->status->seats[2].type, 77);
}

TEST(metrics_tell_of_instance_workers_rooms_and_lock)
{
	static char text[TEXT_MAX];
	struct segment seg;
	struct metrics m;

	populate(&seg);
	atomic_store(&segment_seat(&seg, 1)->beat_us, 4750000);
	m = metrics_of(&seg);
	in_pieces(&m, 65536, text);
	CHECK(strstr(text, "# HELP chatmaster_up Whether the master lives.\n"
			   "# TYPE chatmaster_up gauge\n"
			   "chatmaster_up 1\n"));
	CHECK(strstr(text, "\nchatmaster_sessions 4\n"));
	CHECK(strstr(text, "\nchatmaster_rooms 2\n"));
	CHECK(strstr(text, "\nchatmaster_messages_total 3\n"));
	CHECK(strstr(text,
	    "\nchatmaster_worker_sessions{seat=\"1\",type=\"telnet\"} 2\n"));
	CHECK(strstr(text,
	    "\nchatmaster_worker_sessions{seat=\"2\",type=\"unknown\"} 0\n"));
	CHECK(strstr(text, "\nchatmaster_worker_heartbeat_seconds{seat=\"1\","
			   "type=\"telnet\"} 0.250\n"));
	CHECK(strstr(text, "\nchatmaster_room_members{room=\"general\"} 2\n"));
	CHECK(strstr(
	    text, "\nchatmaster_room_members{room=\"q\\\"u\\\\o\"} 1\n"));
	CHECK(strstr(
	    text, "\nchatmaster_room_messages_total{room=\"general\"} 3\n"));
	CHECK(strstr(text, "\nchatmaster_lock_acquisitions_total 4\n"));
}

TEST(every_size_of_pieces_gives_the_same_text)
{
	static char whole[TEXT_MAX], text[TEXT_MAX];
	struct segment seg;
	struct metrics m;
	unsigned pieces = 0, before;

	populate(&seg);
	m = metrics_of(&seg);
	in_pieces(&m, 65536, whole);
	CHECK_EQ(times(whole, "# TYPE chatmaster_up "), 1);
	for (size_t size = METRICS_PIECE_MIN; size < 9000; size += 7) {
		before = pieces;
		pieces = in_pieces(&m, size, text);
		CHECK(before == 0 || pieces <= before);
		CHECK_STR(text, whole);
	}
}

TEST(items_are_those_of_the_text)
{
	static char text[TEXT_MAX];
	struct metrics_cursor cursor = {0};
	unsigned heads = 0, samples = 0;
	enum metrics_result result;
	struct metrics_item item;
	struct segment seg;
	struct metrics m;

	populate(&seg);
	m = metrics_of(&seg);
	while ((result = metrics_next(&m, &cursor, &item)) != METRICS_END) {
		heads += result == METRICS_ITEM && item.head;
		samples += result == METRICS_ITEM && !item.head;
	}
	CHECK(cursor.position == METRICS_DONE);
	in_pieces(&m, 8192, text);
	CHECK_EQ(times(text, "# TYPE "), heads);
	CHECK_EQ(times(text, "\n"), 2 * heads + samples);
}

TEST(rooms_that_are_given_are_shown_in_their_order)
{
	static char text[TEXT_MAX];
	struct room_figures rooms[] = {
	    {.members = 7, .row = {.name = "zeta", .name_len = 4}},
	    {.members = 8, .row = {.name = "alpha", .name_len = 5}},
	};
	struct segment seg;
	struct metrics m;

	populate(&seg);
	m = metrics_of(&seg);
	m.rooms_given = true;
	in_pieces(&m, 8192, text);
	CHECK_EQ(times(text, "{room="), 0);
	CHECK(strstr(text, "# TYPE chatmaster_room_members gauge\n# HELP"));
	m.rooms = rooms;
	m.nrooms = COUNT(rooms);
	in_pieces(&m, 8192, text);
	CHECK(strstr(text, "chatmaster_room_members{room=\"zeta\"} 7\n"
			   "chatmaster_room_members{room=\"alpha\"} 8\n# "));
}

/* One that ended between two pieces has begun anew elsewhere. */
TEST(a_room_younger_than_the_moment_is_not_shown)
{
	static char text[TEXT_MAX];
	struct segment seg;
	struct metrics m;

	populate(&seg);
	m = metrics_of(&seg);
	for (uint32_t i = 0; i < TEST_ROOMS; i++)
		seg.rooms[i].created_us = NOW_US;
	in_pieces(&m, 8192, text);
	CHECK_EQ(times(text, "{room="), 4);
	seg.rooms[seg.members[2].room].created_us = NOW_US + 1;
	in_pieces(&m, 8192, text);
	CHECK_EQ(times(text, "{room="), 2);
	CHECK_EQ(times(text, "{room=\"general\"}"), 2);
	/* A clock that was set back hides nothing for long. */
	seg.rooms[seg.members[2].room].created_us = NOW_US + 3600000000;
	in_pieces(&m, 8192, text);
	CHECK_EQ(times(text, "{room="), 4);
}

TEST(rooms_by_the_thousand_are_all_there_once)
{
	static char text[TEXT_MAX];
	struct segment_params params = test_params();
	struct segment seg;
	struct metrics m;
	char line[64];

	params.nrooms = 3 * METRICS_STRETCH + 5;
	test_segment(&seg, &params);
	for (uint32_t i = 0; i < TEST_SLOTS; i++) {
		uint32_t room = i * (params.nrooms - 1) / (TEST_SLOTS - 1);
		struct room_shm *r = &seg.rooms[room];

		r->used = 1;
		r->name_len = (uint8_t)snprintf(r->name, 8, "r%u", room);
		seg.members[i].room = room;
	}
	m = metrics_of(&seg);
	in_pieces(&m, 8192, text);
	CHECK(strstr(text, "\nchatmaster_rooms 16\n"));
	CHECK_EQ(times(text, "chatmaster_room_members{"), TEST_SLOTS);
	for (uint32_t i = 0; i < TEST_SLOTS; i++) {
		snprintf(line, sizeof(line),
		    "\nchatmaster_room_members{room=\"r%u\"} 1\n",
		    seg.members[i].room);
		CHECK_EQ(times(text, line), 1);
	}
}

/* Lines of a strict UTF-8 that no terminal minds. */
static void
check_clean(const char *text)
{
	size_t len = strlen(text);
	uint32_t code;

	for (size_t i = 0; i < len;) {
		i += utf8_decode(text + i, len - i, &code);
		CHECK(code != UTF8_INVALID);
		CHECK(code == '\n' || !utf8_is_unprintable(code));
	}
}

TEST(a_segment_of_garbage_has_an_end)
{
	static char text[TEXT_MAX];
	const struct segment_params params = test_params();
	struct segment seg;
	struct metrics m;
	char *from;
	size_t len;

	test_segment(&seg, &params);
	/* All but the header's sizes, which were checked and copied. */
	from = seg.base + offsetof(struct header_shm, hash_key);
	len = seg.layout.size - offsetof(struct header_shm, hash_key);
	srandom(1);
	for (int round = 0; round < 64; round++) {
		for (size_t i = 0; i < len; i++)
			from[i] = (char)(round == 0 ? 0xff : random());
		/* Such as are nearly right. */
		for (uint32_t i = 0; round > 1 && i < TEST_SLOTS; i++)
			seg.members[i].room = i % TEST_ROOMS;
		for (uint32_t i = 0; round > 2 && i < TEST_ROOMS; i++)
			seg.rooms[i].name_len = LIMIT_ROOM;
		if (round == 3)
			memset(seg.rooms[0].name, 0x7f, LIMIT_ROOM);
		if (round == 3)
			memset(seg.header->instance, 0x7f, INSTANCE_MAX + 1);
		m = metrics_of(&seg);
		in_pieces(&m, round % 2 ? METRICS_PIECE_MIN : 8192, text);
		check_clean(text);
		metrics_healthy(&m.moment, 3000000);
	}
}

TEST(healthy_is_a_server_that_serves_each_type_of_worker)
{
	struct segment seg;
	struct metrics m;

	populate(&seg);
	m = metrics_of(&seg);
	CHECK(!metrics_healthy(&m.moment, 1000000));
	atomic_store(&seg.status->seats[2].type, 1);
	for (uint32_t i = 0; i < TEST_SEATS; i++) {
		atomic_store(&segment_seat(&seg, i)->state, SEAT_SERVING);
		atomic_store(&segment_seat(&seg, i)->beat_us, 4500000);
	}
	CHECK(metrics_healthy(&m.moment, 1000000));
	/* Of two workers of a type one may be missing, not both of them. */
	atomic_store(&segment_seat(&seg, 1)->state, SEAT_REPAIRING);
	CHECK(metrics_healthy(&m.moment, 1000000));
	atomic_store(&segment_seat(&seg, 2)->beat_us, 3000000);
	CHECK(!metrics_healthy(&m.moment, 1000000));
	CHECK(metrics_healthy(&m.moment, 0));
	/* Nor does one serve that never gave a sign of life. */
	atomic_store(&segment_seat(&seg, 2)->beat_us, 0);
	CHECK(!metrics_healthy(&m.moment, 1000000));
	atomic_store(&seg.status->stopping, 1);
	CHECK(!metrics_healthy(&m.moment, 0));
}
