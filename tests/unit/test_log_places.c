/* SPDX-License-Identifier: MIT */
/* shared/base/log: files, syslog, and exchanging one for another. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <signal.h>
#include <unistd.h>

#include "shared/base/log.h"

#include "tests/harness/test.h"

#define FOLDER "/tmp/test_log_places.%d"

static char old_path[64], new_path[64];

static void
name_paths(int pid)
{
	snprintf(old_path, sizeof(old_path), FOLDER "/old", pid);
	snprintf(new_path, sizeof(new_path), FOLDER "/new", pid);
}

static void
make_folder(void)
{
	char folder[64];

	snprintf(folder, sizeof(folder), FOLDER, (int)getpid());
	CHECK_EQ(mkdir(folder, 0700), 0);
	name_paths((int)getpid());
}

TEST_AFTER(pid)
{
	char folder[64];

	name_paths((int)pid);
	unlink(old_path);
	unlink(new_path);
	snprintf(folder, sizeof(folder), FOLDER, (int)pid);
	rmdir(folder);
}

/* What is in a file. */
static const char *
content(const char *path)
{
	static char buf[1 << 16];
	FILE *f = fopen(path, "r");
	size_t n;

	CHECK(f != NULL);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	return buf;
}

static unsigned
count_lines(const char *s)
{
	unsigned n = 0;

	while ((s = strchr(s, '\n')) != NULL) {
		n++;
		s++;
	}
	return n;
}

static int
open_file(const char *path)
{
	int fd = log_make_file(path);

	CHECK(fd != -1);
	return fd;
}

TEST(a_log_file_is_made_for_owner_and_group_and_appended_to)
{
	struct stat st;

	make_folder();
	umask(022);
	log_open(open_file(old_path), LOG_LEVEL_INFO);
	CHECK_EQ(stat(old_path, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0640);
	log_info("one", NULL);
	log_open(open_file(old_path), LOG_LEVEL_INFO);
	log_info("two", NULL);
	CHECK_EQ(count_lines(content(old_path)), 2);
	CHECK_EQ(log_make_file("/nonexistent/x"), -1);
	CHECK_EQ(errno, ENOENT);
}

TEST(json_lines_are_one_object_each)
{
	const char *s;

	make_folder();
	log_open(open_file(old_path), LOG_LEVEL_INFO);
	log_set_format(LOG_FORMAT_JSON);
	log_info("x", "n=%d raw=\"}\n{\" text=%s", 5, "\"a\\\"b\"");
	s = content(old_path);
	CHECK_EQ(count_lines(s), 1);
	CHECK(strncmp(s, "{\"time\":\"2", 10) == 0);
	CHECK(
	    strstr(s, ",\"level\":\"info\",\"event\":\"x\",\"pid\":") != NULL);
	CHECK(strstr(s, ",\"n\":5,\"raw\":\"}?{\",\"text\":\"a\\\"b\"}\n") !=
	      NULL);
}

TEST(a_replaced_log_goes_on_under_the_same_number)
{
	int first, second;

	make_folder();
	first = open_file(old_path);
	log_open(first, LOG_LEVEL_INFO);
	log_info("one", NULL);
	second = open_file(new_path);
	CHECK_EQ(log_replace(second), 0);
	CHECK_EQ(log_fd(), first);
	close(second);
	CHECK_EQ(fcntl(first, F_GETFD), FD_CLOEXEC);
	log_info("two", NULL);
	CHECK(strstr(content(old_path), "event=two") == NULL);
	CHECK(strstr(content(new_path), "event=two") != NULL);
	CHECK_EQ(log_replace(-1), -1);
	log_info("three", NULL);
	CHECK(strstr(content(new_path), "event=three") != NULL);
}

/* As a full disk does: the file takes only the beginning of a line. */
TEST(a_line_that_a_full_disk_has_cut_spoils_no_other)
{
	struct rlimit limit;
	const char *s;

	make_folder();
	log_open(open_file(old_path), LOG_LEVEL_INFO);
	log_info("one", NULL);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = strlen(content(old_path)) + 10;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_info("two", NULL);
	log_info("three", NULL);
	limit.rlim_cur = limit.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_info("four", NULL);
	s = content(old_path);
	CHECK_EQ(count_lines(s), 3);
	s = strstr(s, "\ntime=");
	CHECK(s != NULL && (s = strstr(s + 1, "\ntime=")) != NULL);
	CHECK(strstr(s, " dropped=2\n") != NULL);
}

/* A daemon's socket. */
static int
make_daemon(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	CHECK(fd != -1);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static const char *
received(int daemon)
{
	static char buf[8192];
	ssize_t n = recv(daemon, buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void
open_syslog(const char *path)
{
	int fd = log_make_syslog(path);

	CHECK(fd != -1);
	log_open(fd, LOG_LEVEL_DEBUG);
	CHECK_EQ(log_set_syslog(path), 0);
}

TEST(syslog_reads_a_datagram_a_line_with_priority_and_pid)
{
	char head[64];
	int daemon;

	make_folder();
	daemon = make_daemon(old_path);
	open_syslog(old_path);
	log_info("one", "n=1");
	snprintf(
	    head, sizeof(head), "<30>chatmaster[%d]: time=", (int)getpid());
	CHECK(strncmp(received(daemon), head, strlen(head)) == 0);
	log_debug("two", NULL);
	CHECK(strncmp(received(daemon), "<31>", 4) == 0);
	log_warnx("three", NULL);
	CHECK(strncmp(received(daemon), "<28>", 4) == 0);
	log_set_format(LOG_FORMAT_JSON);
	log_errorx("four", "a=\"b\nc\"");
	snprintf(
	    head, sizeof(head), "<27>chatmaster[%d]: {\"time", (int)getpid());
	CHECK(strncmp(received(daemon), head, strlen(head)) == 0);
}

TEST(a_syslog_daemon_that_reads_nothing_blocks_nobody)
{
	int daemon;
	unsigned total = 0, read = 0;
	char expected[32];

	make_folder();
	daemon = make_daemon(old_path);
	open_syslog(old_path);
	for (; total < 5000; total++)
		log_info("x", "n=%u", total);
	while (*received(daemon) != '\0')
		read++;
	CHECK(read > 0 && read < total);
	log_info("last", NULL);
	snprintf(expected, sizeof(expected), " dropped=%u", total - read);
	CHECK(strstr(received(daemon), expected) != NULL);
}

TEST(a_syslog_daemon_that_comes_back_is_found_again)
{
	int daemon;

	make_folder();
	daemon = make_daemon(old_path);
	open_syslog(old_path);
	log_info("one", NULL);
	close(daemon);
	log_info("lost", NULL);
	CHECK_EQ(unlink(old_path), 0);
	log_info("lost", NULL);
	daemon = make_daemon(old_path);
	log_info("found", NULL);
	CHECK(strstr(received(daemon), "event=found") != NULL);
	log_info("again", NULL);
	CHECK(strstr(received(daemon), "event=again") != NULL);
}

TEST(no_syslog_daemon_and_too_long_a_path_are_errors)
{
	char path[200];

	make_folder();
	CHECK_EQ(log_make_syslog(old_path), -1);
	CHECK_EQ(errno, ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CHECK_EQ(log_make_syslog(path), -1);
	CHECK_EQ(errno, ENAMETOOLONG);
	CHECK_EQ(log_set_syslog(path), -1);
}
