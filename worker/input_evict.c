/* SPDX-License-Identifier: MIT */
/*
 * Too few buffers: the oldest half-line anywhere is refused, by its own worker,
 * when somebody else needs one.
 */
#include "shared/base/fault.h"
#include "shared/shm/pool.h"
#include "worker/login.h"
#include "worker/web.h"

/* No buffer, and the row is full: the oldest half-line anywhere must go. */
void
input_starve(struct worker *w, uint32_t slot)
{
	uint32_t victim = pool_evict_oldest(&w->seg), owner;

	w->locals[slot].starved = true;
	worker_later(w, slot);
	if (victim == NONE)
		return;
	owner = atomic_load_explicit(
		    &session_row(w, victim)->owner, memory_order_relaxed) &
		~OWNER_MOVING;
	if (owner >= 1 && owner <= w->in->nseats)
		atomic_fetch_or_explicit(
		    &segment_seat(&w->seg, owner - 1)->attention,
		    ATTENTION_BUFFER, memory_order_relaxed);
	publish_ring_all(w);
}

/* Refuse the half-line that the session has sent, and what will end it. */
static void
input_refuse(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct session_half half = s->half;

	if (half.state == SESSION_HTTP) {
		talk_leave(w, slot, CLOSE_ERRORS, CHAT_TOO_LONG, 0);
		return;
	}
	half.in_done = session_input_end(s);
	half.skip_line = 1;
	half.redraw = edit_is_on(w, s);
	session_reply(w, slot, &half, CHAT_TOO_LONG, w->settings->max_line);
	journal_step(&w->journal, slot, &half);
}

/* Refuse the half-lines that somebody short of buffers asked for. */
void
input_evict(struct worker *w)
{
	for (uint32_t i = 0; i < w->seg.layout.nbuffers; i++) {
		uint32_t slot = atomic_load_explicit(&w->seg.bufctl[i].owner,
				    memory_order_relaxed) -
				1;
		struct session_shm *s;

		if (atomic_load_explicit(
			&w->seg.bufctl[i].evict, memory_order_relaxed) == 0 ||
		    slot >= w->in->nslots || !w->locals[slot].mine)
			continue;
		s = session_row(w, slot);
		if (s->in_buf != i + 1)
			continue;
		if (w->locals[slot].waiting) { /* no half-line: ask another */
			atomic_store_explicit(&w->seg.bufctl[i].since_us,
			    w->now_us, memory_order_relaxed);
			atomic_store_explicit(
			    &w->seg.bufctl[i].evict, 0, memory_order_relaxed);
			continue;
		}
		/* A predecessor that died in here may have refused it. */
		if (s->half.in_done != session_input_end(s))
			input_refuse(w, slot);
		web_lose(w, slot);
		FAULT_POINT("input.evicted");
		login_wipe_buffer(w, i + 1);
		s->in_buf = 0;
		pool_give(&w->seg, i + 1);
	}
}
