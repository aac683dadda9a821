/* SPDX-License-Identifier: MIT */
/* See step.h. */
#include "tests/harness/step.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/test.h"

uint64_t
step_through(
    void (*act)(void *context), void (*between)(void *context), void *context)
{
	pid_t pid = fork();
	uint64_t steps = 0;
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
			_exit(1);
		raise(SIGSTOP);
		act(context);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	while (WIFSTOPPED(status)) {
		if (steps++ > 0)
			between(context);
		CHECK_EQ(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		CHECK(waitpid(pid, &status, 0) == pid);
	}
	if (steps > 0)
		CHECK_EQ(status, 0);
	return steps;
}
