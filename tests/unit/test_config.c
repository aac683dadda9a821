/* SPDX-License-Identifier: MIT */
/* shared/base/config. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/config.h"
#include "shared/base/utf8.h"

static const char *const colours[] = {"red", "green", NULL};

struct target {
	unsigned workers;
	uint64_t ring;
	char name[9];
	int colour;
	bool check;
	bool quiet;
	char list[64]; /* values, each with a comma behind it */
};

static int
set_list(const struct config_key *key UNUSED, void *field, bool first,
    const char *value, char *err, size_t errsize)
{
	char *list = field;

	if (strchr(value, ',') != NULL) {
		snprintf(err, errsize, "has a comma");
		return -1;
	}
	if (list == NULL)
		return 0;
	if (first)
		*list = '\0';
	strcat(strcat(list, value), ",");
	return 0;
}

static const struct config_key keys[] = {
    {.name = "workers",
	.short_option = 'w',
	.placeholder = "N",
	.help = "how many workers there are",
	.initial = "2",
	.set = config_set_uint,
	.offset = offsetof(struct target, workers),
	.min = 1,
	.max = 64},
    {.name = "ring-size",
	.placeholder = "SIZE",
	.help = "bytes of ring",
	.initial = "16M",
	.set = config_set_size,
	.offset = offsetof(struct target, ring),
	.min = 65536,
	.max = UINT64_C(1) << 40},
    {.name = "name",
	.short_option = 'n',
	.placeholder = "NAME",
	.help = "the instance",
	.initial = "default",
	.set = config_set_string,
	.offset = offsetof(struct target, name),
	.min = 1,
	.max = 8},
    {.name = "colour",
	.placeholder = "COLOUR",
	.help = "the colour",
	.set = config_set_enum,
	.offset = offsetof(struct target, colour),
	.names = colours},
    {.name = "check",
	.help = "check and exit",
	.flags = CONFIG_SWITCH | CONFIG_OPTION_ONLY,
	.set = config_set_bool,
	.offset = offsetof(struct target, check)},
    {.name = "quiet",
	.short_option = 'q',
	.help = "say less",
	.flags = CONFIG_SWITCH,
	.set = config_set_bool,
	.offset = offsetof(struct target, quiet)},
    {.name = "listen",
	.placeholder = "ADDR",
	.help = "addresses",
	.initial = "initial",
	.flags = CONFIG_LIST,
	.set = set_list,
	.offset = offsetof(struct target, list)},
};

/* What a test works on, fresh for each. */
static struct config config;
static struct target target;
static char err[CONFIG_ERROR_MAX];

static void
set_up(void)
{
	memset(&target, 0, sizeof(target));
	*err = '\0';
	config_init(&config, keys, COUNT(keys), &target);
}

static int
text(const char *s)
{
	return config_text(&config, "f", s, strlen(s), err, sizeof(err));
}

/* The options up to the first NULL; argv[0] is put before them. */
static int
options(const char *a, const char *b, const char *c, const char *d)
{
	char *argv[6] = {strdup("test")};
	const char *const all[] = {a, b, c, d};
	int argc = 1, operand, result;

	for (size_t i = 0; i < COUNT(all) && all[i] != NULL; i++)
		argv[argc++] = strdup(all[i]);
	result =
	    config_options(&config, argc, argv, &operand, err, sizeof(err));
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return result == -1 ? -1 : operand;
}

static void
check_text_error(const char *s, const char *expected)
{
	set_up();
	CHECK_EQ(text(s), -1);
	CHECK_STR(err, expected);
}

static void
check_option_error(const char *a, const char *b, const char *expected)
{
	set_up();
	CHECK_EQ(options(a, b, NULL, NULL), -1);
	CHECK_STR(err, expected);
}

TEST(keys_begin_with_their_initial_values)
{
	set_up();
	CHECK_EQ(target.workers, 2);
	CHECK_EQ(target.ring, 16 << 20);
	CHECK_STR(target.name, "default");
	CHECK_STR(target.list, "initial,");
	CHECK(!config_given(&config, "workers"));
}

TEST(a_file_sets_keys)
{
	set_up();
	CHECK_EQ(text("# a comment\n\n"
		      "workers = 8\n"
		      "  ring-size=64K  \r\n"
		      "\tname\t=\ta=#b \n"
		      "   # another\n"
		      "colour = green\n"
		      "quiet = yes"),
	    0);
	CHECK_EQ(target.workers, 8);
	CHECK_EQ(target.ring, 65536);
	CHECK_STR(target.name, "a=#b");
	CHECK_EQ(target.colour, 1);
	CHECK(target.quiet);
	CHECK(config_given(&config, "workers"));
	CHECK(!config_given(&config, "listen"));
}

TEST(an_empty_file_is_fine_and_so_is_a_byte_order_mark)
{
	set_up();
	CHECK_EQ(text(""), 0);
	CHECK_EQ(text("\ufeffworkers = 3\n"), 0);
	CHECK_EQ(target.workers, 3);
}

TEST(options_set_keys_in_each_of_their_forms)
{
	set_up();
	CHECK_EQ(options("--workers=3", "--ring-size", "1G", "-qx"), -1);
	CHECK_STR(err, "-q: takes no value");
	CHECK_EQ(options("--workers=3", "--ring-size", "1G", "-q"), 5);
	CHECK_EQ(target.workers, 3);
	CHECK_EQ(target.ring, 1 << 30);
	CHECK(target.quiet);
	CHECK_EQ(options("-w4", "-n", "x", "--check"), 5);
	CHECK_EQ(target.workers, 4);
	CHECK_STR(target.name, "x");
	CHECK(target.check);
}

TEST(options_end_at_the_first_operand)
{
	set_up();
	CHECK_EQ(options(NULL, NULL, NULL, NULL), 1);
	CHECK_EQ(options("-w4", "ring", "-w5", NULL), 2);
	CHECK_EQ(target.workers, 4);
	CHECK_EQ(options("--", "-w6", NULL, NULL), 2);
	CHECK_EQ(target.workers, 4);
	CHECK_EQ(options("-", "-w7", NULL, NULL), 1);
}

TEST(the_last_of_repeated_options_counts)
{
	set_up();
	CHECK_EQ(options("-w4", "--workers=5", NULL, NULL), 3);
	CHECK_EQ(target.workers, 5);
}

TEST(a_repeated_list_key_appends_and_the_initial_value_goes)
{
	set_up();
	CHECK_EQ(text("listen = a\nlisten = b\n"), 0);
	CHECK_STR(target.list, "a,b,");
	set_up();
	CHECK_EQ(options("--listen=c", "--listen", "d", NULL), 4);
	CHECK_STR(target.list, "c,d,");
}

TEST(an_option_wins_over_the_file)
{
	set_up();
	CHECK_EQ(options("--listen=c", "--listen=d", "-w9", NULL), 4);
	CHECK_EQ(text("listen = a\nworkers = 3\nname = file\nlisten = b\n"), 0);
	CHECK_STR(target.list, "c,d,");
	CHECK_EQ(target.workers, 9);
	CHECK_STR(target.name, "file");
}

TEST(what_an_option_overrides_is_checked_all_the_same)
{
	set_up();
	CHECK_EQ(options("-w9", "--listen=c", NULL, NULL), 3);
	CHECK_EQ(text("workers = many\n"), -1);
	CHECK_STR(err, "f:1: workers: \"many\" is not a number");
	CHECK_EQ(text("listen = a,b\n"), -1);
	CHECK_STR(err, "f:1: listen: has a comma");
	CHECK_EQ(target.workers, 9);
}

TEST(errors_in_a_file_name_line_and_key)
{
	check_text_error(
	    "\n\nworkers = abc\n", "f:3: workers: \"abc\" is not a number");
	check_text_error(
	    "workers = 4\nwrokers = 4\n", "f:2: wrokers: no such key");
	check_text_error(
	    "workers 4\n", "f:1: \"workers 4\": a line is \"key = value\"");
	check_text_error("= 4\n", "f:1: \"\": a line is \"key = value\"");
	check_text_error("workers = 4\n\nworkers = 5\n",
	    "f:3: workers: given in line 1 already");
	check_text_error("check = yes\n", "f:1: check: no such key");
	check_text_error("workers = 4 # four\n",
	    "f:1: workers: \"4 # four\" is not a number "
	    "(a comment needs a line of its own)");
	check_text_error(
	    "\x1b]0;x = 4\n", "f:1: the line holds a control character");
	check_text_error("a\u202eb = 4\n", "f:1: \"a\\u202eb\": no such key");
}

TEST(errors_in_options_name_the_option)
{
	check_option_error(
	    "--workers=abc", NULL, "--workers: \"abc\" is not a number");
	check_option_error("-wabc", NULL, "-w: \"abc\" is not a number");
	check_option_error("-w", "", "-w: \"\" is not a number");
	check_option_error("--workers", NULL, "--workers: needs a value");
	check_option_error("-n", NULL, "-n: needs a value");
	check_option_error("--wrokers=4", NULL, "--wrokers: no such option");
	check_option_error("-z", NULL, "-z: no such option");
	check_option_error("--check=yes", NULL, "--check: takes no value");
	check_option_error("--=4", NULL, "--: no such option");
	check_option_error("---", NULL, "---: no such option");
	check_option_error("--work=4", NULL, "--work: no such option");
	check_option_error("--\x1b[m", NULL, "\"--\\x1b[m\": no such option");
}

TEST(what_is_no_text_is_refused)
{
	static const char nul[] = "workers = 4\nna\0me = x\n";
	char line[CONFIG_LINE_MAX + 2];

	set_up();
	CHECK_EQ(
	    config_text(&config, "f", nul, sizeof(nul) - 1, err, sizeof(err)),
	    -1);
	CHECK_STR(err, "f:2: the line holds a NUL byte");
	check_text_error("# caf\xe9\n", "f:1: the line is not UTF-8 text");
	check_text_error("\xff\xfew\n", "f:1: the line is not UTF-8 text");
	memset(line, '#', sizeof(line));
	line[CONFIG_LINE_MAX + 1] = '\0';
	check_text_error(line, "f:1: the line is longer than 4096 bytes");
	line[CONFIG_LINE_MAX] = '\0';
	set_up();
	CHECK_EQ(text(line), 0);
}

TEST(errors_fit_their_room_and_are_printable_whatever_is_wrong)
{
	char line[CONFIG_LINE_MAX + 1];
	static const char *const units[] = {
	    "x", "\xc2\x85", "🌟", "\u202e", "\"", "#", "[", "="};

	for (size_t i = 0; i < COUNT(units); i++) {
		size_t n = 0, add = strlen(units[i]);
		char small[32];

		for (; n + add < sizeof(line); n += add)
			memcpy(line + n, units[i], add);
		line[n] = '\0';
		set_up();
		if (text(line) == 0)
			continue; /* all "#" */
		CHECK(strlen(err) < sizeof(err) - 1);
		for (size_t at = 0; err[at] != '\0';) {
			uint32_t code;

			at += utf8_decode(err + at, strlen(err + at), &code);
			CHECK(code != UTF8_INVALID && !utf8_is_control(code));
			CHECK(!utf8_is_format(code));
		}
		memset(small, '~', sizeof(small));
		config_text(&config, "f", line, n, small, 16);
		CHECK(strlen(small) == 15 && small[16] == '~');
	}
}

TEST(sections_are_unknown_unless_somebody_takes_them)
{
	check_text_error("[room general]\n", "f:1: \"room\": no such section");
	check_text_error("[room\n", "f:1: a section is [kind NAME]");
	check_text_error("[\n", "f:1: a section is [kind NAME]");
	check_text_error("[]\n", "f:1: \"\": no such section");
}

static int
begin_section(
    void *context, const char *kind, const char *name, char *why, size_t size)
{
	char *seen = context;

	if (strcmp(kind, "room") != 0) {
		snprintf(why, size, "not a room");
		return -1;
	}
	sprintf(seen + strlen(seen), "[%s|%s]", kind, name);
	return 0;
}

static int
set_in_section(
    void *context, const char *key, const char *value, char *why, size_t size)
{
	char *seen = context;

	if (strcmp(key, "topic") != 0) {
		snprintf(why, size, "unknown");
		return -1;
	}
	sprintf(seen + strlen(seen), "%s=%s;", key, value);
	return 0;
}

TEST(lines_of_a_section_go_to_who_took_it)
{
	char seen[256] = "";
	const struct config_sections sections = {
	    .context = seen,
	    .begin = begin_section,
	    .set = set_in_section,
	};

	set_up();
	config.sections = &sections;
	CHECK_EQ(text("workers = 3\n"
		      "[ room  a b] ]\n"
		      "topic = # one = two\n"
		      "[room]\n"
		      "topic =\n"),
	    0);
	CHECK_STR(seen, "[room|a b]]topic=# one = two;[room|]topic=;");
	CHECK_EQ(target.workers, 3);
	CHECK_EQ(text("[room x]\nworkers = 3\n"), -1);
	CHECK_STR(err, "f:2: workers: unknown");
	CHECK_EQ(text("[user x]\n"), -1);
	CHECK_STR(err, "f:1: \"user\": not a room");
}

static void
path_of(char path[64], pid_t pid)
{
	snprintf(path, 64, "/tmp/test_config.%d", (int)pid);
}

TEST_AFTER(pid)
{
	char path[64];

	path_of(path, pid);
	unlink(path);
}

TEST(a_file_is_read_whole_and_named_in_errors)
{
	char path[64], expected[128];
	FILE *f;

	path_of(path, getpid());
	f = fopen(path, "w");
	CHECK(f != NULL);
	for (int i = 0; i < 50000; i++)
		fprintf(f, "# line %d\n", i);
	fprintf(f, "workers = 7\n");
	fclose(f);
	set_up();
	CHECK_EQ(config_file(&config, path, err, sizeof(err)), 0);
	CHECK_EQ(target.workers, 7);
	f = fopen(path, "a");
	CHECK(f != NULL);
	fprintf(f, "x = 1\n");
	fclose(f);
	set_up();
	CHECK_EQ(config_file(&config, path, err, sizeof(err)), -1);
	snprintf(expected, sizeof(expected), "%s:50002: x: no such key", path);
	CHECK_STR(err, expected);
}

TEST(a_file_that_cannot_be_read_says_why)
{
	char path[64], expected[128];

	set_up();
	CHECK_EQ(config_file(&config, "/nonexistent", err, sizeof(err)), -1);
	CHECK_STR(err, "/nonexistent: No such file or directory");
	CHECK_EQ(config_file(&config, "/tmp", err, sizeof(err)), -1);
	CHECK_STR(err, "/tmp: Is a directory");
	path_of(path, getpid());
	CHECK_EQ(fclose(fopen(path, "w")), 0);
	CHECK_EQ(truncate(path, CONFIG_FILE_MAX + 1), 0);
	CHECK_EQ(config_file(&config, path, err, sizeof(err)), -1);
	snprintf(expected, sizeof(expected),
	    "%s: the file is larger than 4194304 bytes", path);
	CHECK_STR(err, expected);
}
