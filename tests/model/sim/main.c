/* SPDX-License-Identifier: MIT */
/*
 *   sim                        many runs, and the broken variants
 *   sim --check                fewer
 *   sim --runs N --seed S      the seeds S, S + 1, ... one after the other
 *   sim --runs N --first       until the first failure
 *   sim --seed S -v            one of them, told step by step
 *
 * A seed stands for the same run as long as neither the code under test nor
 * the simulation is compiled anew from other sources.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/model/sim/sim.h"

#ifndef SIM_BREAKS /* names of the broken variants: breaks.mk */
#define SIM_BREAKS ""
#endif

#define CHECK_RUNS 10000
#define LONG_RUNS 2000000
#define BROKEN_RUNS 60000
#define FAILURES_MAX 10u
#define PARTS_MAX 64u

struct sim sim;

uint64_t
random_next(void)
{
	sim.random ^= sim.random << 13;
	sim.random ^= sim.random >> 7;
	sim.random ^= sim.random << 17;
	return sim.random * UINT64_C(0x2545f4914f6cdd1d) >> 16;
}

unsigned
random_below(unsigned n)
{
	return n == 0 ? 0 : (unsigned)((random_next() & 0xffffffff) * n >> 32);
}

bool
random_percent(unsigned percent)
{
	return random_below(100) < percent;
}

void
bytes_add(struct bytes *b, const void *data, size_t len)
{
	if (b->len + len > b->size) {
		b->size = (b->len + len) * 2;
		b->data = realloc(b->data, b->size);
		if (b->data == NULL)
			abort();
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void
fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(sim.failure, sizeof(sim.failure), format, ap);
	va_end(ap);
	for (char *p = sim.failure; *p != '\0'; p++)
		if (*p == '\n')
			*p = '|';
	sim.current = NULL;
	siglongjmp(sim.failed, 1);
}

void
trace(const char *format, ...)
{
	va_list ap;

	printf("%10" PRIu64 " ", sim.now_us);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

static void
prepare(void)
{
	struct segment_params params = {
	    .nseats = SEATS,
	    .nslots = SLOTS,
	    .nrooms = ROOMS,
	    .max_line = MAX_LINE,
	    .ring_bytes = RING_BYTES,
	    .first_seq = UINT64_C(1700000000000000),
	    .created_us = 1,
	};
	uint8_t key[16] = {1, 2, 3};

	sim.segment_fd = memfd_create("sim", MFD_CLOEXEC);
	if (sim.segment_fd == -1 ||
	    segment_format(sim.segment_fd, &params, key, "sim") == -1 ||
	    __real_segment_attach(&sim.seg, sim.segment_fd, true) == -1) {
		perror("segment");
		exit(1);
	}
	sim.image = malloc(sim.seg.layout.size);
	if (sim.image == NULL)
		exit(1);
	memcpy(sim.image, sim.seg.base, sim.seg.layout.size);
	sim.settings = (struct settings){
	    .max_line = MAX_LINE,
	    .max_rooms = ROOMS,
	    .login_timeout_s = LOGIN_S,
	};
	for (int i = 0; i < SEATS; i++)
		sim.bell_fds[i] = FD_BELL + i;
}

/* Prints what the runs were made of; for the curious, and for the record. */
static void
report(const struct counts *c)
{
	printf("%" PRIu64 " runs, %" PRIu64 " deaths, %" PRIu64
	       " of them in a takeover, %" PRIu64 " with the lock, %" PRIu64
	       " in a copy left half done\n",
	    c->runs, c->deaths, c->recovery_deaths, c->held_deaths,
	    c->torn_deaths);
	printf("%" PRIu64 " points, %" PRIu64 " moves, %" PRIu64
	       " waits for the lock, %" PRIu64 " times lapped, %" PRIu64
	       " MB read by clients\n",
	    c->points, c->moves, c->parks, c->lapped, c->deliveries / 1000000);
	printf("%" PRIu64 " commands done, %" PRIu64
	       " replies to /who, %" PRIu64 " lines of others\n",
	    c->commands, c->whos, c->asked);
	printf("%" PRIu64 " lines seen by who typed them, %" PRIu64
	       " rows looked at, %" PRIu64 " of them half typed\n",
	    c->own_rows, c->rows_checked, c->half_typed);
	printf("%" PRIu64 " pongs\n", c->pongs);
	named_report(c);
}

/* Runs `n` seeds; returns how many failed, at most `most`. */
static uint64_t
run_all(uint64_t first, uint64_t stride, uint64_t n, uint64_t most)
{
	uint64_t failed = 0;

	for (uint64_t i = 0; i < n && failed < most; i++) {
		uint64_t seed = first + i * stride;

		if (run_once(seed))
			continue;
		printf("seed %" PRIu64 ": %s\n", seed, sim.failure);
		fflush(stdout);
		failed++;
	}
	fflush(stdout);
	return failed;
}

/* A part of the runs, in a process of its own; tells its counts. */
static pid_t
start_part(uint64_t seed, uint64_t parts, uint64_t n, int *fd)
{
	int pipes[2];
	pid_t pid;

	if (pipe(pipes) == -1 || (pid = fork()) == -1) {
		perror("sim");
		exit(1);
	}
	if (pid == 0) {
		uint64_t failed;

		prepare(); /* a segment of its own */
		failed = run_all(seed, parts, n, FAILURES_MAX);
		named_collect(&sim.total);
		if (write(pipes[1], &sim.total, sizeof(sim.total)) !=
		    sizeof(sim.total))
			_exit(2);
		_exit(failed > 0 ? 1 : 0);
	}
	close(pipes[1]);
	*fd = pipes[0];
	return pid;
}

static void
add_counts(struct counts *to, const struct counts *c)
{
	uint64_t *sum = (uint64_t *)to;
	const uint64_t *one = (const uint64_t *)c;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
		sum[i] += one[i];
}

/* Runs the seeds on all processors.  Returns whether none failed. */
static bool
run_parts(uint64_t seed, uint64_t runs)
{
	unsigned parts =
	    MIN((unsigned)sysconf(_SC_NPROCESSORS_ONLN), PARTS_MAX);
	pid_t pids[PARTS_MAX];
	int fds[PARTS_MAX], status;
	struct counts total = {0}, one;
	bool sound = true;

	for (unsigned i = 0; i < parts; i++)
		pids[i] = start_part(seed + i, parts, runs / parts, &fds[i]);
	for (unsigned i = 0; i < parts; i++) {
		if (read(fds[i], &one, sizeof(one)) == sizeof(one))
			add_counts(&total, &one);
		else
			sound = false;
		close(fds[i]);
		if (waitpid(pids[i], &status, 0) == -1 || status != 0)
			sound = false;
	}
	report(&total);
	return sound;
}

/* The broken variants, each a program beside this one. */

static pid_t
start_broken(const char *self, const char *name)
{
	static char runs[24];
	char path[4096];
	pid_t pid;

	snprintf(path, sizeof(path), "%s-%s", self, name);
	snprintf(runs, sizeof(runs), "%d", BROKEN_RUNS);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		printf("%-20s ", name);
		fflush(stdout);
		execl(path, path, "--first", "--runs", runs, (char *)NULL);
		_exit(2);
	}
	return pid;
}

/* Each must fail.  Returns how many do. */
static unsigned
run_broken(const char *self, unsigned *all)
{
	char names[] = SIM_BREAKS, *save = NULL;
	unsigned found = 0;
	int status;

	*all = 0;
	for (char *name = strtok_r(names, " ", &save); name != NULL;
	     name = strtok_r(NULL, " ", &save)) {
		pid_t pid = start_broken(self, name);

		++*all;
		if (pid != -1 && waitpid(pid, &status, 0) == pid &&
		    WIFEXITED(status) && WEXITSTATUS(status) == 1)
			found++;
		else
			printf("%s: no fault was found in it\n", name);
	}
	return found;
}

static int
check(const char *self, uint64_t runs)
{
	bool sound = run_parts(1, runs);
	unsigned broken, found;

	printf("\nbroken on purpose:\n");
	found = run_broken(self, &broken);
	printf(
	    "%u passed, %u failed\n", found + sound, broken - found + !sound);
	return sound && found == broken ? 0 : 1;
}

static int
usage(void)
{
	fprintf(stderr, "usage: sim [--check | [--runs N] [--seed S] [--first] "
			"[-v]]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"check", no_argument, NULL, 'c'},
	    {"runs", required_argument, NULL, 'n'},
	    {"seed", required_argument, NULL, 's'},
	    {"first", no_argument, NULL, 'f'},
	    {NULL, 0, NULL, 0},
	};
	uint64_t runs = 1, seed = 1, most = FAILURES_MAX;
	int o;

	if (argc == 1)
		return check(argv[0], LONG_RUNS);
	while ((o = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			return check(argv[0], CHECK_RUNS);
		case 'n':
			runs = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'f':
			most = 1;
			break;
		case 'v':
			sim.verbose = true;
			break;
		default:
			return usage();
		}
	}
	prepare();
	if (run_all(seed, 1, runs, most) > 0)
		return 1;
	named_collect(&sim.total);
	report(&sim.total);
	return 0;
}
