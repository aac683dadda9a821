/* SPDX-License-Identifier: MIT */
/*
 * Into the ring: batches of messages, joins and leaves, each with the decisions
 * that only the holder of the lock can make; then waking who has members in
 * the room.
 */
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/chat/text.h"
#include "shared/shm/creators.h"
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
		if (i == w->in->seat)
			return false;
		cursor =
		    atomic_load_explicit(&seat->cursor, memory_order_relaxed);
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

/* Add the message `text`, made safe, to a batch that isn't full. */
void
publish_batch_add(struct batch *b, const struct session_shm *s, uint32_t slot,
    const char *text, size_t len)
{
	char *line = b->text + b->used;
	size_t n;

	if (b->count == 0)
		batch_begin(b, s, slot);
	memcpy(line, b->prefix, sizeof(b->prefix)); /* what is too much of */
	n = b->prefix_len;                          /* it is written over */
	n += text_sanitise(line + n, text, len);
	line[n++] = '\n';
	b->lens[b->count++] = (uint32_t)n;
	b->used += n;
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
static void
bell(struct worker *w, uint64_t seats)
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
	bell(w, seats);
}

/*
 * May the session's address bring another room into being?  If the session is
 * the last one in the room that it leaves for it, that room doesn't count.
 */
static bool
join_is_within_budget(
    const struct worker *w, uint32_t slot, const struct room_shm *leaves)
{
	uint32_t limit = w->settings->max_rooms_per_ip;
	uint8_t key[ADDRESS_BYTES];

	if (limit == 0)
		return true;
	address_budget_key(key, session_row(w, slot)->addr);
	if (leaves != NULL && leaves->members <= 1 &&
	    memcmp(leaves->creator, key, sizeof(key)) == 0)
		limit++;
	return creators_count(&w->seg, key, limit) < limit;
}

/*
 * Find or choose the room of a join; returns NONE when there are too many.
 * `leaves` is the room that the session is in, or NULL.
 */
static uint32_t
join_room(struct worker *w, const char *name, size_t len,
    const struct room_shm *leaves, struct record *rec)
{
	uint32_t at = tables_find_room(&w->seg, name, len);
	struct room_shm *room;

	if (at == NONE) {
		at = w->seg.tables->rooms_free;
		if (w->seg.tables->rooms_used >= w->settings->max_rooms ||
		    at >= w->seg.params.nrooms ||
		    !join_is_within_budget(w, rec->d.sender, leaves))
			return NONE;
		rec->d.flags = RECORD_ROOM_NEW;
		rec->d.room_gen = w->seg.rooms[at].gen;
		rec->d.home = (uint8_t)w->in->seat;
	} else {
		room = &w->seg.rooms[at];
		rec->d.room_gen = room->gen;
		rec->d.room_msg = room->messages;
		rec->d.home = room->home[w->in->type];
		if (rec->d.home >= w->in->nseats)
			rec->d.home = (uint8_t)w->in->seat;
	}
	rec->d.room = at;
	return at;
}

/* Where shall a new member of the room live?  Seat + 1, or 0: here. */
static uint32_t
join_placement(struct worker *w, const struct record *rec, uint32_t members)
{
	struct seat_shm *home = segment_seat(&w->seg, rec->d.home);

	if (rec->d.home == w->in->seat || members > SPREAD_AT ||
	    atomic_load_explicit(&home->state, memory_order_relaxed) !=
		SEAT_SERVING ||
	    atomic_load_explicit(&home->type, memory_order_relaxed) !=
		w->in->type)
		return 0;
	return rec->d.home + 1u;
}

static void
join_record(struct worker *w, struct record *rec, uint32_t slot,
    char line[NOTICE_MAX], const char *name, size_t len)
{
	*rec = (struct record){.line = line};
	rec->d.type = RECORD_JOIN;
	rec->d.worker_type = (uint8_t)w->in->type;
	rec->d.sender = slot;
	rec->d.sender_gen = session_row(w, slot)->gen;
	rec->d.time_us = clock_real_us();
	rec->d.len = (uint32_t)notice_join(line, NOTICE_MAX, name, len);
	rec->d.name_off = sizeof("🌟 ") - 1;
	rec->d.name_len = (uint8_t)len;
}

/*
 * Join the room that `half` asked for under the name given.  Returns CHAT_OK,
 * with `half` as committed, or why not, with `half` as it was.
 */
enum chat_error
publish_join(struct worker *w, uint32_t slot, struct session_half *half,
    const char *name, size_t len)
{
	char line[NOTICE_MAX];
	struct record rec;
	struct room_shm *room;
	uint64_t seats;

	join_record(w, &rec, slot, line, name, len);
	rec.extra = half->room_name;
	rec.d.extra = half->room_len;
	lock_acquire(&w->journal.lock);
	if (tables_find_name(&w->seg, name, len) != NONE) {
		lock_release(&w->journal.lock);
		return CHAT_NAME_TAKEN;
	}
	if (join_room(w, half->room_name, half->room_len, NULL, &rec) == NONE) {
		lock_release(&w->journal.lock);
		return CHAT_TOO_MANY_ROOMS;
	}
	room = &w->seg.rooms[rec.d.room];
	half->state = SESSION_JOINED;
	half->room = rec.d.room;
	half->room_gen = rec.d.room_gen;
	half->own = half->since = ring_head(&w->seg);
	half->until = UINT64_MAX;
	half->msg_next = rec.d.room_msg;
	half->said = 0;
	if ((rec.d.flags & RECORD_ROOM_NEW) == 0)
		session_name_room(w, half, rec.d.room);
	if ((rec.d.flags & RECORD_ROOM_NEW) == 0)
		reply_welcome(w, slot, half);
	journal_publish(&w->journal, &rec, 1, slot, half);
	w->locals[slot].move_to = join_placement(w, &rec, room->members);
	seats = atomic_load_explicit(&room->seats, memory_order_relaxed);
	lock_release(&w->journal.lock);
	session_link(w, slot, rec.d.room);
	w->rooms[rec.d.room].next_msg = rec.d.room_msg;
	bell(w, seats);
	return CHAT_OK;
}

static void
leave_record(struct record *rec, uint32_t slot, const struct session_shm *s,
    const struct session_half *half, char line[NOTICE_MAX])
{
	*rec = (struct record){.line = line};
	rec->d.type = RECORD_LEAVE;
	rec->d.sender = slot;
	rec->d.sender_gen = s->gen;
	rec->d.time_us = clock_real_us();
	rec->d.room = half->room;
	rec->d.room_gen = half->room_gen;
	rec->d.len = (uint32_t)notice_leave(line, NOTICE_MAX, s->name,
	    MIN((size_t)s->name_len, (size_t)LIMIT_NAME));
	rec->d.name_off = sizeof("👋 ") - 1;
	rec->d.name_len = s->name_len;
}

/* The lock is held. */
static void
leave_decide(struct record *rec, const struct room_shm *room)
{
	rec->d.room_msg = room->messages;
	if (room->members <= 1)
		rec->d.flags = RECORD_ROOM_ENDS;
}

/*
 * Take the session out of its room.  `half` lags already; what was said before
 * it left is still for it.
 */
void
publish_leave(struct worker *w, uint32_t slot, struct session_half *half)
{
	struct session_shm *s = session_row(w, slot);
	char line[NOTICE_MAX];
	struct record rec;
	struct room_shm *room;
	bool last_here;
	uint64_t seats;

	session_turn(w, half);
	room = &w->seg.rooms[half->room];
	leave_record(&rec, slot, s, half, line);
	last_here = session_unlink(w, slot);
	lock_acquire(&w->journal.lock);
	leave_decide(&rec, room);
	half->until = ring_head(&w->seg);
	half->until_msg = room->messages;
	journal_publish(&w->journal, &rec, 1, slot, half);
	seats = atomic_load_explicit(&room->seats, memory_order_relaxed);
	if (last_here)
		atomic_store_explicit(
		    &room->seats, seats & ~w->bit, memory_order_relaxed);
	lock_release(&w->journal.lock);
	bell(w, seats);
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
	bell(w, seats);
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

/* Take another name.  CHAT_OK, or why not, with nothing changed. */
enum chat_error
publish_rename(struct worker *w, uint32_t slot, struct session_half *half,
    const char *name, size_t len)
{
	char line[PUBLISH_BEFORE + LIMIT_NAME + 1];
	struct record rec = {.d.type = RECORD_RENAME, .d.room = half->room};
	uint32_t holder;

	memcpy(line + PUBLISH_BEFORE, name, len);
	put_before(&rec, session_row(w, slot), "*** ", " is now known as ",
	    line + PUBLISH_BEFORE, len);
	lock_acquire(&w->journal.lock);
	holder = tables_find_name(&w->seg, name, len);
	if (holder != NONE && holder != slot) {
		lock_release(&w->journal.lock);
		return CHAT_NAME_TAKEN;
	}
	publish_one(w, slot, half, &rec);
	return CHAT_OK;
}

/*
 * Leave the room and join another, with one commit.  What was said before in
 * the old one is still read; see session_turn.  CHAT_OK, or why not, with
 * nothing changed.
 */
enum chat_error
publish_move(struct worker *w, uint32_t slot, struct session_half *half,
    const char *name, size_t len)
{
	const struct session_shm *s = session_row(w, slot);
	char lines[2][NOTICE_MAX];
	struct record recs[2], *join = &recs[1];
	struct room_shm *from = &w->seg.rooms[half->room], *to;
	bool last_here;
	uint64_t seats;

	session_lag(w, slot, half);
	leave_record(&recs[0], slot, s, half, lines[0]);
	join_record(w, join, slot, lines[1], s->name, s->name_len);
	join->extra = name;
	join->d.extra = (uint32_t)len;
	lock_acquire(&w->journal.lock);
	if (join_room(w, name, len, from, join) == NONE) {
		lock_release(&w->journal.lock);
		return CHAT_TOO_MANY_ROOMS;
	}
	leave_decide(&recs[0], from);
	to = &w->seg.rooms[join->d.room];
	half->until = ring_head(&w->seg);
	half->until_msg = from->messages;
	half->next_room = join->d.room;
	half->next_gen = join->d.room_gen;
	half->next_msg = join->d.room_msg;
	last_here = session_unlink(w, slot);
	journal_publish(&w->journal, recs, 2, slot, half);
	seats = atomic_load_explicit(&from->seats, memory_order_relaxed);
	if (last_here)
		atomic_store_explicit(
		    &from->seats, seats & ~w->bit, memory_order_relaxed);
	seats |= atomic_load_explicit(&to->seats, memory_order_relaxed);
	w->locals[slot].move_to = join_placement(w, join, to->members);
	lock_release(&w->journal.lock);
	session_link(w, slot, join->d.room);
	w->rooms[join->d.room].next_msg = join->d.room_msg;
	worker_due(w, slot);
	bell(w, seats);
	return CHAT_OK;
}
