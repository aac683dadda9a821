/* SPDX-License-Identifier: MIT */
/*
 * Sessions and rooms, from a segment that nobody trusts into a new one.  See
 * salvage_row.c for what a row's own numbers are worth.
 */
#include "shared/shm/salvage.h"

#include <string.h>

#include "shared/base/fault.h"
#include "shared/chat/name.h"
#include "shared/chat/policy.h"
#include "shared/chat/notice.h"
#include "shared/chat/render.h"
#include "shared/chat/text.h"
#include "shared/shm/bans.h"
#include "shared/shm/creators.h"
#include "shared/shm/journal.h"
#include "shared/shm/salvage_row.h"

#define DRAIN_US 10000000 /* to read the last word */

/* Does the ring count as it should? */
static bool
ring_counts(const struct segment *old)
{
	uint64_t head = ring_head(old);
	uint64_t promised = atomic_load(&old->ring->rsv_desc);

	return head >= old->params.first_seq && head < RING_SEQ_SANE &&
	       promised >= head && promised - head <= old->layout.ndesc;
}

uint64_t
salvage_next_seq(const struct segment *old)
{
	return ring_counts(old) ? atomic_load(&old->ring->rsv_desc) + 1
				: old->params.first_seq + 1;
}

void
salvage_begin(struct salvage *v)
{
	struct segment *old = v->old;

	v->kept = v->lost = 0;
	v->counts = old != NULL && ring_counts(old);
	if (!v->counts)
		return;
	v->head = ring_head(old);
	journal_replay(old);
	for (uint32_t i = 0; i < old->params.nseats; i++) {
		const struct note_step *note = &segment_seat(old, i)->step;

		if (atomic_load(&note->valid) == 1 &&
		    note->slot < old->params.nslots &&
		    (note->after == 0 || v->head >= note->after))
			old->sessions[note->slot].half = note->half;
	}
}

/* The room with that name in the new segment, or else a free one, or NONE. */
static uint32_t
room_for(const struct salvage *v, const struct salvage_room *from, bool *is_new)
{
	uint32_t room = tables_find_room(v->new, from->name, from->len);

	*is_new = room == NONE;
	if (room == NONE)
		room = v->new->tables->rooms_free;
	return room < v->new->params.nrooms ? room : NONE;
}

/* What is known of the room beside its name. */
static void
room_fill(struct salvage *v, uint32_t room, const struct room_shm *from)
{
	struct room_shm *to = &v->new->rooms[room];
	char safe[TEXT_EXPANSION * LIMIT_TOPIC];
	size_t len = from->topic_len;

	for (size_t i = 0; i < HOMES_MAX; i++)
		to->home[i] = from->home[i] < v->new->params.nseats
				  ? from->home[i]
				  : NO_HOME;
	creators_unlink(v->new, room);
	memcpy(to->creator, from->creator, sizeof(to->creator));
	creators_link(v->new, room);
	/* Who has members there says anew what the policy says. */
	v->new->tables->rooms_configured +=
	    (atomic_load_explicit(&from->flags, memory_order_relaxed) &
		POLICY_CONFIGURED) != 0;
	to->max_members = from->max_members;
	atomic_store_explicit(&to->flags,
	    atomic_load_explicit(&from->flags, memory_order_relaxed) &
		POLICY_ALL,
	    memory_order_relaxed);
	if (from->created_us <= v->real_us)
		to->created_us = from->created_us;
	if (from->messages < RING_SEQ_SANE)
		to->messages = from->messages;
	if (len <= LIMIT_TOPIC &&
	    text_sanitise(safe, from->topic, len) == len &&
	    memcmp(safe, from->topic, len) == 0) {
		memcpy(to->topic, from->topic, len);
		to->topic_len = (uint16_t)len;
	}
}

/*
 * Put the session into its room, by a record that is applied but never read.
 * False if that can't be: its name is taken, or there is no place for a room.
 */
static bool
session_join(struct salvage *v, uint32_t slot, const struct salvage_room *from)
{
	const struct session_shm *was = &v->old->sessions[slot];
	struct session_shm *s = &v->new->sessions[slot];
	bool is_new;
	struct desc_shm d = {
	    .type = RECORD_JOIN,
	    .name_len = was->name_len,
	    .worker_type = HOMES_MAX, /* no home is decided */
	    .room = room_for(v, from, &is_new),
	    .sender = slot,
	    .sender_gen = s->gen,
	    .target = atomic_load_explicit(&was->rights, memory_order_relaxed),
	    .len = was->name_len,
	    .extra = (uint32_t)from->len,
	    .time_us = v->real_us,
	};

	if (d.room == NONE ||
	    tables_find_name(v->new, was->name, was->name_len) != NONE)
		return false;
	d.room_gen = v->new->rooms[d.room].gen;
	d.room_msg = v->new->rooms[d.room].messages;
	if (is_new)
		d.flags = RECORD_ROOM_NEW;
	tables_apply(
	    v->new, v->new->params.first_seq, &d, was->name, from->name, true);
	FAULT_POINT("salvage.joined");
	if (is_new && from->row != NULL)
		room_fill(v, d.room, from->row);
	s->half.room = d.room;
	s->half.room_gen = d.room_gen;
	s->half.room_len = (uint8_t)from->len;
	memcpy(s->half.room_name, from->name, from->len);
	s->half.msg_next = v->new->rooms[d.room].messages;
	return true;
}

/* Lay the row out with what doesn't come from the old one. */
static void
session_begin(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	struct session_shm *s = &v->new->sessions[slot];

	atomic_store(&s->owner, c->seat + 1);
	s->id = c->id;
	s->accepted_us = c->accepted_us;
	memcpy(s->addr, c->addr, sizeof(s->addr));
	s->port = c->port;
	s->listener = c->listener;
	s->kind = c->kind;
	s->tls = c->tls;
	atomic_store(&s->in_total, c->read);
	atomic_store(&s->out_total, c->accepted);
	s->half = (struct session_half){
	    .in_done = c->read,
	    .own = v->new->params.first_seq,
	    .until = UINT64_MAX,
	    .room = NONE,
	    .next_room = NONE,
	    .lag = 1,
	    .broken = c->gone,
	    .dialect = c->telnet ? DIALECT_CRLF : DIALECT_TEXT,
	};
	s->kept_at = c->read;
	s->gen = c->gen;
}

/* It can't be kept: its last word, and then it is closed. */
static void
session_lose(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	struct session_shm *s = &v->new->sessions[slot];

	s->half.state = SESSION_LEAVING;
	s->half.reason = CLOSE_INTERNAL;
	s->half.broken |= c->web;
	s->half.reply = (struct reply){
	    .code = CHAT_INTERNAL,
	    .newline = c->accepted > 0 && salvage_is_cut(v, slot, c),
	    .time_us = v->real_us,
	};
	s->deadline_us = v->now_us + DRAIN_US;
	v->lost++;
}

/* One that talks: it goes on where it was, after a word about what it missed.
 */
static bool
session_keep_joined(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	struct session_half *half = &v->new->sessions[slot].half;
	struct salvage_room room;

	if (!salvage_named(v, slot) || !salvage_room(v, slot, &room) ||
	    !session_join(v, slot, &room))
		return false;
	half->state = SESSION_JOINED;
	half->reply = (struct reply){
	    .code = CHAT_LAGGED,
	    .newline = salvage_is_cut(v, slot, c),
	    .arg = salvage_missed(v, slot),
	    .time_us = v->real_us,
	};
	return true;
}

/* One that was asked for its name's password keeps the name: see login.h. */
static bool
session_noted(struct salvage *v, uint32_t slot)
{
	const char *name = v->old->sessions[slot].name;
	size_t len = strnlen(name, LIMIT_NAME);

	memcpy(v->new->sessions[slot].name, name, LIMIT_NAME);
	return name_check(name, len) == NULL;
}

/* One that hasn't joined: it is asked nothing again. */
static bool
session_keep_new(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	const struct session_half *was = &v->old->sessions[slot].half;
	struct session_half *half = &v->new->sessions[slot].half;

	if (was->state == SESSION_NAME_PASSWORD && !session_noted(v, slot))
		return false;
	if (was->state != SESSION_ROOM) {
		if (was->room_len > LIMIT_ROOM ||
		    room_check(was->room_name, was->room_len) != NULL)
			return false;
		half->room_len = was->room_len;
		memcpy(half->room_name, was->room_name, was->room_len);
	}
	half->state = was->state;
	half->let_in = was->let_in;
	half->wrong_lines = was->wrong_lines;
	salvage_reply(v, slot, c, &half->reply);
	return true;
}

/* One that is leaving: it has heard all but its last word. */
static bool
session_keep_leaving(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	const struct session_half *was = &v->old->sessions[slot].half;
	struct session_half *half = &v->new->sessions[slot].half;
	uint64_t missed = salvage_missed(v, slot);

	half->state = SESSION_LEAVING;
	half->reason =
	    was->reason < CLOSE_REASONS ? was->reason : CLOSE_INTERNAL;
	salvage_reply(v, slot, c, &half->reply);
	if (half->reply.skip == 0 && missed > 0)
		half->reply = (struct reply){
		    .code = CHAT_LAGGED,
		    .newline = salvage_is_cut(v, slot, c),
		    .arg = missed,
		    .time_us = v->real_us,
		};
	return true;
}

/* When it is to have logged in, spoken, or read the rest, at the latest. */
static uint64_t
session_deadline(const struct salvage *v, uint32_t slot)
{
	const struct session_shm *s = &v->new->sessions[slot];
	uint64_t most = v->login_us;

	if (s->half.state == SESSION_LEAVING)
		most = DRAIN_US;
	else if (s->half.state == SESSION_JOINED)
		most = v->idle_us;
	if (most == 0)
		return UINT64_MAX;
	return MIN(v->old->sessions[slot].deadline_us, v->now_us + most);
}

static bool
session_keep(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	const struct session_shm *was = &v->old->sessions[slot];
	struct session_shm *s = &v->new->sessions[slot];
	bool kept = false;

	if (was->gen != c->gen || (was->half.broken && !c->gone) ||
	    (c->web && !salvage_is_framed(v, slot, c)))
		return false;
	if (was->half.dialect < DIALECTS)
		s->half.dialect |= was->half.dialect & DIALECT_JSON;
	if (c->web) {
		s->half.upgraded = 1;
		s->half.dialect |= DIALECT_WS;
	}
	s->half.look = was->half.look;
	s->half.columns = was->half.columns;
	switch ((enum session_state)was->half.state) {
	case SESSION_ROOM:
	case SESSION_NAME:
	case SESSION_ROOM_PASSWORD:
	case SESSION_NAME_PASSWORD:
		kept = session_keep_new(v, slot, c);
		break;
	case SESSION_JOINED:
		kept = session_keep_joined(v, slot, c);
		break;
	case SESSION_LEAVING:
		kept = session_keep_leaving(v, slot, c);
		break;
	case SESSION_HTTP:  /* see salvage_is_framed */
		break;
	}
	if (!kept)
		return false;
	salvage_input(v, slot, c);
	memcpy(s->ignored, was->ignored, sizeof(s->ignored));
	s->moved_us = MIN(was->moved_us, v->now_us);
	s->deadline_us = session_deadline(v, slot);
	return true;
}

void
salvage_session(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	/* Neither side has said a word: it begins anew. */
	if (c->read == 0 && c->accepted == 0 &&
	    (v->old == NULL || v->old->sessions[slot].gen != c->gen))
		return;
	session_begin(v, slot, c);
	if (v->old != NULL && session_keep(v, slot, c))
		v->kept++;
	else
		session_lose(v, slot, c);
	FAULT_POINT("salvage.row");
}

unsigned
salvage_end(struct salvage *v)
{
	const struct tables_shm *was;
	struct tables_shm *t = v->new->tables;

	if (v->old != NULL) {
		was = v->old->tables;
		atomic_store(&t->messages, atomic_load(&was->messages));
		atomic_store(&t->repairs, atomic_load(&was->repairs));
		atomic_store(
		    &t->repair_us_last, atomic_load(&was->repair_us_last));
		atomic_store(&t->pool_empty, atomic_load(&was->pool_empty));
		for (uint32_t i = 0; i < LIMIT_BANS; i++)
			bans_set(v->new, i, &v->old->bans[i]);
		bans_count(v->new);
	}
	FAULT_POINT("salvage.filled");
	return tables_verify(v->new, NULL, NULL);
}
