/* SPDX-License-Identifier: MIT */
/*
 * Clients that come over WebSocket.  They say their lines in frames that are
 * cut anywhere, with pings between them, and what they read must be whole
 * frames: each is a line, a pong in its place, or the last one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/ws.h"
#include "tests/model/sim/sim.h"

#define FINAL 0x80
#define MESSAGE_LONG 3000 /* bytes, of what 16 lines may have; then it ends */
#define NUMBER_LEN 3      /* of a ping, at the front of its payload */
#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* RFC 6455, section 1.3 */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

void
web_reset(struct client *c)
{
	c->frame_ends.len = c->ping_ends.len = c->raw.len = 0;
	c->texts = random_percent(50);
}

/* What is written. */

static void
put(struct client *c, const char *text)
{
	bytes_add(&c->text, text, strlen(text));
}

/* Ask for a page, or not; then for a WebSocket.  Half of it: nothing else. */
void
web_open(struct client *c, bool half)
{
	if (random_percent(15))
		put(c, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
	put(c, "GET /chat HTTP/1.1\r\nHost: x\r\n");
	if (half)
		return;
	put(c, "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n");
	if (c->texts)
		put(c, "Sec-WebSocket-Protocol: chat.text\r\n");
	else if (random_percent(50))
		put(c, "Sec-WebSocket-Protocol: chat.json\r\n");
	put(c, "\r\n");
	bytes_add(&c->frame_ends, &c->text.len, sizeof(c->text.len));
}

static void
add_frame(struct bytes *to, unsigned first, const char *bytes, size_t len)
{
	uint32_t draw = random_percent(80) ? (uint32_t)random_next() : 0;
	char head[8], *at = head, mask[4];

	memcpy(mask, &draw, sizeof(mask));
	*at++ = (char)first;
	*at++ = (char)(0x80 | (len > WS_CONTROL_MAX ? 126 : len));
	if (len > WS_CONTROL_MAX) {
		*at++ = (char)(len >> 8);
		*at++ = (char)len;
	}
	memcpy(at, mask, sizeof(mask));
	bytes_add(to, head, (size_t)(at + sizeof(mask) - head));
	for (size_t i = 0; i < len; i++) {
		char b = (char)(bytes[i] ^ mask[i % 4]);

		bytes_add(to, &b, 1);
	}
}

static void
put_frame(struct client *c, unsigned first, const char *bytes, size_t len)
{
	add_frame(&c->text, first, bytes, len);
	bytes_add(&c->frame_ends, &c->text.len, sizeof(c->text.len));
}

/* The payload of a ping: a function of its number. */
static size_t
ping_payload(int number, char to[WS_CONTROL_MAX + 1])
{
	size_t len = NUMBER_LEN +
		     (size_t)number * 37 % (WS_CONTROL_MAX + 1 - NUMBER_LEN);

	snprintf(to, WS_CONTROL_MAX + 1, "%0*d", NUMBER_LEN, number % 1000);
	for (size_t i = NUMBER_LEN; i < len; i++)
		to[i] = (char)(number + (int)i);
	return len;
}

static void
perhaps_ping(struct client *c)
{
	char payload[WS_CONTROL_MAX + 1];

	if (c->plain || !random_percent(10))
		return;
	put_frame(
	    c, FINAL | WS_OP_PING, payload, ping_payload(c->npings++, payload));
	bytes_add(&c->ping_ends, &c->text.len, sizeof(c->text.len));
}

/*
 * A frame of the letters that wait.  An LF at its end is the message's end, or
 * comes before that, or is left out there.
 */
void
web_flush(struct client *c)
{
	size_t len = c->line.len;
	bool ends, final, doubled;

	if (len == 0)
		return;
	perhaps_ping(c);
	ends = c->line.data[len - 1] == '\n';
	/* Without it nothing would be left, and the message end no line. */
	doubled = len == 1 && c->in_message && c->lf;
	final = ends &&
		(c->plain || c->message > MESSAGE_LONG || random_percent(70));
	if (!c->plain && !c->in_message && random_percent(5)) {
		put_frame(c, WS_OP_TEXT, "", 0);
		c->in_message = true;
		c->lf = false;
	}
	put_frame(c,
	    (c->in_message ? WS_OP_CONTINUATION : WS_OP_TEXT) |
		(final ? FINAL : 0u),
	    c->line.data, len - (final && !doubled && random_percent(60)));
	c->lf = ends;
	c->in_message = !final;
	c->message = final ? 0 : c->message + len;
	c->line.len = 0;
}

/* Nothing is left open of a message. */
void
web_finish(struct client *c)
{
	web_flush(c);
	if (c->in_message)
		put_frame(c, FINAL | WS_OP_CONTINUATION, "", 0);
	c->in_message = false;
	c->message = 0;
}

void
web_put(struct client *c, char letter)
{
	bytes_add(&c->line, &letter, 1);
	if (letter == '\n' ? random_percent(80)
			   : !c->plain && random_percent(6))
		web_flush(c);
}

/* The close frame. */
void
web_part(struct client *c)
{
	static const uint16_t codes[] = {1000, 1001, 3000, 4999};
	uint16_t code = codes[random_below(COUNT(codes))];
	char payload[WS_CONTROL_MAX] = {(char)(code >> 8), (char)code};
	size_t len = 2 + random_below(WS_CONTROL_MAX - 1);

	memset(payload + 2, 'w', len - 2);
	c->parting = random_percent(80) ? code : WS_NORMAL;
	put_frame(
	    c, FINAL | WS_OP_CLOSE, payload, c->parting == code ? len : 0);
	if (c->parting != code || random_percent(80))
		return;
	/* What comes behind it is not looked at. */
	put_frame(c, FINAL | WS_OP_TEXT, "nobody reads this\n", 18);
}

/* May it answer a ping between two frames of the script? */
bool
web_may_answer(const struct client *c)
{
	const size_t *ends = (const size_t *)(const void *)c->frame_ends.data;
	size_t n = c->frame_ends.len / sizeof(*ends);

	for (size_t i = 0; i < n; i++)
		if (ends[i] == c->sent)
			return c->parting == 0 || c->sent < c->text.len;
	return false;
}

/* What is read. */

/* Returns the bytes of the answer to a request, 0 if it is not all there. */
static size_t
take_answer(struct client *c, const char *data, size_t len)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	size_t n = end == NULL ? 0 : (size_t)(end + 4 - data);
	int status;

	if (n == 0)
		return 0;
	if (n < 13 || memcmp(data, "HTTP/1.1 ", 9) != 0)
		fail("%s reads %.*s", c->name, (int)n, data);
	status = atoi(data + 9);
	if (status == 101) {
		if (memmem(data, n, ACCEPT, strlen(ACCEPT)) == NULL)
			fail("%s: the answer to its key is wrong", c->name);
		c->opened = true;
		c->json = !c->texts;
	} else if (status == 408 ? c->silent
				 : status == 503 && sim.master.stopping) {
		c->parted = true;
		return len; /* with its body */
	} else if (status == 431 &&
		   (sim.profile.small_pool || c->evictions > 0)) {
		/* Its head was given up, as there was nowhere to keep it. */
		c->parted = c->resets = true;
		c->joins = false;
		return len;
	} else if (status != 200) {
		fail("%s: its request is answered with %d", c->name, status);
	}
	return n;
}

static void
take_line(struct client *c, const char *payload, size_t len)
{
	if (memchr(payload, '\n', len) != NULL)
		fail("%s: a frame of several lines: %.*s", c->name, (int)len,
		    payload);
	bytes_add(&c->got, payload, len);
	bytes_add(&c->got, "\n", 1);
	dialect_line(c);
}

static void
take_pong(struct client *c, const char *payload, size_t len)
{
	char must[WS_CONTROL_MAX + 1];

	for (; c->npongs < c->npings; c->npongs++)
		if (ping_payload(c->npongs, must) == len &&
		    memcmp(must, payload, len) == 0)
			break;
	if (c->npongs++ == c->npings)
		fail("%s: pong %.*s comes twice, too late, or changed", c->name,
		    NUMBER_LEN, payload);
	sim.total.pongs++;
}

static void
take_close(struct client *c, const char *payload, size_t len)
{
	unsigned code =
	    len < 2 ? 0
		    : (unsigned)(uint8_t)payload[0] << 8 | (uint8_t)payload[1];

	if (code != WS_NORMAL && (code != c->parting || c->parting == 0) &&
	    !(code == WS_GOING_AWAY && sim.master.stopping) &&
	    !(code == WS_POLICY && (c->silent || !c->joins)))
		fail("%s is closed with %u", c->name, code);
	c->parted = true;
}

static void
take_frame(struct client *c, unsigned first, const char *payload, size_t len)
{
	if (c->parted)
		fail("%s reads a frame behind the last one", c->name);
	if (first == (FINAL | WS_OP_TEXT))
		take_line(c, payload, len);
	else if (first == (FINAL | WS_OP_PONG))
		take_pong(c, payload, len);
	else if (first == (FINAL | WS_OP_CLOSE))
		take_close(c, payload, len);
	else if (first == (FINAL | WS_OP_PING))
		add_frame(&c->answers, FINAL | WS_OP_PONG, payload, len);
	else
		fail("%s reads a frame that begins with %u", c->name, first);
}

/* Returns the bytes of the first frame, 0 if it is not all there. */
static size_t
read_frame(struct client *c, const uint8_t *data, size_t len)
{
	size_t head = 2, payload;

	if (len < head)
		return 0;
	payload = data[1];
	if (payload == 126) {
		head = 4;
		if (len < head)
			return 0;
		payload = (size_t)data[2] << 8 | data[3];
	}
	if (head == 2 ? payload > WS_CONTROL_MAX : payload <= WS_CONTROL_MAX)
		fail("%s reads a frame with a length of %u", c->name, data[1]);
	if (len - head < payload)
		return 0;
	take_frame(c, data[0], (const char *)data + head, payload);
	return head + payload;
}

void
web_read(struct client *c, const char *data, size_t len)
{
	size_t at = 0, n;

	bytes_add(&c->raw, data, len);
	while (at < c->raw.len) {
		data = c->raw.data + at;
		len = c->raw.len - at;
		n = c->opened ? read_frame(c, (const uint8_t *)data, len)
			      : take_answer(c, data, len);
		if (n == 0)
			break;
		at += n;
	}
	memmove(c->raw.data, c->raw.data + at, c->raw.len - at);
	c->raw.len -= at;
}

/* How many of its pings has it sent? */
static int
pings_sent(const struct client *c)
{
	const size_t *ends = (const size_t *)(const void *)c->ping_ends.data;
	int n = 0;

	while (n < c->npings && ends[n] <= c->sent)
		n++;
	return n;
}

/*
 * All has come to rest: the last ping is answered, unless there was nowhere to
 * keep it.
 */
void
web_check(const struct client *c)
{
	if (sim.profile.small_pool || c->evictions > 0 || c->silent)
		return;
	if (c->npongs < pings_sent(c))
		fail("%s: %d pings, and pong %d was the last", c->name,
		    pings_sent(c), c->npongs);
}

/* It has read the end. */
void
web_check_end(const struct client *c)
{
	if (c->raw.len > 0)
		fail("%s reads half a frame", c->name);
	if (!c->parted)
		fail("%s reads the end without a close frame", c->name);
}
