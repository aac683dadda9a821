/* SPDX-License-Identifier: MIT */
/*
 * Bytes from a connection: read behind what was kept, consumed line by line,
 * and the rest kept for the next time.  While it happens the note IN says that
 * the read buffer, and not the row, holds the input: killed anywhere in here,
 * the successor asks the kernel how much was read, and keeps the rest of that.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/telnet.h"
#include "shared/base/fault.h"
#include "shared/shm/pool.h"
#include "worker/ask.h"
#include "worker/login.h"
#include "worker/web.h"

/* Bytes that are kept behind a half-line, which are no text. */
static size_t
tail_of(const struct session_shm *s)
{
	return web_is_upgraded(s) ? wslines_tail(&s->ws) : 0;
}

/*
 * What was kept of the input, `*bytes` of text and the tail behind them; NULL
 * if there is none.
 */
static const char *
input_stored(const struct worker *w, uint32_t slot, size_t *bytes)
{
	struct session_shm *s = session_row(w, slot);
	uint64_t from = s->half.in_done, end = session_input_end(s);
	size_t text = (size_t)(end - from), gap = (size_t)(from - s->kept_at);
	size_t size, len = text + tail_of(s);
	const char *kept = session_kept(s, &size);

	*bytes = 0;
	if (end < from || len == 0)
		return NULL;
	if (pool_size(&w->seg, s->in_buf) > 0) {
		kept = segment_buffer(&w->seg, s->in_buf - 1);
		size = pool_size(&w->seg, s->in_buf);
	}
	/* Bounds as of a process gone wrong. */
	if (from < s->kept_at || gap > size || len > size - gap)
		return NULL;
	*bytes = text;
	return kept + gap;
}

/* The input that was kept, and how much of it; NULL if there is none. */
const char *
input_kept(const struct worker *w, uint32_t slot, size_t *bytes)
{
	const char *kept = input_stored(w, slot, bytes);

	return *bytes > 0 ? kept : NULL;
}

/* The tail behind it; NULL if there is none. */
const char *
input_kept_tail(const struct worker *w, uint32_t slot)
{
	size_t text;
	const char *kept = input_stored(w, slot, &text);

	return kept != NULL ? kept + text : NULL;
}

/* Load the kept input to the front of the read buffer; returns its bytes. */
static size_t
input_load(struct worker *w, uint32_t slot)
{
	size_t len;
	const char *kept = input_stored(w, slot, &len);

	if (kept == NULL)
		return 0;
	len += tail_of(session_row(w, slot));
	memcpy(w->input, kept, len);
	return len;
}

/* How much can be kept of the session's input as it is? */
size_t
input_size(const struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	size_t size;

	(void)session_kept(s, &size);
	if (w->seat->spare != 0)
		return w->seg.layout.buffer_stride;
	return s->in_buf != 0 ? pool_size(&w->seg, s->in_buf) : size;
}

/*
 * How much input could be kept if none of it were consumed?  There are `kept`
 * bytes now.  When buffers are few, only half a line that fills its row gets
 * one; all others read no more than the row holds, so that lines which must
 * wait, for a reply to be read perhaps, wait in the kernel.
 */
static size_t
input_room(struct worker *w, uint32_t slot, size_t kept)
{
	struct session_shm *s = session_row(w, slot);
	const size_t large = w->seg.layout.buffer_stride;
	uint32_t mine = (w->in->seat + 1) | BUFFER_SPARE;
	size_t size = input_size(w, slot);

	if (size < large && edit_is_on(w, s))
		size = EDIT_KEYS(size);
	if (size < large)
		w->seat->spare =
		    kept < size
			? pool_claim_common(&w->seg, mine, &w->pool_hint)
			: pool_claim(&w->seg, mine, &w->pool_hint);
	FAULT_POINT("input.spare");
	return (w->seat->spare != 0 ? large : size) -
	       (web_is_upgraded(s) ? WSLINES_EXTRA : 0);
}

/* Where to keep `len` bytes of the session; sets *ref to the buffer + 1. */
static char *
input_place(struct worker *w, uint32_t slot, size_t len, uint32_t *ref)
{
	struct session_shm *s = session_row(w, slot);
	size_t size;
	char *kept = session_kept(s, &size);

	*ref = 0;
	if (len <= size)
		return kept;
	if (pool_owns(&w->seg, s->in_buf, slot + 1) &&
	    len <= pool_size(&w->seg, s->in_buf))
		*ref = s->in_buf;
	else if (len <= SMALL_BYTES)
		*ref = pool_claim_small(&w->seg, slot + 1, &w->small_hint);
	if (*ref == 0)
		*ref = w->seat->spare;
	if (*ref == 0) /* a successor, whose predecessor's spare is gone */
		*ref = pool_claim(&w->seg, slot + 1, &w->pool_hint);
	return *ref == 0 ? NULL : segment_buffer(&w->seg, *ref - 1);
}

/*
 * What the read buffer holds, with `got` bytes read behind those that were
 * kept, as text: w->text.  Returns its bytes; w->telnet is the state behind
 * them.  A function of the note IN, the read buffer and `got`, so that a
 * successor comes to the same.
 */
static size_t
input_decode(struct worker *w, const struct session_shm *s, size_t got)
{
	const struct note_in *note = &w->seat->in;
	size_t kept = note->kept, len;

	w->text = w->input;
	if (session_is_web(s) && note->state != SESSION_HTTP)
		return web_decode(w, got);
	if (!session_is_telnet(s))
		return kept + got;
	w->text = w->decoded;
	memcpy(w->decoded, w->input, kept);
	w->telnet = note->telnet;
	len = kept + telnet_decode(
			 &w->telnet, w->input + kept, got, w->decoded + kept);
	if (telnet_is_typed(w->decoded, len, w->input + kept, got))
		telnet_open(&w->telnet);
	return len;
}

/* Is what was decoded keys, for the editor? */
static bool
input_edits(const struct worker *w, const struct session_shm *s)
{
	return session_is_telnet(s) && w->editing != NULL &&
	       telnet_edits(&w->telnet);
}

/* What is not consumed of `text` bytes of text: half a line, perhaps more. */
static struct rest
input_rest(const struct worker *w, const struct session_shm *s, size_t text)
{
	uint64_t base = w->seat->in.base, from = s->half.in_done;

	if (from < base || from > base + text) /* of a process gone wrong */
		return (struct rest){0};
	return (struct rest){
	    w->text + (from - base), text - (size_t)(from - base)};
}

/*
 * Keep the rest, the text from half.in_done on, of the input that the note IN
 * is about, after `got` bytes were read.  May be done again after a death, as
 * long as the note holds; ends by taking it away.
 */
static void
input_keep(struct worker *w, uint32_t slot, size_t got, struct rest rest)
{
	struct session_shm *s = session_row(w, slot);
	const struct note_in *note = &w->seat->in;
	const bool frames = session_is_web(s) && note->state != SESSION_HTTP;
	uint64_t from = s->half.in_done, end = from + rest.len;
	size_t tail = frames ? wslines_tail(&w->ws) : 0;
	uint32_t ref, old = s->in_buf;
	char *place = input_place(w, slot, rest.len + tail, &ref);

	if (place == NULL) { /* nowhere: give up the line it belongs to */
		s->half.in_done = from = end;
		s->half.skip_line = 1;
		s->half.redraw = edit_is_on(w, s);
		wslines_lose(&w->ws);
	} else if (rest.len > 0) {
		memcpy(place, rest.text, rest.len);
	}
	if (place != NULL && tail > 0)
		wslines_store(&w->ws, &w->tail, place + rest.len);
	if (session_is_telnet(s)) {
		login_hide(w, s);
		s->telnet = w->telnet;
	}
	if (frames)
		s->ws = w->ws;
	s->kept_at = from;
	FAULT_POINT("input.keep.copied");
	s->in_buf = ref;
	FAULT_POINT("input.keep.buffer");
	if (ref != 0 && ref != old) {
		atomic_store_explicit(&w->seg.bufctl[ref - 1].since_us,
		    w->now_us, memory_order_relaxed);
		atomic_store_explicit(&w->seg.bufctl[ref - 1].owner, slot + 1,
		    memory_order_relaxed);
	}
	s->in_cut = note->raw + got - end;
	atomic_store_explicit(
	    &s->in_total, note->raw + got, memory_order_relaxed);
	login_wipe_kept(w, slot, ref, old, rest.len + tail);
	compiler_barrier();
	FAULT_POINT("input.keep.stored");
	atomic_store_explicit(&w->seat->in.valid, 0, memory_order_relaxed);
	compiler_barrier();
	FAULT_POINT("input.kept");
	/* Not before: until then a successor may have to take it again. */
	if (ref != 0 && w->seat->spare == ref)
		w->seat->spare = 0;
	if (old != ref)
		pool_give(&w->seg, old);
	/* So that no byte counted wrongly after an RST completes a line. */
	memset(w->input, 0, note->kept + got);
}

/* A predecessor died having read `got` bytes, as the note IN says of whom. */
void
input_settle(struct worker *w, size_t got)
{
	uint32_t slot = w->seat->in.slot;
	const struct session_shm *s = session_row(w, slot);
	size_t len = input_decode(w, s, got);

	input_keep(w, slot, got,
	    input_edits(w, s) ? edit_settle(w, slot, len)
			      : input_rest(w, s, len));
}

/* The same, but what was read is poison, and is thrown away unseen. */
void
input_drop(struct worker *w, size_t got)
{
	struct note_in *note = &w->seat->in;
	struct session_shm *s = session_row(w, note->slot);

	s->kept_at = s->half.in_done;
	s->in_cut = note->raw + got - s->half.in_done;
	atomic_store_explicit(
	    &s->in_total, note->raw + got, memory_order_relaxed);
	FAULT_POINT("input.dropped");
	compiler_barrier();
	atomic_store_explicit(&note->valid, 0, memory_order_relaxed);
}

static void
note_in_set(struct worker *w, uint32_t slot, size_t kept)
{
	struct note_in *note = &w->seat->in;
	const struct session_shm *s = session_row(w, slot);

	note->slot = slot;
	note->base = s->half.in_done;
	note->kept = (uint32_t)kept;
	note->raw = atomic_load_explicit(&s->in_total, memory_order_relaxed);
	if (session_is_telnet(s))
		note->telnet = s->telnet;
	if (session_is_web(s))
		note->ws = s->ws;
	note->state = s->half.state;
	note->echoed = 0;
	compiler_barrier();
	atomic_store_explicit(&note->valid, 1, memory_order_relaxed);
	compiler_barrier();
	FAULT_POINT("input.noted");
}

/* Read behind `kept` bytes; returns how many. */
static size_t
input_recv(struct worker *w, uint32_t slot, size_t kept, size_t room)
{
	struct local *l = &w->locals[slot];
	size_t want = MIN((size_t)READ_MAX, room - kept);
	ssize_t n = recv(session_fd(slot), w->input + kept, want, MSG_DONTWAIT);

	FAULT_POINT("input.received");
	if (n == 0) {
		l->eof = true;
	} else if (n == -1 && errno != EAGAIN && errno != EINTR) {
		session_row(w, slot)->half.broken = 1;
		l->eof = true;
	}
	return n > 0 ? (size_t)n : 0;
}

uint64_t
input_deadline(const struct worker *w)
{
	return w->settings->idle_timeout_s == 0
		   ? UINT64_MAX
		   : w->now_us +
			 w->settings->idle_timeout_s * UINT64_C(1000000);
}

/*
 * Consume what can be consumed of `got` bytes behind those that were kept, and
 * keep the rest.
 */
static void
input_consume(struct worker *w, uint32_t slot, size_t got)
{
	struct session_shm *s = session_row(w, slot);
	struct local *l = &w->locals[slot];
	uint64_t base = w->seat->in.base;
	size_t len;

	poison_at_slot(w, slot);
	len = input_decode(w, s, got);
	if (input_edits(w, s)) {
		struct rest rest = typing_consume(w, slot, len);

		poison_off_slot(w);
		edit_echo(w, slot);
		input_keep(w, slot, got, rest);
		edit_show(w, slot);
		return;
	}
	/*
	 * A reset, unlike a FIN, ends no line: half of one is nobody's wish.  A
	 * message that ends without its last frame isn't either.
	 */
	talk_consume(w, slot, base, base + len,
	    l->eof && !s->half.broken && !session_is_web(s));
	poison_off_slot(w);
	input_keep(w, slot, got, input_rest(w, s, len));
}

/*
 * Must the input wait until the client has read?  What it types is shown
 * behind all that it is still to be sent of half a line.
 */
bool
input_is_stuck(const struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);

	return session_unread(&s->half) ||
	       (w->locals[slot].blocked &&
		   (edit_is_on(w, s) || web_is_stuck(s)));
}

/*
 * Take input of a session: read if it is `readable`, consume what can be
 * consumed, keep the rest.
 */
void
input_take(struct worker *w, uint32_t slot, bool readable)
{
	struct local *l = &w->locals[slot];
	struct session_shm *s = session_row(w, slot);
	size_t kept, room = 0, got = 0;
	uint64_t base = s->half.in_done;
	bool was_in = s->half.state == SESSION_JOINED;

	if (edit_must_wait(w, slot) || web_is_stuck(s)) {
		l->waiting = true;
		session_watch(w, slot);
		return;
	}
	kept = input_load(w, slot);
	note_in_set(w, slot, kept);
	if (readable || edit_is_on(w, s)) /* what is edited may grow */
		room = input_room(w, slot, kept);
	if (readable && !l->eof && !s->half.broken) {
		if (kept < room)
			got = input_recv(w, slot, kept, room);
		else if (!l->waiting)
			input_starve(w, slot);
	}
	l->waiting = false;
	input_consume(w, slot, got);
	session_looks(w, slot);
	/* Until then it had to log in, or to read, by its deadline. */
	if (s->half.state == SESSION_JOINED &&
	    ((got > 0 && !session_is_web(s)) || !was_in ||
		s->half.in_done != base)) {
		s->deadline_us = input_deadline(w);
		l->gone = false;
	}
	if ((got > 0 || login_is_hidden(w->seat->in.state)) &&
	    session_has_answers(s))
		worker_due(w, slot);
	login_wipe_seen(w);
	if (got > 0 && session_is_web(s))
		web_heard(w, slot);
	/* If it waits for its reply to be read, epoll will say when. */
	if (l->paced)
		worker_later(w, slot);
	else if (ask_waits(w, slot))
		session_watch(w, slot); /* the verdict will */
	else if (l->move_to != 0 || (l->waiting ? !input_is_stuck(w, slot)
						: l->eof || web_is_closing(s)))
		worker_due(w, slot);
	session_watch(w, slot);
}
