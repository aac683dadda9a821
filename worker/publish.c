/* SPDX-License-Identifier: MIT */
/*
 * Into the ring: batches of messages, and what else members say and do in
 * their room; then waking who has members in it.  When a worker is too far
 * behind, nothing goes in.
 */
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/chat/text.h"
#include "worker/naming.h"
#include "worker/worker.h"

#define STALE_US 50000 /* a seat that hasn't moved for this long is ignored */

/* Is the seat more than half a ring behind, in records or in bytes? */
static bool
far_behind(const struct worker *w, const struct seat_shm *seat, uint64_t head)
{
	uint64_t cursor =
	    atomic_load_explicit(&seat->cursor, memory_order_relaxed);
	uint64_t position =
	    atomic_load_explicit(&seat->position, memory_order_relaxed);

	return (cursor < head && head - cursor > w->seg.layout.ndesc / 2) ||
	       ring_position(&w->seg) - position > w->seg.params.ring_bytes / 2;
}

/*
 * May anything be published now?  Not while a worker that is alive would be
 * lapped by it.  If that is myself, the fan-out of this pass will help; if it
 * is another, the loop reads no client for a millisecond.
 */
bool
publish_allowed(struct worker *w)
{
	uint64_t head = ring_head(&w->seg);

	for (uint32_t i = 0; i < w->in->nseats; i++) {
		struct seat_shm *seat = segment_seat(&w->seg, i);
		uint64_t cursor;

		if (!far_behind(w, seat, head))
			continue;
		cursor =
		    atomic_load_explicit(&seat->cursor, memory_order_relaxed);
		if (i == w->in->seat && cursor < head)
			return false;
		if (i == w->in->seat) {
			/* With the last record it has had all bytes, too. */
			atomic_store_explicit(&seat->position,
			    ring_position(&w->seg), memory_order_relaxed);
			continue;
		}
		if (cursor != w->seat_seen[i]) {
			w->seat_seen[i] = cursor;
			w->seat_seen_us[i] = clock_us();
		} else if (clock_us() - w->seat_seen_us[i] > STALE_US) {
			continue;
		}
		w->stalled = true;
		return false;
	}
	return true;
}

/* Would another message of `more` bytes (before sanitising) be too much? */
bool
publish_batch_full(const struct worker *w, size_t more)
{
	const struct batch *b = &w->batch;
	size_t line = LIMIT_NAME + NOTICE_MESSAGE_EXTRA + TEXT_EXPANSION * more;

	return b->count == BATCH_RECORDS ||
	       b->used + line + LIMIT_NAME > b->text_size ||
	       (b->count > 0 && b->used + line > w->seg.params.ring_bytes / 16);
}

/* What all messages of a batch have in common. */
static void
batch_begin(struct batch *b, const struct session_shm *s, uint32_t slot)
{
	size_t len = MIN((size_t)s->name_len, (size_t)LIMIT_NAME);

	memcpy(b->prefix, s->name, len);
	memcpy(b->prefix + len, ": ", 2);
	b->prefix_len = len + 2;
	b->run = (struct record){
	    .d.type = RECORD_MESSAGE,
	    .d.name_len = (uint8_t)len,
	    .d.text_off = (uint8_t)(len + 2),
	    .d.sender = slot,
	    .d.sender_gen = s->gen,
	    .line = b->text,
	    .lens = b->lens,
	};
}

/* Where the next line of the batch goes; its prefix is there already. */
static char *
batch_line(struct worker *w, uint32_t slot)
{
	struct batch *b = &w->batch;
	char *line = b->text + b->used;

	if (b->count == 0)
		batch_begin(b, session_row(w, slot), slot);
	ring_prefetch(&w->seg, b->count, b->used);
	memcpy(line, b->prefix, sizeof(b->prefix)); /* what is too much of */
	return line + b->prefix_len;                /* it is written over */
}

/* Its text, up to `end`, is in place. */
static void
batch_add(struct batch *b, char *end)
{
	size_t n = (size_t)(end - (b->text + b->used)) + 1;

	*end = '\n';
	b->lens[b->count++] = (uint32_t)n;
	b->used += n;
}

/* Add the message `text`, made safe, to a batch that isn't full. */
void
publish_batch_add(struct worker *w, uint32_t slot, const char *text, size_t len)
{
	char *to = batch_line(w, slot);

	batch_add(&w->batch, to + text_sanitise(to, text, len));
}

/*
 * Add the message that the input `text` begins with, if it is a whole line of
 * at most `max` bytes, printable ASCII, and no command, to a batch that isn't
 * full: then there is nothing to look for but its end.  Returns how many bytes
 * of input that was, or 0: it has to be looked at closely.
 */
size_t
publish_batch_plain(
    struct worker *w, uint32_t slot, const char *text, size_t len, size_t max)
{
	char *to = batch_line(w, slot);
	size_t n = text_plain(to, text, MIN(len, max)), end = n;

	if (n < len && text[n] == '\r')
		end++;
	if (n == 0 || end >= len || text[end] != '\n' || text[0] == '/')
		return 0;
	batch_add(&w->batch, to + n);
	return end + 1;
}

static void
wake(struct worker *w, uint64_t seats)
{
	static const uint64_t one = 1;

	/*
	 * The head before the look at `sleeping`; pairs with the fence in
	 * worker_sleep, where it is the other way round.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	for (seats &= ~w->bit; seats != 0; seats &= seats - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(seats);
		struct seat_shm *seat;

		if (i >= w->in->nseats)
			return;
		seat = segment_seat(&w->seg, i);
		if (atomic_load_explicit(
			&seat->sleeping, memory_order_relaxed) == 0)
			continue;
		FAULT_POINT("publish.bell");
		/*
		 * Cleared before the bell, never after it: the sleeper may be
		 * up and asleep again by then.  The system call is the barrier.
		 */
		atomic_store_explicit(&seat->sleeping, 0, memory_order_relaxed);
		(void)!write(w->in->bells[i], &one, sizeof(one));
	}
}

/* Wake everybody, whether they sleep or not. */
void
publish_ring_all(struct worker *w)
{
	static const uint64_t one = 1;

	for (uint32_t i = 0; i < w->in->nseats; i++)
		(void)!write(w->in->bells[i], &one, sizeof(one));
}

/*
 * After a commit: wake the workers with members in the room, and now and then
 * those without, so that their cursors follow.
 */
void
publish_bell(struct worker *w, uint64_t seats)
{
	uint64_t position = ring_position(&w->seg), head = ring_head(&w->seg);

	FAULT_POINT("publish.committed");
	if (position - w->last_bell_position > w->seg.params.ring_bytes / 8 ||
	    head - w->last_bell_head > w->seg.layout.ndesc / 8) {
		w->last_bell_position = position;
		w->last_bell_head = head;
		seats = ~UINT64_C(0);
	}
	wake(w, seats);
}

/*
 * Publish the batch and the session's new half.  The session is in its room,
 * and stays there: only its worker takes it out.
 */
void
publish_batch(struct worker *w, uint32_t slot, struct session_half *half)
{
	struct batch *b = &w->batch;
	struct room_shm *room = &w->seg.rooms[half->room];
	uint64_t seats;

	if (half->lag)
		half->said += b->count;
	b->run.count = b->count;
	b->run.d.len = (uint32_t)b->used;
	b->run.d.room = half->room;
	b->run.d.room_gen = half->room_gen;
	b->run.d.time_us = clock_real_us();
	lock_acquire(&w->journal.lock);
	b->run.d.room_msg = room->messages;
	journal_publish(&w->journal, &b->run, 1, slot, half);
	seats = atomic_load_explicit(&room->seats, memory_order_relaxed);
	lock_release(&w->journal.lock);
	b->count = 0;
	b->used = 0;
	publish_bell(w, seats);
}

/* Publish one record of a session that stays in its room; lock is held. */
static void
publish_one(struct worker *w, uint32_t slot, struct session_half *half,
    struct record *rec)
{
	const struct session_shm *s = session_row(w, slot);
	struct room_shm *room = &w->seg.rooms[rec->d.room];
	uint64_t seats;

	rec->d.sender = slot;
	rec->d.sender_gen = s->gen;
	rec->d.name_len = s->name_len;
	rec->d.room_gen = room->gen;
	rec->d.room_msg = room->messages;
	if (half->lag && record_is_talk(rec->d.type))
		half->said++;
	journal_publish(&w->journal, rec, 1, slot, half);
	seats = atomic_load_explicit(&room->seats, memory_order_relaxed);
	lock_release(&w->journal.lock);
	publish_bell(w, seats);
}

/* BEFORE NAME AFTER: what stands in front of the text, which is in place. */
static void
put_before(struct record *rec, const struct session_shm *s, const char *before,
    const char *after, char *text, size_t len)
{
	size_t name = MIN((size_t)s->name_len, (size_t)LIMIT_NAME);
	size_t b = strlen(before), a = strlen(after), head = b + name + a;
	char *line = text - head;

	memcpy(line, before, b);
	memcpy(line + b, s->name, name);
	memcpy(line + b + name, after, a);
	text[len] = '\n';
	rec->line = line;
	rec->d.name_off = (uint8_t)b;
	rec->d.text_off = (uint8_t)head;
	rec->d.len = (uint32_t)(head + len + 1);
	rec->d.time_us = clock_real_us();
}

/*
 * Publish an action or a topic.  `text`, made safe, has PUBLISH_BEFORE bytes
 * in front of it and one behind it that may be written.
 */
void
publish_say(struct worker *w, uint32_t slot, struct session_half *half,
    enum record_type type, char *text, size_t len)
{
	const struct session_shm *s = session_row(w, slot);
	struct record rec = {.d.type = (uint8_t)type, .d.room = half->room};

	if (type == RECORD_TOPIC)
		put_before(&rec, s, "*** ", " set the topic: ", text, len);
	else
		put_before(&rec, s, "* ", " ", text, len);
	lock_acquire(&w->journal.lock);
	publish_one(w, slot, half, &rec);
}

/*
 * Publish a private message, in the room where its reader is.  `text` as
 * above.  False, with nothing changed, if nobody has that name.
 */
bool
publish_private(struct worker *w, uint32_t slot, struct session_half *half,
    const char *to, size_t to_len, char *text, size_t len)
{
	struct record rec = {.d.type = RECORD_PRIVATE};
	uint32_t target;

	put_before(&rec, session_row(w, slot), "[private] ", ": ", text, len);
	lock_acquire(&w->journal.lock);
	target = tables_find_name(&w->seg, to, to_len);
	if (target == NONE ||
	    w->seg.members[target].room >= w->seg.params.nrooms) {
		lock_release(&w->journal.lock);
		return false;
	}
	rec.d.target = target;
	rec.d.target_gen = w->seg.sessions[target].gen;
	rec.d.room = w->seg.members[target].room;
	publish_one(w, slot, half, &rec);
	return true;
}

/*
 * Take another name, whose owner may do what `rights` says (enum
 * session_right).  CHAT_OK, or why not, with nothing changed.
 */
enum chat_error
publish_rename(struct worker *w, uint32_t slot, struct session_half *half,
    const char *name, size_t len, uint8_t rights)
{
	char line[PUBLISH_BEFORE + LIMIT_NAME + 1];
	struct record rec = {.d.type = RECORD_RENAME, .d.room = half->room};
	enum chat_error error;
	uint32_t holder;

	memcpy(line + PUBLISH_BEFORE, name, len);
	put_before(&rec, session_row(w, slot), "*** ", " is now known as ",
	    line + PUBLISH_BEFORE, len);
	lock_acquire(&w->journal.lock);
	error = naming_free(w, slot, name, len, rights, &holder);
	if (error == CHAT_NAME_TAKEN)
		return member_name_taken(w, slot, holder, rights);
	if (error != CHAT_OK) {
		lock_release(&w->journal.lock);
		return error;
	}
	/* It goes with the name that it is registered; the rest stays. */
	rec.d.target = rights | (session_rights(session_row(w, slot)) &
				    (RIGHT_OPERATOR | RIGHT_MUTED));
	publish_one(w, slot, half, &rec);
	return CHAT_OK;
}
