/* SPDX-License-Identifier: MIT */
/*
 * shared/base/sandbox: what a process of each kind gets when it makes a call.
 * Every try is a child's of its own, since it may be its end.
 */
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/sandbox.h"

#define DENIED(status) (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)

TEST(the_number_of_a_call_that_was_denied_is_in_the_log)
{
	const struct sandbox sandbox = {.kind = SANDBOX_WORKER};
	char line[512], wanted[64];
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	CHECK_EQ(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		log_open(ends[1], LOG_LEVEL_ERROR);
		if (sandbox_enter(&sandbox) == 0)
			syscall(SYS_chroot, "/");
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(DENIED(status));
	n = read(ends[0], line, sizeof(line) - 1);
	CHECK(n > 0);
	line[n] = '\0';
	snprintf(wanted, sizeof(wanted), "event=sandbox pid=%d", (int)pid);
	CHECK(strstr(line, wanted) != NULL);
	snprintf(wanted, sizeof(wanted), " call=%d ", SYS_chroot);
	CHECK(strstr(line, wanted) != NULL);
}

/* The rest is without sanitizers and the like: they need other calls. */
#ifndef SANDBOX_INSTRUMENTED

#define NUMBERS 600 /* above any there is */

/* Its own words, so that nobody changes the list by mistake. */
static const uint16_t golden_all[] = {SYS_brk, SYS_clock_gettime,
    SYS_clock_nanosleep, SYS_close, SYS_exit, SYS_exit_group, SYS_fstat,
    SYS_futex, SYS_getpid, SYS_getppid, SYS_getrandom, SYS_gettid,
    SYS_gettimeofday, SYS_lseek, SYS_madvise, SYS_mremap, SYS_munmap,
    SYS_nanosleep, SYS_newfstatat, SYS_ppoll, SYS_restart_syscall,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sched_yield,
    SYS_sendmsg, SYS_sigaltstack, SYS_write, SYS_writev,
#ifdef __x86_64__
    SYS_poll, SYS_time,
#endif
    0};
static const uint16_t golden_live[] = {SYS_close_range, SYS_dup3, SYS_epoll_ctl,
    SYS_epoll_pwait, SYS_recvfrom, SYS_recvmsg,
#ifdef __x86_64__
    SYS_epoll_wait,
#endif
    0};
static const uint16_t golden_talks[] = {SYS_getpeername, SYS_getsockname,
    SYS_getsockopt, SYS_setsockopt, SYS_shutdown, 0};
static const uint16_t golden_auth[] = {SYS_setitimer, 0};
static const uint16_t golden_tls[] = {SYS_accept4, SYS_connect, 0};
static const uint16_t golden_rescue[] = {
    SYS_fallocate, SYS_ftruncate, SYS_getsockopt, SYS_pread64, SYS_pwrite64, 0};
static const uint16_t golden_bans[] = {SYS_fsync, SYS_ftruncate, SYS_openat,
    SYS_pread64, SYS_pwrite64, SYS_renameat, SYS_unlinkat,
#ifdef __x86_64__
    SYS_rename, SYS_unlink,
#endif
    0};
static const uint16_t golden_none[] = {0};

/* The number 0 ends a list; as a call of x86-64 it is read(2): see below. */
static const uint16_t *const golden[SANDBOX_KINDS][4] = {
    [SANDBOX_WORKER] = {golden_all, golden_live, golden_talks, golden_none},
    [SANDBOX_AUTH] = {golden_all, golden_live, golden_auth, golden_none},
    [SANDBOX_TLS] = {golden_all, golden_live, golden_talks, golden_tls},
    [SANDBOX_RESCUE] = {golden_all, golden_rescue, golden_none, golden_none},
    [SANDBOX_BANS] = {golden_all, golden_bans, golden_none, golden_none},
};

static bool
is_golden(enum sandbox_kind kind, unsigned number)
{
	if (number == SYS_read)
		return true;
	for (unsigned i = 0; i < 4; i++)
		for (const uint16_t *at = golden[kind][i]; *at != 0; at++)
			if (*at == number)
				return true;
	return false;
}

/* In a child: into the sandbox with what it says going nowhere. */
static void
enter(const struct sandbox *sandbox)
{
	log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_ERROR);
	if (sandbox_enter(sandbox) == -1)
		_exit(100);
}

/* How a child ends that makes a try in a sandbox; the try says its exit code.
 */
static int
end_of(const struct sandbox *sandbox, int try(const void *), const void *with)
{
	pid_t pid = fork();
	int status;

	CHECK(pid != -1);
	if (pid == 0) {
		enter(sandbox);
		_exit(try(with));
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

#define DID(status, code) (WIFEXITED(status) && WEXITSTATUS(status) == (code))

/* Arguments that are no address, no fd and no pid; some calls wait. */
static int
try_number(const void *with)
{
	long number = *(const unsigned *)with;

	return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) == -1 ? 0 : 1;
}

static bool
is_denied(enum sandbox_kind kind, unsigned number)
{
	const struct sandbox sandbox = {.kind = kind};
	const struct itimerval soon = {.it_value.tv_usec = 200000};
	pid_t pid = fork();
	int status;

	CHECK(pid != -1);
	if (pid == 0) {
		setitimer(ITIMER_REAL, &soon, NULL);
		enter(&sandbox);
		_exit(try_number(&number));
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(!DID(status, 100));
	return DENIED(status);
}

/*
 * Those that are judged by their arguments have tests below; uretprobe(2) and
 * uprobe(2) newer kernels ask no filter about, and kill by SIGILL.
 */
static bool
is_judged(enum sandbox_kind kind, unsigned number)
{
#ifdef __x86_64__
	if (number == 335 || number == 336)
		return true;
#endif
	return number == SYS_sendto || number == SYS_ioctl ||
	       number == SYS_fcntl || number == SYS_mmap ||
	       number == SYS_mprotect || number == SYS_kill ||
	       number == SYS_tgkill || number == SYS_connect ||
	       (kind == SANDBOX_TLS &&
		   (number == SYS_openat || number == SYS_socket));
}

static void
probe(enum sandbox_kind kind)
{
	for (unsigned number = 0; number < NUMBERS; number++) {
		bool denied;

		if (is_judged(kind, number))
			continue;
		denied = is_denied(kind, number);
		if (denied == is_golden(kind, number))
			printf("call %u is %s\n", number,
			    denied ? "denied" : "allowed");
		CHECK_EQ(denied, !is_golden(kind, number));
	}
}

TEST(a_worker_makes_the_calls_it_needs_and_no_others)
{
	probe(SANDBOX_WORKER);
}

TEST(the_auth_worker_makes_the_calls_it_needs_and_no_others)
{
	probe(SANDBOX_AUTH);
}

TEST(the_tls_worker_makes_the_calls_it_needs_and_no_others)
{
	probe(SANDBOX_TLS);
}

TEST(who_salvages_makes_the_calls_it_needs_and_no_others)
{
	probe(SANDBOX_RESCUE);
}

TEST(who_writes_bans_makes_the_calls_it_needs_and_no_others)
{
	probe(SANDBOX_BANS);
}

static const enum sandbox_kind live[] = {
    SANDBOX_WORKER, SANDBOX_AUTH, SANDBOX_TLS};

static int
try_kill(const void *with)
{
	return kill(*(const pid_t *)with, 0) == 0;
}

TEST(nobody_can_be_signalled_but_oneself)
{
	const pid_t parent = getpid();

	for (unsigned kind = 0; kind < SANDBOX_KINDS; kind++) {
		const struct sandbox sandbox = {.kind = kind};

		CHECK(DENIED(end_of(&sandbox, try_kill, &parent)));
	}
}

static int
try_abort(const void *with)
{
	(void)with;
	abort();
}

TEST(who_aborts_dies_of_that)
{
	for (unsigned kind = 0; kind < SANDBOX_KINDS; kind++) {
		const struct sandbox sandbox = {.kind = kind};
		int status = end_of(&sandbox, try_abort, NULL);

		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), SIGABRT);
	}
}

static int
try_open(const void *with)
{
	return open(with, O_RDONLY) == -1 ? errno == EACCES ? 2 : 3 : 1;
}

static int
try_write(const void *with)
{
	return open(with, O_WRONLY) == -1 ? errno == EACCES ? 2 : 3 : 1;
}

TEST(files_are_opened_by_nobody_but_to_renew_certificates_and_to_keep_bans)
{
	static const char *const folders[] = {"/usr/include"};
	const struct sandbox worker = {.kind = SANDBOX_WORKER};
	const struct sandbox auth = {.kind = SANDBOX_AUTH};
	const struct sandbox tls = {SANDBOX_TLS, folders, 1, 0};
	const struct sandbox bans = {SANDBOX_BANS, folders, 1, 0};

	CHECK(DENIED(end_of(&worker, try_open, "/etc/passwd")));
	CHECK(DENIED(end_of(&auth, try_open, "/etc/passwd")));
	CHECK(DENIED(end_of(&tls, try_write, "/usr/include/stdio.h")));
	if (sandbox_landlock() == 0)
		return;
	CHECK(DID(end_of(&tls, try_open, "/etc/passwd"), 2));
	CHECK(DID(end_of(&tls, try_open, "/usr/include/stdio.h"), 1));
	CHECK(DID(end_of(&bans, try_write, "/etc/passwd"), 2));
}

static int
try_socket(const void *with)
{
	return socket(*(const int *)with, SOCK_STREAM, 0) >= 0;
}

static int
try_udp(const void *with)
{
	(void)with;
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static int
try_connect(const void *with)
{
	const struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons(*(const uint16_t *)with),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return 1;
	return errno == EACCES ? 2 : 3;
}

TEST(sockets_are_made_by_the_tls_worker_alone_and_lead_to_its_own_port)
{
	const struct sandbox worker = {.kind = SANDBOX_WORKER};
	const struct sandbox auth = {.kind = SANDBOX_AUTH};
	struct sandbox tls = {.kind = SANDBOX_TLS};
	struct sockaddr_in own = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(own);
	int inet = AF_INET, local = AF_UNIX;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t port;

	CHECK_EQ(bind(listener, (struct sockaddr *)&own, len), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&own, &len), 0);
	port = ntohs(own.sin_port);
	CHECK(DENIED(end_of(&worker, try_socket, &inet)));
	CHECK(DENIED(end_of(&auth, try_socket, &inet)));
	CHECK(DENIED(end_of(&tls, try_socket, &local)));
	CHECK(DENIED(end_of(&tls, try_udp, NULL)));
	CHECK(DID(end_of(&tls, try_socket, &inet), 1));
	if (sandbox_landlock() < 4)
		return;
	CHECK(DID(end_of(&tls, try_connect, &port), 2));
	tls.port = port;
	CHECK(DID(end_of(&tls, try_connect, &port), 1));
	close(listener);
}

static int
try_code(const void *with)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	(void)with;
	/* cppcheck-suppress invalidFunctionArg ; -1 is right: mmap(2) */
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) !=
	       MAP_FAILED;
}

static int
try_owner(const void *with)
{
	(void)with;
	return fcntl(STDIN_FILENO, F_SETOWN, getppid()) == 0;
}

static int
try_send(const void *with)
{
	const struct sockaddr_in to = {.sin_family = AF_INET};

	return (int)sendto(*(const int *)with, "x", 1, 0,
	    (const struct sockaddr *)&to, sizeof(to));
}

static int
try_input(const void *with)
{
	return ioctl(*(const int *)with, TIOCSTI, "x") == 0;
}

TEST(a_call_that_is_allowed_is_so_for_what_honest_code_asks)
{
	const int fd = 0;

	for (unsigned i = 0; i < COUNT(live); i++) {
		const struct sandbox sandbox = {.kind = live[i]};

		CHECK(DENIED(end_of(&sandbox, try_code, NULL)));
		CHECK(DENIED(end_of(&sandbox, try_owner, NULL)));
		CHECK(DENIED(end_of(&sandbox, try_send, &fd)));
		CHECK(DENIED(end_of(&sandbox, try_input, &fd)));
	}
}

static int
try_exec(const void *with)
{
	(void)with;
	return execl("/bin/true", "true", NULL);
}

static int
try_trace(const void *with)
{
	return (int)ptrace(PTRACE_ATTACH, *(const pid_t *)with, 0, 0);
}

TEST(no_program_is_started_and_no_process_traced)
{
	const pid_t parent = getpid();

	for (unsigned kind = 0; kind < SANDBOX_KINDS; kind++) {
		const struct sandbox sandbox = {.kind = kind};

		CHECK(DENIED(end_of(&sandbox, try_exec, NULL)));
		CHECK(DENIED(end_of(&sandbox, try_trace, &parent)));
	}
}

#endif
