/* SPDX-License-Identifier: MIT */
/*
 * What the word before the cursor may become: commands, rooms, and names of
 * those who are in the session's room.
 *
 * Tables are looked at some rows at a time, each time under the lock, and may
 * change in between: then somebody is missed who has just come, or found who
 * has just gone.
 */
#include <string.h>

#include "shared/base/utf8.h"
#include "shared/chat/line.h"
#include "shared/chat/name.h"
#include "worker/edit.h"
#include "worker/talk.h"

#define ROWS_MAX 2048 /* rows of a table looked at under one lock */

/* What may stand behind a command. */
enum kind {
	KIND_NOTHING,
	KIND_COMMAND,
	KIND_ROOM, /* as its first word, and then nothing */
	KIND_NAME,
};

/* Behind all others stand names, or what may hold them. */
static const struct {
	const char *command;
	enum kind kind;
} kinds[] = {
    {"help", KIND_NOTHING},
    {"who", KIND_ROOM},
    {"rooms", KIND_NOTHING},
    {"whoami", KIND_NOTHING},
    {"join", KIND_ROOM},
    {"nick", KIND_NOTHING},
    {"topic", KIND_NOTHING},
    {"history", KIND_NOTHING},
    {"format", KIND_NOTHING},
    {"wrap", KIND_NOTHING},
    {"color", KIND_NOTHING},
    {"time", KIND_NOTHING},
    {"quit", KIND_NOTHING},
};

/* All that begin with `begin`: what the first is, as far as all are alike. */
struct candidates {
	const char *begin;
	size_t begin_len;
	uint32_t count;
	size_t len; /* that are alike */
	size_t whole_len;
	char whole[LIMIT_ROOM]; /* the first of them */
};
static_assert(LIMIT_ROOM >= LIMIT_NAME, "what is completed, or a command");

/* A word that is not longer than `most`, or it is nonsense. */
static void
add(struct candidates *c, const char *word, size_t len, size_t most)
{
	size_t same = 0;

	if (len < c->begin_len || len > most ||
	    !name_equal(word, c->begin_len, c->begin, c->begin_len))
		return;
	if (c->count++ == 0) {
		memcpy(c->whole, word, len);
		c->len = c->whole_len = len;
		return;
	}
	while (same < MIN(c->len, len) &&
	       name_equal(word + same, 1, c->whole + same, 1))
		same++;
	c->len = same;
}

static void
add_commands(struct candidates *c)
{
	const char *name;

	for (size_t i = 0; (name = command_name(i)) != NULL; i++)
		add(c, name, strlen(name), sizeof(c->whole));
}

static void
add_rooms(struct worker *w, struct candidates *c)
{
	const uint32_t rows = w->seg.params.nrooms;

	for (uint32_t at = 0; at < rows;) {
		uint32_t stop = at + MIN(rows - at, (uint32_t)ROWS_MAX);

		lock_acquire(&w->journal.lock);
		for (; at < stop; at++)
			if (w->seg.rooms[at].used)
				add(c, w->seg.rooms[at].name,
				    w->seg.rooms[at].name_len, LIMIT_ROOM);
		lock_release(&w->journal.lock);
	}
}

/* The members of the session's room, but for itself. */
static void
add_others(struct worker *w, uint32_t slot, struct candidates *c)
{
	const uint32_t rows = w->seg.params.nslots;
	const struct member_shm *members = w->seg.members;

	for (uint32_t at = 0; at < rows;) {
		uint32_t stop = at + MIN(rows - at, (uint32_t)ROWS_MAX);

		lock_acquire(&w->journal.lock);
		for (; at < stop && members[slot].room != NONE; at++)
			if (members[at].room == members[slot].room &&
			    at != slot && w->seg.sessions[at].name_len > 0)
				add(c, w->seg.sessions[at].name,
				    w->seg.sessions[at].name_len, LIMIT_NAME);
		lock_release(&w->journal.lock);
		at = stop;
	}
}

static void
add_names(struct worker *w, uint32_t slot, struct candidates *c)
{
	const struct session_shm *s = session_row(w, slot);

	add_others(w, slot, c);
	if (c->count == 0)
		add(c, s->name, s->name_len, LIMIT_NAME);
}

/* What is the word that begins at `from`? */
static enum kind
kind_of(const char *text, size_t len, size_t from)
{
	struct line_words words;
	size_t behind;

	if (line_classify(text, len, &words) != LINE_COMMAND)
		return KIND_NAME;
	if (from == 0)
		return KIND_COMMAND;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (!name_equal(words.name, words.name_len, kinds[i].command,
			strlen(kinds[i].command)))
			continue;
		behind = (size_t)(words.text - text);
		return kinds[i].kind == KIND_ROOM && behind < from
			   ? KIND_NOTHING
			   : kinds[i].kind;
	}
	return KIND_NAME;
}

/* Keep whole characters of what all are alike in. */
static void
cut_to_character(struct candidates *c)
{
	while (c->len < c->whole_len && c->len > 0 &&
	       ((unsigned char)c->whole[c->len] & 0xc0) == 0x80)
		c->len--;
}

/* Is it what a row may hold, and not nonsense that harms a terminal? */
static bool
is_good(const struct candidates *c, enum kind kind)
{
	return kind == KIND_COMMAND ||
	       (kind == KIND_ROOM ? room_check(c->whole, c->len)
				  : name_check(c->whole, c->len)) == NULL;
}

size_t
complete_word(struct worker *w, uint32_t slot, const char *text, size_t len,
    size_t from, size_t end, char *word, size_t size, bool *unique)
{
	struct candidates c = {0};
	const char *behind = "";
	enum kind kind;
	size_t slash, n;

	*unique = false;
	if (from > end || end > len ||
	    session_row(w, slot)->half.state != SESSION_JOINED)
		return 0;
	kind = kind_of(text, len, from);
	slash = kind == KIND_COMMAND;
	if (slash > end - from)
		return 0;
	c.begin = text + from + slash;
	c.begin_len = end - from - slash;
	if (kind == KIND_COMMAND)
		add_commands(&c);
	else if (kind == KIND_ROOM)
		add_rooms(w, &c);
	else if (kind == KIND_NAME)
		add_names(w, slot, &c);
	cut_to_character(&c);
	if (c.count == 0 || !is_good(&c, kind) ||
	    (c.count > 1 && c.len <= c.begin_len))
		return 0;
	*unique = c.count == 1;
	if (*unique)
		behind = kind == KIND_NAME && from == 0 ? ": " : " ";
	n = strlen(behind);
	if (n > 0 && end < len && (text[end] == ' ' || text[end] == '\t'))
		n--;
	if (slash + c.len + n > size)
		return 0;
	memcpy(word, "/", slash);
	memcpy(word + slash, c.whole, c.len);
	memcpy(word + slash + c.len, behind, n);
	return slash + c.len + n;
}
