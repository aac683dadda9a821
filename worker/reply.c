/* SPDX-License-Identifier: MIT */
/*
 * Replies: what is said to one client and lies in no ring.
 *
 * A line is a pure function of its code and argument; if it is cut, it is
 * rendered again and the rest is sent.  A long reply is a generator, a kind and
 * a position in the session's row: it is rendered piece by piece from tables
 * that change meanwhile, so a piece that is cut is saved and never rendered
 * again.  A room that ends, ends a reply about it.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "worker/worker.h"

#define PIECE_MAX 2048 /* bytes */
#define ROWS_MAX 2048  /* rows of a table looked at under one lock */
#define SCAN_MAX 65536 /* records looked at for one piece */
#define LINE_NAMES 400 /* bytes of names in one line of /who */

/* A piece being rendered. */
struct piece {
	char *text;
	size_t len;
	uint64_t next; /* position of the piece behind it, or REPLY_DONE */
};

static void add(struct piece *p, const char *format, ...) PRINTF_LIKE(2, 3);

static void
add(struct piece *p, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(p->text + p->len, PIECE_MAX - p->len, format, ap);
	va_end(ap);
	if (n > 0)
		p->len += MIN((size_t)n, PIECE_MAX - 1 - p->len);
}

/* Lengths from the segment, bounded as of a process gone wrong. */
static int
name_len(const struct session_shm *s)
{
	return MIN((int)s->name_len, LIMIT_NAME);
}

static int
room_len(const struct room_shm *r)
{
	return MIN((int)r->name_len, LIMIT_ROOM);
}

/* The room of the reply, if it is still the same one.  The lock is held. */
static const struct room_shm *
room_of(const struct worker *w, const struct reply *r)
{
	const struct room_shm *room;

	if (r->room >= w->seg.params.nrooms)
		return NULL;
	room = &w->seg.rooms[r->room];
	return room->used && room->gen == r->room_gen ? room : NULL;
}

static void
render_whoami(
    struct worker *w, uint32_t slot, const struct reply *r, struct piece *p)
{
	const struct session_shm *s = session_row(w, slot);
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct room_shm *room = room_of(w, r);
	char address[INET6_ADDRSTRLEN] = "?";

	if (memcmp(s->addr, mapped, sizeof(mapped)) == 0)
		inet_ntop(AF_INET, s->addr + 12, address, sizeof(address));
	else
		inet_ntop(AF_INET6, s->addr, address, sizeof(address));
	if (room != NULL)
		add(p, "*** you are %.*s in %.*s, from %s\n", name_len(s),
		    s->name, room_len(room), room->name, address);
}

static void
render_topic(struct worker *w, const struct reply *r, struct piece *p)
{
	const struct room_shm *room = room_of(w, r);

	if (room == NULL)
		return;
	if (room->topic_len == 0)
		add(p, "*** %.*s has no topic\n", room_len(room), room->name);
	else
		add(p, "*** topic of %.*s: %.*s\n", room_len(room), room->name,
		    MIN((int)room->topic_len, LIMIT_TOPIC), room->topic);
}

/* Members of a room in the order of their slots, a line of names at a time. */
static void
render_who(struct worker *w, const struct reply *r, struct piece *p)
{
	const struct room_shm *room = room_of(w, r);
	uint64_t end = MIN((uint64_t)w->seg.params.nslots, r->arg + ROWS_MAX);
	size_t line;
	uint64_t at;

	if (room == NULL)
		return;
	if (r->arg == 0)
		add(p, "*** %u in %.*s\n", room->members, room_len(room),
		    room->name);
	line = p->len;
	for (at = r->arg; at < end && p->len - line < LINE_NAMES; at++) {
		const struct session_shm *s = &w->seg.sessions[at];

		if (w->seg.members[at].room == r->room && s->name_len > 0)
			add(p, "%s%.*s", p->len == line ? "*** " : " ",
			    name_len(s), s->name);
	}
	if (p->len > line)
		add(p, "\n");
	if (at < w->seg.params.nslots)
		p->next = at;
}

static void
render_rooms(struct worker *w, const struct reply *r, struct piece *p)
{
	uint64_t end = MIN((uint64_t)w->seg.params.nrooms, r->arg + ROWS_MAX);
	uint64_t at;

	if (r->arg == 0)
		add(p, "*** %u room%s\n", w->seg.tables->rooms_used,
		    w->seg.tables->rooms_used == 1 ? "" : "s");
	for (at = r->arg; at < end && p->len < PIECE_MAX - 512; at++) {
		const struct room_shm *room = &w->seg.rooms[at];

		if (!room->used)
			continue;
		add(p, "*** %.*s: %u", room_len(room), room->name,
		    room->members);
		if (room->topic_len > 0)
			add(p, ", %.*s", MIN((int)room->topic_len, LIMIT_TOPIC),
			    room->topic);
		add(p, "\n");
	}
	if (at < w->seg.params.nrooms)
		p->next = at;
}

/* Where the last `n` messages of the reply's room before `end` begin. */
static uint64_t
last_messages(const struct worker *w, const struct reply *r, uint32_t n)
{
	uint64_t oldest = ring_oldest(&w->seg), at = r->end, first = r->end;
	struct desc_shm d;

	while (n > 0 && at-- > oldest) {
		if (ring_peek_room(&w->seg, at) != r->room ||
		    ring_read(&w->seg, at, &d) != RING_OK ||
		    d.room_gen != r->room_gen || !record_is_talk(d.type))
			continue;
		first = at;
		n--;
	}
	return first;
}

/* One message as history shows it: its time, then its line. */
static bool
add_past(struct worker *w, struct piece *p, const struct desc_shm *d)
{
	char stamp[CLOCK_STAMP_SIZE];
	size_t before = p->len;

	clock_stamp(stamp, d->time_us);
	add(p, "*** %s ", stamp);
	if (ring_copy(&w->seg, d, 0, p->text + p->len, d->len) == RING_OK) {
		p->len += d->len;
		return true;
	}
	p->len = before;
	return false;
}

/* What is still in the ring of the messages in [arg, end), a piece of it. */
static void
render_history(struct worker *w, const struct reply *r, struct piece *p)
{
	uint64_t n = MAX(r->arg, ring_oldest(&w->seg));
	uint64_t stop = MIN(r->end, n + SCAN_MAX);
	size_t most = w->seg.layout.buffer_stride;
	struct desc_shm d;

	for (; n < stop; n++) {
		if (ring_peek_room(&w->seg, n) != r->room ||
		    ring_read(&w->seg, n, &d) != RING_OK ||
		    d.room_gen != r->room_gen || !record_is_talk(d.type))
			continue;
		if (p->len + CLOCK_STAMP_SIZE + 16 + d.len > most)
			break;
		(void)add_past(w, p, &d);
		if (p->len > PIECE_MAX / 2) {
			n++;
			break;
		}
	}
	if (n < r->end)
		p->next = n;
}

/* How many messages are shown to who joins by the way that this one came. */
static uint32_t
replay_of(const struct worker *w, uint32_t slot)
{
	uint8_t kind = session_row(w, slot)->kind;

	return kind < SETTINGS_KINDS ? w->settings->replay[kind] : 0;
}

/* What a joiner is shown behind its join line: the topic, then messages. */
static void
render_welcome(
    struct worker *w, uint32_t slot, const struct reply *r, struct piece *p)
{
	const struct room_shm *room;
	uint32_t replay = replay_of(w, slot);

	if (r->arg != 0) {
		render_history(w, r, p);
		return;
	}
	lock_acquire(&w->journal.lock);
	room = room_of(w, r);
	if (room != NULL && room->topic_len > 0)
		render_topic(w, r, p);
	lock_release(&w->journal.lock);
	if (replay > 0)
		p->next = last_messages(w, r, replay);
	if (p->next == r->end)
		p->next = REPLY_DONE;
}

/* Render the next piece of a long reply from the tables. */
static void
render_piece(
    struct worker *w, uint32_t slot, const struct reply *r, struct piece *p)
{
	lock_acquire(&w->journal.lock);
	switch ((enum reply_kind)r->code) {
	case REPLY_WHOAMI:
		render_whoami(w, slot, r, p);
		break;
	case REPLY_WHO:
		render_who(w, r, p);
		break;
	case REPLY_ROOMS:
		render_rooms(w, r, p);
		break;
	case REPLY_TOPIC:
		render_topic(w, r, p);
		break;
	case REPLY_HELP: /* is a line */
	case REPLY_HISTORY:
	case REPLY_WELCOME:
		break;
	}
	lock_release(&w->journal.lock);
}

/*
 * Give `half` a reply about what was said in its room: from record `from` on,
 * or the last `n` messages.
 */
void
reply_history(struct worker *w, uint32_t slot, struct session_half *half,
    uint64_t from, uint32_t n)
{
	struct reply *r = &half->reply;

	session_reply(w, slot, half, REPLY_HISTORY, 0);
	r->room = half->room;
	r->room_gen = half->room_gen;
	r->end = ring_head(&w->seg);
	r->arg = n > 0 ? last_messages(w, r, n) : MIN(from, r->end);
}

/* Give one who joined the room of `half` with record `since` its welcome. */
void
reply_welcome(struct worker *w, uint32_t slot, struct session_half *half)
{
	const struct room_shm *room = &w->seg.rooms[half->room];

	if ((room->topic_len == 0 && replay_of(w, slot) == 0) ||
	    half->reply.code != CHAT_OK)
		return;
	half->lag = 1;
	half->reply = (struct reply){
	    .code = REPLY_WELCOME,
	    .room = half->room,
	    .room_gen = half->room_gen,
	    .end = half->since,
	};
	worker_due(w, slot);
}

/* A line: rendered as often as it takes. */
static void
say_line(struct worker *w, uint32_t slot, const struct reply *r)
{
	char *text = w->staging->bytes;
	size_t len = 0;

	if (r->newline)
		text[len++] = '\n';
	if (r->code == REPLY_HELP)
		len += notice_help(text + len, NOTICE_HELP_MAX);
	else
		len += notice_error(
		    text + len, NOTICE_MAX, (enum chat_error)r->code, r->arg);
	send_line(w, slot, len);
}

/*
 * Send more of the session's reply.  False if that has to wait for a buffer of
 * the pool.
 */
bool
reply_send(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct reply r = s->half.reply;
	struct piece p = {.text = w->staging->bytes, .next = REPLY_DONE};

	if (r.code <= REPLY_HELP) {
		say_line(w, slot, &r);
		return true;
	}
	if (!send_piece_begin(w, slot))
		return false;
	if (r.newline)
		p.text[p.len++] = '\n';
	if (r.code == REPLY_HISTORY)
		render_history(w, &r, &p);
	else if (r.code == REPLY_WELCOME)
		render_welcome(w, slot, &r, &p);
	else
		render_piece(w, slot, &r, &p);
	if (p.len > PIECE_MAX && w->seat->tx.buffer == 0)
		return false; /* more than is sure to be taken at once */
	send_piece(w, slot, p.len, p.next);
	return true;
}
