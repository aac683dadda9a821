/* SPDX-License-Identifier: MIT */
/* master/budget: an address's connections are counted, and nothing else. */
#include "master/budget.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

static const uint8_t key[HASH_KEY_BYTES] = "a key for tests";
static struct budget budget;

static void
start(uint32_t nrows)
{
	CHECK_EQ(budget_init(&budget, nrows, key), 0);
}

static const uint8_t *
ip(const char *text)
{
	static uint8_t addr[ADDRESS_BYTES];

	CHECK_EQ(inet_pton(AF_INET6, text, addr), 1);
	return addr;
}

/* The address number `n`: IPv4 and IPv6 in turn, each another budget. */
static void
address(uint8_t addr[ADDRESS_BYTES], uint32_t n)
{
	memset(addr, 0, ADDRESS_BYTES);
	if (n % 2 == 0) {
		addr[10] = addr[11] = 0xff;
		memcpy(addr + 12, &n, sizeof(n));
	} else {
		addr[0] = 0x20;
		memcpy(addr + 4, &n, sizeof(n));
		addr[15] = (uint8_t)n; /* beyond the prefix */
	}
}

TEST(connections_of_an_address_are_counted_until_they_close)
{
	start(8);
	CHECK_EQ(budget_used(&budget, ip("::ffff:10.0.0.1")), 0);
	budget_charge(&budget, ip("::ffff:10.0.0.1"));
	budget_charge(&budget, ip("::ffff:10.0.0.1"));
	budget_charge(&budget, ip("::ffff:10.0.0.2"));
	CHECK_EQ(budget_used(&budget, ip("::ffff:10.0.0.1")), 2);
	CHECK_EQ(budget_used(&budget, ip("::ffff:10.0.0.2")), 1);
	CHECK_EQ(budget_used(&budget, ip("::ffff:10.0.0.3")), 0);
	budget_release(&budget, ip("::ffff:10.0.0.1"));
	CHECK_EQ(budget_used(&budget, ip("::ffff:10.0.0.1")), 1);
	budget_release(&budget, ip("::ffff:10.0.0.1"));
	CHECK_EQ(budget_used(&budget, ip("::ffff:10.0.0.1")), 0);
	CHECK_EQ(budget_used(&budget, ip("::ffff:10.0.0.2")), 1);
	budget_fini(&budget);
}

TEST(the_addresses_of_one_64_share_a_budget)
{
	start(8);
	budget_charge(&budget, ip("2001:db8::1"));
	budget_charge(&budget, ip("2001:db8::ffff:ffff:ffff:ffff"));
	budget_charge(&budget, ip("2001:db8:0:1::1"));
	CHECK_EQ(budget_used(&budget, ip("2001:db8::2")), 2);
	CHECK_EQ(budget_used(&budget, ip("2001:db8:0:1::2")), 1);
	budget_release(&budget, ip("2001:db8::3"));
	CHECK_EQ(budget_used(&budget, ip("2001:db8::1")), 1);
	budget_fini(&budget);
}

TEST(what_was_not_charged_is_not_released)
{
	start(2);
	budget_release(&budget, ip("::1"));
	budget_charge(&budget, ip("::1"));
	budget_release(&budget, ip("::ffff:127.0.0.1"));
	CHECK_EQ(budget_used(&budget, ip("::1")), 1);
	budget_release(&budget, ip("::1"));
	budget_release(&budget, ip("::1"));
	CHECK_EQ(budget_used(&budget, ip("::1")), 0);
	budget_charge(&budget, ip("::1"));
	CHECK_EQ(budget_used(&budget, ip("::1")), 1);
	budget_fini(&budget);
}

TEST(as_many_addresses_as_connections_have_a_row_and_no_more)
{
	uint8_t addr[ADDRESS_BYTES];

	start(1000); /* no power of two */
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 1001; i++) {
			address(addr, i);
			budget_charge(&budget, addr);
			CHECK_EQ(budget_used(&budget, addr), i < 1000);
		}
		budget_release(&budget, addr);
		for (uint32_t i = 0; i < 1000; i++) {
			address(addr, i);
			CHECK_EQ(budget_used(&budget, addr), 1);
			budget_release(&budget, addr);
			CHECK_EQ(budget_used(&budget, addr), 0);
		}
	}
	budget_fini(&budget);
}

/* Against an array of counts, with as few buckets as there can be. */
TEST(counts_are_right_whatever_the_order_of_opens_and_closes)
{
	enum {
		ADDRESSES = 40,
		CONNECTIONS = 60
	};
	uint32_t counts[ADDRESSES] = {0}, open = 0, x = 2463534242;

	start(CONNECTIONS);
	budget.nbuckets = 4; /* long chains */
	for (int step = 0; step < 20000; step++) {
		uint8_t addr[ADDRESS_BYTES];
		uint32_t n;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		n = x % ADDRESSES;
		address(addr, n);
		if ((x >> 16) % 2 == 0 && open < CONNECTIONS) {
			budget_charge(&budget, addr);
			counts[n]++;
			open++;
		} else if (counts[n] > 0) {
			budget_release(&budget, addr);
			counts[n]--;
			open--;
		}
		for (uint32_t i = 0; i < ADDRESSES; i++) {
			address(addr, i);
			CHECK_EQ(budget_used(&budget, addr), counts[i]);
		}
	}
	budget_fini(&budget);
}
