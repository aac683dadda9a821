/* SPDX-License-Identifier: MIT */
/*
 * The runner: forks a child for each test, waits for it with a deadline, and
 * kills whatever it left running.
 */
#include "tests/harness/test.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEM_SHOWN 48 /* bytes that a failed CHECK_MEM prints */

static struct test *tests, **tests_end = &tests;
static void (*after_each)(pid_t pid);

void
test_register(struct test *test)
{
	*tests_end = test;
	tests_end = &test->next;
}

void
test_register_after(void (*after)(pid_t pid))
{
	after_each = after;
}

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void
test_check_eq(const char *file, int line, const char *what, intmax_t got,
    intmax_t expected)
{
	if (got != expected)
		test_fail(
		    file, line, "%s is %jd, not %jd", what, got, expected);
}

void
test_check_str(const char *file, int line, const char *what, const char *got,
    const char *expected)
{
	if (got == NULL || expected == NULL) {
		if (got != expected)
			test_fail(file, line, "%s is %s, not %s", what,
			    got == NULL ? "NULL" : got,
			    expected == NULL ? "NULL" : expected);
	} else if (strcmp(got, expected) != 0) {
		test_fail(file, line, "%s is\n  \"%s\", not\n  \"%s\"", what,
		    got, expected);
	}
}

static void
print_bytes(const char *label, const unsigned char *p, size_t len)
{
	fprintf(stderr, "  %-8s %zu bytes: ", label, len);
	for (size_t i = 0; i < MIN(len, (size_t)MEM_SHOWN); i++)
		fprintf(stderr, p[i] >= 0x20 && p[i] < 0x7f ? "%c" : "\\x%02x",
		    p[i]);
	fprintf(stderr, len > MEM_SHOWN ? "...\n" : "\n");
}

void
test_check_mem(const char *file, int line, const char *what, const void *got,
    size_t got_len, const void *expected, size_t expected_len)
{
	if (got_len == expected_len &&
	    (got_len == 0 || memcmp(got, expected, got_len) == 0))
		return;
	print_bytes("got", got, got_len);
	print_bytes("expected", expected, expected_len);
	test_fail(file, line, "%s differs", what);
}

void
test_pause_ms(unsigned ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		continue;
}

static pid_t
start(const struct test *test, const sigset_t *old_mask)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, old_mask, NULL);
		test->run();
		exit(0);
	}
	if (pid == -1) {
		perror("fork");
		exit(1);
	}
	setpgid(pid, pid);
	return pid;
}

/* Has the child ended before its deadline?  It is not reaped yet. */
static bool
ends_within(pid_t pid, unsigned seconds, const sigset_t *chld)
{
	struct timespec now, end;
	siginfo_t info = {0};

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	while (
	    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid == 0) {
		/* Short naps: a SIGCHLD of before does not come again. */
		struct timespec nap = {0, 100000000};

		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
			return false;
		sigtimedwait(chld, NULL, &nap);
	}
	return true;
}

static void
kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "r");
	char pids[4096], *at = pids, *end;
	long pid;

	if (f == NULL)
		return;
	pids[fread(pids, 1, sizeof(pids) - 1, f)] = '\0';
	fclose(f);
	for (; (pid = strtol(at, &end, 10)) > 0 && end != at; at = end)
		kill((pid_t)pid, SIGKILL);
}

/*
 * End and reap all that the test left: its group, and what left the group but
 * fell to us, the subreaper.  The status of the test itself.
 */
static int
clear_away(pid_t pid)
{
	int status = 0;
	pid_t reaped;

	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	while ((reaped = waitpid(-1, NULL, WNOHANG)) != -1) {
		if (reaped == 0) {
			kill_children();
			test_pause_ms(1);
		}
	}
	return status;
}

static bool
run(const struct test *test, const sigset_t *old_mask, const sigset_t *chld)
{
	pid_t pid = start(test, old_mask);
	const bool late = !ends_within(pid, test->deadline_s, chld);
	const int status = clear_away(pid);

	if (after_each != NULL)
		after_each(pid);
	if (!late && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	fprintf(stderr, "FAILED %s", test->name);
	if (late)
		fprintf(stderr, ": not done within %u s", test->deadline_s);
	else if (WIFSIGNALED(status))
		fprintf(stderr, ": %s", strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 1)
		fprintf(stderr, ": exit status %d", WEXITSTATUS(status));
	fputc('\n', stderr);
	return false;
}

static bool
selected(const struct test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strstr(test->name, argv[i]) != NULL)
			return true;
	}
	return argc < 2;
}

int
main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	sigset_t chld, old_mask;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (const struct test *t = tests; t != NULL; t = t->next)
			puts(t->name);
		return 0;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old_mask);
	for (const struct test *t = tests; t != NULL; t = t->next) {
		if (!selected(t, argc, argv))
			continue;
		if (run(t, &old_mask, &chld))
			passed++;
		else
			failed++;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed > 0;
}
