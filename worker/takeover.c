/* SPDX-License-Identifier: MIT */
/*
 * Taking over from a dead worker: the same seat, the same fds under the same
 * numbers, the same epoll set, and perhaps the lock.  Settle the three notes,
 * wake everybody, then go through the rows.  Killed in here, the next one does
 * it again: each step either has a note that still holds, or looks at facts.
 */
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/net/tcp.h"
#include "shared/shm/pool.h"
#include "worker/login.h"

static bool
in_my_list(const struct worker *w, uint32_t slot)
{
	return w->in->slots[slot].seat == (int)w->in->seat;
}

static uint32_t
owner_of(const struct worker *w, uint32_t slot)
{
	return atomic_load_explicit(
	    &session_row(w, slot)->owner, memory_order_acquire);
}

/*
 * The predecessor was reading: the kernel knows how much it gave, and the read
 * buffer holds it.
 */
static void
settle_in(struct worker *w, uint32_t poisoned)
{
	struct note_in *note = &w->seat->in;
	struct tcp_counts counts;
	uint64_t most = w->seg.layout.input_stride;
	size_t got;

	if (atomic_load_explicit(&note->valid, memory_order_relaxed) == 0)
		return;
	FAULT_POINT("takeover.in");
	if (note->slot >= w->in->nslots || note->kept > most ||
	    tcp_counts(session_fd(note->slot), &counts) == -1 ||
	    counts.read < note->raw ||
	    counts.read - note->raw > most - note->kept + 1) {
		if (note->slot < w->in->nslots)
			session_row(w, note->slot)->half.broken = 1;
		atomic_store_explicit(&note->valid, 0, memory_order_relaxed);
		return;
	}
	/*
	 * One too high, after FIN and RST (see tcp.h): the byte too many is 0,
	 * since the buffer is wiped, and nothing may be read behind it.
	 */
	if (counts.state == TCP_CLOSE)
		session_row(w, note->slot)->half.broken = 1;
	got = (size_t)MIN(counts.read - note->raw, most - note->kept);
	if (note->slot == poisoned)
		input_drop(w, got);
	else
		input_settle(w, got);
}

/* A buffer that a row of mine refers to is its; the rest of mine are free. */
static void
settle_pool(struct worker *w)
{
	struct segment *seg = &w->seg;
	uint32_t mine = w->in->seat + 1;

	w->seat->spare = 0;
	for (uint32_t i = 0; i < seg->layout.nbuffers + seg->layout.nsmall;
	     i++) {
		uint32_t owner = atomic_load_explicit(
		    &seg->bufctl[i].owner, memory_order_relaxed);
		uint32_t slot = owner - 1;

		if (owner == (mine | BUFFER_SPARE)) {
			login_wipe_buffer(w, i + 1);
			pool_give(seg, i + 1);
			continue;
		}
		if (owner == 0 || (owner & BUFFER_SPARE) != 0 ||
		    slot >= w->in->nslots || owner_of(w, slot) != mine ||
		    session_row(w, slot)->in_buf == i + 1 ||
		    session_row(w, slot)->half.cut_buf == i + 1)
			continue;
		login_wipe_buffer(w, i + 1);
		pool_give(seg, i + 1);
	}
}

/*
 * Died between putting its spare into a row and saying so at the buffer: into
 * the row that the note IN is about, which holds until both are done.
 */
static void
settle_spare(struct worker *w)
{
	const struct note_in *note = &w->seat->in;
	uint32_t mine = w->in->seat + 1, ref;

	if (atomic_load_explicit(&note->valid, memory_order_relaxed) == 0 ||
	    note->slot >= w->in->nslots)
		return;
	ref = session_row(w, note->slot)->in_buf;
	if (pool_owns(&w->seg, ref, mine | BUFFER_SPARE))
		atomic_store_explicit(&w->seg.bufctl[ref - 1].owner,
		    note->slot + 1, memory_order_relaxed);
}

/* Close a row of mine whose connection the master doesn't give me. */
static void
drop_row(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct session_half half = s->half;

	log_warnx("row-dropped", "slot=%u session=%llu", slot,
	    (unsigned long long)s->id);
	if (half.state == SESSION_JOINED && half.room < w->seg.params.nrooms) {
		session_lag(w, slot, &half);
		half.state = SESSION_LEAVING;
		member_leave(w, slot, &half);
	}
	atomic_store_explicit(&s->owner, 0, memory_order_release);
}

/* Rows against the list: what is in one and what is in the other? */
static void
take_slot(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	const struct slot *listed = &w->in->slots[slot];
	uint32_t mine = w->in->seat + 1, owner = owner_of(w, slot);

	if (!in_my_list(w, slot)) {
		if (owner == mine)
			drop_row(w, slot);
		return;
	}
	if (s->gen != listed->gen) {
		adopt_new(w, slot, listed->gen, &listed->peer);
		adopt_row(w, slot);
	} else if (owner == mine || owner == (mine | OWNER_MOVING)) {
		adopt_row(w, slot);
	} else { /* closed, or moving elsewhere: tell the master again */
		close(session_fd(slot));
		w->untold.slots[w->untold.count++] = slot;
	}
	FAULT_POINT("takeover.row");
}

static void
count_repair(struct worker *w, uint64_t began_us)
{
	struct tables_shm *t = w->seg.tables;

	atomic_fetch_add_explicit(&t->repairs, 1, memory_order_relaxed);
	atomic_store_explicit(
	    &t->repair_us_last, clock_us() - began_us, memory_order_relaxed);
}

/*
 * The number of each room's next message, as of the worker's cursor: that of
 * the first message behind it.
 */
static void
count_rooms(struct worker *w)
{
	uint64_t cursor =
	    atomic_load_explicit(&w->seat->cursor, memory_order_relaxed);
	struct desc_shm d;

	for (uint64_t n = ring_head(&w->seg); n-- > cursor;) {
		uint32_t room = ring_peek_room(&w->seg, n);

		if (room >= w->seg.params.nrooms || w->rooms[room].count == 0)
			continue;
		if (ring_read(&w->seg, n, &d) != RING_OK)
			return;
		if (d.room == room && d.room_gen == w->seg.rooms[room].gen)
			w->rooms[room].next_msg = d.room_msg;
	}
}

void
takeover(struct worker *w)
{
	uint64_t began_us = clock_us();
	uint32_t poisoned = poison_count(w);

	settle_spare(w);
	send_settle(w);
	FAULT_POINT("takeover.tx.settled");
	w->secret = true; /* perhaps: what it read is wiped in any case */
	settle_in(w, poisoned);
	poison_off_slot(w);
	login_wipe_seen(w);
	FAULT_POINT("takeover.in.settled");
	memset(w->input, 0, w->seg.layout.input_stride);
	settle_pool(w);
	/*
	 * The dead may have swallowed a wake-up, or have died between commit
	 * and bell: without looking at `sleeping`, or at the lock.
	 */
	publish_ring_all(w);
	lock_post(&w->journal.lock);
	FAULT_POINT("takeover.rung");
	for (uint32_t slot = 0; slot < w->in->nslots; slot++)
		take_slot(w, slot);
	count_rooms(w);
	if (poisoned != NONE)
		poison_close(w, poisoned);
	count_repair(w, began_us);
	FAULT_POINT("takeover.done");
}
