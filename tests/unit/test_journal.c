/* SPDX-License-Identifier: MIT */
/*
 * shared/shm/journal: changes that happen once, wherever the worker dies.
 * Most variants are built without fault points: then this file brings its own,
 * so that the deaths are tested in each of them.
 */
#ifndef FAULTS
#define FAULTS
#include "shared/base/fault.c"
#include "shared/shm/journal.c"
#include "shared/shm/lock.c"
#include "shared/shm/ring.c"
#include "shared/shm/tables.c"
#endif

#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "shared/shm/journal.h"
#include "tests/harness/deaths.h"
#include "tests/harness/segment.h"
#include "tests/harness/step.h"

#define DEATHS_MAX 100

/* Scenes from one that is stepped through to the next. */
#ifdef __SANITIZE_ADDRESS__
#define STRIDE 3 /* it makes ten instructions of one, 20 us each */
#else
#define STRIDE 1
#endif

/* Who is where at the beginning of each scene, and by whom served. */
enum {
	ALICE, /* in the lobby, seat 0 */
	BOB,   /* in the lobby, seat 1 */
	CAROL, /* in no room yet, seat 0 */
	DAVE,  /* alone in the den, seat 0 */
	ERIN,  /* in no room yet, seat 1 */
};

/* What the worker in seat 0 does, and is killed in. */
struct scene {
	const char *name;
	void (*act)(struct journal *j);
};

static struct segment live; /* where it is killed */
static struct segment copy; /* where it is settled */
static struct segment last; /* the one before, when stepping */
static struct test_picture before, after;

static void
act_message(struct journal *j)
{
	test_say(j, ALICE, "once, and in order", 1);
}

static void
act_messages(struct journal *j)
{
	test_say(j, ALICE, "all of them or none", 3);
}

static void
act_run(struct journal *j)
{
	test_say_run(j, ALICE, "all of them or none", 3);
}

static void
act_join(struct journal *j)
{
	test_join(j, CAROL, "carol", "lobby");
}

static void
act_join_new_room(struct journal *j)
{
	test_join(j, CAROL, "carol", "attic");
}

static void
act_leave(struct journal *j)
{
	test_leave(j, ALICE);
}

static void
act_leave_last(struct journal *j)
{
	test_leave(j, DAVE);
}

static void
act_rename(struct journal *j)
{
	test_tell(j, ALICE, RECORD_RENAME, "Alison");
}

static void
act_topic(struct journal *j)
{
	test_tell(j, ALICE, RECORD_TOPIC, "all of it or nothing");
}

static void
act_step(struct journal *j)
{
	struct session_half half = live.sessions[ALICE].half;

	half.in_done += 100;
	half.reply.code = 1;
	half.room_len = 1;
	journal_step(j, ALICE, &half);
}

static struct scene scenes[] = {
    {"a message", act_message},
    {"a batch of messages", act_messages},
    {"a run of messages", act_run},
    {"a join", act_join},
    {"a join that makes a room", act_join_new_room},
    {"a leave", act_leave},
    {"a leave that ends a room", act_leave_last},
    {"a new name", act_rename},
    {"a new topic", act_topic},
    {"a step", act_step},
};

static void
act(void *context)
{
	const struct scene *scene = context;
	struct journal j = test_journal(&live, 0);

	scene->act(&j);
}

static void
settle(void *context UNUSED)
{
	struct journal j = test_journal(&live, 0);

	journal_settle(&j);
}

/* The beginning of each scene, in `live`; and a second segment, `copy`. */
static void
set_up(void)
{
	struct segment_params params = test_params();
	struct journal mine, other;

	test_segment(&live, &params);
	test_segment(&copy, &params);
	test_segment(&last, &params);
	mine = test_journal(&live, 0);
	other = test_journal(&live, 1);
	for (uint32_t slot = ALICE; slot <= ERIN; slot++)
		test_connect(&live, slot, slot == BOB || slot == ERIN);
	test_join(&mine, ALICE, "alice", "lobby");
	test_join(&other, BOB, "Bob", "lobby");
	test_join(&mine, DAVE, "dave", "den");
	test_say(&other, BOB, "hello", 1);
	test_picture(&live, &before);
}

/* Let the scene happen undisturbed, to know how chat is then. */
static void
rehearse(struct scene *scene)
{
	struct segment_params params = test_params();
	struct segment kept;

	test_segment(&kept, &params);
	test_copy(&kept, &live);
	act(scene);
	CHECK_STR(test_breach(&live), "");
	test_picture(&live, &after);
	CHECK(memcmp(&before, &after, sizeof(before)) != 0);
	test_copy(&live, &kept);
	segment_detach(&kept);
}

/* Died before the commit, or behind it: nothing else is there to be seen. */
static const char *
what_is_wrong(struct segment *seg)
{
	struct seat_shm *seat = segment_seat(seg, 0);
	struct test_picture now;

	test_picture(seg, &now);
	if (memcmp(&now, &before, sizeof(now)) != 0 &&
	    memcmp(&now, &after, sizeof(now)) != 0)
		return now.head == before.head
			   ? "a part of it happened"
			   : "it is committed, but a part of it is missing";
	if (atomic_load(&seat->step.valid) != 0)
		return "the note is still there";
	if (atomic_load(&seg->lock->word) != 0)
		return "the lock is still taken";
	return NULL;
}

/* Settle what was left in `seg`; then all is well, and others can go on. */
static void
check_settling(
    struct segment *seg, const char *scene, const char *where, uint64_t number)
{
	struct journal mine = test_journal(seg, 0);
	struct journal other = test_journal(seg, 1);
	bool held = lock_is_mine(&mine.lock);
	const char *wrong;

	if (journal_settle(&mine) != held)
		wrong = "it does not know who held the lock";
	else
		wrong = what_is_wrong(seg);
	if (wrong == NULL && *test_breach(seg) != '\0')
		wrong = test_breach(seg);
	if (wrong != NULL)
		test_fail(__FILE__, __LINE__, "%s, dead at %s %ju: %s", scene,
		    where, (uintmax_t)number, wrong);
	test_join(&other, ERIN, "erin", "lobby");
	test_say(&other, ERIN, "life goes on", 2);
	CHECK_STR(test_breach(seg), "");
}

TEST(a_worker_dead_at_any_fault_point_leaves_all_of_a_change_or_nothing)
{
	struct segment_params params = test_params();
	struct death deaths[DEATHS_MAX];
	struct segment kept;
	size_t n;

	deaths_init();
	test_segment(&kept, &params);
	for (unsigned i = 0; i < COUNT(scenes); i++) {
		set_up();
		rehearse(&scenes[i]);
		test_copy(&kept, &live);
		n = deaths_find(act, &scenes[i], deaths, DEATHS_MAX);
		CHECK(n >= 3);
		for (size_t d = 0; d < n; d++) {
			test_copy(&live, &kept);
			deaths_die(&deaths[d], act, &scenes[i]);
			check_settling(&live, scenes[i].name, deaths[d].point,
			    deaths[d].hit);
		}
	}
}

/* The successor dies as well, and the next one settles what both left. */
static void
die_while_settling(struct scene *scene, const struct death *first)
{
	struct segment_params params = test_params();
	struct death deaths[DEATHS_MAX];
	struct segment kept;
	char where[100];
	size_t n;

	test_segment(&kept, &params);
	test_copy(&kept, &live);
	n = deaths_find(settle, NULL, deaths, DEATHS_MAX);
	for (size_t d = 0; d < n; d++) {
		test_copy(&live, &kept);
		deaths_die(&deaths[d], settle, NULL);
		snprintf(where, sizeof(where), "%s, its successor at %s",
		    first->point, deaths[d].point);
		check_settling(&live, scene->name, where, deaths[d].hit);
	}
	segment_detach(&kept);
}

TEST_WITHIN(a_successor_dead_at_any_fault_point_leaves_no_less, 60)
{
	struct segment_params params = test_params();
	struct death deaths[DEATHS_MAX];
	struct segment kept;
	size_t n;

	deaths_init();
	test_segment(&kept, &params);
	for (unsigned i = 0; i < COUNT(scenes); i++) {
		set_up();
		rehearse(&scenes[i]);
		test_copy(&kept, &live);
		n = deaths_find(act, &scenes[i], deaths, DEATHS_MAX);
		for (size_t d = 0; d < n; d++) {
			test_copy(&live, &kept);
			deaths_die(&deaths[d], act, &scenes[i]);
			die_while_settling(&scenes[i], &deaths[d]);
		}
	}
}

static const char *stepping; /* the scene */
static uint64_t instructions, stores;

/* Settle a copy of what is there now, if it isn't what was there before. */
static void
between_instructions(void *context UNUSED)
{
	instructions++;
	if (test_same(&last, &live))
		return;
	stores++;
	test_copy(&last, &live);
	test_copy(&copy, &live);
	check_settling(&copy, stepping, "instruction", instructions);
}

TEST_WITHIN(
    a_worker_dead_between_any_two_instructions_leaves_all_or_nothing, 60)
{
	for (unsigned i = 0; i < COUNT(scenes); i += STRIDE) {
		set_up();
		rehearse(&scenes[i]);
		stepping = scenes[i].name;
		test_copy(&last, &live);
		instructions = stores = 0;
		if (step_through(act, between_instructions, &scenes[i]) == 0)
			return; /* no tracing here */
		CHECK(instructions > 100 && stores >= 5);
		check_settling(&live, stepping, "its end", 0);
	}
}

/* Scenes that were committed, and then the successor dies. */
TEST_WITHIN(a_successor_dead_between_any_two_instructions_leaves_no_less, 60)
{
	static const struct death died[] = {
	    {"ring.append.torn", 1},
	    {"ring.committed", 1},
	    {"journal.half.stored", 1},
	};

	deaths_init();
	for (unsigned i = 0; i < COUNT(scenes) - 1; i += STRIDE) {
		set_up();
		rehearse(&scenes[i]);
		stepping = scenes[i].name;
		deaths_die(&died[i / STRIDE % COUNT(died)], act, &scenes[i]);
		test_copy(&last, &live);
		instructions = stores = 0;
		if (step_through(settle, between_instructions, NULL) == 0)
			return;
		CHECK(stores > 20);
		check_settling(&live, stepping, "its end", 0);
	}
}

struct outcome {
	const char *point;
	bool happened;
};

/* Die at each of these points of a scene, and settle. */
static void
check_outcomes(struct scene *scene, const struct outcome *o, size_t n)
{
	deaths_init();
	for (size_t i = 0; i < n; i++) {
		struct test_picture now;

		set_up();
		rehearse(scene);
		deaths_die(&(struct death){o[i].point, 1}, act, scene);
		settle(NULL);
		test_picture(&live, &now);
		CHECK(memcmp(&now, o[i].happened ? &after : &before,
			  sizeof(now)) == 0);
	}
}

TEST(a_change_has_happened_from_its_commit_on_and_not_before)
{
	static const struct outcome outcomes[] = {
	    {"step.noted", false},
	    {"ring.append.reserved", false},
	    {"ring.append.torn", false},
	    {"ring.append.uncommitted", false},
	    {"ring.committed", true},
	    {"journal.applied", true},
	    {"journal.half.stored", true},
	    {"step.cleared", true},
	};

	check_outcomes(&scenes[1], outcomes, COUNT(outcomes));
}

TEST(a_step_has_happened_from_its_note_on)
{
	static const struct outcome outcomes[] = {
	    {"step.noting", false},
	    {"step.noted", true},
	    {"step.cleared", true},
	};

	check_outcomes(&scenes[COUNT(scenes) - 1], outcomes, COUNT(outcomes));
}

TEST(records_can_be_applied_any_number_of_times)
{
	for (unsigned i = 0; i < COUNT(scenes); i++) {
		set_up();
		rehearse(&scenes[i]);
		act(&scenes[i]);
		for (int times = 0; times < 3; times++) {
			struct test_picture now;

			atomic_store(&live.ring->applied, before.applied);
			atomic_store(&live.lock->word, 0 + 1);
			settle(NULL);
			test_picture(&live, &now);
			CHECK(memcmp(&now, &after, sizeof(now)) == 0);
			CHECK_STR(test_breach(&live), "");
		}
	}
}

TEST(settling_leaves_the_lock_of_another_alone)
{
	struct journal mine, other;

	deaths_init();
	set_up();
	mine = test_journal(&live, 0);
	other = test_journal(&live, 1);
	deaths_die(
	    &(struct death){"step.noted", 1}, act, &scenes[COUNT(scenes) - 1]);
	lock_acquire(&other.lock);
	CHECK(!journal_settle(&mine));
	CHECK(lock_is_mine(&other.lock));
	CHECK_EQ(live.sessions[ALICE].half.reply.code, 1);
	lock_release(&other.lock);
}

TEST(settling_nothing_changes_nothing)
{
	struct test_picture now;

	set_up();
	test_copy(&copy, &live);
	settle(NULL);
	test_picture(&live, &now);
	CHECK(memcmp(&now, &before, sizeof(now)) == 0);
	CHECK(test_same(&copy, &live));
}

/* From a process gone wrong. */
TEST(settling_believes_no_nonsense)
{
	static const uint64_t far[] = {0, 1, UINT64_MAX, UINT64_MAX / 2};
	struct note_step *step;

	set_up();
	step = &segment_seat(&live, 0)->step;
	for (unsigned i = 0; i < COUNT(far); i++) {
		atomic_store(&step->valid, 1);
		step->slot = live.params.nslots + i;
		step->after = far[i];
		atomic_store(&live.ring->applied, far[i]);
		atomic_store(&live.lock->word, 0 + 1);
		settle(NULL);
		CHECK_EQ(atomic_load(&live.lock->word), 0);
		CHECK_EQ(atomic_load(&step->valid), 0);
		CHECK_STR(test_breach(&live), "");
	}
}

TEST(replaying_random_descriptors_harms_nobody)
{
	uint64_t x = 88172645463325252;

	set_up();
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t *word = (uint64_t *)(void *)live.desc;
		size_t words = 8 * sizeof(struct desc_shm) / sizeof(*word);

		for (size_t w = 0; w < words; w++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			word[w] = x % 3 == 0 ? x : x % 3 == 1 ? x % 64 : 0;
		}
		for (unsigned n = 0; n < 8; n++)
			live.desc[n].type = (uint8_t)((x >> n) % RECORD_TYPES);
		atomic_store(&live.ring->head, live.params.first_seq + 8);
		atomic_store(&live.ring->applied, live.params.first_seq);
		atomic_store(&live.lock->word, 0 + 1);
		settle(NULL);
		CHECK_EQ(atomic_load(&live.lock->word), 0);
	}
}
