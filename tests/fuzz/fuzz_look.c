/* SPDX-License-Identifier: MIT */
/*
 * proxy/look and proxy/wrap: whatever lies in shared memory, what is written
 * stays within its block, is the same the second time, and is there whenever
 * render.h's would be; rows are no wider than they may be and hold the line's
 * characters, all and no others; what goes to a terminal of ASCII is ASCII, and
 * JSON is JSON.
 *
 * The input begins with a struct choice; behind it are the room's name and the
 * line or lines.
 */
#include "tests/fuzz/check.h"

#include <stdbool.h>
#include <string.h>

#include "proxy/look.h"
#include "proxy/width.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"
#include "tests/harness/json.h"

#define INPUT_MAX 4096
#define ESC 0x1b

struct choice {
	uint8_t dialect, type, room_len, tame; /* the offsets, if it isn't 0 */
	uint8_t bits, columns, spare, kind;
	uint32_t name_off, name_len, text_off, size;
	uint64_t time_us;
};
static_assert(sizeof(struct choice) == 32, "no padding: the corpus has it");

enum kind {
	RECORD,
	PAST,
	LINES,
	KINDS
};

/* What is being written, and how. */
struct job {
	enum kind kind;
	unsigned dialect;
	struct look look;
	struct render_record r;
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

static size_t
do_job(const struct job *j, char *dst, size_t size)
{
	switch (j->kind) {
	case RECORD:
		return look_record(j->look, j->dialect, &j->r, dst, size);
	case PAST:
		return look_past(j->look, j->dialect, &j->r, dst, size);
	default:
		return look_lines(
		    j->look, j->dialect, j->r.line, j->r.len, dst, size);
	}
}

/* What is written without looks, or 0. */
static size_t
do_plainly(const struct job *j, char *dst, size_t size)
{
	if (j->kind == RECORD)
		return render_record(j->dialect, &j->r, dst, size);
	if (j->kind == PAST)
		return render_past(j->dialect, &j->r, dst, size);
	return j->r.len;
}

static bool
is_json(const struct job *j)
{
	return (j->dialect & DIALECT_JSON) != 0;
}

static enum charset
charset_of(const struct job *j)
{
	return (enum charset)(
	    (j->look.bits & LOOK_CHARSET) >> LOOK_CHARSET_SHIFT);
}

/* Behind a sequence for the terminal at `at`, or `at` if there is none. */
static size_t
skip_sequence(const char *s, size_t len, size_t at)
{
	size_t i = at + 2;

	if (at + 1 >= len || s[at] != ESC || s[at + 1] != '[')
		return at;
	while (i < len && s[i] >= 0x20 && s[i] < 0x40)
		i++;
	return MIN(i + 1, len);
}

/* A row is not too wide, but for one character that is so alone. */
static void
check_row(const struct job *j, const char *row, size_t len)
{
	unsigned columns = 0, most = MAX((unsigned)j->look.columns, 20u) - 1,
		 units = 0;
	size_t next, at = 0;

	if (len > 0 && row[len - 1] == '\r')
		len--;
	for (; at < len; at = next) {
		uint32_t code;

		next = skip_sequence(row, len, at);
		if (next > at)
			continue;
		next = width_next(row, len, at);
		(void)utf8_decode(row + at, next - at, &code);
		if (row[at] == '\t')
			columns += 8 - columns % 8;
		else
			columns += width_of(code);
		units += row[at] != ' ';
	}
	MUST(columns <= most || units <= 1);
}

/* Copies what is neither a blank, nor a line end, nor a sequence. */
static size_t
essence(const char *s, size_t len, char *out)
{
	size_t n = 0;

	for (size_t at = 0; at < len;) {
		size_t next = skip_sequence(s, len, at);

		if (next == at && memchr(" \t\r\n", s[at], 4) == NULL)
			out[n++] = s[at];
		at = MAX(next, at + 1);
	}
	return n;
}

/* All of the line, and nothing else, but for the time. */
static void
check_text(const struct job *j, const char *dst, size_t n)
{
	char *is = malloc(n + 1), *plain = malloc(j->r.len + 64);
	char *was = malloc(j->r.len + 64);
	size_t is_len, was_len, stamp = 0;

	MUST(is != NULL && plain != NULL && was != NULL);
	is_len = essence(dst, n, is);
	was_len = do_plainly(j, plain, j->r.len + 64);
	was_len = essence(j->kind == LINES ? j->r.line : plain, was_len, was);
	if (j->kind == RECORD && (j->look.bits & LOOK_TIME) != 0)
		stamp = sizeof("[12:34]") - 1;
	MUST(is_len == was_len + stamp);
	MUST(memcmp(is + stamp, was, was_len) == 0);
	free(is);
	free(plain);
	free(was);
}

static void
check_rows(const struct job *j, const char *dst, size_t n)
{
	if (charset_of(j) != CHARSET_UTF8 ||
	    memchr(j->r.line, ESC, j->r.len) != NULL)
		return;
	check_text(j, dst, n);
	if ((j->look.bits & LOOK_WRAP) == 0 || j->look.columns == 0)
		return;
	while (n > 0) {
		const char *lf = memchr(dst, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - dst) : n;

		/* A bare CR of nonsense is no end of a row. */
		if (memchr(dst, '\r', len) == NULL || dst[len - 1] == '\r')
			check_row(j, dst, len);
		n -= len + (lf != NULL);
		dst += len + (lf != NULL);
	}
}

static void
check_json(const struct job *j, const char *at, const char *end)
{
	at = json_object(at, end);
	MUST(at != NULL);
	if ((j->dialect & DIALECT_CRLF) != 0)
		MUST(at < end && *at++ == '\r');
	MUST(at < end && *at++ == '\n');
	MUST(at == end);
}

static void
check_ascii(const struct job *j, const char *dst, size_t n)
{
	enum charset charset = charset_of(j);

	if (charset != CHARSET_ASCII &&
	    !(is_json(j) && charset != CHARSET_UTF8))
		return;
	for (size_t i = 0; i < n; i++)
		MUST((signed char)dst[i] >= 0);
}

static void
check_size(const struct job *j, size_t size)
{
	char *dst = malloc(size + (size == 0)), *again;
	size_t n;

	MUST(dst != NULL);
	n = do_job(j, dst, size);
	MUST(n <= size);
	check_ascii(j, dst, n);
	if (n > 0 && is_json(j) && j->kind != LINES)
		check_json(j, dst, dst + n);
	again = malloc(size + (size == 0));
	MUST(again != NULL && do_job(j, again, size) == n);
	MUST(memcmp(dst, again, n) == 0);
	free(dst);
	free(again);
}

static void
check_job(const struct job *j)
{
	size_t max = render_past_max(j->dialect, j->r.len) + LOOK_EXTRA;
	size_t ample = 100 * max, plain, n;
	char *dst = malloc(ample);

	MUST(dst != NULL);
	plain = do_plainly(j, dst, max);
	check_size(j, max);
	n = do_job(j, dst, plain + LOOK_EXTRA);
	MUST((n > 0) == (plain > 0));
	n = do_job(j, dst, ample);
	if (!is_json(j) && n > 0)
		check_rows(j, dst, n);
	check_size(j, n);
	check_size(j, j->r.seq % (n + 1));
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
	if (c.tame != 0 && len > 0) {
		c.name_off %= 16;
		c.name_len %= 33;
		c.text_off = c.name_off + c.name_len + c.text_off % 8;
		line[len - 1] = '\n';
	}
	j = (struct job){.kind = c.kind % KINDS, .dialect = c.dialect % 8};
	j.look = (struct look){c.bits, c.columns};
	j.r = (struct render_record){c.type % 16, c.size, c.time_us, line,
	    (uint32_t)len, c.name_off, c.name_len, c.text_off, room, room_len};
	if (len > 0 || j.kind != LINES)
		check_job(&j);
	free(room);
	free(line);
	return 0;
}
