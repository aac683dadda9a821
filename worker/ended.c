/* SPDX-License-Identifier: MIT */
/* See ended.h. */
#include "worker/ended.h"

#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "worker/talk.h"

static bool
is_to_end(const struct session_shm *s)
{
	return atomic_load_explicit(&s->end, memory_order_relaxed) != 0 &&
	       s->half.state == SESSION_JOINED;
}

void
ended_tell(struct worker *w, uint32_t slot)
{
	static const uint64_t one = 1;
	uint32_t seat = (atomic_load_explicit(&session_row(w, slot)->owner,
			     memory_order_relaxed) &
			    ~OWNER_MOVING) -
			1;

	FAULT_POINT("ended.told");
	if (seat >= w->in->nseats)
		return;
	atomic_fetch_or_explicit(&segment_seat(&w->seg, seat)->attention,
	    ATTENTION_END, memory_order_relaxed);
	(void)!write(w->in->bells[seat], &one, sizeof(one));
}

void
ended_look(struct worker *w)
{
	atomic_fetch_and_explicit(
	    &w->seat->attention, ~ATTENTION_END, memory_order_relaxed);
	for (uint32_t slot = 0; slot < w->in->nslots; slot++)
		if (w->locals[slot].mine && is_to_end(session_row(w, slot)))
			worker_due(w, slot);
}

/* Its last word: why. */
static void
end(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct session_half half = s->half;

	if (s->end_reason == CLOSE_DISPLACED) {
		session_last_word(w, slot, &half, CHAT_DISPLACED, 0);
		talk_end(w, slot, &half, CLOSE_DISPLACED);
		return;
	}
	session_last_word(w, slot, &half, REPLY_BANNED, 0);
	half.reply.end = atomic_load_explicit(&s->end, memory_order_relaxed);
	talk_end(w, slot, &half, CLOSE_BANNED);
}

bool
ended_serve(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);

	if (!is_to_end(s))
		return false;
	/* In the middle of a change of rooms it can't leave. */
	if (s->half.next_room != NONE || w->locals[slot].move_to != 0) {
		w->locals[slot].gone = true;
		worker_later(w, slot);
		return false;
	}
	if (publish_allowed(w))
		end(w, slot);
	else
		worker_later(w, slot);
	return true;
}

void
ended_displace(struct worker *w, uint32_t holder, uint32_t slot)
{
	const struct session_shm *s = session_row(w, holder);
	struct session_half half = session_row(w, slot)->half;
	char line[LIMIT_NAME + 1];
	size_t len = MIN((size_t)s->name_len, (size_t)LIMIT_NAME);
	struct record rec = {
	    .d.type = RECORD_DISPLACE,
	    .d.room = RECORD_NO_ROOM,
	    .d.sender = slot,
	    .d.sender_gen = session_row(w, slot)->gen,
	    .d.target = holder,
	    .d.target_gen = s->gen,
	    .d.name_len = (uint8_t)len,
	    .d.len = (uint32_t)len + 1,
	    .d.time_us = clock_real_us(),
	    .line = line,
	};

	if (atomic_load_explicit(&s->end, memory_order_relaxed) != 0)
		return;
	memcpy(line, s->name, len);
	line[len] = '\n';
	journal_publish(&w->journal, &rec, 1, slot, &half);
}
