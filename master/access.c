/* SPDX-License-Identifier: MIT */
/* See access.h. */
#include "master/access_rows.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"
#include "shared/chat/name.h"
#include "shared/chat/text.h"
#include "shared/chat/users.h"

#define SHOWN LOG_QUOTED(LIMIT_ROOM)

enum given {
	GIVEN_PASSWORD = 1,
	GIVEN_MEMBERS = 2,
	GIVEN_MAX_MEMBERS = 4,
	GIVEN_TOPIC = 8,
	GIVEN_READ_ONLY = 16,
	GIVEN_HIDDEN = 32,
	GIVEN_OPERATOR = 64,
};

static int
access_bad(char *err, size_t errsize, const char *what, const char *value)
{
	char shown[SHOWN];

	snprintf(err, errsize, "%s %s",
	    log_quote(shown, sizeof(shown), value, strlen(value)), what);
	return -1;
}

bool
access_has_passwords(const struct access *a)
{
	for (uint32_t i = 0; i < a->nrooms; i++)
		if ((a->rooms[i].flags & POLICY_PASSWORD) != 0)
			return true;
	return a->nusers > 0;
}

/* crypt_checksalt(3): does libcrypt know that method? */
static int
access_check_hash(const char *value, char *err, size_t errsize)
{
	int salt = users_hash_is_sound(value, strlen(value))
		       ? crypt_checksalt(value)
		       : CRYPT_SALT_INVALID;

	if (salt != CRYPT_SALT_INVALID && salt != CRYPT_SALT_METHOD_DISABLED)
		return 0;
	/* It may be a password: it isn't shown. */
	snprintf(err, errsize,
	    "that is no crypt(3) hash (see chatmaster "
	    "--hash-password)");
	return -1;
}

static int
access_set_bool(uint32_t *flags, uint32_t flag, const char *value, char *err,
    size_t errsize)
{
	if (strcmp(value, "yes") == 0) {
		*flags |= flag;
		return 0;
	}
	if (strcmp(value, "no") == 0)
		return 0;
	snprintf(err, errsize, "is neither yes nor no");
	return -1;
}

static int
access_set_topic(
    struct policy_room *room, const char *value, char *err, size_t errsize)
{
	char safe[CONFIG_LINE_MAX * TEXT_EXPANSION];
	size_t len = text_sanitise(safe, value, strlen(value));

	if (len == 0 || len > LIMIT_TOPIC) {
		snprintf(
		    err, errsize, "has to have 1 to %d bytes", LIMIT_TOPIC);
		return -1;
	}
	memcpy(room->topic, safe, len);
	room->topic_len = (uint16_t)len;
	room->flags |= POLICY_TOPIC;
	return 0;
}

static int
access_add_member(
    struct access *a, const char *name, size_t len, char *err, size_t errsize)
{
	void *rows = a->members;
	struct access_member *m;
	const char *wrong = name_check(name, len);
	char shown[SHOWN];

	if (wrong != NULL) {
		snprintf(err, errsize, "%s %s",
		    log_quote(shown, sizeof(shown), name, len), wrong);
		return -1;
	}
	m = access_add(&rows, &a->members_size, a->nmembers, sizeof(*m));
	a->members = rows;
	if (m == NULL)
		return access_no_memory(err, errsize);
	a->nmembers++;
	memcpy(m->name, name, len);
	m->name_len = (uint8_t)len;
	return 0;
}

/* NAME, NAME, ... */
static int
access_set_members(
    struct access *a, const char *value, char *err, size_t errsize)
{
	struct policy_room *room = &a->rooms[a->nrooms - 1];

	room->flags |= POLICY_MEMBERS;
	room->members = a->nmembers;
	while (*value != '\0') {
		size_t n = strcspn(value, ","), len = n;
		const char *name = value + strspn(value, " \t");

		len -= (size_t)(name - value);
		while (
		    len > 0 && (name[len - 1] == ' ' || name[len - 1] == '\t'))
			len--;
		if (access_add_member(a, name, len, err, errsize) == -1)
			return -1;
		value += n + (value[n] == ',');
	}
	room->members_count = a->nmembers - room->members;
	return 0;
}

static int
access_set_max(
    struct policy_room *room, const char *value, char *err, size_t errsize)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*value < '0' || *value > '9' || *end != '\0' || n > 1000000) {
		snprintf(err, errsize, "is not a number of at most 1000000");
		return -1;
	}
	room->max_members = (uint32_t)n;
	return 0;
}

/* Sections. */

static int
access_begin(void *context, const char *kind, const char *name, char *err,
    size_t errsize)
{
	struct access *a = context;
	const char *wrong;
	size_t len = strlen(name);

	if (access_end(a, err, errsize) == -1)
		return -1;
	a->given = 0;
	a->has_password = false;
	a->in_user = strcmp(kind, "user") == 0;
	if (!a->in_user && strcmp(kind, "room") != 0) {
		snprintf(err, errsize, "no such section: room or user");
		return -1;
	}
	wrong = a->in_user ? name_check(name, len) : room_check(name, len);
	if (wrong != NULL)
		return access_bad(err, errsize, wrong, name);
	if (a->in_user)
		return access_new_user(a, name, len, err, errsize) ? 0 : -1;
	return access_new_room(a, name, len, err, errsize) ? 0 : -1;
}

int
access_end(struct access *a, char *err, size_t errsize)
{
	char shown[SHOWN];
	const struct policy_user *user;

	if (!a->in_user || a->has_password)
		return 0;
	a->in_user = false;
	user = &a->users[a->nusers - 1];
	snprintf(err, errsize, "the section of user %s has no password",
	    log_quote(shown, sizeof(shown), user->name, user->name_len));
	return -1;
}

static int
access_set_user(struct access *a, unsigned key, const char *value, char *err,
    size_t errsize)
{
	uint32_t is_operator = 0;

	if (key == GIVEN_PASSWORD) {
		const struct policy_user *user = &a->users[a->nusers - 1];

		a->has_password = true;
		if (access_check_hash(value, err, errsize) == -1)
			return -1;
		return access_give(a, true, user->name, user->name_len, value,
			   strlen(value)) == -1
			   ? access_no_memory(err, errsize)
			   : 0;
	}
	if (access_set_bool(&is_operator, 1, value, err, errsize) == -1)
		return -1;
	a->users[a->nusers - 1].is_operator = (uint8_t)is_operator;
	return 0;
}

static int
access_set_room(struct access *a, unsigned key, const char *value, char *err,
    size_t errsize)
{
	struct policy_room *room = &a->rooms[a->nrooms - 1];

	switch (key) {
	case GIVEN_PASSWORD:
		room->flags |= POLICY_PASSWORD;
		if (access_check_hash(value, err, errsize) == -1)
			return -1;
		return access_give(a, false, room->name, room->name_len, value,
			   strlen(value)) == -1
			   ? access_no_memory(err, errsize)
			   : 0;
	case GIVEN_MEMBERS:
		return access_set_members(a, value, err, errsize);
	case GIVEN_MAX_MEMBERS:
		return access_set_max(room, value, err, errsize);
	case GIVEN_TOPIC:
		return access_set_topic(room, value, err, errsize);
	case GIVEN_READ_ONLY:
		return access_set_bool(
		    &room->flags, POLICY_READ_ONLY, value, err, errsize);
	default:
		return access_set_bool(
		    &room->flags, POLICY_HIDDEN, value, err, errsize);
	}
}

static const struct {
	const char *name;
	unsigned bit;
	bool room, user;
} section_keys[] = {
    {"password", GIVEN_PASSWORD, true, true},
    {"members", GIVEN_MEMBERS, true, false},
    {"max-members", GIVEN_MAX_MEMBERS, true, false},
    {"topic", GIVEN_TOPIC, true, false},
    {"read-only", GIVEN_READ_ONLY, true, false},
    {"hidden", GIVEN_HIDDEN, true, false},
    {"operator", GIVEN_OPERATOR, false, true},
};

static int
access_set(void *context, const char *key, const char *value, char *err,
    size_t errsize)
{
	struct access *a = context;

	for (size_t i = 0; i < COUNT(section_keys); i++) {
		unsigned bit = section_keys[i].bit;

		if (strcmp(section_keys[i].name, key) != 0 ||
		    !(a->in_user ? section_keys[i].user : section_keys[i].room))
			continue;
		if ((a->given & bit) != 0) {
			snprintf(err, errsize, "given already");
			return -1;
		}
		a->given |= bit;
		return a->in_user
			   ? access_set_user(a, bit, value, err, errsize)
			   : access_set_room(a, bit, value, err, errsize);
	}
	return access_bad(err, errsize,
	    a->in_user ? "is no key of a user" : "is no key of a room", key);
}

struct config_sections
access_sections(struct access *access)
{
	return (struct config_sections){
	    .context = access,
	    .begin = access_begin,
	    .set = access_set,
	};
}

void
access_warn(const struct access *a)
{
	char room_shown[SHOWN], name_shown[SHOWN];

	for (uint32_t i = 0; i < a->nrooms; i++) {
		const struct policy_room *r = &a->rooms[i];

		for (uint32_t k = 0; k < r->members_count; k++) {
			const struct access_member *m =
			    &a->members[r->members + k];

			if (access_find_user(a, m->name, m->name_len) !=
			    UINT32_MAX)
				continue;
			log_warnx("member-unknown",
			    "room=%s name=%s reason=\"is not registered\"",
			    log_quote(room_shown, sizeof(room_shown), r->name,
				r->name_len),
			    log_quote(name_shown, sizeof(name_shown), m->name,
				m->name_len));
		}
	}
}
