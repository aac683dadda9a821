/* SPDX-License-Identifier: MIT */
/*
 * shared/base/fault.  Most variants are built without fault points, and
 * fault.c is empty there: then this file brings its own, so that the real code
 * is tested in each of them.
 */
#ifndef FAULTS
#define FAULTS
#include "shared/base/fault.c"
#endif

#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"

static void
path_of(char path[64], pid_t pid)
{
	snprintf(path, 64, "/tmp/test_fault.%d", (int)pid);
}

TEST_AFTER(pid)
{
	char path[64];

	path_of(path, pid);
	unlink(path);
}

/* No file of that name, left by a run that was killed, disturbs. */
static void
fresh_path(char path[64])
{
	path_of(path, getpid());
	unlink(path);
}

/* A file of this test's own, with the points below in it. */
static struct fault_file
set_up(void)
{
	struct fault_file file;
	char path[64];

	fresh_path(path);
	CHECK_EQ(fault_init(path), 0);
	CHECK_EQ(fault_attach(&file, path), 0);
	return file;
}

static void
hit_one(void)
{
	FAULT_POINT("test.one");
}

static void
hit_two(void)
{
	FAULT_POINT("test.two");
}

/* The same name as in hit_two, at another place. */
static void
hit_two_elsewhere(void)
{
	FAULT_POINT("test.two");
}

static bool
fork_fails(void)
{
	return FAULT_FAILS("test.fork", ENOMEM);
}

/* Runs in a child; its wait status. */
static int
status_of(void (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		run();
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, WUNTRACED) == pid);
	if (WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return status;
}

static uint64_t
hits(const struct fault_file *file, const char *name)
{
	struct fault_row_shm *row = fault_find(file, name);

	CHECK(row != NULL);
	return fault_hits(row);
}

static bool
armed(const struct fault_file *file, const char *name)
{
	return atomic_load(&fault_find(file, name)->action) != FAULT_NONE;
}

TEST(points_are_harmless_before_init)
{
	hit_one();
	CHECK(!fork_fails());
	CHECK_EQ(fault_init(NULL), 0);
	CHECK_EQ(fault_init(""), 0);
	hit_one();
}

TEST(all_points_are_listed_before_any_is_hit)
{
	struct fault_file file = set_up();

	CHECK_EQ(hits(&file, "test.one"), 0);
	CHECK_EQ(hits(&file, "test.two"), 0);
	CHECK_EQ(hits(&file, "test.fork"), 0);
	CHECK(fault_find(&file, "test.none") == NULL);
	CHECK(fault_find(&file, "test.on") == NULL);
}

TEST(places_with_the_same_name_share_a_row)
{
	struct fault_file file = set_up();
	uint32_t seen = 0;

	for (uint32_t i = 0; i < atomic_load(&file.shm->count); i++)
		seen += strcmp(file.shm->rows[i].name, "test.two") == 0;
	CHECK_EQ(seen, 1);
	hit_two();
	hit_two_elsewhere();
	CHECK_EQ(hits(&file, "test.two"), 2);
}

TEST(children_count_into_the_same_file)
{
	struct fault_file file = set_up();

	CHECK_EQ(status_of(hit_one), 0);
	CHECK_EQ(status_of(hit_one), 0);
	CHECK_EQ(hits(&file, "test.one"), 2);
}

TEST(an_armed_point_kills_at_its_nth_hit_and_once)
{
	struct fault_file file = set_up();

	CHECK_EQ(fault_arm(&file, "test.one", FAULT_DIE, 3, 0, -1), 0);
	CHECK_EQ(status_of(hit_one), 0);
	CHECK_EQ(status_of(hit_two), 0);
	CHECK_EQ(status_of(hit_one), 0);
	CHECK(armed(&file, "test.one"));
	CHECK_EQ(WTERMSIG(status_of(hit_one)), SIGKILL);
	CHECK(!armed(&file, "test.one"));
	CHECK_EQ(status_of(hit_one), 0);
	CHECK_EQ(hits(&file, "test.one"), 4);
}

TEST(a_point_can_stop_its_process)
{
	struct fault_file file = set_up();
	int status;

	CHECK_EQ(fault_arm(&file, "test.one", FAULT_STOP, 1, 0, -1), 0);
	status = status_of(hit_one);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void
ignore(int sig UNUSED)
{
}

TEST(a_delay_lasts_its_time_whatever_signals_come)
{
	struct fault_file file = set_up();
	struct sigaction sa = {.sa_handler = ignore};
	uint64_t before = clock_us();

	sigaction(SIGALRM, &sa, NULL);
	ualarm(5000, 5000);
	CHECK_EQ(fault_arm(&file, "test.one", FAULT_DELAY, 1, 50000, -1), 0);
	errno = E2BIG;
	hit_one();
	CHECK_EQ(errno, E2BIG);
	CHECK(clock_us() - before >= 50000);
}

TEST(a_call_fails_when_told_so_and_only_then)
{
	struct fault_file file = set_up();

	CHECK(!fork_fails());
	CHECK_EQ(fault_arm(&file, "test.fork", FAULT_FAIL, 2, 0, -1), 0);
	CHECK(!fork_fails());
	errno = 0;
	CHECK(fork_fails());
	CHECK_EQ(errno, ENOMEM);
	CHECK(!fork_fails());
	CHECK_EQ(hits(&file, "test.fork"), 4);
}

static void
hit_as_seat_3(void)
{
	fault_set_seat(3, 2);
	hit_one();
}

static void
hit_as_seat_0(void)
{
	fault_set_seat(0, 1);
	hit_one();
}

TEST(an_order_for_one_seat_leaves_the_others_alone)
{
	struct fault_file file = set_up();

	CHECK_EQ(fault_arm(&file, "test.one", FAULT_DIE, 1, 0, 3), 0);
	CHECK_EQ(status_of(hit_one), 0);
	CHECK_EQ(status_of(hit_as_seat_0), 0);
	CHECK_EQ(WTERMSIG(status_of(hit_as_seat_3)), SIGKILL);
	CHECK_EQ(status_of(hit_as_seat_3), 0);
}

TEST(an_order_for_one_kind_leaves_the_others_alone)
{
	struct fault_file file = set_up();

	CHECK_EQ(
	    fault_arm(&file, "test.one", FAULT_DIE, 1, 0, FAULT_KIND(2)), 0);
	CHECK_EQ(status_of(hit_one), 0);
	CHECK_EQ(status_of(hit_as_seat_0), 0);
	CHECK_EQ(WTERMSIG(status_of(hit_as_seat_3)), SIGKILL);
	CHECK_EQ(status_of(hit_as_seat_3), 0);
}

TEST(hits_are_counted_by_kind)
{
	struct fault_file file = set_up();
	struct fault_row_shm *row;

	CHECK_EQ(status_of(hit_one), 0);
	CHECK_EQ(status_of(hit_as_seat_0), 0);
	CHECK_EQ(status_of(hit_as_seat_3), 0);
	CHECK_EQ(status_of(hit_as_seat_3), 0);
	row = fault_find(&file, "test.one");
	CHECK(row != NULL);
	CHECK_EQ(atomic_load(&row->hits[0]), 1);
	CHECK_EQ(atomic_load(&row->hits[1]), 1);
	CHECK_EQ(atomic_load(&row->hits[2]), 2);
	CHECK_EQ(fault_hits(row), 4);
}

static void
spin_under_alarm(void)
{
	signal(SIGALRM, SIG_DFL);
	alarm(1);
	hit_one();
}

TEST(a_process_told_to_spin_does_so_until_it_is_killed)
{
	struct fault_file file = set_up();

	CHECK_EQ(fault_arm(&file, "test.one", FAULT_SPIN, 1, 0, FAULT_ANY), 0);
	CHECK_EQ(WTERMSIG(status_of(spin_under_alarm)), SIGALRM);
	CHECK_EQ(status_of(hit_one), 0);
}

TEST(a_point_armed_before_the_start_is_armed_after_it)
{
	struct fault_file file;
	char path[64];

	fresh_path(path);
	CHECK_EQ(fault_attach(&file, path), 0);
	CHECK_EQ(fault_arm(&file, "test.one", FAULT_DIE, 1, 0, -1), 0);
	CHECK_EQ(fault_init(path), 0);
	CHECK_EQ(WTERMSIG(status_of(hit_one)), SIGKILL);
	fault_detach(&file);
}

TEST(a_second_start_on_the_file_keeps_hits_and_rows)
{
	struct fault_file file = set_up();
	uint32_t count = atomic_load(&file.shm->count);
	char path[64];

	hit_one();
	path_of(path, getpid());
	CHECK_EQ(fault_init(path), 0);
	hit_one();
	CHECK_EQ(hits(&file, "test.one"), 2);
	CHECK_EQ(atomic_load(&file.shm->count), count);
}

TEST(a_file_that_is_something_else_is_refused)
{
	char path[64];
	int fd;

	fresh_path(path);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	CHECK(write(fd, "hello", 5) == 5);
	CHECK_EQ(fault_init(path), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(ftruncate(fd, sizeof(struct fault_shm)), 0);
	CHECK_EQ(fault_init(path), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(fault_init("/nonexistent/x"), -1);
	CHECK_EQ(errno, ENOENT);
}

TEST(names_too_long_or_too_many_are_refused)
{
	struct fault_file file = set_up();
	char name[FAULT_NAME + 1];
	int result = 0;

	memset(name, 'x', FAULT_NAME);
	name[FAULT_NAME] = '\0';
	CHECK_EQ(fault_arm(&file, name, FAULT_DIE, 1, 0, -1), -1);
	CHECK_EQ(errno, ENAMETOOLONG);
	name[FAULT_NAME - 1] = '\0';
	CHECK_EQ(fault_arm(&file, name, FAULT_NONE, 1, 0, -1), 0);
	for (int i = 0; i <= FAULT_ROWS && result == 0; i++) {
		snprintf(name, sizeof(name), "test.many.%d", i);
		result = fault_arm(&file, name, FAULT_NONE, 1, 0, -1);
	}
	CHECK_EQ(result, -1);
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(atomic_load(&file.shm->count), FAULT_ROWS);
	CHECK_EQ(fault_arm(&file, "test.one", FAULT_NONE, 1, 0, -1), 0);
}

static _Atomic unsigned failures;

static void *
hit_often(void *arg)
{
	for (int i = 0; i < 10000; i++) {
		if (fork_fails())
			atomic_fetch_add(&failures, 1);
	}
	return arg;
}

TEST(an_order_is_carried_out_once_among_racing_hitters)
{
	struct fault_file file = set_up();
	pthread_t threads[4];

	CHECK_EQ(fault_arm(&file, "test.fork", FAULT_FAIL, 20000, 0, -1), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, hit_often, NULL), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(atomic_load(&failures), 1);
	CHECK_EQ(hits(&file, "test.fork"), 40000);
}
