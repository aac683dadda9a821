/* SPDX-License-Identifier: MIT */
/* Looks: what stands around a line, is in colour in it, and in which set. */
#include "proxy/look.h"

#include <string.h>

#include "proxy/negotiate.h"
#include "proxy/wrap.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"
#include "shared/chat/record.h"

#define HANGING 4 /* columns that rows but the first stand in, of notices */
#define STAMP (sizeof("[12:34] ") - 1)
#define PLAIN "\x1b[0m"

/* From the best on; each is no longer than the one before. */
enum effort {
	EFFORT_ALL,
	EFFORT_UNWRAPPED,
	EFFORT_SPARE, /* and what is not ASCII grows no more */
	EFFORTS
};

struct look
look_of(uint8_t asked, enum charset charset, unsigned terminal, unsigned width)
{
	struct look look = {.bits = asked & LOOK_ASKED};

	look.bits |= (uint8_t)(charset << LOOK_CHARSET_SHIFT & LOOK_CHARSET);
	if ((terminal & TERMINAL_ANSI) != 0)
		look.bits |= LOOK_ANSI;
	if ((terminal & TERMINAL_COLORS) != 0)
		look.bits |= LOOK_COLORS;
	if (width > 0)
		look.columns =
		    (uint8_t)MIN(MAX(width, (unsigned)LOOK_COLUMNS_MIN),
			(unsigned)LOOK_COLUMNS_MAX);
	return look;
}

static enum charset
charset_of(struct look look)
{
	return (enum charset)((look.bits & LOOK_CHARSET) >> LOOK_CHARSET_SHIFT);
}

static bool
shows_color(struct look look)
{
	const uint8_t color = LOOK_COLOR | LOOK_ANSI;

	return (look.bits & color) == color;
}

static bool
is_wrapped(struct look look)
{
	return (look.bits & LOOK_WRAP) != 0 && look.columns != 0;
}

/* A hash of a name, the same for ever: FNV-1a, of A-Z as a-z. */
static uint32_t
name_hash(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)name[i];

		hash ^= c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
		hash *= 16777619u;
	}
	return hash ^ hash >> 16;
}

/* A colour that can be read on black and on white. */
static const char *
name_color(struct look look, const char *name, size_t len)
{
	static const char *const few[] = {"\x1b[31m", "\x1b[32m", "\x1b[33m",
	    "\x1b[34m", "\x1b[35m", "\x1b[36m"};
	static const char *const many[] = {"\x1b[38;5;160m", "\x1b[38;5;166m",
	    "\x1b[38;5;136m", "\x1b[38;5;100m", "\x1b[38;5;64m",
	    "\x1b[38;5;28m", "\x1b[38;5;30m", "\x1b[38;5;32m", "\x1b[38;5;27m",
	    "\x1b[38;5;62m", "\x1b[38;5;98m", "\x1b[38;5;128m",
	    "\x1b[38;5;164m", "\x1b[38;5;162m", "\x1b[38;5;168m",
	    "\x1b[38;5;131m"};
	uint32_t hash = name_hash(name, len);

	return (look.bits & LOOK_COLORS) != 0 ? many[hash % COUNT(many)]
					      : few[hash % COUNT(few)];
}

static struct wrap
wrap_begin(struct look look, unsigned dialect, enum effort effort, char *dst,
    size_t size)
{
	struct wrap w = {
	    .charset = charset_of(look),
	    .spare = effort >= EFFORT_SPARE,
	    .row_end = (dialect & DIALECT_CRLF) != 0 ? "\r\n" : "\n",
	    .plain = PLAIN,
	    .at = dst,
	    .end = dst + size,
	};

	if (is_wrapped(look) && effort < EFFORT_UNWRAPPED)
		w.columns =
		    MAX((unsigned)look.columns, (unsigned)LOOK_COLUMNS_MIN) - 1;
	return w;
}

/* Let rows but the first begin in this column, within bounds. */
static void
wrap_indent(struct wrap *w, size_t column)
{
	w->indent = (unsigned)MIN(column, (size_t)(w->columns + 1) / 3);
}

static void
put_stamp(struct wrap *w, uint64_t time_us)
{
	unsigned minute = (unsigned)(time_us / 60000000 % (24 * 60));
	unsigned hour = minute / 60;
	const char stamp[STAMP] = {'[', (char)('0' + hour / 10),
	    (char)('0' + hour % 10), ':', (char)('0' + minute % 60 / 10),
	    (char)('0' + minute % 10), ']', ' '};

	wrap_text(w, stamp, sizeof(stamp));
}

/* Put the line's name in colour from now on. */
static void
color_name(struct wrap *w, struct look look, const struct render_record *r)
{
	if (!shows_color(look) || r->name_len == 0 || r->name_len > LIMIT_NAME)
		return;
	w->color = name_color(look, r->line + r->name_off, r->name_len);
	w->from = r->name_off;
	w->to = r->name_off + r->name_len;
}

/* The record's line, behind what stands in front of it. */
static void
put_line(struct wrap *w, struct look look, const struct render_record *r)
{
	color_name(w, look, r);
	wrap_text(w, r->line, r->len - 1);
	wrap_put(w, w->row_end, strlen(w->row_end));
}

static void
put_record(struct wrap *w, struct look look, const struct render_record *r)
{
	size_t indent = (look.bits & LOOK_TIME) != 0 ? STAMP : 0;

	if (w->columns > 0) {
		if (r->type == RECORD_MESSAGE || r->type == RECORD_PRIVATE)
			indent += wrap_columns(w, r->line, r->text_off);
		else
			indent += HANGING;
		wrap_indent(w, indent);
	}
	if ((look.bits & LOOK_TIME) != 0)
		put_stamp(w, r->time_us);
	put_line(w, look, r);
}

/* "*** TIME LINE" */
static void
put_past(struct wrap *w, struct look look, const struct render_record *r)
{
	char head[4 + CLOCK_STAMP_SIZE] = "*** ";

	wrap_indent(w, HANGING);
	clock_stamp(head + 4, r->time_us);
	head[sizeof(head) - 1] = ' ';
	wrap_text(w, head, sizeof(head));
	put_line(w, look, r);
}

/* What is not ASCII as \uXXXX, or '?'; returns the bytes. */
static size_t
escape(uint32_t code, bool spare, char out[JSON_UNICODE_MAX])
{
	if (!spare && code <= 0x10ffff && code != 0xfffd)
		return json_unicode(out, code);
	out[0] = '?';
	return 1;
}

/*
 * JSON in ASCII.  `json` may lie at the end of dst: then nothing is written
 * over that isn't read yet, and that is why it may not fit.  Returns the bytes,
 * or 0.
 */
static size_t
put_ascii(const char *json, size_t len, bool spare, char *dst, size_t size,
    bool write)
{
	size_t n = 0, take;
	uint32_t code;

	for (size_t i = 0; i < len;) {
		char out[JSON_UNICODE_MAX];

		if ((signed char)json[i] >= 0) {
			out[0] = json[i++];
			take = 1;
		} else {
			i += utf8_decode(json + i, len - i, &code);
			take = escape(code, spare, out);
		}
		if (n + take > size - len + i)
			return 0;
		for (size_t k = 0; write && k < take; k++)
			dst[n + k] = out[k];
		n += take;
	}
	return n;
}

/* The same, of as much as there is room for. */
static size_t
json_ascii(const char *json, size_t len, char *dst, size_t size)
{
	bool spare = put_ascii(json, len, false, dst, size, false) == 0;

	return put_ascii(json, len, spare, dst, size, true);
}

typedef size_t renderer(
    unsigned dialect, const struct render_record *r, char *dst, size_t size);

/* An object, be it in ASCII. */
static size_t
look_json(struct look look, unsigned dialect, renderer *render,
    const struct render_record *r, char *dst, size_t size)
{
	size_t len = render(dialect, r, dst, size);

	if (len == 0 || charset_of(look) == CHARSET_UTF8)
		return len;
	memmove(dst + size - len, dst, len);
	return json_ascii(dst + size - len, len, dst, size);
}

size_t
look_record(struct look look, unsigned dialect, const struct render_record *r,
    char *dst, size_t size)
{
	if ((dialect & DIALECT_JSON) != 0)
		return look_json(look, dialect, render_record, r, dst, size);
	if (!render_is_sound(r))
		return 0;
	for (unsigned effort = EFFORT_ALL; effort < EFFORTS; effort++) {
		struct wrap w =
		    wrap_begin(look, dialect, (enum effort)effort, dst, size);

		put_record(&w, look, r);
		if (!w.full)
			return (size_t)(w.at - dst);
	}
	return 0;
}

size_t
look_past(struct look look, unsigned dialect, const struct render_record *r,
    char *dst, size_t size)
{
	if ((dialect & DIALECT_JSON) != 0)
		return look_json(look, dialect, render_past, r, dst, size);
	if (!render_is_sound(r))
		return 0;
	for (unsigned effort = EFFORT_ALL; effort < EFFORTS; effort++) {
		struct wrap w =
		    wrap_begin(look, dialect, (enum effort)effort, dst, size);

		put_past(&w, look, r);
		if (!w.full)
			return (size_t)(w.at - dst);
	}
	return 0;
}

/* One line, with its end if it has one. */
static void
put_one(struct wrap *w, const char *line, size_t len)
{
	size_t text = len;

	if (text > 0 && line[text - 1] == '\n')
		text--;
	if (text < len && text > 0 && line[text - 1] == '\r')
		text--;
	w->column = 0;
	w->later = false;
	wrap_text(w, line, text);
	wrap_put(w, line + text, len - text);
}

static void
put_lines(struct wrap *w, struct look look, const char *lines, size_t len)
{
	if (shows_color(look) && len > 0 &&
	    (lines[0] == '\n' || (len > 1 && memcmp(lines, "\r\n", 2) == 0)))
		wrap_put(w, PLAIN, sizeof(PLAIN) - 1);
	while (len > 0) {
		const char *lf = memchr(lines, '\n', len);
		size_t n = lf != NULL ? (size_t)(lf - lines) + 1 : len;

		put_one(w, lines, n);
		lines += n;
		len -= n;
	}
}

size_t
look_lines(struct look look, unsigned dialect, const char *lines, size_t len,
    char *dst, size_t size)
{
	if ((dialect & DIALECT_JSON) != 0 && charset_of(look) != CHARSET_UTF8)
		return len <= size ? json_ascii(lines, len, dst, size) : 0;
	if ((dialect & DIALECT_JSON) != 0)
		look.bits = 0;
	for (unsigned effort = EFFORT_ALL; effort < EFFORTS; effort++) {
		struct wrap w =
		    wrap_begin(look, dialect, (enum effort)effort, dst, size);

		wrap_indent(&w, HANGING);
		put_lines(&w, look, lines, len);
		if (!w.full)
			return (size_t)(w.at - dst);
	}
	return 0;
}
