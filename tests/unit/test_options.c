/* SPDX-License-Identifier: MIT */
/* What the administrator may ask for, and how mistakes are named. */
#include "master/options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "master/types.h"
#include "shared/base/config.h"
#include "shared/base/log.h"

#include "tests/harness/test.h"

static struct options options;
static char err[CONFIG_ERROR_MAX];
static char path[64];

/* Reads options given as words; ends with NULL. */
static int
read_words(const char *const *words)
{
	static char copies[16][128];
	char *argv[16];
	int argc = 0;

	snprintf(copies[argc], sizeof(copies[argc]), "chatmaster");
	for (; words[argc]; argc++)
		snprintf(
		    copies[argc + 1], sizeof(copies[0]), "%s", words[argc]);
	argc++;
	for (int i = 0; i < argc; i++)
		argv[i] = copies[i];
	argv[argc] = NULL;
	err[0] = '\0';
	return options_read(&options, argc, argv, err, sizeof(err));
}

#define READ(...) read_words((const char *const[]){__VA_ARGS__, NULL})

/* Reads a file with that text. */
static int
read_file(const char *text, const char *option)
{
	FILE *f;
	int r;

	snprintf(path, sizeof(path), "/tmp/test_options.%d", (int)getpid());
	f = fopen(path, "w");
	CHECK(f);
	fputs(text, f);
	fclose(f);
	r = READ("-c", path, option);
	unlink(path);
	return r;
}

TEST(options_have_the_documented_defaults)
{
	char text[LISTEN_NAME_MAX];

	CHECK_EQ(read_words((const char *const[]){NULL}), 0);
	CHECK(options.workers >= 1 && options.workers <= WORKERS_MAX);
	CHECK_STR(options.name, "default");
	CHECK_EQ(options.line.count, 1);
	CHECK_STR(listen_text(&options.line.at[0], text), "[::]:5555");
	CHECK_EQ(options.telnet_workers, 1);
	CHECK_EQ(options.telnet.count, 1);
	CHECK_STR(listen_text(&options.telnet.at[0], text), "[::]:2323");
	CHECK_EQ(options.max_clients, 10000);
	CHECK(!options.max_clients_given);
	CHECK_EQ(options.max_clients_per_ip, 0);
	CHECK_EQ(options.max_rooms, 4096);
	CHECK_EQ(options.max_rooms_per_ip, 0);
	CHECK_EQ(options.max_line, 4096);
	CHECK_EQ(options.login_timeout_s, 30);
	CHECK_EQ(options.ring_size, 16 << 20);
	CHECK_EQ(options.watchdog_s, 3);
	CHECK_STR(options.log, "stderr");
	CHECK_EQ(options.log_level, LOG_LEVEL_INFO);
	CHECK_EQ(options.log_format, LOG_FORMAT_LOGFMT);
	CHECK(!options.check);
}

TEST(log_is_a_word_or_a_path_and_a_socket_has_a_short_one)
{
	char path107[128] = "--log=syslog:", *rest = path107 + 13;

	CHECK_EQ(READ("--log=syslog"), 0);
	CHECK_EQ(READ("--log=/var/log/x y.log"), 0);
	CHECK_STR(options.log, "/var/log/x y.log");
	CHECK_EQ(READ("--log="), -1);
	CHECK_EQ(READ("--log=syslog:"), -1);
	CHECK(strstr(err, "--log") != NULL);
	memset(rest, 'x', 108);
	CHECK_EQ(READ(path107), -1);
	rest[107] = '\0';
	CHECK_EQ(READ(path107), 0);
	CHECK_EQ(READ("--log-format=json", "--check"), 0);
	CHECK_EQ(options.log_format, LOG_FORMAT_JSON);
	CHECK(options.check);
	CHECK_EQ(READ("--log-format=xml"), -1);
	CHECK_EQ(read_file("check = yes\n", "-w1"), -1);
}

TEST(options_win_over_the_file)
{
	CHECK_EQ(read_file("workers = 2\nname = a\nline = 1\n", "--name=b"), 0);
	CHECK_STR(options.name, "b");
	CHECK_EQ(options.workers, 2);
	CHECK_EQ(options.line.count, 1);
	CHECK_EQ(options.line.at[0].port, 1);
}

TEST(options_take_a_listener_key_several_times_or_none)
{
	CHECK_EQ(READ("--line=1", "--line=[::1]:2", "--line=127.0.0.1:3"), 0);
	CHECK_EQ(options.line.count, 3);
	CHECK_EQ(options.line.at[2].port, 3);
	CHECK_EQ(READ("--line=none"), 0);
	CHECK_EQ(options.line.count, 0);
	CHECK_EQ(READ("--telnet=1", "--telnet=2"), 0);
	CHECK_EQ(options.telnet.count, 2);
}

TEST(a_type_without_workers_has_no_listeners_and_the_other_way_round)
{
	CHECK_EQ(READ("--telnet-workers=0", "--telnet=1"), 0);
	CHECK_EQ(options.telnet.count, 0);
	CHECK_EQ(options.telnet_workers, 0);
	CHECK_EQ(READ("--telnet-workers=9", "--telnet=none"), 0);
	CHECK_EQ(options.telnet_workers, 0);
	CHECK_EQ(READ("-w7", "--line=none", "--telnet=none"), 0);
	CHECK_EQ(options.workers, 7);
}

TEST(options_bound_the_number_of_workers_of_all_types)
{
	CHECK_EQ(READ("-w40", "--telnet-workers=23"), 0);
	CHECK_EQ(READ("-w40", "--telnet-workers=24"), -1);
	CHECK(strstr(err, "workers: 65 ") != NULL);
	CHECK_EQ(
	    READ("-w48", "--telnet-workers=48", "--telnet=none", "--web=none"),
	    0);
}

TEST(looks_of_telnet_clients_are_off_unless_they_are_on)
{
	CHECK_EQ(READ("-w1"), 0);
	CHECK_EQ(options.wrap, 0);
	CHECK_EQ(options.color, 0);
	CHECK_EQ(options.time, 0);
	CHECK_EQ(read_file("wrap = on\ncolor = off\ntime = on\n", "-w1"), 0);
	CHECK_EQ(options.wrap, 1);
	CHECK_EQ(options.color, 0);
	CHECK_EQ(options.time, 1);
	CHECK_EQ(READ("--color=yes"), -1);
}

TEST(replay_has_a_default_for_each_listener_and_a_value_for_all)
{
	CHECK_EQ(READ("-w1"), 0);
	CHECK_EQ(types_replay(&options, LISTENER_LINE), 0);
	CHECK_EQ(types_replay(&options, LISTENER_TELNET), 20);
	CHECK_EQ(READ("--replay=0"), 0);
	CHECK_EQ(types_replay(&options, LISTENER_TELNET), 0);
	CHECK_EQ(read_file("replay = 7\n", "-w1"), 0);
	CHECK_EQ(types_replay(&options, LISTENER_LINE), 7);
	CHECK_EQ(types_replay(&options, LISTENER_TELNET), 7);
}

TEST(options_bound_the_number_of_listeners)
{
	char text[LISTENERS_MAX * 9 + 48] = "telnet = none\nweb = none\n";

	for (int i = 0; i < LISTENERS_MAX; i++)
		strcat(text, "line = 0\n");
	CHECK_EQ(read_file(text, "-w1"), 0);
	CHECK_EQ(options.line.count, LISTENERS_MAX);
	CHECK_EQ(read_file(text, "--telnet=1"), -1);
	CHECK(strstr(err, "33 listeners") != NULL);
	strcat(text, "line = 0\n");
	CHECK_EQ(read_file(text, "-w1"), -1);
}

TEST(options_round_the_ring_up_to_a_power_of_two)
{
	CHECK_EQ(READ("--ring-size=64K", "--max-line=2048"), 0);
	CHECK_EQ(options.ring_size, 64 << 10);
	CHECK_EQ(READ("--ring-size=65537"), 0);
	CHECK_EQ(options.ring_size, 128 << 10);
	CHECK_EQ(options.ring_size_asked, 65537);
	CHECK_EQ(READ("--ring-size=1G"), 0);
	CHECK_EQ(options.ring_size, 1 << 30);
}

TEST(options_refuse_a_ring_that_is_too_small_for_the_longest_line)
{
	CHECK_EQ(READ("--ring-size=64K", "--max-line=2049"), -1);
	CHECK(strstr(err, "ring-size") != NULL);
}

TEST(options_know_whether_max_clients_was_asked_for)
{
	CHECK_EQ(READ("--max-clients=10000"), 0);
	CHECK(options.max_clients_given);
	CHECK_EQ(read_file("max-clients = 7\n", "-w1"), 0);
	CHECK(options.max_clients_given);
}

/* The name becomes the name of an object: no slash gets into it. */
TEST(options_take_only_names_that_are_safe_in_a_path)
{
	char too_long[INSTANCE_MAX + 2] = "";
	const char *const bad[] = {"", "a/b", "../x", "a b", "a\n", "\xc3\xa4",
	    "a.old", "a.new", "a.ruined", too_long};

	memset(too_long, 'x', INSTANCE_MAX + 1);
	CHECK_EQ(READ("-n", "Az09._-"), 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_EQ(READ("-n", bad[i]), -1);
}

TEST(options_refuse_bad_values_and_name_the_key)
{
	static const struct {
		const char *option, *key;
	} cases[] = {
	    {"--workers=0", "workers"},
	    {"--workers=49", "workers"},
	    {"-w-1", "-w: "},
	    {"--line=localhost:1", "line"},
	    {"--max-clients=0", "max-clients"},
	    {"--max-clients=many", "max-clients"},
	    {"--max-rooms=0", "max-rooms"},
	    {"--max-line=63", "max-line"},
	    {"--max-line=16385", "max-line"},
	    {"--login-timeout=-1", "login-timeout"},
	    {"--ring-size=65535", "ring-size"},
	    {"--ring-size=2G", "ring-size"},
	    {"--watchdog=soon", "watchdog"},
	    {"--log-level=loud", "log-level"},
	    {"--log-level=", "log-level"},
	    {"--telnet=:", "telnet"},
	    {"--telnet-workers=49", "telnet-workers"},
	    {"--web=localhost", "web"},
	    {"--web-workers=49", "web-workers"},
	    {"--web-origin=example.org", "web-origin"},
	    {"--web-origin=https://example.org/", "web-origin"},
	    {"--config=/nonexistent/file", "/nonexistent/file"},
	    {"operand", "operand"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_EQ(READ(cases[i].option), -1);
		if (!strstr(err, cases[i].key))
			test_fail(
			    __FILE__, __LINE__, "%s: %s", cases[i].option, err);
	}
}

TEST(options_name_file_line_and_key_of_a_mistake)
{
	char place[128];

	CHECK_EQ(read_file("# x\n\nmax-clients = 10x\n", "-w1"), -1);
	snprintf(place, sizeof(place), "%s:3: max-clients: ", path);
	CHECK(strstr(err, place));
	CHECK_EQ(read_file("workers = 1\nworkerz = 1\n", "-w1"), -1);
	snprintf(place, sizeof(place), "%s:2: ", path);
	CHECK(strstr(err, place));
	CHECK(strstr(err, "workerz"));
}

#define HASH "$6$saltsalt$0123456789abcdef0123456789abcdef"

TEST(options_have_rooms_and_users)
{
	CHECK_EQ(read_file("[room x]\nhidden = yes\nmax-members = 7\n"
			   "members = Al, Bo\n[user Al]\noperator = yes\n"
			   "password = " HASH "\n",
		     "-w1"),
	    0);
	CHECK_EQ(options.access.nrooms, 1);
	CHECK_EQ(options.access.rooms[0].max_members, 7);
	CHECK_EQ(options.access.rooms[0].flags,
	    POLICY_CONFIGURED | POLICY_HIDDEN | POLICY_MEMBERS);
	CHECK_EQ(options.access.nmembers, 2);
	CHECK_EQ(options.access.nusers, 1);
	CHECK(options.access.users[0].is_operator);
	CHECK_EQ(access_find_user(&options.access, "aL", 2), 0);
	CHECK_EQ(access_find_user(&options.access, "Bo", 2), UINT32_MAX);
	access_free(&options.access);
}

TEST(options_refuse_sections_that_make_no_sense)
{
	static const struct {
		const char *text, *place;
	} cases[] = {
	    {"[rum x]\n", ":1: "},
	    {"[room ]\n", ":1: "},
	    {"[room a b]\n", ":1: "},
	    {"[room x]\nhidden = perhaps\n", ":2: hidden: "},
	    {"[room x]\nhidden = no\nhidden = no\n", ":3: hidden: "},
	    {"[room x]\noperator = yes\n", ":2: operator: "},
	    {"[room x]\nmembers = Al, B:o\n", ":2: members: "},
	    {"[room x]\nmax-members = 1x\n", ":2: max-members: "},
	    {"[room x]\npassword = secret\n", ":2: password: "},
	    {"[room x]\ntopic = \n", ":2: topic: "},
	    {"[room x]\n[room X]\n", ":2: "},
	    {"[user y]\noperator = yes\n[room x]\n", ":3: "},
	    {"[user y]\npassword = " HASH "\n[user Y]\n", ":3: "},
	    {"[user y:z]\n", ":1: "},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_EQ(read_file(cases[i].text, "-w1"), -1);
		CHECK(strstr(err, cases[i].place));
		access_free(&options.access);
	}
	CHECK(!strstr(err, "secret"));
	CHECK_EQ(read_file("[user y]\noperator = yes\n", "-w1"), -1);
	CHECK(strstr(err, "has no password"));
	access_free(&options.access);
	CHECK_EQ(read_file("max-rooms = 1\n[room a]\n[room b]\n", "-w1"), -1);
	CHECK(strstr(err, "max-rooms: "));
	access_free(&options.access);
}

TEST(options_look_no_further_when_only_help_is_wanted)
{
	CHECK_EQ(READ("--help"), 0);
	CHECK(options.help);
	CHECK_EQ(READ("--version"), 0);
	CHECK(options.version);
	CHECK_EQ(read_file("help = yes\n", "-w1"), -1);
}
