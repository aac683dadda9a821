/* SPDX-License-Identifier: MIT */
#include "shared/base/cidr.h"

#include <string.h>

#include "tests/harness/test.h"

static struct cidr cidr;

static bool
parse(const char *text)
{
	return cidr_parse(text, strlen(text), &cidr);
}

static bool
holds(const char *range, const char *address)
{
	struct cidr one;

	CHECK(cidr_parse(address, strlen(address), &one));
	CHECK(parse(range));
	return cidr_holds(&cidr, one.addr);
}

TEST(a_range_holds_what_begins_with_its_prefix)
{
	CHECK(holds("192.0.2.1", "192.0.2.1"));
	CHECK(!holds("192.0.2.1", "192.0.2.2"));
	CHECK(holds("192.0.2.0/24", "192.0.2.255"));
	CHECK(!holds("192.0.2.0/24", "192.0.3.0"));
	CHECK(holds("192.0.2.129/25", "192.0.2.128"));
	CHECK(!holds("192.0.2.129/25", "192.0.2.127"));
	CHECK(holds("0.0.0.0/0", "255.255.255.255"));
	CHECK(!holds("0.0.0.0/0", "::1/128"));
	CHECK(holds("2001:db8::/32", "2001:db8:ffff::1/128"));
	CHECK(!holds("2001:db8::/32", "2001:db9::1/128"));
	CHECK(holds("::/0", "10.0.0.1"));
}

TEST(an_ipv6_address_alone_is_its_64)
{
	CHECK(holds("2001:db8:0:1::5", "2001:db8:0:1:ffff::/128"));
	CHECK(!holds("2001:db8:0:1::5", "2001:db8:0:2::5/128"));
	CHECK(!holds("2001:db8::5/128", "2001:db8::6/128"));
}

TEST(what_is_no_range_is_refused)
{
	static const char *const bad[] = {"", "/", "1.2.3", "1.2.3.4.5",
	    "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/+1", "1.2.3.4/ 8",
	    "1.2.3.4/0008", "::/129", ":::", "a.b.c.d", "1.2.3.4 ", "[::1]",
	    "1.2.3.4/8/8"};

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK(!parse(bad[i]));
	CHECK(!cidr_parse("1.2.3.4\0", 8, &cidr));
}

TEST(a_range_is_written_as_it_is_read)
{
	static const char *const texts[] = {"192.0.2.1", "192.0.2.0/24",
	    "0.0.0.0/0", "2001:db8::/32", "2001:db8::1/128", "::/0"};
	char text[CIDR_TEXT_MAX];

	for (size_t i = 0; i < COUNT(texts); i++) {
		CHECK(parse(texts[i]));
		CHECK_STR(cidr_text(&cidr, text), texts[i]);
	}
	CHECK(parse("10.1.2.3/8"));
	CHECK_STR(cidr_text(&cidr, text), "10.0.0.0/8");
}
