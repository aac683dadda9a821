/* SPDX-License-Identifier: MIT */
/* See creators.h. */
#include "shared/shm/creators.h"

#include <string.h>

#include "shared/base/hash.h"
#include "shared/shm/tables.h"

uint32_t
creators_bucket(const struct segment *seg, const uint8_t creator[ADDRESS_BYTES])
{
	return (uint32_t)hash_sip(
		   seg->header->hash_key, creator, ADDRESS_BYTES) &
	       (seg->layout.nroomnames - 1);
}

void
creators_clear(struct segment *seg)
{
	for (uint32_t i = 0; i < seg->layout.nroomnames; i++)
		seg->creators[i] = NONE;
}

void
creators_link(struct segment *seg, uint32_t room)
{
	struct room_shm *r = &seg->rooms[room];
	uint32_t b = creators_bucket(seg, r->creator);

	r->creator_prev = NONE;
	r->creator_next = seg->creators[b];
	if (r->creator_next < seg->params.nrooms)
		seg->rooms[r->creator_next].creator_prev = room;
	seg->creators[b] = room;
}

void
creators_unlink(struct segment *seg, uint32_t room)
{
	const struct room_shm *r = &seg->rooms[room];

	if (r->creator_prev < seg->params.nrooms)
		seg->rooms[r->creator_prev].creator_next = r->creator_next;
	else
		seg->creators[creators_bucket(seg, r->creator)] =
		    r->creator_next;
	if (r->creator_next < seg->params.nrooms)
		seg->rooms[r->creator_next].creator_prev = r->creator_prev;
}

uint32_t
creators_count(const struct segment *seg, const uint8_t creator[ADDRESS_BYTES],
    uint32_t most)
{
	uint32_t at = seg->creators[creators_bucket(seg, creator)], count = 0;

	for (uint32_t n = 0;
	     at < seg->params.nrooms && n < seg->params.nrooms && count < most;
	     n++) {
		const struct room_shm *r = &seg->rooms[at];

		count += memcmp(r->creator, creator, ADDRESS_BYTES) == 0;
		at = r->creator_next;
	}
	return count;
}
