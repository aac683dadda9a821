/* SPDX-License-Identifier: MIT */
/*
 * What is due for a session, whatever made it so: input that had to wait, a
 * move, something to read for one who lags, the end; and the deadlines of all.
 */
#include <netinet/tcp.h>

#include "shared/net/tcp.h"
#include "worker/ask.h"
#include "worker/web.h"

#define SERVE_MAX 64 /* sessions a pass: those who ask let others talk */
#define SWEEP_US 1000000
#define STOP_SWEEP_US 50000   /* when the server stops */
#define STOP_DRAIN_US 2000000 /* then, to read what is left */

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

/* What the connection's end means for the session, if it is time for that. */
static void
serve_end(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct local *l = &w->locals[slot];

	if (s->half.state == SESSION_LEAVING ||
	    (!s->half.broken && (!(l->eof || web_is_closing(s)) || l->waiting ||
				    s->half.next_room != NONE)))
		return;
	/* What it asked for tells of the room with it, if it reads at all. */
	if (!s->half.broken && s->half.reply.code != CHAT_OK && !l->blocked &&
	    !l->poor)
		return;
	if (s->half.state == SESSION_JOINED && !publish_allowed(w)) {
		worker_later(w, slot);
		return;
	}
	talk_leave(w, slot,
	    s->half.broken                      ? CLOSE_RESET
	    : web_is_closing(s) && s->ws.failed ? CLOSE_PROTOCOL
						: CLOSE_EOF,
	    CHAT_OK, 0);
}

/* Input that had to wait: perhaps not any more. */
static void
serve_waiting(struct worker *w, uint32_t slot)
{
	const struct local *l = &w->locals[slot];

	if (l->waiting && !w->stalled && !l->paced && !ask_waits(w, slot))
		input_take(w, slot, false);
}

/* All that may be due for a session. */
static void
serve(struct worker *w, uint32_t slot)
{
	struct local *l = &w->locals[slot];

	if (!l->mine)
		return;
	damage_check_row(w, slot);
	if (ended_is(session_row(w, slot)))
		(void)ended_close(w, slot);
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
	if (l->waiting && !l->paced && !input_is_stuck(w, slot) &&
	    !ask_waits(w, slot)) /* or the verdict will */
		worker_due(w, slot);
}

void
serve_due(struct worker *w)
{
	uint32_t count = MIN(w->due.count, (uint32_t)SERVE_MAX);
	uint32_t *slots = w->due.slots;

	/* What becomes due while we are at it comes behind, next time. */
	for (uint32_t i = 0; i < count; i++) {
		w->locals[slots[i]].due = false;
		serve(w, slots[i]);
	}
	w->due.count -= count;
	memmove(slots, slots + count, w->due.count * sizeof(*slots));
}

void
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

/*
 * Has it left, as far as it can before it has read what its input waits for?
 * Then nobody listens for what it sends, nor for its end: that is asked for.
 */
static bool
has_gone(struct worker *w, uint32_t slot)
{
	const struct session_half *half = &session_row(w, slot)->half;
	struct local *l = &w->locals[slot];
	struct tcp_counts counts;

	if (!(l->waiting || l->eof || l->gone) || !input_is_stuck(w, slot) ||
	    half->state == SESSION_LEAVING)
		return false;
	if (!l->eof && !l->gone && tcp_counts(session_fd(slot), &counts) == 0)
		l->gone = counts.state != TCP_ESTABLISHED;
	return l->eof || l->gone;
}

/* It has 10 s to read so far, as it will have for what is left in the end. */
static void
serve_gone(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);

	if (s->deadline_us > w->now_us) {
		s->deadline_us = MIN(s->deadline_us, w->now_us + DRAIN_US);
	} else if (publish_allowed(w)) {
		talk_leave(w, slot, CLOSE_UNREAD, CHAT_OK, 0);
		adopt_close(w, slot);
	}
}

/* Silent for too long; in the middle of a change of rooms it cannot leave. */
static void
serve_idle(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);

	if (s->half.next_room != NONE) {
		w->locals[slot].gone = true;
		s->deadline_us = w->now_us + DRAIN_US;
	} else if (publish_allowed(w)) {
		talk_leave(w, slot, CLOSE_IDLE_TIMEOUT, CHAT_IDLE_TIMEOUT,
		    w->settings->idle_timeout_s);
	}
}

/* A WebSocket without a sign of life. */
static void
serve_dead(struct worker *w, uint32_t slot)
{
	if (session_row(w, slot)->half.next_room != NONE)
		w->locals[slot].gone = true;
	else if (publish_allowed(w))
		talk_leave(w, slot, CLOSE_PING_TIMEOUT, CHAT_OK, 0);
}

/* Now and then: who has been too long about something? */
void
serve_deadlines(struct worker *w)
{
	if (w->now_us - w->swept_us < (w->stopping ? STOP_SWEEP_US : SWEEP_US))
		return;
	w->swept_us = w->now_us;
	ask_sweep(w);
	for (uint32_t slot = 0; slot < w->in->nslots; slot++) {
		struct session_shm *s = session_row(w, slot);

		if (!w->locals[slot].mine)
			continue;
		if (ended_is(s))
			worker_due(w, slot);
		if (has_gone(w, slot)) {
			serve_gone(w, slot);
			continue;
		}
		if (web_is_dead(w, slot)) {
			serve_dead(w, slot);
			continue;
		}
		if (s->deadline_us > w->now_us)
			continue;
		damage_check_row(w, slot);
		switch ((enum session_state)s->half.state) {
		case SESSION_ROOM:
		case SESSION_NAME:
		case SESSION_HTTP:
		case SESSION_ROOM_PASSWORD:
		case SESSION_NAME_PASSWORD:
			talk_leave(w, slot, CLOSE_LOGIN_TIMEOUT,
			    CHAT_LOGIN_TIMEOUT, w->settings->login_timeout_s);
			break;
		case SESSION_LEAVING:
			if (!w->locals[slot].finished)
				s->half.reason = CLOSE_UNREAD;
			adopt_close(w, slot);
			break;
		case SESSION_JOINED:
			serve_idle(w, slot);
			break;
		}
	}
}

/* The server stops: who has left is waited for, but not as long as else. */
static void
stop_hurry(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	uint64_t most =
	    w->locals[slot].finished ? STOP_LINGER_US : STOP_DRAIN_US;

	s->deadline_us = MIN(s->deadline_us, w->now_us + most);
}

/* The server stops: take what has come, say the last word, close. */
void
serve_stop(struct worker *w)
{
	atomic_store_explicit(
	    &w->seat->state, SEAT_STOPPING, memory_order_relaxed);
	for (uint32_t slot = 0; slot < w->in->nslots; slot++) {
		struct local *l = &w->locals[slot];
		struct session_half half = session_row(w, slot)->half;

		if (!l->mine)
			continue;
		if (half.state == SESSION_LEAVING) {
			stop_hurry(w, slot);
			continue;
		}
		damage_check_row(w, slot);
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
		ask_forget(w, slot);
		session_unlink(w, slot);
		journal_step(&w->journal, slot, &half);
		session_row(w, slot)->deadline_us = w->now_us + STOP_DRAIN_US;
		worker_due(w, slot);
	}
}
