/* SPDX-License-Identifier: MIT */
/*
 * Sessions that are to end because somebody else says so: a record says it
 * (session_shm.end), and its worker does it.  Whoever publishes such a record
 * calls that worker; one that is called while the session moves, or dies, has
 * a successor that looks by itself: when it takes the row up, and once a
 * second.
 */
#include "shared/base/fault.h"
#include "worker/talk.h"

bool
ended_is(const struct session_shm *s)
{
	/* Pairs with the release store in tables.c. */
	return atomic_load_explicit(&s->end, memory_order_acquire) != 0 &&
	       s->half.state != SESSION_LEAVING;
}

/* It leaves, and is told why. */
static void
leave(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct session_half half = s->half;

	if (s->end_reason == CLOSE_DISPLACED) {
		session_last_word(w, slot, &half, CHAT_DISPLACED, 0);
	} else {
		session_last_word(w, slot, &half, REPLY_BANNED, 0);
		half.reply.end =
		    atomic_load_explicit(&s->end, memory_order_relaxed);
	}
	talk_end(w, slot, &half, (enum close_reason)s->end_reason);
}

/* End the session, now or as soon as it may be.  Is it ended? */
bool
ended_close(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);

	/* What it has not read of the room before this one comes first. */
	if ((s->half.next_room != NONE && !w->locals[slot].blocked) ||
	    !publish_allowed(w)) {
		worker_later(w, slot);
		return false;
	}
	leave(w, slot);
	FAULT_POINT("ended.left");
	return true;
}

/* Somebody has called. */
void
ended_serve(struct worker *w)
{
	for (uint32_t slot = 0; slot < w->in->nslots; slot++)
		if (w->locals[slot].mine && ended_is(session_row(w, slot)))
			worker_due(w, slot);
}

/*
 * The record that ends the session is published: call its worker.  Returns the
 * set of seats to be woken for that.  The lock is held.
 */
uint64_t
ended_call(struct worker *w, uint32_t slot)
{
	uint32_t owner = atomic_load_explicit(&session_row(w, slot)->owner,
			     memory_order_relaxed) &
			 ~OWNER_MOVING;

	if (owner < 1 || owner > w->in->nseats)
		return 0;
	atomic_fetch_or_explicit(&segment_seat(&w->seg, owner - 1)->attention,
	    ATTENTION_END, memory_order_relaxed);
	return UINT64_C(1) << (owner - 1);
}
