/* SPDX-License-Identifier: MIT */
/* shared/net/fd: limits and numbers. */
#include "shared/net/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/harness/test.h"

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) != -1;
}

TEST(the_limit_is_raised_as_far_as_it_goes)
{
	struct rlimit limit, now;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 20;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(fd_raise_limit(), limit.rlim_max);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
	CHECK_EQ(now.rlim_cur, limit.rlim_max);
	CHECK_EQ(fd_raise_limit(), limit.rlim_max);
}

TEST(a_clean_process_has_three_fds)
{
	struct stat null, st;

	dup2(1, 7);
	dup2(1, 300);
	close(0);
	close(2);
	CHECK_EQ(fd_clean(), 0);
	CHECK(is_open(0) && is_open(1) && is_open(2));
	for (int fd = 3; fd < 400; fd++)
		CHECK(!is_open(fd));
	CHECK_EQ(stat("/dev/null", &null), 0);
	CHECK_EQ(fstat(0, &st), 0);
	CHECK_EQ(st.st_rdev, null.st_rdev);
	CHECK_EQ(fcntl(0, F_GETFD), 0); /* a child has them, too */
	CHECK_EQ(fcntl(2, F_GETFD), 0);
}

TEST(a_process_without_any_fd_is_cleaned_as_well)
{
	fd_close_range(0, INT_MAX);
	if (fd_clean() != 0 || !is_open(0) || !is_open(1) || !is_open(2) ||
	    is_open(3))
		_exit(2);
}

TEST(a_range_is_closed_to_its_last_number_and_not_beyond)
{
	for (int fd = 100; fd < 120; fd++)
		CHECK_EQ(dup2(1, fd), fd);
	fd_close_range(103, 110);
	for (int fd = 100; fd < 120; fd++)
		CHECK_EQ(is_open(fd), fd < 103 || fd > 110);
	fd_close_range(115, 114); /* no range */
	fd_close_range(111, 111);
	CHECK(!is_open(111) && is_open(112));
	CHECK(is_open(114) && is_open(115));
	fd_close_range(112, INT_MAX);
	CHECK(!is_open(112) && !is_open(119));
}

/* From now on close_range(2) is as unknown as before Linux 5.9. */
static void
forget_close_range(void)
{
	struct sock_filter filter[] = {
	    BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = COUNT(filter), .filter = filter};

	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	CHECK_EQ(close_range(1000, 1000, 0), -1);
	CHECK_EQ(errno, ENOSYS);
}

TEST(a_range_is_closed_one_by_one_where_the_kernel_is_old)
{
	struct rlimit few = {1000, 1000}; /* it tries all of them */

	for (int fd = 100; fd < 120; fd++)
		CHECK_EQ(dup2(1, fd), fd);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	forget_close_range();
	fd_close_range(103, 110);
	for (int fd = 100; fd < 120; fd++)
		CHECK_EQ(is_open(fd), fd < 103 || fd > 110);
	fd_close_range(112, INT_MAX);
	CHECK(is_open(111) && !is_open(112) && !is_open(119));
}

TEST(a_moved_fd_is_there_and_no_longer_here)
{
	int ends[2], fd;
	char byte;

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(dup2(1, 200), 200); /* is closed by it */
	fd = ends[1];
	CHECK_EQ(fd_move(fd, 200), 0);
	CHECK(!is_open(fd));
	CHECK_EQ(fcntl(200, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(write(200, "x", 1), 1);
	CHECK_EQ(read(ends[0], &byte, 1), 1);
}

TEST(an_fd_that_cannot_be_moved_stays)
{
	int fd = dup(1);

	CHECK_EQ(fd_move(fd, fd), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK(is_open(fd));
	CHECK_EQ(fd_move(fd, INT_MAX), -1);
	CHECK_EQ(errno, EBADF);
	CHECK(is_open(fd));
	CHECK_EQ(fd_move(-1, 50), -1);
	CHECK(!is_open(50));
}
