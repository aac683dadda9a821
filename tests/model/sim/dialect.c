/* SPDX-License-Identifier: MIT */
/*
 * What clients of each protocol write and read, from and to lines of text: all
 * else here knows text only.  A telnet client says more than its lines, and
 * what is answered comes between two lines; an object of JSON is a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/telnet.h"
#include "shared/base/clock.h"
#include "tests/model/sim/sim.h"

/* Refusals that are sure to find a place, whether they are read or not. */
#define ASKED_MAX 8
#define OPTIONS 40u

#define LINE 1400 /* bytes of a line, as text */

static void
put_bytes(struct client *c, const char *bytes, size_t len)
{
	bytes_add(&c->text, bytes, len);
}

/* Is it one that is agreed to, so that more comes of it? */
static bool
is_known(unsigned option)
{
	return option == TELNET_ECHO || option == TELNET_SGA ||
	       option == TELNET_TTYPE || option == TELNET_OPTION_EOR ||
	       option == TELNET_NAWS || option == TELNET_BINARY ||
	       option == TELNET_CHARSET;
}

/* An option that is asked for, once, and the refusal that must come. */
static void
put_option(struct client *c, uint8_t verb)
{
	char bytes[3] = {(char)TELNET_IAC, (char)verb};
	uint64_t *asked = verb == TELNET_DO ? &c->refused_do : &c->refused_will;
	unsigned option = 1 + random_below(OPTIONS);

	if (c->asked == ASKED_MAX || option == TELNET_TIMING_MARK ||
	    is_known(option) || (*asked & UINT64_C(1) << option) != 0)
		return;
	c->asked++;
	*asked |= UINT64_C(1) << option;
	bytes[2] = (char)option;
	put_bytes(c, bytes, sizeof(bytes));
}

/* Something that is no text. */
static void
put_aside(struct client *c)
{
	switch (random_below(6)) {
	case 0:
		put_bytes(c, "\xff\xf1", 2);
		break;
	case 1:
		put_option(c, TELNET_DO);
		break;
	case 2:
		put_option(c, TELNET_WILL);
		break;
	case 3:
		put_bytes(c, "\xff\xfe\x18", 3);
		break;
	case 4:
		put_bytes(c, "\xff\xfa\x1f\x00\n\xff\xff\xff\xf0", 9);
		break;
	case 5:
		if (c->yes_due++ == 0)
			put_bytes(c, "\xff\xf6", 2);
		else
			c->yes_due--;
		break;
	}
}

void
telnet_put(struct client *c, char letter)
{
	if (!c->plain && random_percent(2))
		put_aside(c);
	if (letter != '\n') {
		put_bytes(c, &letter, 1);
		return;
	}
	switch (random_below(3)) {
	case 0:
		put_bytes(c, "\r\n", 2);
		break;
	case 1:
		put_bytes(c, "\r\0", 2);
		break;
	case 2:
		put_bytes(c, "\n", 1);
		break;
	}
}

static bool
line_is(const struct client *c, const char *text)
{
	size_t len = strlen(text);

	return c->got.len - c->line_at == len &&
	       memcmp(c->got.data + c->line_at, text, len) == 0;
}

/* The value of a key in an object that our renderer wrote; false: not there. */
static bool
json_string(const char *object, const char *key, char value[LINE])
{
	char quoted[32];
	const char *at;
	size_t n = 0;

	snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
	at = strstr(object, quoted);
	if (at == NULL)
		return false;
	for (at += strlen(quoted); *at != '"' && *at != '\0'; at++) {
		at += *at == '\\' && at[1] != '\0';
		if (n < LINE - 1)
			value[n++] = *at;
	}
	value[n] = '\0';
	return true;
}

/* Records come in rising order, and a reply is no earlier than the last. */
static void
check_seq(struct client *c, const char *object, bool record)
{
	const char *at = strstr(object, "\"seq\":");
	uint64_t seq = at == NULL ? 0 : strtoull(at + 6, NULL, 10);

	if (seq < c->seq + record)
		fail("%s: after record %llu it reads %s", c->name,
		    (unsigned long long)c->seq, object);
	c->seq = seq;
}

/* The object as the line of text that it stands for. */
static size_t
json_line(struct client *c, const char *object, char *line)
{
	static char type[LINE], name[LINE], text[LINE], code[LINE], when[LINE];
	bool named = json_string(object, "name", name);

	if (!json_string(object, "type", type) ||
	    !json_string(object, "time", when) ||
	    strlen(when) != CLOCK_STAMP_SIZE - 1)
		fail("%s reads %s", c->name, object);
	if (!json_string(object, "text", text))
		text[0] = '\0';
	if (strcmp(type, "reply") != 0 || !named)
		check_seq(c, object,
		    strcmp(type, "reply") != 0 && strcmp(type, "error") != 0);
	if (strcmp(type, "message") == 0)
		return (size_t)sprintf(line, "%s: %s\n", name, text);
	if (strcmp(type, "action") == 0)
		return (size_t)sprintf(line, "* %s %s\n", name, text);
	if (strcmp(type, "private") == 0)
		return (size_t)sprintf(line, "[private] %s: %s\n", name, text);
	if (strcmp(type, "join") == 0)
		return notice_join(line, LINE, name, strlen(name));
	if (strcmp(type, "leave") == 0)
		return notice_leave(line, LINE, name, strlen(name));
	if (strcmp(type, "rename") == 0)
		return (size_t)sprintf(
		    line, "*** %s is now known as %s\n", name, text);
	if (strcmp(type, "topic") == 0)
		return (size_t)sprintf(
		    line, "*** %s set the topic: %s\n", name, text);
	if (strcmp(type, "reply") == 0 && named)
		return (size_t)sprintf(
		    line, "*** %s %s: %s\n", when, name, text);
	if (strcmp(type, "reply") == 0)
		return (size_t)sprintf(line, "*** %s\n", text);
	if (strcmp(type, "error") != 0 || !json_string(object, "code", code))
		fail("%s reads %s", c->name, object);
	return (size_t)sprintf(line, "*** error %s: %s\n", code, text);
}

/*
 * What the line is: an object or text, as the client has asked for last.  The
 * answer to that is lost with a half-line given up, or if the server stops.
 */
static void
check_format(struct client *c, bool json)
{
	if (line_is(c, "*** format is json\n"))
		c->json = true;
	else if (line_is(c, "*** format is text\n"))
		c->json = false;
	if (sim.master.stopping || c->evictions > 0)
		c->json = json;
	if (json != c->json)
		fail("%s reads in the wrong format %.*s", c->name,
		    (int)(c->got.len - c->line_at), c->got.data + c->line_at);
}

/* A whole line is there, its LF included. */
void
dialect_line(struct client *c)
{
	static char object[4 * LINE], line[4 * LINE];
	size_t len = c->got.len - c->line_at;
	bool json = c->got.data[c->line_at] == '{';

	if (c->telnet &&
	    (line_is(c, "Welcome to Telnet Chat Proxy!\n") ||
		line_is(c, "[Yes]\n") || (c->prompted && line_is(c, "\n")))) {
		c->yes_due -= line_is(c, "[Yes]\n");
		c->got.len = c->line_at;
		return;
	}
	if (json && (len < 2 || c->got.data[c->got.len - 2] != '}')) {
		/* The ring has lapped the rest of it. */
		c->got.len = c->line_at;
		bytes_add(&c->got, DIALECT_CUT, sizeof(DIALECT_CUT) - 1);
	} else if (json && len < sizeof(object)) {
		memcpy(object, c->got.data + c->line_at, len);
		object[len - 1] = '\0';
		c->got.len = c->line_at;
		bytes_add(&c->got, line, json_line(c, object, line));
	}
	check_format(c, json);
	c->line_at = c->got.len;
	c->prompted = false;
}

/* The option behind IAC WONT or IAC DONT. */
static void
refused(struct client *c, uint8_t option)
{
	uint64_t *asked =
	    c->verb == TELNET_WONT ? &c->refused_do : &c->refused_will;
	uint64_t bit = option < 64 ? UINT64_C(1) << option : 0;

	if ((*asked & bit) == 0)
		fail("%s: option %u is refused, which it has not asked for, or "
		     "twice",
		    c->name, option);
	*asked &= ~bit;
	c->asked--;
}

/* The option behind IAC WILL or IAC DO, each once. */
static void
requested(struct client *c, uint8_t option)
{
	uint64_t *heard = c->verb == TELNET_DO ? &c->heard_do : &c->heard_will;
	uint64_t bit = UINT64_C(1) << option % 64;
	uint8_t no[] = {TELNET_IAC,
	    c->verb == TELNET_DO ? TELNET_WONT : TELNET_DONT, option};

	if (!is_known(option) || (*heard & bit) != 0)
		fail("%s is asked for option %u", c->name, option);
	*heard |= bit;
	if (c->refuses)
		bytes_add(&c->answers, no, sizeof(no));
}

/* A byte of telnet; returns whether it is text. */
static bool
telnet_take(struct client *c, uint8_t byte)
{
	if (c->verb == TELNET_IAC) {
		/* Go Ahead comes behind prompts for who can't do without. */
		c->verb = byte == TELNET_GA && c->refuses ? 0 : byte;
		if (c->verb != 0 && byte < TELNET_WILL)
			fail("%s is told %u", c->name, byte);
		return false;
	}
	if (c->verb != 0) {
		if (c->verb == TELNET_DO || c->verb == TELNET_WILL)
			requested(c, byte);
		else
			refused(c, byte);
		c->verb = 0;
		return false;
	}
	if (byte == TELNET_IAC) {
		/* Who must go does without the rest of a prompt. */
		if ((sim.master.stopping || c->silent) &&
		    memcmp(c->got.data + c->line_at, "Enter ",
			MIN(c->got.len - c->line_at, (size_t)6)) == 0)
			c->got.len = c->line_at;
		if (c->got.len != c->line_at)
			fail("%s is answered in the middle of a line", c->name);
		c->verb = byte;
		return false;
	}
	if ((byte == '\n') != c->cr && byte != '\r')
		fail("%s reads a CR or an LF alone", c->name);
	c->cr = byte == '\r';
	return !c->cr;
}

/* The client has read some bytes. */
void
dialect_read(struct client *c, const char *data, size_t len)
{
	if (c->web) {
		web_read(c, data, len);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		if (c->telnet && !telnet_take(c, (uint8_t)data[i]))
			continue;
		bytes_add(&c->got, data + i, 1);
		if (data[i] == '\n') {
			dialect_line(c);
		} else if (c->telnet && (line_is(c, "Enter room name: ") ||
					    line_is(c, "Enter username: "))) {
			c->got.len = c->line_at;
			c->prompted = true;
		}
	}
}

/* All that it asked for in the words of its protocol must be answered. */
void
dialect_check(const struct client *c)
{
	static const char timed_out[] = "*** error login-timeout: ";

	if (c->web)
		web_check_end(c);
	/* It lost its name with an evicted line, and has run out of time. */
	if (c->evictions > 0 && memmem(c->got.data, c->got.len, timed_out,
				    sizeof(timed_out) - 1) != NULL)
		return;
	/* In edit mode [Yes] is part of the row, which may be drawn anew. */
	if (c->asked > 0 || (c->edits ? c->yes_due < 0 : c->yes_due != 0))
		fail("%s: %d options are not refused, %d times no [Yes]",
		    c->name, c->asked, c->yes_due);
}
