/* SPDX-License-Identifier: MIT */
/*
 * How a policy lies in its memory object: for policy.c, which reads it, and
 * for who makes it.  Everybody else includes policy.h.
 *
 *   struct policy_shm, rooms, members, buckets of rooms, of users, users
 *
 * Users come last, as their rows are of odd sizes.
 *
 * `members` are indices of users, the lists of all rooms one behind the other.
 * A bucket is the index of a room or user + 1, or 0; who finds it taken looks
 * into the next one (open addressing).  Less than half of them are taken.
 */
#ifndef SHARED_CHAT_POLICY_SHM_H
#define SHARED_CHAT_POLICY_SHM_H

#include "shared/base/hash.h"
#include "shared/chat/policy.h"
#include "shared/chat/skeleton.h"

#define POLICY_MAGIC "CHATPOL1"
#define POLICY_ROWS_MAX (1u << 24) /* of each table */

struct policy_shm {
	char magic[8];
	uint64_t size; /* of all of it */
	uint64_t version;
	uint32_t rooms, users, members;
	uint32_t room_buckets, user_buckets; /* powers of two */
	struct settings settings;
};

/* Where the tables are, in bytes from the beginning; a function of counts. */
struct policy_layout {
	uint64_t rooms, members, room_buckets, user_buckets, users, size;
};

static inline struct policy_layout
policy_plan(const struct policy_shm *p)
{
	struct policy_layout l = {.rooms = sizeof(*p)};

	l.members = l.rooms + (uint64_t)p->rooms * sizeof(struct policy_room);
	l.room_buckets = l.members + (uint64_t)p->members * sizeof(uint32_t);
	l.user_buckets =
	    l.room_buckets + (uint64_t)p->room_buckets * sizeof(uint32_t);
	l.users = l.user_buckets + (uint64_t)p->user_buckets * sizeof(uint32_t);
	l.size = l.users + (uint64_t)p->users * sizeof(struct policy_user);
	return l;
}

/*
 * The first bucket to look into, the same for all names that are alike.  The
 * key is no secret: names in the tables are
 * the administrator's, so no client can make a chain longer.
 */
static inline uint32_t
policy_bucket(uint32_t buckets, const char *name, size_t len)
{
	static const uint8_t key[HASH_KEY_BYTES];
	struct skeleton skeleton;

	skeleton_make(&skeleton, name, len);
	return (uint32_t)skeleton_hash(key, &skeleton) & (buckets - 1);
}

#endif
