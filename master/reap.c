/* SPDX-License-Identifier: MIT */
/* See reap.h. */
#include "master/reap.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/bans.h"
#include "master/loop.h"
#include "master/requests.h"
#include "master/rescue.h"
#include "master/spawn.h"
#include "master/tls.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"

#define QUICK_US (1000 * 1000)

/* So many quick deaths in a row, and successors are no longer forked at once.
 */
#define STORM 10
#define STORM_PAUSE_US (100 * 1000)

/*
 * Did it die at once, by its own fault?  Measured from when it served: one
 * that waits out its back-off and then dies at once has not lived long.  A
 * plain SIGKILL while it served came from outside and says nothing about it.
 */
static bool
reap_was_quick(const struct seat *seat)
{
	if (seat->renewed)
		return false;
	if (seat->phase != SEAT_READY)
		return true;
	if (seat->signal == SIGKILL && !seat->by_watchdog)
		return false;
	return seat->died_us - seat->ready_us < QUICK_US;
}

static void
reap_log(const struct master *m, uint32_t i, pid_t pid, int status)
{
	const struct seat *seat = &m->seats[i];
	char how[32];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "signal=%d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "status=%d", WEXITSTATUS(status));
	log_event(
	    m->stopping || seat->renewed ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
	    "worker-exit", "type=%s seat=%u worker=%d %s",
	    types[seat->type].name, i, (int)pid, how);
}

/*
 * When to fork again: at once, since what the dead one held must be settled.
 * But where one successor after the other dies while it settles, forking them
 * as fast as they die would help nobody.
 */
static uint64_t
reap_fork_again_us(const struct seat *seat)
{
	if (types[seat->type].foreign) /* which has nothing to settle */
		return seat->died_us + spawn_backoff_ms(seat) * UINT64_C(1000);
	if (seat->phase == SEAT_READY || seat->quick_deaths < STORM)
		return 0;
	return seat->died_us + STORM_PAUSE_US;
}

/* Leaves the seat as its successor shall find it. */
static void
reap_vacate(struct master *m, uint32_t i, int status)
{
	struct seat *seat = &m->seats[i];

	requests_drain(m, i);
	if (seat->type == WORKER_TLS)
		tls_on_death(m, i);
	seat->pid = 0;
	loop_remove(m, seat->channel);
	loop_remove(m, seat->ping);
	close(seat->channel);
	close(seat->ping);
	seat->channel = seat->ping = -1;

	seat->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	seat->quick_deaths = reap_was_quick(seat) ? seat->quick_deaths + 1 : 0;
	seat->takeover = true;
	rescue_on_death(m, i, status);
	seat->retry_us = reap_fork_again_us(seat);
	if (!m->stopping && !seat->renewed)
		seat->restarts++;
	seat->renewed = false;
	seat->phase = m->stopping ? SEAT_CLOSED : SEAT_VACANT;
	spawn_show(m, i);
}

void
reap_children(struct master *m)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		rescue_on_exit(m, pid, status);
		bans_on_exit(m, pid, status);
		for (uint32_t i = 0; i < m->nseats; i++) {
			if (m->seats[i].pid != pid)
				continue;
			m->seats[i].died_us = clock_us();
			reap_log(m, i, pid, status);
			reap_vacate(m, i, status);
			FAULT_POINT("master.reaped");
		}
	}
}
