/* SPDX-License-Identifier: MIT */
/*
 * The shared tables: applying records to them, and making the caches anew.
 * Everything here runs under the lock, so it copies and links and does nothing
 * else, and every walk over links is bounded: what a link says may have been
 * written by a process gone wrong.
 */
#include "shared/shm/tables.h"

#include <string.h>

#include "shared/base/fault.h"
#include "shared/chat/policy.h"
#include "shared/shm/bans.h"
#include "shared/shm/creators.h"
#include "shared/shm/ring.h"

const char *const close_reason_names[CLOSE_REASONS] = {
    [CLOSE_EOF] = "eof",
    [CLOSE_QUIT] = "quit",
    [CLOSE_RESET] = "reset",
    [CLOSE_ERRORS] = "wrong-lines",
    [CLOSE_LOGIN_TIMEOUT] = "login-timeout",
    [CLOSE_SHUTDOWN] = "shutting-down",
    [CLOSE_UNREAD] = "unread",
    [CLOSE_INTERNAL] = "internal",
    [CLOSE_IDLE_TIMEOUT] = "idle-timeout",
    [CLOSE_ANSWERED] = "answered",
    [CLOSE_PROTOCOL] = "protocol",
    [CLOSE_PING_TIMEOUT] = "ping-timeout",
    [CLOSE_TLS_HANDSHAKE] = "tls-handshake",
    [CLOSE_TLS_TIMEOUT] = "tls-timeout",
    [CLOSE_TLS_DIED] = "tls-died",
    [CLOSE_BANNED] = "banned",
    [CLOSE_DISPLACED] = "displaced",
};

/* Links into and out of the caches. */

static void
name_link(struct segment *seg, uint32_t slot)
{
	struct session_shm *s = &seg->sessions[slot];
	uint32_t b = tables_name_bucket(seg, s->name, s->name_len);

	s->name_next = seg->names[b];
	seg->names[b] = slot;
	seg->tables->names_used++;
}

static void
name_unlink(struct segment *seg, uint32_t slot)
{
	struct session_shm *s = &seg->sessions[slot];
	uint32_t limit = seg->params.nslots, b, at;

	if (s->name_len > LIMIT_NAME)
		return;
	b = tables_name_bucket(seg, s->name, s->name_len);
	at = seg->names[b];
	seg->tables->names_used--;
	if (at == slot) {
		seg->names[b] = s->name_next;
		return;
	}
	for (uint32_t n = 0; at < limit && n < limit; n++) {
		if (seg->sessions[at].name_next == slot) {
			seg->sessions[at].name_next = s->name_next;
			return;
		}
		at = seg->sessions[at].name_next;
	}
}

static bool
room_is_configured(const struct room_shm *r)
{
	return (atomic_load_explicit(&r->flags, memory_order_relaxed) &
		   POLICY_CONFIGURED) != 0;
}

static void
room_link(struct segment *seg, uint32_t room)
{
	struct room_shm *r = &seg->rooms[room];
	uint32_t b = tables_room_bucket(seg, r->name, r->name_len);

	r->hash_next = seg->roomnames[b];
	seg->roomnames[b] = room;
	seg->tables->rooms_used++;
	seg->tables->rooms_configured += room_is_configured(r);
}

static void
room_unlink(struct segment *seg, uint32_t room)
{
	struct room_shm *r = &seg->rooms[room];
	uint32_t limit = seg->params.nrooms, b, at;

	if (r->name_len > LIMIT_ROOM)
		return;
	b = tables_room_bucket(seg, r->name, r->name_len);
	at = seg->roomnames[b];
	seg->tables->rooms_used--;
	seg->tables->rooms_configured -= room_is_configured(r);
	if (at == room) {
		seg->roomnames[b] = r->hash_next;
		return;
	}
	for (uint32_t n = 0; at < limit && n < limit; n++) {
		if (seg->rooms[at].hash_next == room) {
			seg->rooms[at].hash_next = r->hash_next;
			return;
		}
		at = seg->rooms[at].hash_next;
	}
}

static void
room_free_push(struct segment *seg, uint32_t room)
{
	seg->rooms[room].hash_next = seg->tables->rooms_free;
	seg->tables->rooms_free = room;
}

/*
 * Take `room` off the free list.  It was the first one there when it was
 * chosen; if who brings it into being has just ended another one, the second.
 */
static void
room_free_take(struct segment *seg, uint32_t room)
{
	uint32_t *link = &seg->tables->rooms_free;

	for (int i = 0; i < 2 && *link < seg->params.nrooms; i++) {
		if (*link == room) {
			*link = seg->rooms[room].hash_next;
			return;
		}
		link = &seg->rooms[*link].hash_next;
	}
}

/* The set with the seat that `slot` belongs to. */
static uint64_t
seat_set(const struct segment *seg, uint32_t slot)
{
	uint32_t owner = atomic_load_explicit(
			     &seg->sessions[slot].owner, memory_order_relaxed) &
			 ~OWNER_MOVING;

	return owner >= 1 && owner <= seg->params.nseats
		   ? UINT64_C(1) << (owner - 1)
		   : 0;
}

static void
member_link(struct segment *seg, uint32_t slot)
{
	struct member_shm *m = &seg->members[slot];
	struct room_shm *r = &seg->rooms[m->room];

	m->prev = NONE;
	m->next = r->first;
	if (r->first < seg->params.nslots)
		seg->members[r->first].prev = slot;
	r->first = slot;
	r->members++;
	seg->tables->members++;
	atomic_store_explicit(&r->seats,
	    atomic_load_explicit(&r->seats, memory_order_relaxed) |
		seat_set(seg, slot),
	    memory_order_relaxed);
}

static void
member_unlink(struct segment *seg, uint32_t slot)
{
	struct member_shm *m = &seg->members[slot];
	struct room_shm *r = &seg->rooms[m->room];

	if (m->prev < seg->params.nslots)
		seg->members[m->prev].next = m->next;
	else
		r->first = m->next;
	if (m->next < seg->params.nslots)
		seg->members[m->next].prev = m->prev;
	r->members--;
	seg->tables->members--;
}

static void
room_clear_caches(struct room_shm *r)
{
	r->members = 0;
	r->first = NONE;
	r->hash_next = NONE;
	r->creator_next = r->creator_prev = NONE;
	atomic_store_explicit(&r->seats, 0, memory_order_relaxed);
}

void
tables_format(struct segment *seg)
{
	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		seg->members[i].room = NONE;
		seg->sessions[i].half.room = NONE;
		seg->sessions[i].half.next_room = NONE;
	}
	tables_rebuild(seg);
}

void
tables_rebuild(struct segment *seg)
{
	const struct segment_params *p = &seg->params;

	for (uint32_t i = 0; i < seg->layout.nnames; i++)
		seg->names[i] = NONE;
	for (uint32_t i = 0; i < seg->layout.nroomnames; i++)
		seg->roomnames[i] = NONE;
	creators_clear(seg);
	bans_count(seg);
	seg->tables->rooms_used = seg->tables->names_used = 0;
	seg->tables->rooms_configured = 0;
	seg->tables->members = 0;
	seg->tables->rooms_free = NONE;
	for (uint32_t i = p->nrooms; i-- > 0;) {
		room_clear_caches(&seg->rooms[i]);
		if (seg->rooms[i].used &&
		    seg->rooms[i].name_len <= LIMIT_ROOM) {
			room_link(seg, i);
			creators_link(seg, i);
		} else {
			room_free_push(seg, i);
		}
	}
	for (uint32_t i = 0; i < p->nslots; i++) {
		struct member_shm *m = &seg->members[i];

		if (m->room >= p->nrooms)
			continue;
		if (seg->sessions[i].name_len > 0 &&
		    seg->sessions[i].name_len <= LIMIT_NAME)
			name_link(seg, i);
		member_link(seg, i);
	}
}

/* Bytes behind the line of such a record, at most. */
static size_t
extra_max(unsigned type)
{
	if (record_is_act(type))
		return sizeof(struct act_shm);
	return type == RECORD_ROOM ? sizeof(struct room_act) : LIMIT_ROOM;
}

/* Are the numbers in the record such that it can be applied at all? */
static bool
record_makes_sense(const struct segment *seg, const struct desc_shm *d)
{
	if (d->room >= seg->params.nrooms && !record_needs_no_room(d->type))
		return false;
	return d->sender < seg->params.nslots && d->name_len >= 1 &&
	       d->name_len <= LIMIT_NAME &&
	       (uint32_t)d->name_off + d->name_len <= d->len &&
	       d->extra <= extra_max(d->type);
}

/*
 * Whose the new room is: a session's address is the same as long as its
 * generation is, and until this record is applied for the last time both are,
 * since only its worker, who publishes this, can end the session.  A record
 * of another generation is nonsense: its room is nobody's.
 */
static void
apply_creator(const struct segment *seg, const struct desc_shm *d)
{
	const struct session_shm *s = &seg->sessions[d->sender];
	struct room_shm *r = &seg->rooms[d->room];

	if (s->gen == d->sender_gen)
		address_budget_key(r->creator, s->addr);
	else
		memset(r->creator, 0, sizeof(r->creator));
}

static void
apply_room_new(struct segment *seg, const struct desc_shm *d, const char *extra,
    bool caches)
{
	struct room_shm *r = &seg->rooms[d->room];

	if (caches)
		room_free_take(seg, d->room);
	r->gen = d->room_gen;
	r->name_len = (uint8_t)d->extra;
	memcpy(r->name, extra, d->extra);
	memset(r->home, NO_HOME, sizeof(r->home));
	r->created_us = d->time_us;
	r->topic_len = 0;
	r->max_members = 0;
	atomic_store_explicit(&r->flags, 0, memory_order_relaxed);
	apply_creator(seg, d);
	r->used = 1;
	if (caches) {
		room_clear_caches(r);
		room_link(seg, d->room);
		creators_link(seg, d->room);
	}
}

/* A join and a new name say which rights one has from there on. */
static void
apply_rights(struct session_shm *s, uint32_t rights)
{
	atomic_store_explicit(&s->rights,
	    (uint8_t)(rights &
		      (RIGHT_REGISTERED | RIGHT_OPERATOR | RIGHT_MUTED)),
	    memory_order_relaxed);
}

static void
apply_join(struct segment *seg, const struct desc_shm *d, const char *line,
    const char *extra, bool caches)
{
	struct room_shm *r = &seg->rooms[d->room];
	struct session_shm *s = &seg->sessions[d->sender];
	struct member_shm *m = &seg->members[d->sender];

	if ((d->flags & RECORD_ROOM_NEW) != 0)
		apply_room_new(seg, d, extra, caches);
	FAULT_POINT("journal.apply.room");
	r->messages = d->room_msg;
	if (d->worker_type < HOMES_MAX)
		r->home[d->worker_type] = d->home;
	if (s->gen != d->sender_gen)
		return;
	memcpy(s->name, line + d->name_off, d->name_len);
	s->name_len = d->name_len;
	apply_rights(s, d->target);
	m->room_gen = d->room_gen;
	m->gen = d->sender_gen;
	m->room = d->room;
	if (caches) {
		name_link(seg, d->sender);
		member_link(seg, d->sender);
	}
}

static void
apply_leave(struct segment *seg, const struct desc_shm *d, bool caches)
{
	struct room_shm *r = &seg->rooms[d->room];
	struct session_shm *s = &seg->sessions[d->sender];
	struct member_shm *m = &seg->members[d->sender];

	if (s->gen == d->sender_gen) {
		if (caches && m->room < seg->params.nrooms) {
			name_unlink(seg, d->sender);
			member_unlink(seg, d->sender);
		}
		m->room = NONE;
		s->name_len = 0;
	}
	FAULT_POINT("journal.apply.left");
	if ((d->flags & RECORD_ROOM_ENDS) == 0)
		return;
	if (caches) {
		room_unlink(seg, d->room);
		creators_unlink(seg, d->room);
	}
	r->used = 0;
	r->gen = d->room_gen + 1;
	if (caches) {
		room_clear_caches(r);
		room_free_push(seg, d->room);
	}
}

static void
apply_message(struct segment *seg, const struct desc_shm *d, bool caches)
{
	_Atomic uint64_t *ever = &seg->tables->messages;

	if (seg->rooms[d->room].gen == d->room_gen)
		seg->rooms[d->room].messages = d->room_msg + 1;
	if (caches)
		atomic_store_explicit(ever,
		    atomic_load_explicit(ever, memory_order_relaxed) + 1,
		    memory_order_relaxed);
}

/* Length of a record's text, its LF not counted; at most `most`. */
static size_t
text_len(const struct desc_shm *d, size_t most)
{
	return d->text_off < d->len
		   ? MIN(d->len - d->text_off - (size_t)1, most)
		   : 0;
}

static void
apply_rename(struct segment *seg, const struct desc_shm *d, const char *line,
    bool caches)
{
	struct session_shm *s = &seg->sessions[d->sender];
	size_t len = text_len(d, LIMIT_NAME);

	if (s->gen != d->sender_gen || s->name_len == 0 || len == 0)
		return;
	if (caches)
		name_unlink(seg, d->sender);
	memcpy(s->name, line + d->text_off, len);
	s->name_len = (uint8_t)len;
	apply_rights(s, d->target);
	FAULT_POINT("journal.apply.renamed");
	if (caches)
		name_link(seg, d->sender);
}

static void
apply_topic(struct segment *seg, const struct desc_shm *d, const char *line)
{
	struct room_shm *r = &seg->rooms[d->room];
	size_t len = text_len(d, LIMIT_TOPIC);

	if (r->gen != d->room_gen)
		return;
	memcpy(r->topic, line + d->text_off, len);
	r->topic_len = (uint16_t)len;
}

/* What the configuration says of a room; its topic stays if it has none. */
static void
apply_room(struct segment *seg, const struct desc_shm *d, const char *extra,
    bool caches)
{
	struct room_act act;
	struct room_shm *r;

	if (d->extra != sizeof(act) || d->target >= seg->params.nrooms)
		return;
	memcpy(&act, extra, sizeof(act));
	r = &seg->rooms[d->target];
	if (!r->used || r->gen != d->target_gen || act.topic_len > LIMIT_TOPIC)
		return;
	if (caches)
		seg->tables->rooms_configured -= room_is_configured(r);
	r->max_members = act.max_members;
	if ((act.flags & POLICY_TOPIC) != 0) {
		memcpy(r->topic, act.topic, act.topic_len);
		r->topic_len = act.topic_len;
	}
	FAULT_POINT("journal.apply.settings");
	atomic_store_explicit(&r->flags, act.flags, memory_order_relaxed);
	if (caches)
		seg->tables->rooms_configured += room_is_configured(r);
}

/* The session that the record is about, if it is still there. */
static struct session_shm *
target_of(const struct segment *seg, const struct desc_shm *d)
{
	if (d->target >= seg->params.nslots ||
	    seg->sessions[d->target].gen != d->target_gen)
		return NULL;
	return &seg->sessions[d->target];
}

/* The session's worker is to end it. */
static void
apply_end(struct session_shm *s, uint64_t n, enum close_reason reason)
{
	if (s == NULL || s->name_len == 0 ||
	    atomic_load_explicit(&s->end, memory_order_relaxed) != 0)
		return; /* it has gone, or is about to */
	s->end_reason = (uint8_t)reason;
	/* Pairs with the acquire load in ended.c. */
	atomic_store_explicit(&s->end, n, memory_order_release);
}

static void
apply_right(
    const struct segment *seg, const struct desc_shm *d, uint8_t right, bool on)
{
	struct session_shm *s = target_of(seg, d);
	uint8_t rights;

	if (s == NULL)
		return;
	rights = atomic_load_explicit(&s->rights, memory_order_relaxed);
	atomic_store_explicit(&s->rights,
	    (uint8_t)(on ? rights | right : rights & ~right),
	    memory_order_relaxed);
}

/* All who are here from banned addresses, but the operator. */
static void
apply_ban_address(const struct segment *seg, uint64_t n,
    const struct desc_shm *d, const struct cidr *cidr)
{
	for (uint32_t i = 0; i < seg->params.nslots; i++)
		if (i != d->sender && cidr_holds(cidr, seg->sessions[i].addr))
			apply_end(&seg->sessions[i], n, CLOSE_BANNED);
}

/* What an operator does. */
static void
apply_act(struct segment *seg, uint64_t n, const struct desc_shm *d,
    const char *extra)
{
	struct act_shm act;

	if (d->extra != sizeof(act))
		return;
	memcpy(&act, extra, sizeof(act));
	bans_set(seg, act.row, &act.ban);
	FAULT_POINT("journal.apply.act");
	switch ((enum record_type)d->type) {
	case RECORD_KICK:
	case RECORD_BAN:
		if (d->type == RECORD_BAN && act.ban.kind == BAN_ADDRESS)
			apply_ban_address(seg, n, d, &act.ban.cidr);
		else
			apply_end(target_of(seg, d), n, CLOSE_BANNED);
		break;
	case RECORD_MUTE:
		apply_right(seg, d, RIGHT_MUTED, true);
		break;
	case RECORD_UNMUTE:
		apply_right(seg, d, RIGHT_MUTED, false);
		break;
	case RECORD_OP:
		apply_right(seg, d, RIGHT_OPERATOR, true);
		break;
	case RECORD_DEOP:
		apply_right(seg, d, RIGHT_OPERATOR, false);
		break;
	default:
		break;
	}
}

void
tables_apply(struct segment *seg, uint64_t n, const struct desc_shm *d,
    const char *line, const char *extra, bool caches)
{
	if (!record_makes_sense(seg, d))
		return;
	switch ((enum record_type)d->type) {
	case RECORD_NONE:
		break;
	case RECORD_MESSAGE:
	case RECORD_ACTION:
		apply_message(seg, d, caches);
		break;
	case RECORD_JOIN:
		apply_join(seg, d, line, extra, caches);
		break;
	case RECORD_LEAVE:
		apply_leave(seg, d, caches);
		break;
	case RECORD_RENAME:
		apply_rename(seg, d, line, caches);
		break;
	case RECORD_TOPIC:
		apply_topic(seg, d, line);
		break;
	case RECORD_KICK:
	case RECORD_BAN:
	case RECORD_UNBAN:
	case RECORD_MUTE:
	case RECORD_UNMUTE:
	case RECORD_OP:
	case RECORD_DEOP:
		apply_act(seg, n, d, extra);
		break;
	case RECORD_DISPLACE:
		apply_end(target_of(seg, d), n, CLOSE_DISPLACED);
		break;
	case RECORD_ROOM:
		apply_room(seg, d, extra, caches);
		break;
	case RECORD_PRIVATE:
	case RECORD_TYPES:
		break;
	}
}
