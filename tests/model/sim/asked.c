/* SPDX-License-Identifier: MIT */
/*
 * Replies to questions about what was said: /topic and /history, and the same
 * as a joiner is shown it; and those that are the same for all, or may be
 * counted: /rooms, /help, /format, /ignore.
 */
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/model/sim/sim.h"

static bool
begins(const char *line, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(line, with, n) == 0;
}

/* Of which reply may that whole line be? */
enum asked_kind
asked_kind(const char *line, size_t len)
{
	int room, n;

	if (!begins(line, len, "*** "))
		return ASKED_NOTHING;
	if (begins(line, len, "*** /"))
		return ASKED_HELP;
	if (begins(line, len, "*** format is "))
		return ASKED_FORMAT;
	if (begins(line, len, "*** you read nothing of that"))
		return ASKED_IGNORED;
	if (begins(line, len, "*** you read all of that"))
		return ASKED_HEARD;
	if (begins(line, len, "*** topic of ") ||
	    (len > 9 && memcmp(line + 9, " has no topic", 13) == 0))
		return ASKED_TOPIC;
	if (len > 4 + CLOCK_STAMP_SIZE && line[14] == 'T' && line[27] == 'Z')
		return ASKED_PAST;
	if (sscanf(line, "*** %*1[Rr]oom%d: %d", &room, &n) == 2)
		return ASKED_ROOM;
	if (sscanf(line, "*** %d room%*1[s\n]", &n) == 1 &&
	    memmem(line, len, " room", 5) != NULL &&
	    memmem(line, len, " in ", 4) == NULL)
		return ASKED_ROOMS;
	return ASKED_NOTHING;
}

static void
on_room(struct client *c, const char *line)
{
	int room = 0, n = 0;

	if (sscanf(line, "*** %*1[Rr]oom%d: %d", &room, &n) != 2 ||
	    c->rooms_left == 0 || (c->rooms_seen & 1u << room) != 0 || n < 1)
		fail("%s: /rooms has the line %.40s", c->name, line);
	c->rooms_seen |= 1u << room;
	c->rooms_left--;
}

static void
on_help(struct client *c, const char *line, size_t len)
{
	char help[NOTICE_HELP_MAX];
	size_t all = notice_help(help, sizeof(help));

	if (len > all - c->help_at || memcmp(help + c->help_at, line, len) != 0)
		fail("%s: /help has the line %.*s", c->name, (int)len, line);
	c->nanswered += c->help_at == 0;
	c->help_at += len;
	if (c->help_at == all)
		c->help_at = 0;
}

/* The client has read a whole line. */
void
asked_line(struct client *c, const char *line, size_t len)
{
	enum asked_kind kind = asked_kind(line, len);

	if (kind != ASKED_ROOM && c->rooms_left > 0)
		fail("%s: /rooms says too little", c->name);
	if (kind != ASKED_HELP && c->help_at > 0)
		fail("%s: /help says too little", c->name);
	switch (kind) {
	case ASKED_ROOMS:
		c->nanswered++;
		c->rooms_seen = 0;
		(void)sscanf(line, "*** %d", &c->rooms_left);
		break;
	case ASKED_ROOM:
		on_room(c, line);
		break;
	case ASKED_HELP:
		on_help(c, line, len);
		break;
	case ASKED_TOPIC: /* a joiner's, perhaps */
	case ASKED_FORMAT:
	case ASKED_IGNORED:
	case ASKED_HEARD:
		c->nanswered++;
		break;
	case ASKED_PAST:
	case ASKED_NOTHING:
		break;
	}
	sim.total.asked += kind != ASKED_NOTHING;
}

/* The client's stay in a room when it has read up to entry `next`. */
static const struct stay *
stay_at(const struct client *c, int next)
{
	const struct stay *stay = NULL;

	for (int i = 0; i < c->nstays && c->stays[i].join < next; i++)
		stay = &c->stays[i];
	if (stay == NULL && c->nstays > 0 &&
	    check_was_overwritten((int)c->stays[0].join))
		stay = &c->stays[0]; /* its join line was lapped */
	if (stay == NULL)
		fail("%s: is answered before its join", c->name);
	return stay;
}

/*
 * Is it in that room still?  The ring may have lapped it so far that it never
 * read its next join line.
 */
static bool
is_still_there(const struct client *c, int next)
{
	const struct stay *stay = stay_at(c, next) + 1;

	return stay == c->stays + c->nstays ||
	       !check_was_overwritten((int)stay->join);
}

static bool
is_in(const struct entry *e, const struct stay *s)
{
	return e->room == s->room && e->room_gen == s->room_gen;
}

static const char *
text_of(const struct entry *e)
{
	return sim.oracle.text.data + e->text;
}

/* Is that the topic which entry `i` set, or, for -1, none? */
static bool
is_topic(int i, const char *line, size_t len)
{
	static const char set[] = " set the topic: ";
	size_t room = sizeof("*** topic of RoomN: ") - 1, n;
	const struct entry *e;
	const char *text;

	if (i < 0)
		return len > 9 && memcmp(line + 9, " has no topic", 13) == 0;
	e = &sim.oracle.entries[i];
	text = memmem(text_of(e), e->len, set, sizeof(set) - 1);
	if (text == NULL || len <= room)
		return false;
	text += sizeof(set) - 1;
	n = e->len - (size_t)(text - text_of(e));
	return len - room == n && memcmp(line + room, text, n) == 0;
}

/*
 * The client has read up to entry `next` when it is told its room's topic: it
 * must be what it was then, or what it was set to later.
 */
void
asked_topic(const struct client *c, int next, const char *line, size_t len)
{
	const struct stay *stay = stay_at(c, next);
	int then = -1;

	for (int i = 0; i < sim.oracle.count; i++) {
		const struct entry *e = &sim.oracle.entries[i];

		if (e->type != RECORD_TOPIC || !is_in(e, stay))
			continue;
		if (i >= next && is_topic(i, line, len))
			return;
		if (i < next)
			then = i;
	}
	if (!is_topic(then, line, len) && is_still_there(c, next))
		fail("%s: is told the topic %.*s", c->name, (int)len, line);
}

/* Is that the line of entry `e`?  An object does not tell /me from a text. */
static bool
is_past(const struct entry *e, const char *line, size_t len)
{
	const char *text = text_of(e), *colon;
	size_t name;

	if (e->len == len && memcmp(text, line, len) == 0)
		return true;
	colon = memchr(line, ':', len);
	if (e->type != RECORD_ACTION || colon == NULL || e->len != len + 1)
		return false;
	name = (size_t)(colon - line);
	return memcmp(text + 2, line, name) == 0 && text[2 + name] == ' ' &&
	       memcmp(text + 2 + name + 1, colon + 2, len - name - 2) == 0;
}

static int
talk_behind(const struct stay *stay, int i)
{
	for (i++; i < sim.oracle.count; i++)
		if (record_is_talk(sim.oracle.entries[i].type) &&
		    is_in(&sim.oracle.entries[i], stay))
			return i;
	return -1;
}

/* Has the client asked for so many, or is that what joiners are shown? */
static bool
is_number(const struct client *c, int n)
{
	for (int i = 0; i < c->nhistories; i++)
		if (c->histories[i] <= n)
			return true;
	return n >= (int)sim.settings.replay[client_listener(c)];
}

/*
 * All lines of /history are read, and up to entry `next` of what else there
 * was: they must end there or later, and begin where they may.
 */
void
asked_past_end(const struct client *c, int next, struct past *p)
{
	const struct stay *stay;
	int behind, before = -1;

	if (p->count == 0)
		return;
	stay = stay_at(c, next);
	behind = talk_behind(stay, p->last);
	if (behind >= 0 && behind < next && is_still_there(c, next) &&
	    !check_was_overwritten(behind))
		fail("%s: /history ends with entry %d, before %d", c->name,
		    p->last, behind);
	for (int i = talk_behind(stay, -1); i >= 0 && i < p->first;
	     i = talk_behind(stay, i))
		before = i;
	if (before >= 0 && !is_number(c, p->count) && is_still_there(c, next) &&
	    !check_was_overwritten(before))
		fail("%s: /history has %d lines, from entry %d on", c->name,
		    p->count, p->first);
	p->count = 0;
}

/* A line of /history; like the others in its order, without a gap. */
void
asked_past(const struct client *c, int next, struct past *p, const char *line,
    size_t len)
{
	const struct stay *stay = stay_at(c, next);
	size_t head = 4 + CLOCK_STAMP_SIZE;
	int i;

	line += head;
	len -= head;
	if (p->count > 0) {
		i = talk_behind(stay, p->last);
		while (i >= 0 && check_was_overwritten(i) &&
		       !is_past(&sim.oracle.entries[i], line, len))
			i = talk_behind(stay, i);
		if (i >= 0 && is_past(&sim.oracle.entries[i], line, len)) {
			p->last = i;
			p->count++;
			return;
		}
		asked_past_end(c, next, p);
	}
	for (i = talk_behind(stay, -1); i >= 0; i = talk_behind(stay, i))
		if (is_past(&sim.oracle.entries[i], line, len))
			break;
	if (i < 0 && !is_still_there(c, next))
		return;
	if (i < 0)
		fail("%s: /history has the line %.*s", c->name, (int)len, line);
	*p = (struct past){.first = i, .last = i, .count = 1};
}
