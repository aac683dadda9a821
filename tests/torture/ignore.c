/* SPDX-License-Identifier: MIT */
/*
 * Who ignores whom, as far as anybody can know.  What a client asks for and is
 * answered has its place among the lines that it reads; between the two, words
 * of that name may come or not: a death may lie between what the server has
 * noted and that it is done.
 */
#include "tests/torture/torture.h"

static bool
says(struct who who, struct entry e)
{
	return e.kind == ENTRY_MESSAGE && e.client == who.client &&
	       text_nick(e.number) == who.nick;
}

/* Must it not read that message? */
bool
ignore_must(const struct client *c, struct entry e)
{
	return says(c->ignored, e) && !says(c->asked, e);
}

/*
 * May the message be left out for it?  When it has just been told that it reads
 * all of a name again, nobody knows whether that was before or behind it.
 */
bool
ignore_may(const struct client *c, struct entry e)
{
	return says(c->asked, e) || says(c->ignored, e) || says(c->heard, e);
}

/* Is it no line, but a question or its answer?  Then it holds from here on. */
bool
ignore_mark(struct client *c, struct entry e)
{
	const struct who nobody = {.client = NONE};
	const struct who who = {e.client, e.number != 0};

	if (e.kind != ENTRY_ASK && e.kind != ENTRY_IGNORE &&
	    e.kind != ENTRY_HEAR)
		return false;
	c->asked = e.kind == ENTRY_ASK ? who : nobody;
	if (e.kind == ENTRY_IGNORE)
		c->ignored = who;
	if (e.kind == ENTRY_HEAR) {
		c->heard = who;
		c->ignored = nobody;
	}
	return true;
}

/* It asks to ignore that name, or to hear it again. */
void
ignore_ask(struct client *c, struct who who, bool on)
{
	const struct who nobody = {.client = NONE};

	c->asked_shun = true;
	c->shuns = on ? who : nobody;
	c->deaf = who;
	order_mark(c, ENTRY_ASK, who);
}

/* It is answered. */
void
ignore_answer(struct client *c, bool on)
{
	struct who who = c->deaf;

	counts.ignores += on;
	c->asked_shun = false;
	if (!on)
		c->deaf.client = NONE;
	order_mark(c, on ? ENTRY_IGNORE : ENTRY_HEAR, who);
}
