/* SPDX-License-Identifier: MIT */
/*
 * Clients that come over WebSocket.  What they say lies in `out` as lines, as
 * for all others, and goes out in frames that are cut anywhere: several lines
 * in one, one line in several, with pings between them.  Pings are numbered;
 * their pongs must come in that order, none twice, and that of the last one
 * must come (RFC 6455, section 5.5.3, lets the server leave out others).
 * Each frame that is read is a line, and the last one is a close frame.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/torture/torture.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455, section 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define CONTROL_MAX 125
#define NUMBER_LEN 10    /* of a ping, in its payload */
#define CHUNK_MAX 8192   /* of lines in a frame */
#define HEAD_MAX 8       /* of a frame that long, with its mask */
#define LONG_BYTES 20000 /* a message longer than that, */
#define LONG_FRAMES 500  /* or of so many frames, ends with the line */
#define FRAMED_MAX (CHUNK_MAX + 8 * (HEAD_MAX + CONTROL_MAX))

enum opcode {
	CONTINUATION = 0x0,
	OP_TEXT = 0x1,
	OP_CLOSE = 0x8,
	OP_PING = 0x9,
	OP_PONG = 0xa,
	FINAL = 0x80,
};

struct web {
	bool json;   /* the subprotocol asked for */
	bool opened; /* the server has agreed */
	/* What goes out next: it stands for so many bytes of `out`, whose last
	 * one lies in front of text_end. */
	char framed[FRAMED_MAX];
	size_t framed_len, framed_at;
	size_t text, text_end;
	bool in_message;
	uint32_t bytes, frames; /* of it */
	uint32_t pings, pongs;  /* so many were sent, and dealt with */
	bool parting;           /* it has said how it goes */
	uint16_t said, heard;   /* code of the close frames, 0: none */
};

void
web_make(struct client *c)
{
	c->web = calloc(1, sizeof(*c->web));
	if (c->web == NULL)
		abort();
}

/* A new connection. */
void
web_begin(struct client *c)
{
	struct web *w = c->web;

	memset(w, 0, sizeof(*w));
	w->json = chance_of(60);
	c->json = c->asked_json = w->json;
	w->framed_len = (size_t)snprintf(w->framed, sizeof(w->framed),
	    "GET /chat HTTP/1.1\r\n"
	    "Host: localhost\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Key: " KEY "\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "%s\r\n",
	    !w->json        ? "Sec-WebSocket-Protocol: chat.text\r\n"
	    : chance_of(50) ? "Sec-WebSocket-Protocol: chat.json\r\n"
			    : "");
}

/* Out. */

static void
put_frame(struct web *w, unsigned first, const char *bytes, size_t len)
{
	unsigned char mask[4] = {0};
	char *at = w->framed + w->framed_len;

	if (len + HEAD_MAX > FRAMED_MAX - w->framed_len)
		abort();
	if (chance_of(75))
		memcpy(mask, &(uint32_t){(uint32_t)chance_next()}, 4);
	*at++ = (char)first;
	if (len > CONTROL_MAX) {
		*at++ = (char)(0x80 | 126);
		*at++ = (char)(len >> 8);
		*at++ = (char)len;
	} else {
		*at++ = (char)(0x80 | len);
	}
	memcpy(at, mask, sizeof(mask));
	at += sizeof(mask);
	for (size_t i = 0; i < len; i++)
		*at++ = (char)(bytes[i] ^ mask[i % 4]);
	w->framed_len = (size_t)(at - w->framed);
}

/* The payload of a ping: a function of who sends it and its number. */
static size_t
ping_payload(const struct client *c, uint32_t number, char to[CONTROL_MAX + 1])
{
	uint32_t draw = (number + c->index) * UINT32_C(2654435761) >> 16;
	size_t len = NUMBER_LEN + draw % (CONTROL_MAX - NUMBER_LEN + 1);

	snprintf(to, CONTROL_MAX + 1, "%0*u", NUMBER_LEN, number);
	for (size_t i = NUMBER_LEN; i < len; i++)
		to[i] = (char)(draw + i);
	return len;
}

static void
perhaps_ping(struct client *c)
{
	char payload[CONTROL_MAX + 1];

	if (!chance_of(8))
		return;
	put_frame(c->web, FINAL | OP_PING, payload,
	    ping_payload(c, c->web->pings, payload));
	c->web->pings++;
}

/* How many of `len` bytes of lines go into the next frame? */
static size_t
choose_bytes(const struct web *w, const char *lines, size_t len)
{
	const char *lf = memchr(lines, '\n', len);
	bool is_long = w->bytes > LONG_BYTES || w->frames > LONG_FRAMES;

	len = MIN(len, (size_t)CHUNK_MAX);
	if (w->in_message && is_long && lf != NULL)
		return MIN((size_t)(lf + 1 - lines), len);
	return chance_of(50) ? len : 1 + chance_below((uint32_t)len);
}

/*
 * The next frame, of lines that wait.  An LF at its end is the message's end,
 * or comes before that, or is left out there.
 */
static void
put_lines(struct client *c)
{
	struct web *w = c->web;
	const char *lines = c->out + c->out_at;
	size_t len = choose_bytes(w, lines, c->out_len - c->out_at);
	bool ends = lines[len - 1] == '\n';
	bool is_long = w->bytes > LONG_BYTES || w->frames > LONG_FRAMES;
	bool final = ends && (is_long || chance_of(70));
	unsigned opcode;

	if (!w->in_message && chance_of(5)) {
		put_frame(w, OP_TEXT, "", 0);
		w->in_message = true;
	}
	perhaps_ping(c);
	opcode = w->in_message ? CONTINUATION : OP_TEXT;
	put_frame(w, opcode | (final ? FINAL : 0), lines,
	    len - (final && chance_of(60)));
	w->text = len;
	w->text_end = w->framed_len;
	perhaps_ping(c);
	w->in_message = !final;
	w->bytes = final ? 0 : w->bytes + (uint32_t)len;
	w->frames = final ? 0 : w->frames + 1;
}

/* So many bytes more are sent. */
static void
framed_sent(struct client *c, size_t n)
{
	struct web *w = c->web;

	w->framed_at += n;
	if (w->text > 0 && w->framed_at >= w->text_end) {
		c->out_at += w->text;
		w->text = 0;
	}
	if (w->framed_at == w->framed_len)
		w->framed_at = w->framed_len = 0;
}

/* Send at most so many bytes, unless that is all that there is to say. */
void
web_flush(struct client *c, size_t most)
{
	struct web *w = c->web;
	ssize_t n;

	if (most >= c->out_len - c->out_at)
		most = SIZE_MAX;
	while (c->fd != -1 && !c->shut && most > 0) {
		if (w->framed_len == 0 && w->opened && c->out_at < c->out_len)
			put_lines(c);
		if (w->framed_len == 0)
			return;
		n = send(c->fd, w->framed + w->framed_at,
		    MIN(w->framed_len - w->framed_at, most),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n <= 0) {
			client_unsent(c);
			return;
		}
		most -= (size_t)n;
		framed_sent(c, (size_t)n);
	}
}

/* Say by a close frame that it goes: with a code or without. */
void
web_part(struct client *c)
{
	static const uint16_t codes[] = {1000, 1001, 3000, 4999};
	struct web *w = c->web;
	char payload[CONTROL_MAX] = "";
	size_t len = 0;

	if (w->parting)
		return;
	w->parting = true;
	w->said = 1000;
	if (chance_of(80)) {
		w->said = codes[chance_below(COUNT(codes))];
		payload[0] = (char)(w->said >> 8);
		payload[1] = (char)w->said;
		len = 2 + chance_below(CONTROL_MAX - 2);
		memset(payload + 2, 'w', len - 2);
	}
	put_frame(w, FINAL | OP_CLOSE, payload, len);
	web_flush(c, SIZE_MAX);
}

/* All is said: does it close by a frame?  Asked again, it says the same. */
bool
web_parts(struct client *c)
{
	if (c->web == NULL)
		return false;
	if (!c->web->parting && chance_of(60))
		web_part(c);
	c->web->parting = true;
	return c->web->said != 0;
}

/* In. */

static void
web_stray(const struct client *c, const char *data, size_t len, const char *why)
{
	wrong(CHECK_BYTES, "room %u, t%u: %s", c->room, c->index, why);
	report_bytes("read", data, len, 0);
}

/* The answer to its request; returns its bytes, or 0. */
static size_t
take_answer(struct client *c, const char *data, size_t len)
{
	static const char begins[] = "HTTP/1.1 101 ";
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	size_t n = end != NULL ? (size_t)(end + 4 - data) : 0;

	if (n == 0)
		return 0;
	if (n < sizeof(begins) ||
	    memcmp(data, begins, sizeof(begins) - 1) != 0 ||
	    memmem(data, n, ACCEPT, strlen(ACCEPT)) == NULL)
		web_stray(c, data, n, "its handshake is refused");
	c->web->opened = true;
	c->due_us = 0;
	return n;
}

static void
take_line(struct client *c, const char *payload, size_t len)
{
	static char line[LINE_MAX_RAW + 1];

	if (len >= sizeof(line) || memchr(payload, '\n', len) != NULL) {
		web_stray(c, payload, len, "a frame that is no line");
		return;
	}
	memcpy(line, payload, len);
	line[len] = '\n';
	reader_line(c, line, len + 1);
}

static void
take_pong(struct client *c, const char *payload, size_t len)
{
	struct web *w = c->web;
	char must[CONTROL_MAX + 1], digits[NUMBER_LEN + 1] = "";
	uint32_t number;

	memcpy(digits, payload, MIN(len, (size_t)NUMBER_LEN));
	number = (uint32_t)strtoul(digits, NULL, 10);
	if (number >= w->pings || len != ping_payload(c, number, must) ||
	    memcmp(payload, must, len) != 0) {
		web_stray(c, payload, len, "a pong without its ping");
		return;
	}
	if (number < w->pongs)
		wrong(CHECK_TWICE, "room %u, t%u: pong %u, after %u", c->room,
		    c->index, number, w->pongs - 1);
	w->pongs = number + 1;
	counts.pongs++;
}

static void
take_close(struct client *c, const char *payload, size_t len)
{
	struct web *w = c->web;
	uint16_t must = stopping && w->said == 0 ? 1001 : 1000;

	if (w->heard != 0 || len < 2) {
		web_stray(c, payload, len, "a close frame too many");
		return;
	}
	w->heard = (uint16_t)((unsigned char)payload[0] << 8 |
			      (unsigned char)payload[1]);
	if (w->heard != (w->said != 0 ? w->said : must))
		wrong(CHECK_BYTES, "room %u, t%u: closed with %u, said %u",
		    c->room, c->index, w->heard, w->said);
	if (w->said == 0 && !c->shut && chance_of(50)) {
		w->said = w->heard;
		put_frame(w, FINAL | OP_CLOSE, payload, 2);
		web_flush(c, SIZE_MAX);
	}
}

static void
take_frame(struct client *c, unsigned first, const char *payload, size_t len)
{
	if (c->web->heard != 0) {
		web_stray(c, payload, len, "something behind its close frame");
		return;
	}
	switch ((int)first) {
	case FINAL | OP_TEXT:
		take_line(c, payload, len);
		break;
	case FINAL | OP_PONG:
		take_pong(c, payload, len);
		break;
	case FINAL | OP_CLOSE:
		take_close(c, payload, len);
		break;
	case FINAL | OP_PING:
		put_frame(c->web, FINAL | OP_PONG, payload, len);
		break;
	default:
		web_stray(c, payload, len, "a frame of no kind");
	}
}

/* Bytes of the head of a frame, and those of its payload; 0: not all here. */
static size_t
frame_head(const unsigned char *data, size_t len, size_t *payload)
{
	if (len < 2)
		return 0;
	*payload = data[1];
	if (data[1] <= CONTROL_MAX)
		return 2;
	if (data[1] != 126)
		return SIZE_MAX; /* masked, or longer than any line */
	if (len < 4)
		return 0;
	*payload = (size_t)data[2] << 8 | data[3];
	return *payload > CONTROL_MAX ? 4 : SIZE_MAX;
}

/* Takes what is whole of `len` bytes; returns how much that is. */
size_t
web_read(struct client *c, const char *data, size_t len)
{
	size_t at = 0, head, payload;

	if (!c->web->opened)
		at = take_answer(c, data, len);
	while (c->web->opened && c->fd != -1) {
		head = frame_head(
		    (const unsigned char *)data + at, len - at, &payload);
		if (head == SIZE_MAX) {
			web_stray(c, data + at, len - at, "no frame");
			return len;
		}
		if (head == 0 || len - at - head < payload)
			return at;
		take_frame(
		    c, (unsigned char)data[at], data + at + head, payload);
		at += head + payload;
	}
	return c->fd == -1 ? len : at;
}

/* The stream has ended; was that announced? */
bool
web_has_parted(const struct client *c)
{
	return c->web == NULL || c->web->heard != 0;
}

/* Is there nothing to be sent or awaited but lines? */
bool
web_is_right(const struct client *c)
{
	return c->web == NULL ||
	       (c->web->framed_len == 0 && c->web->pongs == c->web->pings);
}

/* Why not? */
void
web_complain(const struct client *c)
{
	if (c->web != NULL)
		printf("  WebSocket, %u pongs of %u, %zu bytes in frames\n",
		    c->web->pongs, c->web->pings,
		    c->web->framed_len - c->web->framed_at);
}
