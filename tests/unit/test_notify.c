/* SPDX-License-Identifier: MIT */
/* Telling the service manager, and doing without one. */
#include "shared/net/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/harness/test.h"

static char path[64];

/* Listens at `path` (abstract if it begins with '@') and says so. */
static int
listen_at_path(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t len = strlen(path);

	CHECK(fd != -1);
	memcpy(at.sun_path, path, len);
	if (path[0] == '@')
		at.sun_path[0] = '\0';
	len += offsetof(struct sockaddr_un, sun_path);
	CHECK_EQ(bind(fd, (struct sockaddr *)&at, (socklen_t)len), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

static void
check_received(int fd, const char *expected)
{
	char got[64];
	ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);

	CHECK(n > 0);
	CHECK_MEM(got, (size_t)n, expected, strlen(expected));
}

TEST(notify_reaches_a_socket_in_the_file_system)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/test_notify.%d", (int)getpid());
	fd = listen_at_path();
	CHECK_EQ(notify_send("READY=1"), 1);
	unlink(path);
	check_received(fd, "READY=1");
}

TEST(notify_reaches_an_abstract_socket)
{
	int fd;

	snprintf(path, sizeof(path), "@test_notify.%d", (int)getpid());
	fd = listen_at_path();
	CHECK_EQ(notify_send("STOPPING=1"), 1);
	check_received(fd, "STOPPING=1");
}

TEST(notify_does_nothing_when_nobody_asks)
{
	unsetenv("NOTIFY_SOCKET");
	CHECK_EQ(notify_send("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "", 1);
	CHECK_EQ(notify_send("READY=1"), 0);
}

TEST(notify_fails_when_the_socket_is_gone_or_makes_no_sense)
{
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	CHECK_EQ(notify_send("READY=1"), -1);
	setenv("NOTIFY_SOCKET", "relative", 1);
	CHECK_EQ(notify_send("READY=1"), -1);
	CHECK_EQ(errno, EINVAL);
}

TEST(notify_never_blocks)
{
	int n = 0;

	snprintf(path, sizeof(path), "@test_notify.full.%d", (int)getpid());
	listen_at_path();
	while (n < 100000 && notify_send("READY=1") == 1)
		n++;
	CHECK_EQ(errno, EAGAIN);
}
