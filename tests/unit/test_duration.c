/* SPDX-License-Identifier: MIT */
#include "shared/base/duration.h"

#include <string.h>

#include "tests/harness/test.h"

static uint64_t
seconds(const char *text)
{
	uint64_t s;

	return duration_parse(text, strlen(text), &s) ? s : 0;
}

TEST(a_duration_is_a_number_and_a_unit)
{
	CHECK_EQ(seconds("1s"), 1);
	CHECK_EQ(seconds("90s"), 90);
	CHECK_EQ(seconds("10m"), 600);
	CHECK_EQ(seconds("2h"), 7200);
	CHECK_EQ(seconds("30d"), 30 * 86400);
	CHECK_EQ(seconds("1w"), 7 * 86400);
	CHECK_EQ(seconds("007m"), 420);
}

TEST(what_is_no_duration_is_refused)
{
	static const char *const bad[] = {"", "s", "1", "0s", "-1s", "+1s",
	    "1 s", "1.5h", "1S", "1x", "1hh", "99999999w",
	    "18446744073709551616s", "18446744073709551617s", "h1"};

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_EQ(seconds(bad[i]), 0);
}
