/* SPDX-License-Identifier: MIT */
/*
 * The loop of a worker: wait, take what came in, fan out what is new in the
 * ring, serve those who read for themselves, tell the master.
 */
#include "worker/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"

#define EVENTS_MAX 64 /* a pass that stays within the caches */
#define IDLE_MS 1000
#define STALLED_MS 1
#define LATER_US 10000
#define SWEEP_US 1000000
#define STOP_SWEEP_US 50000 /* when the server stops */
#define TEXT_SIZE 65536

/* What epoll says of what is no session. */
enum {
	TAG_CHANNEL = UINT32_MAX,
	TAG_PING = UINT32_MAX - 1,
	TAG_BELL = UINT32_MAX - 2,
};

static void *
allocate(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (p == NULL)
		die(1, "out-of-memory", "bytes=%zu", count * size);
	return p;
}

static void
list_add(struct slot_list *list, uint32_t slot)
{
	list->slots[list->count++] = slot;
}

void
worker_due(struct worker *w, uint32_t slot)
{
	if (w->locals[slot].due)
		return;
	w->locals[slot].due = true;
	list_add(&w->due, slot);
}

void
worker_later(struct worker *w, uint32_t slot)
{
	if (w->locals[slot].later)
		return;
	w->locals[slot].later = true;
	if (w->later.count == 0)
		w->later_us = w->now_us + LATER_US;
	list_add(&w->later, slot);
}

void
worker_answer_ping(struct worker *w, int32_t waits_for, uint64_t acquisition)
{
	struct ping ping;

	while (recv(w->in->ping, &ping, sizeof(ping), MSG_DONTWAIT) ==
	       sizeof(ping)) {
		ping.waits_for = waits_for;
		ping.acquisition = acquisition;
		(void)send(w->in->ping, &ping, sizeof(ping),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static void
on_parked(void *context, uint32_t owner_seat, uint64_t acquisition)
{
	worker_answer_ping(context, (int32_t)owner_seat, acquisition);
}

static void
watch(struct worker *w, int fd, uint32_t tag)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};

	if (epoll_ctl(w->in->epoll, EPOLL_CTL_ADD, fd, &event) == -1 &&
	    epoll_ctl(w->in->epoll, EPOLL_CTL_MOD, fd, &event) == -1)
		die(1, "epoll-failed", "fd=%d", fd);
}

/* Attach and allocate; nothing of the segment is changed yet. */
void
worker_init(struct worker *w, const struct inherit *in)
{
	memset(w, 0, sizeof(*w));
	w->in = in;
	w->settings = in->settings;
	if (segment_attach(&w->seg, in->segment_fd, true) == -1)
		die(1, "segment-unusable", "seat=%u", in->seat);
	w->seat = segment_seat(&w->seg, in->seat);
	w->staging = segment_staging(&w->seg, in->seat);
	w->input = segment_input(&w->seg, in->seat);
	w->bit = UINT64_C(1) << in->seat;
	w->journal.seg = &w->seg;
	w->journal.seat = w->seat;
	w->journal.lock = (struct lock){
	    .shm = w->seg.lock,
	    .seat = in->seat,
	    .on_parked = on_parked,
	    .context = w,
	};
	w->locals = allocate(in->nslots, sizeof(*w->locals));
	w->rooms = allocate(w->seg.params.nrooms, sizeof(*w->rooms));
	for (uint32_t i = 0; i < w->seg.params.nrooms; i++)
		w->rooms[i].first = w->rooms[i].chain_first = NONE;
	/* Twice: while it is worked off, each slot may be added again. */
	w->due.slots = allocate(2 * (size_t)in->nslots, sizeof(uint32_t));
	w->later.slots = allocate(in->nslots, sizeof(uint32_t));
	w->untold.slots = allocate(in->nslots, sizeof(uint32_t));
	w->gathered = allocate(1, sizeof(*w->gathered));
	w->scratch = allocate(1, SCRATCH_SIZE);
	w->decoded = allocate(1, w->seg.layout.input_stride);
	w->batch.text_size = TEXT_SIZE;
	w->batch.text = allocate(1, TEXT_SIZE);
}

void
worker_fini(struct worker *w)
{
	free(w->locals);
	free(w->rooms);
	free(w->due.slots);
	free(w->later.slots);
	free(w->untold.slots);
	free(w->gathered);
	free(w->batch.text);
	free(w->scratch);
	free(w->decoded);
	segment_detach(&w->seg);
}

static void
set_state(struct worker *w, enum seat_state state)
{
	atomic_store_explicit(&w->seat->state, state, memory_order_relaxed);
}

/* A type that dies again and again has settled, and now waits its time. */
static void
back_off(struct worker *w)
{
	uint64_t until = clock_ms() + w->in->backoff_ms;
	struct pollfd ping = {.fd = w->in->ping, .events = POLLIN};
	uint64_t now;

	set_state(w, SEAT_THROTTLED);
	while ((now = clock_ms()) < until) {
		(void)poll(&ping, 1, (int)(until - now));
		worker_answer_ping(w, -1, 0);
	}
}

static void
tell_ready(struct worker *w, bool held_lock)
{
	struct channel_message m = {.type = CHANNEL_READY};

	m.ready.sessions = w->sessions;
	m.ready.held_lock = held_lock;
	m.ready.us = clock_us() - w->in->forked_us;
	(void)channel_send(w->in->channel, &m, NULL, 0);
}

/* Settle what a predecessor left, and be ready to serve. */
void
worker_begin(struct worker *w)
{
	bool held = false;

	set_state(w, SEAT_REPAIRING);
	atomic_store_explicit(
	    &w->seat->type, w->in->type, memory_order_relaxed);
	w->now_us = clock_us();
	watch(w, w->in->channel, TAG_CHANNEL);
	watch(w, w->in->ping, TAG_PING);
	watch(w, w->in->bells[w->in->seat], TAG_BELL);
	if (w->in->takeover) {
		held = journal_settle(&w->journal);
		takeover(w);
	}
	if (held)
		atomic_fetch_add_explicit(
		    &w->seg.lock->recoveries, 1, memory_order_relaxed);
	if (w->in->backoff_ms > 0)
		back_off(w);
	set_state(w, SEAT_SERVING);
	tell_ready(w, held);
}

/* Is there nothing to do but to wait? */
static bool
worker_idle(const struct worker *w)
{
	return w->due.count == 0 && !w->stopping &&
	       ring_head(&w->seg) == atomic_load_explicit(&w->seat->cursor,
					 memory_order_relaxed) &&
	       atomic_load_explicit(
		   &w->seat->attention, memory_order_relaxed) == 0;
}

static int
timeout_ms(const struct worker *w)
{
	if (!worker_idle(w))
		return w->stopping && w->due.count == 0 ? 10 : 0;
	return w->later.count > 0 || w->untold.count > 0 || w->acks > 0
		   ? LATER_US / 1000
		   : IDLE_MS;
}

/* Wait for events; returns how many. */
static int
worker_sleep(struct worker *w, struct epoll_event *events)
{
	int timeout = timeout_ms(w), n;

	if (timeout > 0) {
		atomic_store_explicit(
		    &w->seat->sleeping, 1, memory_order_relaxed);
		/*
		 * `sleeping` before the look at the head; pairs with the fence
		 * in publish.c, where it is the other way round.
		 */
		atomic_thread_fence(memory_order_seq_cst);
		if (!worker_idle(w))
			timeout = w->stopping ? timeout : 0;
		FAULT_POINT("worker.sleeping");
	}
	n = epoll_wait(w->in->epoll, events, EVENTS_MAX, timeout);
	atomic_store_explicit(&w->seat->sleeping, 0, memory_order_relaxed);
	return n;
}

static void
read_bell(struct worker *w)
{
	uint64_t rings;

	(void)!read(w->in->bells[w->in->seat], &rings, sizeof(rings));
	FAULT_POINT("worker.woken");
}

static void
on_session_event(struct worker *w, uint32_t slot, uint32_t events)
{
	struct local *l = &w->locals[slot];

	if ((events & EPOLLOUT) != 0) {
		l->blocked = false;
		worker_due(w, slot);
		session_watch(w, slot);
	}
	if ((events & (EPOLLHUP | EPOLLERR)) != 0 && (l->armed & EPOLLIN) == 0)
		session_deafen(w, slot);
	else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		input_take(w, slot, true);
}

static void
on_event(struct worker *w, const struct epoll_event *event)
{
	uint32_t slot = (uint32_t)event->data.u64;
	uint32_t gen = (uint32_t)(event->data.u64 >> 32);

	if (slot == TAG_CHANNEL)
		adopt_from_channel(w);
	else if (slot == TAG_PING)
		worker_answer_ping(w, -1, 0);
	else if (slot == TAG_BELL)
		read_bell(w);
	else if (slot < w->in->nslots && w->locals[slot].mine &&
		 session_row(w, slot)->gen == gen && !w->stalled)
		on_session_event(w, slot, event->events);
}

/* What the connection's end means for the session, if it is time for that. */
static void
serve_end(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct local *l = &w->locals[slot];

	if (s->half.state == SESSION_LEAVING ||
	    (!s->half.broken &&
		(!l->eof || l->waiting || s->half.next_room != NONE)))
		return;
	/* What it asked for tells of the room with it, if it reads at all. */
	if (!s->half.broken && s->half.reply.code != CHAT_OK && !l->blocked &&
	    !l->poor)
		return;
	if (s->half.state == SESSION_JOINED && !publish_allowed(w)) {
		worker_later(w, slot);
		return;
	}
	talk_leave(
	    w, slot, s->half.broken ? CLOSE_RESET : CLOSE_EOF, CHAT_OK, 0);
}

/* Input that had to wait: perhaps not any more. */
static void
serve_waiting(struct worker *w, uint32_t slot)
{
	const struct local *l = &w->locals[slot];

	if (l->waiting && !w->stalled && !l->paced)
		input_take(w, slot, false);
}

/* All that may be due for a session. */
static void
serve(struct worker *w, uint32_t slot)
{
	struct local *l = &w->locals[slot];

	if (!l->mine)
		return;
	serve_waiting(w, slot);
	if (l->deaf && !l->waiting && !l->eof && !l->starved) {
		input_take(w, slot, true);
		worker_due(w, slot);
	}
	if (session_row(w, slot)->half.broken ||
	    (session_row(w, slot)->half.state == SESSION_LEAVING && l->deaf))
		l->eof = true;
	if (l->move_to != 0)
		adopt_move(w, slot);
	if (!l->mine)
		return;
	lag_serve(w, slot);
	if (!l->mine)
		return;
	serve_end(w, slot);
	if (l->blocked) /* for a reply: "/quit" doesn't wait for that */
		serve_waiting(w, slot);
	/* If it waits for its reply to be read, epoll will say when. */
	if (l->waiting && !l->paced &&
	    !session_unread(&session_row(w, slot)->half))
		worker_due(w, slot);
}

static void
serve_due(struct worker *w)
{
	uint32_t count = w->due.count;
	uint32_t *slots = w->due.slots;

	/* What becomes due while we are at it comes behind, next time. */
	for (uint32_t i = 0; i < count; i++) {
		w->locals[slots[i]].due = false;
		serve(w, slots[i]);
	}
	w->due.count -= count;
	memmove(slots, slots + count, w->due.count * sizeof(*slots));
}

static void
serve_later(struct worker *w)
{
	if (w->later.count == 0 || w->now_us < w->later_us)
		return;
	for (uint32_t i = 0; i < w->later.count; i++) {
		struct local *l = &w->locals[w->later.slots[i]];

		l->later = false;
		if (!l->mine)
			continue;
		l->starved = false;
		l->paced = false;
		session_watch(w, w->later.slots[i]);
		worker_due(w, w->later.slots[i]);
	}
	w->later.count = 0;
}

/* Now and then: who has been too long about something? */
static void
sweep(struct worker *w)
{
	if (w->now_us - w->swept_us < (w->stopping ? STOP_SWEEP_US : SWEEP_US))
		return;
	w->swept_us = w->now_us;
	for (uint32_t slot = 0; slot < w->in->nslots; slot++) {
		struct session_shm *s = session_row(w, slot);

		if (!w->locals[slot].mine || s->deadline_us > w->now_us)
			continue;
		switch ((enum session_state)s->half.state) {
		case SESSION_ROOM:
		case SESSION_NAME:
			talk_leave(w, slot, CLOSE_LOGIN_TIMEOUT,
			    CHAT_LOGIN_TIMEOUT, w->settings->login_timeout_s);
			break;
		case SESSION_LEAVING:
			if (!w->locals[slot].finished)
				s->half.reason = CLOSE_UNREAD;
			adopt_close(w, slot);
			break;
		case SESSION_JOINED:
			if (publish_allowed(w))
				talk_leave(w, slot, CLOSE_IDLE_TIMEOUT,
				    CHAT_IDLE_TIMEOUT,
				    w->settings->idle_timeout_s);
			break;
		}
	}
}

/* The server stops: take what has come, say the last word, close. */
static void
stop_all(struct worker *w)
{
	set_state(w, SEAT_STOPPING);
	for (uint32_t slot = 0; slot < w->in->nslots; slot++) {
		struct local *l = &w->locals[slot];
		struct session_half half = session_row(w, slot)->half;

		if (l->finished) /* waits for a FIN, but not as long now */
			session_row(w, slot)->deadline_us =
			    MIN(session_row(w, slot)->deadline_us,
				w->now_us + STOP_LINGER_US);
		if (!l->mine || half.state == SESSION_LEAVING)
			continue;
		if (!l->eof)
			input_take(w, slot, true);
		half = session_row(w, slot)->half;
		l->move_to = 0;
		if (half.state == SESSION_LEAVING)
			continue;
		session_last_word(w, slot, &half, CHAT_SHUTTING_DOWN, 0);
		if (half.next_room == NONE) /* else see lag_turn */
			lag_until_now(w, &half);
		half.state = SESSION_LEAVING;
		half.reason = CLOSE_SHUTDOWN;
		session_unlink(w, slot);
		journal_step(&w->journal, slot, &half);
		session_row(w, slot)->deadline_us = w->now_us + 2 * SWEEP_US;
		worker_due(w, slot);
	}
}

/* A millisecond without clients, for the sake of a worker that is behind. */
static void
worker_stalled(struct worker *w)
{
	struct pollfd fds[] = {
	    {.fd = w->in->channel, .events = POLLIN},
	    {.fd = w->in->ping, .events = POLLIN},
	    {.fd = w->in->bells[w->in->seat], .events = POLLIN},
	};

	(void)poll(fds, COUNT(fds), STALLED_MS);
	if (fds[0].revents != 0)
		adopt_from_channel(w);
	if (fds[1].revents != 0)
		worker_answer_ping(w, -1, 0);
	if (fds[2].revents != 0)
		read_bell(w);
	w->stalled = false;
	(void)publish_allowed(w);
}

/* One pass of the loop.  Returns whether there is to be another. */
bool
worker_turn(struct worker *w)
{
	struct epoll_event events[EVENTS_MAX];
	int n = 0;

	if (w->stalled)
		worker_stalled(w);
	else
		n = worker_sleep(w, events);
	w->now_us = clock_us();
	atomic_fetch_add_explicit(&w->seat->passes, 1, memory_order_relaxed);
	atomic_store_explicit(
	    &w->seat->beat_us, w->now_us, memory_order_relaxed);
	for (int i = 0; i < n; i++)
		on_event(w, &events[i]);
	if (atomic_load_explicit(&w->seat->attention, memory_order_relaxed))
		input_evict(w);
	fanout(w);
	serve_due(w);
	serve_later(w);
	sweep(w);
	if (w->stopping)
		stop_all(w);
	if (w->acks > 0 || w->untold.count > 0)
		adopt_tell(w);
	return !w->orphaned && !(w->stopping && w->sessions == 0);
}

int
chat_worker_main(const struct inherit *inherit)
{
	static struct worker w;

	worker_init(&w, inherit);
	worker_begin(&w);
	while (worker_turn(&w))
		continue;
	worker_fini(&w);
	return 0;
}
