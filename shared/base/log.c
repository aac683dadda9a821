/* SPDX-License-Identifier: MIT */
/*
 * The log.  A line is put together in one buffer, made safe in one pass,
 * turned into JSON if that is asked for, and written with one call.
 */
#include "shared/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/log_json.h"
#include "shared/base/utf8.h"

#define CUT_MARK " truncated=yes"

/* Facility daemon, and severities: RFC 3164, section 4.1.1. */
#define SYSLOG_DAEMON (3 << 3)
#define SYSLOG_TAG "chatmaster"

static_assert(LOG_JSON_MAX <= PIPE_BUF, "a write is all or nothing");

const char *const log_level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
    NULL,
};

const char *const log_format_names[] = {
    [LOG_FORMAT_LOGFMT] = "logfmt",
    [LOG_FORMAT_JSON] = "json",
    NULL,
};

static const unsigned syslog_severities[] = {
    [LOG_LEVEL_DEBUG] = 7,
    [LOG_LEVEL_INFO] = 6,
    [LOG_LEVEL_WARN] = 4,
    [LOG_LEVEL_ERROR] = 3,
};

static int log_out = STDERR_FILENO;
static enum log_level log_least = LOG_LEVEL_INFO;
static enum log_format log_form = LOG_FORMAT_LOGFMT;
static struct sockaddr_un log_daemon; /* of syslog; no family: there is none */
static uint64_t log_dropped; /* lines since the last that went through */
static bool log_torn;        /* a file took only the beginning of a line */
static pid_t log_pid;        /* ours, once it was asked for */

/* Lines that wait for log_flush; together still written all or not at all. */
static struct {
	bool on;
	char text[PIPE_BUF - 1]; /* less the line end that log_torn is for */
	size_t len;
	uint64_t lines; /* and those that they say were dropped before */
} held;

/* One line in the making; what doesn't fit is left out and remembered. */
struct log_line {
	enum log_level level;
	char text[LOG_LINE_MAX];
	size_t len;
	bool cut;
};

void
log_open(int fd, enum log_level level)
{
	log_out = fd;
	log_least = level;
	log_form = LOG_FORMAT_LOGFMT;
	log_daemon.sun_family = AF_UNSPEC;
}

void
log_set_format(enum log_format format)
{
	log_form = format;
}

int
log_fd(void)
{
	return log_out;
}

int
log_replace(int fd)
{
	log_flush();
	/* EBUSY: another thread is about to get that number; there is none. */
	return dup3(fd, log_out, O_CLOEXEC) == -1 ? -1 : 0;
}

int
log_make_file(const char *path)
{
	/* Non-blocking for the sake of what isn't a plain file. */
	return open(path,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	    0640);
}

/* The address of a daemon's socket.  Returns 0, or -1 with errno. */
static int
syslog_address(struct sockaddr_un *address, const char *path)
{
	size_t len = strlen(path);

	memset(address, 0, sizeof(*address));
	if (len >= sizeof(address->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, len + 1);
	return 0;
}

int
log_make_syslog(const char *path)
{
	struct sockaddr_un address;
	int fd, saved;

	if (syslog_address(&address, path) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
log_set_syslog(const char *path)
{
	return syslog_address(&log_daemon, path);
}

bool
log_enabled(enum log_level level)
{
	return level >= log_least;
}

static void
line_vadd(struct log_line *line, const char *fmt, va_list ap)
{
	size_t room = sizeof(line->text) - line->len;
	int n = vsnprintf(line->text + line->len, room, fmt, ap);

	if (n < 0)
		return;
	if ((size_t)n >= room) {
		line->cut = true;
		line->len = sizeof(line->text) - 1;
	} else {
		line->len += (size_t)n;
	}
}

static void PRINTF_LIKE(2, 3)
    line_add(struct log_line *line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line_vadd(line, fmt, ap);
	va_end(ap);
}

static void
line_add_time(struct log_line *line)
{
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp(stamp, clock_real_us());
	line_add(line, "time=%s", stamp);
}

/* Bytes of the escape that begins with the backslash at text. */
static size_t
escape_length(const char *text, size_t len)
{
	size_t n = 0, expected = 2;

	if (len > 1 && text[1] == 'x')
		expected = 4;
	else if (len > 1 && text[1] == 'u')
		expected = 6;
	else if (len > 1 && text[1] == 'U')
		expected = 10;
	while (n < MIN(len, expected) && text[n] >= 0x20 && text[n] < 0x7f)
		n++;
	return n;
}

/*
 * Make the line safe whatever was printed into it, and cut it where it can be
 * cut if it was too long.
 */
static void
line_finish(struct log_line *line)
{
	const size_t limit =
	    line->cut ? sizeof(line->text) - sizeof("\"" CUT_MARK "\n")
		      : sizeof(line->text) - 1;
	bool quoted = false;
	size_t at = 0;

	while (at < line->len) {
		uint32_t code;
		size_t left = line->len - at;
		size_t n = utf8_decode(line->text + at, left, &code);

		if (quoted && code == '\\')
			n = escape_length(line->text + at, left);
		if (at + n > limit)
			break;
		if (code == UTF8_INVALID || utf8_is_control(code))
			memset(line->text + at, '?', n);
		else if (code == '"')
			quoted = !quoted;
		at += n;
	}
	line->len = at;
	if (line->cut)
		line_add(line, "%s" CUT_MARK, quoted ? "\"" : "");
	line->text[line->len++] = '\n';
}

/*
 * One write, and only if there is room now.  What a full disk has cut is ended
 * in front of the next line.
 */
static bool
log_write(const char *text, size_t len)
{
	struct iovec pieces[] = {
	    {.iov_base = (char[]){'\n'}, .iov_len = log_torn},
	    {.iov_base = (void *)(uintptr_t)text, .iov_len = len},
	};
	struct pollfd p = {.fd = log_out, .events = POLLOUT};
	ssize_t n;

	if (poll(&p, 1, 0) != 1 || p.revents != POLLOUT)
		return false;
	do
		n = writev(log_out, pieces, COUNT(pieces));
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return false;
	log_torn = (size_t)n < log_torn + len;
	return !log_torn;
}

/* Keep the line for log_flush.  False if it is one that can't wait. */
static bool
log_keep(enum log_level level, const char *text, size_t len)
{
	if (!held.on || level > LOG_LEVEL_INFO || len > sizeof(held.text))
		return false;
	if (len > sizeof(held.text) - held.len)
		log_flush();
	memcpy(held.text + held.len, text, len);
	held.len += len;
	held.lines += 1 + log_dropped;
	return true;
}

void
log_flush(void)
{
	if (held.len > 0 && !log_write(held.text, held.len))
		log_dropped += held.lines;
	held.len = 0;
	held.lines = 0;
}

void
log_hold(void)
{
	held.on = true;
}

void
log_forked(void)
{
	held.on = false;
	held.len = 0;
	held.lines = 0;
	log_pid = 0;
}

static pid_t
log_self(void)
{
	if (log_pid == 0)
		log_pid = getpid();
	return log_pid;
}

static bool
log_connect(void)
{
	return connect(log_out, (struct sockaddr *)&log_daemon,
		   sizeof(log_daemon)) == 0;
}

void
log_mend(void)
{
	int saved = errno;

	if (log_daemon.sun_family == AF_UNIX)
		(void)log_connect();
	errno = saved;
}

/*
 * A datagram to the daemon; what it says of the time is in the text.  One that
 * was restarted has a new socket under the old name: the fd, and with it all
 * processes that share it, is connected again.
 */
static bool
log_send(enum log_level level, const char *text, size_t len)
{
	char head[64];
	struct iovec pieces[] = {
	    {.iov_base = head},
	    {.iov_base = (void *)(uintptr_t)text, .iov_len = len - 1},
	};
	struct msghdr msg = {.msg_iov = pieces, .msg_iovlen = COUNT(pieces)};
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	pieces[0].iov_len =
	    (size_t)snprintf(head, sizeof(head), "<%u>" SYSLOG_TAG "[%d]: ",
		SYSLOG_DAEMON | syslog_severities[level], (int)log_self());
	if (sendmsg(log_out, &msg, flags) != -1)
		return true;
	if (errno != ECONNREFUSED && errno != ENOTCONN && errno != EPIPE &&
	    errno != ECONNRESET)
		return false;
	return log_connect() && sendmsg(log_out, &msg, flags) != -1;
}

static bool
line_write(const struct log_line *line)
{
	char json[LOG_JSON_MAX];
	const char *text = line->text;
	size_t len = line->len;

	if (log_form == LOG_FORMAT_JSON) {
		len = log_json(json, text, len);
		text = json;
	}
	if (log_daemon.sun_family == AF_UNIX)
		return log_send(line->level, text, len);
	if (log_keep(line->level, text, len))
		return true;
	log_flush();
	return log_write(text, len);
}

static void
log_begin(struct log_line *line, enum log_level level, const char *event)
{
	line->level = level;
	line->len = 0;
	line->cut = false;
	line_add_time(line);
	line_add(line, " level=%s event=%s pid=%d", log_level_names[level],
	    event, (int)log_self());
	if (log_dropped > 0)
		line_add(line, " dropped=%" PRIu64, log_dropped);
}

static void
log_end(struct log_line *line)
{
	line_finish(line);
	if (line_write(line))
		log_dropped = 0;
	else
		log_dropped++;
}

/* `error` is an errno to tell, or 0. */
static void
log_vevent(enum log_level level, const char *event, int error, const char *fmt,
    va_list ap)
{
	const int saved = errno;
	struct log_line line;

	if (!log_enabled(level))
		return;
	log_begin(&line, level, event);
	if (fmt != NULL && *fmt != '\0') {
		line_add(&line, " ");
		line_vadd(&line, fmt, ap);
	}
	if (error != 0)
		line_add(&line, " error=\"%s\"", strerror(error));
	log_end(&line);
	errno = saved;
}

void
log_event(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(level, event, 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(LOG_LEVEL_DEBUG, event, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(LOG_LEVEL_INFO, event, 0, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(LOG_LEVEL_WARN, event, errno, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(LOG_LEVEL_WARN, event, 0, fmt, ap);
	va_end(ap);
}

void
log_error(const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(LOG_LEVEL_ERROR, event, errno, fmt, ap);
	va_end(ap);
}

void
log_errorx(const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(LOG_LEVEL_ERROR, event, 0, fmt, ap);
	va_end(ap);
}

void
die(int status, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(LOG_LEVEL_ERROR, event, errno, fmt, ap);
	va_end(ap);
	exit(status);
}

void
diex(int status, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vevent(LOG_LEVEL_ERROR, event, 0, fmt, ap);
	va_end(ap);
	exit(status);
}

void
log_bug(const char *file, int line, const char *fmt, ...)
{
	char what[LOG_LINE_MAX / 4], quoted[LOG_LINE_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	log_errorx("bug", "where=%s:%d what=%s", file, line,
	    log_quote(quoted, sizeof(quoted), what, strlen(what)));
	abort();
}
