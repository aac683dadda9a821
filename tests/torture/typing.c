/* SPDX-License-Identifier: MIT */
/*
 * Clients that send keys: they agree to what telnet asks of them, make detours
 * on their way to a line, leave half a line on the screen at times, and look
 * at it.  Each line must be seen once where it was typed, in order, and lines
 * of the server on rows of their own; the last row is what is half typed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/row.h"
#include "proxy/telnet.h"
#include "tests/harness/display.h"
#include "tests/torture/torture.h"

#define ANSWERS_MAX 256
#define SKIP_MAX 64 /* lines that a typist may not see, one after the other */

struct typing {
	struct display display;
	bool ansi, on; /* it sends keys by now */
	unsigned width;
	uint8_t verb, sub_option;
	char answers[ANSWERS_MAX];
	size_t answers_len;
	char line[LINE_MAX_SENT + 64]; /* typed so far */
	size_t len;
	bool half; /* a line that is not meant */
	size_t cursor;
	uint64_t *own; /* hashes of lines that it must see */
	size_t nown, own_size;
};

static void on_row(void *context, const char *row, size_t len);

void
typing_make(struct client *c)
{
	c->typing = calloc(1, sizeof(*c->typing));
	if (c->typing == NULL)
		abort();
}

static void
answer(struct typing *t, const void *bytes, size_t len)
{
	if (len > sizeof(t->answers) - t->answers_len)
		abort();
	memcpy(t->answers + t->answers_len, bytes, len);
	t->answers_len += len;
}

/* A new connection. */
void
typing_begin(struct client *c)
{
	static const unsigned widths[] = {0, 30, 80, 132, 500};
	struct typing *t = c->typing;

	t->width = widths[chance_below(COUNT(widths))];
	t->ansi = chance_of(60);
	t->on = t->half = false;
	t->verb = 0;
	t->answers_len = t->len = t->cursor = t->nown = 0;
	display_init(&t->display, t->width == 0 ? 80 : t->width, on_row, c);
	answer(t, "\xff\xfb\x18", 3);
}

static uint64_t
hash(const char *bytes, size_t len)
{
	uint64_t h;

	while (len > 0 && bytes[len - 1] == ' ')
		len--;
	for (h = len + 1; len > 0; len--)
		h = (h ^ (unsigned char)*bytes++) * UINT64_C(0x100000001b3);
	return h;
}

static void
own_add(struct typing *t, uint64_t h)
{
	if (t->nown == t->own_size) {
		t->own_size = t->own_size == 0 ? 64 : 2 * t->own_size;
		t->own = realloc(t->own, t->own_size * sizeof(*t->own));
		if (t->own == NULL)
			abort();
	}
	t->own[t->nown++] = h;
	counts.typed++;
}

/* Keys after which the line is as it was, if there is room for them. */
static void
put_detour(struct client *c, size_t left)
{
	static const char *const detours[] = {"q\x7f", "q\b", "\x01zz\b\b\x05",
	    "\x05", "pq\033[D\b\x05\x7f", "\033[D\033[D\x05", "\001\033[F",
	    "\x01\033[C\033[C\x05"};

	if (chance_below(40) != 0 || c->typing->len > LINE_MAX_SENT - 100 ||
	    OUT_SIZE - (c->out_len - c->out_at) < left + LINE_MAX_SENT)
		return;
	for (uint32_t n = 1 + chance_below(3); n > 0; n--) {
		const char *detour = detours[chance_below(COUNT(detours))];

		client_put(c, detour, strlen(detour));
	}
}

static void
put_enter(struct client *c)
{
	struct typing *t = c->typing;

	client_put(c, chance_of(50) ? "\r\n" : "\r\0", 2);
	own_add(t, hash(t->line, t->len));
	t->len = 0;
}

/* Type text with LF as the ends of its lines. */
void
typing_say(struct client *c, const char *bytes, size_t len)
{
	struct typing *t = c->typing;

	if (t->half)
		client_put(c, chance_of(50) ? "\x05\x15" : "\x03\x03", 2);
	t->half = false;
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\r')
			continue;
		if (bytes[i] == '\n') {
			put_enter(c);
			continue;
		}
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			put_detour(c, len - i);
		client_put(c, bytes + i, 1);
		if (t->len == sizeof(t->line))
			abort();
		t->line[t->len++] = bytes[i];
	}
}

/* Perhaps type a line halfway, and leave the cursor somewhere in it. */
void
typing_half(struct client *c)
{
	struct typing *t = c->typing;
	uint32_t n = chance_below(8);
	char line[64];
	int len;

	if (t->half || t->len > 0 || !chance_of(30))
		return;
	len = snprintf(line, sizeof(line), "half of a line of t%u", c->index);
	client_put(c, line, (size_t)len);
	memcpy(t->line, line, (size_t)len + 1);
	t->half = true;
	t->cursor = (size_t)len - n;
	counts.halves++;
	while (n-- > 0)
		client_put(c, "\033[D", 3);
}

/* Take back what is half typed. */
void
typing_clear(struct client *c)
{
	if (c->typing == NULL || !c->typing->half)
		return;
	c->typing->half = false;
	c->typing->len = 0;
	client_put(c, "\x03", 1);
}

/* Has telnet said what it has to say?  Before, nothing may be typed. */
bool
typing_may_send(struct client *c)
{
	struct typing *t = c->typing;
	ssize_t n;

	if (t == NULL)
		return true;
	if (t->answers_len > 0) {
		n = send(c->fd, t->answers, t->answers_len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			t->answers_len -= (size_t)n;
			memmove(t->answers, t->answers + n, t->answers_len);
		}
	}
	return t->on && t->answers_len == 0;
}

/* What is read. */

static size_t
prompt_len(const char *row, size_t len)
{
	static const char *const prompts[] = {
	    "Enter room name: ", "Enter username: "};

	for (size_t i = 0; i < COUNT(prompts); i++) {
		size_t n = strlen(prompts[i]);

		if (len >= n - 1 && memcmp(row, prompts[i], n - 1) == 0)
			return MIN(n, len);
	}
	return 0;
}

/* A row that the client has typed: the next one that it waits for. */
static void
on_own(struct client *c, const char *row, size_t len)
{
	struct typing *t = c->typing;
	uint64_t h = hash(row, len);

	for (size_t i = 0; i < MIN(t->nown, (size_t)SKIP_MAX); i++) {
		if (t->own[i] != h)
			continue;
		if (i > 0)
			wrong(CHECK_LOST,
			    "room %u, t%u does not see %zu lines it has typed",
			    c->room, c->index, i);
		counts.unseen += i;
		t->nown -= i + 1;
		memmove(t->own, t->own + i + 1, t->nown * sizeof(*t->own));
		return;
	}
	wrong(CHECK_BYTES, "room %u, t%u sees a row that it has not typed",
	    c->room, c->index);
	report_bytes("row", row, len, 0);
}

static void
on_row(void *context, const char *row, size_t len)
{
	static char line[DISPLAY_ROW_MAX + 1];
	struct client *c = context;
	size_t prompt = prompt_len(row, len);

	if (prompt > 0 || len == 0 ||
	    strchr("t*{[W\xf0", (unsigned char)row[0]) == NULL) {
		on_own(c, row + prompt, len - prompt);
		return;
	}
	if (row[0] == 'W')
		return;
	memcpy(line, row, len);
	line[len++] = '\n';
	reader_line(c, line, len);
}

static void
on_option(struct client *c, uint8_t verb, uint8_t option)
{
	struct typing *t = c->typing;
	uint8_t yes[] = {
	    TELNET_IAC, verb == TELNET_DO ? TELNET_WILL : TELNET_DO, option};
	uint8_t size[] = {TELNET_IAC, TELNET_SB, TELNET_NAWS,
	    (uint8_t)(t->width >> 8), (uint8_t)t->width, 0, 24, TELNET_IAC,
	    TELNET_SE};

	if (verb != TELNET_DO && verb != TELNET_WILL)
		wrong(CHECK_BYTES, "room %u, t%u: telnet says %u %u", c->room,
		    c->index, verb, option);
	if (verb == TELNET_DO && option == TELNET_TTYPE)
		return; /* it has begun with that */
	if (option == TELNET_NAWS && t->width == 0)
		yes[1] = TELNET_WONT;
	answer(t, yes, sizeof(yes));
	if (option == TELNET_NAWS && t->width != 0)
		answer(t, size, sizeof(size));
	t->on |= option == TELNET_ECHO;
}

static void
on_sub(struct typing *t)
{
	static const char accepted[] = "\xff\xfa\x2a\x02UTF-8\xff\xf0";
	static const char xterm[] = "\xff\xfa\x18\0xterm\xff\xf0";
	static const char dumb[] = "\xff\xfa\x18\0dumb\xff\xf0";

	if (t->sub_option == TELNET_CHARSET)
		answer(t, accepted, sizeof(accepted) - 1);
	else
		answer(t, t->ansi ? xterm : dumb,
		    t->ansi ? sizeof(xterm) - 1 : sizeof(dumb) - 1);
}

/* A byte of telnet; returns whether it is for the screen. */
static bool
is_shown(struct client *c, uint8_t byte)
{
	struct typing *t = c->typing;

	switch (t->verb) {
	case 0:
		t->verb = byte == TELNET_IAC ? byte : 0;
		return byte != TELNET_IAC;
	case TELNET_IAC:
		t->verb = byte;
		t->sub_option = 0;
		return false;
	case TELNET_SB:
		if (t->sub_option == 0)
			t->sub_option = byte;
		if (byte == TELNET_IAC)
			t->verb = TELNET_SE;
		return false;
	case TELNET_SE:
		on_sub(t);
		t->verb = 0;
		return false;
	default:
		on_option(c, t->verb, byte);
		t->verb = 0;
		return false;
	}
}

void
typing_read(struct client *c, const char *data, size_t len)
{
	struct display *d = &c->typing->display;

	for (size_t i = 0; i < len; i++)
		if (is_shown(c, (uint8_t)data[i]))
			display_write(d, data + i, 1);
	if (d->odd != NULL)
		wrong(CHECK_BYTES, "room %u, t%u: its screen is told %s",
		    c->room, c->index, d->odd);
	d->odd = NULL;
	(void)typing_may_send(c);
}

/* Is the last row what is half typed, and all else seen? */
bool
typing_is_right(const struct client *c)
{
	static struct display should;
	static char is_text[DISPLAY_ROW_MAX], should_text[DISPLAY_ROW_MAX];
	static char bytes[ROW_OUTPUT_MAX(64)];
	const struct typing *t = c->typing;
	struct output out = {bytes, 0, sizeof(bytes)};
	struct screen screen;
	struct row row = {.prompt = "", .text = ""};
	size_t len;

	if (t == NULL)
		return true;
	if (t->half) {
		row.text = t->line;
		row.len = strlen(t->line);
		row.cursor = t->cursor;
	}
	screen = (struct screen){row_width(t->width), CHARSET_UTF8, t->ansi};
	row_draw(&screen, &row, &out);
	display_init(&should, t->display.width, NULL, NULL);
	display_write(&should, out.bytes, out.len);
	len = display_row(&t->display, is_text);
	return t->nown == 0 && len == display_row(&should, should_text) &&
	       memcmp(is_text, should_text, len) == 0 &&
	       display_column(&t->display) == display_column(&should);
}

/* Why not? */
void
typing_complain(const struct client *c)
{
	static char row[DISPLAY_ROW_MAX];
	size_t len;

	if (c->typing == NULL)
		return;
	len = display_row(&c->typing->display, row);
	printf("  keys %s, %zu own lines not seen, %s, cursor at %u\n",
	    c->typing->on ? "on" : "off", c->typing->nown,
	    c->typing->half ? c->typing->line : "nothing half typed",
	    display_column(&c->typing->display));
	report_bytes("row", row, len, 0);
}
