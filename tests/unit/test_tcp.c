/* SPDX-License-Identifier: MIT */
/* shared/net/tcp: the kernel's counts agree with what was read and taken. */
#include "shared/net/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/test.h"

/* The states of tcp(7) that linux/tcp.h does not name. */
enum {
	TCP_ESTABLISHED = 1,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8
};

static int client, server; /* the latter is the accepted end, as ours are */

static bool restless; /* then a byte comes whenever one looks */

/* In place of libc's, which it is but for that. */
int
getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	static uint64_t bytes;
	long result = syscall(SYS_getsockopt, fd, level, name, value, len);

	if (restless && level == IPPROTO_TCP && name == TCP_INFO)
		((struct tcp_info *)value)->tcpi_bytes_received = ++bytes;
	return (int)result;
}

static void
set_up(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(listener != -1);
	CHECK_EQ(
	    setsockopt(listener, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one)),
	    0);
	CHECK_EQ(bind(listener, (struct sockaddr *)&addr, len), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(client != -1);
	CHECK_EQ(connect(client, (struct sockaddr *)&addr, len), 0);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(server != -1);
	close(listener);
}

/* Send from the client, all of it, and wait until it is here, unread. */
static void
client_sends(size_t len)
{
	static char bytes[65536];
	int before, now;

	CHECK(len <= sizeof(bytes));
	CHECK_EQ(ioctl(server, FIONREAD, &before), 0);
	CHECK_EQ(send(client, bytes, len, 0), len);
	CHECK_WITHIN(10000,
	    ioctl(server, FIONREAD, &now) == 0 && now - before == (int)len);
}

static void
server_reads(size_t len)
{
	char bytes[65536];

	CHECK_EQ(recv(server, bytes, len, 0), len);
}

static uint64_t
count_read(void)
{
	struct tcp_counts counts;

	CHECK_EQ(tcp_counts(server, &counts), 0);
	return counts.read;
}

static uint64_t
count_accepted(void)
{
	struct tcp_counts counts;

	CHECK_EQ(tcp_counts(server, &counts), 0);
	return counts.accepted;
}

static int
state(void)
{
	struct tcp_counts counts;

	CHECK_EQ(tcp_counts(server, &counts), 0);
	return counts.state;
}

/* Fill the send queue; returns what the kernel took. */
static size_t
server_sends_all_it_can(void)
{
	static char bytes[10007];
	size_t sent = 0;
	ssize_t n;

	while ((n = send(server, bytes, sizeof(bytes), 0)) > 0)
		sent += (size_t)n;
	CHECK_EQ(errno, EAGAIN);
	return sent;
}

TEST(a_new_connection_has_counted_nothing)
{
	set_up();
	CHECK_EQ(count_read(), 0);
	CHECK_EQ(count_accepted(), 0);
	CHECK_EQ(state(), TCP_ESTABLISHED);
}

TEST(bytes_count_when_they_are_read_and_not_when_they_come)
{
	set_up();
	client_sends(1000);
	CHECK_EQ(count_read(), 0);
	server_reads(1);
	CHECK_EQ(count_read(), 1);
	server_reads(299);
	CHECK_EQ(count_read(), 300);
	client_sends(500);
	CHECK_EQ(count_read(), 300);
	server_reads(1200);
	CHECK_EQ(count_read(), 1500);
}

TEST(looking_at_bytes_does_not_count_them)
{
	char byte;

	set_up();
	client_sends(10);
	CHECK_EQ(recv(server, &byte, 1, MSG_PEEK), 1);
	CHECK_EQ(count_read(), 0);
}

TEST(urgent_bytes_count_like_the_others)
{
	int n;

	set_up();
	client_sends(10);
	CHECK_EQ(send(client, "!", 1, MSG_OOB), 1);
	client_sends(5);
	CHECK_WITHIN(10000, ioctl(server, FIONREAD, &n) == 0 && n > 0);
	CHECK_EQ(count_read(), 0);
	for (uint64_t done = 0; done < 16;) {
		char bytes[16];
		ssize_t got = recv(server, bytes, sizeof(bytes), 0);

		CHECK(got > 0); /* stops at the mark */
		done += (uint64_t)got;
		CHECK_EQ(count_read(), done);
	}
}

TEST(the_peers_end_is_no_byte)
{
	char byte;

	set_up();
	client_sends(100);
	server_reads(30);
	CHECK_EQ(shutdown(client, SHUT_WR), 0);
	CHECK_WITHIN(10000, state() == TCP_CLOSE_WAIT);
	CHECK_EQ(count_read(), 30);
	server_reads(20);
	CHECK_EQ(count_read(), 50);
	server_reads(50);
	CHECK_EQ(count_read(), 100);
	CHECK_EQ(recv(server, &byte, 1, 0), 0);
	CHECK_EQ(count_read(), 100);
	CHECK_EQ(recv(server, &byte, 1, 0), 0);
	CHECK_EQ(count_read(), 100);
}

TEST(an_end_without_a_byte_before_it_is_none_either)
{
	char byte;

	set_up();
	CHECK_EQ(shutdown(client, SHUT_WR), 0);
	CHECK_WITHIN(10000, state() == TCP_CLOSE_WAIT);
	CHECK_EQ(count_read(), 0);
	CHECK_EQ(recv(server, &byte, 1, 0), 0);
	CHECK_EQ(count_read(), 0);
}

TEST(bytes_sent_count_when_the_kernel_takes_them)
{
	set_up();
	CHECK_EQ(send(server, "0123456789", 10, 0), 10);
	CHECK_EQ(count_accepted(), 10);
	CHECK_EQ(send(server, "0", 1, 0), 1);
	CHECK_EQ(count_accepted(), 11);
	CHECK_EQ(shutdown(client, SHUT_WR), 0);
	CHECK_WITHIN(10000, state() == TCP_CLOSE_WAIT);
	CHECK_EQ(send(server, "0", 1, 0), 1);
	CHECK_EQ(count_accepted(), 12);
}

TEST(a_full_send_queue_is_counted_whole_read_or_not)
{
	static char bytes[65536];
	size_t sent, got = 0;

	set_up();
	sent = server_sends_all_it_can();
	CHECK_EQ(count_accepted(), sent);
	while (got < sent) {
		ssize_t n = recv(client, bytes, sizeof(bytes), 0);

		CHECK(n > 0);
		got += (size_t)n;
		CHECK_EQ(count_accepted(), sent);
	}
	sent += server_sends_all_it_can();
	CHECK_EQ(count_accepted(), sent);
}

/* The header admits one byte too many, never one too few. */
TEST(after_a_reset_the_counts_are_right_or_one_too_high)
{
	struct linger hard = {.l_onoff = 1};

	for (int fin = 0; fin < 2; fin++) {
		uint64_t reads;

		set_up();
		client_sends(100);
		server_reads(40);
		CHECK_EQ(send(server, "0123456789", 10, 0), 10);
		if (fin) {
			CHECK_EQ(shutdown(client, SHUT_WR), 0);
			CHECK_WITHIN(10000, state() == TCP_CLOSE_WAIT);
		}
		CHECK_EQ(setsockopt(client, SOL_SOCKET, SO_LINGER, &hard,
			     sizeof(hard)),
		    0);
		close(client);
		CHECK_WITHIN(10000, state() == TCP_CLOSE);
		reads = count_read();
		CHECK(reads == 40 || reads == 41);
		CHECK_EQ(count_accepted(), 10);
	}
}

/* The other end never rests; each count is exact all the same. */
TEST(counts_are_exact_in_the_liveliest_traffic)
{
	static char bytes[20000];
	uint64_t got = 0, sent = 0;
	struct pollfd pollfd = {.events = POLLIN | POLLOUT};
	int status;
	pid_t pid;

	set_up();
	pollfd.fd = server;
	pid = fork();
	CHECK(pid != -1);
	if (pid == 0) { /* says what it hears */
		close(server);
		for (;;) {
			ssize_t n = recv(client, bytes, 3000, 0);

			if (n <= 0)
				_exit(0);
			if (send(client, bytes, (size_t)n, MSG_NOSIGNAL) == -1)
				_exit(1);
		}
	}
	close(client);
	for (unsigned i = 0; i < 20000; i++) {
		struct tcp_counts counts;
		ssize_t n;

		CHECK_EQ(poll(&pollfd, 1, 10000), 1);
		n = send(server, bytes, 1 + i * 7 % 3000, 0);
		sent += n > 0 ? (uint64_t)n : 0;
		n = recv(server, bytes, 1 + i * 31 % sizeof(bytes), 0);
		got += n > 0 ? (uint64_t)n : 0;
		CHECK_EQ(tcp_counts(server, &counts), 0);
		CHECK_EQ(counts.read, got);
		CHECK_EQ(counts.accepted, sent);
	}
	CHECK_EQ(shutdown(server, SHUT_WR), 0);
	pollfd.events = POLLIN;
	while (recv(server, bytes, sizeof(bytes), 0) != 0)
		CHECK_EQ(poll(&pollfd, 1, 10000), 1);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(counts_that_never_agree_are_given_up)
{
	struct tcp_counts counts;

	set_up();
	restless = true;
	CHECK_EQ(tcp_counts(server, &counts), -1);
	CHECK_EQ(errno, EBUSY);
}

TEST(what_is_no_connection_has_no_counts)
{
	struct tcp_counts counts;
	int ends[2];

	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(tcp_counts(ends[0], &counts), -1);
	CHECK_EQ(errno, ENOTSOCK);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_EQ(tcp_counts(ends[0], &counts), -1);
	CHECK_EQ(tcp_counts(-1, &counts), -1);
	CHECK_EQ(errno, EBADF);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(listen(ends[0], 1), 0);
	CHECK_EQ(tcp_counts(ends[0], &counts), -1);
	CHECK_EQ(errno, EINVAL);
}
