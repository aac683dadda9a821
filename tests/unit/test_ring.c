/* SPDX-License-Identifier: MIT */
/*
 * shared/shm/ring: what a reader accepts is whole, whoever writes, is late or
 * dies.  A variant without fault points brings its own, see test_journal.c.
 */
#ifndef FAULTS
#define FAULTS
#include "shared/base/fault.c"
#include "shared/shm/ring.c"
#endif

#include "tests/harness/test.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/shm/ring.h"
#include "tests/harness/deaths.h"
#include "tests/harness/segment.h"

#define RING_BYTES (64 * 1024)
#define NDESC 512
#define RECORD_MAX 8000 /* bytes; an eighth of the ring */

static struct segment seg;
static uint64_t first;

static void
set_up(void)
{
	struct segment_params params = test_params();

	test_segment(&seg, &params);
	first = params.first_seq;
	CHECK_EQ(seg.params.ring_bytes, RING_BYTES);
	CHECK_EQ(seg.layout.ndesc, NDESC);
}

/* A record with these bytes. */
static struct record
record_with(const char *line, size_t len, const char *extra, size_t extra_len)
{
	struct record rec = {.line = line, .extra = extra};

	rec.d.type = RECORD_MESSAGE;
	rec.d.len = (uint32_t)len;
	rec.d.extra = (uint32_t)extra_len;
	return rec;
}

/* Append a record of a line, not committed.  Returns the head for it. */
static uint64_t
append(const char *line)
{
	struct record rec = record_with(line, strlen(line), "", 0);

	return ring_append(&seg, &rec, 1);
}

static void
publish(const char *line)
{
	ring_commit(&seg, append(line));
}

/* Bytes that say whose they are: each depends on `number` and its place. */
static void
fill(char *bytes, size_t len, uint64_t number)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(number * 31 + i * 7 + (i >> 8));
}

/* CHECKs that record `n` is there and is this line. */
static void
check_line(uint64_t n, const char *line)
{
	char got[RECORD_MAX + 8];
	struct desc_shm d;

	CHECK_EQ(ring_read(&seg, n, &d), RING_OK);
	CHECK_EQ(ring_copy(&seg, &d, 0, got, d.len), RING_OK);
	CHECK_MEM(got, d.len, line, strlen(line));
}

TEST(a_new_ring_is_empty_and_begins_with_the_first_number)
{
	struct desc_shm d;

	set_up();
	CHECK_EQ(ring_head(&seg), first);
	CHECK_EQ(ring_oldest(&seg), first);
	CHECK_EQ(ring_position(&seg), 0);
	CHECK_EQ(ring_read(&seg, first, &d), RING_NOTHING);
	CHECK_EQ(ring_read(&seg, UINT64_MAX, &d), RING_NOTHING);
	CHECK_EQ(ring_read(&seg, first - 1, &d), RING_LAPPED);
	CHECK_EQ(ring_read(&seg, 0, &d), RING_LAPPED);
}

TEST(a_batch_is_visible_as_a_whole_from_its_commit_on)
{
	struct record recs[3];
	struct desc_shm d;
	uint64_t head;

	set_up();
	recs[0] = record_with("a\n", 2, "", 0);
	recs[1] = record_with("bcdefghij\n", 10, "xyz", 3);
	recs[2] = record_with("", 0, "", 0);
	CHECK_EQ(ring_footprint(&recs[0]), 2);
	CHECK_EQ(ring_footprint(&recs[1]), 13);
	CHECK_EQ(ring_footprint(&recs[2]), 0);
	head = ring_append(&seg, recs, 3);
	CHECK_EQ(head, first + 3);
	CHECK_EQ(ring_head(&seg), first);
	CHECK_EQ(ring_read(&seg, first, &d), RING_NOTHING);
	ring_commit(&seg, head);
	check_line(first, "a\n");
	check_line(first + 1, "bcdefghij\n");
	check_line(first + 2, "");
	CHECK_EQ(ring_read(&seg, first + 3, &d), RING_NOTHING);
	CHECK_EQ(ring_position(&seg), 15);
}

TEST(a_run_is_read_as_the_records_that_it_stands_for)
{
	static const uint32_t lens[] = {3, 1, 8, 0, 5};
	const char lines[] = "ab\n\nabcdefg\n1234\n";
	struct record rec = record_with(lines, sizeof(lines) - 1, "", 0);
	uint64_t pos = 0;

	set_up();
	rec.count = COUNT(lens);
	rec.lens = lens;
	rec.d.room_msg = 70;
	CHECK_EQ(ring_count(&rec, 1), COUNT(lens));
	CHECK_EQ(ring_append(&seg, &rec, 1), first + COUNT(lens));
	ring_commit(&seg, first + COUNT(lens));
	for (unsigned i = 0; i < COUNT(lens); i++) {
		char got[sizeof(lines) + 8];
		struct desc_shm d;

		CHECK_EQ(ring_read(&seg, first + i, &d), RING_OK);
		CHECK_EQ(d.room_msg, 70 + i);
		CHECK_EQ(d.pos, pos);
		CHECK_EQ(ring_copy(&seg, &d, 0, got, d.len), RING_OK);
		CHECK_MEM(got, d.len, lines + pos, lens[i]);
		pos += lens[i];
	}
	CHECK_EQ(ring_position(&seg), sizeof(lines) - 1);
}

TEST(the_end_of_a_run_is_known_from_each_of_its_records)
{
	static uint32_t lens[RUN_MAX];
	struct record recs[3];
	uint64_t run, after;

	set_up();
	run = first + 1;
	after = run + RUN_MAX;
	recs[0] = record_with("alone\n", 6, "", 0);
	recs[1] = record_with("", 0, "", 0);
	recs[1].count = RUN_MAX;
	recs[1].lens = lens;
	recs[2] = recs[0];
	ring_commit(&seg, ring_append(&seg, recs, COUNT(recs)));
	CHECK_EQ(ring_head(&seg), after + 1);
	CHECK_EQ(ring_run_end(&seg, first, after), run);
	for (uint64_t n = run; n < after; n++)
		CHECK_EQ(ring_run_end(&seg, n, UINT64_MAX), after);
	CHECK_EQ(ring_run_end(&seg, after, UINT64_MAX), after + 1);
	CHECK_EQ(ring_run_end(&seg, run, run + 7), run + 7);
}

/* A writer that dies between the two leaves its promises behind. */
TEST(what_was_never_committed_is_overwritten_but_its_promise_stays)
{
	struct record batch[5];
	struct desc_shm d;

	set_up();
	for (int i = 0; i < NDESC; i++)
		publish("old\n");
	for (int i = 0; i < 5; i++)
		batch[i] = record_with("dead\n", 5, "", 0);
	ring_append(&seg, batch, 5);
	CHECK_EQ(ring_head(&seg), first + NDESC);
	for (unsigned i = 0; i < 5; i++)
		CHECK_EQ(ring_read(&seg, first + i, &d), RING_LAPPED);
	check_line(first + 5, "old\n");
	CHECK_EQ(ring_oldest(&seg), first + 5);
	publish("next\n");
	check_line(first + NDESC, "next\n");
	/* The next batch is shorter, so its own promise would uncover it. */
	for (unsigned i = 0; i < 5; i++)
		CHECK_EQ(ring_read(&seg, first + i, &d), RING_LAPPED);
	CHECK_EQ(atomic_load(&seg.ring->rsv_desc), first + NDESC + 5);
	check_line(first + 5, "old\n");
	CHECK_EQ(ring_oldest(&seg), first + 5);
}

TEST(reservations_never_go_back)
{
	uint64_t desc = 0, bytes = 0;

	set_up();
	for (uint64_t n = 0; n < 3000; n++) {
		struct record recs[8];
		uint64_t head;

		for (unsigned i = 0; i < 8; i++)
			recs[i] = record_with("123456789", n % 9, "", 0);
		head = ring_append(&seg, recs, n * 5 % 8);
		CHECK(atomic_load(&seg.ring->rsv_desc) >= desc);
		CHECK(atomic_load(&seg.ring->rsv_bytes) >= bytes);
		CHECK(atomic_load(&seg.ring->rsv_desc) >= head);
		desc = atomic_load(&seg.ring->rsv_desc);
		bytes = atomic_load(&seg.ring->rsv_bytes);
		if (n % 3 != 0)
			ring_commit(&seg, head);
	}
}

TEST(a_record_is_lapped_when_its_descriptor_is_promised)
{
	struct desc_shm d;

	set_up();
	for (uint64_t n = 0; n < NDESC; n++)
		publish("x\n");
	CHECK_EQ(ring_read(&seg, first, &d), RING_OK);
	CHECK_EQ(ring_oldest(&seg), first);
	append("y\n");
	CHECK(!ring_holds(&seg, first));
	CHECK_EQ(ring_read(&seg, first, &d), RING_LAPPED);
	CHECK_EQ(ring_read(&seg, first + 1, &d), RING_OK);
	CHECK_EQ(ring_oldest(&seg), first + 1);
}

TEST(a_record_is_lapped_when_its_bytes_are_promised)
{
	static char line[RING_BYTES / 8];
	struct record rec = record_with(line, sizeof(line), "", 0);
	char got[sizeof(line) + 8];
	struct desc_shm d;

	set_up();
	for (unsigned n = 0; n < 8; n++)
		ring_commit(&seg, ring_append(&seg, &rec, 1));
	CHECK_EQ(ring_read(&seg, first, &d), RING_OK);
	CHECK_EQ(ring_copy(&seg, &d, 0, got, d.len), RING_OK);
	append("y");
	CHECK_EQ(ring_read(&seg, first, &d), RING_OK);
	CHECK_EQ(ring_copy(&seg, &d, 0, got, d.len), RING_LAPPED);
	CHECK_EQ(ring_copy(&seg, &d, 0, got, 0), RING_LAPPED);
	CHECK_EQ(ring_oldest(&seg), first + 1);
	CHECK_EQ(ring_read(&seg, first + 1, &d), RING_OK);
	CHECK_EQ(ring_copy(&seg, &d, 0, got, d.len), RING_OK);
}

TEST(no_record_wraps_at_the_end_of_the_bytes)
{
	/* Ends exactly there, begins with the last word, begins exactly. */
	static const size_t before[] = {
	    RING_BYTES - 96, RING_BYTES - 8, RING_BYTES - 16, RING_BYTES};
	char line[96], got[104];
	struct desc_shm d;

	for (unsigned i = 0; i < COUNT(before); i++) {
		struct record rec = record_with(line, 90, "", 0);

		set_up();
		fill(line, sizeof(line), i);
		atomic_store(&seg.ring->rsv_bytes, before[i]);
		ring_commit(&seg, ring_append(&seg, &rec, 1));
		CHECK_EQ(ring_read(&seg, first, &d), RING_OK);
		CHECK_EQ(d.pos, before[i]);
		CHECK_EQ(ring_copy(&seg, &d, 0, got, 90), RING_OK);
		CHECK_MEM(got, 90, line, 90);
		segment_detach(&seg);
	}
}

/* ring_copy owns 8 bytes behind what it was asked for, and no more. */
TEST(any_part_of_a_record_can_be_copied)
{
	char line[40] = "", extra[13] = "", whole[48] = "";
	char got[sizeof(whole) + 16];
	struct record rec = record_with(line, 35, extra, sizeof(extra));
	struct desc_shm d;

	set_up();
	fill(line, sizeof(line), 1);
	fill(extra, sizeof(extra), 2);
	memcpy(whole, line, 35);
	memcpy(whole + 35, extra, sizeof(extra));
	ring_commit(&seg, ring_append(&seg, &rec, 1));
	CHECK_EQ(ring_read(&seg, first, &d), RING_OK);
	for (size_t off = 0; off <= 48; off++) {
		for (size_t len = 0; off + len <= 48; len++) {
			memset(got, 'C', sizeof(got));
			CHECK_EQ(ring_copy(&seg, &d, off, got, len), RING_OK);
			CHECK_MEM(got, len, whole + off, len);
			CHECK_EQ(got[len + 8], 'C');
		}
		CHECK_EQ(ring_copy(&seg, &d, off, got, 49 - off), RING_LAPPED);
		CHECK_EQ(ring_copy(&seg, &d, off, got, SIZE_MAX), RING_LAPPED);
	}
	CHECK_EQ(ring_copy(&seg, &d, 49, got, 0), RING_LAPPED);
	CHECK_EQ(ring_copy(&seg, &d, SIZE_MAX, got, 1), RING_LAPPED);
	CHECK_EQ(ring_copy_extra(&seg, &d, got), RING_OK);
	CHECK_MEM(got, sizeof(extra), extra, sizeof(extra));
}

/* A descriptor may come from a process gone wrong. */
TEST(a_descriptor_that_is_nonsense_is_refused)
{
	static char got[RING_BYTES + 64];
	struct desc_shm good = {.len = 10}, d;

	set_up();
	atomic_store(&seg.ring->rsv_bytes, RING_BYTES);
	CHECK_EQ(ring_copy(&seg, &good, 0, got, 10), RING_OK);
	d = good;
	d.len = RING_BYTES / 2 + 1;
	CHECK_EQ(ring_copy(&seg, &d, 0, got, 10), RING_LAPPED);
	d.len = UINT32_MAX;
	CHECK_EQ(ring_copy(&seg, &d, 0, got, 10), RING_LAPPED);
	d = good;
	d.extra = RING_BYTES / 2 + 1;
	CHECK_EQ(ring_copy(&seg, &d, 0, got, 10), RING_LAPPED);
	CHECK_EQ(ring_copy_extra(&seg, &d, got), RING_LAPPED);
	/* The largest that is let through stays within the two mappings. */
	d.pos = RING_BYTES - 8;
	d.len = d.extra = RING_BYTES / 2;
	CHECK_EQ(ring_copy(&seg, &d, 0, got, RING_BYTES), RING_OK);
	CHECK_EQ(ring_copy(&seg, &d, 1, got, RING_BYTES - 1), RING_OK);
	CHECK_EQ(ring_copy_extra(&seg, &d, got), RING_OK);
}

TEST(random_descriptors_lead_nobody_astray)
{
	static char got[2 * RING_BYTES];
	uint64_t x = 88172645463325252;

	set_up();
	for (unsigned i = 0; i < 200000; i++) {
		struct desc_shm d = {0};

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		d.len = (uint32_t)x >> (x >> 59);
		d.extra = (uint32_t)(x >> 32) >> (x % 32);
		d.pos = i % 8 == 0 ? x : x & ~UINT64_C(7);
		if (d.len <= RING_BYTES / 2)
			ring_copy(&seg, &d, 0, got, d.len);
		if (d.extra <= RING_BYTES / 2)
			ring_copy_extra(&seg, &d, got);
	}
}

TEST(the_oldest_is_never_beyond_the_head_whatever_the_words_say)
{
	static const uint64_t odd[] = {
	    0, 1, UINT64_MAX, UINT64_MAX / 2, NDESC, 1700000000000001};

	set_up();
	publish("x\n");
	for (unsigned i = 0; i < COUNT(odd); i++) {
		for (unsigned j = 0; j < COUNT(odd); j++) {
			atomic_store(&seg.ring->rsv_desc, odd[i]);
			atomic_store(&seg.ring->rsv_bytes, odd[j]);
			CHECK(ring_oldest(&seg) <= ring_head(&seg));
		}
	}
}

/* Deaths.  A writer needs no repair but the next append. */

static void
append_lost(void *context)
{
	struct record recs[2];

	(void)context;
	recs[0] = record_with("lost\n", 5, "", 0);
	recs[1] = record_with("too\n", 4, "", 0);
	ring_commit(&seg, ring_append(&seg, recs, 2));
}

TEST(a_writer_dead_anywhere_costs_at_most_its_own_records)
{
	static const struct {
		struct death death;
		bool delivered;
	} cases[] = {
	    {{"ring.append.reserved", 1}, false},
	    {{"ring.append.torn", 1}, false},
	    {{"ring.append.torn", 2}, false},
	    {{"ring.append.uncommitted", 1}, false},
	    {{"ring.committed", 1}, true},
	};

	deaths_init();
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t n = 0;

		set_up();
		publish("before\n");
		deaths_die(&cases[i].death, append_lost, NULL);
		publish("next\n");
		check_line(first + n++, "before\n");
		if (cases[i].delivered) {
			check_line(first + n++, "lost\n");
			check_line(first + n++, "too\n");
		}
		check_line(first + n++, "next\n");
		CHECK_EQ(ring_head(&seg), first + n);
		segment_detach(&seg);
	}
}
