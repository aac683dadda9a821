/* SPDX-License-Identifier: MIT */
/* worker/recall: what a session has typed, made again from the ring. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/editor.h"
#include "tests/harness/worker.h"
#include "worker/edit.h"

#define LINE_BYTES 1024
#define ME 0
#define BOB 1

static struct test_worker t;
static char line[LINE_BYTES + 1];
static unsigned found;

/* Lines of at most that many bytes; I am Alice, and Bob is there. */
static void
begin(uint32_t max_line)
{
	struct segment_params params = test_params();

	params.max_line = max_line;
	test_worker(&t, &params);
	test_worker_join(&t, ME, "general", "Alice");
	test_worker_join(&t, BOB, "general", "Bob");
}

/* The line at that step or behind it that contains the pattern, or NULL. */
static const char *
search(unsigned step, const char *pattern)
{
	char *exact = malloc(t.settings.max_line);
	size_t len;
	bool there = recall_line(
	    &t.w, ME, step, pattern, strlen(pattern), &found, exact, &len);

	if (there) {
		CHECK(len <= t.settings.max_line);
		memcpy(line, exact, len);
		line[len] = '\0';
	}
	free(exact);
	return there ? line : NULL;
}

/* The line at that step, or NULL. */
static const char *
recall(unsigned step)
{
	const char *there = search(step, "");

	if (there != NULL)
		CHECK_EQ(found, step);
	return there;
}

/* Every kind of line that leaves a record comes back as it was typed. */
TEST(lines_come_back_as_they_were_typed)
{
	static const char *const lines[] = {
	    "hello",
	    "  two blanks in front, and one behind ",
	    "//a slash in front",
	    "///two of them",
	    "/me waves",
	    "/topic tea, and \xe2\x98\x95",
	    "/msg Bob psst",
	    "/msg Alice a note to myself",
	    "/nick Al",
	    "who was it?",
	    "/nick Alice",
	    "/join elsewhere",
	    "\xc3\xa4\xf0\x9f\x8c\x9f",
	    "/join General",
	};

	begin(LIMIT_LINE_MIN);
	for (unsigned i = 0; i < COUNT(lines); i++) {
		test_worker_say(&t, ME, lines[i]);
		test_worker_say(&t, ME, "\n");
		test_worker_say(&t, BOB, "and then some\n");
	}
	for (unsigned i = 0; i < COUNT(lines); i++)
		CHECK_STR(recall(1 + i), lines[COUNT(lines) - 1 - i]);
	CHECK(recall(1 + COUNT(lines)) == NULL);
}

TEST(what_leaves_no_record_does_not_come_back)
{
	begin(LIMIT_LINE_MIN);
	CHECK(recall(1) == NULL);
	test_worker_say(&t, ME, "/who\n/nobody knows\n/msg Nobody hm\n\n");
	CHECK(recall(1) == NULL);
	test_worker_say(&t, ME, "one\n/help\n/join general\ntwo\n");
	CHECK_STR(recall(1), "two");
	CHECK_STR(recall(2), "one");
	CHECK(recall(3) == NULL);
}

TEST(the_same_line_in_a_row_is_one_step)
{
	begin(LIMIT_LINE_MIN);
	test_worker_say(&t, ME, "b\na\nb\nb\n");
	test_worker_say(&t, BOB, "b\n");
	test_worker_say(&t, ME, "b\n/who\nb\n");
	CHECK_STR(recall(1), "b");
	CHECK_STR(recall(2), "a");
	CHECK_STR(recall(3), "b");
	CHECK(recall(4) == NULL);
}

TEST(a_search_finds_the_first_line_from_its_step_on)
{
	begin(LIMIT_LINE_MIN);
	test_worker_say(&t, ME, "a tea\n/me drinks tea\nno coffee\ntea\n");
	CHECK_STR(search(1, "tea"), "tea");
	CHECK_EQ(found, 1);
	CHECK_STR(search(2, "tea"), "/me drinks tea");
	CHECK_EQ(found, 3);
	CHECK_STR(search(4, "tea"), "a tea");
	CHECK_EQ(found, 4);
	CHECK(search(5, "tea") == NULL);
	CHECK_STR(search(1, "/me d"), "/me drinks tea");
	CHECK(search(1, "milk") == NULL);
	CHECK(search(1, "tea and much more than anybody said") == NULL);
}

/* Others' lines, and those of who had the slot before, are not mine. */
TEST(a_session_recalls_its_own_lines_only)
{
	begin(LIMIT_LINE_MIN);
	test_worker_say(&t, BOB, "mine\n/msg Alice hi\n");
	CHECK(recall(1) == NULL);
	test_worker_say(&t, ME, "secret\n");
	test_worker_close(&t, ME);
	CHECK(recall(1) == NULL);
	test_worker_join(&t, ME, "general", "Carol");
	CHECK(recall(1) == NULL);
	test_worker_say(&t, ME, "open\n");
	CHECK_STR(recall(1), "open");
	CHECK(recall(2) == NULL);
}

/* A record has no name of a private message's reader. */
TEST(a_reader_has_the_name_it_had_last)
{
	begin(LIMIT_LINE_MIN);
	test_worker_say(&t, ME, "/msg Bob psst\n");
	test_worker_say(&t, BOB, "hm?\n/nick Rob\n");
	CHECK_STR(recall(1), "/msg Rob psst");
	test_worker_close(&t, BOB);
	CHECK_STR(recall(1), "/msg Rob psst");
	test_worker_join(&t, BOB, "general", "Eve");
	CHECK_STR(recall(1), "/msg Rob psst");
	test_worker_say(&t, ME, "/msg Eve psst\n");
	CHECK_STR(recall(1), "/msg Eve psst");
	CHECK_STR(recall(2), "/msg Rob psst");
	CHECK(recall(3) == NULL);
}

/* A safe text may be longer than what was typed, and so may a new name be. */
TEST(what_is_too_long_is_cut_between_characters)
{
	char text[LIMIT_LINE_MIN + 2] = "";
	size_t len;

	begin(LIMIT_LINE_MIN);
	memset(text, 'x', LIMIT_LINE_MIN);
	text[LIMIT_LINE_MIN] = '\n';
	test_worker_say(&t, ME, text);
	text[LIMIT_LINE_MIN] = '\0';
	CHECK_STR(recall(1), text);
	memset(text, '\xff', LIMIT_LINE_MIN);
	text[LIMIT_LINE_MIN] = '\n';
	test_worker_say(&t, ME, text);
	CHECK(recall(1) != NULL);
	len = strlen(line);
	CHECK_EQ(len, LIMIT_LINE_MIN - LIMIT_LINE_MIN % 3);
	CHECK_MEM(line + len - 3, 3, "\xef\xbf\xbd", 3);
	memset(text, '/', LIMIT_LINE_MIN);
	test_worker_say(&t, ME, text);
	text[LIMIT_LINE_MIN] = '\0';
	CHECK_STR(recall(1), text);
}

TEST(a_history_has_so_many_lines_and_no_more)
{
	char text[32];

	begin(LIMIT_LINE_MIN);
	for (unsigned i = 0; i < EDITOR_HISTORY_MAX + 5; i++) {
		snprintf(text, sizeof(text), "line %u\n", i);
		test_worker_say(&t, ME, text);
	}
	CHECK_STR(recall(EDITOR_HISTORY_MAX), "line 5");
	CHECK(recall(EDITOR_HISTORY_MAX + 1) == NULL);
	CHECK(search(1, "line 4\n") == NULL);
	CHECK(search(2, "line 204") == NULL);
}

/* What is overwritten is gone, and so is all before it. */
TEST(a_history_ends_where_the_ring_does)
{
	unsigned steps = 0;

	begin(LIMIT_LINE_MIN);
	test_worker_say(&t, ME, "the first\n/me is the second\n");
	while (recall(1) != NULL && ++steps < 10000)
		test_worker_say(&t, BOB, "x\ny\nz\nx\ny\nz\nx\ny\nz\n");
	CHECK(steps > 10 && steps < 10000);
	CHECK(recall(2) == NULL);
	test_worker_say(&t, ME, "anew\n");
	CHECK_STR(recall(1), "anew");
	CHECK(recall(2) == NULL);
}

static struct desc_shm *
last_record(void)
{
	const struct segment *seg = &t.w.seg;

	return &seg->desc[(ring_head(seg) - 1) & (seg->layout.ndesc - 1)];
}

/* A record may be there when its bytes are overwritten already. */
TEST(a_history_ends_where_bytes_are_gone)
{
	begin(LIMIT_LINE_MIN);
	test_worker_say(&t, ME, "one\n/me two\n");
	CHECK_STR(recall(1), "/me two");
	last_record()->len = (uint32_t)t.w.seg.params.ring_bytes;
	CHECK(recall(1) == NULL);
	CHECK(recall(2) == NULL);
}

TEST(a_name_that_is_too_long_is_none)
{
	begin(LIMIT_LINE_MIN);
	test_worker_say(&t, ME, "one\n/msg Bob psst\n");
	test_worker_close(&t, BOB);
	CHECK_STR(recall(1), "/msg Bob psst");
	last_record()->len = 4096;
	last_record()->name_len = UINT8_MAX;
	CHECK_STR(recall(1), "one");
}

/* Set a byte of a record's descriptor or text in turn to anything. */
static void
make_nonsense(uint64_t n, unsigned seed)
{
	const struct segment *seg = &t.w.seg;
	struct desc_shm *d = &seg->desc[n & (seg->layout.ndesc - 1)];
	unsigned char *bytes = (unsigned char *)d;
	uint32_t sender = d->sender, gen = d->sender_gen;

	bytes[seed % sizeof(*d)] = (unsigned char)(seed * 2654435761u >> 24);
	d->sender = sender;
	d->sender_gen = gen;
}

/* It may end early, or say what nobody said: that is safe, and fits. */
TEST_WITHIN(nonsense_in_the_ring_harms_nothing, 60)
{
	struct segment kept;
	struct segment_params params;

	begin(LIMIT_LINE_MIN);
	test_worker_say(&t, ME, "one\n/me two\n/msg Bob 3\n/topic 4\n");
	test_worker_say(&t, ME, "/join five\n/nick six\n//seven\n/msg Bob 8\n");
	test_worker_close(&t, BOB);
	params = t.w.seg.params;
	test_segment(&kept, &params);
	test_copy(&kept, &t.w.seg);
	for (unsigned seed = 0; seed < 20000; seed++) {
		uint64_t head = ring_head(&t.w.seg);

		make_nonsense(head - 1 - seed / 64 % 12, seed);
		make_nonsense(head - 1 - seed % 12, seed * 7 + 3);
		for (unsigned step = 1; step < 12; step += 3)
			if (search(step, "") != NULL)
				for (char *p = line; *p != '\0'; p++)
					CHECK((unsigned char)*p >= ' ' ||
					      *p == '\t');
		test_copy(&t.w.seg, &kept);
	}
	CHECK_STR(recall(1), "/msg Bob 8");
}
