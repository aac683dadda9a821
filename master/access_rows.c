/* SPDX-License-Identifier: MIT */
/* See access_rows.h. */
#include "master/access_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/chat/name.h"
#include "shared/chat/policy_shm.h"

static const char *
access_room_name(const void *rows, uint32_t i, size_t *len)
{
	const struct policy_room *r = (const struct policy_room *)rows + i;

	*len = r->name_len;
	return r->name;
}

static const char *
access_user_name(const void *rows, uint32_t i, size_t *len)
{
	const struct policy_user *u = (const struct policy_user *)rows + i;

	*len = u->name_len;
	return u->name;
}

typedef const char *access_name(const void *rows, uint32_t i, size_t *len);

/* Where the name is, or would be. */
static uint32_t *
index_slot(const struct access_index *index, const void *rows,
    access_name *name_of, const char *name, size_t len)
{
	uint32_t b = policy_bucket(index->count, name, len);

	while (index->buckets[b] != 0) {
		size_t n;
		const char *other = name_of(rows, index->buckets[b] - 1, &n);

		if (name_equal(other, n, name, len))
			break;
		b = (b + 1) & (index->count - 1);
	}
	return &index->buckets[b];
}

/* Make all buckets anew for twice as many rows. */
static int
index_grow(struct access_index *index, const void *rows, uint32_t count,
    access_name *name_of)
{
	uint32_t size = MAX(index->count * 2, UINT32_C(16));
	uint32_t *buckets = calloc(size, sizeof(*buckets));

	if (buckets == NULL)
		return -1;
	free(index->buckets);
	index->buckets = buckets;
	index->count = size;
	for (uint32_t i = 0; i < count; i++) {
		size_t len;
		const char *name = name_of(rows, i, &len);

		*index_slot(index, rows, name_of, name, len) = i + 1;
	}
	return 0;
}

void *
access_add(void **rows, uint32_t *room, uint32_t count, size_t size)
{
	if (count == *room) {
		uint32_t more = MAX(*room * 2, UINT32_C(16));
		void *grown = reallocarray(*rows, more, size);

		if (grown == NULL || more > POLICY_ROWS_MAX)
			return NULL;
		*rows = grown;
		*room = more;
	}
	return memset((char *)*rows + (size_t)count * size, 0, size);
}

int
access_no_memory(char *err, size_t errsize)
{
	snprintf(err, errsize, "%s", strerror(ENOMEM));
	return -1;
}

struct policy_user *
access_new_user(
    struct access *a, const char *name, size_t len, char *err, size_t errsize)
{
	void *rows = a->users;
	struct policy_user *user;
	uint32_t *slot;

	if (2 * (a->nusers + 1) > a->by_user.count &&
	    index_grow(&a->by_user, a->users, a->nusers, access_user_name) ==
		-1)
		goto none;
	slot = index_slot(&a->by_user, a->users, access_user_name, name, len);
	if (*slot != 0) {
		snprintf(err, errsize, "that user is registered already");
		return NULL;
	}
	user = access_add(&rows, &a->users_size, a->nusers, sizeof(*user));
	a->users = rows;
	if (user == NULL)
		goto none;
	*slot = ++a->nusers;
	memcpy(user->name, name, len);
	user->name_len = (uint8_t)len;
	return user;
none:
	access_no_memory(err, errsize);
	return NULL;
}

struct policy_room *
access_new_room(
    struct access *a, const char *name, size_t len, char *err, size_t errsize)
{
	void *rows = a->rooms;
	struct policy_room *room;
	uint32_t *slot;

	if (2 * (a->nrooms + 1) > a->by_room.count &&
	    index_grow(&a->by_room, a->rooms, a->nrooms, access_room_name) ==
		-1)
		goto none;
	slot = index_slot(&a->by_room, a->rooms, access_room_name, name, len);
	if (*slot != 0) {
		snprintf(err, errsize, "that room has a section already");
		return NULL;
	}
	room = access_add(&rows, &a->rooms_size, a->nrooms, sizeof(*room));
	a->rooms = rows;
	if (room == NULL)
		goto none;
	*slot = ++a->nrooms;
	memcpy(room->name, name, len);
	room->name_len = (uint8_t)len;
	room->flags = POLICY_CONFIGURED;
	return room;
none:
	access_no_memory(err, errsize);
	return NULL;
}

int
access_give(const struct access *a, bool of_user, const char *name,
    size_t name_len, const char *hash, size_t len)
{
	if (a->sink == NULL)
		return 0;
	return a->sink->take(
	    a->sink->context, of_user, name, name_len, hash, len);
}

uint32_t
access_find_user(const struct access *a, const char *name, size_t len)
{
	if (a->by_user.count == 0)
		return UINT32_MAX;
	/* An empty bucket's 0 becomes what is none. */
	return *index_slot(&a->by_user, a->users, access_user_name, name, len) -
	       1;
}

void
access_free(struct access *a)
{
	free(a->rooms);
	free(a->users);
	free(a->members);
	free(a->by_room.buckets);
	free(a->by_user.buckets);
	*a = (struct access){0};
}
