/* SPDX-License-Identifier: MIT */
/*
 * torture [--kills N] [--seed S] [--clients C] [--rooms R] [--workers W]
 *     [--telnet W] [--edit N] [--web W] [--seconds-max T] [--rate N]
 *     [--lagging] [--build DIR] [--check]
 *     [--server FILE] [--at POINT,...] [--quiet PERCENT] [--first]
 *     [--every]
 *
 * Kills workers of a chatmaster under load, and checks every byte that its
 * clients read.  With --lagging the ring is small and slow readers are lapped
 * by it, and must be told exactly how much they missed; --check does a run of
 * each kind.  --server is a chatmaster from elsewhere, with --at all deaths are
 * at these fault points, so many PERCENT of them in silence, and --first ends
 * the run at the first thing wrong: see self_test.  With
 * --every somebody of each kind dies at each fault point in the end.  The seed
 * makes the schedule; what the machine makes of it differs from run to run.
 * Exit status 1 if anything was wrong.
 */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/torture/run.h"
#include "tests/torture/torture.h"

#define LAGGING_KILLS 100
#define LAGGING_RATE 6 /* slower: it takes time to be lapped */

/* What was proved, by all runs; shared with the processes that run them. */
static struct sum {
	unsigned passed, failed;
} * sum;

static void
on_signal(int signal)
{
	(void)signal;
	run_interrupted = 1;
}

static void
prepare(void)
{
	const struct sigaction action = {.sa_handler = on_signal};
	const int rw = PROT_READ | PROT_WRITE;
	const int flags = MAP_SHARED | MAP_ANONYMOUS;
	struct rlimit files;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	/* cppcheck-suppress invalidFunctionArg ; -1 is right: mmap(2) */
	sum = mmap(NULL, sizeof(*sum), rw, flags, -1, 0);
	if (sum == MAP_FAILED)
		err(2, "no memory");
}

static void
print_command(void)
{
	printf("%s: torture --seed %ju --kills %u --clients %u --rooms %u "
	       "--workers %u --rate %u%s%s\n",
	    report_wrongs() > 0 ? "again" : "run", (uintmax_t)options.seed,
	    options.kills, options.clients, options.rooms, options.workers,
	    options.rate, options.lagging ? " --lagging" : "",
	    options.every ? " --every" : "");
	fflush(stdout);
}

/* One run with a server of its own. */
static void
torture(void)
{
	unsigned failed;

	chance_begin(options.seed);
	run_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run_epoll == -1 || clients_make() == -1)
		err(2, "cannot prepare");
	print_command();
	counts.began_us = clock_us();
	if (server_start() == 0)
		run_all();
	else
		wrong(CHECK_OPEN, "the server doesn't start");
	if (run_interrupted)
		wrong(CHECK_STOP, "interrupted");
	if (server.pid != 0) {
		server_dump();
		server_abandon();
	}
	(void)server_remove();
	failed = report_summary();
	if (failed > 0)
		print_command();
	server_forget_log(failed > 0);
	sum->passed += CHECKS - failed;
	sum->failed += failed;
}

/* A run in a process of its own. */
static void
torture_apart(void)
{
	pid_t parent = getpid(), pid;
	int status = 0;

	fflush(stdout);
	pid = fork();
	if (pid == -1)
		err(2, "cannot fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(2);
		torture();
		fflush(stdout);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		kill(pid, SIGTERM);
	if (status == 0)
		return;
	printf("the run itself failed, wait status %#x\n", (unsigned)status);
	sum->failed++;
}

int
main(int argc, char *argv[])
{
	options_read(argc, argv);
	prepare();
	if (options.check) {
		options.every = true;
		torture_apart();
		options.lagging = true;
		options.kills = LAGGING_KILLS;
		options.rate = LAGGING_RATE;
		if (!run_interrupted)
			torture_apart();
	} else {
		torture();
	}
	printf("%u passed, %u failed\n", sum->passed, sum->failed);
	return sum->failed > 0;
}
