/* SPDX-License-Identifier: MIT */
/*
 * What clients read in whatever form, as the lines that it stands for: what
 * telnet adds is taken off, and objects of JSON are parsed, strictly.  The
 * form has to be the one asked for, from the answer on and not before.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tests/torture/torture.h"

#define IAC 0xff
#define WONT 0xfc
#define DONT 0xfe
#define WILL 0xfb
#define DO 0xfd
#define STATUS 5
#define LINEMODE 34
#define TTYPE 24
#define NAWS 31
#define CHARSET 42
#define TIME_LEN 24

/* What telnet says until the join, each behind what was said before. */
enum greet {
	GREET_HELLO,
	GREET_PROMPTS,
	GREET_NAME, /* only the last prompt, after an error */
	GREET_OVER,
};

static const char hello[] = "Welcome to Telnet Chat Proxy!\n";
static const char prompts[] = "Enter room name: Enter username: ";
static const char prompt[] = "Enter username: ";

/* A string of an object, unescaped. */
struct string {
	char *text;
	size_t len;
};

struct object {
	struct string type, time, room, name, text, code;
	uint64_t seq;
};

/* Of the object being parsed; no two are at the same time. */
static char strings[LINE_MAX_RAW];
static size_t strings_len;

/* Negotiate, for the server to refuse once. */
size_t
dialect_negotiate(struct client *c, char dst[DIALECT_ASKS])
{
	static const char asks[] = "\xff\xfd\x05\xff\xfb\x22\xff\xfa\x1f"
				   "\0\x50\0\xff\xff\xff\xf0";

	static_assert(sizeof(asks) - 1 == DIALECT_ASKS, "");
	memcpy(dst, asks, DIALECT_ASKS);
	c->answers += 2;
	return DIALECT_ASKS;
}

/*
 * What telnet says of an option: a refusal that was asked for, or a question,
 * which is left open.
 */
static void
option(struct client *c, unsigned char b)
{
	if (c->answers > 0 && ((c->iac == WONT && b == STATUS) ||
				  (c->iac == DONT && b == LINEMODE)))
		c->answers--;
	else if (!(c->iac == DO && (b == TTYPE || b == NAWS)) &&
		 !(c->iac == WILL && b == CHARSET))
		wrong(CHECK_BYTES, "room %u, t%u: telnet says %u %u", c->room,
		    c->index, c->iac, b);
}

/* Take telnet's answers out of `len` bytes; returns what is left. */
size_t
dialect_strip(struct client *c, char *data, size_t len)
{
	size_t n = 0;

	if (!c->telnet)
		return len;
	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)data[i];

		if (c->iac == 0 && b != IAC) {
			data[n++] = data[i];
		} else if (c->iac == 0 || c->iac == IAC) {
			c->iac = b;
		} else {
			option(c, b);
			c->iac = 0;
		}
	}
	return n;
}

static bool
begins(const char *line, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

/* Take the prompts off that stand before a line; false if it isn't as it is. */
static bool
take_prompts(struct client *c, const char **line, size_t *len)
{
	const char *before = c->greet == GREET_PROMPTS ? prompts : prompt;

	if (c->greet == GREET_OVER)
		return true;
	if (!begins(*line, *len, before))
		return false;
	*line += strlen(before);
	*len -= strlen(before);
	c->greet = begins(*line, *len, "*** ") ? GREET_NAME : GREET_OVER;
	return true;
}

static bool
take(const char **p, const char *end, const char *literal)
{
	size_t len = strlen(literal);

	if (!begins(*p, (size_t)(end - *p), literal))
		return false;
	*p += len;
	return true;
}

/* A string, from behind its first quote to behind its last. */
static bool
take_string(const char **p, const char *end, struct string *s)
{
	const char *q;

	s->text = strings + strings_len;
	for (; *p < end && **p != '"'; ++*p) {
		char b = **p;

		if ((unsigned char)b < ' ')
			return false;
		if (b == '\\') { /* of all that is said here only these two */
			if (++*p == end || (q = strchr("\"\\", **p)) == NULL)
				return false;
			b = *q;
		}
		strings[strings_len++] = b;
	}
	s->len = (size_t)(strings + strings_len - s->text);
	return take(p, end, "\"");
}

static bool
take_number(const char **p, const char *end, uint64_t *number)
{
	const char *first = *p;

	*number = 0;
	while (*p < end && **p >= '0' && **p <= '9' && *p - first < 19)
		*number = *number * 10 + (uint64_t)(*(*p)++ - '0');
	return *p > first && *first != '0';
}

static bool
is_time(const struct string *s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	if (s->len != TIME_LEN)
		return false;
	for (size_t i = 0; i < TIME_LEN; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)s->text[i])
				   : s->text[i] != form[i])
			return false;
	return true;
}

/* KEYS are the first letters of those behind type, seq and time. */
static bool
take_keys(const char **p, const char *end, const char *keys, struct object *o)
{
	for (; *keys != '\0'; keys++) {
		struct string *s;
		bool is;

		if (*keys == 'r')
			is = take(p, end, ",\"room\":\""), s = &o->room;
		else if (*keys == 'n')
			is = take(p, end, ",\"name\":\""), s = &o->name;
		else if (*keys == 't')
			is = take(p, end, ",\"text\":\""), s = &o->text;
		else
			is = take(p, end, ",\"code\":\""), s = &o->code;
		if (!is || !take_string(p, end, s))
			return false;
	}
	return take(p, end, "}\n") && *p == end;
}

/* What the types have, and the line that each stands for. */
static const struct type {
	const char *type, *keys;
	bool live;
	const char *before, *between, *after;
} types[] = {
    {"message", "rnt", true, "", ": ", ""},
    {"action", "rnt", true, "* ", " ", ""},
    {"private", "nt", true, "[private] ", ": ", ""},
    {"join", "rn", true, "🌟 ", "", " joined the room!"},
    {"leave", "rn", true, "👋 ", "", " left the room"},
    {"rename", "rnt", true, "*** ", " is now known as ", ""},
    {"topic", "rnt", true, "*** ", " set the topic: ", ""},
    {"reply", "t", false, "*** ", "", ""},
    {"error", "tc", false, "*** error ", ": ", ""},
};

static const struct type *
parse(const char *line, size_t len, struct object *o)
{
	const char *p = line, *end = line + len;

	memset(o, 0, sizeof(*o));
	strings_len = 0;
	if (!take(&p, end, "{\"type\":\"") || !take_string(&p, end, &o->type) ||
	    !take(&p, end, ",\"seq\":") || !take_number(&p, end, &o->seq) ||
	    !take(&p, end, ",\"time\":\"") || !take_string(&p, end, &o->time) ||
	    !is_time(&o->time))
		return NULL;
	for (size_t i = 0; i < COUNT(types); i++)
		if (o->type.len == strlen(types[i].type) &&
		    begins(o->type.text, o->type.len, types[i].type))
			return take_keys(&p, end, types[i].keys, o) ? &types[i]
								    : NULL;
	return NULL;
}

static char *
put(char *to, const char *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

/* The line that the object stands for; returns its bytes. */
static size_t
compose(const struct type *t, const struct object *o, char *line)
{
	const struct string *first = o->code.text != NULL ? &o->code : &o->name;
	char *to = put(line, t->before, strlen(t->before));

	if (first->text != NULL)
		to = put(to, first->text, first->len);
	to = put(to, t->between, strlen(t->between));
	if (o->text.text != NULL)
		to = put(to, o->text.text, o->text.len);
	to = put(to, t->after, strlen(t->after));
	*to++ = '\n';
	return (size_t)(to - line);
}

/* It speaks of the client's room, or of the one it has for itself. */
static bool
is_room(const struct client *c, const struct string *room)
{
	char own[NAME_SIZE], side[32];
	size_t len = text_room(c->room, own);
	size_t side_len =
	    (size_t)snprintf(side, sizeof(side), "side-%u", c->index);

	return room->text == NULL ||
	       (room->len == len && memcmp(room->text, own, len) == 0) ||
	       (room->len == side_len &&
		   memcmp(room->text, side, side_len) == 0);
}

/* Numbers of records rise; those of answers don't fall. */
static void
check_seq(struct client *c, const struct type *t, uint64_t seq)
{
	if (seq < c->seq + t->live)
		wrong(CHECK_ORDER,
		    "room %u, t%u: a %s has number %ju, after %ju", c->room,
		    c->index, t->type, (uintmax_t)seq, (uintmax_t)c->seq);
	c->seq = seq;
	counts.objects++;
}

/* Does the answer say that from this line on the form is another one? */
static void
take_form(struct client *c, const char *line, size_t len)
{
	if (c->nreplies == 0)
		return;
	if (c->replies[0] == ASKED_JSON &&
	    begins(line, len, "*** format is json\n"))
		c->json = true;
	if (c->replies[0] == ASKED_TEXT &&
	    begins(line, len, "*** format is text\n"))
		c->json = false;
}

/* One's own join line may come in the form that was asked for behind it. */
static bool
is_right_form(const struct client *c, bool json)
{
	return json == c->json || (!c->joined && json && c->asked_json);
}

/*
 * Make *line what it stands for.  False if that is nothing: what telnet says
 * first, or what must not be, which is told.
 */
bool
dialect_line(struct client *c, const char **line, size_t *len)
{
	static char plain[LINE_MAX_RAW], text[LINE_MAX_RAW];
	const char *raw = *line;
	size_t raw_len = *len;
	const struct type *type;
	struct object o;
	bool json;

	if (c->telnet && c->typing == NULL) {
		if (*len < 2 || (*line)[*len - 2] != '\r')
			goto stray;
		memcpy(plain, *line, *len - 2);
		plain[*len - 2] = '\n';
		*line = plain;
		*len -= 1;
		if (c->greet == GREET_HELLO && *len == sizeof(hello) - 1 &&
		    begins(*line, *len, hello)) {
			c->greet = GREET_PROMPTS;
			return false;
		}
		if (c->greet == GREET_HELLO || !take_prompts(c, line, len))
			goto stray;
	}
	json = **line == '{';
	if (json) {
		type = parse(*line, *len, &o);
		if (type == NULL || !is_room(c, &o.room))
			goto stray;
		check_seq(c, type, o.seq);
		*len = compose(type, &o, text);
		*line = text;
	}
	take_form(c, *line, *len);
	if (is_right_form(c, json))
		return true;
stray:
	wrong(CHECK_BYTES, "room %u, t%u: not as %s%s has it", c->room,
	    c->index, c->telnet ? "telnet, and " : "",
	    c->json ? "JSON" : "text");
	report_bytes("read", raw, raw_len, 0);
	return false;
}
