/* SPDX-License-Identifier: MIT */
/*
 * Sessions that read for themselves: whose send queue was full, who have a
 * reply to read, who have just moved here, or who have left and still have
 * something to read.  Each goes on from its own cursor; what it has not read
 * stays in the ring and costs nothing.
 */
#include <sys/socket.h>

#include "shared/base/fault.h"
#include "worker/web.h"

#define ROUNDS_MAX 8   /* sends per session and turn */
#define SCAN_MAX 65536 /* records looked at per round */
#define BATCH_BYTES 65536
#define LINGER_US 2000000 /* for the client's FIN, after ours */

/* Count messages of the session's room in [from, to), and its own of them. */
static void
count_messages(const struct worker *w, uint32_t slot, uint64_t from,
    uint64_t to, uint64_t *all, uint32_t *own)
{
	const struct session_shm *s = session_row(w, slot);
	struct desc_shm d;

	*all = *own = 0;
	for (uint64_t n = from; n < to; n++) {
		if (ring_peek_room(&w->seg, n) != s->half.room ||
		    ring_read(&w->seg, n, &d) != RING_OK ||
		    d.room_gen != s->half.room_gen || !record_is_talk(d.type))
			continue;
		++*all;
		*own += d.sender == slot && d.sender_gen == s->gen;
	}
}

/*
 * The first record that is not for the session any more, so far, and the
 * number of the room's next message there.
 */
static uint64_t
room_messages(struct worker *w, const struct session_half *h, uint64_t *end)
{
	uint64_t messages = h->msg_next;

	if (h->until != UINT64_MAX) {
		*end = h->until;
		return h->until_msg;
	}
	lock_acquire(&w->journal.lock);
	*end = ring_head(&w->seg);
	if (h->room < w->seg.params.nrooms &&
	    w->seg.rooms[h->room].gen == h->room_gen)
		messages = w->seg.rooms[h->room].messages;
	lock_release(&w->journal.lock);
	return messages;
}

/* Let `half` read what has been published up to now, and nothing further. */
void
lag_until_now(struct worker *w, struct session_half *half)
{
	uint64_t end;

	half->until_msg = room_messages(w, half, &end);
	half->until = end;
}

/*
 * The rest of a cut line is overwritten.  A line can be ended all the same; a
 * frame can't, since its length was promised: that connection has lost its
 * thread.
 */
static void
lag_end_cut(struct worker *w, uint32_t slot, struct session_half *half)
{
	half->cut_skip = 0;
	if (half->upgraded) {
		half->broken = 1;
		worker_due(w, slot);
	} else {
		half->reply.newline = 1;
	}
}

/*
 * What should have come before the reply that waits is overwritten, be it the
 * rest of a cut line.  Do without it; what was missed is counted when the ring
 * is read again.
 */
static void
lag_reply_first(struct worker *w, uint32_t slot, struct session_half *half)
{
	if (half->cut_skip > 0)
		lag_end_cut(w, slot, half);
	else
		half->reply_at = half->own;
	journal_step(&w->journal, slot, half);
	FAULT_POINT("lag.reply.first");
}

/*
 * The ring has overwritten what the session should read next: let it go on
 * with the oldest record still there, and tell it how many messages of others
 * it has missed.
 */
static void
lag_lapped(struct worker *w, uint32_t slot)
{
	struct session_half half = session_row(w, slot)->half;
	uint64_t head, all, missed, after, from;
	bool unwelcomed = half.own < half.reply_at;
	uint32_t own;

	if (half.reply.code != CHAT_OK && half.reply.code != CHAT_LAGGED) {
		lag_reply_first(w, slot, &half);
		return;
	}
	after = room_messages(w, &half, &head);
	/* Onwards in any case: what can't be read may be nonsense. */
	from = MAX(ring_oldest(&w->seg), half.own + 1);
	count_messages(w, slot, from, head, &all, &own);
	missed = after > half.msg_next + all ? after - all - half.msg_next : 0;
	missed -=
	    MIN(missed, (uint64_t)(half.said > own ? half.said - own : 0));
	if (half.reply.code == CHAT_LAGGED && half.reply.skip == 0)
		missed += half.reply.arg;
	half.own = from;
	half.msg_next = after - MIN(after, all);
	half.said = own;
	/* A cut line has to be ended, be it of a message or not. */
	if (half.cut_skip > 0)
		lag_end_cut(w, slot, &half);
	/* Its own join line is no message, but to miss it is to be told. */
	if (missed > 0 || half.reply.newline || unwelcomed)
		session_reply(w, slot, &half, CHAT_LAGGED, missed);
	half.reply_at = half.own;
	journal_step(&w->journal, slot, &half);
	atomic_fetch_add_explicit(
	    &w->seat->lagged, missed, memory_order_relaxed);
	FAULT_POINT("lag.lapped");
}

/*
 * Stage the session's next records, at most `most` of them.  Returns the end
 * of what was looked at, or 0 when the ring has lapped it.
 */
static uint64_t
lag_stage(struct worker *w, uint32_t slot, uint64_t limit, uint32_t most)
{
	const struct session_half *h = &session_row(w, slot)->half;
	uint64_t n, next, stop = MIN(limit, h->own + SCAN_MAX);
	enum stage_result result;
	struct desc_shm d;

	stage_reset(w, h->cut_skip > 0 ? h->cut_dialect : h->dialect, h);
	w->form.look = h->cut_skip > 0
			   ? (struct look){h->cut_look, h->cut_columns}
			   : session_look(h);
	for (n = h->own; n < stop; n = next) {
		next = n + 1;
		if (ring_peek_room(&w->seg, n) != h->room) {
			next = ring_run_end(&w->seg, n, stop);
			continue;
		}
		if (ring_read(&w->seg, n, &d) != RING_OK)
			return 0;
		if (d.room != h->room || d.room_gen != h->room_gen)
			continue;
		if (w->staging->count == most ||
		    w->staging->bytes_used + d.len > BATCH_BYTES)
			break;
		result = stage_record(w, n, &d);
		if (result == STAGE_LAPPED)
			return 0;
		if (result == STAGE_FULL && w->staging->count > 0)
			break;
	}
	/* Half of it was sent before its sender was ignored, perhaps. */
	if (h->cut_skip > 0)
		w->staging->table[0].name_hash = 0;
	return stage_copy(w) && ring_holds(&w->seg, h->own) ? n : 0;
}

/* Send the session a batch from its own cursor on. */
static void
lag_send(struct worker *w, uint32_t slot, uint64_t limit, uint32_t most)
{
	struct session_shm *s = session_row(w, slot);
	uint64_t end = lag_stage(w, slot, limit, most);

	if (end == 0)
		lag_lapped(w, slot);
	else if (w->staging->count == 0)
		s->half.own = end;
	else
		send_staged(w, slot, s->half.own, end);
}

/* Up to which record does the session read? */
static uint64_t
lag_limit(const struct worker *w, const struct session_half *h)
{
	uint64_t head = ring_head(&w->seg);

	return h->room == NONE ? h->own : MIN(head, h->until);
}

/*
 * No buffer is free for its reply: try again soon.  But what is left of a
 * connection that hung up takes no reply, and its queue never empties.
 */
static bool
lag_wait(struct worker *w, uint32_t slot)
{
	if (w->locals[slot].deaf) {
		session_row(w, slot)->half.broken = 1;
		worker_due(w, slot);
		return false;
	}
	w->locals[slot].poor = true;
	worker_later(w, slot);
	return false;
}

/* It has read its old room to the end: now for the one it has joined. */
static void
lag_turn(struct worker *w, uint32_t slot)
{
	struct session_half half = session_row(w, slot)->half;

	session_turn(w, &half);
	if (half.state == SESSION_LEAVING) /* the server stops */
		lag_until_now(w, &half);
	else
		reply_welcome(
		    w, slot, &half, w->seg.rooms[half.room].topic_len > 0);
	journal_step(&w->journal, slot, &half);
	FAULT_POINT("lag.turned");
	worker_due(w, slot);
}

/*
 * Telnet's answers, and pongs, go out between two lines; what a fan-out sends
 * must wait for the rest of them, so the session lags.  Returns whether there
 * were any.
 */
static bool
lag_answers(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct session_half half = s->half;

	if (!session_has_answers(s))
		return false;
	if (!half.lag) {
		session_lag(w, slot, &half);
		journal_step(&w->journal, slot, &half);
	}
	send_answers(w, slot);
	return true;
}

/* Is the rest of an answer to come before anything else, a line's end too? */
static bool
answer_is_cut(const struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);

	return session_is_telnet(s)
		   ? s->telnet.answer_len > 0 && s->telnet.answer_off > 0
		   : web_is_stuck(s);
}

/* One send, if there is something to send.  Returns whether there was. */
static bool
lag_round(struct worker *w, uint32_t slot)
{
	const struct session_half *h = &session_row(w, slot)->half;
	uint64_t limit = lag_limit(w, h), first = MIN(limit, h->reply_at);

	if (h->cut_buf != 0)
		send_cut(w, slot);
	else if (h->cut_skip != 0)
		lag_send(w, slot, limit, 1);
	else if (h->reply.skip == 0 &&
		 (h->reply.newline == 0 || answer_is_cut(w, slot)) &&
		 lag_answers(w, slot))
		return true;
	else if (h->reply.code != CHAT_OK && h->reply.skip == 0 &&
		 h->own < first)
		lag_send(w, slot, first, STAGING_RECORDS);
	else if (h->reply.code != CHAT_OK)
		return reply_send(w, slot) || lag_wait(w, slot);
	else if (h->lag && h->own < limit)
		lag_send(w, slot, limit, STAGING_RECORDS);
	else if (h->next_room != NONE)
		lag_turn(w, slot);
	else if (h->redraw)
		edit_repair(w, slot);
	else
		return web_farewell(w, slot);
	return true;
}

/* All is said: shut our side, and wait for the client's for a while. */
static void
lag_finish(struct worker *w, uint32_t slot)
{
	struct local *l = &w->locals[slot];

	if (l->eof || session_row(w, slot)->half.broken) {
		adopt_close(w, slot);
		return;
	}
	if (l->finished)
		return;
	l->finished = true;
	(void)shutdown(session_fd(slot), SHUT_WR);
	session_row(w, slot)->deadline_us =
	    w->now_us + (w->stopping ? STOP_LINGER_US : LINGER_US);
	session_watch(w, slot);
}

/* Give a session that lags what it can take now. */
void
lag_serve(struct worker *w, uint32_t slot)
{
	struct session_half *h = &session_row(w, slot)->half;
	struct local *l = &w->locals[slot];
	int rounds = 0;

	l->poor = false;
	while (!l->blocked && !h->broken && rounds < ROUNDS_MAX &&
	       lag_round(w, slot))
		rounds++;
	session_looks(w, slot); /* if a line had to be sent first */
	if (h->state == SESSION_LEAVING && h->broken) {
		lag_finish(w, slot);
		return;
	}
	if (l->blocked || h->broken || l->poor)
		return;
	if (rounds == ROUNDS_MAX) {
		worker_due(w, slot);
		return;
	}
	if (h->state == SESSION_LEAVING)
		lag_finish(w, slot);
	else if (h->room == NONE ||
		 h->own >= atomic_load_explicit(
			       &w->seat->cursor, memory_order_relaxed))
		h->lag = 0;
	else if (h->lag) /* else it is in step, whatever its own cursor says */
		worker_due(w, slot);
}
