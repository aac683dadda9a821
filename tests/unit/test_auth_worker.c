/* SPDX-License-Identifier: MIT */
/* worker/auth: who is right, and who has been wrong too often. */
#include "worker/auth/auth_budget.h"
#include "worker/auth/auth_secrets.h"

#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/users_password.h"
#include "tests/harness/test.h"

#define SECOND_US UINT64_C(1000000)

static struct auth_budget budget;

static void
start(unsigned limit)
{
	memset(&budget, 0, sizeof(budget));
	budget.limit = limit;
}

/* The IPv4 address number `n`. */
static const uint8_t *
ip(uint32_t n)
{
	static uint8_t addr[ADDRESS_BYTES];

	memset(addr, 0, sizeof(addr));
	addr[10] = addr[11] = 0xff;
	memcpy(addr + 12, &n, sizeof(n));
	return addr;
}

TEST(so_many_wrong_ones_a_minute_and_address_and_no_more)
{
	uint64_t now = 1000 * SECOND_US;

	start(10);
	for (int i = 0; i < 10; i++) {
		CHECK(auth_budget_allows(&budget, ip(1), now));
		auth_budget_spend(&budget, ip(1), now);
	}
	CHECK(!auth_budget_allows(&budget, ip(1), now));
	CHECK(auth_budget_allows(&budget, ip(2), now));
	/* One more each six seconds. */
	CHECK(!auth_budget_allows(&budget, ip(1), now + 5 * SECOND_US));
	now += 6 * SECOND_US;
	CHECK(auth_budget_allows(&budget, ip(1), now));
	auth_budget_spend(&budget, ip(1), now);
	CHECK(!auth_budget_allows(&budget, ip(1), now));
}

TEST(an_ipv6_prefix_is_one_address)
{
	uint8_t one[ADDRESS_BYTES] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	uint8_t other[ADDRESS_BYTES] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};

	start(1);
	auth_budget_spend(&budget, one, SECOND_US);
	CHECK(!auth_budget_allows(&budget, other, SECOND_US));
	other[7] = 1; /* another /64 */
	CHECK(auth_budget_allows(&budget, other, SECOND_US));
}

TEST(no_limit_is_none)
{
	start(0);
	for (int i = 0; i < 1000; i++)
		auth_budget_spend(&budget, ip(1), SECOND_US);
	CHECK(auth_budget_allows(&budget, ip(1), SECOND_US));
}

/* A table that is full forgets those first who have the least to wait for. */
TEST(who_was_wrong_often_outlives_a_flood_of_addresses)
{
	uint64_t now = 1000 * SECOND_US;

	start(10);
	for (int i = 0; i < 10; i++)
		auth_budget_spend(&budget, ip(1), now);
	for (uint32_t n = 2; n < 20 * AUTH_BUDGET_ROWS; n++)
		auth_budget_spend(&budget, ip(n), now);
	CHECK(!auth_budget_allows(&budget, ip(1), now));
}

static void
add(struct auth_secrets *s, bool of_user, const char *name, const char *hash)
{
	CHECK(hash != NULL);
	if (hash == NULL)
		return;
	CHECK_EQ(auth_secrets_add(
		     s, of_user, name, strlen(name), hash, strlen(hash)),
	    0);
}

static bool
match(const struct auth_secrets *s, bool of_user, const char *name,
    const char *password)
{
	return auth_secrets_match(s, of_user, name, strlen(name), password);
}

/* What libcrypt makes with the cheapest hash of a method. */
static const char *
hash_by(const char *method, unsigned long cost, const char *password)
{
	static struct crypt_data data;
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	if (crypt_gensalt_rn(method, cost, "0123456789abcdef", 16, salt,
		sizeof(salt)) == NULL)
		return NULL;
	return crypt_rn(password, salt, &data, (int)sizeof(data));
}

TEST(each_method_that_libcrypt_knows_knows_its_password)
{
	static const struct {
		const char *method;
		unsigned long cost;
	} methods[] = {{"$y$", 1}, {"$6$", 1000}, {"$2b$", 4}};
	struct auth_secrets s = {0};

	for (size_t i = 0; i < COUNT(methods); i++) {
		char name[8] = {'u', (char)('0' + i)};
		const char *hash =
		    hash_by(methods[i].method, methods[i].cost, "sesame");

		CHECK(hash != NULL);
		CHECK(users_hash_is_sound(hash, strlen(hash)));
		add(&s, true, name, hash);
		CHECK(match(&s, true, name, "sesame"));
		CHECK(!match(&s, true, name, "Sesame"));
		CHECK(!match(&s, true, name, ""));
	}
	CHECK_EQ(s.users, COUNT(methods));
	auth_secrets_free(&s);
}

TEST(a_room_and_a_user_of_one_name_have_two_passwords)
{
	struct auth_secrets s = {0};

	add(&s, true, "Vault", hash_by("$6$", 1000, "user"));
	add(&s, false, "vault", hash_by("$6$", 1000, "room"));
	CHECK(match(&s, true, "VAULT", "user"));
	CHECK(match(&s, false, "VAULT", "room"));
	CHECK(!match(&s, true, "vault", "room"));
	CHECK(!match(&s, false, "vault", "user"));
	auth_secrets_free(&s);
}

TEST(who_is_unknown_is_wrong_with_anybodys_password)
{
	struct auth_secrets s = {0};

	CHECK(!match(&s, true, "Alice", "sesame"));
	add(&s, true, "Alice", hash_by("$6$", 1000, "sesame"));
	CHECK(!match(&s, true, "Bob", "sesame"));
	CHECK(match(&s, true, "Alice", "sesame"));
	auth_secrets_free(&s);
}

TEST(names_are_found_among_many)
{
	struct auth_secrets s = {0};
	char name[16];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		add(&s, true, name,
		    i == 333 ? hash_by("$6$", 1000, "sesame")
			     : "$6$rounds=1000$aa$bb");
	}
	CHECK(match(&s, true, "USER333", "sesame"));
	CHECK(!match(&s, true, "user332", "sesame"));
	auth_secrets_free(&s);
}

TEST(a_new_hash_is_sound_and_matches)
{
	struct auth_secrets s = {0};
	char hash[USERS_HASH_SIZE], other[USERS_HASH_SIZE];

	CHECK_EQ(users_password_hash("open sesame", hash), 0);
	CHECK_EQ(users_password_hash("open sesame", other), 0);
	CHECK(strcmp(hash, other) != 0); /* a salt each */
	CHECK(users_hash_is_sound(hash, strlen(hash)));
	add(&s, true, "Alice", hash);
	CHECK(match(&s, true, "Alice", "open sesame"));
	CHECK(!match(&s, true, "Alice", "open"));
	auth_secrets_free(&s);
}

TEST(what_no_client_could_give_is_no_password)
{
	static const char *const wrong[] = {
	    "", " x", "x ", "a\tb", "a\x7f", "a\xff"};
	char longest[LIMIT_PASSWORD + 1];

	for (size_t i = 0; i < COUNT(wrong); i++)
		CHECK(users_password_check(wrong[i], strlen(wrong[i])) != NULL);
	memset(longest, 'x', sizeof(longest));
	CHECK(users_password_check(longest, LIMIT_PASSWORD) == NULL);
	CHECK(users_password_check(longest, LIMIT_PASSWORD + 1) != NULL);
	CHECK(users_password_check("\xc3\xbcml\xc3\xa4ut", 8) == NULL);
	CHECK(users_password_check("a b", 3) == NULL);
}
