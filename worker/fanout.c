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
#include "worker/worker.h"

/* A worker so slow that the ring lapped it: everybody in it lags. */
static void
fanout_lapped(struct worker *w)
{
	uint64_t cursor =
	    atomic_load_explicit(&w->seat->cursor, memory_order_relaxed);
	struct desc_shm d;

	for (uint32_t slot = 0; slot < w->in->nslots; slot++) {
		struct session_half *h = &session_row(w, slot)->half;

		if (!w->locals[slot].linked || h->lag)
			continue;
		h->own = MAX(h->own, cursor);
		h->said = 0;
		/* It may have joined behind the cursor. */
		h->msg_next = MAX(h->msg_next, w->rooms[h->room].next_msg);
		compiler_barrier();
		h->lag = 1;
		worker_due(w, slot);
	}
	FAULT_POINT("fanout.lapped");
	/* Onwards in any case: what can't be read may be nonsense. */
	cursor = MAX(ring_oldest(&w->seg), cursor + 1);
	atomic_store_explicit(&w->seat->position,
	    ring_read(&w->seg, cursor, &d) == RING_OK ? d.pos
						      : ring_position(&w->seg),
	    memory_order_relaxed);
	atomic_store_explicit(&w->seat->cursor, cursor, memory_order_release);
}

/* Row `count` of the batch holds the descriptor of record `n`: chain it. */
static void
gather(struct worker *w, uint64_t n)
{
	struct gathered *g = w->gathered;
	uint32_t i = g->count++;
	struct local_room *r = &w->rooms[g->desc[i].room];

	g->record[i] = n;
	g->next[i] = NONE;
	if (r->chain_first == NONE) {
		r->chain_first = i;
		g->rooms[g->rooms_count++] = g->desc[i].room;
	} else {
		g->next[r->chain_last] = i;
	}
	r->chain_last = i;
}

/*
 * Gather the records from `from` on that concern rooms with local members, as
 * many as can be staged.  Returns the end of what was looked at, or 0 when
 * the ring has lapped us; `*position` is the end's place in the bytes.
 */
static uint64_t
gather_all(struct worker *w, uint64_t from, uint64_t *position)
{
	struct gathered *g = w->gathered;
	uint64_t head, n;
	size_t bytes = 0;
	struct desc_shm *d;

	*position = ring_position(&w->seg);
	head = ring_head(&w->seg);
	g->count = g->rooms_count = 0;
	for (n = from; n < head; n++) {
		uint32_t room = ring_peek_room(&w->seg, n);

		if (room >= w->seg.params.nrooms ||
		    w->rooms[room].first == NONE)
			continue;
		d = &g->desc[g->count]; /* it has a row to spare */
		if (ring_read(&w->seg, n, d) != RING_OK)
			return 0;
		if (d->room != room)
			continue;
		bytes += d->len + 8;
		if (g->count == STAGING_RECORDS || bytes > STAGING_BYTES) {
			*position = d->pos;
			break;
		}
		gather(w, n);
	}
	return ring_holds(&w->seg, from) ? n : 0;
}

/* Stage one room's records; false when the ring has lapped us. */
static bool
stage_room(struct worker *w, struct local_room *r)
{
	const struct gathered *g = w->gathered;
	uint64_t next_msg = r->next_msg;

	stage_reset(w);
	for (uint32_t i = r->chain_first; i != NONE; i = g->next[i]) {
		if (!stage_record(w, g->record[i], &g->desc[i]))
			return false;
		next_msg =
		    g->desc[i].room_msg + record_is_talk(g->desc[i].type);
	}
	FAULT_POINT("fanout.staged");
	if (!stage_copy(w))
		return false;
	r->next_msg = next_msg;
	return true;
}

/* Send what is staged to each member that is in step. */
static void
send_room(
    struct worker *w, const struct local_room *r, uint64_t cursor, uint64_t end)
{
	const struct staging_shm *st = w->staging;
	uint64_t last = st->table[st->count - 1].record;

	for (uint32_t slot = r->first; slot != NONE;
	     slot = w->locals[slot].next) {
		const struct session_half *h = &session_row(w, slot)->half;
		uint64_t first = MAX(h->own, cursor);

		if (h->lag || h->broken || first > last)
			continue;
		stage_send(w, slot, first, end);
	}
}

/* As much as can be staged at once. */
static void
fanout_some(struct worker *w, uint64_t cursor)
{
	struct gathered *g = w->gathered;
	uint64_t end, position;
	bool lapped;

	end = gather_all(w, cursor, &position);
	lapped = end == 0;
	for (uint32_t i = 0; i < g->rooms_count; i++) {
		struct local_room *r = &w->rooms[g->rooms[i]];

		if (!lapped && stage_room(w, r))
			send_room(w, r, cursor, end);
		else
			lapped = true;
		r->chain_first = NONE;
	}
	if (lapped) {
		fanout_lapped(w);
		return;
	}
	FAULT_POINT("fanout.sent");
	atomic_store_explicit(
	    &w->seat->position, position, memory_order_relaxed);
	/* Last: whoever died before served nobody, as far as this says. */
	atomic_store_explicit(&w->seat->cursor, end, memory_order_release);
	FAULT_POINT("fanout.moved");
}

/* All that is in the ring now; what comes meanwhile is for the next pass. */
void
fanout(struct worker *w)
{
	uint64_t head = ring_head(&w->seg), cursor;

	while ((cursor = atomic_load_explicit(
		    &w->seat->cursor, memory_order_relaxed)) < head)
		fanout_some(w, cursor);
}
