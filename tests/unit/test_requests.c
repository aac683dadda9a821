/* SPDX-License-Identifier: MIT */
/*
 * The master's table of connections against workers that ask for what isn't
 * theirs: slots, queues with credits, and requests.
 */
#include "master/requests.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/pass.h"
#include "master/slots.h"
#include "shared/base/log.h"
#include "shared/net/fd.h"
#include "tests/harness/test.h"

#define SEATS 2
#define SLOTS 2000

static struct status_shm status;
static struct master m;
static int ends[SEATS]; /* the workers' */

static void
start(void)
{
	log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_LEVEL_INFO);
	fd_raise_limit();
	m.options.max_clients = SLOTS;
	m.instance.status = &status;
	m.nseats = SEATS;
	CHECK_EQ(slots_make(&m), 0);
	for (uint32_t i = 0; i < SEATS; i++) {
		int pair[2];

		CHECK_EQ(channel_pair(pair), 0);
		m.seats[i] = (struct seat){
		    .phase = SEAT_READY,
		    .channel = pair[0],
		    .queue_first = NONE,
		    .queue_last = NONE,
		    .credits = CHANNEL_CREDITS,
		};
		ends[i] = pair[1];
	}
}

/* Who connects to be served by `seat`: each seat has an address's clients. */
static struct peer
peer_of(uint32_t seat)
{
	return (struct peer){
	    .addr = {[10] = 0xff, 0xff, 127, 0, 0, (uint8_t)(seat + 1)},
	};
}

static uint32_t
used(uint32_t seat)
{
	return budget_used(&m.budget, peer_of(seat).addr);
}

/* A connection of `seat`'s, still in its queue. */
static uint32_t
admit(uint32_t seat)
{
	struct peer peer = peer_of(seat);
	uint32_t slot = slots_take(&m, &peer);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(slot != NONE);
	m.slots[slot].peer.id = slot + 1;
	CHECK_EQ(fd_move(fd, slots_fd(slot)), 0);
	slots_assign(&m, slot, seat);
	pass_queue(&m, slot);
	return slot;
}

/* One that its worker has got. */
static uint32_t
serve(uint32_t seat)
{
	uint32_t slot = admit(seat);

	pass_send(&m);
	CHECK(!m.slots[slot].queued);
	return slot;
}

static void
ask(uint32_t seat, const struct channel_message *message)
{
	CHECK_EQ(channel_send(ends[seat], message, NULL, 0), 0);
	requests_on_readable(&m, seat);
}

static void
ask_closed(uint32_t seat, uint32_t slot, uint32_t gen)
{
	struct channel_message message = {.type = CHANNEL_CLOSED};

	message.closed.slot = slot;
	message.closed.gen = gen;
	message.closed.reason = UINT32_MAX;
	ask(seat, &message);
}

static void
ask_move(uint32_t seat, uint32_t slot, uint32_t gen, uint32_t to)
{
	struct channel_message message = {.type = CHANNEL_MOVE};

	message.move.slot = slot;
	message.move.gen = gen;
	message.move.to = to;
	ask(seat, &message);
}

static bool
is_open(uint32_t slot)
{
	return fcntl(slots_fd(slot), F_GETFD) != -1;
}

TEST(slots_come_back_as_late_as_possible_with_another_generation)
{
	struct peer peer = peer_of(0);
	uint32_t first, gen;

	start();
	first = serve(0);
	gen = m.slots[first].gen;
	CHECK(gen != 0);
	slots_free(&m, first);
	for (unsigned i = 1; i < SLOTS; i++)
		CHECK(slots_take(&m, &peer) != first);
	CHECK_EQ(slots_take(&m, &peer), first);
	CHECK_EQ(m.slots[first].gen, gen + 1);
	CHECK_EQ(slots_take(&m, &peer), NONE);
	CHECK_EQ(used(0), SLOTS);
}

TEST(slots_count_the_connections_of_each_address_until_they_are_freed)
{
	struct peer peer = peer_of(0);
	uint32_t first, second, third;

	start();
	first = slots_take(&m, &peer);
	CHECK_EQ(used(0), 1);
	slots_free(&m, first); /* its fd couldn't be moved, say */
	CHECK_EQ(used(0), 0);
	first = admit(0);
	pass_forget(&m, 0); /* its worker died before it was passed */
	CHECK_EQ(used(0), 1);
	second = serve(0);
	third = serve(1);
	CHECK_EQ(used(0), 2);
	CHECK_EQ(used(1), 1);
	slots_assign(&m, second, 1); /* it moves to another worker */
	CHECK_EQ(used(0), 2);
	ask_closed(1, second, m.slots[second].gen + 1); /* nonsense */
	CHECK_EQ(used(0), 2);
	ask_closed(1, second, m.slots[second].gen);
	ask_closed(0, first, m.slots[first].gen);
	ask_closed(0, first, m.slots[first].gen); /* said again */
	CHECK_EQ(used(0), 0);
	CHECK_EQ(used(1), 1);
	slots_free(&m, third);
	CHECK_EQ(used(1), 0);
	slots_unmake(&m);
}

TEST(slots_count_the_connections_of_each_seat)
{
	uint32_t slot;

	start();
	slot = admit(0);
	admit(0);
	CHECK_EQ(m.seats[0].sessions, 2);
	slots_assign(&m, slot, 1);
	CHECK_EQ(m.seats[0].sessions, 1);
	CHECK_EQ(m.seats[1].sessions, 1);
	slots_free(&m, slot);
	CHECK_EQ(m.seats[1].sessions, 0);
	CHECK_EQ(status.seats[0].sessions, 1);
	CHECK_EQ(status.seats[1].sessions, 0);
}

TEST(pass_sends_in_order_as_many_as_fit_into_a_message)
{
	struct channel_message got;
	int fds[CHANNEL_FDS];
	unsigned nfds;
	uint32_t slot = 0;

	start();
	for (unsigned i = 0; i < CHANNEL_FDS + 3; i++)
		CHECK_EQ(admit(0), i);
	pass_send(&m);
	for (unsigned left = CHANNEL_FDS + 3; left > 0; left -= nfds) {
		CHECK_EQ(channel_recv(ends[0], &got, fds, &nfds), 1);
		CHECK_EQ(got.type, CHANNEL_PASS);
		CHECK_EQ(got.count, nfds);
		CHECK_EQ(nfds, left > CHANNEL_FDS ? CHANNEL_FDS : left);
		for (unsigned i = 0; i < nfds; i++, slot++) {
			CHECK_EQ(got.pass[i].slot, slot);
			CHECK_EQ(got.pass[i].gen, m.slots[slot].gen);
			CHECK_EQ(got.pass[i].peer.id, slot + 1);
		}
	}
	CHECK_EQ(m.seats[0].credits, CHANNEL_CREDITS - 2);
}

TEST(pass_waits_for_credits_and_goes_on_with_each)
{
	struct channel_message ack = {.type = CHANNEL_ACK, .count = 1};
	unsigned waiting = 0;

	start();
	for (unsigned i = 0; i < CHANNEL_FDS * (CHANNEL_CREDITS + 2); i++)
		admit(0);
	pass_send(&m);
	CHECK_EQ(m.seats[0].credits, 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		waiting += m.slots[i].queued;
	CHECK_EQ(waiting, 2 * CHANNEL_FDS);
	for (unsigned n = 2; n > 0; n--) {
		CHECK(m.seats[0].queue_first != NONE);
		ask(0, &ack);
		pass_send(&m);
	}
	CHECK_EQ(m.seats[0].queue_first, NONE);
}

TEST(pass_sends_nothing_to_a_worker_that_is_not_ready)
{
	start();
	m.seats[0].phase = SEAT_STARTING;
	admit(0);
	pass_send(&m);
	CHECK(m.seats[0].queue_first != NONE);
	m.seats[0].phase = SEAT_READY;
	pass_send(&m);
	CHECK(m.seats[0].queue_first == NONE);
}

TEST(pass_tries_again_later_when_a_channel_is_full)
{
	static const struct channel_message stop = {.type = CHANNEL_STOP};

	start();
	while (channel_send(m.seats[0].channel, &stop, NULL, 0) == 0)
		continue;
	admit(0);
	pass_send(&m);
	CHECK(m.seats[0].queue_first != NONE);
	CHECK(pass_due_us(&m) != UINT64_MAX);
	close(ends[0]); /* a dead one is reaped instead */
	pass_send(&m);
	CHECK(pass_due_us(&m) == UINT64_MAX);
}

TEST(pass_leaves_a_queue_to_the_successor_who_inherits_it)
{
	uint32_t slot;

	start();
	m.seats[0].phase = SEAT_VACANT;
	slot = admit(0);
	admit(0);
	pass_forget(&m, 0);
	CHECK_EQ(m.seats[0].queue_first, NONE);
	CHECK(!m.slots[slot].queued);
	CHECK(slots_holds(&m, 0, slot, m.slots[slot].gen));
}

TEST(requests_close_a_connection_of_the_asker)
{
	uint32_t slot;

	start();
	slot = serve(0);
	ask_closed(0, slot, m.slots[slot].gen);
	CHECK_EQ(m.slots[slot].seat, -1);
	CHECK(!is_open(slot));
	CHECK_EQ(m.seats[0].nonsense, 0);
	CHECK_EQ(status.closed, 1);
}

TEST(requests_about_what_the_asker_does_not_hold_change_nothing)
{
	uint32_t theirs, queued;
	uint32_t gen;

	start();
	theirs = serve(1);
	gen = m.slots[theirs].gen;
	m.seats[0].credits = 0;
	queued = admit(0);
	pass_send(&m);

	ask_closed(0, theirs, gen);
	ask_closed(1, theirs, gen + 1);
	ask_closed(1, theirs, gen - 1);
	ask_closed(1, SLOTS, 1);
	ask_closed(1, UINT32_MAX, 1);
	ask_closed(0, queued, m.slots[queued].gen);
	ask_move(0, theirs, gen, 0);
	ask_move(1, theirs, gen + 1, 0);
	ask_move(1, UINT32_MAX, gen, 0);
	CHECK_EQ(m.slots[theirs].seat, 1);
	CHECK_EQ(m.slots[queued].seat, 0);
	CHECK(is_open(theirs) && is_open(queued));
	CHECK_EQ(m.seats[0].nonsense, 3);
	CHECK_EQ(m.seats[1].nonsense, 6);
}

TEST(requests_move_a_connection_to_the_queue_of_another_seat)
{
	uint32_t slot;

	start();
	slot = serve(0);
	ask_move(0, slot, m.slots[slot].gen, 1);
	CHECK_EQ(m.slots[slot].seat, 1);
	CHECK(m.slots[slot].queued);
	CHECK_EQ(m.seats[1].queue_first, slot);
	CHECK(is_open(slot));
	ask_closed(0, slot, m.slots[slot].gen); /* no longer its own */
	CHECK(is_open(slot));
	pass_send(&m);
	CHECK(slots_holds(&m, 1, slot, m.slots[slot].gen));
}

TEST(requests_move_nothing_to_where_it_cannot_go)
{
	uint32_t slot;

	start();
	slot = serve(0);
	ask_move(0, slot, m.slots[slot].gen, 0);
	ask_move(0, slot, m.slots[slot].gen, SEATS);
	ask_move(0, slot, m.slots[slot].gen, UINT32_MAX);
	CHECK_EQ(m.slots[slot].seat, 0);
	CHECK(!m.slots[slot].queued);
	CHECK_EQ(m.seats[0].nonsense, 3);
}

TEST(requests_invent_no_credits)
{
	struct channel_message ack = {.type = CHANNEL_ACK, .count = 1};

	start();
	ask(0, &ack);
	CHECK_EQ(m.seats[0].credits, CHANNEL_CREDITS);
	serve(0);
	ack.count = UINT32_MAX;
	ask(0, &ack);
	CHECK_EQ(m.seats[0].credits, CHANNEL_CREDITS - 1);
	ack.count = 1;
	ask(0, &ack);
	CHECK_EQ(m.seats[0].credits, CHANNEL_CREDITS);
}

TEST(requests_of_no_known_type_or_size_are_counted_and_forgotten)
{
	struct channel_message message = {.type = CHANNEL_STOP};

	start();
	ask(0, &message);
	message.type = CHANNEL_PASS;
	ask(0, &message);
	message.type = 99;
	CHECK_EQ(send(ends[0], &message, sizeof(message), 0), sizeof(message));
	requests_on_readable(&m, 0);
	CHECK_EQ(send(ends[0], "x", 1, 0), 1);
	requests_on_readable(&m, 0);
	CHECK_EQ(m.seats[0].nonsense, 4);
}

TEST(requests_of_the_dead_are_obeyed_to_the_last)
{
	struct channel_message message = {.type = CHANNEL_CLOSED};
	uint32_t slots[100];

	start();
	for (unsigned i = 0; i < COUNT(slots); i++)
		slots[i] = admit(0);
	pass_send(&m);
	for (unsigned i = 0; i < COUNT(slots); i++) {
		message.closed.slot = slots[i];
		message.closed.gen = m.slots[slots[i]].gen;
		CHECK_EQ(channel_send(ends[0], &message, NULL, 0), 0);
	}
	close(ends[0]);
	requests_drain(&m, 0);
	CHECK_EQ(m.seats[0].sessions, 0);
}

TEST(requests_keep_no_fd_that_a_worker_sends)
{
	struct channel_message message = {.type = CHANNEL_ACK};
	int fds[1] = {STDIN_FILENO};
	int before, after;

	start();
	before = dup(0);
	close(before);
	CHECK_EQ(channel_send(ends[0], &message, fds, 1), 0);
	requests_on_readable(&m, 0);
	after = dup(0);
	CHECK_EQ(after, before);
}

TEST(requests_begin_with_a_worker_that_says_it_is_ready)
{
	struct channel_message message = {.type = CHANNEL_READY};

	start();
	m.seats[0].phase = SEAT_STARTING;
	ask(0, &message);
	CHECK_EQ(m.seats[0].phase, SEAT_READY);
}

/* A worker that closed its channel and lives on can't be reached any more. */
TEST(requests_end_a_worker_without_a_channel)
{
	int how;
	pid_t pid;

	start();
	close(ends[0]);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	m.seats[0].pid = pid;
	requests_on_readable(&m, 0);
	CHECK_EQ(waitpid(pid, &how, 0), pid);
	CHECK(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}
