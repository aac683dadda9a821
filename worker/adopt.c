/* SPDX-License-Identifier: MIT */
/*
 * Connections come and go.  A new connection, a move and a takeover are one
 * mechanism: here is a fd under its slot's number, there is a row; adopt it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/shm/pool.h"
#include "worker/ask.h"
#include "worker/login.h"

#define MOVE_PAUSE_US 1000000 /* a session moves at most once a second */

/* What of its looks a telnet session begins with. */
static uint8_t
look_asked(const struct settings *set)
{
	return (uint8_t)((set->wrap ? LOOK_WRAP : 0) |
			 (set->color ? LOOK_COLOR : 0) |
			 (set->time ? LOOK_TIME : 0));
}

/*
 * Make the row of a slot that was free into a new session's.  The generation
 * comes last: until then a successor finds one that isn't its connection's,
 * and begins anew.
 */
void
adopt_new(
    struct worker *w, uint32_t slot, uint32_t gen, const struct peer *peer)
{
	struct session_shm *s = session_row(w, slot);

	memset(&s->half, 0, sizeof(s->half));
	s->half.room = NONE;
	s->half.next_room = NONE;
	s->half.until = UINT64_MAX;
	s->half.own = ring_head(&w->seg);
	s->in_buf = 0;
	s->in_cut = 0;
	s->kept_at = 0;
	memset(s->ignored, 0, sizeof(s->ignored));
	memset(s->kept, 0, sizeof(s->kept));
	atomic_store_explicit(&s->in_total, 0, memory_order_relaxed);
	atomic_store_explicit(&s->out_total, 0, memory_order_relaxed);
	s->id = peer->id;
	s->accepted_us = peer->accepted_us;
	s->moved_us = 0;
	s->pace_us = 0;
	s->deadline_us =
	    w->settings->login_timeout_s == 0
		? UINT64_MAX
		: clock_us() + w->settings->login_timeout_s * UINT64_C(1000000);
	memcpy(s->addr, peer->addr, sizeof(s->addr));
	s->port = peer->port;
	s->listener = peer->listener;
	s->kind = peer->kind;
	s->tls = peer->tls;
	atomic_store_explicit(&s->heard, 0, memory_order_relaxed);
	if (session_is_telnet(s)) {
		s->half.dialect = DIALECT_CRLF;
		s->half.look = look_asked(w->settings);
		s->half.lag = 1;
		s->half.reply.code = REPLY_GREETING;
	}
	if (session_is_web(s))
		s->half.state = SESSION_HTTP;
	FAULT_POINT("adopt.new.filled");
	atomic_store_explicit(&s->owner, w->in->seat + 1, memory_order_relaxed);
	FAULT_POINT("adopt.new.owned");
	lock_acquire(&w->journal.lock);
	s->name_len = 0;
	atomic_store_explicit(&s->rights, 0, memory_order_relaxed);
	atomic_store_explicit(&s->end, 0, memory_order_relaxed);
	w->seg.members[slot].room = NONE;
	s->gen = gen;
	lock_release(&w->journal.lock);
	FAULT_POINT("adopt.new.done");
}

static void
own_row(struct worker *w, struct session_shm *s)
{
	atomic_store_explicit(&s->owner, w->in->seat + 1, memory_order_relaxed);
}

/* Take up a row that is mine, or moves to me, and whose fd I have. */
void
adopt_row(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct local *l = &w->locals[slot];
	uint32_t at = session_room(&s->half);
	struct room_shm *room;

	l->mine = true;
	l->gen = s->gen;
	w->sessions++;
	/* Who died between its join and saying so left the login's deadline. */
	if (s->half.state == SESSION_JOINED)
		s->deadline_us = MAX(s->deadline_us, input_deadline(w));
	if (s->half.state == SESSION_JOINED && at < w->seg.params.nrooms) {
		struct local_room *r = &w->rooms[at];

		room = &w->seg.rooms[at];
		lock_acquire(&w->journal.lock);
		/* With the bit: who has the lock sees both or neither. */
		own_row(w, s);
		atomic_store_explicit(&room->seats,
		    atomic_load_explicit(&room->seats, memory_order_relaxed) |
			w->bit,
		    memory_order_relaxed);
		if (r->count == 0)
			r->next_msg = room->messages;
		lock_release(&w->journal.lock);
		session_link(w, slot, at);
	} else {
		own_row(w, s);
	}
	session_counted(w, slot);
	session_looks(w, slot);
	l->waiting = s->half.in_done < session_input_end(s);
	session_watch(w, slot);
	if (session_in_need(w, slot))
		worker_due(w, slot);
}

/* A connection from the channel, already under its slot's number. */
static void
adopt_passed(
    struct worker *w, uint32_t slot, uint32_t gen, const struct peer *peer)
{
	struct session_shm *s = session_row(w, slot);
	uint32_t owner = atomic_load_explicit(&s->owner, memory_order_acquire);

	if (s->gen == gen && owner == ((w->in->seat + 1) | OWNER_MOVING)) {
		FAULT_POINT("adopt.moved.in");
	} else if (s->gen != gen) {
		adopt_new(w, slot, gen, peer);
	} else {
		log_warnx("pass-refused", "slot=%u gen=%u owner=%u", slot, gen,
		    owner);
		close(session_fd(slot));
		return;
	}
	adopt_row(w, slot);
}

static void
adopt_message(
    struct worker *w, const struct channel_message *m, int *fds, unsigned nfds)
{
	for (unsigned i = 0; i < nfds; i++) {
		uint32_t slot = m->pass[i].slot;

		if (i < m->count && slot < w->in->nslots &&
		    !w->locals[slot].mine &&
		    dup3(fds[i], session_fd(slot), O_CLOEXEC) != -1)
			adopt_passed(w, slot, m->pass[i].gen, &m->pass[i].peer);
		close(fds[i]);
		FAULT_POINT("adopt.passed");
	}
	w->acks++;
}

/* The administrator has decided anew; what can't be read changes nothing. */
static void
adopt_policy(struct worker *w, int fd)
{
	struct policy policy;

	if (policy_attach(&policy, fd) == -1) {
		log_warn("policy-unusable", NULL);
		return;
	}
	policy_detach(&w->policy);
	w->policy = policy;
	w->settings = policy.settings;
	w->follow_room = 0;
	FAULT_POINT("adopt.policy");
}

/* All that the master has for us. */
void
adopt_from_channel(struct worker *w)
{
	struct channel_message m;
	int fds[CHANNEL_FDS], got;
	unsigned nfds;

	while ((got = channel_recv(w->in->channel, &m, fds, &nfds)) == 1) {
		if (m.type == CHANNEL_PASS) {
			adopt_message(w, &m, fds, nfds);
			continue;
		}
		if (m.type == CHANNEL_LOG && nfds == 1 &&
		    log_replace(fds[0]) == -1)
			log_warn("log-reopen-failed", NULL);
		if (m.type == CHANNEL_POLICY && nfds == 1)
			adopt_policy(w, fds[0]);
		while (nfds > 0)
			close(fds[--nfds]);
		if (m.type == CHANNEL_STOP)
			w->stopping = true;
		if (m.type == CHANNEL_ASKED)
			ask_again(w);
	}
	if (got == 0 || (got == -1 && errno == ECONNRESET))
		w->orphaned = true;
}

/* Forget a slot: its fd is closed, or somebody else's now. */
static void
forget(struct worker *w, uint32_t slot)
{
	struct local *l = &w->locals[slot];
	bool due = l->due, later = l->later;

	ask_forget(w, slot);
	w->ignorers -= l->ignores;
	memset(l, 0, sizeof(*l));
	l->due = due; /* still in the lists, which skip it */
	l->later = later;
	w->sessions--;
}

static void
tell_moved(struct worker *w, uint32_t slot, uint32_t to)
{
	struct channel_message m = {.type = CHANNEL_MOVE};

	m.move.slot = slot;
	m.move.gen = session_row(w, slot)->gen;
	m.move.to = to;
	if (channel_send(w->in->channel, &m, NULL, 0) == -1)
		w->untold.slots[w->untold.count++] = slot;
}

static void
tell_closed(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct channel_message m = {.type = CHANNEL_CLOSED};

	m.closed.slot = slot;
	m.closed.gen = s->gen;
	m.closed.reason = s->half.reason;
	m.closed.in = atomic_load_explicit(&s->in_total, memory_order_relaxed);
	m.closed.out =
	    atomic_load_explicit(&s->out_total, memory_order_relaxed);
	if (channel_send(w->in->channel, &m, NULL, 0) == -1)
		w->untold.slots[w->untold.count++] = slot;
}

/* Tell the master again what a full channel kept back. */
void
adopt_tell(struct worker *w)
{
	static const struct channel_message bans = {.type = CHANNEL_BANS};
	struct channel_message ack = {.type = CHANNEL_ACK};
	uint32_t count = w->untold.count;

	if (w->bans_untold)
		w->bans_untold =
		    channel_send(w->in->channel, &bans, NULL, 0) == -1;

	w->untold.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = w->untold.slots[i];
		uint32_t owner = atomic_load_explicit(
		    &session_row(w, slot)->owner, memory_order_relaxed);

		if (owner == 0)
			tell_closed(w, slot);
		else if ((owner & OWNER_MOVING) != 0)
			tell_moved(w, slot, (owner & ~OWNER_MOVING) - 1);
	}
	ack.count = w->acks;
	if (w->acks > 0 && channel_send(w->in->channel, &ack, NULL, 0) == 0)
		w->acks = 0;
}

/*
 * From the store of the owner word on the row is the other worker's.  `bit` is
 * this seat's if the room has no local member any more: both at once, as in
 * adopt_row.
 */
static void
give_row(
    struct worker *w, uint32_t slot, uint32_t to, uint32_t room, uint64_t bit)
{
	struct session_shm *s = session_row(w, slot);
	struct room_shm *r = &w->seg.rooms[room];

	lock_acquire(&w->journal.lock);
	atomic_store_explicit(&r->seats,
	    atomic_load_explicit(&r->seats, memory_order_relaxed) & ~bit,
	    memory_order_relaxed);
	/* Pairs with the acquire load of the adopting worker. */
	atomic_store_explicit(
	    &s->owner, (to + 1) | OWNER_MOVING, memory_order_release);
	lock_release(&w->journal.lock);
}

/*
 * Give the session to the worker that is its room's home; the master passes it
 * the fd.
 */
void
adopt_move(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct session_half half = s->half;
	struct local *l = &w->locals[slot];
	uint32_t to = l->move_to - 1, room = l->room;
	struct epoll_event unused = {0};
	bool last;

	l->move_to = 0;
	if (half.state != SESSION_JOINED || half.broken || l->eof ||
	    (s->moved_us != 0 && w->now_us - s->moved_us < MOVE_PAUSE_US))
		return;
	session_unheard(w, slot);
	(void)epoll_ctl(w->in->epoll, EPOLL_CTL_DEL, session_fd(slot), &unused);
	session_lag(w, slot, &half);
	journal_step(&w->journal, slot, &half);
	FAULT_POINT("move.lagging");
	s->moved_us = w->now_us;
	last = session_unlink(w, slot);
	FAULT_POINT("move.unlinked");
	give_row(w, slot, to, room, last ? w->bit : 0);
	FAULT_POINT("move.given");
	close(session_fd(slot));
	forget(w, slot);
	tell_moved(w, slot, to);
	FAULT_POINT("move.told");
}

/* Close the connection; the last store frees the row. */
void
adopt_close(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct epoll_event unused = {0};
	uint32_t in_buf = s->in_buf, cut_buf = s->half.cut_buf;

	session_unheard(w, slot);
	(void)epoll_ctl(w->in->epoll, EPOLL_CTL_DEL, session_fd(slot), &unused);
	(void)shutdown(session_fd(slot), SHUT_RDWR);
	FAULT_POINT("close.shut");
	close(session_fd(slot));
	login_wipe_row(w, slot);
	s->in_buf = 0;
	s->half.cut_buf = 0;
	FAULT_POINT("close.freeing");
	pool_give(&w->seg, in_buf);
	pool_give(&w->seg, cut_buf);
	atomic_store_explicit(&s->owner, 0, memory_order_release);
	FAULT_POINT("close.freed");
	forget(w, slot);
	tell_closed(w, slot);
	FAULT_POINT("close.told");
}
