/* SPDX-License-Identifier: MIT */
/* See rooms.h. */
#include "worker/rooms.h"

#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"

#define FOLLOW_MAX 256 /* rooms looked at in one pass */

static uint32_t
flags_of(const struct worker *w, uint32_t room)
{
	if (room >= w->seg.params.nrooms)
		return 0;
	return atomic_load_explicit(
	    &w->seg.rooms[room].flags, memory_order_relaxed);
}

bool
rooms_admit(const struct worker *w, const char *room, size_t room_len,
    const char *name, size_t len, uint8_t rights)
{
	const struct policy_room *r = policy_room(&w->policy, room, room_len);

	if (r == NULL || (r->flags & POLICY_MEMBERS) == 0)
		return true;
	return (rights & RIGHT_REGISTERED) != 0 &&
	       policy_is_member(&w->policy, r, name, len);
}

bool
rooms_is_full(const struct worker *w, const struct record *rec)
{
	const struct room_shm *room = &w->seg.rooms[rec->d.room];

	return (rec->d.flags & RECORD_ROOM_NEW) == 0 &&
	       room->max_members != 0 && room->members >= room->max_members;
}

bool
rooms_has_place(const struct worker *w)
{
	const struct tables_shm *t = w->seg.tables;
	uint32_t kept = policy_rooms(&w->policy);
	uint32_t others =
	    t->rooms_used - MIN(t->rooms_used, t->rooms_configured);

	return t->rooms_used < w->settings->max_rooms &&
	       kept < w->settings->max_rooms &&
	       others < w->settings->max_rooms - kept;
}

/* What the policy says of it: nothing at all, perhaps. */
static void
fill_act(const struct policy_room *p, struct room_act *act)
{
	memset(act, 0, sizeof(*act));
	if (p == NULL)
		return;
	act->flags = p->flags;
	act->max_members = p->max_members;
	act->topic_len = p->topic_len;
	memcpy(act->topic, p->topic, p->topic_len);
}

/* The record is nobody's in particular: the name in it is none. */
static void
fill_record(struct record *rec, uint32_t slot, uint32_t gen, uint32_t room,
    uint32_t room_gen, const struct room_act *act)
{
	*rec = (struct record){
	    .d.type = RECORD_ROOM,
	    .d.room = NONE,
	    .d.sender = slot,
	    .d.sender_gen = gen,
	    .d.target = room,
	    .d.target_gen = room_gen,
	    .d.name_len = 1,
	    .d.len = 2,
	    .d.extra = sizeof(*act),
	    .d.time_us = clock_real_us(),
	    .line = "*\n",
	    .extra = (const char *)act,
	};
}

bool
rooms_record(const struct worker *w, const struct record *join,
    const char *name, size_t len, struct record *rec, struct room_act *act)
{
	const struct policy_room *p = policy_room(&w->policy, name, len);

	if (p == NULL)
		return false;
	fill_act(p, act);
	fill_record(rec, join->d.sender, join->d.sender_gen, join->d.room,
	    join->d.room_gen, act);
	return true;
}

static bool
differs(const struct room_shm *r, const struct room_act *act)
{
	return atomic_load_explicit(&r->flags, memory_order_relaxed) !=
		   act->flags ||
	       r->max_members != act->max_members ||
	       ((act->flags & POLICY_TOPIC) != 0 &&
		   (r->topic_len != act->topic_len ||
		       memcmp(r->topic, act->topic, act->topic_len) != 0));
}

/* Publish what differs, in the name of a member who is here. */
static void
follow(struct worker *w, uint32_t at)
{
	struct room_shm *r = &w->seg.rooms[at];
	uint32_t slot = local_first(&w->rooms[at]);
	struct session_half half = session_row(w, slot)->half;
	struct room_act act;
	struct record rec;

	lock_acquire(&w->journal.lock);
	fill_act(policy_room(&w->policy, r->name,
		     MIN((size_t)r->name_len, (size_t)LIMIT_ROOM)),
	    &act);
	if (r->used && differs(r, &act)) {
		fill_record(
		    &rec, slot, session_row(w, slot)->gen, at, r->gen, &act);
		journal_publish(&w->journal, &rec, 1, slot, &half);
	}
	lock_release(&w->journal.lock);
	FAULT_POINT("rooms.followed");
}

void
rooms_follow(struct worker *w)
{
	uint32_t end = MIN(w->follow_room + FOLLOW_MAX, w->seg.params.nrooms);

	if (!publish_allowed(w))
		return;
	for (; w->follow_room < end; w->follow_room++)
		if (w->rooms[w->follow_room].count > 0)
			follow(w, w->follow_room);
}

bool
rooms_topic_is_fixed(const struct worker *w, uint32_t room)
{
	return (flags_of(w, room) & POLICY_TOPIC) != 0;
}

/* Is it in there, or an operator? */
static bool
is_inside(const struct worker *w, uint32_t reader, uint32_t room)
{
	return w->seg.members[reader].room == room ||
	       (session_rights(session_row(w, reader)) & RIGHT_OPERATOR) != 0;
}

bool
rooms_shows(const struct worker *w, uint32_t reader, uint32_t room)
{
	return (flags_of(w, room) & POLICY_HIDDEN) == 0 ||
	       is_inside(w, reader, room);
}

bool
rooms_tells(const struct worker *w, uint32_t reader, uint32_t room)
{
	return (flags_of(w, room) & (POLICY_PASSWORD | POLICY_MEMBERS)) == 0 ||
	       is_inside(w, reader, room);
}
