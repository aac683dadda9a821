/* SPDX-License-Identifier: MIT */
/*
 * Publish and subscribe of Redis in RESP 2: a room is a channel.  A message
 * is read as an array of three strings, "message", channel and payload:
 *
 *   *3 CRLF $7 CRLF message CRLF $N CRLF ROOM CRLF $N CRLF NAME: TEXT CRLF
 *
 * Those who publish do not subscribe; they ask for a PONG instead, so as to
 * know that they are served.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/chatload/protocol.h"

#define REDIS_MESSAGE "*3\r\n$7\r\nmessage\r\n"
#define REDIS_SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n"
#define REDIS_ELEMENTS_MAX 16

static void
redis_layout(const struct text_format *f, struct layout *layout)
{
	char room[TEXT_NAME_SIZE];
	char out[PROTOCOL_TEXT_MAX];
	size_t head;

	text_room(f, 0, room);
	head = (size_t)snprintf(out, sizeof(out),
	    REDIS_MESSAGE "$%zu\r\n%s\r\n$%zu\r\n", strlen(room), room,
	    f->name_len + 2 + f->size);
	*layout = (struct layout){
	    .size = head + f->name_len + 2 + f->size + 2,
	    .probe_at = strlen("*3\r\n$7\r\n"),
	    .probe = 'm',
	    .end_at = head + f->name_len + 2 + f->size + 1,
	    .end = '\n',
	    .who_at = head + f->tag_len,
	    .text_at = head + f->name_len + 2,
	};
}

static size_t
redis_join(const struct text_format *f, const struct speaker *s, char *out)
{
	char room[TEXT_NAME_SIZE];

	if (s->talks)
		return (size_t)snprintf(out, PROTOCOL_TEXT_MAX, "PING\r\n");
	text_room(f, s->room, room);
	return (size_t)snprintf(out, PROTOCOL_TEXT_MAX,
	    "*2\r\n$9\r\nSUBSCRIBE\r\n$%zu\r\n%s\r\n", strlen(room), room);
}

static size_t
redis_before(const struct text_format *f, const struct speaker *s, char *out)
{
	char room[TEXT_NAME_SIZE];
	char name[TEXT_NAME_SIZE];

	text_room(f, s->room, room);
	text_name(f, s->who, name);
	return (size_t)snprintf(out, PROTOCOL_TEXT_MAX,
	    "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%zu\r\n%s: ", strlen(room),
	    room, f->name_len + 2 + f->size, name);
}

/* One string, number or short reply; an array is followed by its elements. */
static size_t
redis_element(const char *data, size_t len)
{
	size_t line = protocol_frame_line(data, len);
	unsigned long size;

	if (line == 0 || data[0] != '$')
		return line;
	size = strtoul(data + 1, NULL, 10) + strlen("\r\n");
	return len - line >= size ? line + size : 0;
}

static size_t
redis_frame(const char *data, size_t len)
{
	size_t at = redis_element(data, len);
	unsigned long elements = 0;

	if (at > 0 && data[0] == '*')
		elements = strtoul(data + 1, NULL, 10);
	if (elements > REDIS_ELEMENTS_MAX)
		elements = 0;
	while (at > 0 && elements-- > 0) {
		size_t n = redis_element(data + at, len - at);

		at = n > 0 ? at + n : 0;
	}
	return at;
}

static enum heard
redis_heard(const struct text_format *f, const char *frame, size_t len,
    const char **who, const char **text)
{
	struct layout layout;

	if (protocol_begins(frame, len, REDIS_MESSAGE)) {
		redis_layout(f, &layout);
		if (len != layout.size)
			return HEARD_STRAY;
		*who = frame + layout.who_at;
		*text = frame + layout.text_at;
		return HEARD_MESSAGE;
	}
	if (protocol_begins(frame, len, REDIS_SUBSCRIBED) ||
	    protocol_begins(frame, len, "+PONG"))
		return HEARD_JOIN;
	if (protocol_begins(frame, len, ":"))
		return HEARD_REPLY;
	return frame[0] == '-' ? HEARD_REFUSAL : HEARD_STRAY;
}

const struct protocol protocol_redis = {
    .name = "redis",
    .port = "6379",
    .talkers_listen = false,
    .joins_seen = false,
    .size_max = TEXT_MAX / 2,
    .joining_max = PROTOCOL_JOINING_MAX,
    .layout = redis_layout,
    .join = redis_join,
    .before = redis_before,
    .after = "\r\n",
    .frame = redis_frame,
    .heard = redis_heard,
};
