/* SPDX-License-Identifier: MIT */
/* See fd.h. */
#include "shared/net/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/base/base.h"

unsigned
fd_raise_limit(void)
{
	struct rlimit limit;
	rlim_t had;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 1024;
	had = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		limit.rlim_cur = had;
	return (unsigned)MIN(limit.rlim_cur, (rlim_t)INT_MAX);
}

int
fd_clean(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR); /* for programs we start, too */
		if (fd == -1)
			return -1;
	} while (fd <= STDERR_FILENO);
	fd_close_range(STDERR_FILENO + 1, INT_MAX);
	return 0;
}

void
fd_close_range(unsigned first, unsigned last)
{
	if (first > last || close_range(first, last, 0) == 0)
		return;
	last = MIN(last, fd_raise_limit() - 1);
	for (unsigned fd = first; fd <= last; fd++)
		close((int)fd);
}

int
fd_move(int fd, int number)
{
	if (dup3(fd, number, O_CLOEXEC) == -1)
		return -1;
	close(fd);
	return 0;
}
