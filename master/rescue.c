/* SPDX-License-Identifier: MIT */
/* See rescue.h. */
#include "master/rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/rescue_child.h"
#include "master/spawn.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"

#define ENOUGH 10 /* what deaths in a row weigh, see rescue_weigh */
#define QUICK_US (1000 * 1000)

#define TRIES 3 /* then without any session */
#define CHILD_US (10 * 1000 * 1000)
#define RETRY_US (10 * 1000)
#define RETRY_LATER_US (1000 * 1000)

/* So soon after the last one, it was of no use; so many such, and no more. */
#define AGAIN_US (10 * 1000 * 1000)
#define USELESS 2

/* A plain SIGKILL comes from outside, as a rule. */
static bool
rescue_is_outside(const struct seat *seat)
{
	return seat->signal == SIGKILL && !seat->by_watchdog;
}

/*
 * What does the death say about the segment?  Of one that has settled and
 * lived on, nothing; nor of an exit, which is about the process itself.  One
 * that the watchdog ended has cost its clients seconds.
 */
static unsigned
rescue_weigh(const struct master *m, const struct seat *seat)
{
	bool outside = rescue_is_outside(seat);
	uint64_t lived_us = seat->died_us - seat->ready_us;
	uint64_t watchdog_us = (uint64_t)m->options.watchdog_s * 1000 * 1000;

	if (seat->signal == 0)
		return 0;
	if (seat->settled && seat->phase != SEAT_READY)
		return !outside;
	if (seat->phase != SEAT_READY)
		return seat->by_watchdog ? 4 : outside ? 1 : 2;
	if (seat->by_watchdog)
		return lived_us < 2 * watchdog_us ? 4 : 0;
	return !outside && lived_us < QUICK_US;
}

bool
rescue_suspects(const struct seat *seat)
{
	return seat->distress > 0 ||
	       (seat->signal != 0 && !rescue_is_outside(seat));
}

/* End all workers; the rest follows when they are reaped. */
static void
rescue_begin(struct master *m, uint32_t i, const char *reason)
{
	struct rescue *r = &m->rescue;
	uint64_t now = clock_us();

	log_errorx("segment-damaged", "type=%s seat=%u reason=%s",
	    types[m->seats[i].type].name, i, reason);
	r->useless = r->ended_us != 0 && now - r->ended_us < AGAIN_US
			 ? r->useless + 1
			 : 0;
	r->phase = RESCUE_ENDING;
	r->began_us = now;
	r->tries = 0;
	r->fd = -1;
	for (uint32_t n = 0; n < m->nseats; n++)
		if (m->seats[n].pid != 0 && !types[m->seats[n].type].foreign)
			kill(m->seats[n].pid, SIGKILL);
}

void
rescue_on_death(struct master *m, uint32_t i, int status)
{
	struct seat *seat = &m->seats[i];
	unsigned weight;

	if (types[seat->type].foreign)
		return;
	weight = rescue_weigh(m, seat);
	seat->distress = weight == 0 ? 0 : seat->distress + weight;
	if (m->stopping || rescue_is_on(m))
		return;
	if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_DAMAGED)
		rescue_begin(m, i, "reported");
	else if (seat->distress >= ENOUGH)
		rescue_begin(m, i, "deaths");
}

/* Nothing of the old segment is to be believed any more. */
static bool
rescue_is_empty(const struct rescue *r)
{
	return r->tries >= TRIES || r->useless >= USELESS;
}

/* Fork the child.  Returns 0, or -1 with errno. */
static int
rescue_fork(struct master *m)
{
	struct rescue *r = &m->rescue;
	int pair[2];

	r->in_place = rescue_is_empty(r);
	r->fd = r->in_place ? m->instance.fd : instance_make_next(&m->instance);
	if (r->fd == -1)
		return -1;
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) == -1)
		goto undo;
	log_flush();
	r->child = FAULT_FAILS("master.rescue.fork", EAGAIN) ? -1 : fork();
	if (r->child == 0)
		rescue_child_main(m, pair[1]);
	close(pair[1]);
	if (r->child != -1) {
		r->report = pair[0];
		return 0;
	}
	r->child = 0;
	close(pair[0]);
undo:
	if (!r->in_place)
		close(r->fd);
	r->fd = -1;
	return -1;
}

static void
rescue_try(struct master *m)
{
	struct rescue *r = &m->rescue;

	instance_put_away(&m->instance);
	if (rescue_fork(m) == -1) {
		if (!r->fork_failed)
			log_error("fork-failed", "type=rescue retry_ms=%d",
			    RETRY_US / 1000);
		r->fork_failed = true;
		r->due_us = clock_us() + RETRY_US;
		return;
	}
	r->fork_failed = false;
	r->tries++;
	r->phase = RESCUE_WORKING;
	r->due_us = clock_us() + CHILD_US;
}

/* What the new status page doesn't know yet. */
static void
rescue_show(struct master *m)
{
	atomic_store(&m->instance.status->salvages, ++m->rescue.count);
	for (uint32_t i = 0; i < m->nseats; i++)
		spawn_show(m, i);
}

/* Workers are forked anew, and nothing is held against them. */
static void
rescue_end(struct master *m)
{
	struct rescue *r = &m->rescue;

	r->phase = RESCUE_NONE;
	r->ended_us = clock_us();
	rescue_show(m);
	for (uint32_t i = 0; i < m->nseats; i++) {
		struct seat *seat = &m->seats[i];

		seat->distress = 0;
		seat->quick_deaths = 0;
		seat->signal = 0;
		seat->by_watchdog = false;
		seat->retry_us = 0;
	}
}

/* Read what the child says; it may have gone wrong, so only for the log. */
static void
rescue_read_report(struct rescue *r, struct rescue_report *report)
{
	memset(report, 0, sizeof(*report));
	if (read(r->report, report, sizeof(*report)) != sizeof(*report))
		memset(report, 0, sizeof(*report));
	close(r->report);
	r->report = -1;
}

void
rescue_on_exit(struct master *m, pid_t pid, int status)
{
	struct rescue *r = &m->rescue;
	struct rescue_report report;

	if (r->child == 0 || pid != r->child)
		return;
	r->child = 0;
	rescue_read_report(r, &report);
	if (m->stopping)
		return;
	if (status == 0 && instance_take_next(&m->instance, r->fd) == 0) {
		rescue_end(m);
		log_warnx("salvage",
		    "kept=%u lost=%u tries=%u in-place=%d ms=%.1f", report.kept,
		    report.lost, r->tries, r->in_place,
		    (double)(r->ended_us - r->began_us) / 1e3);
		return;
	}
	log_errorx("salvage-failed", "signal=%d status=%d tries=%u",
	    WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	    WIFEXITED(status) ? WEXITSTATUS(status) : 0, r->tries);
	if (!r->in_place)
		close(r->fd);
	r->phase = RESCUE_DUE;
	r->due_us = clock_us() + (r->in_place ? RETRY_LATER_US : 0);
}

static bool
rescue_alone(const struct master *m)
{
	for (uint32_t i = 0; i < m->nseats; i++)
		if (m->seats[i].pid != 0 && !types[m->seats[i].type].foreign)
			return false;
	return true;
}

void
rescue_on_time(struct master *m, uint64_t now_us)
{
	struct rescue *r = &m->rescue;

	if (r->phase == RESCUE_ENDING && rescue_alone(m)) {
		r->phase = RESCUE_DUE;
		r->due_us = 0;
	}
	if (r->phase == RESCUE_DUE && now_us >= r->due_us)
		rescue_try(m);
	else if (r->phase == RESCUE_WORKING && now_us >= r->due_us) {
		kill(r->child, SIGKILL);
		r->due_us = UINT64_MAX;
	}
}

uint64_t
rescue_due_us(const struct master *m)
{
	return m->rescue.phase == RESCUE_DUE ||
		       m->rescue.phase == RESCUE_WORKING
		   ? m->rescue.due_us
		   : UINT64_MAX;
}

void
rescue_abandon(struct master *m)
{
	m->rescue.phase = RESCUE_NONE;
	if (m->rescue.child != 0)
		kill(m->rescue.child, SIGKILL);
}
