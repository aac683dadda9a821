/* SPDX-License-Identifier: MIT */
/*
 * Who is in which room: joining, leaving and moving from one to another, each
 * one commit, with the decisions that only the holder of the lock can make.
 */
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/shm/creators.h"
#include "worker/naming.h"
#include "worker/rooms.h"

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
		if (at >= w->seg.params.nrooms || w->seg.rooms[at].used ||
		    (policy_room(&w->policy, name, len) == NULL &&
			(!rooms_has_place(w) ||
			    !join_is_within_budget(w, rec->d.sender, leaves))))
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
    char line[NOTICE_MAX], const char *name, size_t len, uint8_t rights)
{
	*rec = (struct record){.line = line};
	rec->d.type = RECORD_JOIN;
	rec->d.target = rights;
	rec->d.worker_type = (uint8_t)w->in->type;
	rec->d.sender = slot;
	rec->d.sender_gen = session_row(w, slot)->gen;
	rec->d.time_us = clock_real_us();
	rec->d.len = (uint32_t)notice_join(line, NOTICE_MAX, name, len);
	rec->d.name_off = sizeof("🌟 ") - 1;
	rec->d.name_len = (uint8_t)len;
}

/* The first local member of a room: what is known of it begins here. */
static void
room_begin(struct worker *w, const struct desc_shm *join)
{
	struct local_room *r = &w->rooms[join->room];

	if (r->count == 1)
		r->next_msg = join->room_msg;
}

/*
 * The owner of the name that session `holder` has waits for it in `slot`: the
 * holder is to end.  The lock is held.
 */
static void
displace(struct worker *w, uint32_t slot, uint32_t holder)
{
	const struct session_shm *s = session_row(w, holder);
	const struct session_half half = session_row(w, slot)->half;
	size_t len = MIN((size_t)s->name_len, (size_t)LIMIT_NAME);
	char line[LIMIT_NAME + 1];
	struct record rec = {.line = line};

	memcpy(line, s->name, len);
	line[len] = '\n';
	rec.d.type = RECORD_DISPLACE;
	rec.d.room = NONE;
	rec.d.sender = slot;
	rec.d.sender_gen = session_row(w, slot)->gen;
	rec.d.target = holder;
	rec.d.target_gen = s->gen;
	rec.d.name_len = (uint8_t)len;
	rec.d.text_off = (uint8_t)len;
	rec.d.len = (uint32_t)len + 1;
	rec.d.time_us = clock_real_us();
	journal_publish(&w->journal, &rec, 1, slot, &half);
}

/*
 * Somebody else, `holder`, has the name that the session in `slot` wants, which
 * has its owner's rights to it or not.  The caller holds the lock, which is
 * given back.
 */
enum chat_error
member_name_taken(
    struct worker *w, uint32_t slot, uint32_t holder, uint8_t rights)
{
	bool owner = (rights & RIGHT_REGISTERED) != 0;
	uint64_t seats = 0;

	if (owner && !ended_is(session_row(w, holder)))
		displace(w, slot, holder);
	if (owner) /* again, perhaps: who published it may have died there */
		seats = ended_call(w, holder);
	lock_release(&w->journal.lock);
	if (owner)
		publish_bell(w, seats);
	return owner ? CHAT_SOON : CHAT_NAME_TAKEN;
}

/*
 * Join the room that `half` asked for under the name given, whose owner may do
 * what `rights` says (enum session_right).  Returns CHAT_OK, with `half` as
 * committed, or why not, with `half` as it was.
 */
enum chat_error
member_join(struct worker *w, uint32_t slot, struct session_half *half,
    const char *name, size_t len, uint8_t rights)
{
	char line[NOTICE_MAX];
	struct record recs[2], *rec = &recs[0];
	struct room_act act;
	struct room_shm *room;
	enum chat_error error;
	uint32_t holder;
	uint64_t seats;
	bool is_new, is_configured;

	join_record(w, rec, slot, line, name, len, rights);
	rec->extra = half->room_name;
	rec->d.extra = half->room_len;
	lock_acquire(&w->journal.lock);
	error = naming_free(w, NONE, name, len, rights, &holder);
	if (error == CHAT_NAME_TAKEN)
		return member_name_taken(w, slot, holder, rights);
	if (error != CHAT_OK) {
		lock_release(&w->journal.lock);
		return error;
	}
	if (join_room(w, half->room_name, half->room_len, NULL, rec) == NONE) {
		lock_release(&w->journal.lock);
		damage_suspect(w);
		return CHAT_TOO_MANY_ROOMS;
	}
	if (rooms_is_full(w, rec)) {
		lock_release(&w->journal.lock);
		return CHAT_ROOM_FULL;
	}
	is_new = (rec->d.flags & RECORD_ROOM_NEW) != 0;
	is_configured = is_new && rooms_record(w, rec, half->room_name,
				      half->room_len, &recs[1], &act);
	room = &w->seg.rooms[rec->d.room];
	half->state = SESSION_JOINED;
	half->room = rec->d.room;
	half->room_gen = rec->d.room_gen;
	half->own = ring_head(&w->seg);
	half->reply_at = half->own + 1;
	half->until = UINT64_MAX;
	half->msg_next = rec->d.room_msg;
	half->said = 0;
	if (!is_new)
		session_name_room(w, half, rec->d.room);
	if (!is_new || is_configured)
		reply_welcome(w, slot, half,
		    is_new ? act.topic_len > 0 : room->topic_len > 0);
	journal_publish(&w->journal, recs, is_configured ? 2 : 1, slot, half);
	w->locals[slot].move_to = join_placement(w, rec, room->members);
	seats = atomic_load_explicit(&room->seats, memory_order_relaxed);
	lock_release(&w->journal.lock);
	session_link(w, slot, rec->d.room);
	room_begin(w, &rec->d);
	publish_bell(w, seats);
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
leave_decide(
    const struct worker *w, struct record *rec, const struct room_shm *room)
{
	if (room->members == 0) /* and who leaves it? */
		damage_found(w, "room");
	rec->d.room_msg = room->messages;
	if (room->members <= 1)
		rec->d.flags = RECORD_ROOM_ENDS;
}

/*
 * Take the session out of its room.  `half` lags already; what was said before
 * it left is still for it.
 */
void
member_leave(struct worker *w, uint32_t slot, struct session_half *half)
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
	leave_decide(w, &rec, room);
	half->until = ring_head(&w->seg);
	half->until_msg = room->messages;
	half->reply_at = MIN(half->reply_at, half->until);
	journal_publish(&w->journal, &rec, 1, slot, half);
	seats = atomic_load_explicit(&room->seats, memory_order_relaxed);
	if (last_here)
		atomic_store_explicit(
		    &room->seats, seats & ~w->bit, memory_order_relaxed);
	lock_release(&w->journal.lock);
	publish_bell(w, seats);
}

/*
 * Leave the room and join another, with one commit.  What was said before in
 * the old one is still read; see session_turn.  CHAT_OK, or why not, with
 * nothing changed.
 */
enum chat_error
member_move(struct worker *w, uint32_t slot, struct session_half *half,
    const char *name, size_t len)
{
	const struct session_shm *s = session_row(w, slot);
	char lines[2][NOTICE_MAX];
	struct record recs[3], *join = &recs[1];
	struct room_act act;
	bool is_configured;
	struct room_shm *from = &w->seg.rooms[half->room], *to;
	bool last_here;
	uint64_t seats;

	session_lag(w, slot, half);
	leave_record(&recs[0], slot, s, half, lines[0]);
	join_record(w, join, slot, lines[1], s->name, s->name_len, 0);
	join->extra = name;
	join->d.extra = (uint32_t)len;
	lock_acquire(&w->journal.lock);
	if (join_room(w, name, len, from, join) == NONE) {
		lock_release(&w->journal.lock);
		damage_suspect(w);
		return CHAT_TOO_MANY_ROOMS;
	}
	if (rooms_is_full(w, join)) {
		lock_release(&w->journal.lock);
		return CHAT_ROOM_FULL;
	}
	is_configured = (join->d.flags & RECORD_ROOM_NEW) != 0 &&
			rooms_record(w, join, name, len, &recs[2], &act);
	leave_decide(w, &recs[0], from);
	join->d.target = session_rights(s);
	to = &w->seg.rooms[join->d.room];
	half->until = ring_head(&w->seg);
	half->until_msg = from->messages;
	half->next_room = join->d.room;
	half->next_gen = join->d.room_gen;
	half->next_msg = join->d.room_msg;
	last_here = session_unlink(w, slot);
	journal_publish(&w->journal, recs, is_configured ? 3 : 2, slot, half);
	seats = atomic_load_explicit(&from->seats, memory_order_relaxed);
	if (last_here)
		atomic_store_explicit(
		    &from->seats, seats & ~w->bit, memory_order_relaxed);
	seats |= atomic_load_explicit(&to->seats, memory_order_relaxed);
	w->locals[slot].move_to = join_placement(w, join, to->members);
	lock_release(&w->journal.lock);
	session_link(w, slot, join->d.room);
	room_begin(w, &join->d);
	worker_due(w, slot);
	publish_bell(w, seats);
	return CHAT_OK;
}
