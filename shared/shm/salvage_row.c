/* SPDX-License-Identifier: MIT */
/* See salvage_row.h. */
#include "shared/shm/salvage_row.h"

#include <string.h>

#include "shared/chat/name.h"
#include "shared/chat/notice.h"
#include "shared/shm/pool.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"

#define SCAN_MAX 16384               /* records looked at for one session */
#define QUEUE_MAX (16 * 1024 * 1024) /* bytes, in a socket's queue */

static const struct session_shm *
row_of(const struct salvage *v, uint32_t slot)
{
	return &v->old->sessions[slot];
}

bool
salvage_named(const struct salvage *v, uint32_t slot)
{
	const struct session_shm *s = row_of(v, slot);

	return s->name_len <= LIMIT_NAME &&
	       name_check(s->name, s->name_len) == NULL;
}

/* The room's row, if it is in use, of that generation and has a name. */
static const struct room_shm *
room_at(const struct salvage *v, uint32_t room, uint32_t gen)
{
	const struct room_shm *r;

	if (room >= v->old->params.nrooms)
		return NULL;
	r = &v->old->rooms[room];
	return r->used == 1 && r->gen == gen && r->name_len <= LIMIT_ROOM &&
		       room_check(r->name, r->name_len) == NULL
		   ? r
		   : NULL;
}

bool
salvage_room(const struct salvage *v, uint32_t slot, struct salvage_room *room)
{
	const struct session_half *h = &row_of(v, slot)->half;
	const struct member_shm *m = &v->old->members[slot];
	const struct room_shm *r = NULL;

	if (m->gen == row_of(v, slot)->gen)
		r = room_at(v, m->room, m->room_gen);
	if (r != NULL) {
		*room = (struct salvage_room){r->name, r->name_len, r};
		return true;
	}
	if (h->next_room != NONE || h->room_len > LIMIT_ROOM ||
	    room_check(h->room_name, h->room_len) != NULL)
		return false;
	*room = (struct salvage_room){h->room_name, h->room_len, NULL};
	return true;
}

bool
salvage_is_cut(
    const struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	const struct session_shm *s;

	if (v->old == NULL || row_of(v, slot)->gen != c->gen)
		return true;
	s = row_of(v, slot);
	return s->half.cut_buf != 0 || s->half.cut_skip != 0 ||
	       s->half.reply.skip != 0 || s->half.reply.newline != 0 ||
	       atomic_load(&s->out_total) != c->accepted;
}

/* Messages of others in its room from record `n` on. */
static uint64_t
missed_in_ring(const struct salvage *v, uint32_t slot, uint64_t n)
{
	const struct session_shm *s = row_of(v, slot);
	uint64_t count = 0, end = MIN(v->head, n + SCAN_MAX);
	struct desc_shm d;

	for (; n < end; n++) {
		if (ring_peek_room(v->old, n) != s->half.room)
			continue;
		ring_load(v->old, n, &d);
		count += record_is_talk(d.type) &&
			 d.room_gen == s->half.room_gen &&
			 (d.sender != slot || d.sender_gen != s->gen);
	}
	return count;
}

/* Numbers [from, to) of messages, less its own. */
static uint64_t
missed_by_number(uint64_t from, uint64_t to, uint64_t own)
{
	return to > from && to - from > own ? to - from - own : 0;
}

/* Where the session stands that reads with its worker. */
static uint64_t
cursor_of(const struct salvage *v, const struct session_shm *s)
{
	uint32_t seat = (atomic_load(&s->owner) & ~OWNER_MOVING) - 1;
	uint64_t cursor = v->head;

	if (seat < v->old->params.nseats)
		cursor = atomic_load(&segment_seat(v->old, seat)->cursor);
	return MAX(cursor, s->half.own);
}

uint64_t
salvage_missed(const struct salvage *v, uint32_t slot)
{
	const struct session_shm *s = row_of(v, slot);
	const struct session_half *h = &s->half;
	const struct room_shm *now = room_at(v, h->room, h->room_gen);
	const struct room_shm *next = room_at(v, h->next_room, h->next_gen);
	uint64_t missed = 0;

	if (!v->counts || h->room >= v->old->params.nrooms)
		return 0;
	if (!h->lag)
		missed = missed_in_ring(v, slot, cursor_of(v, s));
	else if (h->until != UINT64_MAX)
		missed = missed_by_number(h->msg_next, h->until_msg, h->said);
	else if (now != NULL)
		missed = missed_by_number(h->msg_next, now->messages, h->said);
	if (next != NULL)
		missed += missed_by_number(h->next_msg, next->messages, 0);
	if (h->reply.code == CHAT_LAGGED && h->reply.skip == 0)
		missed += h->reply.arg;
	/* More than there were records is nonsense. */
	return missed <= v->head - v->old->params.first_seq ? missed : 0;
}

/*
 * How much of its line was taken by the kernel, if that was being sent.
 * Returns whether that is known.
 */
static bool
reply_sent(const struct salvage *v, uint32_t slot,
    const struct salvage_connection *c, struct reply *reply)
{
	for (uint32_t i = 0; i < v->old->params.nseats; i++) {
		const struct note_tx *tx = &segment_seat(v->old, i)->tx;
		uint64_t sent = c->accepted - tx->out_total;

		if (atomic_load(&tx->valid) != 1 || tx->slot != slot ||
		    tx->kind != TX_REPLY || sent > tx->len)
			continue;
		reply->skip = tx->skip + (uint32_t)sent;
		if (sent == tx->len)
			*reply = (struct reply){0};
		return true;
	}
	return atomic_load(&row_of(v, slot)->out_total) == c->accepted;
}

void
salvage_reply(const struct salvage *v, uint32_t slot,
    const struct salvage_connection *c, struct reply *reply)
{
	const struct reply *was = &row_of(v, slot)->half.reply;
	bool is_line = was->code < REPLY_LONG &&
		       (was->code < CHAT_ERRORS || was->code >= REPLY_FIRST);

	*reply = (struct reply){0};
	if (was->code == CHAT_OK || !is_line || was->skip > NOTICE_HELP_MAX ||
	    was->newline > 1)
		return;
	*reply = (struct reply){
	    .code = was->code,
	    .newline = was->newline,
	    .skip = was->skip,
	    .arg = was->arg,
	    .time_us = was->time_us,
	};
	if (!reply_sent(v, slot, c, reply))
		*reply = (struct reply){0};
}

/* Bytes of input, and where they are. */
struct input {
	const char *text;
	uint64_t from; /* in the stream */
	uint64_t cut;  /* see session_shm.in_cut */
	size_t len;
};

/* A worker was about to consume it: its read buffer has it. */
static bool
input_noted(const struct salvage *v, uint32_t slot,
    const struct salvage_connection *c, struct input *in)
{
	const struct segment_layout *l = &v->old->layout;
	uint64_t done = row_of(v, slot)->half.in_done, held;

	for (uint32_t i = 0; i < v->old->params.nseats; i++) {
		const struct note_in *note = &segment_seat(v->old, i)->in;

		if (atomic_load(&note->valid) != 1 || note->slot != slot)
			continue;
		/* These bytes would have to be decoded again. */
		if (c->telnet || c->web || note->raw > c->read ||
		    row_of(v, slot)->in_cut != 0 ||
		    note->kept > l->input_stride ||
		    c->read - note->raw > l->input_stride - note->kept)
			return false;
		held = note->kept + (c->read - note->raw);
		if (done < note->base || done - note->base > held ||
		    note->base + held != c->read)
			return false;
		in->text = segment_input(v->old, i) + (done - note->base);
		in->len = (size_t)(held - (done - note->base));
		in->from = done;
		in->cut = 0;
		return true;
	}
	return false;
}

/* Where the row keeps input, and how much there is room for. */
static char *
kept_of(struct session_shm *s, const struct salvage_connection *c, size_t *size)
{
	*size = c->telnet ? sizeof(s->telnet_kept)
		: c->web  ? sizeof(s->ws_kept)
			  : sizeof(s->kept);
	return c->telnet ? s->telnet_kept : c->web ? s->ws_kept : s->kept;
}

/* It is kept in its row, or in a buffer of the pool. */
static bool
input_kept(const struct salvage *v, uint32_t slot,
    const struct salvage_connection *c, struct input *in)
{
	struct session_shm *s = &v->old->sessions[slot];
	uint64_t total = atomic_load(&s->in_total), from = s->half.in_done, gap;
	bool decoded = c->telnet || c->web;
	size_t size;

	in->text = kept_of(s, c, &size);
	if (total != c->read || s->in_cut > total ||
	    (s->in_cut != 0 && !decoded) || from > total - s->in_cut)
		return false;
	in->from = from;
	in->cut = s->in_cut;
	in->len = (size_t)(total - s->in_cut - from);
	if (in->len == 0)
		return true;
	if (s->in_buf != 0) {
		if (!pool_owns(v->old, s->in_buf, slot + 1))
			return false;
		in->text = segment_buffer(v->old, s->in_buf - 1);
		size = pool_size(v->old, s->in_buf);
	}
	gap = from - s->kept_at;
	if (from < s->kept_at || gap > size || in->len > size - gap)
		return false;
	in->text += gap;
	return true;
}

/* Keep it in the new row, or in a buffer of the new pool. */
static bool
input_put(struct salvage *v, uint32_t slot, const struct salvage_connection *c,
    const struct input *in)
{
	struct session_shm *s = &v->new->sessions[slot];
	uint32_t hint = 0;
	size_t size;
	char *to = kept_of(s, c, &size);

	if (in->len > v->new->layout.buffer_stride)
		return false;
	if (in->len > size) {
		s->in_buf = pool_claim(v->new, slot + 1, &hint);
		if (s->in_buf == 0)
			return false;
		to = segment_buffer(v->new, s->in_buf - 1);
		atomic_store(
		    &v->new->bufctl[s->in_buf - 1].since_us, v->now_us);
	}
	memcpy(to, in->text, in->len);
	s->half.in_done = s->kept_at = in->from;
	s->in_cut = in->cut;
	return true;
}

void
salvage_input(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	const struct session_half *was = &row_of(v, slot)->half;
	struct session_shm *s = &v->new->sessions[slot];
	struct input in;
	bool noted = input_noted(v, slot, c, &in);

	if ((noted || input_kept(v, slot, c, &in)) &&
	    input_put(v, slot, c, &in)) {
		s->half.skip_line = was->skip_line != 0;
		if (was->until == UINT64_MAX && was->next_room == NONE &&
		    was->skip_to > in.from &&
		    was->skip_to - in.from <= QUEUE_MAX)
			s->half.skip_to = was->skip_to;
		if (c->telnet)
			s->telnet = row_of(v, slot)->telnet;
	} else {
		s->half.skip_line = c->read > 0;
	}
	if (c->web) {
		s->ws = row_of(v, slot)->ws;
		/* What of control frames is kept lies behind the line. */
		s->ws.pong_len = s->ws.pong_off = s->ws.payload_len = 0;
		/* A ping that waited to be sent is gone. */
		s->ws.pinged = 0;
		s->ws.heard_s = (uint32_t)(v->now_us / 1000000);
	}
}

bool
salvage_is_framed(
    const struct salvage *v, uint32_t slot, const struct salvage_connection *c)
{
	const struct session_shm *s = row_of(v, slot);
	const unsigned reply = s->half.reply.code;
	struct input in;

	return s->half.upgraded && !s->half.farewell && reply != REPLY_HTTP &&
	       reply != REPLY_CLOSE && s->half.state != SESSION_HTTP &&
	       s->half.state != SESSION_LEAVING && s->ws.closing == 0 &&
	       s->ws.pong_off == 0 && s->ws.payload_len == 0 &&
	       !salvage_is_cut(v, slot, c) && input_kept(v, slot, c, &in);
}
