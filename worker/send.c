/* SPDX-License-Identifier: MIT */
/*
 * Out of the staging area and into sockets.  What is sent to a session is a
 * function of the staging area, the note TX and the session's row, and none of
 * them changes while TX holds; so whoever learns from the kernel how much of it
 * was taken, the worker from sendmsg or its successor from the connection's
 * counters, comes to the same new row.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "proxy/telnet.h"
#include "shared/base/fault.h"
#include "shared/net/tcp.h"
#include "shared/shm/pool.h"
#include "worker/worker.h"

#define PIECES_MAX 1024 /* iovecs in one call: UIO_MAXIOV */

/* What is to be sent: runs of staged bytes. */
struct pieces {
	struct iovec iov[PIECES_MAX];
	int count;
	size_t total;
};

static bool
is_own(const struct staged *row, uint32_t slot, uint32_t gen)
{
	return row->sender == slot && row->sender_gen == gen &&
	       record_is_talk(row->type);
}

/* Was it said by somebody whom the session ignores? */
static bool
is_ignored(const struct staged *row, const struct session_shm *s)
{
	if (row->name_hash == 0 ||
	    (row->type != RECORD_PRIVATE && !record_is_talk(row->type)))
		return false;
	for (size_t i = 0; i < IGNORED_MAX; i++)
		if (s->ignored[i] == row->name_hash)
			return true;
	return false;
}

/* Does the session read this record? */
static bool
is_for(const struct staged *row, const struct session_shm *s, uint32_t slot)
{
	if (row->type == RECORD_PRIVATE &&
	    (row->target != slot || row->target_gen != s->gen))
		return false;
	return row->room_gen == s->half.room_gen &&
	       row->record >= s->half.since && row->record < s->half.until &&
	       !is_own(row, slot, s->gen) && !is_ignored(row, s);
}

/* First row of the table with records at or behind record `n`. */
static uint32_t
row_at(const struct staging_shm *st, uint64_t n)
{
	uint32_t low = 0, high = st->count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (st->table[mid].record + st->table[mid].count <= n)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Bounds as of a process gone wrong: a row within the staging area. */
static bool
row_is_sound(const struct staged *row)
{
	return row->off <= STAGING_BYTES &&
	       row->len <= STAGING_BYTES - row->off;
}

/* Take the first record off the row, which has several. */
static void
row_shift(const struct staging_shm *st, struct staged *row)
{
	const char *line = st->bytes + row->off;
	const char *lf = memchr(line, '\n', row->len);
	uint32_t len = lf != NULL ? (uint32_t)(lf - line) + 1 : row->len;

	row->record++;
	row->room_msg++; /* runs are of messages */
	row->count--;
	row->off += len;
	row->len -= len;
}

/*
 * The row without its records before `first`: itself nearly always, or else
 * *part.  One who lagged may have been served up to the middle of a run.
 */
static const struct staged *
row_from(const struct staging_shm *st, const struct staged *row, uint64_t first,
    struct staged *part)
{
	if (row->record >= first || row->count == 1 || !row_is_sound(row))
		return row;
	*part = *row;
	while (part->count > 1 && part->record < first)
		row_shift(st, part);
	return part;
}

/* Messages in the row. */
static uint32_t
row_messages(const struct staged *row)
{
	return record_is_talk(row->type) ? row->count : 0;
}

/* The runs of [first, end) that the session reads, less `skip` bytes. */
static void
pieces_gather(const struct worker *w, uint32_t slot, uint64_t first,
    uint64_t end, uint32_t skip, struct pieces *p)
{
	struct staging_shm *st = w->staging;
	const struct session_shm *s = session_row(w, slot);
	const struct staged *row;
	struct staged part;
	uint32_t last = NONE;

	p->count = 0;
	p->total = 0;
	for (uint32_t i = row_at(st, first);
	     i < st->count && st->table[i].record < end; i++) {
		row = row_from(st, &st->table[i], first, &part);

		if (!is_for(row, s, slot) || !row_is_sound(row))
			continue;
		if (p->count > 0 && last == i - 1) {
			p->iov[p->count - 1].iov_len += row->len;
		} else if (p->count < PIECES_MAX) {
			p->iov[p->count].iov_base = st->bytes + row->off;
			p->iov[p->count++].iov_len = row->len;
		} else {
			break; /* not with STAGING_RECORDS rows */
		}
		last = i;
		p->total += row->len;
	}
	if (p->count > 0 && skip <= p->iov[0].iov_len) {
		p->iov[0].iov_base = (char *)p->iov[0].iov_base + skip;
		p->iov[0].iov_len -= skip;
		p->total -= skip;
	}
}

static void
note_tx_set(struct note_tx *note)
{
	compiler_barrier();
	atomic_store_explicit(&note->valid, 1, memory_order_relaxed);
	compiler_barrier();
	FAULT_POINT("tx.noted");
}

static void
note_tx_clear(struct note_tx *note)
{
	compiler_barrier();
	atomic_store_explicit(&note->valid, 0, memory_order_relaxed);
	compiler_barrier();
	FAULT_POINT("tx.cleared");
}

static uint64_t
out_total(const struct session_shm *s)
{
	return atomic_load_explicit(&s->out_total, memory_order_relaxed);
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
		if (w->seat->tx.skip == 0)
			s->half.cut_dialect = s->half.dialect;
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
		row_shift(w->staging, &rest);
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
	return one.room_msg + (h->cut_skip == 0 ? row_messages(&one) : 0);
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

	for (uint32_t i = row_at(st, tx->first);
	     i < st->count && st->table[i].record < tx->end; i++) {
		row = row_from(st, &st->table[i], tx->first, &part);
		if (row->room_gen == s->half.room_gen)
			next_msg = row->room_msg;
		if (is_own(row, slot, s->gen))
			said -= MIN(said, row->count);
		if (!is_for(row, s, slot) || !row_is_sound(row))
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
static uint32_t
count_said(const struct worker *w, uint32_t slot, uint64_t from)
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
			s->half.msg_next = row->room_msg + row_messages(row);
	} else if (tx->lagging) {
		for (uint32_t i = row_at(st, tx->first);
		     i < st->count && st->table[i].record < tx->end; i++) {
			const struct staged *row = &st->table[i];

			if (row->room_gen == s->half.room_gen)
				s->half.msg_next =
				    row->room_msg + row_messages(row);
			if (is_own(row, slot, s->gen))
				said -= MIN(said, row->count);
		}
		s->half.said = said;
		s->half.cut_skip = 0;
	}
	s->half.own = tx->end;
}

/*
 * The kernel took `n` bytes of a piece: its rest is saved, the reply goes on
 * behind it.  Without a buffer it took all or nothing; if it did otherwise
 * after all, the session has lost its thread.  Returns the buffer that was
 * claimed for the rest if it isn't needed.
 */
static uint32_t
done_piece(struct worker *w, const struct note_tx *tx, size_t n, size_t total)
{
	struct session_half *h = &session_row(w, tx->slot)->half;
	size_t stride = w->seg.layout.buffer_stride;

	if (n < total && tx->buffer == 0) {
		if (n > 0)
			h->broken = 1;
		return 0;
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

/* The kernel took `n` bytes of what the note TX says.  May be done again. */
static void
done_tx(struct worker *w, size_t n, size_t total)
{
	struct note_tx *tx = &w->seat->tx;
	struct session_shm *s = session_row(w, tx->slot);
	uint32_t give = 0;

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
		s->telnet.answer_off = (uint8_t)(tx->cut_off + n);
		s->telnet.answer_len = (uint8_t)(total - n);
		break;
	}
	FAULT_POINT("tx.done");
	atomic_store_explicit(
	    &s->out_total, tx->out_total + n, memory_order_relaxed);
	note_tx_clear(tx);
	pool_give(&w->seg, give);
}

/* Send; returns how much was taken.  An error that stays breaks the session. */
static size_t
transmit(struct worker *w, uint32_t slot, struct iovec *iov, int count)
{
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)count};
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	int fd = session_fd(slot);
	ssize_t n;

	do { /* one piece, as nearly always, is a little cheaper with send */
		n = count == 1 ? send(fd, iov->iov_base, iov->iov_len, flags)
			       : sendmsg(fd, &msg, flags);
	} while (n == -1 && errno == EINTR);
	FAULT_POINT("tx.sent");
	if (n == -1 && errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM) {
		session_row(w, slot)->half.broken = 1;
		worker_due(w, slot);
	}
	return n == -1 ? 0 : (size_t)n;
}

/* Short sends are waited out: epoll says when there is room again. */
static void
send_result(struct worker *w, uint32_t slot, size_t n, size_t total)
{
	done_tx(w, n, total);
	if (n < total && !session_row(w, slot)->half.broken) {
		w->locals[slot].blocked = true;
		session_watch(w, slot);
	}
}

/*
 * Send the session what it reads of the staged records [first, end), with one
 * call, and move its cursor.
 */
void
send_staged(struct worker *w, uint32_t slot, uint64_t first, uint64_t end)
{
	struct session_shm *s = session_row(w, slot);
	struct note_tx *tx = &w->seat->tx;
	struct pieces p;
	size_t n = 0;

	tx->slot = slot;
	tx->kind = TX_STAGED;
	tx->first = first;
	tx->end = end;
	tx->out_total = out_total(s);
	tx->skip = s->half.cut_skip;
	tx->lagging = s->half.lag;
	tx->said = s->half.said;
	pieces_gather(w, slot, first, end, tx->skip, &p);
	note_tx_set(tx);
	if (p.total > 0)
		n = transmit(w, slot, p.iov, p.count);
	if (n < p.total && !tx->lagging)
		tx->said = count_said(w, slot, first);
	send_result(w, slot, n, p.total);
}

/* Send the rest of a cut record. */
void
send_cut(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct note_tx *tx = &w->seat->tx;
	size_t stride = w->seg.layout.buffer_stride, total;
	struct iovec iov;

	if (!pool_owns(&w->seg, s->half.cut_buf, slot + 1) ||
	    s->half.cut_len > stride || s->half.cut_off > s->half.cut_len) {
		s->half.cut_buf = 0; /* of a process gone wrong */
		return;
	}
	total = s->half.cut_len - s->half.cut_off;
	iov.iov_base =
	    segment_buffer(&w->seg, s->half.cut_buf - 1) + s->half.cut_off;
	iov.iov_len = total;
	tx->slot = slot;
	tx->kind = TX_CUT;
	tx->len = (uint32_t)total;
	tx->cut_off = s->half.cut_off;
	tx->out_total = out_total(s);
	note_tx_set(tx);
	send_result(w, slot, transmit(w, slot, &iov, 1), total);
}

/* Send a line, `len` bytes in the staging area, less what was sent of it. */
void
send_line(struct worker *w, uint32_t slot, size_t len)
{
	struct session_shm *s = session_row(w, slot);
	struct note_tx *tx = &w->seat->tx;
	size_t skip = MIN((size_t)s->half.reply.skip, len);
	struct iovec iov = {w->staging->bytes + skip, len - skip};

	tx->slot = slot;
	tx->kind = TX_REPLY;
	tx->len = (uint32_t)iov.iov_len;
	tx->skip = s->half.reply.skip;
	tx->out_total = out_total(s);
	note_tx_set(tx);
	send_result(w, slot, transmit(w, slot, &iov, 1), iov.iov_len);
}

/*
 * May a piece of a long reply be rendered and sent?  It can't be rendered
 * again, so a buffer for its rest is claimed first.  Those who don't read may
 * hold them all; a send queue that is empty takes a piece whole.
 */
bool
send_piece_begin(struct worker *w, uint32_t slot)
{
	int queued = 0;

	w->seat->tx.buffer =
	    pool_claim_common(&w->seg, slot + 1, &w->pool_hint);
	return w->seat->tx.buffer != 0 ||
	       (ioctl(session_fd(slot), SIOCOUTQ, &queued) == 0 && queued == 0);
}

/*
 * Send a piece, `len` bytes in the staging area, for which send_piece_begin
 * said yes; `next` is the position behind it.
 */
void
send_piece(struct worker *w, uint32_t slot, size_t len, uint64_t next)
{
	struct session_shm *s = session_row(w, slot);
	struct note_tx *tx = &w->seat->tx;
	struct iovec iov = {w->staging->bytes, len};

	tx->slot = slot;
	tx->kind = TX_PIECE;
	tx->len = (uint32_t)len;
	tx->end = next;
	tx->out_total = out_total(s);
	note_tx_set(tx);
	send_result(w, slot, len > 0 ? transmit(w, slot, &iov, 1) : 0, len);
}

/* Send what telnet has to answer; the session lags, and nothing is cut. */
void
send_answers(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct note_tx *tx = &w->seat->tx;
	const char *answers;
	struct iovec iov;

	iov.iov_len = telnet_answers(&s->telnet, &answers);
	memcpy(w->scratch, answers, iov.iov_len);
	iov.iov_base = w->scratch;
	tx->slot = slot;
	tx->kind = TX_ANSWER;
	tx->len = (uint32_t)iov.iov_len;
	tx->cut_off = s->telnet.answer_off;
	tx->out_total = out_total(s);
	note_tx_set(tx);
	send_result(w, slot, transmit(w, slot, &iov, 1), tx->len);
}

/*
 * Settle what a dead predecessor was sending: the kernel knows how much it
 * took.
 */
void
send_settle(struct worker *w)
{
	struct note_tx *tx = &w->seat->tx;
	struct tcp_counts counts;
	struct pieces p;
	size_t total = tx->len, n;

	if (atomic_load_explicit(&tx->valid, memory_order_relaxed) == 0)
		return;
	FAULT_POINT("takeover.tx");
	if (tx->slot >= w->in->nslots ||
	    tcp_counts(session_fd(tx->slot), &counts) == -1) {
		note_tx_clear(tx);
		return;
	}
	n = (size_t)(counts.accepted - tx->out_total);
	if (tx->kind == TX_STAGED) {
		pieces_gather(w, tx->slot, tx->first, tx->end, tx->skip, &p);
		total = p.total;
		/* Its own messages were counted after the send, or never. */
		if (!tx->lagging)
			tx->said = count_said(w, tx->slot, tx->first);
	}
	/* Its reset may have been told to the dead, and is told only once. */
	if (counts.state == TCP_CLOSE)
		session_row(w, tx->slot)->half.broken = 1;
	if (counts.accepted < tx->out_total || n > total) {
		session_row(w, tx->slot)->half.broken = 1; /* no more sense */
		n = total;
	}
	done_tx(w, n, total);
}
