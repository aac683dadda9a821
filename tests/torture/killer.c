/* SPDX-License-Identifier: MIT */
/*
 * Who dies when.  Under load, kills come at random times at a given rate; in
 * quiet, one a round, as soon as all has settled.  Some are chased: whoever
 * succeeds the dead is killed too, as a rule while it repairs.
 */
#include <signal.h>

#include "shared/base/clock.h"
#include "tests/torture/torture.h"

#define ARMED_US 300000 /* so long a point may take to be hit */
#define QUIET_ARMED_US 8000
#define GIVEN_ARMED_US 60000 /* somebody may dawdle before */
#define EVERY_US 60000
#define EXIT_US 300000 /* so long a death may take to be logged */
#define CHASE_US 500000
#define CHASE_DELAY_US 2500

static uint64_t target;              /* deaths */
static uint64_t due_us;              /* of the next kill */
static uint64_t struck_us, expected; /* deaths that the log must tell of */
static struct {
	bool on;
	uint32_t seat;
	pid_t old;
	uint64_t due_us, until_us;
} chase;

void
killer_begin(uint64_t deaths)
{
	target = counts.exits + deaths;
	due_us = clock_us();
}

static void
struck(uint64_t now)
{
	expected = MAX(expected, counts.exits) + 1;
	struck_us = server.changed_us = now;
}

/*
 * Are there deaths that the log hasn't told of yet?  It will tell of one less
 * if somebody was killed who was dying already.
 */
static bool
awaits_exit(uint64_t now)
{
	if (counts.exits < expected && now >= struck_us + EXIT_US)
		expected = counts.exits;
	return counts.exits < expected;
}

static void
kill_seat(uint32_t seat, uint64_t now, unsigned chased)
{
	pid_t pid = server_worker(seat);

	if (pid <= 0 || kill(pid, SIGKILL) == -1)
		return;
	counts.random_kills++;
	struck(now);
	if (!chance_of(chased))
		return;
	chase.on = true;
	chase.seat = seat;
	chase.old = pid;
	chase.due_us = 0;
	chase.until_us = now + CHASE_US;
}

/* The seat of somebody of that kind: chat workers come first. */
static uint32_t
seat_of(enum kind kind)
{
	if (kind == KIND_CHAT)
		return chance_below(options.workers);
	if (kind == KIND_TELNET)
		return options.workers + chance_below(options.telnet);
	if (kind == KIND_WEB)
		return options.workers + options.telnet +
		       chance_below(options.web);
	return chance_below(server_seats());
}

static void
kill_random(uint64_t now, enum kind kind)
{
	uint32_t seat = seat_of(kind);

	if (kind == KIND_NOBODY)
		return;
	if (!server.seats[seat].up)
		seat = seat_of(kind);
	kill_seat(seat, now, 20);
}

/* Two at once, or all of them. */
static void
kill_several(uint64_t now)
{
	uint32_t first = chance_below(server_seats());
	uint32_t n = chance_of(30) ? server_seats() : 2;

	for (uint32_t i = 0; i < MIN(n, server_seats()); i++)
		kill_seat((first + i) % server_seats(), now, 0);
}

/* The successor has come: kill it when its time has come. */
static void
chase_tick(uint64_t now)
{
	pid_t pid = server_worker(chase.seat);

	if (now > chase.until_us) {
		chase.on = false;
	} else if (pid == 0 || pid == chase.old) {
		return;
	} else if (chase.due_us == 0) {
		chase.due_us = now + chance_below(CHASE_DELAY_US);
	} else if (now >= chase.due_us) {
		chase.on = false;
		counts.repair_kills++;
		kill_seat(chase.seat, now, 30);
	}
}

/* Two of five deaths shall be at points. */
static void
strike(uint64_t now, bool quiet)
{
	bool repair = chance_of(20);
	unsigned random = counts.point_kills * 5 < counts.exits * 2 ? 20 : 70;

	points_patience(now + (quiet ? QUIET_ARMED_US : ARMED_US));
	if (options.at != NULL) {
		points_patience(now + GIVEN_ARMED_US);
		points_arm_given();
		return;
	}
	if (chance_of(15))
		points_delay();
	if (!quiet && chance_of(5))
		kill_several(now);
	else if (chance_of(random))
		kill_random(now, KIND_ANY);
	else
		kill_random(now, points_arm(repair));
}

/* Count those who have died; give up on what should have been hit by now. */
static void
points_collect(uint64_t now, uint64_t overdue)
{
	while (points_fired()) {
		counts.point_kills++;
		struck(now);
	}
	while (points_disarm(overdue)) {
		counts.point_kills++;
		struck(now);
	}
}

static void
points_tick(uint64_t now)
{
	points_measure(now);
	points_collect(now, now);
}

/* In quiet: is the kill of this round over and done with? */
bool
killer_is_idle(uint64_t now)
{
	return due_us == UINT64_MAX && !points_armed() && !chase.on &&
	       !awaits_exit(now) && server_all_up();
}

/*
 * In quiet: a round begins.  Some have no death in them, as every takeover
 * wakes everybody.  Points that are asked for are armed before it is said.
 */
void
killer_round(uint64_t now)
{
	if (options.at != NULL)
		due_us = now;
	else
		due_us = chance_of(75) ? UINT64_MAX : now + chance_below(1500);
}

void
killer_tick(uint64_t now, bool quiet)
{
	points_tick(now);
	if (chase.on)
		chase_tick(now);
	if (now < due_us || due_us == UINT64_MAX || killer_is_done())
		return;
	strike(now, quiet);
	due_us =
	    quiet ? UINT64_MAX : now + chance_wait_us(SECOND_US / options.rate);
}

/* A death at every place where there was none yet. */
void
killer_everywhere(uint64_t now)
{
	points_tick(now);
	if (now < due_us)
		return;
	due_us = now + EVERY_US;
	points_patience(UINT64_MAX);
	kill_random(now, places_arm());
}

bool
killer_is_done(void)
{
	return counts.exits >= target;
}

/* Is something to be done within less than a millisecond? */
bool
killer_is_urgent(uint64_t now)
{
	return chase.on || (due_us != UINT64_MAX && due_us < now + 1000);
}

/* No more: let what is under way come to its end.  Returns whether it has. */
bool
killer_rest(uint64_t now)
{
	points_collect(now, UINT64_MAX);
	chase.on = false;
	due_us = UINT64_MAX;
	return !awaits_exit(now) && server_all_up();
}
