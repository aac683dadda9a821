/* SPDX-License-Identifier: MIT */
/*
 * Telnet clients in edit mode: they agree to all that the server asks for,
 * send keys, and have a screen.  Rows that the server writes are lines for all
 * else here; the others are what the client has typed itself, each of them once
 * and in order, where it was typed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/row.h"
#include "proxy/telnet.h"
#include "tests/harness/display.h"
#include "tests/harness/typist.h"
#include "tests/model/sim/sim.h"

static struct display displays[CLIENTS];

static int
number_of(const struct client *c)
{
	return (int)(c - sim.clients);
}

/* What is read. */

static bool
begins(const char *row, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && memcmp(row, with, n) == 0;
}

/* Is it a line that the server wrote? */
static bool
is_servers(const char *row, size_t len)
{
	static const char *const heads[] = {"\xf0\x9f", "*** ", "* ", "User",
	    "[private] ", "[Yes]", "Welcome to ", "{"};

	for (size_t i = 0; i < COUNT(heads); i++)
		if (begins(row, len, heads[i]))
			return true;
	return false;
}

static size_t
prompt_len(const char *row, size_t len)
{
	static const char *const prompts[] = {
	    "Enter room name: ", "Enter username: "};

	for (size_t i = 0; i < COUNT(prompts); i++) {
		size_t n = strlen(prompts[i]);

		if (begins(row, len, prompts[i]))
			return n;
		if (len == n - 1 && memcmp(row, prompts[i], len) == 0)
			return len; /* its blank was taken for none */
	}
	return 0;
}

/* May it be that not all of what was typed stands there? */
static bool
is_forgiven(const struct client *c)
{
	return sim.profile.small_pool || c->evictions > 0 || c->silent ||
	       sim.master.stopping;
}

/* The client's own line that must come next, less blanks at its end. */
static const char *
own_next(const struct client *c, size_t at, size_t *len)
{
	const char *line = c->own.data + at, *end;

	if (at == c->own.len)
		return NULL;
	end = memchr(line, '\n', c->own.len - at);
	*len = (size_t)(end - line);
	while (*len > 0 && line[*len - 1] == ' ')
		--*len;
	return line;
}

static size_t
own_behind(const struct client *c, size_t at)
{
	const char *line = c->own.data + at;

	return at +
	       (size_t)((char *)memchr(line, '\n', c->own.len - at) - line) + 1;
}

static void
on_own(struct client *c, const char *row, size_t len)
{
	const char *next;
	size_t n = 0, at = c->own_at;

	for (size_t i = c->nown; (next = own_next(c, at, &n)) != NULL; i++) {
		at = own_behind(c, at);
		if (n == len && memcmp(next, row, n) == 0) {
			c->own_at = at;
			c->nown = i + 1;
			sim.total.own_rows++;
			return;
		}
		if (!is_forgiven(c))
			break;
	}
	if (is_forgiven(c))
		return;
	next = own_next(c, c->own_at, &n);
	fail("%s sees the row '%.*s' and not the one it typed, '%.*s'", c->name,
	    (int)len, row, (int)n, next == NULL ? "" : next);
}

static void
on_row(void *context, const char *row, size_t len)
{
	struct client *c = context;
	size_t prompt = prompt_len(row, len);

	TRACE("%s sees the row %.*s", c->name, (int)len, row);
	if (prompt > 0 || !is_servers(row, len)) {
		on_own(c, row + prompt, len - prompt);
		return;
	}
	bytes_add(&c->got, row, len);
	bytes_add(&c->got, "\n", 1);
	dialect_line(c);
}

static void
answer(struct client *c, const void *bytes, size_t len)
{
	bytes_add(&c->answers, bytes, len);
}

static void
answer_option(struct client *c, uint8_t verb, uint8_t option)
{
	uint8_t bytes[] = {TELNET_IAC, verb, option};

	answer(c, bytes, sizeof(bytes));
}

/* DO or WILL from the server: all that there is, but for the window's size. */
static void
on_asked(struct client *c, uint8_t verb, uint8_t option)
{
	uint64_t bit = UINT64_C(1) << option % 64;
	uint64_t *heard = verb == TELNET_DO ? &c->heard_do : &c->heard_will;
	uint8_t size[] = {TELNET_IAC, TELNET_SB, TELNET_NAWS,
	    (uint8_t)(c->width >> 8), (uint8_t)c->width, 0, 24, TELNET_IAC,
	    TELNET_SE};

	if (verb != TELNET_DO && verb != TELNET_WILL)
		fail("%s is told %u %u", c->name, verb, option);
	if ((*heard & bit) != 0)
		fail("%s is told %u %u twice", c->name, verb, option);
	*heard |= bit;
	if (verb == TELNET_WILL) {
		answer_option(c, TELNET_DO, option);
		return;
	}
	if (option == TELNET_NAWS && c->width == 0) {
		answer_option(c, TELNET_WONT, option);
		return;
	}
	/* It has begun with that one by itself, or it is asked. */
	if (option != TELNET_TTYPE || c->passive)
		answer_option(c, TELNET_WILL, option);
	if (option == TELNET_NAWS)
		answer(c, size, sizeof(size));
}

static void
on_sub(struct client *c)
{
	static const char accepted[] = "\xff\xfa\x2a\x02UTF-8\xff\xf0";
	static const char rejected[] = "\xff\xfa\x2a\x03\xff\xf0";
	static const char xterm[] = "\xff\xfa\x18\0xterm\xff\xf0";
	static const char dumb[] = "\xff\xfa\x18\0dumb\xff\xf0";

	if (c->sub_option == TELNET_TTYPE)
		answer(c, c->ansi ? xterm : dumb,
		    c->ansi ? sizeof(xterm) - 1 : sizeof(dumb) - 1);
	else if (c->sub_option != TELNET_CHARSET)
		fail("%s reads a subnegotiation of %u", c->name, c->sub_option);
	else if (c->detours % 2 == 0)
		answer(c, accepted, sizeof(accepted) - 1);
	else
		answer(c, rejected, sizeof(rejected) - 1);
}

/* A byte of telnet; returns whether it is for the screen. */
static bool
is_shown(struct client *c, uint8_t byte)
{
	switch (c->verb) {
	case 0:
		c->verb = byte == TELNET_IAC ? byte : 0;
		return byte != TELNET_IAC;
	case TELNET_IAC:
		if (byte < TELNET_SB)
			fail("%s is told %u", c->name, byte);
		c->verb = byte;
		c->sub_option = 0;
		return false;
	case TELNET_SB:
		if (c->sub_option == 0)
			c->sub_option = byte;
		if (byte == TELNET_IAC)
			c->verb = TELNET_SE;
		return false;
	case TELNET_SE:
		if (byte != TELNET_SE)
			fail("%s reads a subnegotiation with IAC %u", c->name,
			    byte);
		on_sub(c);
		c->verb = 0;
		return false;
	default:
		on_asked(c, c->verb, byte);
		c->verb = 0;
		return false;
	}
}

void
typing_read(struct client *c, const char *data, size_t len)
{
	struct display *d = &displays[number_of(c)];

	for (size_t i = 0; i < len; i++) {
		if (!is_shown(c, (uint8_t)data[i]))
			continue;
		display_write(d, data + i, 1);
		if (d->odd != NULL)
			fail("%s: its screen is told %s", c->name, d->odd);
	}
}

/* In line mode the client itself shows what it sends. */
void
typing_sent(struct client *c, size_t from, size_t to)
{
	struct display *d = &displays[number_of(c)];

	if (c->passive && from < c->keys_from)
		display_write(
		    d, c->text.data + from, MIN(to, c->keys_from) - from);
}

/* Answer what was asked.  False if there is nothing to say. */
bool
typing_answer(struct client *c)
{
	struct bytes *in = &c->conn->in;
	size_t n = c->answers.len - c->answers_sent;

	if (n == 0 || c->conn->rst || c->conn->shut_rd || c->conn->fin_in ||
	    c->conn->refs == 0)
		return false;
	if (c->web && !c->answering && !web_may_answer(c))
		return false;
	/* Not in the middle of a command of the script's. */
	if (c->telnet && !c->answering && in->len > 0 &&
	    (uint8_t)in->data[in->len - 1] == TELNET_IAC)
		return false;
	n = 1 + random_below((unsigned)n);
	bytes_add(in, c->answers.data + c->answers_sent, n);
	c->answers_sent += n;
	c->answering = c->answers_sent < c->answers.len;
	return true;
}

/* Has it sent its yes to ECHO?  What it sends from then on are keys. */
bool
typing_is_on(const struct client *c)
{
	return (c->heard_will & UINT64_C(1) << TELNET_ECHO) != 0 &&
	       c->answers_sent == c->answers.len;
}

/* Is it at the prompt for its room's name? */
bool
typing_is_asked(const struct client *c)
{
	char row[DISPLAY_ROW_MAX];
	size_t len = display_row(&displays[number_of(c)], row);

	return begins(row, len, "Enter room name:") &&
	       display_column(&displays[number_of(c)]) == 17;
}

void
typing_reset(struct client *c)
{
	static const unsigned widths[] = {20, 33, 80, 132, 1000};
	size_t i = random_below(COUNT(widths));

	c->ansi = random_percent(60);
	/* To be drawn at all, a row must fit into a queue that is empty. */
	while (i > 0 && widths[i] * (c->ansi ? 1 : 4) > sim.profile.sndbuf / 2)
		i--;
	c->width = widths[i] == 80 && random_percent(80) ? 0 : widths[i];
	c->passive = random_percent(50);
	c->detours = random_below(random_percent(50) ? 10 : 50);
	c->keys_from = SIZE_MAX;
	c->answers.len = c->own.len = c->own_ends.len = c->line.len = 0;
	display_init(
	    &displays[number_of(c)], c->width == 0 ? 80 : c->width, on_row, c);
}

/* What it is asked for, when all it has sent was seen to. */
static const char *
prompt_now(const struct client *c)
{
	if (c->nstays > 0 || c->sent >= c->joins_at)
		return "";
	return c->sent >= c->names_at ? "Enter username: "
				      : "Enter room name: ";
}

/* All has come to rest: the last row must be what is half typed. */
void
typing_check(const struct client *c)
{
	static struct display should;
	static char is_text[DISPLAY_ROW_MAX], should_text[DISPLAY_ROW_MAX];
	static char bytes[ROW_OUTPUT_MAX(MAX_LINE + 128)];
	const struct display *is = &displays[number_of(c)];
	struct screen screen = {row_width(c->width), CHARSET_UTF8, c->ansi};
	struct output out = {bytes, 0, sizeof(bytes)};
	const char *prompt = prompt_now(c);
	const size_t *ends = (const size_t *)(const void *)c->own_ends.data;
	size_t is_len, should_len;
	struct typist t;
	struct row row;

	if (!typing_is_on(c) || c->sent < c->keys_from || c->evictions > 0)
		return;
	typist_init(&t);
	typist_keys(&t, c->text.data + c->keys_from, c->sent - c->keys_from);
	row = (struct row){prompt, strlen(prompt), t.text, t.len, t.cursor};
	row_draw(&screen, &row, &out);
	display_init(&should, is->width, NULL, NULL);
	display_write(&should, out.bytes, out.len);
	is_len = display_row(is, is_text);
	should_len = display_row(&should, should_text);
	if (is_len != should_len || memcmp(is_text, should_text, is_len) != 0 ||
	    display_column(is) != display_column(&should))
		fail("%s sees its row as '%.*s', %u, and not '%.*s', %u",
		    c->name, (int)is_len, is_text, display_column(is),
		    (int)should_len, should_text, display_column(&should));
	if (!is_forgiven(c) && c->own_at < c->own.len &&
	    ends[c->nown] <= c->sent)
		fail("%s does not see what it has typed: %.40s", c->name,
		    c->own.data + c->own_at);
	sim.total.rows_checked++;
	sim.total.half_typed += t.len > 0;
}
