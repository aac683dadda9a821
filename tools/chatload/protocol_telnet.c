/* SPDX-License-Identifier: MIT */
/*
 * Chatmaster's telnet.  What members read ends in CR LF, and in front of it
 * may stand what doesn't end a line: the questions, and in edit mode the row
 * being typed, which is erased before what comes above it.  Who types reads
 * each text once more, as it was typed.
 */
#include <stdio.h>
#include <string.h>

#include "tools/chatload/protocol.h"
#include "tools/chatload/telnet.h"

static void
telnet_layout(const struct text_format *f, struct layout *layout)
{
	*layout = (struct layout){
	    .size = f->name_len + 2 + f->size + 2,
	    .probe_at = f->name_len,
	    .probe = ':', /* in no tag, and in no text */
	    .end_at = f->name_len + 2 + f->size + 1,
	    .end = '\n',
	    .who_at = f->tag_len,
	    .text_at = f->name_len + 2,
	};
}

static size_t
join_with(const struct text_format *f, const struct speaker *s, const char *end,
    char *out)
{
	char room[TEXT_NAME_SIZE];
	char name[TEXT_NAME_SIZE];

	text_room(f, s->room, room);
	text_name(f, s->who, name);
	return (size_t)snprintf(
	    out, PROTOCOL_TEXT_MAX, "%s%s%s%s", room, end, name, end);
}

static size_t
lines_join(const struct text_format *f, const struct speaker *s, char *out)
{
	return join_with(f, s, "\r\n", out);
}

static size_t
keys_join(const struct text_format *f, const struct speaker *s, char *out)
{
	return join_with(f, s, "\r", out);
}

static size_t
telnet_before(const struct text_format *f, const struct speaker *s, char *out)
{
	(void)f;
	(void)s;
	(void)out;
	return 0;
}

/* Behind the last of these in frame[from, len), or `from`. */
static size_t
behind(const char *frame, size_t from, size_t len, const char *what)
{
	size_t n = strlen(what);
	const char *found;

	while ((found = memmem(frame + from, len - from, what, n)))
		from = (size_t)(found - frame) + n;
	return from;
}

static enum heard
telnet_heard(const struct text_format *f, const char *frame, size_t len,
    const char **who, const char **text)
{
	size_t row = behind(frame, 0, len, TELNET_ERASE);
	size_t asked = behind(frame, row, len, "Enter room name: ");
	enum heard heard;

	asked = behind(frame, asked, len, "Enter username: ");
	frame += asked;
	len -= asked;
	heard = protocol_heard_line(frame, len);
	if (heard != HEARD_STRAY)
		return heard;
	if (asked > row || protocol_begins(frame, len, "Welcome to "))
		return HEARD_REPLY;
	if (len == f->size + 2) {
		*text = frame;
		return HEARD_ECHO;
	}
	if (len != f->name_len + 2 + f->size + 2 ||
	    !protocol_begins(frame, len, f->tag))
		return HEARD_STRAY;
	*who = frame + f->tag_len;
	*text = frame + f->name_len + 2;
	return HEARD_MESSAGE;
}

const struct protocol protocol_telnet = {
    .name = "telnet",
    .port = "2323",
    .telnet = TELNET_LINES,
    .talkers_listen = true,
    .joins_seen = true,
    .size_max = TEXT_MAX / 2,
    .joining_max = PROTOCOL_JOINING_MAX,
    .layout = telnet_layout,
    .join = lines_join,
    .before = telnet_before,
    .after = "\r\n",
    .frame = protocol_frame_line,
    .heard = telnet_heard,
};

const struct protocol protocol_telnet_edit = {
    .name = "telnet-edit",
    .port = "2323",
    .telnet = TELNET_KEYS,
    .opens = TELNET_OPENS,
    .talkers_listen = true,
    .joins_seen = true,
    .size_max = TELNET_COLUMNS - 2, /* more would not be echoed as it is */
    .joining_max = PROTOCOL_JOINING_MAX,
    .layout = telnet_layout,
    .join = keys_join,
    .before = telnet_before,
    .after = "\r",
    .frame = protocol_frame_line,
    .heard = telnet_heard,
};
