/* SPDX-License-Identifier: MIT */
/*
 * What the kernel took of what the note TX says, and what follows from that for
 * the session's row.  A function of the staging area, the note, the row and the
 * number of bytes; may be done again until the note is taken away, at the end.
 */
#include <string.h>

#include "shared/base/fault.h"
#include "shared/shm/pool.h"
#include "worker/staged.h"

/* All that it says is settled. */
void
sent_note_clear(struct note_tx *note)
{
	compiler_barrier();
	atomic_store_explicit(&note->valid, 0, memory_order_relaxed);
	compiler_barrier();
	FAULT_POINT("tx.cleared");
}

/* Save the unsent rest of a cut record; says how in `half`'s cut words. */
static void
cut_save(struct worker *w, uint32_t slot, const struct staged *row, size_t sent)
{
	struct session_shm *s = session_row(w, slot);
	uint32_t ref = s->half.cut_buf;
	size_t rest = row->len - sent;

	/* A predecessor that died in here may have one already. */
	if (!pool_owns(&w->seg, ref, slot + 1))
		ref = pool_claim_common(&w->seg, slot + 1, &w->pool_hint);
	if (ref == 0) {
		/* Had it been cut before, then in what it read then. */
		if (w->seat->tx.skip == 0) {
			s->half.cut_dialect = s->half.dialect;
			s->half.cut_look = s->half.look;
			s->half.cut_columns = s->half.columns;
		}
		s->half.own = row->record;
		s->half.cut_skip = (uint32_t)sent;
		return;
	}
	memcpy(segment_buffer(&w->seg, ref - 1),
	    w->staging->bytes + row->off + sent,
	    MIN(rest, (size_t)w->seg.layout.buffer_stride));
	FAULT_POINT("tx.cut.copied");
	s->half.cut_off = 0;
	s->half.cut_len = (uint32_t)rest;
	s->half.cut_buf = ref;
	s->half.cut_skip = 0;
	s->half.own = row->record + 1;
}

/*
 * Byte `n` of what is sent, the first `skip` of it having been sent before,
 * lies in this row: find its record, and let the session go on from there.
 * Returns the number of the room's next message.
 */
static uint64_t
cut_row(struct worker *w, uint32_t slot, const struct staged *row, size_t skip,
    size_t n)
{
	struct session_half *h = &session_row(w, slot)->half;
	struct staged rest = *row, one;

	n += skip;
	for (;;) {
		one = rest;
		if (rest.count == 1)
			break;
		staged_shift(w->staging, &rest);
		one.count = 1;
		one.len -= rest.len;
		if (n < one.len)
			break;
		n -= one.len;
	}
	if (n == 0) {
		h->own = one.record;
		h->cut_skip = 0;
		return one.room_msg;
	}
	cut_save(w, slot, &one, n);
	return one.room_msg + (h->cut_skip == 0 ? staged_messages(&one) : 0);
}

/*
 * The kernel took `n` bytes, less than there were: find the record where it
 * stopped.  The session lags from there on.
 */
static void
done_short(struct worker *w, uint32_t slot, const struct note_tx *tx, size_t n)
{
	struct staging_shm *st = w->staging;
	struct session_shm *s = session_row(w, slot);
	uint64_t next_msg = s->half.msg_next;
	const struct staged *row;
	struct staged part;
	uint32_t said = tx->said;
	size_t skip = tx->skip;

	for (uint32_t i = staged_at(st, tx->first);
	     i < st->count && st->table[i].record < tx->end; i++) {
		row = staged_from(st, &st->table[i], tx->first, &part);
		if (row->room_gen == s->half.room_gen)
			next_msg = row->room_msg;
		if (staged_is_own(row, slot, s->gen))
			said -= MIN(said, row->count);
		if (!staged_is_for(row, s, slot) || !staged_is_sound(row))
			continue;
		if (n < row->len - skip) {
			next_msg = cut_row(w, slot, row, skip, n);
			break;
		}
		n -= row->len - skip;
		skip = 0;
	}
	s->half.msg_next = next_msg;
	s->half.said = said;
	s->half.lag = 1;
}

/* Own messages in [from, head): what a session that begins to lag said. */
uint32_t
sent_count_own(const struct worker *w, uint32_t slot, uint64_t from)
{
	const struct session_shm *s = session_row(w, slot);
	uint64_t head = ring_head(&w->seg);
	uint32_t said = 0;
	struct desc_shm d;

	for (uint64_t n = ring_within(&w->seg, from); n < head; n++)
		if (ring_peek_room(&w->seg, n) == s->half.room &&
		    ring_read(&w->seg, n, &d) == RING_OK &&
		    record_is_talk(d.type) && d.sender == slot &&
		    d.sender_gen == s->gen)
			said++;
	return said;
}

/* All of [first, end) is sent: the next message's number is behind it. */
static void
done_all(struct worker *w, uint32_t slot, const struct note_tx *tx)
{
	struct staging_shm *st = w->staging;
	struct session_shm *s = session_row(w, slot);
	uint32_t said = tx->said;

	if (!tx->lagging && st->count > 0) {
		const struct staged *row = &st->table[st->count - 1];

		if (row->room_gen == s->half.room_gen)
			s->half.msg_next = row->room_msg + staged_messages(row);
	} else if (tx->lagging) {
		for (uint32_t i = staged_at(st, tx->first);
		     i < st->count && st->table[i].record < tx->end; i++) {
			const struct staged *row = &st->table[i];

			if (row->room_gen == s->half.room_gen)
				s->half.msg_next =
				    row->room_msg + staged_messages(row);
			if (staged_is_own(row, slot, s->gen))
				said -= MIN(said, row->count);
		}
		s->half.said = said;
		s->half.cut_skip = 0;
	}
	s->half.own = tx->end;
}

/*
 * The kernel took `n` bytes of a piece: its rest is saved, the reply goes on
 * behind it.  If it took nothing, which may be less than what goes before it,
 * the piece is rendered anew.  Without a buffer it took all or nothing; if it
 * did otherwise after all, the session has lost its thread.  Returns the buffer
 * that was claimed for the rest if it isn't needed.
 */
static uint32_t
done_piece(struct worker *w, const struct note_tx *tx, size_t n, size_t total)
{
	struct session_half *h = &session_row(w, tx->slot)->half;
	size_t stride = w->seg.layout.buffer_stride;

	if (n < total && (n == 0 || tx->buffer == 0)) {
		if (n > 0)
			h->broken = 1;
		return tx->buffer;
	}
	if (n < total && pool_owns(&w->seg, tx->buffer, tx->slot + 1)) {
		memcpy(segment_buffer(&w->seg, tx->buffer - 1),
		    w->staging->bytes + n, MIN(total - n, stride));
		h->cut_off = 0;
		h->cut_len = (uint32_t)(total - n);
		h->cut_buf = tx->buffer;
	}
	h->reply.newline = 0;
	h->reply.arg = tx->end;
	if (tx->end == REPLY_DONE)
		h->reply = (struct reply){0};
	return n < total ? 0 : tx->buffer;
}

/*
 * What was typed of whole lines is never shown again: its rest is saved, and if
 * it can't be, the user does without.  As done_piece.
 */
static uint32_t
done_echo(struct worker *w, const struct note_tx *tx, size_t n, size_t total)
{
	struct session_half *h = &session_row(w, tx->slot)->half;
	size_t stride = w->seg.layout.buffer_stride, rest = total - n;

	w->seat->in.echoed = 1;
	if (rest == 0 || rest > stride ||
	    !pool_owns(&w->seg, tx->buffer, tx->slot + 1))
		return tx->buffer;
	memcpy(segment_buffer(&w->seg, tx->buffer - 1), w->staging->bytes + n,
	    rest);
	h->cut_off = 0;
	h->cut_len = (uint32_t)rest;
	h->cut_buf = tx->buffer;
	return 0;
}

/*
 * What its protocol has to answer; the rest of it is next.  Returns the buffer
 * that only the pong lay in.
 */
static uint32_t
done_answer(
    struct session_shm *s, const struct note_tx *tx, size_t n, size_t total)
{
	uint32_t ref = s->in_buf;

	if (session_is_telnet(s)) {
		s->telnet.answer_off = (uint8_t)(tx->cut_off + n);
		s->telnet.answer_len = (uint8_t)(total - n);
		return 0;
	}
	wslines_ponged(&s->ws, tx->cut_off + n, tx->cut_off + total);
	if (wslines_tail(&s->ws) > 0 || s->half.in_done != session_input_end(s))
		return 0;
	s->in_buf = 0;
	return ref;
}

/*
 * The kernel took `taken` bytes of `all` that the note TX says.  May be done
 * again.
 */
void
sent_settle(struct worker *w, size_t taken, size_t all)
{
	struct note_tx *tx = &w->seat->tx;
	struct session_shm *s = session_row(w, tx->slot);
	/* Without what goes around it. */
	size_t total = all - tx->before - tx->behind;
	size_t n = taken < tx->before ? 0 : MIN(taken - tx->before, total);
	uint32_t give = 0;

	if (tx->edits)
		s->half.redraw = taken < all;
	switch ((enum tx_kind)tx->kind) {
	case TX_STAGED:
		if (n == total)
			done_all(w, tx->slot, tx);
		else
			done_short(w, tx->slot, tx, n);
		break;
	case TX_CUT:
		s->half.cut_off = tx->cut_off + (uint32_t)n;
		if (n == total) {
			give = s->half.cut_buf;
			s->half.cut_buf = 0;
		}
		break;
	case TX_REPLY:
		s->half.reply.skip = tx->skip + (uint32_t)n;
		if (n == total)
			s->half.reply = (struct reply){0};
		break;
	case TX_PIECE:
		give = done_piece(w, tx, n, total);
		break;
	case TX_ANSWER:
		give = done_answer(s, tx, n, total);
		break;
	case TX_ECHO:
		give = done_echo(w, tx, n, total);
		break;
	case TX_ROW:
		break;
	}
	FAULT_POINT("tx.done");
	atomic_store_explicit(
	    &s->out_total, tx->out_total + taken, memory_order_relaxed);
	sent_note_clear(tx);
	pool_give(&w->seg, give);
}
