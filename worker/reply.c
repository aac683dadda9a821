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

#include "proxy/telnet.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "worker/moderate.h"
#include "worker/rooms.h"
#include "worker/web.h"

#define PIECE_MAX 2048 /* bytes */
#define METRICS_PIECE 8192
#define ROWS_MAX 2048  /* rows of a table looked at under one lock */
#define SCAN_MAX 65536 /* records looked at for one piece */
#define LINE_NAMES 380 /* bytes of names in one line of /who */
#define LINE_MAX_BYTES (LINE_NAMES + LIMIT_ROOM + LIMIT_TOPIC + 128)

/* A piece being rendered, in its reader's dialect. */
struct piece {
	char *text;
	size_t len, size;
	unsigned dialect;
	struct look look;
	char *scratch; /* SCRATCH_SIZE bytes */
	uint64_t seq, time_us;
	uint64_t next; /* position of the piece behind it, or REPLY_DONE */
};

/* Add whole lines, as the line protocol has them. */
static void
add_lines(struct piece *p, const char *lines, size_t len)
{
	char *to = p->text + p->len;
	size_t room = p->size - p->len;

	if (look_is_plain(p->look, p->dialect)) {
		p->len += render_reply(
		    p->dialect, p->seq, p->time_us, lines, len, to, room);
		return;
	}
	len = render_reply(p->dialect, p->seq, p->time_us, lines, len,
	    p->scratch, MIN(room, (size_t)SCRATCH_SIZE));
	p->len += look_lines(p->look, p->dialect, p->scratch, len, to, room);
}

static void say(struct piece *p, const char *format, ...) PRINTF_LIKE(2, 3);

/* Add a line; the format ends in LF. */
static void
say(struct piece *p, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n > 0)
		add_lines(p, line, MIN((size_t)n, sizeof(line) - 1));
}

/*
 * What the reply to a session with `half` begins as.  If it is a long one, a
 * piece has to fit into the buffer that takes the rest of it.
 */
static struct piece
piece_begin(struct worker *w, const struct session_half *half)
{
	struct piece p = {
	    .text = w->staging->bytes,
	    .size = half->reply.code < REPLY_LONG ? STAGING_BYTES
						  : w->seg.layout.buffer_stride,
	    .dialect = half->dialect,
	    .look = session_look(half),
	    .scratch = w->scratch,
	    .seq = half->own > 0 ? half->own - 1 : 0,
	    .time_us = half->reply.time_us,
	    .next = REPLY_DONE,
	};

	if (half->reply.newline)
		add_lines(&p, "\n", 1);
	return p;
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
		say(p, "*** you are %.*s in %.*s, from %s\n", name_len(s),
		    s->name, room_len(room), room->name, address);
}

static void
render_topic(struct worker *w, const struct reply *r, struct piece *p)
{
	const struct room_shm *room = room_of(w, r);

	if (room == NULL)
		return;
	if (room->topic_len == 0)
		say(p, "*** %.*s has no topic\n", room_len(room), room->name);
	else
		say(p, "*** topic of %.*s: %.*s\n", room_len(room), room->name,
		    MIN((int)room->topic_len, LIMIT_TOPIC), room->topic);
}

/* Members of a room in the order of their slots, a line of names at a time. */
static void
render_who(struct worker *w, const struct reply *r, struct piece *p)
{
	const struct room_shm *room = room_of(w, r);
	uint64_t end = MIN((uint64_t)w->seg.params.nslots, r->arg + ROWS_MAX);
	char names[LINE_NAMES + LIMIT_NAME + 2];
	size_t len = 0;
	uint64_t at;

	if (room == NULL)
		return;
	if (r->arg == 0)
		say(p, "*** %u in %.*s\n", room->members, room_len(room),
		    room->name);
	for (at = r->arg; at < end && len < LINE_NAMES; at++) {
		const struct session_shm *s = &w->seg.sessions[at];

		if (w->seg.members[at].room != r->room || s->name_len == 0)
			continue;
		names[len++] = ' ';
		memcpy(names + len, s->name, (size_t)name_len(s));
		len += (size_t)name_len(s);
	}
	if (len > 0)
		say(p, "***%.*s\n", (int)len, names);
	if (at < w->seg.params.nslots)
		p->next = at;
}

static void
render_rooms(
    struct worker *w, uint32_t slot, const struct reply *r, struct piece *p)
{
	/* One line more has to fit into the smallest buffer, as JSON. */
	size_t most = MIN((size_t)PIECE_MAX, w->seg.layout.buffer_stride) / 2;
	uint64_t end = MIN((uint64_t)w->seg.params.nrooms, r->arg + ROWS_MAX);
	uint64_t at;

	if (r->arg == 0)
		say(p, "*** %u room%s\n", w->seg.tables->rooms_used,
		    w->seg.tables->rooms_used == 1 ? "" : "s");
	for (at = r->arg; at < end && p->len < most; at++) {
		const struct room_shm *room = &w->seg.rooms[at];
		bool topic = room->topic_len > 0;

		if (room->used && rooms_shows(w, slot, (uint32_t)at))
			say(p, "*** %.*s: %u%s%.*s\n", room_len(room),
			    room->name, room->members, topic ? ", " : "",
			    MIN((int)room->topic_len, LIMIT_TOPIC),
			    room->topic);
	}
	if (at < w->seg.params.nrooms)
		p->next = at;
}

/* Where the last `n` messages of the reply's room before `end` begin. */
static uint64_t
last_messages(const struct worker *w, const struct reply *r, uint32_t n)
{
	uint64_t oldest = ring_oldest(&w->seg), first = r->end;
	uint64_t at = MIN(first, ring_head(&w->seg));
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

/*
 * Add one message as history shows it; `half` reads its room.  False if there
 * is no place for it.
 */
static bool
add_past(struct worker *w, const struct session_half *half, struct piece *p,
    uint64_t n, const struct desc_shm *d)
{
	size_t room = MIN((size_t)half->room_len, (size_t)LIMIT_ROOM), len;
	struct render_record r = stage_shown(w, n, d, half->room_name, room);
	char *to = p->text + p->len;
	size_t left = p->size - p->len;

	if (d->len > SCRATCH_SIZE - 8 ||
	    ring_copy(&w->seg, d, 0, w->scratch, d->len) != RING_OK)
		return true; /* it is gone */
	if (look_is_plain(p->look, p->dialect))
		len = render_past(p->dialect, &r, to, left);
	else if (p->len > 0 && d->len > left / 4)
		len = 0; /* all of its looks need more, perhaps */
	else
		len = look_past(p->look, p->dialect, &r, to, left);
	p->len += len;
	return len > 0;
}

/* What is still in the ring of the messages in [arg, end), a piece of it. */
static void
render_history(
    struct worker *w, uint32_t slot, const struct reply *r, struct piece *p)
{
	const struct session_half *half = &session_row(w, slot)->half;
	uint64_t n = MAX(r->arg, ring_oldest(&w->seg));
	uint64_t end = MIN(r->end, ring_head(&w->seg));
	uint64_t stop = MIN(end, n + SCAN_MAX);
	struct desc_shm d;

	for (; n < stop; n++) {
		if (ring_peek_room(&w->seg, n) != r->room ||
		    ring_read(&w->seg, n, &d) != RING_OK ||
		    d.room_gen != r->room_gen || !record_is_talk(d.type))
			continue;
		if (!add_past(w, half, p, n, &d) && p->len > 0)
			break;
		if (p->len > PIECE_MAX / 2) {
			n++;
			break;
		}
	}
	if (n < end)
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
		render_history(w, slot, r, p);
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

/* Larger than others, if there is a buffer for its rest. */
static void
render_metrics(struct worker *w, uint32_t slot, struct piece *p)
{
	size_t most = w->seat->tx.buffer != 0 ? METRICS_PIECE : PIECE_MAX;

	p->len = web_metrics(w, &session_row(w, slot)->half, p->text,
	    MIN(p->size, most), &p->next);
}

static void
render_last_word(struct worker *w, const struct reply *r, struct piece *p)
{
	char line[LINE_MAX_BYTES];

	add_lines(p, line, moderate_last_word(w, r, line, sizeof(line)));
}

static void
render_bans(struct worker *w, const struct reply *r, struct piece *p)
{
	char line[LINE_MAX_BYTES];
	uint64_t row = r->arg;

	for (; row < LIMIT_BANS && p->len < PIECE_MAX / 2; row++)
		add_lines(p, line,
		    moderate_show(w, (uint32_t)row, line, sizeof(line)));
	if (row < LIMIT_BANS)
		p->next = row;
	else
		say(p, "*** these are all bans and mutes\n");
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
		render_rooms(w, slot, r, p);
		break;
	case REPLY_TOPIC:
		render_topic(w, r, p);
		break;
	case REPLY_BANNED:
		render_last_word(w, r, p);
		break;
	case REPLY_BANS:
		render_bans(w, r, p);
		break;
	default: /* not of the tables */
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

/* Give one who joined the room of `half` with record `own` its welcome. */
void
reply_welcome(
    struct worker *w, uint32_t slot, struct session_half *half, bool topic)
{
	if ((!topic && replay_of(w, slot) == 0) || half->reply.code != CHAT_OK)
		return;
	half->lag = 1;
	half->reply = (struct reply){
	    .code = REPLY_WELCOME,
	    .room = half->room,
	    .room_gen = half->room_gen,
	    .end = half->own,
	};
	worker_due(w, slot);
}

/* What a telnet client is asked for next; nothing once it has joined. */
const char *
reply_prompt(unsigned state)
{
	switch ((enum session_state)state) {
	case SESSION_ROOM:
		return "Enter room name: ";
	case SESSION_NAME:
		return "Enter username: ";
	case SESSION_ROOM_PASSWORD:
	case SESSION_NAME_PASSWORD:
		return "Enter password: ";
	case SESSION_JOINED:
	case SESSION_LEAVING:
	case SESSION_HTTP:
		break;
	}
	return "";
}

/* The answers to what asks for looks; REPLY_LOOK has their number. */
static const char *const look_answers[] = {
    [LOOK_ANSWER_WRAP] = "*** wrap is off",
    [LOOK_ANSWER_WRAP + 1] = "*** wrap is on",
    [LOOK_ANSWER_COLOR] = "*** color is off",
    [LOOK_ANSWER_COLOR + 1] = "*** color is on",
    [LOOK_ANSWER_TIME] = "*** time is off",
    [LOOK_ANSWER_TIME + 1] = "*** time is on",
    [LOOK_ANSWER_NARROW] = "*** wrap is on, as soon as your client says how "
			   "wide its window is",
    [LOOK_ANSWER_DUMB] = "*** color stays off: your terminal is not known to "
			 "show colours",
};

/* The lines that are no errors; returns their bytes. */
static size_t
line_of(const struct reply *r, char lines[NOTICE_HELP_MAX])
{
	switch ((enum reply_kind)r->code) {
	case REPLY_HELP:
		return notice_help(lines, NOTICE_HELP_MAX);
	case REPLY_GREETING:
		return notice_plain(lines, "Welcome to Telnet Chat Proxy!");
	case REPLY_FORMAT:
		return notice_plain(lines,
		    r->arg != 0 ? "*** format is json" : "*** format is text");
	case REPLY_IGNORED:
		return notice_plain(
		    lines, "*** you read nothing of that name any more");
	case REPLY_HEARD:
		return notice_plain(lines, "*** you read all of that name");
	case REPLY_LOOK:
		return notice_plain(lines,
		    look_answers[MIN((size_t)r->arg, COUNT(look_answers) - 1)]);
	default:
		return 0;
	}
}

/* What the web has beside lines; rendered as often as it takes. */
static void
say_web(struct worker *w, uint32_t slot, const struct reply *r)
{
	char reason[REASON_MAX];
	struct iovec body;
	size_t len;

	if (r->code != REPLY_HTTP) {
		send_line(w, slot, web_frame(r, w->staging->bytes));
		return;
	}
	body = web_answer(
	    &session_row(w, slot)->half, w->staging->bytes, &len, reason);
	send_line_and(w, slot, len, body);
}

/* A line: rendered as often as it takes. */
static void
say_line(struct worker *w, uint32_t slot, const struct reply *r)
{
	const struct session_shm *s = session_row(w, slot);
	struct piece p = piece_begin(w, &s->half);
	char lines[NOTICE_HELP_MAX];
	const char *question = "";
	size_t len;

	/* In edit mode it is part of the row that is being typed. */
	if (session_is_telnet(s) && !edit_is_on(w, s))
		question = reply_prompt(s->half.state);
	len = strlen(question);

	if (r->code < REPLY_FIRST)
		add_lines(&p, lines,
		    notice_error(lines, sizeof(lines), (enum chat_error)r->code,
			r->arg));
	else
		add_lines(&p, lines, line_of(r, lines));
	memcpy(p.text + p.len, question, len);
	if (len > 0)
		len += telnet_prompt_end(&s->telnet, p.text + p.len + len);
	send_line(w, slot, p.len + len);
}

/* No more of a long reply: what is on its way is the end of it. */
static void
reply_discard(struct worker *w, uint32_t slot)
{
	struct session_half half = session_row(w, slot)->half;

	half.reply = (struct reply){0};
	journal_step(&w->journal, slot, &half);
}

/*
 * Send more of the session's reply.  False if that has to wait for a buffer of
 * the pool.
 */
bool
reply_send(struct worker *w, uint32_t slot)
{
	const struct session_half *half = &session_row(w, slot)->half;
	struct reply r = half->reply;
	struct piece p;

	if (r.code >= REPLY_HTTP && r.code <= REPLY_CLOSE) {
		say_web(w, slot, &r);
		return true;
	}
	if (r.code < REPLY_LONG) {
		say_line(w, slot, &r);
		return true;
	}
	if (r.newline == 0 && input_discards(w, slot)) {
		reply_discard(w, slot);
		return true;
	}
	if (!send_piece_begin(w, slot))
		return false;
	p = piece_begin(w, half);
	p.time_us = clock_real_us();
	poison_at_slot(w, slot);
	FAULT_POINT("reply.piece");
	if (r.code == REPLY_HISTORY)
		render_history(w, slot, &r, &p);
	else if (r.code == REPLY_WELCOME)
		render_welcome(w, slot, &r, &p);
	else if (r.code == REPLY_METRICS)
		render_metrics(w, slot, &p);
	else
		render_piece(w, slot, &r, &p);
	poison_off_slot(w);
	if (p.len > PIECE_MAX && w->seat->tx.buffer == 0)
		return false; /* more than is sure to be taken at once */
	send_piece(w, slot, p.len, p.next);
	return true;
}
