/* SPDX-License-Identifier: MIT */
/* shared/net/pair: TCP over loopback, with nobody in between. */
#include "shared/net/pair.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/net/tcp.h"
#include "tests/harness/test.h"

static int
option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	CHECK_EQ(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

TEST(what_one_end_sends_the_other_reads_and_the_kernel_counts_it)
{
	int listener = pair_listen();
	struct tcp_counts counts;
	struct pair pair;
	char text[8] = "";

	CHECK(listener != -1);
	CHECK_EQ(pair_make(listener, &pair), 0);
	CHECK_EQ(send(pair.connecting, "hello", 5, 0), 5);
	CHECK_EQ(recv(pair.accepted, text, 3, 0), 3);
	CHECK_EQ(send(pair.accepted, "hi", 2, 0), 2);
	CHECK_EQ(recv(pair.connecting, text, 8, 0), 2);
	CHECK_EQ(tcp_counts(pair.accepted, &counts), 0);
	CHECK_EQ(counts.read, 3);
	CHECK_EQ(counts.accepted, 2);
	CHECK_EQ(recv(pair.connecting, text, 8, 0), -1);
	CHECK_EQ(errno, EAGAIN);
	close(pair.accepted);
	close(pair.connecting);
	close(listener);
}

TEST(both_ends_have_small_buffers_and_no_delay)
{
	int listener = pair_listen();
	struct pair pair;

	CHECK_EQ(pair_make(listener, &pair), 0);
	for (int i = 0; i < 2; i++) {
		int fd = i == 0 ? pair.accepted : pair.connecting;

		/* The kernel doubles what it is asked for: socket(7). */
		CHECK_EQ(option(fd, SOL_SOCKET, SO_SNDBUF), 2 * PAIR_BUFFER);
		CHECK_EQ(option(fd, SOL_SOCKET, SO_RCVBUF), 2 * PAIR_BUFFER);
		CHECK_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
		CHECK_EQ(option(fd, SOL_SOCKET, SO_OOBINLINE), 1);
		CHECK_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	}
	close(pair.accepted);
	close(pair.connecting);
	close(listener);
}

/* Somebody else connects to the listener's port. */
static int
intrude(int listener)
{
	struct sockaddr_in to = {0};
	socklen_t len = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_EQ(getsockname(listener, (struct sockaddr *)&to, &len), 0);
	CHECK_EQ(to.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	CHECK_EQ(connect(fd, (struct sockaddr *)&to, len), 0);
	return fd;
}

TEST(strangers_are_sent_away)
{
	int listener = pair_listen();
	struct pair pair;
	char text[8];
	int strangers[3];

	for (int i = 0; i < 3; i++)
		strangers[i] = intrude(listener);
	CHECK_EQ(pair_make(listener, &pair), 0);
	CHECK_EQ(send(pair.accepted, "x", 1, 0), 1);
	CHECK_EQ(recv(pair.connecting, text, 8, 0), 1);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(recv(strangers[i], text, 8, 0), 0);
		close(strangers[i]);
	}
	close(pair.accepted);
	close(pair.connecting);
	close(listener);
}

TEST(too_many_strangers_are_an_error_and_leave_nothing_open)
{
	int listener = pair_listen(), strangers[70];
	struct pair pair;
	int next;

	for (int i = 0; i < 70; i++)
		strangers[i] = intrude(listener);
	next = dup(listener);
	close(next);
	CHECK_EQ(pair_make(listener, &pair), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(dup(listener), next);
	close(next);
	/* They are gone now. */
	for (int i = 0; i < 70; i++)
		close(strangers[i]);
	while (pair_make(listener, &pair) == -1)
		CHECK_EQ(errno, EAGAIN);
	close(pair.accepted);
	close(pair.connecting);
	close(listener);
}
