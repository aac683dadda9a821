/* SPDX-License-Identifier: MIT */
/*
 * shared/shm/lock: one at a time, and nobody waits for the dead.  A variant
 * without fault points brings its own, see test_journal.c.
 */
#ifndef FAULTS
#define FAULTS
#include "shared/base/fault.c"
#include "shared/shm/lock.c"
#endif

#include "tests/harness/test.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/shm/lock.h"
#include "tests/harness/deaths.h"
#include "tests/harness/segment.h"

#define SEATS 4

/* What the processes of a test share. */
static struct shared {
	struct lock_shm lock;
	_Atomic uint32_t parkings;
	_Atomic bool go; /* for those who are late */
	_Atomic uint32_t last_owner;
	_Atomic uint64_t last_acquisition;
	/* Guarded by the lock: equal whenever it is free. */
	uint64_t a, b;
	uint64_t done[SEATS];
} * shared;

static bool patient; /* waits for a post, not for the time */
static bool late;    /* and lets others go first */

/*
 * In place of libc's.  A parked waiter looks again after 250 ms, which would
 * hide a post that is missing; whoever is patient hangs instead.
 */
int
sem_clockwait(
    sem_t *sem, clockid_t clock UNUSED, const struct timespec *until UNUSED)
{
	while (late && !atomic_load(&shared->go))
		test_pause_ms(1);
	if (patient)
		return sem_wait(sem);
	errno = ETIMEDOUT;
	return -1;
}

static void
set_up(void)
{
	shared = test_share(sizeof(*shared));
	CHECK_EQ(lock_format(&shared->lock), 0);
	patient = true;
}

static struct lock
lock_of(uint32_t seat)
{
	return (struct lock){.shm = &shared->lock, .seat = seat};
}

static uint32_t
word(void)
{
	return atomic_load(&shared->lock.word);
}

static int
posts(void)
{
	int n;

	CHECK_EQ(sem_getvalue(&shared->lock.parked, &n), 0);
	return n;
}

static void
note_parking(void *context UNUSED, uint32_t owner_seat, uint64_t acquisition)
{
	atomic_store(&shared->last_owner, owner_seat);
	atomic_store(&shared->last_acquisition, acquisition);
	atomic_fetch_add(&shared->parkings, 1);
}

/* A child that takes the lock once and ends. */
static pid_t
start_waiter(uint32_t seat)
{
	pid_t pid = fork();

	CHECK(pid != -1);
	if (pid == 0) {
		struct lock lock = lock_of(seat);

		lock.on_parked = note_parking;
		lock_acquire(&lock);
		shared->done[seat]++;
		lock_release(&lock);
		exit(0); /* not _exit: it counts what was executed */
	}
	return pid;
}

/* CHECKs that the child ends well; the test's deadline is its deadline. */
static void
check_ends(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* Wait until `n` are parked, or about to be. */
static void
await_parkings(uint32_t n)
{
	CHECK_WITHIN(10000, atomic_load(&shared->parkings) >= n);
}

TEST(a_free_lock_is_taken_and_given_back)
{
	struct lock lock, other;

	set_up();
	lock = lock_of(2);
	other = lock_of(1);
	CHECK(!lock_is_mine(&lock));
	for (uint64_t i = 1; i <= 3; i++) {
		lock_acquire(&lock);
		CHECK_EQ(word(), 3);
		CHECK(lock_is_mine(&lock));
		CHECK(!lock_is_mine(&other));
		CHECK_EQ(atomic_load(&shared->lock.acquisitions), i);
		lock_release(&lock);
		CHECK_EQ(word(), 0);
	}
	CHECK_EQ(atomic_load(&shared->lock.contentions), 0);
	CHECK_EQ(posts(), 0); /* nobody waits, so no system call */
}

TEST(whoever_waits_marks_the_lock_contended_and_is_told_the_owner)
{
	struct lock lock;
	pid_t waiter;

	set_up();
	lock = lock_of(2);
	lock_acquire(&lock);
	lock_release(&lock);
	lock_acquire(&lock);
	waiter = start_waiter(0);
	await_parkings(1);
	CHECK_EQ(word(), 3 | LOCK_CONTENDED);
	CHECK(lock_is_mine(&lock));
	CHECK_EQ(atomic_load(&shared->last_owner), 2);
	CHECK_EQ(atomic_load(&shared->last_acquisition), 2);
	lock_release(&lock);
	check_ends(waiter);
	CHECK_EQ(word(), 0);
	CHECK_EQ(shared->done[0], 1);
	CHECK_EQ(atomic_load(&shared->lock.contentions), 1);
}

/* There may be others behind it, whom only its unlock can wake. */
TEST(whoever_has_waited_owns_the_lock_contended)
{
	struct lock lock;
	pid_t waiters[3];

	set_up();
	lock = lock_of(3);
	lock_acquire(&lock);
	for (uint32_t i = 0; i < COUNT(waiters); i++)
		waiters[i] = start_waiter(i);
	await_parkings(COUNT(waiters));
	lock_release(&lock); /* one post; each passes it on */
	for (uint32_t i = 0; i < COUNT(waiters); i++)
		check_ends(waiters[i]);
	/* The last one could not know that nobody was behind it. */
	CHECK(posts() >= 1);
	CHECK_EQ(word(), 0);
}

TEST(a_wait_that_times_out_begins_anew_and_says_so)
{
	struct lock lock;
	pid_t waiter;

	set_up();
	patient = false;
	lock = lock_of(1);
	lock_acquire(&lock);
	waiter = start_waiter(0);
	await_parkings(20);
	CHECK_EQ(word(), 2 | LOCK_CONTENDED);
	CHECK_EQ(atomic_load(&shared->lock.contentions), 1);
	lock_release(&lock);
	check_ends(waiter);
}

static void
on_signal(int signal UNUSED)
{
}

TEST(a_wait_outlives_signals)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct lock lock;
	pid_t waiter;

	set_up();
	sigaction(SIGUSR1, &action, NULL);
	lock = lock_of(1);
	lock_acquire(&lock);
	waiter = start_waiter(0);
	for (uint32_t i = 1; i <= 20; i++) {
		await_parkings(i);
		/* A signal before it sleeps is no interruption: send more. */
		while (atomic_load(&shared->parkings) == i) {
			kill(waiter, SIGUSR1);
			test_pause_ms(1);
		}
	}
	lock_release(&lock);
	check_ends(waiter);
}

/* A post too many wakes a waiter for nothing. */
TEST(posts_to_nobody_harm_nobody)
{
	struct lock lock;
	pid_t waiter;

	set_up();
	lock = lock_of(1);
	for (int i = 0; i < 5; i++)
		lock_post(&lock);
	CHECK_EQ(posts(), 5);
	lock_acquire(&lock);
	waiter = start_waiter(0);
	await_parkings(6);
	CHECK_EQ(shared->done[0], 0);
	lock_release(&lock);
	check_ends(waiter);
}

/* Deaths.  What the successor does is what journal_settle does. */

static void
take_over(uint32_t seat)
{
	struct lock lock = lock_of(seat);

	if (lock_is_mine(&lock)) {
		shared->b = shared->a; /* repair what it guards */
		lock_release(&lock);
	}
	lock_post(&lock);
}

static void
take_and_give(void *context)
{
	const uint32_t *seat = context;
	struct lock lock = lock_of(*seat);

	lock.on_parked = note_parking;
	lock_acquire(&lock);
	shared->a++;
	shared->b++;
	lock_release(&lock);
}

TEST(an_owner_dead_anywhere_is_succeeded_and_its_waiters_go_on)
{
	static const char *const points[] = {"lock.acquired", "lock.releasing"};
	uint32_t seat = 0;

	deaths_init();
	for (unsigned i = 0; i < COUNT(points); i++) {
		struct lock lock;
		pid_t waiters[2];

		set_up();
		deaths_die(&(struct death){points[i], 1}, take_and_give, &seat);
		lock = lock_of(seat);
		CHECK(lock_is_mine(&lock));
		for (uint32_t k = 0; k < COUNT(waiters); k++)
			waiters[k] = start_waiter(1 + k);
		await_parkings(COUNT(waiters));
		take_over(seat);
		for (uint32_t k = 0; k < COUNT(waiters); k++)
			check_ends(waiters[k]);
		CHECK_EQ(word(), 0);
	}
}

/* Keep `owner` owning while another parks; then see who goes on. */
static pid_t
start_dying(struct lock *owner, const char *point, uint32_t *seat)
{
	pid_t pid;

	lock_acquire(owner);
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) {
		deaths_die(&(struct death){point, 1}, take_and_give, seat);
		exit(0);
	}
	return pid;
}

TEST(a_waiter_dead_before_it_sleeps_keeps_nobody_waiting)
{
	uint32_t seat = 1;
	struct lock lock;
	pid_t dying, waiter;

	deaths_init();
	set_up();
	lock = lock_of(0);
	dying = start_dying(&lock, "lock.parking", &seat);
	check_ends(dying);
	CHECK_EQ(word(), 1 | LOCK_CONTENDED);
	waiter = start_waiter(2);
	await_parkings(1);
	lock_release(&lock);
	check_ends(waiter);
	take_over(seat);
	check_ends(start_waiter(3));
}

/* A waiter that parks now, but takes a post only when it is let go. */
static pid_t
start_late_waiter(uint32_t seat)
{
	pid_t pid;

	late = true;
	pid = start_waiter(seat);
	late = false;
	return pid;
}

/*
 * Dead with the one post in its hands: woken for all that wait, but before it
 * took the lock; or when it has given the lock back and not posted yet.
 */
TEST(a_waiter_dead_with_the_wake_up_of_all_keeps_nobody_waiting)
{
	static const char *const points[] = {"lock.woken", "lock.released"};
	uint32_t seat = 1;

	deaths_init();
	for (unsigned i = 0; i < COUNT(points); i++) {
		struct lock lock;
		pid_t dying, waiter;

		set_up();
		lock = lock_of(0);
		dying = start_dying(&lock, points[i], &seat);
		await_parkings(1);
		waiter = start_late_waiter(2);
		await_parkings(2);
		lock_release(&lock);
		check_ends(dying);
		CHECK_EQ(word(), 0);
		CHECK_EQ(posts(), 0);
		atomic_store(&shared->go, true);
		take_over(seat);
		check_ends(waiter);
	}
}

/* All of it at once: processes contend and die, successors take over. */

#define KILLS 300

/* How often each process takes the lock; and yields within, one time of .. */
static uint64_t rounds, yields;

static void
contend(uint32_t seat)
{
	struct lock lock = lock_of(seat);

	while (shared->done[seat] < rounds) {
		lock_acquire(&lock);
		CHECK_EQ(shared->a, shared->b);
		shared->a++;
		if (shared->a % yields == 0)
			sched_yield(); /* so that others come and wait */
		shared->done[seat]++;
		shared->b++;
		lock_release(&lock);
	}
}

static pid_t
start_contending(uint32_t seat)
{
	pid_t pid = fork();

	CHECK(pid != -1);
	if (pid == 0) {
		contend(seat);
		exit(0);
	}
	return pid;
}

TEST(processes_own_the_lock_one_at_a_time)
{
	pid_t pids[SEATS];

	set_up();
	rounds = 100000;
	yields = 1000;
	for (uint32_t i = 0; i < SEATS; i++)
		pids[i] = start_contending(i);
	for (uint32_t i = 0; i < SEATS; i++)
		check_ends(pids[i]);
	CHECK_EQ(shared->a, SEATS * rounds);
	CHECK_EQ(shared->b, SEATS * rounds);
	CHECK_EQ(atomic_load(&shared->lock.acquisitions), SEATS * rounds);
}

/* Let them go on for a while. */
static void
await_acquisitions(uint64_t n)
{
	while (atomic_load(&shared->lock.acquisitions) < n)
		sched_yield();
}

/* The seat of a child that has ended, and been reaped. */
static uint32_t
reap(const pid_t pids[SEATS])
{
	int status;
	pid_t pid = waitpid(-1, &status, 0);

	CHECK(status == 0 ||
	      (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	for (uint32_t seat = 0; seat < SEATS; seat++)
		if (pids[seat] == pid)
			return seat;
	test_fail(__FILE__, __LINE__, "waitpid gives %d", (int)pid);
}

/* Anywhere, fault point or not; and no time ever runs out. */
TEST(processes_killed_at_random_keep_nobody_waiting)
{
	uint64_t x = 88172645463325252, wanted = 0;
	unsigned running = SEATS;
	pid_t pids[SEATS];
	uint32_t seat;

	set_up();
	rounds = 4000;
	yields = 4;
	for (seat = 0; seat < SEATS; seat++)
		pids[seat] = start_contending(seat);
	for (unsigned kills = 0; running > 0; kills++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (kills < KILLS && pids[x % SEATS] > 0) {
			await_acquisitions(wanted += x / SEATS % 64);
			kill(pids[x % SEATS], SIGKILL);
		}
		seat = reap(pids);
		take_over(seat);
		pids[seat] = 0;
		if (shared->done[seat] < rounds)
			pids[seat] = start_contending(seat);
		else
			running--;
	}
	CHECK_EQ(word(), 0);
	CHECK_EQ(shared->a, shared->b);
}
