/* SPDX-License-Identifier: MIT */
/* See logs.h. */
#include "master/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log.h"

#define RETRY_US (10 * 1000)
#define PIPE_BYTES (1024 * 1024)
#define SYSLOG_SOCKET "/dev/log"

static bool
logs_to_stderr(const struct options *options)
{
	return strcmp(options->log, OPTIONS_STDERR) == 0;
}

const char *
logs_syslog(const struct options *options)
{
	const char *rest = options->log + sizeof(OPTIONS_SYSLOG) - 1;

	if (strncmp(options->log, OPTIONS_SYSLOG, sizeof(OPTIONS_SYSLOG) - 1) !=
	    0)
		return NULL;
	if (*rest == '\0')
		return SYSLOG_SOCKET;
	return *rest == ':' ? rest + 1 : NULL;
}

/* An fd of its own for what isn't standard error.  Returns it, or -1. */
static int
logs_make(const struct options *options)
{
	const char *daemon = logs_syslog(options);

	return daemon ? log_make_syslog(daemon) : log_make_file(options->log);
}

/* Says what is wrong; returns which of the two it is. */
static int
logs_complain(const struct options *options, char *err, size_t errsize)
{
	const char *daemon = logs_syslog(options);
	const char *path = daemon ? daemon : options->log;
	const char *why = strerror(errno);
	char quoted[LOG_QUOTED(64)];

	snprintf(err, errsize, "log: cannot open %s: %s%s",
	    log_quote(quoted, sizeof(quoted), path, strlen(path)), why,
	    daemon ? " (does a syslog daemon run?)" : "");
	return daemon ? LOGS_NO_DAEMON : LOGS_UNUSABLE;
}

int
logs_open(const struct options *options, char *err, size_t errsize)
{
	const char *daemon = logs_syslog(options);
	int fd = STDERR_FILENO;

	if (!logs_to_stderr(options))
		fd = logs_make(options);
	if (fd == -1)
		return logs_complain(options, err, errsize);
	log_open(fd, (enum log_level)options->log_level);
	log_set_format((enum log_format)options->log_format);
	if (daemon)
		log_set_syslog(daemon);
	/* Lines that find no room are dropped: if it is a pipe, more room. */
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

/* Could this file be created? */
static bool
logs_can_create(const char *path)
{
	char folder[sizeof(((struct options *)0)->log)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		snprintf(folder, sizeof(folder), ".");
	else
		slash[slash == folder] = '\0'; /* that of /log is / */
	return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
}

int
logs_check(const struct options *options, char *err, size_t errsize)
{
	int fd;

	log_open(STDERR_FILENO, (enum log_level)options->log_level);
	if (logs_to_stderr(options))
		return 0;
	fd = logs_syslog(options)
		 ? logs_make(options)
		 : open(options->log,
		       O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 && (errno != ENOENT || logs_syslog(options) ||
			    !logs_can_create(options->log)))
		return logs_complain(options, err, errsize);
	if (fd != -1)
		close(fd);
	return 0;
}

/*
 * Sends our log, unless it knows of it by now.  False when it is to be tried
 * again: the channel is full, or too many fds are under way.
 */
static bool
logs_tell(const struct seat *seat)
{
	static const struct channel_message message = {
	    .type = CHANNEL_LOG, .count = 1};
	int fd = log_fd();

	if (seat->pid == 0 ||
	    channel_send(seat->channel, &message, &fd, 1) == 0)
		return true;
	/* If it is dead, its successor inherits the log. */
	return errno == EPIPE || errno == ECONNRESET;
}

static void
logs_send(struct master *m)
{
	m->logs_retry_us = 0;
	for (uint32_t i = 0; i < m->nseats; i++) {
		struct seat *seat = &m->seats[i];

		if (seat->log_untold)
			seat->log_untold = !logs_tell(seat);
		if (seat->log_untold)
			m->logs_retry_us = clock_us() + RETRY_US;
	}
}

void
logs_reopen(struct master *m)
{
	char quoted[LOG_QUOTED(64)];
	int fd = -1;

	if (logs_to_stderr(&m->options)) {
		log_info("usr1",
		    "reason=\"the log is standard error, which stays open\"");
		return;
	}
	log_quote(
	    quoted, sizeof(quoted), m->options.log, strlen(m->options.log));
	fd = logs_make(&m->options);
	if (fd == -1 || log_replace(fd) == -1) {
		log_error("log-reopen-failed", "log=%s", quoted);
		if (fd != -1)
			close(fd);
		return;
	}
	close(fd);
	log_info("log-reopened", "log=%s", quoted);
	for (uint32_t i = 0; i < m->nseats; i++)
		m->seats[i].log_untold = true;
	logs_send(m);
}

void
logs_on_time(struct master *m, uint64_t now_us)
{
	if (m->logs_retry_us != 0 && now_us >= m->logs_retry_us)
		logs_send(m);
}

uint64_t
logs_due_us(const struct master *m)
{
	return m->logs_retry_us != 0 ? m->logs_retry_us : UINT64_MAX;
}
