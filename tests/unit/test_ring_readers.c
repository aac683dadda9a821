/* SPDX-License-Identifier: MIT */
/* shared/shm/ring: readers who are late accept nothing that is torn. */
#include "shared/shm/ring.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/segment.h"
#include "tests/harness/step.h"
#include "tests/harness/test.h"

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
	CHECK_EQ(seg.layout.ndesc, NDESC);
}

/* Bytes that say whose they are: each depends on `number` and its place. */
static void
fill(char *bytes, size_t len, uint64_t number)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(number * 31 + i * 7 + (i >> 8));
}

/* Length of the record of that number: every residue, often large. */
static size_t
length_of(uint64_t number)
{
	return number % 7 == 0 ? number * 37 % RECORD_MAX : number % 200;
}

/*
 * Publish record `number` in a form that verify_record knows.  Its number
 * counts from the segment's first, and stands in several places.
 */
static void
publish_numbered(uint64_t number)
{
	char line[RECORD_MAX], extra[64];
	size_t len = length_of(number), extra_len = number % 65;
	struct record rec = {.line = line, .extra = extra};

	fill(line, len, number);
	fill(extra, extra_len, ~number);
	rec.d.type = RECORD_MESSAGE;
	rec.d.len = (uint32_t)len;
	rec.d.extra = (uint32_t)extra_len;
	rec.d.room = (uint32_t)number;
	rec.d.room_gen = (uint32_t)number + 1;
	rec.d.room_msg = number * 3;
	rec.d.time_us = ~number;
	ring_commit(&seg, ring_append(&seg, &rec, 1));
}

/* What a reader saw of a record. */
struct reading {
	enum ring_result result;
	struct desc_shm d;
	char line[RECORD_MAX + 8];
	char extra[64 + 8];
};

static void
read_raw(uint64_t number, struct reading *got)
{
	got->result = ring_read(&seg, first + number, &got->d);
	if (got->result == RING_OK && got->d.len <= RECORD_MAX)
		got->result =
		    ring_copy(&seg, &got->d, 0, got->line, got->d.len);
	if (got->result == RING_OK && got->d.extra <= 64)
		got->result = ring_copy_extra(&seg, &got->d, got->extra);
}

/* What was accepted is whole. */
static void
check_reading(uint64_t number, const struct reading *got)
{
	char expected[RECORD_MAX];

	if (got->result != RING_OK)
		return;
	CHECK_EQ(got->d.room, (uint32_t)number);
	CHECK_EQ(got->d.room_gen, (uint32_t)number + 1);
	CHECK_EQ(got->d.room_msg, number * 3);
	CHECK_EQ(got->d.time_us, ~number);
	CHECK_EQ(got->d.len, length_of(number));
	CHECK_EQ(got->d.extra, number % 65);
	fill(expected, got->d.len, number);
	CHECK_MEM(got->line, got->d.len, expected, got->d.len);
	fill(expected, got->d.extra, ~number);
	CHECK_MEM(got->extra, got->d.extra, expected, got->d.extra);
}

static enum ring_result
read_numbered(uint64_t number)
{
	static struct reading got;

	read_raw(number, &got);
	check_reading(number, &got);
	return got.result;
}

TEST(what_is_appended_is_read_back)
{
	set_up();
	for (uint64_t n = 0; n < 20; n++) {
		publish_numbered(n);
		CHECK_EQ(ring_head(&seg), first + n + 1);
		CHECK_EQ(ring_peek_room(&seg, first + n), n);
		CHECK(ring_holds(&seg, first + n));
		for (uint64_t old = 0; old <= n; old++)
			CHECK_EQ(read_numbered(old), RING_OK);
	}
}

/* By descriptors and by bytes, many times round. */
TEST(all_from_the_oldest_to_the_head_is_whole_at_any_time)
{
	set_up();
	for (uint64_t n = 0; n < 5000; n++) {
		uint64_t oldest;

		publish_numbered(n);
		oldest = ring_oldest(&seg) - first;
		CHECK(oldest <= n);
		CHECK_EQ(read_numbered(n), RING_OK);
		CHECK_EQ(read_numbered(oldest), RING_OK);
		if (oldest > 0)
			CHECK_EQ(read_numbered(oldest - 1), RING_LAPPED);
		if (n % 100 == 0)
			for (uint64_t i = oldest; i <= n; i++)
				CHECK_EQ(read_numbered(i), RING_OK);
	}
}

#define STEPPED 600 /* number of the record that is stepped through */

static uint64_t instructions;

static void
publish_stepped(void *context)
{
	(void)context;
	publish_numbered(STEPPED);
}

/* Read all there is, as every other worker may at this moment. */
static void
read_all(void *context)
{
	uint64_t whole = 0;

	(void)context;
	instructions++;
	if (instructions % 16 != 0)
		return; /* each 16th, another one for each ring */
	for (uint64_t n = 0; n <= STEPPED; n++)
		whole += read_numbered(n) == RING_OK;
	CHECK(whole > 0);
}

TEST(a_reader_accepts_nothing_torn_while_a_writer_is_between_instructions)
{
	for (unsigned phase = 0; phase < 16; phase += 5) {
		set_up();
		for (uint64_t n = 0; n < STEPPED; n++)
			publish_numbered(n);
		instructions = phase;
		if (step_through(publish_stepped, read_all, NULL) == 0)
			return; /* no tracing here */
		CHECK_EQ(read_numbered(STEPPED), RING_OK);
		segment_detach(&seg);
	}
}

/* The other way round. */
struct lapping {
	uint64_t at;     /* instruction of the reader */
	uint64_t number; /* the next one to be published */
	uint64_t reads;  /* number of the record it reads */
	struct reading got;
};

static void
read_slowly(void *context)
{
	struct lapping *lap = context;

	read_raw(lap->reads, &lap->got);
}

static void
lap_the_reader(void *context)
{
	struct lapping *lap = context;

	if (++instructions == lap->at)
		for (int i = 0; i < NDESC + 3; i++)
			publish_numbered(lap->number++);
}

/* Let a short record be read.  Returns the instructions it took. */
static uint64_t
read_lapped(struct lapping *lap, uint64_t at)
{
	uint64_t steps;

	lap->at = at;
	lap->reads = ring_oldest(&seg) - first;
	lap->reads += lap->reads % 7 == 0;
	instructions = 0;
	steps = step_through(read_slowly, lap_the_reader, lap);
	if (steps > 0)
		check_reading(lap->reads, &lap->got);
	return steps;
}

TEST(a_reader_lapped_between_instructions_accepts_nothing_torn)
{
	struct lapping *lap = test_share(sizeof(*lap));
	uint64_t steps, whole = 0, lapped = 0;

	set_up();
	while (lap->number < NDESC)
		publish_numbered(lap->number++);
	steps = read_lapped(lap, 0);
	/* Not at each: with a sanitizer there are many, 20 us each. */
	for (uint64_t at = 1; at < steps; at += 1 + steps * steps / 50000) {
		read_lapped(lap, at);
		whole += lap->got.result == RING_OK;
		lapped += lap->got.result == RING_LAPPED;
	}
	CHECK(steps == 0 || (whole > 0 && lapped > 0));
}

/* Processes: one writes as fast as it can, the others read. */

#define STORM 40000 /* records */

static void
read_storm(uint64_t *accepted)
{
	uint64_t n = 0;

	while (n < STORM) {
		switch (read_numbered(n)) {
		case RING_OK:
			(*accepted)++;
			n++;
			break;
		case RING_NOTHING:
			break;
		case RING_LAPPED:
			CHECK(ring_oldest(&seg) - first > n);
			n = ring_oldest(&seg) - first;
			break;
		}
	}
}

TEST(readers_of_other_processes_accept_nothing_torn)
{
	uint64_t *accepted = test_share(4096);
	pid_t pids[2];
	int status;

	set_up();
	for (unsigned i = 0; i < COUNT(pids); i++) {
		pids[i] = fork();
		CHECK(pids[i] != -1);
		if (pids[i] == 0) {
			read_storm(&accepted[i * 8]);
			_exit(0);
		}
	}
	for (uint64_t n = 0; n < STORM; n++)
		publish_numbered(n);
	for (unsigned i = 0; i < COUNT(pids); i++) {
		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_EQ(status, 0);
		CHECK(accepted[i * 8] > 0);
	}
}
