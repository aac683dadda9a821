/* SPDX-License-Identifier: MIT */
/*
 * Dialects.  A record is rendered once for a room and dialect, on the path of
 * every message: no printf here.
 */
#include "shared/chat/render.h"

#include <stdbool.h>
#include <string.h>

#include "shared/base/base.h"
#include "shared/chat/record.h"

#define NOTICE "*** "
#define ERROR "error "

/* What a type of record is in JSON. */
static const struct kind {
	const char *type;
	bool text, no_room;
} kinds[RECORD_TYPES] = {
    [RECORD_MESSAGE] = {"message", true, false},
    [RECORD_JOIN] = {"join", false, false},
    [RECORD_LEAVE] = {"leave", false, false},
    [RECORD_ACTION] = {"action", true, false},
    [RECORD_PRIVATE] = {"private", true, true},
    [RECORD_RENAME] = {"rename", true, false},
    [RECORD_TOPIC] = {"topic", true, false},
    [RECORD_KICK] = {"notice", true, false},
    [RECORD_BAN] = {"notice", true, false},
    [RECORD_UNBAN] = {"notice", true, false},
    [RECORD_MUTE] = {"notice", true, false},
    [RECORD_UNMUTE] = {"notice", true, false},
    [RECORD_OP] = {"notice", true, false},
    [RECORD_DEOP] = {"notice", true, false},
    [RECORD_DISPLACE] = {"notice", true, false},
    [RECORD_ROOM] = {"notice", true, false},
};

/* What is being written. */
struct out {
	char *at, *end;
	bool full; /* and therefore worth nothing */
};

static inline void
put(struct out *o, const char *bytes, size_t len)
{
	if (len > (size_t)(o->end - o->at)) {
		o->full = true;
		return;
	}
	memcpy(o->at, bytes, len);
	o->at += len;
}

#define PUT(o, literal) put(o, literal, sizeof(literal) - 1)

/*
 * Begin a line.  A frame's head (RFC 6455, section 5.2) is written when its
 * length is known: until then there is room for the longest.
 */
static inline char *
put_line_begin(struct out *o, unsigned dialect)
{
	char *begin = o->at;

	if ((dialect & DIALECT_WS) != 0)
		put(o, "\0\0\0\0", RENDER_FRAME_HEAD);
	return begin;
}

/* The head of a final, unmasked text frame that began at `begin`. */
static void
put_frame_head(struct out *o, char *begin)
{
	size_t len = (size_t)(o->at - begin) - RENDER_FRAME_HEAD;

	begin[0] = (char)0x81;
	if (len > UINT16_MAX) { /* nothing that is rendered here is */
		o->full = true;
	} else if (len > 125) {
		begin[1] = 126;
		begin[2] = (char)(len >> 8);
		begin[3] = (char)len;
	} else {
		begin[1] = (char)len;
		memmove(begin + 2, begin + RENDER_FRAME_HEAD, len);
		o->at -= 2;
	}
}

/* End the line that began at `begin`. */
static inline void
put_line_end(struct out *o, unsigned dialect, char *begin)
{
	if ((dialect & DIALECT_WS) != 0) {
		if (!o->full)
			put_frame_head(o, begin);
	} else if ((dialect & DIALECT_CRLF) != 0) {
		PUT(o, "\r\n");
	} else {
		PUT(o, "\n");
	}
}

static void
put_number(struct out *o, uint64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(o, digits + first, sizeof(digits) - first);
}

/* More follows, and that is more than the NUL that clock_stamp adds. */
static void
put_time(struct out *o, uint64_t time_us)
{
	if ((size_t)(o->end - o->at) < CLOCK_STAMP_SIZE) {
		o->full = true;
		return;
	}
	clock_stamp(o->at, time_us);
	o->at += CLOCK_STAMP_SIZE - 1;
}

/* The inside of a string, cut where it grows beyond what is promised. */
static void
put_text(struct out *o, const char *s, size_t len)
{
	size_t left = (size_t)(o->end - o->at), most = JSON_EXPANSION * len;
	size_t done = len;

	o->at += json_escape(o->at, MIN(left, most), s, &done);
	if (done < len && left < most)
		o->full = true;
}

/* The beginning of an object, up to where the next key goes. */
static void
put_head(struct out *o, const char *type, uint64_t seq, uint64_t time_us)
{
	PUT(o, "{\"type\":\"");
	put(o, type, strlen(type));
	PUT(o, "\",\"seq\":");
	put_number(o, seq);
	PUT(o, ",\"time\":\"");
	put_time(o, time_us);
}

static void
put_object(
    struct out *o, unsigned dialect, const struct render_record *r, bool past)
{
	const struct kind *kind = &kinds[r->type];
	char *begin = put_line_begin(o, dialect);

	put_head(o, past ? "reply" : kind->type, r->seq, r->time_us);
	if (r->room_len > 0 && !kind->no_room) {
		PUT(o, "\",\"room\":\"");
		put_text(o, r->room, r->room_len);
	}
	PUT(o, "\",\"name\":\"");
	put_text(o, r->line + r->name_off, r->name_len);
	if (kind->text) {
		PUT(o, "\",\"text\":\"");
		put_text(o, r->line + r->text_off, r->len - 1 - r->text_off);
	}
	if (past) {
		PUT(o, "\",\"replay\":true,\"kind\":\"");
		put(o, kind->type, strlen(kind->type));
	}
	PUT(o, "\"}");
	put_line_end(o, dialect, begin);
}

static void
put_record(struct out *o, unsigned dialect, const struct render_record *r)
{
	char *begin = put_line_begin(o, dialect);

	put(o, r->line, r->len - 1);
	put_line_end(o, dialect, begin);
}

bool
render_is_sound(const struct render_record *r)
{
	uint64_t name_end = (uint64_t)r->name_off + r->name_len;

	if (r->len == 0 || r->line[r->len - 1] != '\n' ||
	    r->type == RECORD_NONE || r->type >= RECORD_TYPES ||
	    r->room_len > LIMIT_ROOM)
		return false;
	if (!kinds[r->type].text)
		return name_end < r->len;
	return name_end <= r->text_off && r->text_off < r->len;
}

static size_t
written(const struct out *o, const char *dst)
{
	return o->full ? 0 : (size_t)(o->at - dst);
}

size_t
render_record(
    unsigned dialect, const struct render_record *r, char *dst, size_t size)
{
	struct out o = {.at = dst, .end = dst + size};

	if (!render_is_sound(r))
		return 0;
	if ((dialect & DIALECT_JSON) != 0)
		put_object(&o, dialect, r, false);
	else
		put_record(&o, dialect, r);
	return written(&o, dst);
}

size_t
render_past(
    unsigned dialect, const struct render_record *r, char *dst, size_t size)
{
	struct out o = {.at = dst, .end = dst + size};

	if (!render_is_sound(r))
		return 0;
	if ((dialect & DIALECT_JSON) != 0) {
		put_object(&o, dialect, r, true);
	} else {
		char *begin = put_line_begin(&o, dialect);

		PUT(&o, NOTICE);
		put_time(&o, r->time_us);
		PUT(&o, " ");
		put(&o, r->line, r->len - 1);
		put_line_end(&o, dialect, begin);
	}
	return written(&o, dst);
}

static bool
begins_with(const char *s, size_t len, const char *with, size_t with_len)
{
	return len >= with_len && memcmp(s, with, with_len) == 0;
}

/* Bytes of CODE if it is "error CODE: TEXT", or 0. */
static size_t
code_len(const char *s, size_t len)
{
	size_t at = sizeof(ERROR) - 1;

	if (!begins_with(s, len, ERROR, at))
		return 0;
	while (at < len && (s[at] == '-' || (s[at] >= 'a' && s[at] <= 'z')))
		at++;
	return begins_with(s + at, len - at, ": ", 2) ? at - sizeof(ERROR) + 1
						      : 0;
}

/* A line of a reply, without its LF. */
static void
put_reply(struct out *o, unsigned dialect, uint64_t seq, uint64_t time_us,
    const char *s, size_t len)
{
	size_t skip = sizeof(NOTICE) - 1, code;
	char *begin = put_line_begin(o, dialect);
	const char *text;

	if ((dialect & DIALECT_JSON) == 0) {
		put(o, s, len);
		put_line_end(o, dialect, begin);
		return;
	}
	if (!begins_with(s, len, NOTICE, skip))
		skip = 0; /* of a process gone wrong: all of it is text */
	s += skip;
	len -= skip;
	code = code_len(s, len);
	text = code > 0 ? s + sizeof(ERROR) - 1 + code + 2 : s;
	put_head(o, code > 0 ? "error" : "reply", seq, time_us);
	PUT(o, "\",\"text\":\"");
	put_text(o, text, (size_t)(s + len - text));
	if (code > 0) {
		PUT(o, "\",\"code\":\"");
		put_text(o, s + sizeof(ERROR) - 1, code);
	}
	PUT(o, "\"}");
	put_line_end(o, dialect, begin);
}

size_t
render_reply(unsigned dialect, uint64_t seq, uint64_t time_us,
    const char *lines, size_t len, char *dst, size_t size)
{
	struct out o = {.at = dst, .end = dst + size};
	const char *at = lines, *end = lines + len;

	if (dialect % DIALECTS == DIALECT_TEXT) {
		put(&o, lines, len);
		return written(&o, dst);
	}
	if (at < end && *at == '\n') {
		if ((dialect & DIALECT_WS) == 0)
			put_line_end(&o, dialect, NULL);
		at++;
	}
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *stop = lf != NULL ? lf : end;

		if ((size_t)(stop - at) >= sizeof(NOTICE) - 1)
			put_reply(
			    &o, dialect, seq, time_us, at, (size_t)(stop - at));
		at = lf != NULL ? lf + 1 : end;
	}
	return written(&o, dst);
}
