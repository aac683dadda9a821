/* SPDX-License-Identifier: MIT */
/* The loop, and the phases of a run. */
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

#include "shared/base/clock.h"
#include "tests/torture/run.h"
#include "tests/torture/torture.h"

#define EVENTS 512
#define LATE_US 50000   /* this process itself was kept from running */
#define WRONGS_MAX 20   /* then it is enough */
#define CYCLE_KILLS 125 /* between two times that all is drained */
#define SETTLE_US (3 * SECOND_US)
#define IDLE_US 300000
#define IDLE_PASSES 60 /* of a worker in that time: 10 ms timers may run */
#define JOIN_US (20 * SECOND_US)
#define EVERY_US (60 * SECOND_US)
#define DRAIN_US (20 * SECOND_US)
#define STOP_US (5 * SECOND_US)

int run_epoll;
uint64_t run_late_us;
volatile sig_atomic_t run_interrupted;

static bool
is_enough(void)
{
	unsigned most = options.first ? 1 : WRONGS_MAX;

	return run_interrupted || report_wrongs() >= most ||
	       clock_us() - counts.began_us > options.seconds_max * SECOND_US;
}

/* One pass: wait for events, let clients act, kill. */
static void
run_pass(void)
{
	static struct epoll_event events[EVENTS];
	static uint64_t last;
	uint64_t now = clock_us();
	struct timespec wait = {
	    .tv_nsec = killer_is_urgent(now) ? 30000 : 1000000};
	int n = epoll_pwait2(run_epoll, events, EVENTS, &wait, NULL);

	now = clock_us();
	if (last != 0 && now - last > LATE_US)
		run_late_us = now;
	last = now;
	server_poll();
	for (int i = 0; i < n; i++)
		client_turn(&clients[events[i].data.u32], events[i].events);
	load_tick(now);
	quiet_tick(now);
}

static bool
all_in(uint64_t now)
{
	(void)now;
	return load_all_in();
}

static bool
all_drained(uint64_t now)
{
	return killer_rest(now) && load_drained();
}

static bool
never(uint64_t now)
{
	(void)now;
	return false;
}

static bool
killed(uint64_t now)
{
	killer_tick(now, load_mode == LOAD_QUIET);
	return killer_is_done();
}

/* Run in a mode until `done`; returns whether it was within the time. */
static bool
run(enum load_mode mode, bool (*done)(uint64_t now), uint64_t within_us)
{
	static const char *const names[] = {"join", "busy", "quiet", "drain"};
	uint64_t until = clock_us() + within_us, shown = 0, now;

	load_begin(mode);
	while (!is_enough()) {
		now = clock_us();
		run_pass();
		counts.mode_us[mode] += clock_us() - now;
		now = clock_us();
		if (done(now))
			return true;
		if (now > until || (server_ended() && !stopping))
			return false;
		if (now - shown > SECOND_US / 5) {
			report_progress(names[mode]);
			shown = now;
		}
	}
	return false;
}

/* Everything that was begun comes to its end. */
static bool
drain(void)
{
	if (run(LOAD_DRAIN, all_drained, DRAIN_US))
		return true;
	if (server.pid == 0)
		wrong(CHECK_RECOVERY, "the master is gone, status %x",
		    (unsigned)server.status);
	for (uint32_t i = 0; i < server_seats(); i++)
		if (!server.seats[i].up)
			wrong(CHECK_RECOVERY, "nobody serves in seat %u", i);
	load_complain();
	order_finish();
	return false;
}

/* Kills in cycles: under load, in quiet, then all must have arrived. */
static bool
kill_all(void)
{
	unsigned left = options.kills, n, quiet;

	while (left > 0) {
		n = MIN(left, CYCLE_KILLS + 0u);
		quiet = n * options.quiet / 100;
		left -= n;
		killer_begin(n - quiet);
		if (!run(LOAD_BUSY, killed, UINT32_MAX) || !drain())
			return false;
		server_verify();
		killer_begin(quiet);
		if (!run(LOAD_QUIET, killed, UINT32_MAX) || !drain())
			return false;
		server_verify();
	}
	if (options.kills == 0) {
		(void)run(LOAD_BUSY, never, 3 * SECOND_US);
		return drain();
	}
	return true;
}

static bool
died_everywhere(uint64_t now)
{
	killer_everywhere(now);
	return places_done();
}

/* In the end, a death at each place where there was none yet. */
static bool
kill_everywhere(void)
{
	killer_begin(UINT32_MAX);
	(void)run(LOAD_BUSY, died_everywhere, EVERY_US);
	if (!drain())
		return false;
	places_check();
	server_verify();
	return true;
}

static bool
a_while(uint64_t now)
{
	static uint64_t began;

	if (began == 0)
		began = now;
	return now - began > IDLE_US;
}

/* Nobody says anything: workers turn in their sleep once a second. */
static void
check_sleep(void)
{
	uint64_t before[SERVER_SEATS] = {0}, passes;

	for (uint32_t i = 0; i < server_workers(); i++)
		before[i] = server_passes(i);
	(void)run(LOAD_DRAIN, a_while, SECOND_US);
	for (uint32_t i = 0; i < server_workers(); i++) {
		passes = server_passes(i) - before[i];
		if (passes > IDLE_PASSES)
			wrong(CHECK_SLEEP, "seat %u: %ju passes in %u ms", i,
			    (uintmax_t)passes, IDLE_US / 1000);
	}
}

/* What `count` counts must be `must` within a few seconds. */
static void
check_count(
    enum check check, const char *what, unsigned (*count)(void), unsigned must)
{
	uint64_t until = clock_us() + SETTLE_US;
	unsigned is;

	while ((is = count()) != must && clock_us() < until)
		run_pass();
	if (is != must)
		wrong(check, "%u %s instead of %u", is, what, must);
}

static bool
all_gone(uint64_t now)
{
	(void)now;
	for (uint32_t i = 0; i < options.clients; i++)
		if (clients[i].fd != -1)
			return false;
	return server_ended();
}

/* TERM: clients are told, all ends, nothing is left. */
static void
check_stop(void)
{
	uint64_t began = clock_us();

	stopping = true;
	kill(server.pid, SIGTERM);
	if (!run(LOAD_DRAIN, all_gone, STOP_US + SECOND_US / 2))
		wrong(CHECK_STOP, "not at an end after %.1f s",
		    (double)(clock_us() - began) / 1e6);
	for (uint32_t i = 0; i < options.clients; i++)
		if (!clients[i].dismissed)
			wrong(CHECK_STOP, "t%u was not told", i);
	if (server_ended() && server.status != 0)
		wrong(CHECK_STOP, "wait status %#x", (unsigned)server.status);
	if (server_remove() != 0)
		wrong(CHECK_STOP, "shared memory was left");
}

void
run_all(void)
{
	struct resources before;

	if (!run(LOAD_JOIN, all_in, JOIN_US) || !drain()) {
		wrong(CHECK_OPEN, "not all clients came in");
		return;
	}
	/* Who is on its way to another worker has no fd in any. */
	check_count(CHECK_SEGMENT, "rows", server_rows, options.clients);
	resources_look(&before);
	if (!kill_all() || (options.every && !kill_everywhere())) {
		wrong(CHECK_RECOVERY, "the run ends early");
		return;
	}
	/* Half a line may be in a buffer. */
	for (uint32_t i = 0; i < options.clients; i++)
		typing_clear(&clients[i]);
	(void)drain();
	order_finish();
	check_sleep();
	check_count(CHECK_FDS, "fds of the master", resources_master_fds,
	    before.master_fds);
	check_count(CHECK_FDS, "fds of the workers", resources_worker_fds,
	    before.worker_fds);
	resources_compare(&before);
	check_count(CHECK_SEGMENT, "rows", server_rows, options.clients);
	check_count(CHECK_SEGMENT, "buffers", server_buffers, 0);
	if (report_wrongs() > 0)
		server_dump();
	check_stop();
}
