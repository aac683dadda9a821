/* SPDX-License-Identifier: MIT */
/* Names and texts of the load; see text.h for their form. */
#include "tools/chatload/text.h"

#include <stdio.h>

static void
write_number(char *digits, uint32_t value)
{
	uint64_t x = value;

	/* text_number backwards; a byte above 9 has bit 4 after adding 6. */
	x = (x | x << 16) & 0x0000ffff0000ffff;
	x = (x | x << 8) & 0x00ff00ff00ff00ff;
	x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
	x = x + 0x3030303030303030 +
	    39 * (((x + 0x0606060606060606) >> 4) & 0x0101010101010101);
	x = htobe64(x);
	memcpy(digits, &x, 8);
}

/* What follows SEQ and TIME; filled in by text_format_init. */
static char filler[TEXT_MAX];

void
text_format_init(struct text_format *f, const char *tag, size_t size)
{
	snprintf(f->tag, sizeof(f->tag), "%s", tag);
	f->tag_len = strlen(f->tag);
	f->name_len = f->tag_len + 8;
	f->size = size;
	for (size_t i = 0; i < sizeof(filler); i++)
		filler[i] = (char)('a' + i % 26);
}

void
text_name(const struct text_format *f, uint32_t who, char *name)
{
	snprintf(name, TEXT_NAME_SIZE, "%s%08x", f->tag, who);
}

void
text_room(const struct text_format *f, unsigned int room, char *name)
{
	snprintf(name, TEXT_NAME_SIZE, "%s%04x", f->tag, room & 0xffff);
}

void
text_write(
    const struct text_format *f, uint32_t seq, uint64_t time_ns, char *text)
{
	write_number(text, seq);
	write_number(text + 8, (uint32_t)(time_ns >> 32));
	write_number(text + 16, (uint32_t)time_ns);
	memcpy(text + TEXT_MIN, filler, f->size - TEXT_MIN);
}

bool
text_filler_ok(const struct text_format *f, const char *text)
{
	return memcmp(text + TEXT_MIN, filler, f->size - TEXT_MIN) == 0;
}
