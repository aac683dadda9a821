/* SPDX-License-Identifier: MIT */
/*
 * What clients do: talk in bursts, in lines that are sent in pieces; leave and
 * come back; read nothing for a while; say what is refused.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/base/clock.h"
#include "shared/chat/notice.h"
#include "tests/torture/torture.h"

#define WINDOW 300    /* messages under way in a room */
#define TURN_US 18000 /* between the turns of a room's member, per member */
#define BURST_MAX 40
#define CLOSING_US 10000 /* between the turns of who is to leave */
#define LONG_PAUSE_US 4000000
#define PAUSE_US 900000 /* in which slow readers read nothing, on average */
#define HANG_US (15 * SECOND_US)

enum load_mode load_mode;

/* Put its next message into `out`; the last one may lack its line end. */
void
load_message(struct client *c, bool ended)
{
	char line[LINE_MAX_SENT + 2];
	size_t n = text_make(c->index, c->queued, line);

	if (text_nick(c->queued) != c->nick)
		command_nick(c);
	if (text_is_action(c->index, c->queued))
		client_say(c, "/me ", 4);
	if (ended && text_has_cr(c->index, c->queued))
		line[n++] = '\r';
	if (ended)
		line[n++] = '\n';
	client_say(c, line, n);
	if (c->published == c->queued)
		c->progress_us = clock_us();
	c->queued++;
	counts.messages++;
}

static bool
has_space(const struct client *c, size_t len)
{
	return OUT_SIZE - (c->out_len - c->out_at) >= len;
}

/* Messages of the room that its observer hasn't read. */
static uint32_t
under_way(const struct room *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->count; i++)
		n += clients[r->members[i]].queued -
		     clients[r->members[i]].published;
	return n;
}

/* A line that is refused, and how. */
static void
load_error(struct client *c)
{
	static const char unknown[] = "/nosuch thing\n", nothing[] = "\1\2\n";
	static const enum chat_error codes[] = {
	    CHAT_UNKNOWN_COMMAND, CHAT_BAD_TEXT, CHAT_TOO_LONG};
	char line[LINE_MAX_SENT + 600];
	uint32_t kind = c->typing != NULL ? 0 : chance_below(COUNT(codes));

	if (c->nreplies == REPLIES_MAX || !has_space(c, sizeof(line)))
		return;
	if (kind == 0) {
		client_say(c, unknown, sizeof(unknown) - 1);
	} else if (kind == 1) {
		client_say(c, nothing, sizeof(nothing) - 1);
	} else {
		memset(line, 'x', sizeof(line));
		line[sizeof(line) - 1] = '\n';
		client_say(c, line, sizeof(line));
	}
	c->replies[c->nreplies++] = (uint8_t)codes[kind];
}

static void
load_burst(struct client *c)
{
	uint32_t n = 1 + chance_below(chance_of(5) ? BURST_MAX : 5);

	if (under_way(&rooms[c->room]) > WINDOW)
		return;
	if (chance_of(5))
		command_msg(c);
	while (n-- > 0 && has_space(c, LINE_MAX_READ + 1)) {
		if (chance_of(3))
			client_say(c, "\n", 1); /* ignored */
		if (c->telnet && c->typing == NULL && chance_of(3))
			client_say(c, "\xff\xf1", 2); /* NOP */
		load_message(c, true);
	}
	if ((c->traits & TRAIT_ERRS) != 0 && chance_of(30))
		load_error(c);
}

static bool
has_nothing_under_way(const struct client *c)
{
	return c->out_at == c->out_len && c->queued == c->published &&
	       c->nreplies == 0 && c->privates == c->privates_read;
}

static void
load_leave(struct client *c)
{
	bool observes = c->index == rooms[c->room].observer;
	enum going how = (enum going)chance_below(observes ? 2 : 3);

	if (how == GOING_CLOSE && !has_nothing_under_way(c))
		return;
	if (how != GOING_CLOSE && !observes &&
	    has_space(c, LINE_MAX_READ + 16)) {
		load_message(c, true);
		if (how == GOING_HALF && c->typing == NULL && c->web == NULL &&
		    chance_of(50))
			load_message(c, false);
	}
	client_go(c, how);
	c->due_us = 0;
}

/* One who is in the room does something. */
static void
load_act(struct client *c, uint64_t now)
{
	uint64_t pause_us = options.lagging ? LONG_PAUSE_US : PAUSE_US;

	if ((c->traits & TRAIT_SLOW) != 0 && !c->paused && chance_of(20))
		client_pause(c, now + pause_us / 4 + chance_wait_us(pause_us));
	if ((c->traits & TRAIT_FORMS) != 0 && chance_of(10))
		command_format(c);
	if ((c->traits & TRAIT_IGNORES) != 0 && chance_of(8))
		command_ignore(c);
	if (fleeting_must_go(c) ||
	    ((c->traits & TRAIT_CHURNS) != 0 && chance_of(12))) {
		load_leave(c);
		return;
	}
	if ((c->traits & TRAIT_SENDS) != 0 && !rooms[c->room].quiet)
		load_burst(c);
	if ((c->traits & TRAIT_CHURNS) != 0 && chance_of(15) &&
	    !(options.lagging && (c->traits & TRAIT_SLOW) != 0))
		command_move(c);
}

/* Send what is to be sent, all of it or only a bit. */
static void
load_send(struct client *c, uint64_t now)
{
	size_t len = c->out_len - c->out_at;

	if (load_mode != LOAD_DRAIN && len > 1 && chance_of(35))
		len = 1 + chance_below((uint32_t)len);
	client_flush(c, len);
	if (c->out_at < c->out_len)
		c->due_us = now + 500 + chance_below(20000);
}

static void
load_come(struct client *c, uint64_t now)
{
	const struct client *observer = &clients[rooms[c->room].observer];

	if (rooms[c->room].closing ||
	    (c != observer && observer->state != CLIENT_IN))
		return;
	client_connect(c);
	if (!c->retry && (c->traits & TRAIT_FORMS) != 0 && chance_of(20))
		command_format(c);
	if (load_mode == LOAD_BUSY && (c->traits & TRAIT_SENDS) != 0 &&
	    !c->retry && chance_of(50))
		load_message(c, true);
	load_send(c, now);
}

/* After all was sent: half-close, if that is how it goes. */
static void
load_go_on_leaving(struct client *c, uint64_t now)
{
	load_send(c, now);
	if (c->going != GOING_HALF || c->shut || c->out_at < c->out_len ||
	    c->fd == -1 || web_parts(c))
		return;
	(void)shutdown(c->fd, SHUT_WR);
	c->shut = true;
}

static void
load_turn(struct client *c, uint64_t now)
{
	uint64_t mean = (uint64_t)rooms[c->room].count * TURN_US;

	c->due_us =
	    now + (rooms[c->room].closing ? CLOSING_US : chance_wait_us(mean));
	switch (c->state) {
	case CLIENT_OUT:
		if (load_mode != LOAD_BUSY)
			c->due_us = now + 1000;
		if (load_mode != LOAD_QUIET && !stopping)
			load_come(c, now);
		return;
	case CLIENT_COMING:
		c->due_us = now + 5000;
		load_send(c, now);
		return;
	case CLIENT_IN:
		if (load_mode == LOAD_BUSY && c->out_at == c->out_len)
			load_act(c, now);
		if (c->state == CLIENT_IN && c->out_at == c->out_len &&
		    c->typing != NULL && load_mode != LOAD_DRAIN)
			typing_half(c);
		if (c->state == CLIENT_IN)
			load_send(c, now);
		return;
	case CLIENT_AWAY:
		c->due_us = now + 5000;
		command_come_back(c);
		load_send(c, now);
		return;
	case CLIENT_GOING:
		c->due_us = now + 5000;
		load_go_on_leaving(c, now);
		return;
	case CLIENT_SETTLING:
		c->due_us = now + 2000;
		client_settle(c);
		return;
	}
}

/*
 * What waits for others, and since when?  Who reads nothing may have to wait,
 * with what it says, until it reads.
 */
static void
load_watch(struct client *c, uint64_t now)
{
	bool waits = c->queued > c->published || c->state == CLIENT_COMING ||
		     c->state == CLIENT_GOING || c->state == CLIENT_SETTLING ||
		     c->state == CLIENT_AWAY;

	if (!waits || c->paused || stopping || now < c->progress_us + HANG_US)
		return;
	counts.hangs++;
	wrong(CHECK_WAKEUP,
	    "room %u, t%u hangs: state %d, said %u, read by others %u, unsent "
	    "%zu, reads%s",
	    c->room, c->index, (int)c->state, c->queued, c->published,
	    c->out_len - c->out_at, c->paused ? " nothing" : "");
	c->progress_us = now;
}

/* From now on clients do this; each takes a turn soon. */
void
load_begin(enum load_mode mode)
{
	load_mode = mode;
	for (uint32_t i = 0; i < options.clients; i++)
		clients[i].due_us = 0;
}

/* Whoever is due takes a turn. */
void
load_tick(uint64_t now)
{
	for (uint32_t i = 0; i < options.rooms; i++)
		if (rooms[i].fleeting)
			fleeting_tick(&rooms[i], now);
	for (uint32_t i = 0; i < options.clients; i++) {
		struct client *c = &clients[i];

		if (c->paused &&
		    (now >= c->pause_until_us || load_mode != LOAD_BUSY)) {
			client_pause(c, 0);
			c->progress_us = now;
		}
		if (now < c->due_us)
			continue;
		load_turn(c, now);
		load_watch(c, now);
	}
}

bool
load_all_in(void)
{
	for (uint32_t i = 0; i < options.clients; i++)
		if (clients[i].state != CLIENT_IN)
			return false;
	return true;
}

static bool
client_is_drained(struct client *c)
{
	return c->state == CLIENT_IN && c->out_at == c->out_len &&
	       c->published == c->queued && c->nreplies == 0 &&
	       c->answers == 0 && c->privates == c->privates_read &&
	       order_at_end(c) && typing_is_right(c) && web_is_right(c);
}

/* Has everybody read everything? */
bool
load_drained(void)
{
	for (uint32_t i = 0; i < options.clients; i++)
		if (!client_is_drained(&clients[i]))
			return false;
	return true;
}

/* Who is it that has not? */
void
load_complain(void)
{
	for (uint32_t i = 0; i < options.clients; i++) {
		struct client *c = &clients[i];

		if (client_is_drained(c))
			continue;
		counts.hangs++;
		wrong(CHECK_WAKEUP,
		    "room %u, t%u: not drained: state %d, unsent %zu, said %u, "
		    "read by others %u, replies awaited %u, at %u of %u, "
		    "pending %u, private %u of %u",
		    c->room, i, (int)c->state, c->out_len - c->out_at,
		    c->queued, c->published, c->nreplies, c->at,
		    rooms[c->room].len, c->npending, c->privates_read,
		    c->privates);
		typing_complain(c);
		web_complain(c);
	}
}
