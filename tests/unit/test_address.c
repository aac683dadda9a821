/* SPDX-License-Identifier: MIT */
/* shared/base/address: what one budget is. */
#include "shared/base/address.h"

#include <arpa/inet.h>
#include <string.h>

#include "tests/harness/test.h"

static void
parse(uint8_t addr[ADDRESS_BYTES], const char *text)
{
	CHECK_EQ(inet_pton(AF_INET6, text, addr), 1);
}

/* The key of an address is that text's. */
static void
check_key(const char *address, const char *expected)
{
	uint8_t addr[ADDRESS_BYTES], key[ADDRESS_BYTES], want[ADDRESS_BYTES];

	parse(addr, address);
	parse(want, expected);
	address_budget_key(key, addr);
	CHECK_MEM(key, sizeof(key), want, sizeof(want));
	address_budget_key(addr, addr);
	CHECK_MEM(addr, sizeof(addr), want, sizeof(want));
}

static bool
same(const char *a, const char *b)
{
	uint8_t x[ADDRESS_BYTES], y[ADDRESS_BYTES];

	parse(x, a);
	parse(y, b);
	return address_same_budget(x, y);
}

TEST(an_ipv4_address_is_a_budget_of_its_own)
{
	check_key("::ffff:127.0.0.1", "::ffff:127.0.0.1");
	check_key("::ffff:255.255.255.255", "::ffff:255.255.255.255");
	check_key("::ffff:0.0.0.0", "::ffff:0.0.0.0");
	CHECK(same("::ffff:10.0.0.1", "::ffff:10.0.0.1"));
	CHECK(!same("::ffff:10.0.0.1", "::ffff:10.0.0.2"));
	CHECK(!same("::ffff:10.0.0.1", "::ffff:11.0.0.1"));
}

TEST(an_ipv6_address_counts_as_its_64)
{
	check_key("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
	check_key("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::");
	check_key("fe80::1", "fe80::");
	check_key("::1", "::");
	CHECK(same("2001:db8:1:2::1", "2001:db8:1:2:8000::1"));
	CHECK(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
	CHECK(!same("2001:db8:1:2::1", "3001:db8:1:2::1"));
}

TEST(ipv4_is_no_part_of_the_64_that_it_is_mapped_into)
{
	CHECK(!same("::ffff:127.0.0.1", "::1"));
	CHECK(!same("::ffff:0.0.0.0", "::"));
	/* All but one bit of the prefix that says IPv4. */
	check_key("::fffe:127.0.0.1", "::");
	check_key("::1:ffff:127.0.0.1", "::");
	check_key("0:0:0:1::ffff:127.0.0.1", "0:0:0:1::");
}
