/* SPDX-License-Identifier: MIT */
/* What the master makes of a configuration, as workers read it. */
#include "shared/chat/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/access.h"
#include "master/policy.h"
#include "shared/chat/policy_shm.h"
#include "tests/harness/test.h"

#define HASH "$6$saltsalt$0123456789abcdef0123456789abcdef"

static struct options options;
static struct policy policy;
static int fd;

static void
section(const char *kind, const char *name)
{
	struct config_sections s = access_sections(&options.access);
	char err[CONFIG_ERROR_MAX];

	CHECK_EQ(s.begin(s.context, kind, name, err, sizeof(err)), 0);
}

static void
set(const char *key, const char *value)
{
	struct config_sections s = access_sections(&options.access);
	char err[CONFIG_ERROR_MAX];

	CHECK_EQ(s.set(s.context, key, value, err, sizeof(err)), 0);
}

static void
make(void)
{
	CHECK_EQ(policy_make(&policy, &fd, &options, 7), 0);
	access_free(&options.access);
}

static const struct policy_room *
room(const char *name)
{
	return policy_room(&policy, name, strlen(name));
}

static const struct policy_user *
user(const char *name)
{
	return policy_user(&policy, name, strlen(name));
}

TEST(workers_read_what_the_configuration_says)
{
	options.rate = 5;
	section("room", "Club");
	set("members", "Al, bo ,Nobody");
	set("topic", "Tea");
	section("user", "Al");
	set("password", HASH);
	section("user", "Bo");
	set("password", HASH);
	set("operator", "yes");
	make();
	CHECK_EQ(policy_version(&policy), 7);
	CHECK_EQ(policy.settings->rate, 5);
	CHECK_EQ(policy_rooms(&policy), 1);
	CHECK(room("cLUB") != NULL);
	CHECK(room("Clu") == NULL);
	CHECK(room("") == NULL);
	CHECK_EQ(room("club")->flags,
	    POLICY_CONFIGURED | POLICY_MEMBERS | POLICY_TOPIC);
	CHECK(user("al") != NULL && !user("al")->is_operator);
	CHECK(user("BO") != NULL && user("BO")->is_operator);
	CHECK(user("Nobody") == NULL);
	CHECK(policy_is_member(&policy, room("club"), "AL", 2));
	CHECK(policy_is_member(&policy, room("club"), "Bo", 2));
	CHECK(!policy_is_member(&policy, room("club"), "Nobody", 6));
	policy_detach(&policy);
	close(fd);
}

TEST(nobody_changes_a_policy_any_more)
{
	make();
	CHECK_EQ(pwrite(fd, "x", 1, 0), -1);
	CHECK_EQ(ftruncate(fd, 0), -1);
	policy_detach(&policy);
	close(fd);
}

TEST(thousands_are_all_found)
{
	char name[16];

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "room%u", i);
		section("room", name);
		snprintf(name, sizeof(name), "user%u", i);
		section("user", name);
		set("password", HASH);
	}
	make();
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "ROOM%u", i);
		CHECK(room(name) != NULL);
		snprintf(name, sizeof(name), "User%u", i);
		CHECK(user(name) != NULL);
	}
	CHECK(room("room5000") == NULL);
	policy_detach(&policy);
	close(fd);
}

TEST(an_empty_policy_knows_nobody)
{
	policy = (struct policy){0};
	CHECK(room("x") == NULL);
	CHECK(user("x") == NULL);
	CHECK_EQ(policy_rooms(&policy), 0);
	CHECK_EQ(policy_version(&policy), 0);
}

/* Whatever byte is another one, it is refused, or looked up without harm. */
TEST(a_policy_that_was_tampered_with_does_no_harm)
{
	struct policy bad;
	char *copy;
	size_t size;

	section("room", "club");
	set("members", "Al");
	section("user", "Al");
	set("password", HASH);
	make();
	size = policy.size;
	copy = malloc(size);
	CHECK(copy != NULL);
	for (size_t i = 0; i < size; i++) {
		memcpy(copy, policy.shm, size);
		copy[i] ^= (char)0xff;
		if (policy_use(&bad, copy, size) == -1)
			continue;
		(void)policy_user(&bad, "al", 2);
		if (policy_room(&bad, "club", 4) != NULL)
			(void)policy_is_member(
			    &bad, policy_room(&bad, "club", 4), "al", 2);
	}
	for (size_t n = 0; n < size; n++)
		CHECK_EQ(policy_use(&bad, copy, n), -1);
	free(copy);
	policy_detach(&policy);
	close(fd);
}
