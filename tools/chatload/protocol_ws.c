/* SPDX-License-Identifier: MIT */
/*
 * The line protocol over WebSocket (RFC 6455).  What is sent is masked with
 * four bytes of zero, which leaves it as it is: the RFC wants masks that
 * nobody can guess, so that a page cannot choose the bytes that proxies see,
 * and there is neither here; it costs the server what every mask does and
 * the generator nothing.  Frames that hold a text are built in place.
 */
#include <stdio.h>
#include <string.h>

#include "tools/chatload/protocol.h"

#define FINAL 0x80 /* in the first byte of a frame: with its opcode */
#define OP_TEXT 0x1
#define OP_PING 0x9
#define OP_PONG 0xa
#define MASKED 0x80 /* in the second one: with the length, up to LEN_SHORT */
#define LEN_SHORT 125
#define LEN_16 126
#define LEN_64 127
#define MASK_SIZE 4
#define TEXT_FRAME (char)(FINAL | OP_TEXT)

/* The example of RFC 6455, section 1.3, and what it is answered. */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define HANDSHAKE(dialect)                                                     \
	"GET /chat HTTP/1.1\r\n"                                               \
	"Host: localhost\r\n"                                                  \
	"Upgrade: websocket\r\n"                                               \
	"Connection: Upgrade\r\n"                                              \
	"Sec-WebSocket-Key: " KEY "\r\n"                                       \
	"Sec-WebSocket-Version: 13\r\n"                                        \
	"Sec-WebSocket-Protocol: " dialect "\r\n\r\n"

#define JSON_TYPE "{\"type\":\""

/* Of what the server sends: it masks nothing. */
static size_t
head_size(size_t payload)
{
	return payload <= LEN_SHORT ? 2 : payload <= UINT16_MAX ? 4 : 10;
}

/* Writes the head of a client's frame; there is no need for longer ones. */
static size_t
put_head(char *out, int opcode, size_t payload)
{
	char *at = out;

	*at++ = (char)(FINAL | opcode);
	if (payload > LEN_SHORT) {
		*at++ = (char)(MASKED | LEN_16);
		*at++ = (char)(payload >> 8);
		*at++ = (char)payload;
	} else {
		*at++ = (char)(MASKED | payload);
	}
	memset(at, 0, MASK_SIZE);
	return (size_t)(at + MASK_SIZE - out);
}

/* Room and name in one message: LF separates the lines of a frame. */
static size_t
ws_join(const struct text_format *f, const struct speaker *s, char *out)
{
	char lines[2 * TEXT_NAME_SIZE];
	char room[TEXT_NAME_SIZE];
	char name[TEXT_NAME_SIZE];
	size_t len, head;

	text_room(f, s->room, room);
	text_name(f, s->who, name);
	len = (size_t)snprintf(lines, sizeof(lines), "%s\n%s", room, name);
	head = put_head(out, OP_TEXT, len);
	memcpy(out + head, lines, len);
	return head + len;
}

static size_t
ws_before(const struct text_format *f, const struct speaker *s, char *out)
{
	(void)s;
	return put_head(out, OP_TEXT, f->size);
}

static size_t
ws_head(const char *frame)
{
	if (frame[0] == 'H')
		return 0;
	return frame[1] <= LEN_SHORT ? 2 : frame[1] == LEN_16 ? 4 : 10;
}

/* The answer to the handshake, or a frame of the server. */
static size_t
ws_frame(const char *data, size_t len)
{
	const unsigned char *at = (const unsigned char *)data;
	uint64_t payload = 0;
	size_t head = 2;
	const char *end;

	if (len > 0 && data[0] == 'H') {
		end = memmem(data, len, "\r\n\r\n", 4);
		return end ? (size_t)(end + 4 - data) : 0;
	}
	if (len < head)
		return 0;
	head = ws_head(data);
	if (head == 2)
		payload = at[1];
	if (len < head)
		return 0;
	for (size_t i = 2; i < head; i++)
		payload = payload << 8 | at[i];
	return len - head >= payload ? head + (size_t)payload : 0;
}

/* What all frames are but those that hold a line. */
static enum heard
control_heard(const char *frame, size_t len)
{
	if (protocol_begins(frame, len, "HTTP/1.1 101 "))
		return memmem(frame, len, ACCEPT, strlen(ACCEPT)) ? HEARD_READY
								  : HEARD_STRAY;
	if (frame[0] == 'H')
		return HEARD_REFUSAL;
	if (frame[0] == (char)(FINAL | OP_PING) && len <= 2 + LEN_SHORT)
		return HEARD_PING;
	return HEARD_STRAY;
}

static size_t
ws_pong(const char *frame, size_t len, char *out)
{
	size_t head = put_head(out, OP_PONG, len - 2);

	memcpy(out + head, frame + 2, len - 2);
	return head + len - 2;
}

static void
text_layout(const struct text_format *f, struct layout *layout)
{
	size_t payload = f->name_len + 2 + f->size;
	size_t head = head_size(payload);

	*layout = (struct layout){
	    .size = head + payload,
	    .probe_at = head - 1,
	    .probe = (char)payload,
	    .end_at = head + f->name_len,
	    .end = ':',
	    .who_at = head + f->tag_len,
	    .text_at = head + f->name_len + 2,
	};
}

static enum heard
text_heard(const struct text_format *f, const char *frame, size_t len,
    const char **who, const char **text)
{
	struct layout layout;
	const char *line;

	if (frame[0] != TEXT_FRAME)
		return control_heard(frame, len);
	text_layout(f, &layout);
	line = frame + ws_head(frame);
	len -= (size_t)(line - frame);
	if (protocol_begins(line, len, f->tag)) {
		if (len != f->name_len + 2 + f->size)
			return HEARD_STRAY;
		*who = frame + layout.who_at;
		*text = frame + layout.text_at;
		return HEARD_MESSAGE;
	}
	return protocol_heard_line(line, len);
}

/* An example of a message up to its text: seq has 16 digits until 2286. */
static void
json_layout(const struct text_format *f, struct layout *layout)
{
	char room[TEXT_NAME_SIZE];
	char out[PROTOCOL_TEXT_MAX];
	size_t name_at, text_at, payload, head;

	text_room(f, 0, room);
	name_at = (size_t)snprintf(out, sizeof(out),
	    JSON_TYPE "message\",\"seq\":1795454075536116,"
		      "\"time\":\"2026-11-23T17:14:37.120Z\","
		      "\"room\":\"%s\",\"name\":\"",
	    room);
	text_at = name_at + f->name_len + strlen("\",\"text\":\"");
	payload = text_at + f->size + strlen("\"}");
	head = head_size(payload);
	*layout = (struct layout){
	    .size = head + payload,
	    .probe_at = head - 1,
	    .probe = (char)payload,
	    .end_at = head + strlen(JSON_TYPE),
	    .end = 'm', /* of no other type */
	    .who_at = head + name_at + f->tag_len,
	    .text_at = head + text_at,
	};
}

/* The string behind such a key, NULL if it has not `size` bytes. */
static const char *
json_string(const char *object, size_t len, const char *key, size_t size)
{
	size_t n = strlen(key);
	const char *at = memmem(object, len, key, n);
	size_t left = at ? len - (size_t)(at - object) - n : 0;

	return left > size && at[n + size] == '"' ? at + n : NULL;
}

static bool
json_is(const char *frame, size_t len, const char *begins)
{
	return memmem(frame, len, begins, strlen(begins)) != NULL;
}

static enum heard
json_heard(const struct text_format *f, const char *frame, size_t len,
    const char **who, const char **text)
{
	const char *name;

	if (frame[0] != TEXT_FRAME)
		return control_heard(frame, len);
	if (json_is(frame, len, JSON_TYPE "join\""))
		return HEARD_JOIN;
	if (json_is(frame, len, JSON_TYPE "leave\""))
		return HEARD_LEAVE;
	if (json_is(frame, len, JSON_TYPE "error\""))
		return HEARD_REFUSAL;
	if (!json_is(frame, len, JSON_TYPE "message\""))
		return HEARD_STRAY;
	name = json_string(frame, len, "\"name\":\"", f->name_len);
	*text = json_string(frame, len, "\"text\":\"", f->size);
	if (!name || !*text)
		return HEARD_STRAY;
	*who = name + f->tag_len;
	return HEARD_MESSAGE;
}

const struct protocol protocol_ws = {
    .name = "ws",
    .port = "8080",
    .opens = HANDSHAKE("chat.text"),
    .talkers_listen = true,
    .joins_seen = true,
    .size_max = TEXT_MAX / 2,
    .joining_max = PROTOCOL_JOINING_MAX,
    .layout = text_layout,
    .join = ws_join,
    .before = ws_before,
    .after = "",
    .frame = ws_frame,
    .head = ws_head,
    .heard = text_heard,
    .pong = ws_pong,
};

const struct protocol protocol_ws_json = {
    .name = "ws-json",
    .port = "8080",
    .opens = HANDSHAKE("chat.json"),
    .talkers_listen = true,
    .joins_seen = true,
    .size_max = TEXT_MAX / 2,
    .joining_max = PROTOCOL_JOINING_MAX,
    .layout = json_layout,
    .join = ws_join,
    .before = ws_before,
    .after = "",
    .frame = ws_frame,
    .head = ws_head,
    .heard = json_heard,
    .pong = ws_pong,
};
