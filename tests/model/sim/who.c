/* SPDX-License-Identifier: MIT */
/*
 * Replies to /who, looked at as they are read.  Whoever was in the room from
 * before it was asked until its last line was read must be listed, and nobody
 * may be listed twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/sim/sim.h"

/* The client has sent bytes [from, to) of its text: any /who among them? */
void
who_sent(struct client *c, size_t from, size_t to)
{
	while (c->nasked < c->nwhos && c->whos[c->nasked] <= to) {
		if (c->whos[c->nasked] <= from)
			fail("%s: asked before", c->name);
		c->who_asked[c->nasked++] = sim.oracle.count;
	}
}

/* Was that client in the room from `since` until now? */
static bool
stayed(const struct client *c, int room, int since)
{
	const struct stay *s;

	if (!oracle_joined(c))
		return false;
	s = &c->stays[c->nstays - 1];
	return s->join < since && sim.oracle.rooms[s->room].room == room;
}

/* The reply is over, whatever comes now. */
void
who_end(struct client *c)
{
	struct who *who = &c->who;
	int listed = __builtin_popcount(who->seen);

	if (!who->reading)
		return;
	who->reading = false;
	/* The rest may be lost with a half-line, or to a last word. */
	if (c->evictions > 0 || sim.master.stopping)
		return;
	/* A reply of several lines may be overtaken by those who leave. */
	if (!sim.profile.crowded && listed != who->claimed)
		fail("%s: %d of %d members are listed", c->name, listed,
		    who->claimed);
	for (unsigned i = 0; i < sim.profile.nclients; i++)
		if ((who->seen & 1u << i) == 0 &&
		    stayed(&sim.clients[i], who->room, who->asked_at))
			fail("%s: Room%d is asked for and %s is not listed",
			    c->name, who->room, sim.clients[i].now);
}

static void
who_begin(struct client *c, int claimed, int room)
{
	if (c->nwho_seen == c->nasked)
		fail("%s: a reply about Room%d for which it did not ask",
		    c->name, room);
	c->who = (struct who){
	    .reading = true,
	    .room = room,
	    .claimed = claimed,
	    .asked_at = c->who_asked[c->nwho_seen++],
	};
	sim.total.whos++;
}

/* Names, each "User" and the number of a client, and more. */
static void
who_names(struct client *c, const char *line, size_t len)
{
	char text[1024], *save = NULL;

	len = MIN(len, sizeof(text) - 1);
	memcpy(text, line, len);
	text[len] = '\0';
	c->who.lines++;
	for (char *name = strtok_r(text + 4, " \n", &save); name != NULL;
	     name = strtok_r(NULL, " \n", &save)) {
		char *end;
		unsigned long i = strtoul(name + 4, &end, 10);

		if (strncmp(name, "User", 4) != 0 || end == name + 4 ||
		    i >= sim.profile.nclients)
			fail("%s: nobody was ever called %s", c->name, name);
		if ((c->who.seen & 1u << i) != 0)
			fail("%s: %s is listed twice", c->name, name);
		c->who.seen |= 1u << i;
	}
	if (c->who.lines == 1 &&
	    __builtin_popcount(c->who.seen) == c->who.claimed)
		who_end(c);
}

/* What may a whole line be, of a reply to /who or /whoami? */
enum who_kind
who_kind(const char *line, size_t len)
{
	static const char now_known[] = " is now known as ";
	static const char set_topic[] = " set the topic: ";

	if (len < 9 || memcmp(line, "*** ", 4) != 0)
		return WHO_OTHER;
	if (len > 11 && memcmp(line, "*** you are", 11) == 0)
		return WHO_AM_I;
	if (line[4] >= '0' && line[4] <= '9')
		return WHO_HEAD;
	return memcmp(line + 4, "User", 4) == 0 &&
		       memmem(line, len, now_known, sizeof(now_known) - 1) ==
			   NULL &&
		       memmem(line, len, set_topic, sizeof(set_topic) - 1) ==
			   NULL
		   ? WHO_NAMES
		   : WHO_OTHER;
}

/* The client has read a whole line. */
void
who_line(struct client *c, const char *line, size_t len)
{
	enum who_kind kind = who_kind(line, len);
	int claimed, room;

	if (kind == WHO_NAMES && c->who.reading) {
		who_names(c, line, len);
		return;
	}
	who_end(c);
	c->nwhoami_seen += kind == WHO_AM_I;
	if (kind == WHO_HEAD &&
	    sscanf(line, "*** %d in %*4c%d\n", &claimed, &room) == 2)
		who_begin(c, claimed, room);
}

/* Of one who is still there: have all its questions been answered? */
void
who_check(const struct client *c)
{
	bool all = c->ops[c->op].kind == OP_BARRIER;

	if (all && c->nanswered + c->evictions < c->nanswers)
		fail("%s: read %d answers to %d questions", c->name,
		    c->nanswered, c->nanswers);
	if (c->nwho_seen + c->evictions < c->nasked)
		fail("%s: read %d replies to %d /who", c->name, c->nwho_seen,
		    c->nasked);
	if (all && c->nwhoami_seen + c->evictions < c->nwhoamis)
		fail("%s: read %d replies to %d /whoami", c->name,
		    c->nwhoami_seen, c->nwhoamis);
	if (c->nwhoami_seen > c->nwhoamis + c->evictions)
		fail("%s: read %d replies to %d /whoami", c->name,
		    c->nwhoami_seen, c->nwhoamis);
}
