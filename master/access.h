/* SPDX-License-Identifier: MIT */
/*
 * Who may come in: the sections [room NAME] and [user NAME] of the
 * configuration file, and the file of registered users.  Of passwords only the
 * form is looked at; none is kept.
 */
#ifndef MASTER_ACCESS_H
#define MASTER_ACCESS_H

#include "shared/base/base.h"
#include "shared/base/config.h"
#include "shared/chat/policy.h"

/* A name in a room's list of members, who need not be registered. */
struct access_member {
	uint8_t name_len;
	char name[LIMIT_NAME];
};

/* Rows by name: see policy_shm.h on buckets, which these become. */
struct access_index {
	uint32_t *buckets;
	uint32_t count; /* of them: a power of two, or 0 */
};

/* Who takes the hashes, which are kept nowhere else. */
struct access_sink {
	void *context;
	/* 0, or -1 with errno. */
	int (*take)(void *context, bool of_user, const char *name,
	    size_t name_len, const char *hash, size_t hash_len);
};

struct access {
	struct policy_room *rooms;
	struct policy_user *users;
	struct access_member *members; /* each room's in a row */
	uint32_t nrooms, nusers, nmembers;
	uint32_t rooms_size, users_size, members_size;
	struct access_index by_room, by_user;
	/* While it is read. */
	bool in_user;   /* the section is a user's, else a room's */
	uint32_t given; /* keys that the section has had: bits */
	bool has_password;
	const struct access_sink *sink; /* or NULL */
};

#define ACCESS_NO_FILE "none"

/* For config.sections: what lies in sections goes into `access`. */
struct config_sections access_sections(struct access *access);

/*
 * The last section has ended; then read the file of users, unless `path` is
 * ACCESS_NO_FILE.  Returns 0, or -1 with a line for a person in err.
 */
int access_end(struct access *access, char *err, size_t errsize);
int access_read_users(
    struct access *access, const char *path, char *err, size_t errsize);

/* Its user of that name; its index, or UINT32_MAX. */
uint32_t access_find_user(
    const struct access *access, const char *name, size_t len);

/* Is there a password of anything? */
bool access_has_passwords(const struct access *access);

/* Warn in the log of members of rooms who aren't registered. */
void access_warn(const struct access *access);

void access_free(struct access *access);

#endif
