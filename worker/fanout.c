/* SPDX-License-Identifier: MIT */
/*
 * Fan-out: everything that came into the ring since the last time, as one
 * batch; sorted by room, each room's records staged once, and one send for
 * each local member of the room.  The worker's cursor moves last, so that a
 * successor does it again, and skips those whose own cursor says that they
 * were served.
 */
#include <string.h>

#include "shared/base/fault.h"
#include "worker/fetch.h"

#define PASS_MAX 16384 /* records looked at before the cursor moves */

/* Where in the ring's bytes record `n` begins, or will. */
static uint64_t
position_of(const struct worker *w, uint64_t n)
{
	uint64_t position = ring_position(&w->seg);
	struct desc_shm d;

	return ring_read(&w->seg, n, &d) == RING_OK ? d.pos : position;
}

/* A worker so slow that the ring lapped it: everybody in it lags. */
static void
fanout_lapped(struct worker *w)
{
	uint64_t cursor =
	    atomic_load_explicit(&w->seat->cursor, memory_order_relaxed);

	for (uint32_t slot = 0; slot < w->in->nslots; slot++) {
		struct session_half *h = &session_row(w, slot)->half;

		if (!w->locals[slot].linked || h->lag)
			continue;
		/* It may have joined behind the cursor, or have been served. */
		if (h->own < cursor)
			h->msg_next = w->rooms[w->locals[slot].room].next_msg;
		h->own = MAX(h->own, cursor);
		h->said = 0;
		compiler_barrier();
		h->lag = 1;
		worker_due(w, slot);
	}
	FAULT_POINT("fanout.lapped");
	/* Onwards in any case: what can't be read may be nonsense. */
	cursor = MAX(ring_oldest(&w->seg), cursor + 1);
	atomic_store_explicit(
	    &w->seat->position, position_of(w, cursor), memory_order_relaxed);
	atomic_store_explicit(&w->seat->cursor, cursor, memory_order_release);
}

/* Chain another run, of no records so far, to those of its room. */
static void
gather(struct worker *w, uint64_t n, uint32_t room)
{
	struct gathered *g = w->gathered;
	struct local_room *r = &w->rooms[room];
	uint32_t i = g->count++;

	g->runs[i].first = n;
	g->runs[i].records = 0;
	g->runs[i].next = NONE;
	if (r->chain_first == 0) {
		r->chain_first = i + 1;
		g->rooms[g->rooms_count++] = room;
	} else {
		g->runs[r->chain_last].next = i;
	}
	r->chain_last = i;
}

/*
 * Gather the records from `from` on that concern rooms with local members, as
 * runs.  Returns the end of what was looked at, or 0 when the ring has lapped
 * us.
 */
static uint64_t
gather_all(struct worker *w, uint64_t from)
{
	struct gathered *g = w->gathered;
	uint64_t head = MIN(ring_head(&w->seg), from + PASS_MAX), n, next;
	uint32_t last = NONE; /* room of the record before, if it is gathered */

	g->count = g->rooms_count = 0;
	for (n = from; n < head; n = next) {
		uint32_t room = ring_peek_room(&w->seg, n);

		next = ring_run_end(&w->seg, n, head);
		if (room >= w->seg.params.nrooms || w->rooms[room].count == 0) {
			last = NONE;
			continue;
		}
		if (room != last) {
			if (g->count == RUNS_MAX)
				break;
			gather(w, n, room);
			last = room;
		}
		g->runs[g->count - 1].records += (uint32_t)(next - n);
	}
	return ring_holds(&w->seg, from) ? n : 0;
}

/* Send what is staged to each member that is in step; it ends at `end`. */
static void
send_room(
    struct worker *w, const struct local_room *r, uint64_t cursor, uint64_t end)
{
	const struct staging_shm *st = w->staging;
	const struct staged *row = &st->table[st->count - 1];
	uint64_t last = row->record + row->count - 1;

	for (uint32_t slot = local_first(r); slot != NONE;
	     slot = w->locals[slot].next) {
		const struct session_half *h = &session_row(w, slot)->half;
		uint64_t first = MAX(h->own, cursor);
		uint32_t next = w->locals[slot].next;

		if (next != NONE)
			fetch_row(w, next);
		if (h->lag || h->broken || first > last ||
		    w->locals[slot].dialect != w->form.dialect)
			continue;
		send_staged(w, slot, first, end);
	}
}

/*
 * What is staged is whole, if the ring has not lapped us: send it, and begin
 * anew.
 */
static bool
flush_room(
    struct worker *w, const struct local_room *r, uint64_t cursor, uint64_t end)
{
	struct staging_shm *st = w->staging;

	if (st->count == 0)
		return true;
	FAULT_POINT("fanout.staged");
	if (!stage_copy(w) || !ring_holds(&w->seg, st->table[0].record))
		return false;
	send_room(w, r, cursor, end);
	st->count = 0;
	st->bytes_used = 0;
	w->span = (struct span){0};
	return true;
}

/*
 * Somebody in the room who reads that dialect, and knows the room's name: who
 * has not read its old room to the end has that one's.
 */
static const struct session_half *
reader(const struct worker *w, const struct local_room *r, unsigned dialect)
{
	const struct session_half *found = NULL;

	for (uint32_t slot = local_first(r); slot != NONE;
	     slot = w->locals[slot].next) {
		if (w->locals[slot].dialect != dialect)
			continue;
		found = &session_row(w, slot)->half;
		if (found->next_room == NONE)
			break;
	}
	return found;
}

/* Fan a room's runs out in one dialect; false when the ring has lapped us. */
static bool
fanout_dialect(struct worker *w, const struct local_room *r, unsigned dialect,
    uint64_t cursor, uint64_t end, uint64_t *next_msg)
{
	const struct gathered *g = w->gathered;
	enum stage_result result;
	struct desc_shm d;
	uint32_t count;

	stage_reset(w, dialect, reader(w, r, dialect));
	for (uint32_t i = r->chain_first - 1; i != NONE; i = g->runs[i].next) {
		uint64_t n = g->runs[i].first, stop = n + g->runs[i].records;

		for (; n < stop; n += count) {
			ring_load(&w->seg, n, &d);
			count = (uint32_t)(ring_run_end(&w->seg, n, stop) - n);
			result = stage_run(w, n, &count, &d);
			if (result == STAGE_FULL) {
				if (!flush_room(w, r, cursor, n))
					return false;
				result = stage_run(w, n, &count, &d);
			}
			if (result == STAGE_LAPPED)
				return false;
			*next_msg = d.room_msg;
			if (record_is_talk(d.type))
				*next_msg += count;
		}
	}
	return flush_room(w, r, cursor, end);
}

/* The number of the room's next message behind its runs; false if lapped. */
static bool
fanout_count(const struct worker *w, const struct local_room *r,
    uint64_t cursor, uint64_t *next_msg)
{
	const struct gathered *g = w->gathered;
	struct desc_shm d;
	uint64_t next;

	for (uint32_t i = r->chain_first - 1; i != NONE; i = g->runs[i].next) {
		uint64_t n = g->runs[i].first, stop = n + g->runs[i].records;

		for (; n < stop; n = next) {
			ring_load(&w->seg, n, &d);
			next = ring_run_end(&w->seg, n, stop);
			*next_msg = d.room_msg;
			if (record_is_talk(d.type))
				*next_msg += next - n;
		}
	}
	return ring_holds(&w->seg, cursor);
}

/*
 * Those whose lines have looks of their own: they lag from here on, and are
 * served at once, as all who lag are.
 */
static void
fanout_own(struct worker *w, const struct local_room *r, uint64_t end)
{
	for (uint32_t slot = local_first(r); slot != NONE;
	     slot = w->locals[slot].next) {
		struct session_half half;

		if (w->locals[slot].dialect != DIALECT_OWN)
			continue;
		half = session_row(w, slot)->half;
		if (half.lag || half.broken || half.own >= end)
			continue;
		session_lag(w, slot, &half);
		journal_step(&w->journal, slot, &half);
		FAULT_POINT("fanout.own");
		worker_due(w, slot);
	}
}

/* The same in all dialects that are read in the room. */
static bool
fanout_room(
    struct worker *w, struct local_room *r, uint64_t cursor, uint64_t end)
{
	uint64_t next_msg = r->next_msg;

	for (unsigned dialect = 0; dialect < DIALECTS; dialect++)
		if (r->dialects[dialect] > 0 &&
		    !fanout_dialect(w, r, dialect, cursor, end, &next_msg))
			return false;
	if (r->dialects[DIALECT_OWN] == r->count &&
	    !fanout_count(w, r, cursor, &next_msg))
		return false;
	if (r->dialects[DIALECT_OWN] > 0)
		fanout_own(w, r, end);
	/* Last: those who were served keep their own count, see done_all. */
	r->next_msg = next_msg;
	return true;
}

/* The rooms behind the one whose turn it is: their first members. */
static void
fetch_ahead(const struct worker *w, const uint32_t *rooms, uint32_t n)
{
	uint32_t slot;

	if (n > 1 && (slot = local_first(&w->rooms[rooms[1]])) != NONE)
		fetch_row(w, slot);
	if (n > 2 && (slot = local_first(&w->rooms[rooms[2]])) != NONE)
		__builtin_prefetch(&w->locals[slot]);
}

/* As much as is gathered at once. */
static void
fanout_some(struct worker *w, uint64_t cursor)
{
	struct gathered *g = w->gathered;
	uint64_t end = gather_all(w, cursor);
	bool lapped = end == 0;

	for (uint32_t i = 0; i < g->rooms_count; i++) {
		struct local_room *r = &w->rooms[g->rooms[i]];

		fetch_ahead(w, g->rooms + i, g->rooms_count - i);
		if (!lapped)
			lapped = !fanout_room(w, r, cursor, end);
		r->chain_first = 0;
	}
	if (lapped) {
		fanout_lapped(w);
		return;
	}
	FAULT_POINT("fanout.sent");
	atomic_store_explicit(
	    &w->seat->position, position_of(w, end), memory_order_relaxed);
	/* Last: whoever died before served nobody, as far as this says. */
	atomic_store_explicit(&w->seat->cursor, end, memory_order_release);
	FAULT_POINT("fanout.moved");
}

/* All that is in the ring now; what comes meanwhile is for the next pass. */
void
fanout(struct worker *w)
{
	uint64_t head = ring_head(&w->seg), cursor;

	/* It was promised before, and none was fanned out before. */
	if (atomic_load_explicit(&w->seg.ring->rsv_desc, memory_order_relaxed) <
		head ||
	    atomic_load_explicit(&w->seat->cursor, memory_order_relaxed) > head)
		damage_found(w, "cursor");
	while ((cursor = atomic_load_explicit(
		    &w->seat->cursor, memory_order_relaxed)) < head)
		fanout_some(w, cursor);
}
