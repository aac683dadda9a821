/* SPDX-License-Identifier: MIT */
/* What every other file here needs to know of a session. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "proxy/telnet.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "worker/ask.h"
#include "worker/web.h"

struct session_shm *
session_row(const struct worker *w, uint32_t slot)
{
	return &w->seg.sessions[slot];
}

int
session_fd(uint32_t slot)
{
	return FD_BASE + (int)slot;
}

/*
 * The next record to deliver.  A session that does not lag has had all that
 * its worker has fanned out, and perhaps more: a worker that died in a fan-out
 * had served some and not others.
 */
uint64_t
session_cursor(const struct worker *w, const struct session_shm *s)
{
	uint64_t cursor =
	    atomic_load_explicit(&w->seat->cursor, memory_order_relaxed);

	return s->half.lag || s->half.own > cursor ? s->half.own : cursor;
}

/*
 * Register for what the session waits for.  The set outlives the worker, so
 * the successor may find the fd in it, or find that its predecessor had taken
 * it out already.
 */
void
session_watch(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct local *l = &w->locals[slot];
	struct epoll_event event = {0};
	int fd = session_fd(slot);

	if (l->deaf || !l->mine)
		return;
	/* What waits for the worker waits shortly: no system call for that. */
	if (!l->eof && !l->starved && !l->paced && !ask_waits(w, slot) &&
	    !(l->waiting && input_is_stuck(w, slot)))
		event.events |= EPOLLIN;
	if (l->blocked)
		event.events |= EPOLLOUT;
	if (l->watched && l->armed == event.events)
		return;
	/* The registration outlived my predecessor, and is as I want it. */
	if (!l->watched && event.events == EPOLLIN &&
	    atomic_load_explicit(&s->heard, memory_order_relaxed) == 1) {
		l->watched = true;
		l->armed = EPOLLIN;
		return;
	}
	session_unheard(w, slot);
	event.data.u64 = (uint64_t)s->gen << 32 | slot;
	if (epoll_ctl(w->in->epoll, l->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
		fd, &event) == -1 &&
	    (errno == EEXIST || errno == ENOENT))
		(void)epoll_ctl(w->in->epoll,
		    errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
		    &event);
	l->watched = true;
	l->armed = event.events;
	atomic_store_explicit(
	    &s->heard, event.events == EPOLLIN, memory_order_relaxed);
}

/* Its registration is about to change: a successor shall not rely on it. */
void
session_unheard(struct worker *w, uint32_t slot)
{
	atomic_store_explicit(
	    &session_row(w, slot)->heard, 0, memory_order_relaxed);
	compiler_barrier();
	FAULT_POINT("session.unheard");
}

/* Hear no more of it: HUP and ERR cannot be masked, and would spin. */
void
session_deafen(struct worker *w, uint32_t slot)
{
	struct local *l = &w->locals[slot];
	struct epoll_event unused = {0};

	session_unheard(w, slot);
	(void)epoll_ctl(w->in->epoll, EPOLL_CTL_DEL, session_fd(slot), &unused);
	l->watched = false;
	l->deaf = true;
	worker_due(w, slot);
}

/* Note the name of a room, which is there, as that of the room it reads. */
void
session_name_room(
    const struct worker *w, struct session_half *half, uint32_t room)
{
	const struct room_shm *r = &w->seg.rooms[room];

	half->room_len = MIN(r->name_len, (uint8_t)LIMIT_ROOM);
	memcpy(half->room_name, r->name, half->room_len);
}

/* The room it is in, which it may not have begun to read. */
uint32_t
session_room(const struct session_half *half)
{
	return half->next_room != NONE ? half->next_room : half->room;
}

/* Is it still to be sent its own join line? */
bool
session_unwelcomed(const struct session_half *half)
{
	return half->room != NONE && half->own < half->reply_at;
}

/* If its input waits, is that until its client has read? */
bool
session_unread(const struct session_half *half)
{
	return half->reply.code != CHAT_OK || half->next_room != NONE ||
	       (half->lag && session_unwelcomed(half));
}

/*
 * Is there anything to do for a session just taken up, before epoll says so?
 * Nearly all of a dead worker's sessions wait for nothing.
 */
bool
session_in_need(const struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);

	return s->half.lag || s->half.broken || session_unread(&s->half) ||
	       s->half.redraw || s->half.state == SESSION_LEAVING ||
	       ended_is(s) || w->locals[slot].waiting ||
	       session_has_answers(s) || web_is_closing(s);
}

/*
 * Let it read the room that it is in, whatever it has not read of the last.  As
 * long as it is in there, the room's name stays.
 */
void
session_turn(const struct worker *w, struct session_half *half)
{
	if (half->next_room == NONE)
		return;
	if (half->next_room < w->seg.params.nrooms)
		session_name_room(w, half, half->next_room);
	half->room = half->next_room;
	half->room_gen = half->next_gen;
	half->own = half->until + 1;
	half->reply_at = half->own + 1;
	half->until = UINT64_MAX;
	half->skip_to = 0; /* held until_msg */
	half->msg_next = half->next_msg;
	half->said = 0;
	half->next_room = NONE;
}

/* How its lines look. */
struct look
session_look(const struct session_half *half)
{
	return (struct look){.bits = half->look, .columns = half->columns};
}

/* As what its worker counts it: see DIALECT_OWN. */
static uint8_t
counted_as(const struct session_half *half)
{
	return look_is_plain(session_look(half), half->dialect)
		   ? half->dialect % DIALECTS
		   : DIALECT_OWN;
}

/*
 * Let its lines be as its client's terminal, as far as that is known now, shows
 * them.  Not as long as a line is half sent that is rendered again for its
 * rest; a record's looks are noted for that, see cut_save.
 */
void
session_looks(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct session_half half = s->half;
	struct look look;

	if (!session_is_telnet(s) || half.reply.skip > 0)
		return;
	look = look_of(half.look, telnet_charset(&s->telnet),
	    telnet_terminal(&s->telnet), telnet_width(&s->telnet));
	if (look.bits == half.look && look.columns == half.columns)
		return;
	half.look = look.bits;
	half.columns = look.columns;
	journal_step(&w->journal, slot, &half);
	FAULT_POINT("session.looks");
	session_counted(w, slot);
}

/* Put a joined session into the worker's list of its room. */
void
session_link(struct worker *w, uint32_t slot, uint32_t room)
{
	struct local *l = &w->locals[slot];
	struct local_room *r = &w->rooms[room];

	if (l->linked)
		return;
	l->linked = true;
	l->room = room;
	l->prev = NONE;
	l->next = local_first(r);
	if (l->next != NONE)
		w->locals[l->next].prev = slot;
	r->first = slot;
	r->count++;
	l->dialect = counted_as(&session_row(w, slot)->half);
	r->dialects[l->dialect]++;
}

/* The reverse.  Returns whether the room has no local member any more. */
bool
session_unlink(struct worker *w, uint32_t slot)
{
	struct local *l = &w->locals[slot];
	struct local_room *r = &w->rooms[l->room];

	if (!l->linked)
		return false;
	l->linked = false;
	r->dialects[l->dialect]--;
	if (l->prev != NONE)
		w->locals[l->prev].next = l->next;
	else
		r->first = l->next;
	if (l->next != NONE)
		w->locals[l->next].prev = l->prev;
	return --r->count == 0;
}

/* Its dialect, or whom it ignores, has changed: count it as what it is now. */
void
session_counted(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct local *l = &w->locals[slot];
	bool ignores = false;

	for (size_t i = 0; i < IGNORED_MAX; i++)
		ignores |= s->ignored[i] != 0;
	w->ignorers += ignores;
	w->ignorers -= l->ignores;
	l->ignores = ignores;
	if (l->linked) {
		w->rooms[l->room].dialects[l->dialect]--;
		l->dialect = counted_as(&s->half);
		w->rooms[l->room].dialects[l->dialect]++;
	}
}

/*
 * The input that it keeps in its row, and how much there is room for: a telnet
 * session has its telnet state in front of it, one of the web its frame's.
 */
char *
session_kept(struct session_shm *s, size_t *size)
{
	if (session_is_telnet(s)) {
		*size = sizeof(s->telnet_kept);
		return s->telnet_kept;
	}
	if (session_is_web(s)) {
		*size = sizeof(s->ws_kept);
		return s->ws_kept;
	}
	*size = sizeof(s->kept);
	return s->kept;
}

/* What it may do: bits of enum session_right. */
uint8_t
session_rights(const struct session_shm *s)
{
	return atomic_load_explicit(&s->rights, memory_order_relaxed);
}

bool
session_is_telnet(const struct session_shm *s)
{
	return s->kind == LISTENER_TELNET;
}

bool
session_is_web(const struct session_shm *s)
{
	return s->kind == LISTENER_WEB || s->kind == LISTENER_METRICS;
}

/* Is something of its protocol's own to be sent between two lines? */
bool
session_has_answers(const struct session_shm *s)
{
	return session_is_telnet(s) ? s->telnet.answer_len > 0
				    : web_is_answering(s);
}

/* Where the text of its input ends, as far as it was read. */
uint64_t
session_input_end(const struct session_shm *s)
{
	return atomic_load_explicit(&s->in_total, memory_order_relaxed) -
	       s->in_cut;
}

/*
 * Let `half` read from its own cursor, and note what is needed to say how much
 * it missed if the ring laps it: the number of the room's next message from
 * there on, and how many of the messages up to now are its own.
 */
void
session_lag(struct worker *w, uint32_t slot, struct session_half *half)
{
	const struct session_shm *s = session_row(w, slot);
	uint64_t head = ring_head(&w->seg), first = half->msg_next;
	uint64_t cursor = session_cursor(w, s);
	struct desc_shm d;
	bool found = false;

	if (half->lag)
		return;
	/* Served beyond its worker's cursor, or just joined, it knows best. */
	if (half->own < cursor && half->room < w->seg.params.nrooms)
		first = w->rooms[half->room].next_msg;
	half->own = cursor;
	half->lag = 1;
	half->said = 0;
	if (half->room >= w->seg.params.nrooms)
		return;
	for (uint64_t n = ring_within(&w->seg, half->own); n < head; n++) {
		if (ring_peek_room(&w->seg, n) != half->room ||
		    ring_read(&w->seg, n, &d) != RING_OK ||
		    d.room_gen != half->room_gen)
			continue;
		if (!found)
			first = d.room_msg;
		found = true;
		if (record_is_talk(d.type) && d.sender == slot &&
		    d.sender_gen == s->gen)
			half->said++;
	}
	half->msg_next = first;
}

/* Is it about all that the session reads from now on? */
static bool
changes_reading(unsigned code)
{
	return code == REPLY_IGNORED || code == REPLY_HEARD;
}

/*
 * Give `half` a line to say to its client, after what has been published up to
 * now and before more of the ring: who changes something and then asks for it
 * reads of the change first.  The caller has seen that no other reply waits, or
 * doesn't mind losing one of which nothing was sent yet.
 */
void
session_reply(struct worker *w, uint32_t slot, struct session_half *half,
    unsigned code, uint64_t arg)
{
	session_lag(w, slot, half);
	if (half->reply.code != CHAT_OK && half->reply.skip > 0)
		return;
	half->reply = (struct reply){
	    .code = (uint16_t)code,
	    .newline = half->reply.newline,
	    .arg = arg,
	    .time_us = clock_real_us(),
	};
	/* The answer to /format, say, is the first line in the new one. */
	if (code == REPLY_FORMAT || code == REPLY_LOOK || code == REPLY_PING)
		half->reply_at = half->own;
	else if (!changes_reading(code))
		half->reply_at = ring_head(&w->seg);
	worker_due(w, slot);
}

/*
 * The same for what nobody asked for: at a telnet client's prompt it begins a
 * line of its own.
 */
void
session_last_word(struct worker *w, uint32_t slot, struct session_half *half,
    unsigned code, uint64_t arg)
{
	if (half->state == SESSION_HTTP) {
		web_turn_away(w, slot, half, (enum chat_error)code);
		return;
	}
	/* There is no prompt yet if a reply waits, or is half sent. */
	if (session_is_telnet(session_row(w, slot)) &&
	    half->reply.code == CHAT_OK && *reply_prompt(half->state) != '\0')
		half->reply.newline = 1;
	session_reply(w, slot, half, code, arg);
	/* What others do until it has left comes before: see member_leave. */
	if (half->reply.code == code)
		half->reply_at = UINT64_MAX;
}
