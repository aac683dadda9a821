/* SPDX-License-Identifier: MIT */
/*
 * Deaths at fault points.  A point is armed for a hit in the near future, as
 * its rate of hits suggests, and disarmed when that doesn't come; points of
 * repair are hit only after another death, which the caller brings about.
 */
#include "tests/torture/torture.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/fault.h"

#ifdef FAULTS

#define AHEAD_US 40000 /* so far ahead lies the hit that is to be the last */
#define MEASURE_US 500000
#define DELAY_MAX_US 20000
#define DAWDLE_US 6000
#define ARMED_MAX 3

static struct fault_file file;
static struct {
	uint64_t hits; /* when last measured */
	uint64_t rate; /* a second */
	unsigned kills;
} points[FAULT_ROWS];
static struct {
	struct fault_row_shm *row;
	enum fault_action action;
} armed[ARMED_MAX];
static unsigned narmed;
static uint64_t measured_us;

/* Where the lock is held: a death there makes work for its successor. */
static const char *const with_lock[] = {"ring.append.reserved",
    "ring.append.torn", "ring.append.uncommitted", "ring.committed",
    "journal.applied", "journal.half.stored", "lock.acquired", "lock.releasing",
    "journal.apply.room", "journal.apply.left"};

/* Between a commit and who is to hear of it. */
static const char *const with_wakeup[] = {"ring.committed", "journal.applied",
    "journal.half.stored", "step.cleared", "lock.releasing",
    "publish.committed", "publish.bell", "worker.woken", "worker.sleeping",
    "fanout.staged", "fanout.sent", "lock.released"};

static uint32_t
points_count(void)
{
	return atomic_load(&file.shm->count);
}

static const char *
point_name(uint32_t i)
{
	return file.shm->rows[i].name;
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Is it a worker that comes by there? */
static bool
point_is_worker(uint32_t i)
{
	return !begins(point_name(i), "master.") ||
	       strcmp(point_name(i), "master.forked") == 0;
}

/* Does anybody come by only after a death? */
static bool
point_is_repair(uint32_t i)
{
	static const char *const names[] = {"takeover.", "journal.replayed",
	    "journal.rebuilt", "journal.settled", "master.forked"};

	for (size_t k = 0; k < COUNT(names); k++)
		if (begins(point_name(i), names[k]))
			return true;
	return false;
}

bool
points_open(void)
{
	return fault_attach(&file, server.faults_path) == 0;
}

void
points_close(void)
{
	if (file.shm != NULL)
		fault_detach(&file);
	file.shm = NULL;
}

/* How often is each point hit?  Now and then. */
void
points_measure(uint64_t now)
{
	uint64_t passed = now - measured_us, hits;

	if (passed < MEASURE_US)
		return;
	measured_us = now;
	for (uint32_t i = 0; i < points_count(); i++) {
		hits = fault_hits(&file.shm->rows[i]);
		points[i].rate = (hits - points[i].hits) * SECOND_US / passed;
		points[i].hits = hits;
	}
}

/* Does anybody come by there as things are? */
static bool
point_is_used(uint32_t i)
{
	return load_mode == LOAD_QUIET ? points[i].rate > 0
				       : points[i].hits > 0;
}

/* A point of that kind; half of the time the one least used until now. */
static uint32_t
point_choose(bool repair)
{
	uint32_t n = points_count(), best = UINT32_MAX, seen = 0;
	bool least = chance_of(50);

	for (uint32_t i = 0; i < n; i++) {
		if (!point_is_worker(i) || point_is_repair(i) != repair ||
		    (!repair && !point_is_used(i)))
			continue;
		seen++;
		if (best == UINT32_MAX ||
		    (least ? points[i].kills < points[best].kills
			   : chance_below(seen) == 0))
			best = i;
	}
	return best;
}

static bool
point_order(uint32_t i, enum fault_action action, uint32_t delay_us)
{
	uint64_t ahead = points[i].rate * AHEAD_US / SECOND_US;
	uint32_t most = load_mode == LOAD_QUIET ? 3 : (uint32_t)ahead + 2;
	uint32_t countdown = options.at != NULL ? 1 : 1 + chance_below(most);

	if (narmed == ARMED_MAX ||
	    atomic_load(&file.shm->rows[i].action) != FAULT_NONE ||
	    fault_arm(&file, point_name(i), action, countdown, delay_us, -1) ==
		-1)
		return false;
	armed[narmed].row = &file.shm->rows[i];
	armed[narmed++].action = action;
	return true;
}

static bool
point_arm(uint32_t i)
{
	return point_order(i, FAULT_DIE, 0);
}

static uint32_t
row_index(const struct fault_row_shm *row)
{
	return (uint32_t)(row - file.shm->rows);
}

/*
 * Somebody dawdles with the lock, so that others wait for it: only then is
 * there anybody to be woken when it is given back.
 */
static bool
point_arm_named(struct fault_row_shm *row)
{
	struct fault_row_shm *held = fault_find(&file, "lock.acquired");

	if (row == NULL)
		return false;
	if (held != NULL && begins(row->name, "lock.") && row != held)
		(void)point_order(
		    row_index(held), FAULT_DELAY, chance_below(DAWDLE_US));
	return point_arm(row_index(row));
}

static bool
arm_one_of(const char *const names[], size_t n)
{
	return point_arm_named(
	    fault_find(&file, names[chance_below((uint32_t)n)]));
}

/*
 * Arm a point, for `repair` one that a successor comes by.  Returns whether
 * somebody must be killed to get there.
 */
bool
points_arm(bool repair)
{
	uint32_t i;

	if (!repair && load_mode == LOAD_QUIET && chance_of(50))
		return !arm_one_of(with_wakeup, COUNT(with_wakeup));
	i = point_choose(repair);
	if (i == UINT32_MAX || !point_arm(i))
		return repair;
	if (repair && begins(point_name(i), "journal."))
		return !arm_one_of(with_lock, COUNT(with_lock));
	return repair;
}

/* Arm one of the points that are asked for. */
void
points_arm_given(void)
{
	struct fault_row_shm *row = NULL;
	char names[256], *name, *rest = names;
	uint32_t seen = 0;

	snprintf(names, sizeof(names), "%s", options.at);
	while ((name = strsep(&rest, ",")) != NULL)
		if (chance_below(++seen) == 0)
			row = fault_find(&file, name);
	(void)point_arm_named(row);
}

/* Let somebody sleep for a moment where that may be bad for others. */
void
points_delay(void)
{
	uint32_t i = point_choose(false);

	if (i != UINT32_MAX)
		(void)point_order(i, FAULT_DELAY, chance_below(DELAY_MAX_US));
}

bool
points_armed(void)
{
	return narmed > 0;
}

/* Order `k` was carried out, or is not any more.  Was it a death? */
static bool
points_drop(unsigned k, bool fired)
{
	bool death = fired && armed[k].action == FAULT_DIE;

	if (death)
		points[armed[k].row - file.shm->rows].kills++;
	armed[k] = armed[--narmed];
	return death;
}

/* Has somebody died at a point since the last call? */
bool
points_fired(void)
{
	for (unsigned k = narmed; k-- > 0;)
		if (atomic_load(&armed[k].row->action) == FAULT_NONE &&
		    points_drop(k, true))
			return true;
	return false;
}

/* Give up on one that is armed.  Returns whether it killed after all. */
bool
points_disarm(void)
{
	uint32_t was;

	if (narmed == 0)
		return false;
	was = atomic_exchange(&armed[0].row->action, FAULT_NONE);
	return points_drop(0, was == FAULT_NONE);
}

/* Each point, how often it was come by, and how often that was the end. */
void
points_table(void)
{
	if (file.shm == NULL)
		return;
	printf("%-28s %12s %6s\n", "point", "hits", "kills");
	for (uint32_t i = 0; i < points_count(); i++)
		printf("%-28s %12ju %6u\n", point_name(i),
		    (uintmax_t)fault_hits(&file.shm->rows[i]), points[i].kills);
}

#else

bool
points_open(void)
{
	return true;
}

void
points_close(void)
{
}

void
points_measure(uint64_t now)
{
	(void)now;
}

bool
points_arm(bool repair)
{
	(void)repair;
	return true;
}

void
points_arm_given(void)
{
}

void
points_delay(void)
{
}

bool
points_armed(void)
{
	return false;
}

bool
points_fired(void)
{
	return false;
}

bool
points_disarm(void)
{
	return false;
}

void
points_table(void)
{
}

#endif
