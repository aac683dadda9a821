/* SPDX-License-Identifier: MIT */
/* The hashes of all passwords, in the auth worker's memory and nowhere else. */
#ifndef WORKER_AUTH_SECRETS_H
#define WORKER_AUTH_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/chat/users.h"

struct auth_secret; /* a name and its hash */

struct auth_secrets {
	struct auth_secret *rows;
	uint32_t count, size;
	uint32_t *buckets; /* as in policy_shm.h */
	uint32_t nbuckets;
	uint32_t users; /* of the rows */
};

/* Keep one.  Returns 0, or -1 with errno. */
int auth_secrets_add(struct auth_secrets *secrets, bool of_user,
    const char *name, size_t name_len, const char *hash, size_t hash_len);

/*
 * Is that the password of the user or room?  Takes as long as crypt(3) does,
 * whether anybody is so called or not.  `password` ends in NUL.
 */
bool auth_secrets_match(const struct auth_secrets *secrets, bool of_user,
    const char *name, size_t name_len, const char *password);

/* Keep them from swap.  Returns 0, or -1 with errno. */
int auth_secrets_lock(const struct auth_secrets *secrets);

void auth_secrets_free(struct auth_secrets *secrets);

#endif
