/* SPDX-License-Identifier: MIT */
/* shared/base/config_set: what values look like, and the help. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/config.h"

static char err[CONFIG_ERROR_MAX];

/* The value as a number or a size of 1 to `max`; 0 with err if it is none. */
static uint64_t
number(const char *value, uint64_t max)
{
	const struct config_key key = {.min = 1, .max = max};
	unsigned n = 0;

	*err = '\0';
	config_set_uint(&key, &n, true, value, err, sizeof(err));
	return n;
}

static uint64_t
size(const char *value, uint64_t min, uint64_t max)
{
	const struct config_key key = {.min = min, .max = max};
	uint64_t n = 0;

	*err = '\0';
	config_set_size(&key, &n, true, value, err, sizeof(err));
	return n;
}

TEST(a_number_is_digits)
{
	static const char *const none[] = {"", "-1", "+1", "1.5", "0x10", "1 2",
	    "1K", "one", "1e3", "\u0661", " 1", "1 "};

	for (size_t i = 0; i < COUNT(none); i++) {
		CHECK_EQ(number(none[i], 64), 0);
		CHECK(strstr(err, " is not a number") != NULL);
	}
	CHECK_EQ(number("0064", 64), 64);
	CHECK_EQ(number("1", 64), 1);
	CHECK_EQ(number("4294967295", UINT64_MAX), UINT32_MAX);
}

TEST(a_number_is_within_its_bounds)
{
	CHECK_EQ(number("0", 64), 0);
	CHECK_STR(err, "\"0\" is less than 1");
	CHECK_EQ(number("65", 64), 0);
	CHECK_STR(err, "\"65\" is more than 64");
	CHECK_EQ(number("4294967296", UINT64_MAX), 0);
	CHECK_STR(err, "\"4294967296\" is more than 4294967295");
	CHECK_EQ(number("18446744073709551617", 64), 0);
	CHECK_STR(err, "\"18446744073709551617\" is more than 64");
}

TEST(a_size_may_have_a_suffix)
{
	CHECK_EQ(size("65537", 1, 1 << 20), 65537);
	CHECK_EQ(size("64k", 1, 1 << 20), 65536);
	CHECK_EQ(size("1M", 1, 1 << 20), 1 << 20);
	CHECK_EQ(size("3G", 1, UINT64_MAX), INTMAX_C(3) << 30);
	CHECK_EQ(size("1T", 1, UINT64_MAX), 0);
	CHECK_STR(err, "\"1T\" is not a size");
	CHECK_EQ(size("1KK", 1, UINT64_MAX), 0);
	CHECK_STR(err, "\"1KK\" is not a size");
	CHECK_EQ(size("M", 1, UINT64_MAX), 0);
	CHECK_STR(err, "\"M\" is not a size");
}

TEST(a_size_does_not_overflow)
{
	CHECK(
	    size("17179869183G", 1, UINT64_MAX) == UINT64_C(17179869183) << 30);
	CHECK_EQ(size("17179869184G", 1, UINT64_MAX), 0);
	CHECK_STR(err, "\"17179869184G\" is more than 18446744073709551615");
	CHECK(size("18446744073709551615", 1, UINT64_MAX) == UINT64_MAX);
	CHECK_EQ(size("18446744073709551616", 1, UINT64_MAX), 0);
}

TEST(the_bounds_of_a_size_are_told_as_one_writes_them)
{
	CHECK_EQ(size("63K", 65536, 1 << 20), 0);
	CHECK_STR(err, "\"63K\" is less than 64K");
	CHECK_EQ(size("2M", 65536, 1 << 20), 0);
	CHECK_STR(err, "\"2M\" is more than 1M");
	CHECK_EQ(size("2T", 1, 1), 0);
	CHECK_EQ(size("0", 1, 1), 0);
	CHECK_STR(err, "\"0\" is less than 1");
	CHECK_EQ(size("2000", 1, 1025), 0);
	CHECK_STR(err, "\"2000\" is more than 1025");
	CHECK_EQ(size("2048G", 1, UINT64_C(1) << 40), 0);
	CHECK_STR(err, "\"2048G\" is more than 1024G");
}

TEST(a_string_is_within_its_length)
{
	const struct config_key key = {.min = 1, .max = 8};
	char field[9] = "as it was";

	CHECK_EQ(
	    config_set_string(&key, field, true, "", err, sizeof(err)), -1);
	CHECK_STR(err, "needs a value");
	CHECK_EQ(
	    config_set_string(&key, field, true, "123456789", err, sizeof(err)),
	    -1);
	CHECK_STR(err, "\"123456789\" is not 1 to 8 bytes long");
	CHECK_MEM(field, 9, "as it was", 9);
	CHECK_EQ(
	    config_set_string(&key, field, true, "12345678", err, sizeof(err)),
	    0);
	CHECK_STR(field, "12345678");
}

TEST(an_enum_is_one_of_its_names)
{
	static const char *const names[] = {"red", "green", NULL};
	const struct config_key key = {.names = names};
	int field = -1;

	CHECK_EQ(
	    config_set_enum(&key, &field, true, "green", err, sizeof(err)), 0);
	CHECK_EQ(field, 1);
	CHECK_EQ(
	    config_set_enum(&key, &field, true, "Red", err, sizeof(err)), -1);
	CHECK_STR(err, "\"Red\" is none of red green");
	CHECK_EQ(config_set_enum(&key, &field, true, "blue", err, 12), -1);
	CHECK_STR(err, "\"blue\" is n");
	CHECK_EQ(field, 1);
}

TEST(a_bool_is_yes_or_no)
{
	const struct config_key key = {0};
	bool field = false;

	CHECK_EQ(
	    config_set_bool(&key, &field, true, "yes", err, sizeof(err)), 0);
	CHECK(field);
	CHECK_EQ(
	    config_set_bool(&key, &field, true, "maybe", err, sizeof(err)), -1);
	CHECK_STR(err, "\"maybe\" is neither yes nor no");
	CHECK(field);
	CHECK_EQ(
	    config_set_bool(&key, &field, true, "no", err, sizeof(err)), 0);
	CHECK(!field);
}

TEST(without_a_field_values_are_checked_and_not_stored)
{
	static const char *const names[] = {"a", NULL};
	const struct config_key key = {.max = 9, .names = names};

	CHECK_EQ(config_set_uint(&key, NULL, true, "9", err, sizeof(err)), 0);
	CHECK_EQ(config_set_size(&key, NULL, true, "9", err, sizeof(err)), 0);
	CHECK_EQ(config_set_string(&key, NULL, true, "a", err, sizeof(err)), 0);
	CHECK_EQ(config_set_enum(&key, NULL, true, "a", err, sizeof(err)), 0);
	CHECK_EQ(config_set_bool(&key, NULL, true, "no", err, sizeof(err)), 0);
	CHECK_EQ(config_set_uint(&key, NULL, true, "10", err, sizeof(err)), -1);
}

TEST(the_help_lists_every_option_within_80_columns)
{
	static const struct config_key keys[] = {
	    {.name = "workers",
		.short_option = 'w',
		.placeholder = "N",
		.help = "how many",
		.initial = "2"},
	    {.name = "check", .help = "check and exit", .flags = CONFIG_SWITCH},
	    {.name = "a-very-long-name-of-an-option",
		.placeholder = "VALUE",
		.help = "what is explained with so many words that they "
			"take more than one line of a usual screen, even "
			"more than two"},
	};
	static const char expected[] =
	    "  -w, --workers=N            how many (default: 2)\n"
	    "      --check                check and exit\n"
	    "      --a-very-long-name-of-an-option=VALUE\n"
	    "                             what is explained with so many words "
	    "that they\n"
	    "                             take more than one line of a usual "
	    "screen, even\n"
	    "                             more than two\n";
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	CHECK(f != NULL);
	config_help(f, keys, COUNT(keys));
	fclose(f);
	CHECK_STR(buf, expected);
	free(buf);
}
