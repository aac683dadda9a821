/* SPDX-License-Identifier: MIT */
/*
 * proxy/ws: the input's first bytes choose the limits, where the rest is cut
 * and, if the first is odd, a state to begin with that no parser left behind,
 * which must do no harm.  From a new connection on, the events must be the same
 * in one piece, cut, and unmasked in place, and what a plain reading of RFC
 * 6455 gives.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "proxy/ws.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"

#define INPUT_MAX 4096
#define CUTS 8

/* Events with what belongs to them; payload in one piece, as far as it goes. */
struct trace {
	size_t len;
	bool open;
	uint8_t last;
	char bytes[16 * INPUT_MAX];
};

static void
add(struct trace *t, const void *bytes, size_t len)
{
	MUST(len <= sizeof(t->bytes) - t->len);
	if (len > 0)
		memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
}

static void
add_event(struct trace *t, enum ws_event event, uint8_t opcode, unsigned code,
    const char *bytes, size_t len)
{
	const uint8_t head[] = {
	    0xfe, (uint8_t)event, opcode, (uint8_t)(code >> 8), (uint8_t)code};
	bool data = event == WS_DATA || event == WS_PAYLOAD;

	if (data && len == 0)
		return;
	if (!data || !t->open || t->last != event)
		add(t, head, sizeof(head));
	add(t, bytes, data ? len : 0);
	t->open = data;
	t->last = (uint8_t)event;
}

/* One call after the other, each in a block of its exact size. */
static void
feed(struct ws_shm *ws, const struct ws_limits *limits, const uint8_t *in,
    size_t len, bool same, struct trace *t)
{
	char *block = malloc(len + (len == 0)), *other;
	size_t at = 0;

	MUST(block != NULL);
	memcpy(block, in, len);
	for (;;) {
		struct ws_step step;

		other = malloc(len - at + (len == at));
		MUST(other != NULL);
		step = ws_next(ws, limits, block + at, len - at,
		    same ? block + at : other);
		MUST(step.used <= len - at);
		MUST(step.len <= step.used);
		if (step.event != WS_MORE && t != NULL)
			add_event(t, step.event, step.opcode, step.code,
			    same ? block + at : other, step.len);
		at += step.used;
		free(other);
		if (step.event == WS_MORE)
			break;
	}
	MUST(at == len);
	free(block);
}

/*
 * How many bytes can be the beginning of a text; `whole` if it goes on after
 * them with bytes that can't, or ends between two characters.
 */
static size_t
good_text(const char *s, size_t len, bool *whole)
{
	static const char *const ends[] = {"", "\x80", "\x80\x80",
	    "\x80\x80\x80", "\xbf", "\xbf\x80", "\xbf\x80\x80"};
	uint32_t code = 0;
	size_t i = 0;

	while (i < len) {
		size_t n = utf8_decode(s + i, len - i, &code);

		if (code == UTF8_INVALID)
			break;
		i += n;
	}
	*whole = i == len;
	/* Is there anything that makes a character of what is left? */
	for (size_t left = len - i < 3 ? len - i : 3; left > 0; left--) {
		for (size_t j = 0; j < COUNT(ends); j++) {
			char tail[8];

			memcpy(tail, s + i, left);
			memcpy(tail + left, ends[j], strlen(ends[j]));
			if (utf8_decode(tail, left + strlen(ends[j]), &code) ==
				left + strlen(ends[j]) &&
			    code != UTF8_INVALID)
				return i + left;
		}
	}
	return i;
}

struct plain {
	struct trace *t;
	struct ws_limits limits;
	uint8_t opcode; /* of the message, or 0 */
	unsigned fragments;
	size_t text_len;
	char text[INPUT_MAX]; /* of the message so far */
};

static bool
plain_fail(struct plain *p, unsigned code)
{
	add_event(p->t, WS_FAIL, 0, code, NULL, 0);
	return false;
}

/* The first byte of a frame; false if that was all. */
static bool
plain_first(struct plain *p, uint8_t c)
{
	uint8_t opcode = c & 15;

	if ((c & 0x70) != 0 || opcode > 10 || (opcode > 2 && opcode < 8) ||
	    (opcode >= 8 && c < 0x80) || (opcode == 0 && p->opcode == 0) ||
	    ((opcode == 1 || opcode == 2) && p->opcode != 0))
		return plain_fail(p, WS_PROTOCOL_ERROR);
	if (opcode == 2 && !p->limits.binary)
		return plain_fail(p, WS_UNACCEPTABLE);
	if (opcode >= 8)
		return true;
	if (opcode != 0) {
		p->opcode = opcode;
		p->fragments = 0;
		p->text_len = 0;
	}
	if (++p->fragments > p->limits.fragments)
		return plain_fail(p, WS_POLICY);
	return true;
}

static bool
plain_close(struct plain *p, const char *s, size_t len, bool complete)
{
	unsigned code =
	    len < 2 ? WS_NO_CODE : (uint8_t)s[0] * 256u + (uint8_t)s[1];
	bool whole = true;
	size_t good = len;

	if (len >= 2 && !ws_code_is_valid(code)) {
		add_event(p->t, WS_PAYLOAD, 8, 0, s, 1);
		return plain_fail(p, WS_PROTOCOL_ERROR);
	}
	if (len > 2)
		good = 2 + good_text(s + 2, len - 2, &whole);
	add_event(p->t, WS_PAYLOAD, 8, 0, s, good);
	if (good < len || (complete && !whole))
		return plain_fail(p, WS_BAD_TEXT);
	if (complete)
		add_event(p->t, WS_CONTROL, 8, code, NULL, 0);
	return false;
}

/* The payload, as much as there is of it. */
static bool
plain_payload(
    struct plain *p, uint8_t first, const char *s, size_t len, bool complete)
{
	uint8_t opcode = first & 15;
	bool whole = true;
	size_t good;

	if (opcode == 8)
		return plain_close(p, s, len, complete);
	if (opcode > 8) {
		add_event(p->t, WS_PAYLOAD, opcode, 0, s, len);
		if (complete)
			add_event(p->t, WS_CONTROL, opcode, 0, NULL, 0);
		return complete;
	}
	memcpy(p->text + p->text_len, s, len);
	good = len;
	if (p->opcode == 1)
		good =
		    good_text(p->text, p->text_len + len, &whole) - p->text_len;
	add_event(p->t, WS_DATA, p->opcode, 0, s, good);
	p->text_len += len;
	if (good < len || (complete && first >= 0x80 && !whole))
		return plain_fail(p, WS_BAD_TEXT);
	if (complete && first >= 0x80) {
		add_event(p->t, WS_MESSAGE, p->opcode, 0, NULL, 0);
		p->opcode = 0;
	}
	return complete;
}

/* Frame by frame, each as a whole. */
static void
plain(const uint8_t *in, size_t len, const struct ws_limits *limits,
    struct trace *t)
{
	static struct plain p;
	static char payload[INPUT_MAX];

	memset(&p, 0, sizeof(p));
	p.t = t;
	p.limits = *limits;
	for (size_t at = 0; at < len;) {
		const uint8_t first = in[at++];
		uint64_t size, ext;
		const uint8_t *mask;
		size_t there;

		if (!plain_first(&p, first) || at == len)
			return;
		size = in[at] & 127;
		if (in[at++] < 128 || ((first & 15) >= 8 && size > 125) ||
		    ((first & 15) == 8 && size == 1)) {
			plain_fail(&p, WS_PROTOCOL_ERROR);
			return;
		}
		ext = size == 126 ? 2 : size == 127 ? 8 : 0;
		if (ext == 8 && at < len && in[at] >= 128) {
			plain_fail(&p, WS_PROTOCOL_ERROR);
			return;
		}
		if (len - at < ext)
			return;
		size = ext > 0 ? 0 : size;
		for (size_t i = 0; i < ext; i++)
			size = size * 256 + in[at++];
		if ((ext == 2 && size < 126) || (ext == 8 && size < 65536)) {
			plain_fail(&p, WS_PROTOCOL_ERROR);
			return;
		}
		if ((first & 15) < 8 && size > limits->message - p.text_len) {
			plain_fail(&p, WS_TOO_BIG);
			return;
		}
		if (len - at < 4)
			return;
		mask = in + at;
		at += 4;
		there = size < len - at ? (size_t)size : len - at;
		for (size_t i = 0; i < there; i++)
			payload[i] = (char)(in[at + i] ^ mask[i % 4]);
		at += there;
		if (!plain_payload(&p, first, payload, there, there == size))
			return;
	}
}

static void
must_be_same(const struct trace *a, const struct trace *b)
{
	MUST(a->len == b->len);
	MUST(memcmp(a->bytes, b->bytes, a->len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trace whole, cut, expected;
	const uint8_t *in = data + CUTS, *end = data + size;
	struct ws_shm ws = {0}, ws_cut = {0}, odd;
	struct ws_limits limits;

	if (size < CUTS || size > INPUT_MAX)
		return 0;
	limits = (struct ws_limits){.message = data[1] * 16u,
	    .fragments = data[2] % 16u,
	    .binary = (data[0] & 2) != 0};
	if ((data[0] & 1) != 0 && (size_t)(end - in) >= sizeof(odd)) {
		memcpy(&odd, in, sizeof(odd));
		feed(&odd, &limits, in, (size_t)(end - in), true, NULL);
		return 0;
	}
	whole.len = cut.len = expected.len = 0;
	whole.open = cut.open = expected.open = false;
	feed(&ws, &limits, in, (size_t)(end - in), false, &whole);
	plain(in, (size_t)(end - in), &limits, &expected);
	must_be_same(&whole, &expected);
	for (size_t i = 0; in < end; i++) {
		size_t len = data[i % CUTS] / 4 % 16;

		len = MIN(len + (i % CUTS == 0), (size_t)(end - in));
		feed(&ws_cut, &limits, in, len, i % 2 == 0, &cut);
		in += len;
	}
	feed(&ws_cut, &limits, in, 0, false, &cut);
	must_be_same(&whole, &cut);
	if ((ws.flags & WS_ENDED) == 0)
		MUST(memcmp(&ws, &ws_cut, sizeof(ws)) == 0);
	return 0;
}
