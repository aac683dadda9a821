/* SPDX-License-Identifier: MIT */
/*
 * The log.  A line is put together in one buffer, made safe in one pass, and
 * written with one call.
 */
#include "shared/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/utf8.h"

#define CUT_MARK " truncated=yes"

const char *const log_level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
    NULL,
};

static int log_fd = STDERR_FILENO;
static enum log_level log_least = LOG_LEVEL_INFO;
static uint64_t log_dropped; /* lines since the last that went through */

/* One line in the making; what doesn't fit is left out and remembered. */
struct log_line {
	char text[LOG_LINE_MAX];
	size_t len;
	bool cut;
};

void
log_open(int fd, enum log_level level)
{
	log_fd = fd;
	log_least = level;
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

/*
 * RFC 3339 in UTC.  Worked out here, because gmtime_r reads the time zone's
 * file on its first call, which a confined process may not.  The date is by
 * Howard Hinnant's civil_from_days: years begin in March, eras have 400.
 */
static void
line_add_time(struct log_line *line)
{
	uint64_t now_ms = clock_real_us() / 1000;
	unsigned ms = (unsigned)(now_ms % 1000);
	unsigned second = (unsigned)(now_ms / 1000 % 86400);
	uint64_t days = now_ms / 86400000 + 719468; /* since 0000-03-01 */
	uint64_t era = days / 146097;
	unsigned doe = (unsigned)(days % 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned march = (5 * doy + 2) / 153; /* months since March */
	unsigned day = doy - (153 * march + 2) / 5 + 1;
	unsigned month = march < 10 ? march + 3 : march - 9;
	uint64_t year = era * 400 + yoe + (month <= 2);

	line_add(line, "time=%04" PRIu64 "-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    year, month, day, second / 3600, second / 60 % 60, second % 60, ms);
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

/* One write, and only if there is room now. */
static bool
line_write(const struct log_line *line)
{
	struct pollfd p = {.fd = log_fd, .events = POLLOUT};
	ssize_t n;

	if (poll(&p, 1, 0) != 1 || p.revents != POLLOUT)
		return false;
	do
		n = write(log_fd, line->text, line->len);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)line->len;
}

static void
log_begin(struct log_line *line, enum log_level level, const char *event)
{
	line->len = 0;
	line->cut = false;
	line_add_time(line);
	line_add(line, " level=%s event=%s pid=%d", log_level_names[level],
	    event, (int)getpid());
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

/* May this character stand in the log as it is? */
static bool
shows(uint32_t code)
{
	if (code < 0x7f)
		return code >= 0x20;
	return !utf8_is_control(code) && !utf8_is_format(code) &&
	       !utf8_is_private(code) && !utf8_is_nonchar(code) &&
	       code != 0x2028 && code != 0x2029;
}

/* `digits` hex digits behind a backslash and a letter; the end of them. */
static char *
add_hex(char *out, char letter, uint32_t value, unsigned digits)
{
	static const char hex[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = letter;
	while (digits-- > 0)
		*out++ = hex[value >> 4 * digits & 15];
	return out;
}

/* What stands for the character at s, at most 12 bytes; how many. */
static size_t
escape(char out[16], const char *s, size_t bytes, uint32_t code)
{
	static const char plain[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
	const char *found = code < 0x80 ? memchr(plain, (int)code, 5) : NULL;
	char *end = out;

	if (found != NULL) {
		*end++ = '\\';
		*end++ = letters[found - plain];
	} else if (code == UTF8_INVALID) {
		for (size_t i = 0; i < bytes; i++)
			end = add_hex(end, 'x', (unsigned char)s[i], 2);
	} else if (shows(code)) {
		memcpy(out, s, bytes);
		end += bytes;
	} else if (code < 0x80) {
		end = add_hex(end, 'x', code, 2);
	} else if (code <= 0xffff) {
		end = add_hex(end, 'u', code, 4);
	} else {
		end = add_hex(end, 'U', code, 8);
	}
	return (size_t)(end - out);
}

const char *
log_quote(char *dst, size_t size, const char *text, size_t len)
{
	const size_t end = size - 2; /* the last quote and NUL stand behind */
	size_t n = 0, fits = 0;      /* `fits`: and "..." would still go in */

	dst[n++] = '"';
	fits = n;
	for (size_t i = 0; i < len;) {
		char out[16];
		uint32_t code;
		size_t bytes = utf8_decode(text + i, len - i, &code);
		size_t add = escape(out, text + i, bytes, code);

		if (n + add > end) {
			memcpy(dst + fits, "...", 3);
			n = fits + 3;
			break;
		}
		memcpy(dst + n, out, add);
		n += add;
		i += bytes;
		if (n + 3 <= end)
			fits = n;
	}
	dst[n++] = '"';
	dst[n] = '\0';
	return dst;
}
