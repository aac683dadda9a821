/* SPDX-License-Identifier: MIT */
/*
 * How what the server says is written for a client: in its dialect.
 *
 * Every function is pure: the same arguments give the same bytes for ever,
 * which matters, since a successor renders a half-sent line again and sends
 * the rest of it.  Each returns the bytes it wrote, no NUL added, or 0 if
 * `size` is too small (dst may have been written to then); what the functions
 * ending in _max say is never too small.  What comes from
 * shared memory may be nonsense: nothing is read beyond what the caller says is
 * there, and an object of JSON is valid whatever it holds.
 */
#ifndef SHARED_CHAT_RENDER_H
#define SHARED_CHAT_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/clock.h"
#include "shared/base/json.h"
#include "shared/chat/limits.h"

/* Lies in shared memory.  Bits; all but these are ignored. */
enum dialect {
	DIALECT_TEXT = 0, /* the line protocol's lines */
	DIALECT_CRLF = 1, /* lines end in CR LF */
	DIALECT_JSON = 2, /* each line is an object */
	DIALECT_WS = 4,   /* each is a WebSocket frame, and has no line end */
	DIALECTS = 8,
};

/* Bytes in front of a frame's payload at most: of those below 64 KiB. */
#define RENDER_FRAME_HEAD 4

/* A record, as far as it is shown. */
struct render_record {
	unsigned type;         /* enum record_type: shared/chat/record.h */
	uint64_t seq, time_us; /* its number; CLOCK_REALTIME */
	const char *line;      /* in the line protocol's form, LF included */
	uint32_t len;          /* bytes of it */
	uint32_t name_off, name_len, text_off; /* in it; text: up to the LF */
	const char *room;                      /* the room's name */
	size_t room_len;
};

/*
 * Is its line one, and what it says to be in there, in this order?  No others
 * are rendered.
 */
bool render_is_sound(const struct render_record *r);

/*
 * Bytes of an object that are in no line: of a record, what one of the past has
 * beside that, and of a reply.
 */
#define RENDER_RECORD_KEYS                                                     \
	(sizeof("{\"type\":\"message\",\"seq\":18446744073709551615,\"time\":" \
		"\"2026-11-23T16:40:18.123Z\",\"room\":\"\",\"name\":\"\","    \
		"\"text\":\"\"}\r\n") -                                        \
	    1 + JSON_EXPANSION * LIMIT_ROOM)
#define RENDER_PAST_KEYS (sizeof(",\"replay\":true,\"kind\":\"message\"") - 1)
#define RENDER_REPLY_KEYS                                                      \
	(sizeof("{\"type\":\"error\",\"seq\":18446744073709551615,\"time\":"   \
		"\"2026-11-23T16:40:18.123Z\",\"text\":\"\",\"code\":\"\"}"    \
		"\r\n") -                                                      \
	    1)

/* What a dialect adds to a line: the head of a frame, or CR. */
static inline size_t
render_line_extra(unsigned dialect)
{
	return (dialect & DIALECT_WS) != 0 ? RENDER_FRAME_HEAD
					   : dialect & DIALECT_CRLF;
}

/* Bytes that render_record writes at most for a line of `len` bytes. */
static inline size_t
render_record_max(unsigned dialect, size_t len)
{
	if ((dialect & DIALECT_JSON) != 0)
		return RENDER_FRAME_HEAD + RENDER_RECORD_KEYS +
		       JSON_EXPANSION * len;
	return len + render_line_extra(dialect);
}

/* The same for render_past. */
static inline size_t
render_past_max(unsigned dialect, size_t len)
{
	if ((dialect & DIALECT_JSON) != 0)
		return render_record_max(dialect, len) + RENDER_PAST_KEYS;
	return sizeof("***") + CLOCK_STAMP_SIZE +
	       render_record_max(dialect, len);
}

/*
 * The same for render_reply and `len` bytes of lines.  Each line has five
 * bytes at least, "*** " and LF; an empty one before them, and an LF missing
 * at the end, are two bytes each.
 */
static inline size_t
render_reply_max(unsigned dialect, size_t len)
{
	size_t lines = (len + 1) / 5;

	if ((dialect & DIALECT_JSON) != 0)
		return 2 + lines * (RENDER_FRAME_HEAD + RENDER_REPLY_KEYS) +
		       JSON_EXPANSION * len;
	if ((dialect & DIALECT_WS) != 0)
		return RENDER_FRAME_HEAD * (lines + 1) + len;
	if ((dialect & DIALECT_CRLF) != 0)
		return 3 + lines + len;
	return len;
}

/*
 * Write the record: its line, or an object with type, seq, time, room (not of
 * a private message), name, and text where there is one; that of a rename is
 * the new name.  0 also if the record is nonsense: a line without LF, offsets
 * beyond it or out of order, a room's name over LIMIT_ROOM, no such type.  Text
 * and names that take more than JSON_EXPANSION times their bytes, as only what
 * was never sanitised does, are cut.
 */
size_t render_record(
    unsigned dialect, const struct render_record *r, char *dst, size_t size);

/*
 * The same as /history shows it: "*** TIME LINE", or an object of type reply
 * with `replay`, true, and `kind`, what its type was, behind the other keys.
 */
size_t render_past(
    unsigned dialect, const struct render_record *r, char *dst, size_t size);

/*
 * Write lines that the server says to one client: `lines` is one or more of
 * "*** TEXT\n" or "*** error CODE: TEXT\n".  Objects have type, seq, time and
 * text, and code if the type is error.
 *
 * An LF in front of the lines, which ends one that was cut, is a line end in
 * every dialect that has such.  Any other line of fewer than five bytes is left
 * out, but for DIALECT_TEXT, which is a copy.  A last line without LF gets its
 * line end.
 */
size_t render_reply(unsigned dialect, uint64_t seq, uint64_t time_us,
    const char *lines, size_t len, char *dst, size_t size);

#endif
