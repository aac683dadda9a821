/* SPDX-License-Identifier: MIT */
/*
 * IRC as RFC 2812 has it.  What members read is
 *
 *   :NAME!~USER@HOST PRIVMSG #ROOM :TEXT CR LF
 *
 * whose length depends on what the server calls our host, which may differ
 * between clients: each such line is looked at.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tools/chatload/protocol.h"

#define IRC_NO_MOTD "422"
#define IRC_JOINING_MAX 8 /* some listen with a backlog of 10 */

static void
irc_layout(const struct text_format *f, struct layout *layout)
{
	(void)f;
	*layout = (struct layout){.size = SIZE_MAX};
}

static size_t
irc_join(const struct text_format *f, const struct speaker *s, char *out)
{
	char room[TEXT_NAME_SIZE];
	char name[TEXT_NAME_SIZE];

	text_room(f, s->room, room);
	text_name(f, s->who, name);
	return (size_t)snprintf(out, PROTOCOL_TEXT_MAX,
	    "NICK %s\r\nUSER u 0 * :u\r\nJOIN #%s\r\n", name, room);
}

static size_t
irc_before(const struct text_format *f, const struct speaker *s, char *out)
{
	char room[TEXT_NAME_SIZE];

	text_room(f, s->room, room);
	return (size_t)snprintf(out, PROTOCOL_TEXT_MAX, "PRIVMSG #%s :", room);
}

static enum heard
irc_message(const struct text_format *f, const char *frame, size_t len,
    const char *words, const char **who, const char **text)
{
	const char *end = frame + len;
	const char *colon = memchr(words, ':', (size_t)(end - words));

	if (!colon || !protocol_begins(frame + 1, len - 1, f->tag) ||
	    len < 1 + f->name_len ||
	    (size_t)(end - colon) != 1 + f->size + strlen("\r\n"))
		return HEARD_STRAY;
	*who = frame + 1 + f->tag_len;
	*text = colon + 1;
	return HEARD_MESSAGE;
}

/* 400 to 599 refuse, but the absence of a message of the day. */
static enum heard
irc_number(const char *words, size_t len)
{
	if (protocol_begins(words, len, IRC_NO_MOTD))
		return HEARD_REPLY;
	return words[0] == '4' || words[0] == '5' ? HEARD_REFUSAL : HEARD_REPLY;
}

static enum heard
irc_heard(const struct text_format *f, const char *frame, size_t len,
    const char **who, const char **text)
{
	const char *words = frame[0] == ':' ? memchr(frame, ' ', len) : NULL;
	size_t rest;

	if (!words)
		return protocol_begins(frame, len, "ERROR") ? HEARD_REFUSAL
							    : HEARD_REPLY;
	words++;
	rest = (size_t)(frame + len - words);
	if (protocol_begins(words, rest, "PRIVMSG "))
		return irc_message(f, frame, len, words, who, text);
	if (protocol_begins(words, rest, "JOIN "))
		return HEARD_JOIN;
	if (protocol_begins(words, rest, "PART ") ||
	    protocol_begins(words, rest, "QUIT "))
		return HEARD_LEAVE;
	if (isdigit((unsigned char)words[0]))
		return irc_number(words, rest);
	return HEARD_REPLY;
}

const struct protocol protocol_irc = {
    .name = "irc",
    .port = "6667",
    .talkers_listen = true,
    .joins_seen = true,
    .size_max = 350,
    .joining_max = IRC_JOINING_MAX,
    .layout = irc_layout,
    .join = irc_join,
    .before = irc_before,
    .after = "\r\n",
    .frame = protocol_frame_line,
    .heard = irc_heard,
};
