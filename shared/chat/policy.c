/* SPDX-License-Identifier: MIT */
/* See policy.h; how it lies in memory, policy_shm.h. */
#include "shared/chat/policy.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "shared/base/base.h"
#include "shared/chat/name.h"
#include "shared/chat/policy_shm.h"

static const void *
at(const struct policy *p, uint64_t offset)
{
	return (const char *)p->shm + offset;
}

static const struct policy_room *
rooms(const struct policy *p)
{
	return at(p, policy_plan(p->shm).rooms);
}

static const struct policy_user *
users(const struct policy *p)
{
	return at(p, policy_plan(p->shm).users);
}

static bool
is_power(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static bool
is_sound_head(const struct policy_shm *s, size_t size)
{
	return memcmp(s->magic, POLICY_MAGIC, sizeof(s->magic)) == 0 &&
	       s->rooms <= POLICY_ROWS_MAX && s->users <= POLICY_ROWS_MAX &&
	       s->members <= POLICY_ROWS_MAX && is_power(s->room_buckets) &&
	       is_power(s->user_buckets) && s->room_buckets > s->rooms &&
	       s->user_buckets > s->users && s->size == size &&
	       policy_plan(s).size == size &&
	       s->settings.origins_count <= SETTINGS_ORIGINS;
}

static bool
is_sound_table(const uint32_t *row, uint32_t count, uint32_t limit)
{
	for (uint32_t i = 0; i < count; i++)
		if (row[i] > limit)
			return false;
	return true;
}

static bool
is_sound_room(const struct policy_shm *s, const struct policy_room *r)
{
	return r->name_len <= LIMIT_ROOM && r->topic_len <= LIMIT_TOPIC &&
	       r->members <= s->members &&
	       r->members_count <= s->members - r->members;
}

/* All that lookups rely on, so that they need not look again. */
static bool
is_sound(const struct policy *p)
{
	const struct policy_shm *s = p->shm;
	struct policy_layout l;

	if (!is_sound_head(s, p->size))
		return false;
	l = policy_plan(s);
	for (uint32_t i = 0; i < s->rooms; i++)
		if (!is_sound_room(s, &rooms(p)[i]))
			return false;
	for (uint32_t i = 0; i < s->users; i++)
		if (users(p)[i].name_len > LIMIT_NAME)
			return false;
	for (uint32_t i = 0; i < s->settings.origins_count; i++)
		if (memchr(s->settings.origins[i], '\0',
			sizeof(s->settings.origins[i])) == NULL)
			return false;
	return is_sound_table(
		   at(p, l.room_buckets), s->room_buckets, s->rooms) &&
	       is_sound_table(at(p, l.user_buckets), s->user_buckets, s->users);
}

int
policy_use(struct policy *p, const void *bytes, size_t size)
{
	p->shm = bytes;
	p->size = size;
	if (size < sizeof(*p->shm) || !is_sound(p)) {
		*p = (struct policy){0};
		errno = EPROTO;
		return -1;
	}
	p->settings = &p->shm->settings;
	return 0;
}

int
policy_attach(struct policy *p, int fd)
{
	struct stat st;
	void *base;

	*p = (struct policy){0};
	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_size < (off_t)sizeof(struct policy_shm)) {
		errno = EPROTO;
		return -1;
	}
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -1;
	if (policy_use(p, base, (size_t)st.st_size) == 0)
		return 0;
	munmap(base, (size_t)st.st_size);
	errno = EPROTO;
	return -1;
}

void
policy_detach(struct policy *p)
{
	if (p->shm != NULL)
		munmap((void *)(uintptr_t)p->shm, p->size);
	*p = (struct policy){0};
}

uint64_t
policy_version(const struct policy *p)
{
	return p->shm != NULL ? p->shm->version : 0;
}

uint32_t
policy_rooms(const struct policy *p)
{
	return p->shm != NULL ? p->shm->rooms : 0;
}

const struct policy_room *
policy_room_at(const struct policy *p, uint32_t i)
{
	return &rooms(p)[i];
}

const struct policy_room *
policy_room(const struct policy *p, const char *name, size_t len)
{
	const uint32_t *buckets;
	uint32_t n, b;

	if (p->shm == NULL || p->shm->rooms == 0)
		return NULL;
	n = p->shm->room_buckets;
	buckets = at(p, policy_plan(p->shm).room_buckets);
	b = policy_bucket(n, name, len);
	for (uint32_t i = 0; i < n; i++, b = (b + 1) & (n - 1)) {
		const struct policy_room *r;

		if (buckets[b] == 0)
			return NULL;
		r = &rooms(p)[buckets[b] - 1];
		if (name_equal(r->name, r->name_len, name, len))
			return r;
	}
	return NULL;
}

uint32_t
policy_users(const struct policy *p)
{
	return p->shm != NULL ? p->shm->users : 0;
}

const struct policy_user *
policy_user(const struct policy *p, const char *name, size_t len)
{
	const uint32_t *buckets;
	uint32_t n, b;

	if (p->shm == NULL || p->shm->users == 0)
		return NULL;
	n = p->shm->user_buckets;
	buckets = at(p, policy_plan(p->shm).user_buckets);
	b = policy_bucket(n, name, len);
	for (uint32_t i = 0; i < n; i++, b = (b + 1) & (n - 1)) {
		const struct policy_user *u;

		if (buckets[b] == 0)
			return NULL;
		u = &users(p)[buckets[b] - 1];
		if (name_equal(u->name, u->name_len, name, len))
			return u;
	}
	return NULL;
}

bool
policy_user_alike(const struct policy *p, const char *name, size_t len)
{
	struct skeleton wanted, there;
	const uint32_t *buckets;
	uint32_t n, b;

	if (p->shm == NULL || p->shm->users == 0)
		return false;
	n = p->shm->user_buckets;
	buckets = at(p, policy_plan(p->shm).user_buckets);
	b = policy_bucket(n, name, len);
	skeleton_make(&wanted, name, len);
	for (uint32_t i = 0; i < n && buckets[b] != 0; i++) {
		const struct policy_user *u = &users(p)[buckets[b] - 1];

		skeleton_make(&there, u->name, u->name_len);
		if (skeleton_alike(&wanted, &there))
			return true;
		b = (b + 1) & (n - 1);
	}
	return false;
}

bool
policy_is_member(const struct policy *p, const struct policy_room *room,
    const char *name, size_t len)
{
	const struct policy_user *user = policy_user(p, name, len);
	const uint32_t *member;

	if (user == NULL)
		return false;
	member = at(p, policy_plan(p->shm).members);
	for (uint32_t i = 0; i < room->members_count; i++)
		if (member[room->members + i] == (uint32_t)(user - users(p)))
			return true;
	return false;
}
