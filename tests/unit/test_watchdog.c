/* SPDX-License-Identifier: MIT */
/*
 * Whom the watchdog kills, and when.  The seats' workers are children that
 * sleep; the test answers the pings in their place.
 */
#include "master/watchdog.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "tests/harness/test.h"

#define SEATS 3

static struct master m;
static struct status_shm shown;
static int ends[SEATS]; /* the workers' */
static uint64_t now;

static void
start(unsigned watchdog_s)
{
	log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_INFO);
	m.options.watchdog_s = watchdog_s;
	m.nseats = SEATS;
	m.instance.status = &shown;
	for (uint32_t i = 0; i < SEATS; i++) {
		struct seat *seat = &m.seats[i];
		int pair[2];

		CHECK_EQ(channel_pair(pair), 0);
		seat->phase = SEAT_READY;
		seat->ping = pair[0];
		ends[i] = pair[1];
		seat->pid = fork();
		if (seat->pid == 0)
			for (;;)
				pause();
		watchdog_forgive(seat);
	}
	watchdog_begin(&m);
	now = m.tick_us;
}

/* Takes all pings of a worker and answers each. */
static void
answer(uint32_t i, int32_t waits_for, uint64_t acquisition)
{
	struct ping ping;

	while (
	    recv(ends[i], &ping, sizeof(ping), MSG_DONTWAIT) == sizeof(ping)) {
		ping.waits_for = waits_for;
		ping.acquisition = acquisition;
		CHECK_EQ(send(ends[i], &ping, sizeof(ping), 0), sizeof(ping));
	}
	watchdog_on_readable(&m, i);
}

/* The next tick, `late_us` after its time. */
static void
tick(uint64_t late_us)
{
	now = m.tick_us + late_us;
	watchdog_on_time(&m, now);
}

static bool
was_killed(uint32_t i)
{
	return m.seats[i].by_watchdog;
}

TEST(watchdog_kills_a_silent_worker_within_its_time_and_no_other)
{
	uint64_t began;
	int status;

	start(3);
	tick(0);
	began = now; /* seat 1 was alive until just before */
	while (!was_killed(1) && now < began + 10 * 1000 * 1000) {
		answer(0, -1, 0);
		answer(2, -1, 0);
		tick(0);
	}
	CHECK(now - began >= 2 * 1000 * 1000);
	CHECK(now - began <= 3 * 1000 * 1000);
	CHECK_EQ(waitpid(m.seats[1].pid, &status, 0), m.seats[1].pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(!was_killed(0) && !was_killed(2));
}

TEST(watchdog_spares_a_worker_that_answers_late_but_answers)
{
	start(3);
	for (int n = 0; n < 50; n++) {
		tick(0);
		answer(0, -1, 0);
		answer(2, -1, 0);
		if (n % 4 == 3)
			answer(1, -1, 0);
	}
	CHECK(!was_killed(1));
}

TEST(watchdog_counts_no_tick_at_which_the_master_itself_was_late)
{
	start(3);
	for (int n = 0; n < 100; n++)
		tick(400 * 1000);
	CHECK(!was_killed(0) && !was_killed(1) && !was_killed(2));
	for (int n = 0; n < 5; n++)
		tick(0);
	CHECK(was_killed(0) && was_killed(1) && was_killed(2));
}

TEST(watchdog_kills_who_holds_the_lock_and_not_who_waits_for_it)
{
	start(3);
	for (int n = 0; n < 6; n++) {
		tick(0);
		answer(0, 2, 77);
		answer(1, 2, 77);
		answer(2, -1, 0); /* it answers all right, but never unlocks */
	}
	CHECK(was_killed(2));
	CHECK(!was_killed(0) && !was_killed(1));
}

TEST(watchdog_spares_a_holder_that_makes_progress)
{
	start(3);
	for (unsigned n = 0; n < 50; n++) {
		tick(0);
		answer(0, 2, 77 + n / 4);
		answer(1, -1, 0);
		answer(2, -1, 0);
	}
	CHECK(!was_killed(2));
}

TEST(watchdog_believes_no_nonsense)
{
	start(3);
	for (int n = 0; n < 20; n++) {
		tick(0);
		answer(0, SEATS, 1);
		answer(1, INT32_MAX, 1);
		answer(2, INT32_MIN, 1);
		CHECK_EQ(send(ends[0], "x", 1, 0), 1);
		watchdog_on_readable(&m, 0);
	}
	CHECK(!was_killed(0) && !was_killed(1) && !was_killed(2));
}

TEST(watchdog_gives_a_starting_worker_twice_the_time)
{
	start(3);
	m.seats[0].phase = SEAT_STARTING;
	for (int n = 0; n < 9; n++)
		tick(0);
	CHECK(!was_killed(0));
	CHECK(was_killed(1));
	tick(0);
	tick(0);
	CHECK(was_killed(0));
}

TEST(watchdog_forgives_a_seat_with_a_new_worker)
{
	start(3);
	for (int n = 0; n < 5; n++)
		tick(0);
	CHECK(!was_killed(0));
	watchdog_forgive(&m.seats[0]);
	tick(0);
	CHECK(!was_killed(0));
	CHECK(was_killed(1));
}

TEST(watchdog_of_zero_seconds_never_barks)
{
	start(0);
	CHECK(watchdog_due_us(&m) == UINT64_MAX);
	watchdog_on_time(&m, UINT64_MAX);
	CHECK_EQ(
	    recv(ends[0], &(struct ping){0}, sizeof(struct ping), MSG_DONTWAIT),
	    -1);
}
