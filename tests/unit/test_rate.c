/* SPDX-License-Identifier: MIT */
/* master/rate: how fast an address may come. */
#include "master/rate.h"

#include <string.h>

#include "tests/harness/test.h"

#define SECOND_US UINT64_C(1000000)
#define T0 (5 * SECOND_US)

static const uint8_t key[HASH_KEY_BYTES] = "a key for tests";
static struct rate rate;

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

/* How many of `n` that come at once are let in? */
static unsigned
come(uint32_t who, unsigned n, unsigned limit, uint64_t now_us)
{
	unsigned allowed = 0;

	while (n-- > 0)
		allowed += rate_allows(&rate, ip(who), limit, now_us);
	return allowed;
}

TEST(without_a_limit_all_come)
{
	rate_init(&rate, key);
	CHECK_EQ(come(1, 1000, 0, T0), 1000);
}

TEST(as_many_as_a_second_allows_come_at_once_and_then_one_by_one)
{
	rate_init(&rate, key);
	CHECK_EQ(come(1, 50, 10, T0), 10);
	CHECK_EQ(come(1, 50, 10, T0 + SECOND_US / 10), 1);
	CHECK_EQ(come(1, 50, 10, T0 + SECOND_US / 2), 4);
	CHECK_EQ(come(1, 50, 10, T0 + 10 * SECOND_US), 10);
}

TEST(who_is_refused_need_not_wait_longer_for_that)
{
	rate_init(&rate, key);
	CHECK_EQ(come(1, 1000, 1, T0), 1);
	CHECK_EQ(come(1, 1000, 1, T0 + SECOND_US), 1);
}

TEST(one_address_does_not_slow_another)
{
	rate_init(&rate, key);
	CHECK_EQ(come(1, 50, 5, T0), 5);
	CHECK_EQ(come(2, 50, 5, T0), 5);
}

TEST(an_ipv6_64_is_one_address)
{
	uint8_t a[ADDRESS_BYTES] = {0x20, 1, [15] = 1};
	uint8_t b[ADDRESS_BYTES] = {0x20, 1, [15] = 2};
	uint8_t c[ADDRESS_BYTES] = {0x20, 1, [7] = 1, [15] = 2};

	rate_init(&rate, key);
	CHECK(rate_allows(&rate, a, 1, T0));
	CHECK(!rate_allows(&rate, b, 1, T0));
	CHECK(rate_allows(&rate, c, 1, T0));
}

TEST(more_addresses_than_rows_are_let_in_rather_than_kept_out)
{
	rate_init(&rate, key);
	for (uint32_t n = 1; n < 20 * RATE_SETS * RATE_WAYS; n++)
		CHECK(rate_allows(&rate, ip(n), 1, T0));
}

TEST(a_limit_that_changes_holds_at_once)
{
	rate_init(&rate, key);
	CHECK_EQ(come(1, 50, 10, T0), 10);
	CHECK_EQ(come(1, 50, 1, T0 + SECOND_US), 1);
	CHECK_EQ(come(1, 200, 100, T0 + 2 * SECOND_US), 100);
}

TEST(limits_beyond_a_million_a_second_are_none)
{
	rate_init(&rate, key);
	CHECK_EQ(come(1, 100000, 2000000000, T0), 100000);
}
