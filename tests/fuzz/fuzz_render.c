/* SPDX-License-Identifier: MIT */
/*
 * shared/chat/render and shared/base/json: whatever lies in shared memory, what
 * is written stays within the bound that is promised for it, is the same the
 * second time, and is whole in whatever size it fits in; JSON is JSON.
 *
 * The input begins with a struct choice; behind it are the room's name and the
 * line or lines.
 */
#include "tests/fuzz/check.h"

#include <stdbool.h>
#include <string.h>

#include "shared/base/base.h"
#include "shared/base/utf8.h"
#include "shared/chat/render.h"
#include "tests/harness/json.h"

#define INPUT_MAX 4096

struct choice {
	uint8_t dialect, type, room_len;
	uint8_t tame; /* the offsets, if it isn't 0 */
	uint32_t name_off, name_len, text_off;
	uint64_t seq, time_us;
};
static_assert(sizeof(struct choice) == 32, "no padding: the corpus has it");

/* What is being written, and how. */
struct job {
	unsigned dialect;
	struct render_record r;
	bool past, reply;
};

/* Copy of `len` bytes in a block of exactly their size. */
static char *
exactly(const void *bytes, size_t len)
{
	char *copy = malloc(len + (len == 0));

	MUST(copy != NULL);
	memcpy(copy, bytes, len);
	return copy;
}

/* The head of a text frame; returns where its payload begins, and ends. */
static const char *
skip_frame_head(const char *at, const char *end, const char **payload_end)
{
	size_t len;

	MUST(end - at >= 2 && (uint8_t)at[0] == 0x81);
	len = (uint8_t)at[1];
	at += 2;
	if (len > 125) {
		MUST(len == 126 && end - at >= 2);
		len = (size_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]);
		MUST(len > 125);
		at += 2;
	}
	MUST(len <= (size_t)(end - at));
	*payload_end = at + len;
	return at;
}

/* One object, and its line end, or the frame that it is in. */
static const char *
skip_object(const char *at, const char *end, unsigned dialect)
{
	const char *stop = end;

	if ((dialect & DIALECT_WS) != 0)
		at = skip_frame_head(at, end, &stop);
	at = json_object(at, stop);
	MUST(at != NULL);
	if ((dialect & DIALECT_WS) != 0) {
		MUST(at == stop);
		return at;
	}
	if ((dialect & DIALECT_CRLF) != 0)
		MUST(at < end && *at++ == '\r');
	MUST(at < end && *at++ == '\n');
	return at;
}

/* Of the past: what it was is behind everything else. */
static void
check_kind(const struct job *j, const char *at, const char *end)
{
	static const char keys[] = "\",\"replay\":true,\"kind\":\"";

	MUST(memmem(at, (size_t)(end - at), keys, strlen(keys)) != NULL);
	MUST(
	    memmem(at, (size_t)(end - at), "{\"type\":\"reply\"", 15) ==
	    at + ((j->dialect & DIALECT_WS) != 0 ? end - at > 127 ? 4 : 2 : 0));
}

static size_t
do_job(const struct job *j, char *dst, size_t size)
{
	if (j->reply)
		return render_reply(j->dialect, j->r.seq, j->r.time_us,
		    j->r.line, j->r.len, dst, size);
	if (j->past)
		return render_past(j->dialect, &j->r, dst, size);
	return render_record(j->dialect, &j->r, dst, size);
}

static size_t
job_max(const struct job *j)
{
	if (j->reply)
		return render_reply_max(j->dialect, j->r.len);
	if (j->past)
		return render_past_max(j->dialect, j->r.len);
	return render_record_max(j->dialect, j->r.len);
}

/* In a size of its own: all of it, or nothing if that is less than the bound.
 */
static void
check_size(const struct job *j, size_t size, const char *expected, size_t len)
{
	char *dst = malloc(size + (size == 0));
	size_t n;

	MUST(dst != NULL);
	n = do_job(j, dst, size);
	MUST(n == len || (n == 0 && size < job_max(j)));
	MUST(n <= size);
	MUST(memcmp(dst, expected, n) == 0);
	free(dst);
}

static void
check_json(const struct job *j, const char *at, const char *end)
{
	if (j->past && !j->reply && at < end)
		check_kind(j, at, end);
	if (j->reply && at < end && j->r.line[0] == '\n' &&
	    (j->dialect & DIALECT_WS) == 0)
		at += (j->dialect & DIALECT_CRLF) != 0 ? 2 : 1;
	while (at < end) {
		at = skip_object(at, end, j->dialect);
		MUST(j->reply || at == end);
	}
}

static void
check_job(const struct job *j)
{
	size_t max = job_max(j), n;
	char *dst = malloc(max + 64);

	MUST(dst != NULL);
	n = do_job(j, dst, max + 64);
	MUST(n <= max);
	check_size(j, max, dst, n);
	check_size(j, n, dst, n);
	if (n > 0) {
		check_size(j, n - 1, dst, n);
		check_size(j, j->r.seq % n, dst, n);
	}
	if ((j->dialect & DIALECT_JSON) != 0)
		check_json(j, dst, dst + n);
	free(dst);
}

/* What was escaped reads as what it was. */
static void
check_escape(const char *s, size_t len, size_t size)
{
	char *dst = malloc(size + (size == 0));
	size_t done = len, n, i = 0;
	const char *at = dst;

	MUST(dst != NULL);
	n = json_escape(dst, size, s, &done);
	MUST(n <= size && done <= len);
	MUST(done == len || size - n < JSON_UNICODE_MAX);
	while (at < dst + n) {
		uint32_t code;

		MUST(i < done);
		i += utf8_decode(s + i, len - i, &code);
		MUST(json_char(&at, dst + n) ==
		     (code == UTF8_INVALID ? 0xfffd : code));
	}
	MUST(i == done && at == dst + n);
	free(dst);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice c;
	struct job j;
	size_t room_len, len;
	char *room, *line;

	if (size < sizeof(c) || size > INPUT_MAX)
		return 0;
	memcpy(&c, data, sizeof(c));
	data += sizeof(c);
	size -= sizeof(c);
	room_len = MIN((size_t)c.room_len, size);
	len = size - room_len;
	room = exactly(data, room_len);
	line = exactly(data + room_len, len);
	if (c.tame != 0) {
		c.name_off %= 16;
		c.name_len %= (uint32_t)len + 1;
		c.text_off = c.name_off + c.name_len + c.text_off % 8;
	}
	j = (struct job){.dialect = c.dialect % (2 * DIALECTS)};
	j.r = (struct render_record){c.type % 16, c.seq, c.time_us, line,
	    (uint32_t)len, c.name_off, c.name_len, c.text_off, room, room_len};
	check_job(&j);
	j.past = true;
	check_job(&j);
	j.reply = true;
	check_job(&j);
	check_escape(line, len, 6 * len);
	check_escape(line, len, (size_t)(c.seq % (6 * len + 1)));
	free(room);
	free(line);
	return 0;
}
