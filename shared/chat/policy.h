/* SPDX-License-Identifier: MIT */
/*
 * What the administrator decided and workers have to know: settings, the rooms
 * of the configuration, and who is registered; no secrets.  The master makes it
 * at the start and at each reload, in a memory object of its own that nobody
 * changes afterwards (sealed), and workers map it read-only: in one moment all
 * of the old one holds for a worker, in the next all of the new one.
 *
 * Names are looked up without ASCII case.  Lookups are pure.
 */
#ifndef SHARED_CHAT_POLICY_H
#define SHARED_CHAT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/chat/limits.h"
#include "shared/chat/settings.h"

/* Of a room; lies in shared memory, too: room_shm.flags. */
enum policy_flag {
	POLICY_CONFIGURED = 1, /* the configuration has a section for it */
	POLICY_PASSWORD = 2,   /* needs one */
	POLICY_MEMBERS = 4,    /* only for those in its list */
	POLICY_READ_ONLY = 8,  /* only operators may write */
	POLICY_HIDDEN = 16,    /* is in nobody's /rooms */
	POLICY_TOPIC = 32,     /* is fixed */
	POLICY_ALL = 63,
};

struct policy_room {
	uint32_t flags;                  /* enum policy_flag */
	uint32_t max_members;            /* 0: no limit */
	uint32_t members, members_count; /* rows of the table of members */
	uint16_t topic_len;
	uint8_t name_len;
	char name[LIMIT_ROOM];
	char topic[LIMIT_TOPIC];
};

/* A registered user. */
struct policy_user {
	uint8_t is_operator;
	uint8_t name_len;
	char name[LIMIT_NAME];
};

/* A mapping of it; all zero, one without rooms, users and settings. */
struct policy {
	const struct policy_shm *shm; /* policy.c */
	size_t size;
	const struct settings *settings;
};

/*
 * Map the object `fd`, read-only, after checking that everything within lies
 * within.  `fd` may be closed afterwards.  Returns 0, or -1 with errno: EPROTO
 * when it is no policy.
 */
int policy_attach(struct policy *policy, int fd);

/* The same with bytes in memory, aligned as malloc does, which stay there. */
int policy_use(struct policy *policy, const void *bytes, size_t size);

/* Undo policy_attach. */
void policy_detach(struct policy *policy);

/* Rises with each reload. */
uint64_t policy_version(const struct policy *policy);

/* The room of that name, or NULL when the configuration has none. */
const struct policy_room *policy_room(
    const struct policy *policy, const char *name, size_t len);

/* How many rooms the configuration has, and the one at an index below that. */
uint32_t policy_rooms(const struct policy *policy);
const struct policy_room *policy_room_at(
    const struct policy *policy, uint32_t index);

/* How many users are registered. */
uint32_t policy_users(const struct policy *policy);

/* May one of that name be in the room, going by its list of members? */
bool policy_is_member(const struct policy *policy,
    const struct policy_room *room, const char *name, size_t len);

/* The registered user of that name, or NULL. */
const struct policy_user *policy_user(
    const struct policy *policy, const char *name, size_t len);

/* Could the name be taken for a registered one (skeleton.h), or is it one? */
bool policy_user_alike(
    const struct policy *policy, const char *name, size_t len);

#endif
