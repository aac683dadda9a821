/* SPDX-License-Identifier: MIT */
/* shared/chat/render: the same as frames of a WebSocket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/chat/render.h"
#include "shared/shm/ring.h"
#include "tests/harness/test.h"

#define ROOM "general"

static const uint64_t seq = 1795452018123456, time_us = 1795452018123456;

/* A way to render something, and its bound. */
struct way {
	bool past, reply;
	struct render_record r;
};

static size_t
render(const struct way *v, unsigned dialect, char *dst, size_t size)
{
	if (v->reply)
		return render_reply(
		    dialect, seq, time_us, v->r.line, v->r.len, dst, size);
	if (v->past)
		return render_past(dialect, &v->r, dst, size);
	return render_record(dialect, &v->r, dst, size);
}

static size_t
bound(const struct way *v, unsigned dialect)
{
	return v->reply  ? render_reply_max(dialect, v->r.len)
	       : v->past ? render_past_max(dialect, v->r.len)
			 : render_record_max(dialect, v->r.len);
}

/* The payload of the frame at `*at`, which is moved behind it. */
static const char *
payload_of(const char **at, const char *end, size_t *len)
{
	const unsigned char *head = (const unsigned char *)*at;
	const char *payload;

	CHECK(end - *at >= 2);
	CHECK_EQ(head[0], 0x81);
	CHECK(head[1] <= 126);
	*len = head[1];
	payload = *at + 2;
	if (*len == 126) {
		CHECK(end - *at >= 4);
		*len = (size_t)head[2] << 8 | head[3];
		CHECK(*len >= 126);
		payload += 2;
	}
	CHECK(*len <= (size_t)(end - payload));
	*at = payload + *len;
	return payload;
}

/* Each frame holds the line that is there without frames, less its end. */
static void
check_frames(const char *lines, size_t len, const char *frames, size_t n)
{
	const char *at = frames, *line = lines;

	while (line < lines + len) {
		const char *lf =
		    memchr(line, '\n', (size_t)(lines + len - line));
		size_t size;
		const char *payload = payload_of(&at, frames + n, &size);

		CHECK(lf != NULL);
		CHECK_MEM(payload, size, line, (size_t)(lf - line));
		line = lf + 1;
	}
	CHECK(at == frames + n);
}

static void
check_way(const struct way *v, unsigned dialect)
{
	size_t max = bound(v, dialect | DIALECT_WS);
	char *lines = malloc(bound(v, dialect)), *frames = malloc(max);
	size_t len = render(v, dialect, lines, bound(v, dialect));
	size_t n = render(v, dialect | DIALECT_WS, frames, max);

	CHECK(len > 0 && n > 0);
	check_frames(lines, len, frames, n);
	free(lines);
	/* There has to be room for the longer head, whichever it is. */
	lines = malloc(n + 2);
	CHECK_MEM(
	    lines, render(v, dialect | DIALECT_WS, lines, n + 2), frames, n);
	free(lines);
	lines = malloc(n - 1);
	CHECK_EQ(render(v, dialect | DIALECT_WS, lines, n - 1), 0);
	free(lines);
	free(frames);
}

static void
check_all(struct way v)
{
	static const unsigned dialects[] = {DIALECT_TEXT, DIALECT_JSON};

	for (size_t i = 0; i < COUNT(dialects); i++) {
		v.past = v.reply = false;
		check_way(&v, dialects[i]);
		v.past = true;
		check_way(&v, dialects[i]);
	}
}

/* A message of `len` bytes of text. */
static struct way
message(char *line, size_t len, char c)
{
	size_t n = (size_t)sprintf(line, "Alice: ");

	memset(line + n, c, len);
	line[n + len] = '\n';
	return (struct way){
	    .r = {.type = RECORD_MESSAGE,
		.seq = seq,
		.time_us = time_us,
		.line = line,
		.len = (uint32_t)(n + len + 1),
		.name_len = 5,
		.text_off = (uint32_t)n,
		.room = ROOM,
		.room_len = strlen(ROOM)},
	};
}

TEST(a_record_is_a_frame_that_holds_its_line)
{
	static char line[LIMIT_LINE_MAX + 16];

	for (size_t len = 1; len < 400; len++) {
		check_all(message(line, len, 'x'));
		check_all(message(line, len, '"')); /* doubles in JSON */
	}
	for (size_t len = 4000; len <= LIMIT_LINE_MAX; len += 1237)
		check_all(message(line, len, '"'));
	check_all(message(line, LIMIT_LINE_MAX, 'x'));
	check_all(message(line, LIMIT_LINE_MAX, '"'));
}

TEST(up_to_125_bytes_the_length_is_in_one)
{
	char line[256], dst[512];

	for (size_t len = 110; len < 130; len++) {
		struct way v = message(line, len, 'x');
		size_t payload = v.r.len - 1;
		size_t head = payload <= 125 ? 2 : 4;

		CHECK_EQ(render_record(DIALECT_WS, &v.r, dst, sizeof(dst)),
		    head + payload);
		CHECK_EQ((unsigned char)dst[0], 0x81);
		CHECK_EQ((unsigned char)dst[1], MIN(payload, (size_t)126));
		CHECK_MEM(dst + head, payload, line, payload);
	}
}

/* What of a frame fits is no frame. */
TEST(no_size_holds_half_a_frame)
{
	char line[256], whole[1024];

	for (size_t len = 110; len < 130; len++)
		for (unsigned json = 0; json <= DIALECT_JSON;
		     json += DIALECT_JSON) {
			struct way v = message(line, len, 'x');
			unsigned dialect = json | DIALECT_WS;
			size_t n = render(&v, dialect, whole, sizeof(whole));

			for (size_t size = 0; size < n; size++) {
				char *dst = malloc(size + (size == 0));

				CHECK_EQ(render(&v, dialect, dst, size), 0);
				free(dst);
			}
		}
}

TEST(each_line_of_a_reply_is_a_frame)
{
	static const char *const replies[] = {
	    "*** a\n",
	    "*** \n",
	    "*** 2 in general\n*** Alice Bob\n",
	    "*** error lagged: 3 messages missed\n",
	    "*** one\n*** two\n*** three\n*** error too-long: four\n",
	};

	for (size_t i = 0; i < COUNT(replies); i++) {
		struct way v = {.reply = true,
		    .r = {.line = replies[i],
			.len = (uint32_t)strlen(replies[i])}};

		check_way(&v, DIALECT_TEXT);
		check_way(&v, DIALECT_JSON);
	}
}

TEST(lines_of_replies_are_frames_whatever_their_lengths)
{
	char line[300];

	for (size_t len = 4; len < 280; len++) {
		struct way v = {.reply = true, .r = {.line = line}};

		memset(line, '*', 3);
		line[3] = ' ';
		memset(line + 4, 'x', len - 4);
		line[len] = '\n';
		v.r.len = (uint32_t)len + 1;
		check_way(&v, DIALECT_TEXT);
		check_way(&v, DIALECT_JSON);
	}
}

TEST(the_end_of_a_cut_line_is_no_frame)
{
	char dst[256];

	/* There is no such line: a cut frame is ended by its own rest. */
	CHECK_EQ(
	    render_reply(DIALECT_WS, seq, time_us, "\n", 1, dst, sizeof(dst)),
	    0);
	CHECK_MEM(dst,
	    render_reply(
		DIALECT_WS, seq, time_us, "\n*** a\n", 7, dst, sizeof(dst)),
	    "\x81\x05*** a", 7);
	CHECK_MEM(dst,
	    render_reply(
		DIALECT_WS, seq, time_us, "*** a", 5, dst, sizeof(dst)),
	    "\x81\x05*** a", 7);
}
