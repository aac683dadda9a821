/* SPDX-License-Identifier: MIT */
/* See auth_secrets.h. */
#include "worker/auth/auth_secrets.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shared/base/base.h"
#include "shared/chat/limits.h"
#include "shared/chat/name.h"
#include "shared/chat/policy_shm.h"

struct auth_secret {
	bool of_user;
	uint8_t name_len;
	char name[LIMIT_ROOM];
	char hash[USERS_HASH_MAX + 1];
};

/* Where it is, or would be. */
static uint32_t *
bucket_of(
    const struct auth_secrets *s, bool of_user, const char *name, size_t len)
{
	uint32_t b = policy_bucket(s->nbuckets, name, len);

	while (s->buckets[b] != 0) {
		const struct auth_secret *row = &s->rows[s->buckets[b] - 1];

		if (row->of_user == of_user &&
		    name_equal(row->name, row->name_len, name, len))
			break;
		b = (b + 1) & (s->nbuckets - 1);
	}
	return &s->buckets[b];
}

/* Room for as many again; what is outgrown is wiped. */
static int
grow(struct auth_secrets *s)
{
	uint32_t size = MAX(2 * s->size, UINT32_C(16));
	struct auth_secret *rows = calloc(size, sizeof(*rows));
	uint32_t *buckets = calloc(2 * (size_t)size, sizeof(*buckets));

	if (rows == NULL || buckets == NULL) {
		free(rows);
		free(buckets);
		return -1;
	}
	if (s->rows != NULL) {
		memcpy(rows, s->rows, s->count * sizeof(*rows));
		explicit_bzero(s->rows, s->count * sizeof(*rows));
	}
	free(s->rows);
	free(s->buckets);
	s->rows = rows;
	s->buckets = buckets;
	s->size = size;
	s->nbuckets = 2 * size;
	for (uint32_t i = 0; i < s->count; i++)
		*bucket_of(s, rows[i].of_user, rows[i].name, rows[i].name_len) =
		    i + 1;
	return 0;
}

int
auth_secrets_add(struct auth_secrets *s, bool of_user, const char *name,
    size_t name_len, const char *hash, size_t hash_len)
{
	struct auth_secret *row;

	if (s->count == s->size && grow(s) == -1)
		return -1;
	row = &s->rows[s->count];
	row->of_user = of_user;
	row->name_len = (uint8_t)MIN(name_len, sizeof(row->name));
	memcpy(row->name, name, row->name_len);
	hash_len = MIN(hash_len, (size_t)USERS_HASH_MAX);
	memcpy(row->hash, hash, hash_len);
	row->hash[hash_len] = '\0';
	*bucket_of(s, of_user, row->name, row->name_len) = ++s->count;
	s->users += of_user;
	return 0;
}

/* The same in the time that its length takes. */
static bool
is_same(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned char differs = 0;

	if (strlen(b) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return differs == 0;
}

bool
auth_secrets_match(const struct auth_secrets *s, bool of_user, const char *name,
    size_t name_len, const char *password)
{
	static struct crypt_data data; /* large */
	uint32_t at;
	const char *hash, *made;
	bool same;

	if (s->count == 0)
		return false;
	at = *bucket_of(s, of_user, name, name_len);
	/* Of one who isn't there it takes as long as of the first. */
	hash = s->rows[at > 0 ? at - 1 : 0].hash;
	made = crypt_rn(password, hash, &data, (int)sizeof(data));
	same = made != NULL && is_same(made, hash) && at > 0;
	explicit_bzero(&data, sizeof(data));
	return same;
}

int
auth_secrets_lock(const struct auth_secrets *s)
{
	return s->rows ? mlock(s->rows, s->size * sizeof(*s->rows)) : 0;
}

void
auth_secrets_free(struct auth_secrets *s)
{
	if (s->rows != NULL)
		explicit_bzero(s->rows, s->size * sizeof(*s->rows));
	free(s->rows);
	free(s->buckets);
	*s = (struct auth_secrets){0};
}
