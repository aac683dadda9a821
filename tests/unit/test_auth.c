/* SPDX-License-Identifier: MIT */
/* What the auth worker keeps, and how it judges. */
#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "master/auth_budget.h"
#include "master/auth_secrets.h"
#include "tests/harness/test.h"

#define MINUTE UINT64_C(60000000)

static struct auth_secrets secrets;

static void
keep(bool of_user, const char *name, const char *setting, const char *password)
{
	static struct crypt_data data;
	const char *hash = crypt_r(password, setting, &data);

	CHECK(hash != NULL && hash[0] != '*');
	CHECK_EQ(auth_secrets_add(
		     &secrets, of_user, name, strlen(name), hash, strlen(hash)),
	    0);
}

static bool
is_right(bool of_user, const char *name, const char *password)
{
	return auth_secrets_match(
	    &secrets, of_user, name, strlen(name), password);
}

TEST(a_password_is_its_own_of_user_or_room)
{
	keep(true, "Al", "$y$j75$saltsaltsalt", "one");
	keep(false, "Al", "$6$rounds=1000$salt", "two");
	keep(true, "Bo", "$2b$04$abcdefghijklmnopqrstuu", "three");
	CHECK(is_right(true, "al", "one"));
	CHECK(!is_right(true, "al", "two"));
	CHECK(is_right(false, "AL", "two"));
	CHECK(!is_right(false, "Al", "one"));
	CHECK(is_right(true, "Bo", "three"));
	CHECK(!is_right(true, "Bo", ""));
	CHECK(!is_right(false, "Bo", "three"));
	CHECK(!is_right(true, "Cy", "one"));
	CHECK_EQ(secrets.users, 2);
	auth_secrets_free(&secrets);
	CHECK(!is_right(true, "al", "one"));
}

TEST(a_user_may_be_called_as_thousands_of_others)
{
	char name[16] = "u0000";

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "u%04d", i);
		CHECK_EQ(
		    auth_secrets_add(&secrets, true, name, 5, "$6$x", 4), 0);
	}
	keep(true, "last", "$6$rounds=1000$salt", "p");
	CHECK(is_right(true, "last", "p"));
	auth_secrets_free(&secrets);
}

TEST(an_address_may_be_wrong_so_often_a_minute)
{
	static struct auth_budget b = {.limit = 3};
	uint8_t one[ADDRESS_BYTES] = {1}, other[ADDRESS_BYTES] = {2};
	uint64_t now = MINUTE;

	for (int i = 0; i < 3; i++) {
		CHECK(auth_budget_allows(&b, one, now));
		auth_budget_spend(&b, one, now);
	}
	CHECK(!auth_budget_allows(&b, one, now));
	CHECK(auth_budget_allows(&b, other, now));
	one[15] = 1; /* of the same /64 */
	CHECK(!auth_budget_allows(&b, one, now));
	CHECK(auth_budget_allows(&b, one, now + MINUTE / 3));
	CHECK(!auth_budget_allows(&b, one, now + MINUTE / 3 - 1));
	b.limit = 0;
	CHECK(auth_budget_allows(&b, one, now));
}

TEST(a_full_budget_forgets_who_has_least_to_wait)
{
	static struct auth_budget b = {.limit = 1};
	uint8_t addr[ADDRESS_BYTES] = {9};

	auth_budget_spend(&b, addr, MINUTE);
	auth_budget_spend(&b, addr, MINUTE); /* two minutes to wait */
	for (uint32_t i = 0; i < 20 * AUTH_BUDGET_ROWS; i++) {
		uint8_t other[ADDRESS_BYTES] = {7};

		memcpy(other + 1, &i, sizeof(i));
		auth_budget_spend(&b, other, MINUTE);
	}
	CHECK(!auth_budget_allows(&b, addr, MINUTE));
}
