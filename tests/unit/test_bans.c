/* SPDX-License-Identifier: MIT */
/* Bans in a file. */
#include <string.h>

#include "master/bans.h"
#include "tests/harness/test.h"

static struct ban_shm ban;

static int
parse(const char *text)
{
	return bans_parse(text, strlen(text), &ban);
}

TEST(a_line_is_written_as_it_is_read)
{
	static const char *const lines[] = {
	    "name Bob 2026-01-31T12:00:00Z never Root for that, and more\n",
	    "mute Bob 2026-01-31T12:00:00Z 2026-02-01T00:00:01Z Root \n",
	    "address 192.0.2.0/24 2026-01-31T12:00:00Z never Root x\n",
	    "address 2001:db8::/32 2026-01-31T12:00:00Z never Root \n",
	};
	char line[BANS_LINE_MAX];

	for (size_t i = 0; i < COUNT(lines); i++) {
		size_t len;

		CHECK_EQ(bans_parse(lines[i], strlen(lines[i]) - 1, &ban), 1);
		len = bans_format(&ban, line);
		CHECK_EQ(len, strlen(lines[i]));
		CHECK(memcmp(line, lines[i], len) == 0);
	}
	CHECK_EQ(parse(""), 0);
	CHECK_EQ(parse("# a comment"), 0);
}

TEST(what_is_no_ban_is_refused)
{
	static const char *const bad[] = {"x", "name", "name Bob",
	    "nome Bob 2026-01-31T12:00:00Z never Root",
	    "name B:b 2026-01-31T12:00:00Z never Root",
	    "name Bob yesterday never Root",
	    "name Bob 2026-01-31T12:00:00Z tomorrow Root",
	    "name Bob 2026-01-31T12:00:00Z never",
	    "name Bob 1960-01-31T12:00:00Z never Root",
	    "address Bob 2026-01-31T12:00:00Z never Root",
	    "address 1.2.3.4/99 2026-01-31T12:00:00Z never Root"};

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_EQ(parse(bad[i]), -1);
}

TEST(a_row_that_makes_no_sense_is_not_written)
{
	char line[BANS_LINE_MAX];

	CHECK_EQ(parse("name Bob 2026-01-31T12:00:00Z never Root x"), 1);
	ban.name_len = 200;
	CHECK_EQ(bans_format(&ban, line), 0);
	ban.name_len = 3;
	ban.kind = BAN_KINDS;
	CHECK_EQ(bans_format(&ban, line), 0);
	ban.kind = BAN_NONE;
	CHECK_EQ(bans_format(&ban, line), 0);
}
