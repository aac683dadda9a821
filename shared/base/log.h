/* SPDX-License-Identifier: MIT */
/*
 * The log: logfmt, one event a line, one write(2) a line.
 *
 *   time=2026-11-23T13:41:46.123Z level=info event=accept pid=123 session=17
 *
 * Nothing here blocks: a line for which poll(2) finds no room is dropped and
 * counted, and the next line that goes through says dropped=N.  (The one
 * exception: several processes share a pipe and another one fills it between
 * our poll and our write.)  A line is at most LOG_LINE_MAX bytes; a longer one
 * is cut where no character, escape or quote breaks, and ends in
 * truncated=yes.  No memory is allocated and no file opened, so that a
 * confined process can log.  Not for threads, nor signal handlers, nor the
 * holder of the segment's lock.  errno is kept by all of it.
 */
#ifndef SHARED_BASE_LOG_H
#define SHARED_BASE_LOG_H

#include "shared/base/base.h"

#define LOG_LINE_MAX 1024 /* bytes, line end included */

/* Not syslog.h's LOG_DEBUG etc., which run the other way. */
enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARN,
	LOG_LEVEL_ERROR,
};

/* Names by enum log_level, then NULL: "debug", "info", "warn", "error". */
extern const char *const log_level_names[];

/*
 * Log to fd from now on, what is at least `level`.  The fd stays the caller's.
 * Before the first call it is standard error and LOG_LEVEL_INFO.
 */
void log_open(int fd, enum log_level level);

/* Would an event of this level be written? */
bool log_enabled(enum log_level level);

/*
 * Log an event.  `event` is a bare word; `fmt` gives the rest of the line,
 * "session=%d ip=%s", or is NULL.  Text that a user had a hand in goes through
 * log_quote first.  A control character that gets here all the same is written
 * as '?', so that an event is one line whatever happens.
 */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/*
 * The same with the level in the name.  log_warn and log_error add
 * error="..." from errno; log_warnx and log_errorx don't.
 */
void log_debug(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warnx(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_error(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_errorx(const char *event, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Log at level error, then exit with `status`: for start-up in an environment
 * that we cannot run in.  die adds error="..." from errno, diex doesn't.
 */
void die(int status, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4)
    __attribute__((noreturn));
void diex(int status, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4)
    __attribute__((noreturn));

/*
 * An invariant of this process' own is broken: logs event=bug with the place
 * and the message (a sentence, printf-like), then aborts.
 */
#define bug(...) log_bug(__FILE__, __LINE__, __VA_ARGS__)
void log_bug(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4)
    __attribute__((noreturn));

/* Room that log_quote needs for `len` bytes of text, whatever they are. */
#define LOG_QUOTED(len) (4 * (size_t)(len) + 3)

/*
 * Write text into dst as a quoted value: "text", with \" \\ \n \r \t, \xHH for
 * an ASCII control or a byte that is no UTF-8, \uHHHH or \UHHHHHHHH for other
 * characters that don't show or that disguise others (C1 controls, bidi,
 * zero-width, private use, line separators).  What is left is printable UTF-8.
 *
 * dst has `size` bytes, at least 6; what doesn't fit gives way to "..." inside
 * the quotes.  Ends in NUL.  Returns dst, to stand as an argument of %s.
 */
const char *log_quote(char *dst, size_t size, const char *text, size_t len);

#endif
