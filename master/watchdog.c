/* SPDX-License-Identifier: MIT */
/* See watchdog.h. */
#include "master/watchdog.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "master/auth.h"
#include "master/loop.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define TICKS 6   /* in the watchdog's time */
#define STRIKES 5 /* the sixth tick is what was left of the first */
#define GRACE 2   /* times as many for a worker that is still starting */

static uint64_t
watchdog_interval_us(const struct master *m)
{
	return (uint64_t)m->options.watchdog_s * 1000 * 1000 / TICKS;
}

void
watchdog_begin(struct master *m)
{
	if (m->options.watchdog_s != 0)
		m->tick_us = clock_us() + watchdog_interval_us(m);
}

void
watchdog_forgive(struct seat *seat)
{
	seat->silent = 0;
	seat->held = 0;
	seat->answered = true;
	seat->awaited = false;
	seat->unheard = 0;
	seat->by_watchdog = false;
}

/* A worker waits for the lock that `owner` holds. */
static void
watchdog_await(struct master *m, int32_t owner, uint64_t acquisition)
{
	struct seat *seat;

	if (owner < 0 || (uint32_t)owner >= m->nseats)
		return;
	seat = &m->seats[owner];
	if (seat->awaited_number != acquisition)
		seat->held = 0;
	seat->awaited_number = acquisition;
	seat->awaited = true;
}

void
watchdog_on_readable(struct master *m, uint32_t i)
{
	struct seat *seat = &m->seats[i];
	struct ping pong;
	ssize_t n;

	while (seat->ping != -1) {
		n = recv(seat->ping, &pong, sizeof(pong), MSG_DONTWAIT);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0) {
			loop_remove(m, seat->ping);
			return;
		}
		if (n != sizeof(pong))
			continue;
		seat->answered = true;
		atomic_store_explicit(&m->instance.status->seats[i].beat_us,
		    clock_us(), memory_order_relaxed);
		if (seat->type == WORKER_AUTH)
			auth_on_pong(m, &pong);
		watchdog_await(m, pong.waits_for, pong.acquisition);
	}
}

static void
watchdog_kill(struct master *m, uint32_t i, const char *reason)
{
	struct seat *seat = &m->seats[i];

	log_warnx("watchdog", "type=%s seat=%u worker=%d reason=%s",
	    types[seat->type].name, i, (int)seat->pid, reason);
	seat->by_watchdog = true;
	seat->silent = 0;
	seat->held = 0;
	kill(seat->pid, SIGKILL);
}

/* Counts what is held against a worker since the last tick. */
static void
watchdog_judge(struct master *m, uint32_t i)
{
	struct seat *seat = &m->seats[i];
	unsigned limit = STRIKES * (seat->phase == SEAT_READY ? 1 : GRACE);

	seat->silent = seat->answered ? 0 : seat->silent + 1;
	/* Who waits says so every 250 ms, which may be more than a tick. */
	seat->unheard = seat->awaited ? 0 : seat->unheard + 1;
	if (seat->awaited)
		seat->held++;
	else if (seat->unheard > 1)
		seat->held = 0;
	if (seat->silent >= limit)
		watchdog_kill(m, i, "silent");
	else if (seat->awaited && seat->held >= limit)
		watchdog_kill(m, i, "holds-lock");
}

static void
watchdog_ping(struct master *m, struct seat *seat)
{
	struct ping ping = {.number = ++m->ticks, .waits_for = -1};

	/* One that can't be sent isn't answered either. */
	if (send(seat->ping, &ping, sizeof(ping),
		MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		log_debug("ping", "worker=%d", (int)seat->pid);
	seat->answered = false;
	seat->awaited = false;
}

void
watchdog_on_time(struct master *m, uint64_t now_us)
{
	uint64_t interval = watchdog_interval_us(m);
	bool late;

	if (m->tick_us == 0 || now_us < m->tick_us)
		return;
	late = now_us - m->tick_us > interval / 2;
	m->tick_us = now_us + interval;
	log_mend();
	for (uint32_t i = 0; i < m->nseats; i++) {
		struct seat *seat = &m->seats[i];

		if (seat->pid == 0 || seat->by_watchdog)
			continue;
		if (!late)
			watchdog_judge(m, i);
		watchdog_ping(m, seat);
	}
}

uint64_t
watchdog_due_us(const struct master *m)
{
	return m->tick_us != 0 ? m->tick_us : UINT64_MAX;
}
