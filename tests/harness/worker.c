/* SPDX-License-Identifier: MIT */
/* See worker.h. */
#include "tests/harness/worker.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/test.h"

#define TURNS_MAX 100000
#define QUIET_TURNS 3

static void
allow_fds(void)
{
	struct rlimit files;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	CHECK(files.rlim_cur > FD_BASE + TEST_SLOTS);
}

void
test_worker(struct test_worker *t, const struct segment_params *params)
{
	struct segment_params alone = *params;
	int pair[2];

	allow_fds();
	memset(t, 0, sizeof(*t));
	alone.nseats = 1;
	t->settings = (struct settings){
	    .max_line = alone.max_line,
	    .max_rooms = alone.nrooms,
	};
	t->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	t->in = (struct inherit){
	    .nseats = 1,
	    .nslots = TEST_SLOTS,
	    .slots = t->slots,
	    .settings = &t->settings,
	    .bells = &t->bell,
	    .segment_fd = test_segment_fd(&alone),
	    .epoll = epoll_create1(EPOLL_CLOEXEC),
	};
	CHECK(t->bell != -1 && t->in.epoll != -1);
	CHECK_EQ(channel_pair(pair), 0);
	t->in.channel = pair[0];
	t->master = pair[1];
	CHECK_EQ(channel_pair(pair), 0);
	t->in.ping = pair[0];
	worker_init(&t->w, &t->in);
	worker_begin(&t->w);
}

/* Read and forget what the clients were told.  Was there anything? */
static bool
clients_read(struct test_worker *t)
{
	char bytes[4096];
	bool any = false;

	for (unsigned i = 0; i < TEST_SLOTS; i++)
		while (
		    t->clients[i] != 0 &&
		    recv(t->clients[i], bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
			any = true;
	return any;
}

static bool
is_quiet(const struct test_worker *t)
{
	int queued = 0;

	if (t->w.due.count > 0 || t->w.later.count > 0 ||
	    ring_head(&t->w.seg) != atomic_load(&t->w.seat->cursor))
		return false;
	for (uint32_t i = 0; i < TEST_SLOTS; i++)
		if (t->w.locals[i].mine &&
		    ioctl(session_fd(i), SIOCINQ, &queued) == 0 && queued > 0)
			return false;
	return true;
}

/* Until nothing moves any more. */
static void
settle(struct test_worker *t)
{
	static const uint64_t one = 1;
	struct channel_message m;
	int fds[CHANNEL_FDS], quiet = 0;
	unsigned nfds;

	for (int turns = 0; quiet < QUIET_TURNS; turns++) {
		CHECK(turns < TURNS_MAX);
		CHECK(write(t->bell, &one, sizeof(one)) == sizeof(one));
		worker_turn(&t->w);
		quiet = !clients_read(t) && is_quiet(t) ? quiet + 1 : 0;
		while (channel_recv(t->master, &m, fds, &nfds) == 1)
			continue;
	}
}

void
test_worker_join(
    struct test_worker *t, uint32_t slot, const char *room, const char *name)
{
	struct peer peer = {.id = slot + 1, .accepted_us = 1, .port = 1};
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		     0, pair),
	    0);
	CHECK(dup3(pair[0], session_fd(slot), O_CLOEXEC) != -1);
	close(pair[0]);
	t->clients[slot] = pair[1];
	memset(peer.addr + 10, 0xff, 2);
	adopt_new(&t->w, slot, ++t->gens[slot], &peer);
	adopt_row(&t->w, slot);
	test_worker_say(t, slot, room);
	test_worker_say(t, slot, "\n");
	test_worker_say(t, slot, name);
	test_worker_say(t, slot, "\n");
	CHECK_EQ(session_row(&t->w, slot)->half.state, SESSION_JOINED);
}

void
test_worker_say(struct test_worker *t, uint32_t slot, const char *lines)
{
	size_t len = strlen(lines);

	CHECK_EQ(send(t->clients[slot], lines, len, MSG_NOSIGNAL), len);
	settle(t);
}

void
test_worker_close(struct test_worker *t, uint32_t slot)
{
	close(t->clients[slot]);
	t->clients[slot] = 0;
	settle(t);
}
