/* SPDX-License-Identifier: MIT */
/*
 * WebSocket frames.  The head is taken byte by byte, so that a frame is
 * refused at the first byte that is wrong, wherever it is cut; the payload as
 * much at a time as there is.
 *
 *   byte 0      FIN, three bits that are 0, opcode
 *        1      MASK, seven bits of length: 126, 127 stand for the next
 *        2 ...  two or eight bytes of length
 *        ...    four bytes of mask, then the payload
 *
 * head_len counts through that, is the whole head's length while the payload
 * comes, and is 0 again behind the frame.
 */
#include "proxy/ws.h"

#include <endian.h>
#include <string.h>

#include "shared/base/base64.h"
#include "shared/base/sha1.h"
#include "shared/base/utf8.h"

#define FIN 0x80
#define RESERVED 0x70
#define OPCODE 0x0f
#define CONTROL 0x08 /* of the opcode */
#define MASKED 0x80
#define LENGTH 0x7f
#define LENGTH_2 126 /* the length is in the two bytes that follow */
#define LENGTH_8 127
#define MASK_LEN 4

static struct ws_step
fail(struct ws_shm *ws, unsigned code, size_t used)
{
	ws->flags |= WS_ENDED;
	return (struct ws_step){
	    .event = WS_FAIL, .used = used, .code = (uint16_t)code};
}

/* Bytes of the frame's head in front of the mask, as far as that is known. */
static size_t
mask_offset(const struct ws_shm *ws)
{
	unsigned length = ws->head[1] & LENGTH;

	if (ws->head_len < 2)
		return 2;
	return length == LENGTH_2 ? 4 : length == LENGTH_8 ? 10 : 2;
}

static bool
is_control(const struct ws_shm *ws)
{
	return (ws->head[0] & CONTROL) != 0;
}

/* The length is known.  Returns 0, or the code to fail with. */
static unsigned
check_length(const struct ws_shm *ws, const struct ws_limits *limits)
{
	if (is_control(ws))
		return 0;
	if (ws->message > limits->message ||
	    ws->left > limits->message - ws->message)
		return WS_TOO_BIG;
	return 0;
}

/* A frame of a message: text, binary or what continues it. */
static unsigned
begin_data(struct ws_shm *ws, const struct ws_limits *limits, uint8_t opcode)
{
	if ((opcode == WS_OP_CONTINUATION) != (ws->opcode != 0))
		return WS_PROTOCOL_ERROR;
	if (opcode != WS_OP_CONTINUATION) {
		if (opcode == WS_OP_BINARY && !limits->binary)
			return WS_UNACCEPTABLE;
		ws->opcode = opcode;
		ws->message = 0;
		ws->fragments = 0;
	}
	if (ws->fragments >= limits->fragments)
		return WS_POLICY;
	ws->fragments++;
	return 0;
}

static unsigned
first_byte(struct ws_shm *ws, const struct ws_limits *limits, uint8_t c)
{
	uint8_t opcode = c & OPCODE;

	ws->head[0] = c;
	if ((c & RESERVED) != 0)
		return WS_PROTOCOL_ERROR;
	switch (opcode) {
	case WS_OP_CONTINUATION:
	case WS_OP_TEXT:
	case WS_OP_BINARY:
		return begin_data(ws, limits, opcode);
	case WS_OP_CLOSE:
	case WS_OP_PING:
	case WS_OP_PONG:
		ws->control_len = 0;
		return (c & FIN) != 0 ? 0 : WS_PROTOCOL_ERROR;
	default:
		return WS_PROTOCOL_ERROR;
	}
}

static unsigned
second_byte(struct ws_shm *ws, const struct ws_limits *limits, uint8_t c)
{
	unsigned length = c & LENGTH;

	ws->head[1] = c;
	ws->mask_at = 0;
	ws->left = 0;
	if ((c & MASKED) == 0)
		return WS_PROTOCOL_ERROR;
	if (is_control(ws) &&
	    (length > WS_CONTROL_MAX ||
		((ws->head[0] & OPCODE) == WS_OP_CLOSE && length == 1)))
		return WS_PROTOCOL_ERROR;
	if (length == LENGTH_2 || length == LENGTH_8)
		return 0;
	ws->left = length;
	return check_length(ws, limits);
}

/* Byte `at` of the head, one of the `end - 2` that have the length. */
static unsigned
length_byte(struct ws_shm *ws, const struct ws_limits *limits, size_t at,
    size_t end, uint8_t c)
{
	if (at == 2 && end == 10 && (c & 0x80) != 0)
		return WS_PROTOCOL_ERROR;
	ws->left = ws->left << 8 | c;
	if (at + 1 < end)
		return 0;
	if (ws->left < (end == 4 ? LENGTH_2 : 0x10000))
		return WS_PROTOCOL_ERROR; /* there is a shorter way */
	return check_length(ws, limits);
}

/* The next byte of the head.  Returns 0, or what to fail with. */
static unsigned
head_byte(struct ws_shm *ws, const struct ws_limits *limits, uint8_t c)
{
	size_t at = ws->head_len, mask = mask_offset(ws);

	ws->head_len++;
	if (at == 0)
		return first_byte(ws, limits, c);
	if (at == 1)
		return second_byte(ws, limits, c);
	if (at < mask)
		return length_byte(ws, limits, at, mask, c);
	ws->mask[(at - mask) % MASK_LEN] = c;
	return 0;
}

/*
 * dst may lie at or before `in`, even within eight bytes of it: what is read
 * is always ahead of what is written.
 */
static void
unmask(const struct ws_shm *ws, char *dst, const char *in, size_t len)
{
	uint8_t mask[8];
	uint64_t mask_word, word;
	size_t i = 0;

	for (unsigned j = 0; j < sizeof(mask); j++)
		mask[j] = ws->mask[(ws->mask_at + j) % MASK_LEN];
	memcpy(&mask_word, mask, sizeof(mask));
	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, in + i, sizeof(word));
		word ^= mask_word;
		memcpy(dst + i, &word, sizeof(word));
	}
	for (; i < len; i++)
		dst[i] = (char)(in[i] ^ mask[i % sizeof(mask)]);
}

/*
 * The payload of a close frame: a code, and a reason in UTF-8.  Returns how
 * many bytes are good; stores what to fail with if that isn't all.
 */
static size_t
check_close(struct ws_shm *ws, const char *s, size_t len, unsigned *code)
{
	size_t i = 0;

	for (; i < len && ws->control_len + i < 2; i++) {
		if (ws->control_len + i == 0) {
			ws->close_code = (uint16_t)((uint8_t)s[i] << 8);
			continue;
		}
		ws->close_code =
		    (uint16_t)((ws->close_code & 0xff00) | (uint8_t)s[i]);
		if (!ws_code_is_valid(ws->close_code)) {
			*code = WS_PROTOCOL_ERROR;
			return i;
		}
	}
	*code = WS_BAD_TEXT;
	return i + utf8_follow(&ws->control_text, s + i, len - i);
}

/*
 * `len` bytes of payload, at least one.  What stands before a bad byte is
 * passed on, and the next step fails: the input may be overwritten by then.
 */
static struct ws_step
payload(struct ws_shm *ws, const char *in, size_t len, char *dst)
{
	bool control = is_control(ws);
	struct ws_step step = {.event = control ? WS_PAYLOAD : WS_DATA,
	    .used = len,
	    .len = len,
	    .opcode = control ? ws->head[0] & OPCODE : ws->opcode};
	unsigned code = WS_BAD_TEXT;

	unmask(ws, dst, in, len);
	if (step.opcode == WS_OP_TEXT)
		step.len = utf8_follow(&ws->text, dst, len);
	else if (step.opcode == WS_OP_CLOSE)
		step.len = check_close(ws, dst, len, &code);
	if (step.len == 0)
		return fail(ws, code, len);
	if (step.len < len) {
		ws->flags |= WS_BAD;
		ws->close_code = (uint16_t)code;
	}
	ws->left -= len;
	ws->mask_at = (uint8_t)((ws->mask_at + len) % MASK_LEN);
	if (control)
		ws->control_len = (uint8_t)(ws->control_len + len);
	else
		ws->message += len;
	return step;
}

static struct ws_step
end_control(struct ws_shm *ws)
{
	struct ws_step step = {
	    .event = WS_CONTROL, .opcode = ws->head[0] & OPCODE};

	if (step.opcode == WS_OP_CLOSE) {
		if (ws->control_text != 0)
			return fail(ws, WS_BAD_TEXT, 0);
		step.code = ws->control_len == 0 ? WS_NO_CODE : ws->close_code;
		ws->flags |= WS_ENDED;
	}
	return step;
}

/* The frame is complete; WS_MORE if that is no event. */
static struct ws_step
end_frame(struct ws_shm *ws)
{
	struct ws_step step = {.event = WS_MORE};

	ws->head_len = 0;
	if (is_control(ws))
		return end_control(ws);
	if ((ws->head[0] & FIN) == 0)
		return step;
	if (ws->opcode == WS_OP_TEXT && ws->text != 0)
		return fail(ws, WS_BAD_TEXT, 0);
	step.event = WS_MESSAGE;
	step.opcode = ws->opcode;
	ws->opcode = 0;
	return step;
}

struct ws_step
ws_next(struct ws_shm *ws, const struct ws_limits *limits, const char *in,
    size_t n, char *dst)
{
	struct ws_step step = {.event = WS_MORE, .used = n};
	size_t used = 0, len;
	unsigned code;

	if ((ws->flags & WS_ENDED) != 0)
		return step;
	if ((ws->flags & WS_BAD) != 0)
		return fail(ws, ws->close_code, n);
	for (;;) {
		while (ws->head_len < mask_offset(ws) + MASK_LEN) {
			if (used == n)
				return step;
			code = head_byte(ws, limits, (uint8_t)in[used++]);
			if (code != 0)
				return fail(ws, code, n);
		}
		if (ws->left > 0) {
			if (used == n)
				return step;
			len = n - used < ws->left ? n - used : (size_t)ws->left;
			step = payload(ws, in + used, len, dst);
		} else {
			step = end_frame(ws);
		}
		step.used += used;
		if (step.event != WS_MORE)
			return step;
		step.used = n;
	}
}

size_t
ws_head(char *dst, enum ws_opcode opcode, uint64_t len)
{
	uint16_t len_2;

	dst[0] = (char)(FIN | opcode);
	if (len < LENGTH_2) {
		dst[1] = (char)len;
		return 2;
	}
	if (len <= UINT16_MAX) {
		dst[1] = LENGTH_2;
		len_2 = htobe16((uint16_t)len);
		memcpy(dst + 2, &len_2, sizeof(len_2));
		return 4;
	}
	dst[1] = LENGTH_8;
	len = htobe64(len);
	memcpy(dst + 2, &len, sizeof(len));
	return WS_HEAD_MAX;
}

bool
ws_code_is_valid(unsigned code)
{
	switch (code) {
	case 1004: /* reserved */
	case 1005: /* never sent: no code, connection lost */
	case 1006:
		return false;
	default: /* 1012 to 1014 were registered later */
		return (code >= 1000 && code <= 1014) ||
		       (code >= 3000 && code <= 4999);
	}
}

void
ws_accept(const char key[WS_KEY_LEN], char accept[WS_ACCEPT_LEN])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[WS_KEY_LEN + sizeof(guid) - 1];
	uint8_t digest[SHA1_BYTES];

	memcpy(text, key, WS_KEY_LEN);
	memcpy(text + WS_KEY_LEN, guid, sizeof(guid) - 1);
	sha1(text, sizeof(text), digest);
	base64_encode(accept, digest, sizeof(digest));
}
