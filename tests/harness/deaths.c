/* SPDX-License-Identifier: MIT */
/* See deaths.h. */
#ifndef FAULTS
#define FAULTS /* the declarations: the test brings the rest */
#endif
#include "tests/harness/deaths.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/fault.h"
#include "tests/harness/test.h"

#define SEAT 1000 /* of the children below: orders are for them alone */

static struct fault_file file;

void
deaths_init(void)
{
	int fd = memfd_create("faults", MFD_CLOEXEC);
	char path[32];

	CHECK(fd != -1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_EQ(fault_init(path), 0);
	CHECK_EQ(fault_attach(&file, path), 0);
	close(fd);
}

/* Runs `act` in a child; its wait status. */
static int
status_of(deaths_act *act, void *context)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fault_set_seat(SEAT, 1);
		act(context);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

size_t
deaths_find(deaths_act *act, void *context, struct death *out, size_t max)
{
	uint64_t before[FAULT_ROWS], hits;
	uint32_t count = atomic_load(&file.shm->count);
	size_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		before[i] = fault_hits(&file.shm->rows[i]);
	CHECK_EQ(status_of(act, context), 0);
	for (uint32_t i = 0; i < count; i++) {
		hits = fault_hits(&file.shm->rows[i]) - before[i];
		for (uint32_t hit = 1; hit <= hits; hit++) {
			CHECK(n < max);
			out[n].point = file.shm->rows[i].name;
			out[n++].hit = hit;
		}
	}
	return n;
}

void
deaths_die(const struct death *death, deaths_act *act, void *context)
{
	int status;

	CHECK_EQ(
	    fault_arm(&file, death->point, FAULT_DIE, death->hit, 0, SEAT), 0);
	status = status_of(act, context);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		test_fail(__FILE__, __LINE__, "it did not die at %s, hit %u",
		    death->point, death->hit);
}
