/* SPDX-License-Identifier: MIT */
/*
 * Deaths at places: a fault point and the kind of worker that comes by.  One is
 * armed for a hit in the near future, as its rate of hits suggests, and
 * disarmed when that doesn't come; places of repair are come by only after
 * another death, which the caller brings about.
 */
#include "tests/torture/points.h"

#include <stdio.h>
#include <string.h>

#include "shared/net/inherit.h"

#ifdef FAULTS

static_assert(KIND_CHAT == 1 + WORKER_CHAT &&
		  KIND_TELNET == 1 + WORKER_TELNET &&
		  KIND_WEB == 1 + WORKER_WEB,
    "as master/spawn.c has it");
static_assert(KIND_NOBODY <= FAULT_KINDS, "there is a count for each");

#define AHEAD_US 40000 /* so far ahead lies the hit that is to be the last */
#define MEASURE_US 500000
#define DELAY_MAX_US 20000
#define DAWDLE_US 6000

static struct fault_file file;
static struct {
	uint64_t hits; /* when last measured */
	uint64_t rate; /* a second */
	unsigned kills;
} places[FAULT_ROWS][KIND_NOBODY];
static struct {
	struct fault_row_shm *row;
	enum fault_action action;
	enum kind kind;
	uint64_t until_us;
} armed[16];
static unsigned narmed;
static uint64_t patient_until_us;
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

uint32_t
points_count(void)
{
	return atomic_load(&file.shm->count);
}

const char *
point_name(uint32_t i)
{
	return file.shm->rows[i].name;
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

bool
point_is_worker(uint32_t i)
{
	return (!begins(point_name(i), "master.") ||
		   strcmp(point_name(i), "master.forked") == 0) &&
	       !begins(point_name(i), "rescue.") &&
	       !begins(point_name(i), "salvage.");
}

bool
point_is_repair(uint32_t i)
{
	static const char *const names[] = {"takeover.", "journal.replayed",
	    "journal.rebuilt", "journal.settled", "journal.verified",
	    "master.forked", "poison."};

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

uint64_t
point_hits(uint32_t i, enum kind kind)
{
	return atomic_load(&file.shm->rows[i].hits[kind]);
}

unsigned
point_kills(uint32_t i, enum kind kind)
{
	return places[i][kind].kills;
}

/* How often is each place come by?  Now and then. */
void
points_measure(uint64_t now)
{
	uint64_t passed = now - measured_us, hits;

	if (passed < MEASURE_US)
		return;
	measured_us = now;
	for (uint32_t i = 0; i < points_count(); i++)
		for (unsigned k = 0; k < KIND_NOBODY; k++) {
			hits = k == KIND_ANY ? fault_hits(&file.shm->rows[i])
					     : point_hits(i, (enum kind)k);
			places[i][k].rate =
			    (hits - places[i][k].hits) * SECOND_US / passed;
			places[i][k].hits = hits;
		}
}

bool
kind_serves(unsigned kind)
{
	return kind == KIND_CHAT ||
	       (kind == KIND_TELNET && options.telnet > 0) ||
	       (kind == KIND_WEB && options.web > 0);
}

/* Does anybody come by there as things are? */
static bool
place_is_used(uint32_t i, unsigned kind)
{
	return load_mode == LOAD_QUIET ? places[i][kind].rate > 0
				       : places[i][kind].hits > 0;
}

/* A place, or NONE; half of the time the one least used until now. */
static uint32_t
place_choose(bool repair, enum kind *kind)
{
	uint32_t n = points_count(), best = NONE, seen = 0;
	bool least = chance_of(50);

	for (uint32_t i = 0; i < n; i++) {
		if (!point_is_worker(i) || point_is_repair(i) != repair)
			continue;
		for (unsigned k = KIND_CHAT; k < KIND_NOBODY; k++) {
			if (!kind_serves(k) ||
			    (!repair && !place_is_used(i, k)))
				continue;
			seen++;
			if (best != NONE &&
			    (least ? places[i][k].kills >=
					 places[best][*kind].kills
				   : chance_below(seen) != 0))
				continue;
			best = i;
			*kind = (enum kind)k;
		}
	}
	return best;
}

static uint32_t
row_index(const struct fault_row_shm *row)
{
	return (uint32_t)(row - file.shm->rows);
}

static bool
place_order(uint32_t i, enum kind kind, enum fault_action action,
    uint32_t countdown, uint32_t delay_us)
{
	int32_t who = kind == KIND_ANY ? FAULT_ANY : FAULT_KIND(kind);

	if (narmed == COUNT(armed) ||
	    atomic_load(&file.shm->rows[i].action) != FAULT_NONE ||
	    fault_arm(&file, point_name(i), action, countdown, delay_us, who) ==
		-1)
		return false;
	armed[narmed].row = &file.shm->rows[i];
	armed[narmed].kind = kind;
	armed[narmed].until_us = patient_until_us;
	armed[narmed++].action = action;
	return true;
}

/* For a hit in the near future. */
static uint32_t
countdown_for(uint32_t i, enum kind kind)
{
	uint64_t ahead = places[i][kind].rate * AHEAD_US / SECOND_US;

	return 1 +
	       chance_below(load_mode == LOAD_QUIET ? 3 : (uint32_t)ahead + 2);
}

static bool
place_arm(uint32_t i, enum kind kind)
{
	uint32_t countdown = options.at != NULL ? 1 : countdown_for(i, kind);

	return place_order(i, kind, FAULT_DIE, countdown, 0);
}

/*
 * Somebody dawdles with the lock, so that others wait for it: only then is
 * there anybody to be woken when it is given back.
 */
static bool
is_with_waiters(const char *name)
{
	return begins(name, "lock.") && strcmp(name, "lock.acquired") != 0;
}

static void
dawdle(void)
{
	struct fault_row_shm *held = fault_find(&file, "lock.acquired");

	if (held != NULL)
		(void)place_order(row_index(held), KIND_ANY, FAULT_DELAY, 1,
		    chance_below(DAWDLE_US));
}

static bool
place_arm_named(const char *name, enum kind kind)
{
	struct fault_row_shm *row = fault_find(&file, name);

	if (row == NULL)
		return false;
	if (is_with_waiters(name))
		dawdle();
	return place_arm(row_index(row), kind);
}

static bool
arm_one_of(const char *const names[], size_t n, enum kind kind)
{
	return place_arm_named(names[chance_below((uint32_t)n)], kind);
}

/*
 * Bring about the death after which a successor comes by a point of repair.
 * Returns whom to kill for that.
 */
static enum kind
point_lead_to(uint32_t i, enum kind kind)
{
	const char *name = point_name(i);
	bool led = false;

	if (begins(name, "journal."))
		led = arm_one_of(with_lock, COUNT(with_lock), kind);
	else if (strcmp(name, "takeover.in") == 0)
		led = place_arm_named("input.received", kind);
	else if (strcmp(name, "takeover.tx") == 0)
		led = place_arm_named("tx.sent", kind);
	return led ? KIND_NOBODY : kind;
}

void
points_patience(uint64_t until_us)
{
	patient_until_us = until_us;
}

/*
 * Arm a place, for `repair` one that a successor comes by.  Returns whom to
 * kill to get there.
 */
enum kind
points_arm(bool repair)
{
	enum kind kind = KIND_ANY;
	uint32_t i;

	if (!repair && load_mode == LOAD_QUIET && chance_of(50))
		return arm_one_of(with_wakeup, COUNT(with_wakeup), KIND_ANY)
			   ? KIND_NOBODY
			   : KIND_ANY;
	i = place_choose(repair, &kind);
	if (i == NONE || !place_arm(i, kind))
		return repair ? KIND_ANY : KIND_NOBODY;
	return repair ? point_lead_to(i, kind) : KIND_NOBODY;
}

/* The same for a given place, at its next hit. */
enum kind
place_visit(uint32_t i, enum kind kind)
{
	if (is_with_waiters(point_name(i)))
		dawdle();
	(void)place_order(i, kind, FAULT_DIE, 1, 0);
	return point_is_repair(i) ? point_lead_to(i, kind) : KIND_NOBODY;
}

/* Arm one of the points that are asked for. */
void
points_arm_given(void)
{
	char names[256], *name, *rest = names;
	const char *chosen = NULL;
	uint32_t seen = 0;

	snprintf(names, sizeof(names), "%s", options.at);
	while ((name = strsep(&rest, ",")) != NULL)
		if (chance_below(++seen) == 0)
			chosen = name;
	if (chosen != NULL)
		(void)place_arm_named(chosen, KIND_ANY);
}

/* Let somebody sleep for a moment where that may be bad for others. */
void
points_delay(void)
{
	enum kind kind = KIND_ANY;
	uint32_t i = place_choose(false, &kind);

	if (i != NONE)
		(void)place_order(i, kind, FAULT_DELAY, countdown_for(i, kind),
		    chance_below(DELAY_MAX_US));
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
		places[row_index(armed[k].row)][armed[k].kind].kills++;
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

/* Give up on what should have been hit by now.  Has one killed after all? */
bool
points_disarm(uint64_t now)
{
	uint32_t was;

	for (unsigned k = narmed; k-- > 0;) {
		if (now < armed[k].until_us)
			continue;
		was = atomic_exchange(&armed[k].row->action, FAULT_NONE);
		if (points_drop(k, was == FAULT_NONE))
			return true;
	}
	return false;
}

#endif
