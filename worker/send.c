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
#include "worker/staged.h"
#include "worker/web.h"

#define PIECES_MAX 1022 /* iovecs in one call: UIO_MAXIOV, less two */

/* What is to be sent: runs of staged bytes, and room for what goes around. */
struct pieces {
	struct iovec iov[1 + PIECES_MAX + 1]; /* the pieces in the middle */
	int count;
	size_t total; /* bytes of the pieces */
};

/* The runs of [first, end) that the session reads, less `skip` bytes. */
static void
pieces_gather(const struct worker *w, uint32_t slot, uint64_t first,
    uint64_t end, uint32_t skip, struct pieces *p)
{
	struct staging_shm *st = w->staging;
	const struct session_shm *s = session_row(w, slot);
	const struct staged *row;
	struct iovec *iov = &p->iov[1];
	struct staged part;
	uint32_t last = NONE;

	p->count = 0;
	p->total = 0;
	for (uint32_t i = staged_at(st, first);
	     i < st->count && st->table[i].record < end; i++) {
		row = staged_from(st, &st->table[i], first, &part);

		if (!staged_is_for(row, s, slot) || !staged_is_sound(row))
			continue;
		if (p->count > 0 && last == i - 1) {
			iov[p->count - 1].iov_len += row->len;
		} else if (p->count < PIECES_MAX) {
			iov[p->count].iov_base = st->bytes + row->off;
			iov[p->count++].iov_len = row->len;
		} else {
			break; /* not with STAGING_RECORDS rows */
		}
		last = i;
		p->total += row->len;
	}
	if (p->count > 0 && skip <= iov->iov_len) {
		iov->iov_base = (char *)iov->iov_base + skip;
		iov->iov_len -= skip;
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

/* A note about what is to be sent to `slot`, with nothing around it. */
static struct note_tx *
note_tx_begin(struct worker *w, uint32_t slot, enum tx_kind kind)
{
	struct note_tx *tx = &w->seat->tx;

	tx->slot = slot;
	tx->kind = kind;
	tx->before = tx->behind = 0;
	tx->edits = 0;
	tx->out_total = atomic_load_explicit(
	    &session_row(w, slot)->out_total, memory_order_relaxed);
	return tx;
}

/*
 * What goes around lines so that they appear above the row being typed; at the
 * rest of a line, which stands on the screen by now, only behind it.
 */
static void
note_tx_around(
    struct worker *w, bool rest, struct iovec *before, struct iovec *behind)
{
	struct note_tx *tx = &w->seat->tx;

	tx->edits = edit_around(w, tx->slot, rest, before, behind);
	tx->before = (uint32_t)before->iov_len;
	tx->behind = (uint32_t)behind->iov_len;
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
	sent_settle(w, n, total);
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
	struct note_tx *tx = note_tx_begin(w, slot, TX_STAGED);
	struct pieces p;
	size_t n = 0;

	tx->first = first;
	tx->end = end;
	tx->skip = s->half.cut_skip;
	tx->lagging = s->half.lag;
	tx->said = s->half.said;
	pieces_gather(w, slot, first, end, tx->skip, &p);
	if (p.total > 0 && edit_is_on(w, s))
		note_tx_around(w, tx->skip > 0, &p.iov[0], &p.iov[1 + p.count]);
	note_tx_set(tx);
	if (p.total > 0)
		n = transmit(w, slot, &p.iov[tx->before == 0],
		    p.count + (tx->before > 0) + (tx->behind > 0));
	if (n < tx->before + p.total && !tx->lagging)
		tx->said = sent_count_own(w, slot, first);
	send_result(w, slot, n, tx->before + p.total + tx->behind);
}

/* Send `len` bytes, of which the note says all but how many. */
static void
send_bytes(
    struct worker *w, uint32_t slot, const void *bytes, size_t len, bool rest)
{
	struct note_tx *tx = &w->seat->tx;
	struct iovec iov[3] = {{0}, {(void *)(uintptr_t)bytes, len}, {0}};
	size_t total, n = 0;

	tx->len = (uint32_t)len;
	if (edit_is_on(w, session_row(w, slot)) && tx->kind != TX_ANSWER)
		note_tx_around(w, rest, &iov[0], &iov[2]);
	total = tx->before + len + tx->behind;
	note_tx_set(tx);
	if (total == len && len > 0)
		n = transmit(w, slot, &iov[1], 1);
	else if (total > 0)
		n = transmit(w, slot, iov, COUNT(iov));
	send_result(w, slot, n, total);
}

/* Send the rest of a cut record. */
void
send_cut(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	size_t stride = w->seg.layout.buffer_stride;

	if (!pool_owns(&w->seg, s->half.cut_buf, slot + 1) ||
	    s->half.cut_len > stride || s->half.cut_off > s->half.cut_len) {
		s->half.cut_buf = 0; /* of a process gone wrong */
		return;
	}
	note_tx_begin(w, slot, TX_CUT)->cut_off = s->half.cut_off;
	send_bytes(w, slot,
	    segment_buffer(&w->seg, s->half.cut_buf - 1) + s->half.cut_off,
	    s->half.cut_len - s->half.cut_off, true);
}

/* Send a line, `len` bytes in the staging area, less what was sent of it. */
void
send_line(struct worker *w, uint32_t slot, size_t len)
{
	const struct reply *r = &session_row(w, slot)->half.reply;
	size_t skip = MIN((size_t)r->skip, len);

	note_tx_begin(w, slot, TX_REPLY)->skip = r->skip;
	send_bytes(w, slot, w->staging->bytes + skip, len - skip,
	    r->skip > 0 || r->newline != 0);
}

/*
 * The same with what lies elsewhere behind it: a page.  Never rendered again
 * for its rest, as it does not change.
 */
void
send_line_and(struct worker *w, uint32_t slot, size_t len, struct iovec behind)
{
	const struct reply *r = &session_row(w, slot)->half.reply;
	size_t skip = MIN((size_t)r->skip, len + behind.iov_len);
	size_t of_line = MIN(skip, len), of_rest = skip - of_line;
	struct iovec iov[] = {
	    {w->staging->bytes + of_line, len - of_line},
	    {(char *)behind.iov_base + of_rest, behind.iov_len - of_rest},
	};
	size_t total = iov[0].iov_len + iov[1].iov_len;
	struct note_tx *tx = note_tx_begin(w, slot, TX_REPLY);

	tx->skip = r->skip;
	tx->len = (uint32_t)total;
	note_tx_set(tx);
	send_result(w, slot, transmit(w, slot, iov, COUNT(iov)), total);
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
	note_tx_begin(w, slot, TX_PIECE)->end = next;
	send_bytes(w, slot, w->staging->bytes, len,
	    session_row(w, slot)->half.reply.newline != 0);
}

/*
 * Send what its protocol has to answer: telnet's options, or a pong.  The
 * session lags, and nothing is cut.
 */
void
send_answers(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	uint32_t off = s->ws.pong_off;
	const char *answers;
	size_t len;

	if (session_is_telnet(s)) {
		len = telnet_answers(&s->telnet, &answers);
		memcpy(w->scratch, answers, len);
		note_tx_begin(w, slot, TX_ANSWER)->cut_off =
		    s->telnet.answer_off;
		send_bytes(w, slot, w->scratch, len, true);
		return;
	}
	len = web_pong(w, slot, w->scratch);
	off = MIN(off, (uint32_t)len);
	note_tx_begin(w, slot, TX_ANSWER)->cut_off = off;
	send_bytes(w, slot, w->scratch + off, len - off, true);
}

/*
 * Send what was typed of the lines that the note IN consumed, `len` bytes in
 * the staging area.  A rest can be saved only for one that lags.
 */
void
send_echo(struct worker *w, uint32_t slot, size_t len)
{
	struct note_tx *tx = note_tx_begin(w, slot, TX_ECHO);
	struct iovec iov = {w->staging->bytes, len};

	tx->buffer = 0;
	if (session_row(w, slot)->half.lag)
		tx->buffer =
		    pool_claim_common(&w->seg, slot + 1, &w->pool_hint);
	tx->len = (uint32_t)len;
	tx->edits = 1;
	note_tx_set(tx);
	send_result(w, slot, transmit(w, slot, &iov, 1), len);
}

/* Send what makes the row being typed right on the screen. */
void
send_row(struct worker *w, uint32_t slot, const char *bytes, size_t len)
{
	struct note_tx *tx = note_tx_begin(w, slot, TX_ROW);
	struct iovec iov = {(void *)(uintptr_t)bytes, len};

	tx->len = (uint32_t)len;
	tx->edits = 1;
	note_tx_set(tx);
	send_result(w, slot, len > 0 ? transmit(w, slot, &iov, 1) : 0, len);
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
	size_t total = tx->before + tx->len + tx->behind, n;

	if (atomic_load_explicit(&tx->valid, memory_order_relaxed) == 0)
		return;
	FAULT_POINT("takeover.tx");
	if (tx->slot >= w->in->nslots ||
	    tcp_counts(session_fd(tx->slot), &counts) == -1) {
		sent_note_clear(tx);
		return;
	}
	n = (size_t)(counts.accepted - tx->out_total);
	if (tx->kind == TX_STAGED) {
		pieces_gather(w, tx->slot, tx->first, tx->end, tx->skip, &p);
		total = tx->before + p.total + tx->behind;
		/* Its own messages were counted after the send, or never. */
		if (!tx->lagging)
			tx->said = sent_count_own(w, tx->slot, tx->first);
	}
	/* Its reset may have been told to the dead, and is told only once. */
	if (counts.state == TCP_CLOSE)
		session_row(w, tx->slot)->half.broken = 1;
	if (counts.accepted < tx->out_total || n > total) {
		session_row(w, tx->slot)->half.broken = 1; /* no more sense */
		n = total;
	}
	sent_settle(w, n, total);
}
