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
#include "worker/ask.h"
#include "worker/fetch.h"
#include "worker/rooms.h"

#define EVENTS_MAX 64 /* a pass that stays within the caches */
#define IDLE_MS 1000
#define STALLED_MS 1
#define TEXT_SIZE 65536

/* What epoll says of what is no session. */
enum {
	TAG_CHANNEL = UINT32_MAX,
	TAG_PING = UINT32_MAX - 1,
	TAG_BELL = UINT32_MAX - 2,
	TAG_ASK = UINT32_MAX - 3,
};

static void *
allocate(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (p == NULL)
		die(1, "out-of-memory", "bytes=%zu", count * size);
	return p;
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
	struct worker *w = context;

	/* It never gives the lock back: there is nobody, or it is myself. */
	if (owner_seat >= w->in->nseats || owner_seat == w->in->seat)
		damage_found(w, "lock");
	worker_answer_ping(w, (int32_t)owner_seat, acquisition);
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
	if (in->policy != NULL) {
		w->policy = *in->policy;
		w->settings = w->policy.settings;
	}
	if (segment_attach(&w->seg, in->segment_fd, true) == -1)
		die(in->takeover && errno == EPROTO ? WORKER_DAMAGED : 1,
		    "segment-unusable", "seat=%u", in->seat);
	w->seat = segment_seat(&w->seg, in->seat);
	/* A predecessor may have died before it could say so. */
	w->bans_untold =
	    in->takeover && atomic_load_explicit(&w->seg.tables->bans_end,
				memory_order_relaxed) != 0;
	w->staging = segment_staging(&w->seg, in->seat);
	w->input = segment_input(&w->seg, in->seat);
	w->bit = UINT64_C(1) << in->seat;
	w->journal.seg = &w->seg;
	w->journal.seat = w->seat;
	w->journal.on_damage = damage_in_ring;
	w->journal.context = w;
	w->journal.lock = (struct lock){
	    .shm = w->seg.lock,
	    .seat = in->seat,
	    .on_parked = on_parked,
	    .context = w,
	};
	w->locals = allocate(in->nslots, sizeof(*w->locals));
	w->rooms = allocate(w->seg.params.nrooms, sizeof(*w->rooms));
	/* Twice: while it is worked off, each slot may be added again. */
	w->due.slots = allocate(2 * (size_t)in->nslots, sizeof(uint32_t));
	w->later.slots = allocate(in->nslots, sizeof(uint32_t));
	w->untold.slots = allocate(in->nslots, sizeof(uint32_t));
	w->gathered = allocate(1, sizeof(*w->gathered));
	w->scratch = allocate(1, SCRATCH_SIZE);
	w->decoded = allocate(1, w->seg.layout.input_stride);
	if (in->type == WORKER_TELNET)
		edit_init(w);
	ask_init(w);
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
	free(w->editing);
	ask_fini(w);
	segment_detach(&w->seg);
}

static void
set_state(struct worker *w, enum seat_state state)
{
	atomic_store_explicit(&w->seat->state, state, memory_order_relaxed);
}

/* A sign of life: that the worker has come this far by now. */
static void
beat(struct worker *w)
{
	w->now_us = clock_us();
	atomic_store_explicit(
	    &w->seat->beat_us, w->now_us, memory_order_relaxed);
}

/* A type that dies again and again has settled, and now waits its time. */
static void
back_off(struct worker *w)
{
	static const struct channel_message settled = {.type = CHANNEL_SETTLED};
	uint64_t until = clock_ms() + w->in->backoff_ms;
	struct pollfd ping = {.fd = w->in->ping, .events = POLLIN};
	uint64_t now;

	(void)channel_send(w->in->channel, &settled, NULL, 0);
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
	if (w->in->ask > 0)
		watch(w, w->in->ask, TAG_ASK);
	if (w->in->takeover) {
		held = journal_settle(&w->journal);
		damage_check_repair(w, held);
		takeover(w);
	}
	if (held)
		atomic_fetch_add_explicit(
		    &w->seg.lock->recoveries, 1, memory_order_relaxed);
	if (w->in->backoff_ms > 0)
		back_off(w);
	beat(w);
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
	return w->later.count > 0 || w->untold.count > 0 || w->acks > 0 ||
		       ask_queues(w)
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

	if (l->linked && l->room < w->seg.params.nrooms) {
		fetch_room(w, l->room);
		ring_prefetch(&w->seg, 0, 0);
	}
	damage_check_row(w, slot);
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
	else if (slot == TAG_ASK)
		ask_on_readable(w);
	else if (slot < w->in->nslots && w->locals[slot].mine &&
		 w->locals[slot].gen == gen && !w->stalled)
		on_session_event(w, slot, event->events);
}

/* The next event is that of another session, most of the time. */
static void
fetch_ahead(const struct worker *w, const struct epoll_event *events, int n)
{
	uint32_t slot;

	if (n > 1 && (slot = (uint32_t)events[1].data.u64) < w->in->nslots)
		fetch_row(w, slot);
	if (n > 2 && (slot = (uint32_t)events[2].data.u64) < w->in->nslots)
		__builtin_prefetch(&w->locals[slot], 1);
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

/* What others have asked for. */
static void
attend(struct worker *w)
{
	unsigned wanted = atomic_exchange_explicit(
	    &w->seat->attention, 0, memory_order_relaxed);

	if ((wanted & ATTENTION_BUFFER) != 0)
		input_evict(w);
	if ((wanted & ATTENTION_END) != 0)
		ended_serve(w);
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
	beat(w);
	atomic_fetch_add_explicit(&w->seat->passes, 1, memory_order_relaxed);
	for (int i = 0; i < n; i++) {
		fetch_ahead(w, events + i, n - i);
		on_event(w, &events[i]);
	}
	if (atomic_load_explicit(&w->seat->attention, memory_order_relaxed))
		attend(w);
	fanout(w);
	if (w->follow_room < w->seg.params.nrooms)
		rooms_follow(w);
	if (ask_queues(w))
		ask_serve(w);
	serve_due(w);
	serve_later(w);
	serve_deadlines(w);
	if (w->stopping)
		serve_stop(w);
	if (w->acks > 0 || w->untold.count > 0 || w->bans_untold)
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
