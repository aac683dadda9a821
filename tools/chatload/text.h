/* SPDX-License-Identifier: MIT */
/*
 * What chatload says: names, rooms, and texts that carry their own check.
 *
 *   name     TAG WHO            WHO: 8 hex digits, room * 65536 + member
 *   room     TAG ROOM           ROOM: 4 hex digits
 *   text     SEQ TIME filler    SEQ: 8 hex digits; TIME: 16, nanoseconds
 *
 * All names of a run are equally long, and so are all rooms and all texts.
 */
#ifndef TOOLS_CHATLOAD_TEXT_H
#define TOOLS_CHATLOAD_TEXT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEXT_MIN 24 /* SEQ and TIME */
#define TEXT_MAX 65536
#define TEXT_TAG_MAX 24
#define TEXT_NAME_SIZE (TEXT_TAG_MAX + 8 + 1)

/* The lengths of a run. */
struct text_format {
	char tag[TEXT_TAG_MAX + 1]; /* begins every name and room */
	size_t tag_len;
	size_t name_len;
	size_t size; /* bytes of text */
};

/* The tag is at most TEXT_TAG_MAX bytes, the size TEXT_MIN to TEXT_MAX. */
void text_format_init(struct text_format *f, const char *tag, size_t size);

/* Both write at most TEXT_NAME_SIZE bytes, the final NUL included. */
void text_name(const struct text_format *f, uint32_t who, char *name);
void text_room(const struct text_format *f, unsigned int room, char *name);

/* Writes f->size bytes. */
void text_write(
    const struct text_format *f, uint32_t seq, uint64_t time_ns, char *text);

/* Whether the bytes behind SEQ and TIME are as text_write wrote them. */
bool text_filler_ok(const struct text_format *f, const char *text);

/* Reads 8 lower case hex digits; of anything else, some number. */
static inline uint32_t
text_number(const char *digits)
{
	uint64_t x;

	/* One digit a byte, all eight at once. */
	memcpy(&x, digits, 8);
	x = be64toh(x);
	x = (x & 0x0f0f0f0f0f0f0f0f) + 9 * ((x >> 6) & 0x0101010101010101);
	x = (x | x >> 4) & 0x00ff00ff00ff00ff;
	x = (x | x >> 8) & 0x0000ffff0000ffff;
	return (uint32_t)(x | x >> 16);
}

static inline uint64_t
text_time(const char *text)
{
	return (uint64_t)text_number(text + 8) << 32 | text_number(text + 16);
}

#endif
