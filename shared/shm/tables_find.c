/* SPDX-License-Identifier: MIT */
/*
 * The shared tables: finding rows by their names.  Every walk is bounded, as
 * in tables.c, and runs under the lock.
 */
#include "shared/shm/tables.h"

#include "shared/base/hash.h"
#include "shared/chat/name.h"
#include "shared/chat/skeleton.h"

uint32_t
tables_name_hash(const struct segment *seg, const char *name, size_t len)
{
	uint64_t hash = hash_sip_nocase(seg->header->hash_key, name, len);

	return (uint32_t)(hash >> 32) | 1;
}

static uint32_t
bucket_of(const struct segment *seg, const struct skeleton *skeleton)
{
	return (uint32_t)skeleton_hash(seg->header->hash_key, skeleton) &
	       (seg->layout.nnames - 1);
}

uint32_t
tables_name_bucket(const struct segment *seg, const char *name, size_t len)
{
	struct skeleton skeleton;

	skeleton_make(&skeleton, name, len);
	return bucket_of(seg, &skeleton);
}

uint32_t
tables_room_bucket(const struct segment *seg, const char *name, size_t len)
{
	return (uint32_t)hash_sip_nocase(seg->header->hash_key, name, len) &
	       (seg->layout.nroomnames - 1);
}

uint32_t
tables_find_name(const struct segment *seg, const char *name, size_t len)
{
	uint32_t at = seg->names[tables_name_bucket(seg, name, len)];

	for (uint32_t n = 0; at < seg->params.nslots && n < seg->params.nslots;
	     n++) {
		const struct session_shm *s = &seg->sessions[at];

		if (s->name_len <= LIMIT_NAME &&
		    name_equal(s->name, s->name_len, name, len))
			return at;
		at = s->name_next;
	}
	return NONE;
}

uint32_t
tables_find_alike(
    const struct segment *seg, const char *name, size_t len, uint32_t but)
{
	struct skeleton wanted, there;
	uint32_t at, akin = 0;

	skeleton_make(&wanted, name, len);
	at = seg->names[bucket_of(seg, &wanted)];
	for (uint32_t n = 0; at < seg->params.nslots && n < seg->params.nslots;
	     n++) {
		const struct session_shm *s = &seg->sessions[at];

		if (at != but && s->name_len <= LIMIT_NAME) {
			skeleton_make(&there, s->name, s->name_len);
			if (skeleton_alike(&wanted, &there) ||
			    (skeleton_akin(&wanted, &there) &&
				++akin == AKIN_MAX))
				return at;
		}
		at = s->name_next;
	}
	return NONE;
}

uint32_t
tables_find_room(const struct segment *seg, const char *name, size_t len)
{
	uint32_t at = seg->roomnames[tables_room_bucket(seg, name, len)];

	for (uint32_t n = 0; at < seg->params.nrooms && n < seg->params.nrooms;
	     n++) {
		const struct room_shm *r = &seg->rooms[at];

		if (r->name_len <= LIMIT_ROOM &&
		    name_equal(r->name, r->name_len, name, len))
			return at;
		at = r->hash_next;
	}
	return NONE;
}
