/* SPDX-License-Identifier: MIT */
/*
 * Who must read what.  The observer of a room, who is there from the first
 * line to the last, defines the room's log; what it reads must make sense by
 * itself.  What the other members read is compared with the log as soon as it
 * reaches that far.
 */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "tests/torture/torture.h"

#define UNKNOWN UINT32_MAX

static const char *
entry_text(struct entry e, char dst[48])
{
	static const char *const kinds[] = {"message", "join", "leave",
	    "rename", "gap", "asked", "/ignore", "/unignore"};

	if (e.kind == ENTRY_MESSAGE)
		snprintf(dst, 48, "message %u of t%u", e.number, e.client);
	else
		snprintf(dst, 48, "%s of t%u", kinds[e.kind], e.client);
	return dst;
}

bool
entry_equal(struct entry a, struct entry b)
{
	return a.kind == b.kind && a.client == b.client && a.number == b.number;
}

/* A new connection: it knows of nobody's numbers, and not where it begins. */
void
order_begin(struct client *c)
{
	for (uint32_t i = 0; i < rooms[c->room].count; i++)
		c->next[i] = UNKNOWN;
	c->npending = 0;
	c->placed = false;
}

static void
log_add(struct room *r, struct entry e)
{
	if (r->len == r->size) {
		r->size = r->size == 0 ? 1024 : 2 * r->size;
		r->log = realloc(r->log, r->size * sizeof(*r->log));
		if (r->log == NULL)
			abort();
	}
	r->log[r->len++] = e;
}

static bool
in_log(const struct client *c)
{
	return c->log_joins > c->log_leaves;
}

static void
define_message(struct room *r, struct client *from, struct entry e)
{
	char text[48];

	if (!in_log(from))
		wrong(CHECK_ORDER, "room %u: %s, who is not there", r->index,
		    entry_text(e, text));
	if (e.number < from->published) {
		counts.twice++;
		wrong(CHECK_TWICE, "room %u: %s again", r->index,
		    entry_text(e, text));
		return;
	}
	if (e.number > from->published) {
		counts.lost += e.number - from->published;
		wrong(CHECK_LOST, "room %u: %s, but %u is missing", r->index,
		    entry_text(e, text), from->published);
	}
	from->published = e.number + 1;
	from->progress_us = clock_us();
	log_add(r, e);
}

/* The observer of the room has read `e`. */
static void
define(struct room *r, struct entry e)
{
	struct client *from = &clients[e.client];
	char text[48];

	switch ((enum entry_kind)e.kind) {
	case ENTRY_MESSAGE:
		define_message(r, from, e);
		return;
	case ENTRY_JOIN:
		if (in_log(from) || from->log_joins >= from->joins)
			break;
		from->log_joins++;
		from->log_nick = e.number != 0;
		from->join_at = r->len;
		log_add(r, e);
		return;
	case ENTRY_RENAME:
		if (!in_log(from) || from->log_nick == (e.number != 0))
			break;
		from->log_nick = e.number != 0;
		log_add(r, e);
		return;
	case ENTRY_GAP: /* no observer is lapped: see reader_lagged, */
	case ENTRY_ASK: /* or ignores anybody */
	case ENTRY_IGNORE:
	case ENTRY_HEAR:
		return;
	case ENTRY_LEAVE:
		if (!in_log(from) || from->log_leaves >= from->leaves ||
		    from->log_nick != (e.number != 0))
			break;
		from->log_leaves++;
		from->leave_at = r->len;
		log_add(r, e);
		return;
	}
	counts.twice++;
	wrong(CHECK_TWICE,
	    "room %u: %s, joined %u times, left %u times, asked for %u, %u",
	    r->index, entry_text(e, text), from->log_joins, from->log_leaves,
	    from->joins, from->leaves);
}

/* Its own messages are in the log, but not for it: where does it go on? */
uint32_t
order_skip_own(const struct client *c, uint32_t at)
{
	const struct room *r = &rooms[c->room];

	while (at < r->len && r->log[at].kind == ENTRY_MESSAGE &&
	       r->log[at].client == c->index)
		at++;
	return at;
}

static void
show_log(const struct client *c, uint32_t at)
{
	const struct room *r = &rooms[c->room];
	char text[48];

	if (report_count(CHECK_ORDER) > 3)
		return;
	printf("  reads %s%s, ignores %d%s, has ignored %d%s\n",
	    c->json ? "JSON" : "text",
	    c->telnet        ? " by telnet"
	    : c->web != NULL ? " by the web"
			     : "",
	    (int)c->ignored.client, c->ignored.nick ? "n" : "",
	    (int)c->heard.client, c->heard.nick ? "n" : "");
	for (uint32_t i = at > 3 ? at - 3 : 0; i < r->len && i < at + 5; i++)
		printf("  %c %u %s\n", i == at ? '>' : ' ', i,
		    entry_text(r->log[i], text));
}

/* It has read `e` where the log has something else: make the best of it. */
static void
misplaced(struct client *c, struct entry e)
{
	const struct room *r = &rooms[c->room];
	char got[48], expected[48];
	uint32_t i;

	counts.order_errors++;
	wrong(CHECK_ORDER, "room %u, t%u: read %s instead of %s at %u",
	    r->index, c->index, entry_text(e, got),
	    entry_text(r->log[c->at], expected), c->at);
	show_log(c, c->at);
	for (i = c->at; i < r->len; i++)
		if (entry_equal(r->log[i], e)) {
			c->at = i + 1;
			return;
		}
}

/* Where in the log does a client begin that has just joined? */
static bool
place(struct client *c)
{
	if (c->placed)
		return true;
	if (c->log_joins < c->joins)
		return false;
	c->at = c->join_at;
	c->placed = true;
	return true;
}

/* Is there nothing in the log before `end` that it must read? */
static bool
is_nothing_until(const struct client *c, uint32_t end)
{
	const struct room *r = &rooms[c->room];

	for (uint32_t i = c->at; i < end; i++)
		if (!ignore_may(c, r->log[i]) && !gap_may(c, r->log[i]) &&
		    (r->log[i].kind != ENTRY_MESSAGE ||
			r->log[i].client != c->index))
			return false;
	return c->at <= end;
}

/* It has read `e`, where the log has the same. */
static void
matched(struct client *c, struct entry e)
{
	char text[48];

	if (ignore_must(c, e))
		wrong(CHECK_ORDER, "room %u, t%u: read %s, whom it ignores",
		    c->room, c->index, entry_text(e, text));
	c->heard.client = NONE;
	c->at++;
}

/* Compare what it has read with the log, as far as that goes. */
void
order_settle(struct client *c)
{
	const struct room *r = &rooms[c->room];
	uint32_t i = 0, n;

	if (!place(c))
		return;
	while (i < c->npending) {
		if (c->pending[i].kind == ENTRY_GAP) {
			n = gap_cross(c, c->pending + i, c->npending - i);
			if (n == 0)
				break;
			i += n;
			continue;
		}
		if (ignore_mark(c, c->pending[i])) {
			i++;
			continue;
		}
		c->at = order_skip_own(c, c->at);
		if (c->at >= r->len)
			break;
		if (entry_equal(r->log[c->at], c->pending[i])) {
			matched(c, c->pending[i++]);
		} else if (ignore_may(c, r->log[c->at])) {
			counts.ignored++;
			c->at++;
		} else if (gap_may(c, r->log[c->at])) {
			counts.untold++;
			c->at++;
		} else {
			misplaced(c, c->pending[i++]);
		}
	}
	c->npending -= i;
	for (uint32_t k = 0; k < c->npending; k++)
		c->pending[k] = c->pending[k + i];
}

static void
pending_add(struct client *c, struct entry e)
{
	if (c->npending == c->pending_size) {
		c->pending_size =
		    c->pending_size == 0 ? 64 : 2 * c->pending_size;
		c->pending =
		    realloc(c->pending, c->pending_size * sizeof(*c->pending));
		if (c->pending == NULL)
			abort();
	}
	c->pending[c->npending++] = e;
}

/* Numbers of one sender come in their order, whatever the log says. */
static void
check_number(struct client *c, struct entry e)
{
	uint32_t *next = &c->next[clients[e.client].member];

	if (*next != UNKNOWN && e.number > *next &&
	    e.client != c->deaf.client) {
		counts.lost += e.number - *next;
		wrong(CHECK_LOST, "room %u, t%u: message %u of t%u after %u",
		    c->room, c->index, e.number, e.client, *next - 1);
	} else if (*next != UNKNOWN && e.number < *next) {
		counts.twice++;
		wrong(CHECK_TWICE, "room %u, t%u: message %u of t%u after %u",
		    c->room, c->index, e.number, e.client, *next - 1);
	}
	*next = e.number + 1;
}

/* A member has read `e`, which is something that its room could say. */
void
order_take(struct client *c, struct entry e)
{
	struct room *r = &rooms[c->room];

	if (e.kind == ENTRY_MESSAGE)
		check_number(c, e);
	if (e.kind == ENTRY_GAP)
		for (uint32_t i = 0; i < r->count; i++)
			c->next[i] = UNKNOWN;
	if (c->index == r->observer) {
		define(r, e);
		return;
	}
	pending_add(c, e);
	order_settle(c);
}

/* Has it read all that the log has for it before `end`? */
bool
order_is_at(struct client *c, uint32_t end)
{
	if (c->index == rooms[c->room].observer)
		return true;
	order_settle(c);
	c->at = order_skip_own(c, c->at);
	return c->placed && (gap_is_at(c, end) ||
				(c->npending == 0 && is_nothing_until(c, end)));
}

bool
order_at_end(struct client *c)
{
	return order_is_at(c, rooms[c->room].len);
}

/* Note what is no line, but has its place between those it reads. */
void
order_mark(struct client *c, enum entry_kind kind, struct who who)
{
	c->next[clients[who.client].member] = UNKNOWN;
	pending_add(
	    c, (struct entry){(uint16_t)kind, (uint16_t)who.client, who.nick});
	order_settle(c);
}

static uint32_t
count_missing(struct client *c)
{
	const struct room *r = &rooms[c->room];
	uint32_t n = 0;

	if (c->index == r->observer || !c->placed)
		return 0;
	for (uint32_t i = c->at; i < r->len; i++)
		n += !ignore_may(c, r->log[i]) &&
		     (r->log[i].kind != ENTRY_MESSAGE ||
			 r->log[i].client != c->index);
	return n;
}

/* At the end of it all: what has not come until now is lost. */
void
order_finish(void)
{
	for (uint32_t i = 0; i < options.clients; i++) {
		struct client *c = &clients[i];
		uint32_t missing, unsaid = c->queued - c->published;

		order_settle(c);
		missing = order_at_end(c) ? 0 : count_missing(c);
		if (unsaid > 0) {
			counts.lost += unsaid;
			wrong(CHECK_LOST,
			    "room %u: %u messages of t%u, from %u on, "
			    "were read by nobody",
			    c->room, unsaid, i, c->published);
		}
		if (missing > 0) {
			counts.lost += missing;
			wrong(CHECK_LOST,
			    "room %u, t%u: the last %u lines did not come",
			    c->room, i, missing);
		}
	}
}
