/* SPDX-License-Identifier: MIT */
/*
 * What a client is to do, and what must come of it: drawn before the run.
 */
#include <stdio.h>
#include <string.h>

#include "tests/model/sim/sim.h"

static void
op(struct client *c, enum op_kind kind, size_t to)
{
	if (c->nops == OPS)
		fail("a script is too long");
	c->ops[c->nops++] = (struct op){.kind = kind, .to = to};
}

/* Send what was written since the last time. */
static void
op_send(struct client *c, size_t from, bool whole)
{
	if (c->web)
		web_flush(c);
	if (from == c->text.len)
		return;
	op(c, OP_SEND, c->text.len);
	c->ops[c->nops - 1].from = from;
	c->ops[c->nops - 1].whole = whole;
}

/* Wrong lines before a right one, each with something behind it. */
static void
put_wrong(struct client *c, bool name, int *wrong)
{
	bool plain = c->plain;
	size_t from;

	if (c->web) {
		from = c->text.len;
		web_finish(c);
		op_send(c, from, false);
		c->plain = true; /* or it would be too long for one read */
	}
	from = c->text.len;
	if (name)
		say_put(c, random_percent(50) ? "a:b\n" : "\n");
	else
		say_put(c, c->edits || random_percent(50) ? "\n" : "x\x01y\n");
	c->unseen = true;
	if (random_percent(50))
		say_put(c, "thrown away\nwith this\n");
	c->unseen = false;
	if (c->web)
		c->plain = plain;
	say_expect(c, name ? CHAT_BAD_NAME : CHAT_BAD_ROOM);
	++*wrong;
	op_send(c, from, true);
	op(c, OP_REPLIES, (size_t)c->nreplies);
}

/* Choose a name that somebody has. */
static void
put_taken(struct client *c, int other, int *wrong)
{
	size_t from = c->text.len;
	bool plain = c->plain;

	if (c->web) {
		web_finish(c);
		op_send(c, from, false);
		from = c->text.len;
	}
	op(c, OP_OTHER, (size_t)other);
	c->plain = true; /* perhaps it is never sent */
	say_put(c, sim.clients[other].name);
	say_put(c, "\n");
	if (c->web)
		web_finish(c);
	c->plain = plain;
	say_expect(c, CHAT_NAME_TAKEN);
	++*wrong;
	op_send(c, from, true);
	op(c, OP_REPLIES, (size_t)c->nreplies);
}

/* Somebody who stays until the barriers open, among those before `i`. */
static int
somebody(int i)
{
	for (int n = 0; n < i; n++)
		for (int k = 0; k < sim.clients[n].nops; k++)
			if (sim.clients[n].ops[k].kind == OP_BARRIER &&
			    sim.clients[n].joins && !sim.clients[n].renames)
				return n;
	return -1;
}

/* Speak when nobody else does. */
static void
put_rests(struct client *c)
{
	for (unsigned i = 0; i < sim.profile.rests; i++) {
		size_t from = c->text.len;

		op(c, OP_REST, 1 + i);
		if (random_percent(60))
			continue;
		if (!say_is_ended(c))
			say_put(c, "\n");
		say_message(c);
		if (c->edits && random_percent(60))
			typing_stray(c);
		else
			say_end(c);
		op_send(c, from, false);
	}
}

/* Negotiate until it sends keys; a passive one when it has said its room. */
static void
put_editing(struct client *c)
{
	if (c->passive) {
		op_send(c, 0, true);
	} else {
		bytes_add(&c->text, "\xff\xfb\x18", 3);
		op_send(c, 0, false);
	}
	op(c, OP_EDITING, 0);
	typing_begin(c);
}

/* Shake hands; frames must not come before that is over. */
static void
put_opening(struct client *c)
{
	web_open(c, false);
	op_send(c, 0, false);
	op(c, OP_OPENED, 0);
}

static void
put_login(struct client *c, int i, bool clumsy, bool patient)
{
	char line[32];
	size_t from;
	int wrong = 0, other = somebody(i);

	if (c->web)
		put_opening(c);
	if (c->edits && c->passive)
		op(c, OP_ASKED, 0);
	else if (c->edits)
		put_editing(c);
	if (clumsy && !c->passive && random_percent(40))
		put_wrong(c, false, &wrong);
	from = c->text.len;
	snprintf(line, sizeof(line), "Room%d", c->room);
	say_put(c, line);
	say_end(c);
	c->names_at = c->text.len;
	if (c->edits && c->passive) {
		put_editing(c);
		from = c->text.len;
	} else if (clumsy || patient) {
		op_send(c, from, false);
	}
	if (clumsy && random_percent(30))
		put_wrong(c, true, &wrong);
	if (clumsy && wrong < 2 && other >= 0 && !c->edits &&
	    random_percent(40))
		put_taken(c, other, &wrong);
	if (clumsy || patient)
		from = c->text.len;
	say_put(c, c->name);
	say_end(c);
	c->joins_at = c->text.len;
	if (clumsy || patient) {
		op_send(c, from, false);
		op(c, OP_JOINED, 0);
		from = c->text.len;
	}
	say_talk(c, i, clumsy);
	op_send(c, from, false);
	put_rests(c);
}

/* A reset, unlike a FIN, ends no line. */
static void
put_reset(struct client *c)
{
	c->resets = true;
	if (random_percent(30))
		op(c, OP_FIN, 0);
	else if (!say_is_ended(c) && c->nitems > 0)
		c->nitems--;
	op(c, OP_RESET, 0);
}

static void
put_goodbye(struct client *c)
{
	size_t from = c->text.len;
	unsigned how = random_below(100);
	bool hangs_up = how < 50;

	c->plain = true;
	if (random_percent(60))
		op(c, OP_BARRIER, 0);
	if (how < 50 && c->web && random_percent(60)) {
		hangs_up = false; /* its close frame is input like all else */
		web_part(c);
		op_send(c, from, false);
	} else if (how < 50) {
		op(c, OP_FIN, 0);
		/* Half a line of keys is not sent. */
		if (c->edits && !say_is_ended(c))
			c->nitems--;
	} else if (how < 80) {
		if (!say_is_ended(c))
			say_put(c, "\n");
		if (c->edits && random_percent(50))
			bytes_add(&c->text, "\x04", 1);
		else
			say_put(c, "/quit\n");
		c->unseen = true;
		if (random_percent(30))
			say_put(c, "nobody reads this\nnor this");
		op_send(c, from, false);
		hangs_up = random_percent(50);
		from = c->text.len;
		if (hangs_up && c->web && random_percent(50)) {
			hangs_up = false;
			web_part(c);
			op_send(c, from, false);
		} else if (hangs_up) {
			op(c, OP_FIN, 0);
		}
	} else {
		put_reset(c);
	}
	op(c, OP_END, 0);
	/*
	 * Who has left and doesn't read is cut off; a "/quit" behind other
	 * input that must wait for it to read is not seen: keys always must.
	 */
	if (random_percent(10) &&
	    (hangs_up || (how < 80 && !c->edits && c->nreplies == 0 &&
			     c->questions == 0 && c->npings == 0)))
		c->deaf = c->silent = c->resets = true;
}

/* Says too little to be let in, and waits. */
static void
put_silence(struct client *c)
{
	size_t from;

	c->silent = true;
	c->joins = c->passive = false;
	if (c->edits)
		put_editing(c);
	if (c->web && random_percent(40)) {
		web_open(c, true);
		op_send(c, 0, false);
		op(c, OP_END, 0);
		return;
	}
	if (c->web)
		put_opening(c);
	from = c->text.len;
	if (random_percent(50)) {
		say_put(c, "Room");
		if (random_percent(50)) {
			say_put(c, "0\n");
			c->names_at = c->text.len;
			say_put(c, "HalfAName");
		}
		op_send(c, from, false);
	}
	say_expect(c, CHAT_LOGIN_TIMEOUT);
	op(c, OP_END, 0);
}

/* Says what it has to say, and nothing more. */
static void
put_idleness(struct client *c)
{
	say_expect(c, CHAT_IDLE_TIMEOUT);
	op(c, OP_END, 0);
	c->silent = c->resets = true;
	c->deaf = random_percent(20);
}

/* Three wrong lines. */
static void
put_three_wrong(struct client *c)
{
	int wrong = 0;

	c->joins = c->passive = false;
	if (c->edits)
		put_editing(c);
	if (c->web)
		put_opening(c);
	while (wrong < 3)
		put_wrong(c, false, &wrong);
	op(c, OP_END, 0);
}

void
script_write(int i)
{
	struct client *c = &sim.clients[i];
	struct client old = *c;
	unsigned kind = random_below(100);

	*c = (struct client){
	    .text = old.text,
	    .said = old.said,
	    .got = old.got,
	    .own = old.own,
	    .own_ends = old.own_ends,
	    .line = old.line,
	    .answers = old.answers,
	    .ping_ends = old.ping_ends,
	    .frame_ends = old.frame_ends,
	    .raw = old.raw,
	    .names_at = SIZE_MAX,
	    .joins_at = SIZE_MAX,
	    .joins = true,
	    .ignores = -1,
	    .telnet = random_percent(sim.profile.telnets),
	};
	c->text.len = c->said.len = c->got.len = 0;
	c->edits = c->telnet && random_percent(sim.profile.edits);
	c->refuses = c->telnet && !c->edits && random_percent(30);
	c->plain = c->edits || c->refuses;
	c->web = !c->telnet && random_percent(sim.profile.webs);
	typing_reset(c);
	web_reset(c);
	snprintf(c->name, sizeof(c->name), "User%d%s", i,
	    sim.profile.crowded ? "nnnnnnnnnnnnnnnnnnnnn" : "");
	memcpy(c->now, c->name, sizeof(c->now));
	c->room = sim.profile.crowded
		      ? 0
		      : (int)random_below(sim.profile.lapping ? 2 : ROOMS);
	c->room_then = c->room;
	c->renames = random_percent(sim.profile.commands);
	c->pace = random_percent(50) ? 65536 : 1 + random_below(300);
	c->sleepy = random_percent(sim.profile.lapping ? 40 : 10);
	if (kind < 3) {
		put_silence(c);
	} else if (kind < 5) {
		put_three_wrong(c);
	} else {
		put_login(c, i, kind < 25, kind < 50);
		if (sim.settings.idle_timeout_s > 0 && random_percent(10))
			put_idleness(c);
		else
			put_goodbye(c);
	}
}
