/* SPDX-License-Identifier: MIT */
/* WebSocket frames for tests. */
#include "tests/harness/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

static const char *
name_of(unsigned opcode)
{
	switch (opcode) {
	case WS_OP_TEXT:
		return "text;";
	case WS_OP_BINARY:
		return "binary;";
	case WS_OP_PING:
		return "ping;";
	case WS_OP_PONG:
		return "pong;";
	default:
		return "no such opcode;";
	}
}

static void
say_bytes(struct frames *f, const char *bytes, size_t len)
{
	CHECK(len < sizeof(f->line) - f->len);
	memcpy(f->line + f->len, bytes, len);
	f->len += len;
	f->line[f->len] = '\0';
}

static void
say(struct frames *f, const char *word)
{
	say_bytes(f, word, strlen(word));
}

static void
say_code(struct frames *f, const char *what, unsigned code)
{
	char text[32];

	snprintf(text, sizeof(text), "%s %u;", what, code);
	say(f, text);
}

static void
say_step(struct frames *f, const struct ws_step *step, const char *bytes)
{
	bool data = step->event == WS_DATA || step->event == WS_PAYLOAD;

	if (f->open && step->event != f->last)
		say(f, ")");
	if (data && (!f->open || step->event != f->last))
		say(f, step->event == WS_DATA ? "data(" : "payload(");
	if (data) {
		CHECK(step->len > 0);
		say_bytes(f, bytes, step->len);
	} else if (step->event == WS_FAIL) {
		say_code(f, "fail", step->code);
	} else if (step->event == WS_CONTROL && step->opcode == WS_OP_CLOSE) {
		say_code(f, "close", step->code);
	} else {
		say(f, name_of(step->opcode));
	}
	f->open = data;
	f->last = step->event;
}

/* In blocks of their exact size, which the address sanitizer watches. */
void
frames_take(struct frames *f, const struct ws_limits *limits, const char *in,
    size_t len, bool same)
{
	char *block = malloc(len + (len == 0));
	char *other = malloc(len + (len == 0));
	size_t at = 0;

	CHECK(block != NULL && other != NULL);
	memcpy(block, in, len);
	for (;;) {
		char *dst = same ? block + at : other + at;
		struct ws_step step =
		    ws_next(&f->ws, limits, block + at, len - at, dst);

		CHECK(step.used <= len - at);
		CHECK(step.len <= step.used);
		at += step.used;
		if (step.event == WS_MORE)
			break;
		say_step(f, &step, dst);
	}
	CHECK_EQ(at, len);
	free(block);
	free(other);
}

static void
check_line(struct frames *f, const char *expected)
{
	if (f->open)
		say(f, ")");
	CHECK_STR(f->line, expected);
}

void
frames_check(const struct ws_limits *limits, const char *in, size_t len,
    const char *expected)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct frames f = {0};

		for (size_t at = 0; at < len; at += piece)
			frames_take(&f, limits, in + at, MIN(piece, len - at),
			    piece % 2 == 0);
		check_line(&f, expected);
	}
	for (size_t cut = 0; cut <= len; cut++) {
		struct frames f = {0};

		frames_take(&f, limits, in, cut, cut % 2 == 0);
		frames_take(&f, limits, in + cut, len - cut, cut % 2 == 0);
		frames_take(&f, limits, in + len, 0, false);
		check_line(&f, expected);
	}
}

size_t
frames_put(char *dst, unsigned first, const char *mask, const char *payload,
    size_t len)
{
	size_t head = ws_head(dst, (enum ws_opcode)(first & 0x0f), len);

	dst[0] = (char)first;
	dst[1] = (char)(dst[1] | 0x80);
	memcpy(dst + head, mask, 4);
	for (size_t i = 0; i < len; i++)
		dst[head + 4 + i] = (char)(payload[i] ^ mask[i % 4]);
	return head + 4 + len;
}
