/* SPDX-License-Identifier: MIT */
/*
 * Does the segment hold together?  Each breach becomes a sentence.  Nothing
 * here is trusted: every index is checked before use, every walk is bounded.
 */
#include <stdarg.h>
#include <stdio.h>

#include "shared/chat/limits.h"
#include "shared/shm/creators.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"
#include "shared/shm/tables.h"

#define REPORTS_MAX 100

struct verifier {
	const struct segment *seg;
	void (*report)(void *context, const char *sentence);
	void *context;
	unsigned breaches;
	uint32_t listed; /* sessions found in the rooms' lists so far */
	bool names_lead; /* chains end, so names may be looked up */
	bool rooms_lead;
};

static void breach(struct verifier *v, const char *format, ...)
    PRINTF_LIKE(2, 3);

static void
breach(struct verifier *v, const char *format, ...)
{
	char sentence[200];
	va_list ap;

	if (v->breaches++ >= REPORTS_MAX || v->report == NULL)
		return;
	va_start(ap, format);
	vsnprintf(sentence, sizeof(sentence), format, ap);
	va_end(ap);
	v->report(v->context, sentence);
}

static void
verify_ring(struct verifier *v)
{
	const struct ring_shm *r = v->seg->ring;
	uint64_t head = atomic_load(&r->head);

	if (head < v->seg->params.first_seq)
		breach(v, "ring: head is before the first record");
	if (atomic_load(&r->applied) != head)
		breach(v, "ring: a record is committed but not applied");
	if (atomic_load(&r->rsv_desc) < head)
		breach(v, "ring: head is beyond what was reserved");
	for (uint32_t i = 0; i < v->seg->params.nseats; i++)
		if (atomic_load(&segment_seat(v->seg, i)->cursor) > head)
			breach(v, "seat %u: its cursor is beyond the head", i);
}

/*
 * Walk all chains: each entry belongs where it is, so it is in one chain only,
 * and twice in one only if that never ends.  Returns whether all of them end.
 */
static bool
verify_names(struct verifier *v)
{
	const struct segment *seg = v->seg;
	uint32_t n = 0;

	for (uint32_t b = 0; b < seg->layout.nnames; b++) {
		uint32_t at = seg->names[b];

		for (; at != NONE; at = seg->sessions[at].name_next) {
			const struct session_shm *s = &seg->sessions[at];

			if (at >= seg->params.nslots ||
			    n++ == seg->params.nslots) {
				breach(v, "names: chain %u is broken", b);
				return false;
			}
			if (s->name_len < 1 || s->name_len > LIMIT_NAME ||
			    tables_name_bucket(seg, s->name, s->name_len) != b)
				breach(v, "names: session %u is astray", at);
		}
	}
	return true;
}

static bool
verify_room_names(struct verifier *v)
{
	const struct segment *seg = v->seg;
	uint32_t n = 0;

	for (uint32_t b = 0; b < seg->layout.nroomnames; b++) {
		uint32_t at = seg->roomnames[b];

		for (; at != NONE; at = seg->rooms[at].hash_next) {
			const struct room_shm *r = &seg->rooms[at];

			if (at >= seg->params.nrooms ||
			    n++ == seg->params.nrooms) {
				breach(v, "room names: chain %u is broken", b);
				return false;
			}
			if (!r->used || r->name_len > LIMIT_ROOM ||
			    tables_room_bucket(seg, r->name, r->name_len) != b)
				breach(v, "room names: room %u is astray", at);
		}
	}
	return true;
}

/*
 * The lists of creators: each room is in the right one, at most once since
 * the links back agree, and all are in one if there are as many as in use.
 */
static void
verify_creators(struct verifier *v)
{
	const struct segment *seg = v->seg;
	uint32_t n = 0;

	for (uint32_t b = 0; b < seg->layout.nroomnames; b++) {
		uint32_t at = seg->creators[b], before = NONE;

		for (; at != NONE; at = seg->rooms[at].creator_next) {
			const struct room_shm *r = &seg->rooms[at];

			if (at >= seg->params.nrooms ||
			    n++ == seg->params.nrooms) {
				breach(v, "creators: list %u is broken", b);
				return;
			}
			if (!r->used || creators_bucket(seg, r->creator) != b)
				breach(v, "creators: room %u is astray", at);
			if (r->creator_prev != before)
				breach(v,
				    "creators: broken link before room %u", at);
			before = at;
		}
	}
	if (n != seg->tables->rooms_used)
		breach(v, "creators: rooms are missing from their lists");
}

static void
verify_session(struct verifier *v, uint32_t slot)
{
	const struct segment *seg = v->seg;
	const struct session_shm *s = &seg->sessions[slot];
	const struct member_shm *m = &seg->members[slot];
	uint32_t word = atomic_load(&s->owner);
	uint32_t owner = word & ~OWNER_MOVING;
	bool moving = (word & OWNER_MOVING) != 0;

	if (owner > seg->params.nseats)
		breach(v, "session %u: owner is no seat", slot);
	if (s->name_len > LIMIT_NAME) {
		breach(v, "session %u: name too long", slot);
		return;
	}
	if ((s->name_len > 0) != (m->room != NONE))
		breach(
		    v, "session %u: a name but no room, or the reverse", slot);
	if (m->room == NONE)
		return;
	if (m->room >= seg->params.nrooms) {
		breach(v, "session %u: room out of range", slot);
		return;
	}
	if (owner == 0)
		breach(v, "session %u: closed, but still in a room", slot);
	if (m->gen != s->gen)
		breach(v, "session %u: membership of another generation", slot);
	if (!seg->rooms[m->room].used || seg->rooms[m->room].gen != m->room_gen)
		breach(v, "session %u: its room has ended", slot);
	/* Whoever it moves to sets the bit on adopting it. */
	if (!moving && owner != 0 && owner <= seg->params.nseats &&
	    (atomic_load(&seg->rooms[m->room].seats) &
		(UINT64_C(1) << (owner - 1))) == 0)
		breach(
		    v, "session %u: its room would not wake its worker", slot);
	if (v->names_lead &&
	    tables_find_name(seg, s->name, s->name_len) != slot)
		breach(v, "session %u: its name does not lead to it", slot);
}

/*
 * Walk a room's list; returns how many members it has.  All lists together
 * hold each session once at most.
 */
static uint32_t
verify_room_list(struct verifier *v, uint32_t room)
{
	const struct segment *seg = v->seg;
	uint32_t at = seg->rooms[room].first, before = NONE, n = 0;

	while (at != NONE) {
		if (at >= seg->params.nslots ||
		    v->listed >= seg->params.nslots) {
			breach(v, "room %u: its list is broken", room);
			break;
		}
		if (seg->members[at].room != room)
			breach(v, "room %u: lists session %u of another room",
			    room, at);
		if (seg->members[at].prev != before)
			breach(v, "room %u: broken link before session %u",
			    room, at);
		before = at;
		at = seg->members[at].next;
		v->listed++;
		n++;
	}
	return n;
}

static void
verify_room(struct verifier *v, uint32_t room)
{
	const struct room_shm *r = &v->seg->rooms[room];

	if (!r->used)
		return;
	if (r->name_len < 1 || r->name_len > LIMIT_ROOM)
		breach(v, "room %u: length of the name", room);
	else if (r->topic_len > LIMIT_TOPIC)
		breach(v, "room %u: length of the topic", room);
	else if (v->rooms_lead &&
		 tables_find_room(v->seg, r->name, r->name_len) != room)
		breach(v, "room %u: its name does not lead to it", room);
	if (r->members == 0)
		breach(
		    v, "room %u: nobody is in it, but it has not ended", room);
	if (verify_room_list(v, room) != r->members)
		breach(v, "room %u: count of members", room);
}

static void
verify_counts(struct verifier *v)
{
	const struct segment *seg = v->seg;
	uint32_t rooms = 0, members = 0, names = 0, room_free = 0;
	uint32_t at = seg->tables->rooms_free;

	for (uint32_t i = 0; i < seg->params.nrooms; i++)
		rooms += seg->rooms[i].used != 0;
	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		members += seg->members[i].room != NONE;
		names += seg->sessions[i].name_len > 0;
	}
	for (; at < seg->params.nrooms && room_free <= seg->params.nrooms;
	     room_free++) {
		if (seg->rooms[at].used)
			breach(v, "room %u: in use, but listed as free", at);
		at = seg->rooms[at].hash_next;
	}
	if (rooms != seg->tables->rooms_used)
		breach(v, "tables: count of rooms");
	if (rooms + room_free != seg->params.nrooms)
		breach(v, "tables: free rooms are missing from their list");
	if (members != seg->tables->members)
		breach(v, "tables: count of members");
	if (names != seg->tables->names_used)
		breach(v, "tables: count of names");
}

unsigned
tables_verify(const struct segment *seg,
    void (*report)(void *context, const char *sentence), void *context)
{
	struct verifier v = {.seg = seg, .report = report, .context = context};

	verify_ring(&v);
	v.names_lead = verify_names(&v);
	v.rooms_lead = verify_room_names(&v);
	verify_creators(&v);
	verify_counts(&v);
	for (uint32_t i = 0; i < seg->params.nslots; i++)
		verify_session(&v, i);
	for (uint32_t i = 0; i < seg->params.nrooms; i++)
		verify_room(&v, i);
	return v.breaches;
}
