/* SPDX-License-Identifier: MIT */
/* See requests.h. */
#include "master/requests.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "master/bans.h"
#include "master/admit.h"
#include "master/loop.h"
#include "master/pass.h"
#include "master/slots.h"
#include "master/spawn.h"
#include "master/tls.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/shm/tables.h"

#define BATCH 64 /* messages, then others have their turn */
#define NONSENSE_LOG_US (1000 * 1000)

/* Counted; logged at most once a second and seat. */
static void
requests_refuse(struct master *m, uint32_t seat, const char *what)
{
	struct seat *s = &m->seats[seat];
	uint64_t now = clock_us();

	s->nonsense++;
	if (s->nonsense_logged_us != 0 &&
	    now - s->nonsense_logged_us < NONSENSE_LOG_US)
		return;
	s->nonsense_logged_us = now;
	log_warnx("nonsense", "type=%s seat=%u what=%s count=%u",
	    types[s->type].name, seat, what, s->nonsense);
}

static void
requests_closed(
    struct master *m, uint32_t seat, const struct channel_message *message)
{
	const char *reason = "unknown";
	const struct peer *peer;
	double seconds;

	if (!slots_holds(m, seat, message->closed.slot, message->closed.gen)) {
		requests_refuse(m, seat, "closed");
		return;
	}
	if (message->closed.reason < CLOSE_REASONS)
		reason = close_reason_names[message->closed.reason];
	peer = &m->slots[message->closed.slot].peer;
	seconds = (double)(int64_t)(clock_real_us() - peer->accepted_us) / 1e6;
	log_info("close",
	    "session=%" PRIu64 " listener=%s reason=%s in=%" PRIu64
	    " out=%" PRIu64 " seconds=%.1f",
	    peer->id, admit_listener_name(m, peer), reason, message->closed.in,
	    message->closed.out, MAX(seconds, 0.0));
	atomic_fetch_add_explicit(
	    &m->instance.status->closed, 1, memory_order_relaxed);
	slots_free(m, message->closed.slot);
}

static void
requests_move(
    struct master *m, uint32_t seat, const struct channel_message *message)
{
	uint32_t to = message->move.to;

	if (!slots_holds(m, seat, message->move.slot, message->move.gen) ||
	    to >= m->nseats || to == seat ||
	    m->seats[to].type != m->seats[seat].type) {
		requests_refuse(m, seat, "move");
		return;
	}
	slots_assign(m, message->move.slot, to);
	pass_queue(m, message->move.slot);
}

static void
requests_ack(
    struct master *m, uint32_t seat, const struct channel_message *message)
{
	struct seat *s = &m->seats[seat];

	if (message->count > CHANNEL_CREDITS - s->credits) {
		requests_refuse(m, seat, "ack");
		return;
	}
	s->credits += message->count;
}

static void
requests_obey(
    struct master *m, uint32_t seat, const struct channel_message *message)
{
	switch (message->type) {
	case CHANNEL_READY:
		spawn_on_ready(m, seat, message);
		break;
	case CHANNEL_SETTLED:
		m->seats[seat].settled = true;
		break;
	case CHANNEL_ACK:
		requests_ack(m, seat, message);
		break;
	case CHANNEL_CLOSED:
		requests_closed(m, seat, message);
		break;
	case CHANNEL_MOVE:
		requests_move(m, seat, message);
		break;
	case CHANNEL_BANS:
		bans_on_change(m);
		break;
	default:
		requests_refuse(m, seat, "type");
		break;
	}
}

/* Receives one message and obeys it; as channel_recv, EPROTO made 1. */
static int
requests_take(struct master *m, uint32_t seat)
{
	struct channel_message message;
	int fds[CHANNEL_FDS];
	unsigned nfds;
	int r = channel_recv(m->seats[seat].channel, &message, fds, &nfds);

	if (r == -1 && errno == EPROTO) {
		requests_refuse(m, seat, "message");
		return 1;
	}
	if (r != 1)
		return r;
	if (message.type == CHANNEL_CLEAR) {
		if (tls_on_clear(m, seat, &message, fds[0]) == 0)
			nfds--;
		else
			requests_refuse(m, seat, "clear");
	} else {
		requests_obey(m, seat, &message);
	}
	while (nfds > 0) /* nobody may send us others */
		close(fds[--nfds]);
	return 1;
}

void
requests_on_readable(struct master *m, uint32_t seat)
{
	struct seat *s = &m->seats[seat];
	int r = 1;

	for (int n = 0; n < BATCH && r == 1 && s->channel != -1; n++)
		r = requests_take(m, seat);
	if (r == 1 || (r == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	/*
	 * The other end is gone.  As a rule the worker has died and is reaped
	 * in a moment; one that lives on without its channel is of no use.
	 */
	loop_remove(m, s->channel);
	if (s->pid != 0 && !m->stopping)
		kill(s->pid, SIGKILL);
}

void
requests_drain(struct master *m, uint32_t seat)
{
	while (requests_take(m, seat) == 1)
		continue;
}
