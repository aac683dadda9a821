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
	if (from == c->text.len)
		return;
	op(c, OP_SEND, c->text.len);
	c->ops[c->nops - 1].from = from;
	c->ops[c->nops - 1].whole = whole;
}

static void
put(struct client *c, const char *text)
{
	bytes_add(&c->text, text, strlen(text));
}

static void
expect(struct client *c, enum chat_error code)
{
	if (c->nreplies < REPLIES)
		c->replies[c->nreplies++] = (uint16_t)code;
}

static void
put_run(struct client *c, char letter, size_t n)
{
	char run[1024];

	n = MIN(n, sizeof(run));
	memset(run, letter, n);
	bytes_add(&c->text, run, n);
}

static struct item *
item_add(struct client *c, enum record_type type, const char *text)
{
	struct item *item = &c->items[c->nitems++];

	*item = (struct item){
	    .type = (uint8_t)type, .from = c->said.len, .reply = -1};
	bytes_add(&c->said, text, strlen(text));
	item->to = c->said.len;
	return item;
}

/* A text that begins with `head`, and what others read of it. */
static struct item *
put_text(struct client *c, enum record_type type, const char *head)
{
	size_t pad = random_below((unsigned)sim.profile.message_max), n;
	char text[MAX_LINE + 1];

	if (sim.profile.lapping && random_percent(70))
		pad = MAX_LINE;
	pad = MIN(pad, (size_t)MAX_LINE - strlen(head) - 60);
	put(c, head);
	if (pad > 0 && random_percent(3))
		put(c, "\x01\x7f");
	put_run(c, 'x', pad);
	n = (size_t)snprintf(text, sizeof(text), "%s", head);
	/* Blanks at a command's end are none of its text. */
	n -= type != RECORD_MESSAGE && pad == 0;
	memset(text + n, 'x', pad);
	text[n + pad] = '\0';
	return item_add(c, type, text);
}

/* A message, and the line that the others read. */
static void
put_message(struct client *c, int number)
{
	bool slash = random_percent(5);
	char head[32];

	snprintf(head, sizeof(head), "%sm%d ", slash ? "/" : "", number);
	if (slash)
		put(c, "/");
	put_text(c, RECORD_MESSAGE, head);
}

static void
put_end(struct client *c)
{
	put(c, random_percent(10) ? "\r\n" : "\n");
}

/* A line that is refused after the join. */
static void
put_refused(struct client *c)
{
	switch (random_below(3)) {
	case 0:
		put(c, "/nonsense with words\n");
		expect(c, CHAT_UNKNOWN_COMMAND);
		break;
	case 1:
		put(c, "\x02\x03\n");
		expect(c, CHAT_BAD_TEXT);
		break;
	case 2:
		put_run(c, 'L', MAX_LINE + 1 + random_below(700));
		put(c, "\n");
		expect(c, CHAT_TOO_LONG);
		break;
	}
}

/* Another name, which nobody else ever has. */
static void
put_nick(struct client *c)
{
	char name[LIMIT_NAME + 8];

	if (random_percent(10)) {
		put(c, "/nick a:b\n");
		expect(c, CHAT_BAD_NAME);
		return;
	}
	snprintf(name, sizeof(name), "%s%c%d", c->name,
	    'a' + (char)random_below(26), c->nitems);
	put(c, "/nick ");
	put(c, name);
	put(c, "\n");
	item_add(c, RECORD_RENAME, name);
}

/* To oneself, to nobody, or to somebody who may be there or not. */
static void
put_private(struct client *c, int self)
{
	int to = (int)random_below(sim.profile.nclients);
	char head[32];
	struct item *item;

	if (random_percent(10)) {
		put(c, "/msg nobody hello\n");
		expect(c, CHAT_NO_SUCH_NAME);
		return;
	}
	/* Who is written before this one has its name already. */
	if (to > self || sim.clients[to].renames)
		to = self;
	if (to == self && c->renames)
		return;
	put(c, "/msg ");
	put(c, sim.clients[to].name);
	put(c, " ");
	snprintf(head, sizeof(head), "p%d ", c->nitems);
	item = put_text(c, RECORD_PRIVATE, head);
	put(c, "\n");
	item->to_client = to;
	if (to != self) {
		item->reply = c->nreplies;
		expect(c, CHAT_NO_SUCH_NAME);
	}
}

static void
put_join(struct client *c)
{
	char line[32];
	struct item *item;

	item = item_add(c, RECORD_JOIN, "");
	item->room = (int)random_below(sim.profile.lapping ? 2 : ROOMS);
	if (item->room == c->room_then) {
		c->nwhoamis++;
		c->nitems--;
	}
	c->room_then = item->room;
	c->nmoves++;
	snprintf(line, sizeof(line), "/join room%d\n", item->room);
	put(c, line);
}

/* A command that does something. */
static void
put_command(struct client *c, int self)
{
	char head[32];

	switch (random_below(6)) {
	case 0:
		put(c, "/me ");
		snprintf(head, sizeof(head), "a%d ", c->nitems);
		put_text(c, RECORD_ACTION, head);
		put(c, "\n");
		break;
	case 1:
		if (c->renames && c->nreplies < 20)
			put_nick(c);
		break;
	case 2:
		if (c->nreplies < 40)
			put_private(c, self);
		break;
	case 3:
		if (c->nmoves < STAYS - 1)
			put_join(c);
		break;
	case 4:
		if (c->nwhos == WHOS)
			break;
		put(c, "/who\n");
		c->whos[c->nwhos++] = c->text.len;
		break;
	case 5:
		put(c, "/whoami\n");
		c->nwhoamis++;
		break;
	}
}

static void
put_talk(struct client *c, int self, bool clumsy)
{
	unsigned n = random_below(sim.profile.messages + 1);

	for (unsigned i = 0; i < n; i++) {
		if (random_percent(2))
			put(c, "\n");
		if (clumsy && c->nreplies < 20 && random_percent(20))
			put_refused(c);
		if (random_percent(sim.profile.commands)) {
			put_command(c, self);
			continue;
		}
		put_message(c, (int)i);
		if (i + 1 < n || random_percent(80))
			put_end(c);
	}
}

/* Wrong lines before a right one, each with something behind it. */
static void
put_wrong(struct client *c, bool name, int *wrong)
{
	size_t from = c->text.len;

	if (name)
		put(c, random_percent(50) ? "a:b\n" : "\n");
	else
		put(c, random_percent(50) ? "\n" : "x\x01y\n");
	if (random_percent(50))
		put(c, "thrown away\nwith this\n");
	expect(c, name ? CHAT_BAD_NAME : CHAT_BAD_ROOM);
	++*wrong;
	op_send(c, from, true);
	op(c, OP_REPLIES, (size_t)c->nreplies);
}

/* Choose a name that somebody has. */
static void
put_taken(struct client *c, int other, int *wrong)
{
	size_t from = c->text.len;

	op(c, OP_OTHER, (size_t)other);
	put(c, sim.clients[other].name);
	put(c, "\n");
	expect(c, CHAT_NAME_TAKEN);
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

static bool
ends_with_lf(const struct client *c)
{
	return c->text.len > 0 && c->text.data[c->text.len - 1] == '\n';
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
		if (!ends_with_lf(c))
			put(c, "\n");
		put_message(c, (int)i);
		put_end(c);
		op_send(c, from, false);
	}
}

static void
put_login(struct client *c, int i, bool clumsy, bool patient)
{
	char line[32];
	size_t from;
	int wrong = 0, other = somebody(i);

	if (clumsy && random_percent(40))
		put_wrong(c, false, &wrong);
	from = c->text.len;
	snprintf(line, sizeof(line), "Room%d", c->room);
	put(c, line);
	put_end(c);
	if (clumsy || patient)
		op_send(c, from, false);
	if (clumsy && random_percent(30))
		put_wrong(c, true, &wrong);
	if (clumsy && wrong < 2 && other >= 0 && random_percent(40))
		put_taken(c, other, &wrong);
	if (clumsy || patient)
		from = c->text.len;
	put(c, c->name);
	put_end(c);
	if (clumsy || patient) {
		op_send(c, from, false);
		op(c, OP_JOINED, 0);
		from = c->text.len;
	}
	put_talk(c, i, clumsy);
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
	else if (!ends_with_lf(c) && c->nitems > 0)
		c->nitems--;
	op(c, OP_RESET, 0);
}

static void
put_goodbye(struct client *c)
{
	size_t from = c->text.len;
	unsigned how = random_below(100);

	if (random_percent(60))
		op(c, OP_BARRIER, 0);
	if (how < 50) {
		op(c, OP_FIN, 0);
	} else if (how < 80) {
		if (!ends_with_lf(c))
			put(c, "\n");
		put(c, "/quit\n");
		if (random_percent(30))
			put(c, "nobody reads this\nnor this");
		op_send(c, from, false);
		if (random_percent(50))
			op(c, OP_FIN, 0);
	} else {
		put_reset(c);
	}
	op(c, OP_END, 0);
	/* Who has left and doesn't read is cut off. */
	if (how >= 50 && how < 80 && c->nreplies == 0 && c->nmoves == 0 &&
	    c->nwhos == 0 && c->nwhoamis == 0 && random_percent(10))
		c->deaf = c->silent = c->resets = true;
}

/* Says too little to be let in, and waits. */
static void
put_silence(struct client *c)
{
	c->silent = true;
	c->joins = false;
	if (random_percent(50)) {
		put(c, "Room");
		if (random_percent(50))
			put(c, "0\nHalfAName");
		op_send(c, 0, false);
	}
	expect(c, CHAT_LOGIN_TIMEOUT);
	op(c, OP_END, 0);
}

/* Three wrong lines. */
static void
put_three_wrong(struct client *c)
{
	int wrong = 0;

	c->joins = false;
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
	    .text = old.text, .said = old.said, .got = old.got, .joins = true};
	c->text.len = c->said.len = c->got.len = 0;
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
		put_goodbye(c);
	}
}
