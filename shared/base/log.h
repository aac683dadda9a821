/* SPDX-License-Identifier: MIT */
/*
 * The log: one event a line, one write(2) a line, as logfmt or JSON.
 *
 *   time=2026-11-23T13:41:46.123Z level=info event=accept pid=123 session=17
 *   {"time":"2026-11-23T13:41:46.123Z","level":"info","event":"accept",...}
 *
 * It goes to an fd, or as datagrams to a syslog daemon.  The processes of a
 * server share what is behind the fd, and each has it under the same number,
 * so that it can be exchanged for another in all of them (log_replace).
 *
 * Nothing here blocks: a line for which poll(2) finds no room is dropped and
 * counted, and the next line that goes through says dropped=N.  (The one
 * exception: several processes share a pipe and another one fills it between
 * our poll and our write.)  A line of logfmt is at most LOG_LINE_MAX bytes; a
 * longer one is cut where no character, escape or quote breaks, and ends in
 * truncated=yes.  JSON is made from that line (log_json.h).  No memory is
 * allocated and no file opened, so that a confined process can log.  Not for
 * threads, nor signal handlers, nor the holder of the segment's lock.  errno is
 * kept by all of it.
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

enum log_format {
	LOG_FORMAT_LOGFMT,
	LOG_FORMAT_JSON,
};

/* Names by enum log_format, then NULL: "logfmt", "json". */
extern const char *const log_format_names[];

/*
 * Log to fd from now on, what is at least `level`, as lines of logfmt.  The fd
 * stays the caller's.  Before the first call it is standard error and
 * LOG_LEVEL_INFO.
 */
void log_open(int fd, enum log_level level);

/* What lines look like from now on, until the next log_open. */
void log_set_format(enum log_format format);

/*
 * The fd is one of log_make_syslog(path): a line is a datagram that begins
 * with <PRIORITY>chatmaster[PID]: (RFC 3164, of facility daemon, without its
 * TIMESTAMP) from now on, until the next log_open.  Returns 0, or -1 with
 * errno ENAMETOOLONG.
 */
int log_set_syslog(const char *path);

/* The fd that log_open was given. */
int log_fd(void);

/*
 * Go on behind the same fd number with what is behind `fd`, which stays the
 * caller's.  No line is lost or split: each goes to the old or to the new one.
 * Returns 0, or -1 with errno and the old one in place.
 */
int log_replace(int fd);

/*
 * The syslog daemon may have been restarted, and those who share the fd may be
 * unable to connect it again: do it for them.  Of no effect on other logs.
 */
void log_mend(void);

/*
 * An fd for log_open or log_replace: a file that is appended to, created with
 * mode 0640 (less the umask); a socket connected to a syslog daemon's, such as
 * /dev/log.  Close-on-exec, non-blocking.  Returns it, or -1 with errno.
 */
int log_make_file(const char *path);
int log_make_syslog(const char *path);

/*
 * From now on, lines below LOG_LEVEL_WARN may wait until log_flush, so that
 * several go with one system call; for a process that calls it each time
 * before it waits for anything, and before it forks.  Not with syslog.
 */
void log_hold(void);
void log_flush(void);

/* To be called first in a process forked from one that logs. */
void log_forked(void);

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
