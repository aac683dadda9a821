/* SPDX-License-Identifier: MIT */
/* shared/base/log. */
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/utf8.h"

static int out[2]; /* a pipe that the log goes to, the reading end first */

static void
open_log(enum log_level level)
{
	CHECK_EQ(pipe2(out, O_NONBLOCK), 0);
	log_open(out[1], level);
}

/* All that was logged since the last call. */
static const char *
logged(void)
{
	static char buf[1 << 17];
	ssize_t n = read(out[0], buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

/* The same from "level=" on, where the time does not disturb. */
static const char *
logged_event(void)
{
	const char *s = strstr(logged(), "level=");

	return s != NULL ? s : "";
}

TEST(an_event_is_one_line_of_logfmt)
{
	char expected[128];

	open_log(LOG_LEVEL_INFO);
	log_info("accept", "listener=%s session=%d", "line", 17);
	snprintf(expected, sizeof(expected),
	    "level=info event=accept pid=%d listener=line session=17\n",
	    (int)getpid());
	CHECK_STR(logged_event(), expected);
	log_event(LOG_LEVEL_DEBUG, "accept", "x=1");
	CHECK_STR(logged(), "");
	log_errorx("stop", NULL);
	snprintf(expected, sizeof(expected), "level=error event=stop pid=%d\n",
	    (int)getpid());
	CHECK_STR(logged_event(), expected);
}

TEST(the_time_is_utc_with_milliseconds)
{
	time_t before = time(NULL), told, after;
	struct tm tm = {0};
	const char *s, *end;

	open_log(LOG_LEVEL_INFO);
	log_info("ready", NULL);
	after = time(NULL);
	s = logged();
	CHECK(strncmp(s, "time=", 5) == 0);
	end = strptime(s + 5, "%Y-%m-%dT%H:%M:%S", &tm);
	CHECK(end != NULL);
	CHECK(end[0] == '.' && end[4] == 'Z' && end[5] == ' ');
	told = timegm(&tm);
	/* time(2) may lag by a tick behind the clock that the log reads. */
	CHECK(told >= before && told <= after + 1);
}

TEST(only_levels_that_are_asked_for_are_written)
{
	open_log(LOG_LEVEL_WARN);
	CHECK(!log_enabled(LOG_LEVEL_INFO));
	CHECK(log_enabled(LOG_LEVEL_WARN));
	log_debug("a", NULL);
	log_info("b", NULL);
	CHECK_STR(logged(), "");
	log_warnx("c", NULL);
	CHECK(strstr(logged(), "level=warn event=c ") != NULL);
	CHECK_STR(log_level_names[LOG_LEVEL_DEBUG], "debug");
	CHECK_STR(log_level_names[LOG_LEVEL_ERROR + 1], NULL);
}

TEST(warn_and_error_say_errno_and_keep_it)
{
	open_log(LOG_LEVEL_INFO);
	errno = ENOENT;
	log_warn("open", "path=%s", "x");
	CHECK_EQ(errno, ENOENT);
	CHECK(strstr(logged(),
		  " path=x error=\"No such file or directory\"\n") != NULL);
	errno = EBADF;
	log_error("close", NULL);
	CHECK_EQ(errno, EBADF);
	CHECK(strstr(logged(), " error=\"Bad file descriptor\"\n") != NULL);
	log_warnx("quiet", NULL);
	CHECK(strstr(logged(), "error") == NULL);
}

static const char *
quote(const char *text, size_t len, size_t size)
{
	static char dst[256];

	memset(dst, '#', sizeof(dst));
	CHECK(log_quote(dst, size, text, len) == dst);
	CHECK(memchr(dst, '\0', size) != NULL);
	CHECK(dst[size] == '#');
	return dst;
}

#define QUOTE(s) quote(s, sizeof(s) - 1, 200)

TEST(quoted_text_is_printable_whatever_it_was)
{
	CHECK_STR(QUOTE(""), "\"\"");
	CHECK_STR(QUOTE("Alice"), "\"Alice\"");
	CHECK_STR(QUOTE("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
	CHECK_STR(QUOTE("a\r\n\tb\0c"), "\"a\\r\\n\\tb\\x00c\"");
	CHECK_STR(QUOTE("\x1b[31m\x7f"), "\"\\x1b[31m\\x7f\"");
	CHECK_STR(QUOTE("\302\233m"), "\"\\u009bm\"");
	CHECK_STR(
	    QUOTE("\u202egnp\u2066\u200d"), "\"\\u202egnp\\u2066\\u200d\"");
	CHECK_STR(QUOTE("\u2028\ue000\uffff"), "\"\\u2028\\ue000\\uffff\"");
	CHECK_STR(QUOTE("\U000e0041"), "\"\\U000e0041\"");
	CHECK_STR(
	    QUOTE("caf\xe9 \xf0\x9f\x8c"), "\"caf\\xe9 \\xf0\\x9f\\x8c\"");
	CHECK_STR(QUOTE("Grüße 🌟"), "\"Grüße 🌟\"");
}

TEST(quoted_text_fits_its_room_whatever_that_is)
{
	static const char text[] = "ab\xff\"🌟\u202e\ncdefgh";
	const size_t len = sizeof(text) - 1;

	for (size_t size = 6; size < 64; size++) {
		const char *q = quote(text, len, size);
		size_t n = strlen(q);

		CHECK(n < size && n >= 2);
		CHECK(q[0] == '"' && q[n - 1] == '"');
		CHECK(utf8_valid(q, n));
		CHECK((strstr(q, "...\"") != NULL) ==
		      (strstr(q, "cdefgh") == NULL));
	}
	CHECK_STR(quote("abcdef", 6, 9), "\"abcdef\"");
	CHECK_STR(quote("abcdefg", 7, 9), "\"abc...\"");
	CHECK_STR(quote("abc", 3, 6), "\"abc\"");
	CHECK_STR(quote("abcd", 4, 6), "\"...\"");
}

TEST(log_quoted_is_room_enough_for_any_character)
{
	for (uint32_t code = 0; code < 256; code++) {
		char worst[32], expected[256];

		memset(worst, (int)code, sizeof(worst));
		strcpy(expected, quote(worst, 32, 200));
		CHECK_STR(quote(worst, 32, LOG_QUOTED(32)), expected);
	}
	CHECK(LOG_QUOTED(2) > strlen(QUOTE("\302\200")));
	CHECK(LOG_QUOTED(3) > strlen(QUOTE("\u202e")));
	CHECK(LOG_QUOTED(4) > strlen(QUOTE("\U000e0041")));
}

TEST(what_was_not_quoted_still_stays_one_line)
{
	const char *s;

	open_log(LOG_LEVEL_INFO);
	log_info("x", "raw=a\nb\x1b[m\xff\302\205"
		      "z text=\"\\u\x01"
		      "000\"");
	s = logged_event();
	CHECK(strstr(s, " raw=a?b?[m???z text=\"\\u?000\"\n") != NULL);
	CHECK(strchr(s, '\n') == strrchr(s, '\n'));
}

static void
check_cut(const char *text)
{
	size_t n;
	const char *s;
	char q[LOG_QUOTED(2000)];
	unsigned quotes = 0;

	log_info(
	    "x", "text=%s more=1", log_quote(q, sizeof(q), text, strlen(text)));
	s = logged();
	n = strlen(s);
	CHECK(n <= LOG_LINE_MAX);
	CHECK(n > LOG_LINE_MAX - 16);
	CHECK(utf8_valid(s, n));
	CHECK_STR(s + n - 16, "\" truncated=yes\n");
	for (const char *p = s; *p != '\0'; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"')
			quotes++;
	}
	CHECK_EQ(quotes, 2);
}

TEST(a_long_line_is_cut_between_characters_and_outside_quotes)
{
	static const char *const units[] = {
	    "x", "🌟", "\"", "\\", "\xff", "\x01", "\u202e", "\U000e0041"};

	open_log(LOG_LEVEL_INFO);
	for (size_t i = 0; i < COUNT(units); i++) {
		for (size_t shift = 0; shift < 12; shift++) {
			char text[1400];
			size_t n = shift, add = strlen(units[i]);

			memset(text, 'a', shift);
			for (; n + add < sizeof(text); n += add)
				memcpy(text + n, units[i], add);
			text[n] = '\0';
			check_cut(text);
		}
	}
}

TEST(a_full_pipe_costs_lines_and_they_are_counted)
{
	unsigned written = 0, total = 0;
	char expected[64];
	const char *s;

	open_log(LOG_LEVEL_INFO);
	CHECK(fcntl(out[1], F_SETPIPE_SZ, 4096) != -1);
	for (; total < 1000; total++)
		log_info("x", "n=%u", total);
	for (s = logged(); (s = strchr(s, '\n')) != NULL; s++)
		written++;
	CHECK(written > 0 && written < total);
	log_info("x", "n=last");
	snprintf(expected, sizeof(expected), " dropped=%u n=last\n",
	    total - written);
	CHECK(strstr(logged(), expected) != NULL);
	log_info("x", "n=after");
	CHECK(strstr(logged(), "dropped") == NULL);
}

/* A blocking pipe, as a terminal or a supervisor has it. */
TEST(a_full_blocking_pipe_does_not_block)
{
	char junk[4096] = {0};

	open_log(LOG_LEVEL_INFO);
	while (write(out[1], junk, sizeof(junk)) > 0)
		continue;
	CHECK_EQ(fcntl(out[1], F_SETFL, 0), 0);
	log_info("x", NULL);
	CHECK_EQ(errno, EAGAIN); /* of the last write above: it is kept */
}

TEST(a_log_that_went_away_kills_nobody)
{
	open_log(LOG_LEVEL_INFO);
	close(out[0]);
	log_info("x", NULL); /* SIGPIPE would end the test */
	close(out[1]);
	log_info("x", NULL);
}

/* Ends in a child: its wait status. */
static int
status_of(void (*end)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		end();
		_exit(99);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

static void
end_die(void)
{
	errno = EACCES;
	die(2, "start", "step=%d", 1);
}

static void
end_diex(void)
{
	diex(1, "start", "step=%d", 2);
}

static void
end_bug(void)
{
	bug("%d \"cursors\" ran\nback", 3);
}

TEST(die_and_diex_exit_with_their_status)
{
	int status;

	open_log(LOG_LEVEL_INFO);
	status = status_of(end_die);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
	CHECK(
	    strstr(logged(), " step=1 error=\"Permission denied\"\n") != NULL);
	status = status_of(end_diex);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK(strstr(logged(), " step=2\n") != NULL);
}

TEST(a_bug_says_where_and_aborts)
{
	int status;
	const char *s;

	open_log(LOG_LEVEL_ERROR);
	status = status_of(end_bug);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	s = logged();
	CHECK(strstr(s, " event=bug ") != NULL);
	CHECK(strstr(s, "test_log.c:") != NULL);
	CHECK(strstr(s, " what=\"3 \\\"cursors\\\" ran\\nback\"\n") != NULL);
}
