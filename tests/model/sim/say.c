/* SPDX-License-Identifier: MIT */
/*
 * What a client says, and what must come of it: messages, commands, and lines
 * that are refused.
 */
#include <stdio.h>
#include <string.h>

#include "tests/model/sim/sim.h"

/* Text with LF as line end, written as the client's protocol has it. */
void
say_put(struct client *c, const char *text)
{
	for (; *text != '\0'; text++) {
		if (c->edits)
			typing_put(c, *text);
		else if (c->telnet)
			telnet_put(c, *text);
		else if (c->web)
			web_put(c, *text);
		else
			bytes_add(&c->text, text, 1);
	}
}

void
say_expect(struct client *c, enum chat_error code)
{
	if (c->nreplies < REPLIES)
		c->replies[c->nreplies++] = (uint16_t)code;
}

static void
put_run(struct client *c, char letter, size_t n)
{
	char run[1025];

	n = MIN(n, sizeof(run) - 1);
	memset(run, letter, n);
	run[n] = '\0';
	say_put(c, run);
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
	if (type == RECORD_TOPIC)
		pad = MIN(pad, (size_t)100);
	say_put(c, head);
	if (sim.profile.edits > 0) /* blanks at an end are not seen */
		pad = MAX(pad, (size_t)1);
	if (pad > 0 && !c->edits && random_percent(3))
		say_put(c, "\x01\x7f");
	put_run(c, 'x', pad);
	n = (size_t)snprintf(text, sizeof(text), "%s", head);
	/* Blanks at a command's end are none of its text. */
	n -= type != RECORD_MESSAGE && pad == 0;
	memset(text + n, 'x', pad);
	text[n + pad] = '\0';
	return item_add(c, type, text);
}

/* A message, and the line that the others read. */
void
say_message(struct client *c)
{
	bool slash = random_percent(5);
	char head[32];

	snprintf(head, sizeof(head), "%sm%d ", slash ? "/" : "", c->nitems);
	if (slash)
		say_put(c, "/");
	put_text(c, RECORD_MESSAGE, head);
}

void
say_end(struct client *c)
{
	say_put(c, !c->telnet && random_percent(10) ? "\r\n" : "\n");
}

bool
say_is_ended(const struct client *c)
{
	char last = c->text.len > 0 ? c->text.data[c->text.len - 1] : 'x';

	if (c->edits)
		return c->line.len == 0;
	if (c->web)
		return c->line.len > 0 ? c->line.data[c->line.len - 1] == '\n'
				       : c->lf;
	return last == '\n' || (c->telnet && last == '\0');
}

/* A line that is refused after the join. */
static void
put_refused(struct client *c)
{
	/* Keys are no text, nor is more of it taken in than there may be. */
	switch (c->edits ? 0 : random_below(3)) {
	case 0:
		say_put(c, "/nonsense with words\n");
		say_expect(c, CHAT_UNKNOWN_COMMAND);
		break;
	case 1:
		say_put(c, "\x02\x03\n");
		say_expect(c, CHAT_BAD_TEXT);
		break;
	case 2:
		put_run(c, 'L', MAX_LINE + 1 + random_below(700));
		say_put(c, "\n");
		say_expect(c, CHAT_TOO_LONG);
		break;
	}
}

/* Another name, which nobody else ever has. */
static void
put_nick(struct client *c)
{
	char name[LIMIT_NAME + 8];

	if (random_percent(10)) {
		say_put(c, "/nick a:b\n");
		say_expect(c, CHAT_BAD_NAME);
		return;
	}
	snprintf(name, sizeof(name), "%s%c%d", c->name,
	    'a' + (char)random_below(26), c->nitems);
	say_put(c, "/nick ");
	say_put(c, name);
	say_put(c, "\n");
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
		say_put(c, "/msg nobody hello\n");
		say_expect(c, CHAT_NO_SUCH_NAME);
		return;
	}
	/* Who is written before this one has its name already. */
	if (to > self || sim.clients[to].renames)
		to = self;
	if (to == self && c->renames)
		return;
	say_put(c, "/msg ");
	say_put(c, sim.clients[to].name);
	say_put(c, " ");
	snprintf(head, sizeof(head), "p%d ", c->nitems);
	item = put_text(c, RECORD_PRIVATE, head);
	say_put(c, "\n");
	item->to_client = to;
	if (to != self) {
		item->reply = c->nreplies;
		say_expect(c, CHAT_NO_SUCH_NAME);
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
	say_put(c, line);
}

/* An action, or a topic. */
static void
put_said(struct client *c, enum record_type type)
{
	char head[32];

	say_put(c, type == RECORD_TOPIC ? "/topic " : "/me ");
	snprintf(head, sizeof(head), "%c%d ", type == RECORD_TOPIC ? 't' : 'a',
	    c->nitems);
	put_text(c, type, head);
	say_put(c, "\n");
}

static void
put_who(struct client *c)
{
	if (c->nwhos == WHOS)
		return;
	say_put(c, "/who");
	c->whos[c->nwhos++] = c->text.len + 1;
	say_put(c, "\n");
	if (c->web) {
		web_flush(c);
		c->whos[c->nwhos - 1] = c->text.len;
	}
}

static void
put_history(struct client *c)
{
	char line[32];

	if (random_percent(20)) {
		say_put(c, "/history since 0\n");
		return;
	}
	if (c->nhistories == HISTORIES)
		return;
	c->histories[c->nhistories++] = 1 + (int)random_below(15);
	snprintf(line, sizeof(line), "/history %d\n",
	    c->histories[c->nhistories - 1]);
	say_put(c, line);
}

/* Somebody whose name stays; the second time it is heard again. */
static void
put_ignore(struct client *c, int self)
{
	if (sim.profile.lapping || self == 0)
		return;
	if (c->ignores < 0) {
		int whom = (int)random_below((unsigned)self);

		if (sim.clients[whom].renames)
			return;
		c->ignores = whom;
	}
	say_put(c, c->nignores++ % 2 == 0 ? "/ignore " : "/unignore ");
	say_put(c, sim.clients[c->ignores].name);
	say_put(c, "\n");
	c->nanswers++;
}

/* A question whose answer is a reply of one kind. */
static void
put_question(struct client *c)
{
	static const char *const questions[] = {"/topic\n", "/rooms\n",
	    "/help\n", "/format json\n", "/format text\n"};
	unsigned i = random_below(COUNT(questions));

	if (sim.profile.lapping && i >= 3)
		i = 0; /* what is left of an object tells nothing */
	say_put(c, questions[i]);
	c->nanswers++;
}

/* A command that does something. */
static void
put_command(struct client *c, int self)
{
	c->questions++;
	switch (random_below(11)) {
	case 0:
		put_said(c, RECORD_ACTION);
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
		put_who(c);
		break;
	case 5:
		say_put(c, "/whoami\n");
		c->nwhoamis++;
		break;
	case 6:
		put_said(c, RECORD_TOPIC);
		break;
	case 7:
	case 8:
		put_question(c);
		break;
	case 9:
		put_history(c);
		break;
	case 10:
		put_ignore(c, self);
		break;
	}
}

void
say_talk(struct client *c, int self, bool clumsy)
{
	unsigned n = random_below(sim.profile.messages + 1);

	for (unsigned i = 0; i < n; i++) {
		if (random_percent(2))
			say_put(c, "\n");
		if (clumsy && c->nreplies < 20 && random_percent(20))
			put_refused(c);
		if (random_percent(sim.profile.commands)) {
			put_command(c, self);
			continue;
		}
		say_message(c);
		if (i + 1 < n || c->web || random_percent(80))
			say_end(c);
	}
}
