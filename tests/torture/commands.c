/* SPDX-License-Identifier: MIT */
/*
 * What clients do by commands, besides talking: rename themselves, go to a room
 * of their own and come back, write to somebody in another room.  Each is read
 * once, by whom it concerns, and in its place.
 */
#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/torture/torture.h"

#define LINE 128
#define SIDE_LINES 3 /* the join line, and two of /who */

/* Take the other name, under which the next message is to be said. */
void
command_nick(struct client *c)
{
	char line[LINE] = "/nick ";
	size_t n = strlen(line);

	c->nick = !c->nick;
	n += text_login(c->index, c->nick, line + n);
	line[n++] = '\n';
	client_say(c, line, n);
}

/* A rename as its reader sees it: false if the line is none. */
bool
command_renamed(struct client *c, const char *line, size_t len, uint32_t who)
{
	static const char before[] = "*** ", between[] = " is now known as ";
	char must[LINE];

	if (memmem(line, len, between, sizeof(between) - 1) == NULL)
		return false;
	for (uint32_t nick = 0; nick < 2; nick++) {
		size_t n = sizeof(before) - 1;

		memcpy(must, before, n);
		n += text_name(who, nick == 0, must + n);
		memcpy(must + n, between, sizeof(between) - 1);
		n += sizeof(between) - 1;
		n += text_name(who, nick == 1, must + n);
		must[n++] = '\n';
		if (n != len || memcmp(line, must, n) != 0)
			continue;
		counts.renames++;
		order_take(
		    c, (struct entry){ENTRY_RENAME, (uint16_t)who, nick});
		return true;
	}
	return false;
}

/* Whoever never leaves, in another room if there is one. */
static uint32_t
addressee(const struct client *c)
{
	for (uint32_t i = 1; i <= options.rooms; i++) {
		const struct room *r = &rooms[(c->room + i) % options.rooms];

		if (!r->fleeting)
			return r->observer;
	}
	return c->index;
}

static size_t
private_text(const struct client *c, uint32_t number, char *dst)
{
	return (size_t)snprintf(dst, LINE, "p %u %u\n", c->index, number);
}

void
command_msg(struct client *c)
{
	char line[2 * LINE] = "/msg ";
	size_t n = strlen(line);

	n += text_name(addressee(c), false, line + n);
	line[n++] = ' ';
	n += private_text(c, c->privates, line + n);
	c->privates++;
	client_say(c, line, n);
}

/* "[private] t17: p 17 3": the next one of whoever has sent it. */
bool
command_private(struct client *c, const char *line, size_t len)
{
	static const char before[] = "[private] ";
	unsigned who, number;
	char text[LINE], must[2 * LINE];
	struct client *from;
	size_t n;

	if (len < sizeof(before) || len >= sizeof(text) ||
	    memcmp(line, before, sizeof(before) - 1) != 0)
		return false;
	memcpy(text, line, len);
	text[len] = '\0';
	if (sscanf(text + sizeof(before) - 1, "%*[^:]: p %u %u", &who,
		&number) != 2 ||
	    who >= options.clients || addressee(&clients[who]) != c->index)
		return false;
	from = &clients[who];
	for (int nick = 0; nick < 2; nick++) {
		memcpy(must, before, n = sizeof(before) - 1);
		n += text_name(who, nick == 1, must + n);
		must[n++] = ':';
		must[n++] = ' ';
		n += private_text(from, number, must + n);
		if (n == len && memcmp(must, line, n) == 0)
			break;
		if (nick == 1)
			return false;
	}
	if (number != from->privates_read || number >= from->privates)
		wrong(number < from->privates_read ? CHECK_TWICE : CHECK_LOST,
		    "t%u: private message %u of t%u instead of %u", c->index,
		    number, who, from->privates_read);
	from->privates_read = number + 1;
	counts.privates++;
	return true;
}

static bool
can_ask(const struct client *c)
{
	return c->nreplies < REPLIES_MAX &&
	       OUT_SIZE - (c->out_len - c->out_at) >= LINE;
}

static void
ask(struct client *c, const char *line, enum asked answer)
{
	client_say(c, line, strlen(line));
	c->replies[c->nreplies++] = (uint8_t)answer;
}

/* Read JSON from now on, or text again. */
void
command_format(struct client *c)
{
	if (!can_ask(c))
		return;
	c->asked_json = !c->asked_json;
	ask(c, c->asked_json ? "/format json\n" : "/format text\n",
	    c->asked_json ? ASKED_JSON : ASKED_TEXT);
}

/* Ignore one of the names of somebody in the room; or not any more. */
void
command_ignore(struct client *c)
{
	const struct room *r = &rooms[c->room];
	bool on = c->shuns.client == NONE;
	char line[LINE], name[NAME_SIZE];
	struct who who = c->shuns;

	if (on) {
		who.client = r->members[chance_below(r->count)];
		who.nick = chance_of(50);
	}
	if (!can_ask(c) || c->asked_shun || who.client == c->index)
		return;
	name[text_name(who.client, who.nick, name)] = '\0';
	name[0] = chance_of(50) ? 'T' : 't';
	snprintf(line, sizeof(line), "/%signore %s\n", on ? "" : "un", name);
	ask(c, line, on ? ASKED_IGNORE : ASKED_HEAR);
	ignore_ask(c, who, on);
}

/* Is it what one of these is answered with, and the next in turn? */
bool
command_answer(struct client *c, const char *line, size_t len)
{
	static const char *const answers[] = {
	    [ASKED_TEXT - ASKED_TEXT] = "*** format is text\n",
	    [ASKED_JSON - ASKED_TEXT] = "*** format is json\n",
	    [ASKED_IGNORE - ASKED_TEXT] =
		"*** you read nothing of that name any more\n",
	    [ASKED_HEAR - ASKED_TEXT] = "*** you read all of that name\n",
	};
	unsigned next = c->nreplies > 0 ? c->replies[0] : 0;
	const char *must;

	if (next < ASKED_TEXT)
		return false;
	must = answers[next - ASKED_TEXT];
	if (len != strlen(must) || memcmp(line, must, len) != 0)
		return false;
	c->nreplies--;
	memmove(c->replies, c->replies + 1, c->nreplies);
	counts.replies++;
	if (next == ASKED_TEXT || next == ASKED_JSON)
		counts.formats++;
	else
		ignore_answer(c, next == ASKED_IGNORE);
	return true;
}

/* Go to a room of its own, and ask who is there. */
void
command_move(struct client *c)
{
	char line[LINE];
	int n = snprintf(line, sizeof(line), "/join side-%u\n/who\n", c->index);

	c->leaves++;
	c->side_lines = 0;
	c->state = CLIENT_AWAY;
	c->progress_us = clock_us();
	client_pause(c, 0);
	client_say(c, line, (size_t)n);
}

/* Is that what it reads in the room of its own? */
bool
command_side(struct client *c, const char *line, size_t len)
{
	char must[LINE], name[NAME_SIZE];
	int n = 0;

	if (c->state != CLIENT_AWAY || c->side_lines == SIDE_LINES)
		return false;
	name[text_name(c->index, c->nick, name)] = '\0';
	switch (c->side_lines) {
	case 0:
		n = snprintf(
		    must, sizeof(must), "🌟 %s joined the room!\n", name);
		break;
	case 1:
		n = snprintf(
		    must, sizeof(must), "*** 1 in side-%u\n", c->index);
		break;
	case 2:
		n = snprintf(must, sizeof(must), "*** %s\n", name);
		break;
	}
	if (len != (size_t)n || memcmp(line, must, len) != 0)
		return false;
	c->side_lines++;
	return true;
}

/* It is away: when all that was said before it left is read, come back. */
void
command_come_back(struct client *c)
{
	char line[NAME_SIZE + 8] = "/join ";
	size_t n = strlen(line);

	if (c->side_lines < SIDE_LINES)
		return;
	order_settle(c);
	if (c->log_leaves < c->leaves || c->log_joins < c->joins)
		return;
	if (!order_is_at(c, c->leave_at)) {
		counts.lost += c->leave_at - c->at;
		wrong(CHECK_LOST,
		    "room %u, t%u: moved, having read up to %u, not %u",
		    c->room, c->index, c->at, c->leave_at);
	}
	counts.moves++;
	c->joins++;
	order_begin(c);
	c->state = CLIENT_COMING;
	n += text_room(c->room, line + n);
	line[n++] = '\n';
	client_say(c, line, n);
	if (load_mode == LOAD_BUSY && chance_of(50))
		load_message(c, true);
}
