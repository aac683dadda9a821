/* SPDX-License-Identifier: MIT */
/* Messages between master and worker, and the fds that ride along. */
#include "shared/net/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/harness/test.h"

static int ends[2];

static void
make_pair(void)
{
	CHECK_EQ(channel_pair(ends), 0);
}

/* Fds now open below `max`. */
static int
count_open(int max)
{
	int n = 0;

	for (int fd = 0; fd < max; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static bool
same_file(int a, int b)
{
	struct stat x, y;

	CHECK_EQ(fstat(a, &x), 0);
	CHECK_EQ(fstat(b, &y), 0);
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

TEST(channel_carries_a_message_both_ways)
{
	struct channel_message m = {.type = CHANNEL_MOVE};
	struct channel_message got;
	int fds[CHANNEL_FDS];
	unsigned nfds = 99;

	make_pair();
	m.move.slot = 7;
	m.move.gen = 8;
	m.move.to = 9;
	for (int way = 0; way < 2; way++) {
		CHECK_EQ(channel_send(ends[way], &m, NULL, 0), 0);
		CHECK_EQ(channel_recv(ends[!way], &got, fds, &nfds), 1);
		CHECK_EQ(nfds, 0);
		CHECK_EQ(got.type, CHANNEL_MOVE);
		CHECK_EQ(got.move.slot, 7);
		CHECK_EQ(got.move.gen, 8);
		CHECK_EQ(got.move.to, 9);
	}
}

TEST(channel_keeps_messages_apart_and_in_order)
{
	struct channel_message m = {.type = CHANNEL_ACK};
	int fds[CHANNEL_FDS];
	unsigned nfds;

	make_pair();
	for (m.count = 1; m.count <= 10; m.count++)
		CHECK_EQ(channel_send(ends[0], &m, NULL, 0), 0);
	for (unsigned i = 1; i <= 10; i++) {
		CHECK_EQ(channel_recv(ends[1], &m, fds, &nfds), 1);
		CHECK_EQ(m.count, i);
	}
}

TEST(channel_carries_as_many_fds_as_a_message_has_connections)
{
	struct channel_message m = {.type = CHANNEL_PASS};
	int sent[CHANNEL_FDS];
	int got[CHANNEL_FDS];
	unsigned nfds;

	make_pair();
	for (unsigned i = 0; i < CHANNEL_FDS; i++) {
		sent[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK(sent[i] != -1);
	}
	m.count = CHANNEL_FDS;
	CHECK_EQ(channel_send(ends[0], &m, sent, CHANNEL_FDS), 0);
	CHECK_EQ(channel_recv(ends[1], &m, got, &nfds), 1);
	CHECK_EQ(nfds, CHANNEL_FDS);
	for (unsigned i = 0; i < CHANNEL_FDS; i++) {
		CHECK(got[i] != sent[i]);
		CHECK(same_file(got[i], sent[i]));
		CHECK_EQ(fcntl(got[i], F_GETFD), FD_CLOEXEC);
	}
}

TEST(channel_carries_one_fd_with_a_new_log)
{
	struct channel_message m = {.type = CHANNEL_LOG, .count = 1};
	int got[CHANNEL_FDS];
	unsigned nfds;

	make_pair();
	CHECK_EQ(channel_send(ends[0], &m, ends, 1), 0);
	CHECK_EQ(channel_recv(ends[1], &m, got, &nfds), 1);
	CHECK_EQ(m.type, CHANNEL_LOG);
	CHECK_EQ(nfds, 1);
	CHECK(same_file(got[0], ends[0]));
	CHECK_EQ(channel_send(ends[0], &m, NULL, 0), 0);
	CHECK_EQ(channel_recv(ends[1], &m, got, &nfds), -1);
	CHECK_EQ(errno, EPROTO);
}

TEST(channel_refuses_more_fds_than_a_message_holds)
{
	struct channel_message m = {.type = CHANNEL_PASS};
	int fds[CHANNEL_FDS + 1] = {0};

	make_pair();
	CHECK_EQ(channel_send(ends[0], &m, fds, CHANNEL_FDS + 1), -1);
	CHECK_EQ(errno, EINVAL);
}

TEST(channel_takes_all_credits_at_once_without_blocking)
{
	struct channel_message m = {.type = CHANNEL_PASS, .count = CHANNEL_FDS};
	int fds[CHANNEL_FDS];

	make_pair();
	for (unsigned i = 0; i < CHANNEL_FDS; i++)
		fds[i] = ends[0];
	for (unsigned i = 0; i < CHANNEL_CREDITS; i++)
		CHECK_EQ(channel_send(ends[0], &m, fds, CHANNEL_FDS), 0);
}

TEST(channel_says_eagain_when_the_other_end_lags)
{
	struct channel_message m = {.type = CHANNEL_ACK};
	int n = 0;

	make_pair();
	while (n < 100000 && channel_send(ends[0], &m, NULL, 0) == 0)
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK(n > CHANNEL_CREDITS);
}

TEST(channel_says_eagain_when_nothing_has_come)
{
	struct channel_message m;
	int fds[CHANNEL_FDS];
	unsigned nfds;

	make_pair();
	CHECK_EQ(channel_recv(ends[1], &m, fds, &nfds), -1);
	CHECK_EQ(errno, EAGAIN);
}

TEST(channel_delivers_what_a_dead_end_said_and_then_the_end)
{
	struct channel_message m = {.type = CHANNEL_CLOSED};
	int fds[CHANNEL_FDS];
	unsigned nfds;

	make_pair();
	m.closed.out = 123;
	CHECK_EQ(channel_send(ends[1], &m, NULL, 0), 0);
	close(ends[1]);
	m.closed.out = 0;
	CHECK_EQ(channel_recv(ends[0], &m, fds, &nfds), 1);
	CHECK_EQ(m.closed.out, 123);
	CHECK_EQ(channel_recv(ends[0], &m, fds, &nfds), 0);
	CHECK_EQ(channel_send(ends[0], &m, NULL, 0), -1);
	CHECK_EQ(errno, EPIPE); /* and no signal */
}

/* Its death is an error in front of its words: see channel_recv. */
TEST(channel_delivers_what_an_end_said_that_died_with_messages_unread)
{
	struct channel_message m = {.type = CHANNEL_ACK, .count = 5};
	int fds[CHANNEL_FDS];
	unsigned nfds;

	make_pair();
	CHECK_EQ(channel_send(ends[0], &m, NULL, 0), 0);
	CHECK_EQ(channel_send(ends[1], &m, NULL, 0), 0);
	close(ends[1]);
	CHECK_EQ(channel_recv(ends[0], &m, fds, &nfds), 1);
	CHECK_EQ(m.count, 5);
	CHECK_EQ(channel_recv(ends[0], &m, fds, &nfds), 0);
}

TEST(channel_rejects_a_packet_that_is_longer_or_shorter_than_its_type)
{
	static const struct {
		enum channel_type type;
		uint32_t count;
	} cases[] = {
	    {CHANNEL_STOP, 0},
	    {CHANNEL_ACK, 1},
	    {CHANNEL_READY, 0},
	    {CHANNEL_CLOSED, 0},
	    {CHANNEL_MOVE, 0},
	    {CHANNEL_PASS, CHANNEL_FDS},
	};
	static char raw[sizeof(struct channel_message) + 1];
	struct channel_message m = {0};
	int fds[CHANNEL_FDS] = {0};
	unsigned nfds;
	ssize_t n;

	make_pair();
	for (size_t i = 0; i < COUNT(cases); i++) {
		m.type = cases[i].type;
		m.count = cases[i].count;
		CHECK_EQ(channel_send(ends[0], &m, NULL, 0), 0);
		n = recv(ends[1], raw, sizeof(raw), 0);
		CHECK(n > 0);
		for (ssize_t len = 1; len <= (ssize_t)sizeof(raw); len++) {
			if (len == n)
				continue;
			CHECK_EQ(send(ends[0], raw, (size_t)len, 0), len);
			CHECK_EQ(channel_recv(ends[1], &m, fds, &nfds), -1);
			CHECK_EQ(errno, EPROTO);
		}
	}
}

TEST(channel_carries_no_unknown_type_and_no_more_connections_than_fit)
{
	struct channel_message m = {.type = 99};
	int fds[CHANNEL_FDS];
	unsigned nfds;

	make_pair();
	CHECK_EQ(channel_send(ends[0], &m, NULL, 0), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(send(ends[0], &m, sizeof(m), 0), sizeof(m));
	CHECK_EQ(channel_recv(ends[1], &m, fds, &nfds), -1);
	CHECK_EQ(errno, EPROTO);
	m.type = CHANNEL_PASS;
	m.count = CHANNEL_FDS + 1;
	CHECK_EQ(channel_send(ends[0], &m, NULL, 0), -1);
	CHECK_EQ(errno, EINVAL);
}

TEST(channel_rejects_connections_without_their_fds)
{
	struct channel_message m = {.type = CHANNEL_PASS, .count = 2};
	int fds[CHANNEL_FDS];
	unsigned nfds;

	make_pair();
	fds[0] = ends[0];
	CHECK_EQ(channel_send(ends[0], &m, fds, 1), 0);
	CHECK_EQ(channel_recv(ends[1], &m, fds, &nfds), -1);
	CHECK_EQ(errno, EPROTO);
	CHECK_EQ(nfds, 0);
}

/* unix(7): at its fd limit a receiver loses fds with nothing but a flag. */
TEST(channel_rejects_a_message_that_lost_fds_and_closes_the_rest)
{
	struct channel_message m = {.type = CHANNEL_PASS, .count = 4};
	struct rlimit limit;
	int fds[CHANNEL_FDS];
	unsigned nfds;
	int before;

	make_pair();
	for (int i = 0; i < 4; i++)
		fds[i] = ends[0];
	CHECK_EQ(channel_send(ends[0], &m, fds, 4), 0);
	before = count_open(64);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)dup(0) + 2; /* room for two more */
	close((int)limit.rlim_cur - 2);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);

	CHECK_EQ(channel_recv(ends[1], &m, fds, &nfds), -1);
	CHECK_EQ(errno, EPROTO);
	CHECK_EQ(nfds, 0);
	CHECK_EQ(count_open(64), before);
}
