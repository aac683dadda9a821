/* SPDX-License-Identifier: MIT */
/*
 * Lines that the server says, in the line protocol's form.
 *
 * Every function writes one whole line, LF included and no NUL, and returns
 * its bytes; 0, and dst untouched, if `size` is too small.  All are pure: the
 * same arguments give the same bytes for ever, which matters, since after a
 * crash a successor renders a half-sent line again and sends the rest of it.
 */
#ifndef SHARED_CHAT_NOTICE_H
#define SHARED_CHAT_NOTICE_H

#include "shared/chat/limits.h"

#include <stddef.h>
#include <stdint.h>

/* Lies in shared memory: numbers never change, new ones are added behind. */
enum chat_error {
	CHAT_OK,       /* no error, has no line */
	CHAT_BAD_ROOM, /* arg unused, as where nothing is said */
	CHAT_BAD_NAME, /* arg: enum name_fault */
	CHAT_NAME_TAKEN,
	CHAT_TOO_MANY_ROOMS,
	CHAT_SERVER_FULL,
	CHAT_TOO_LONG, /* arg: max-line (bytes) */
	CHAT_BAD_TEXT,
	CHAT_UNKNOWN_COMMAND,
	CHAT_LOGIN_TIMEOUT, /* arg: login-timeout (seconds) */
	CHAT_LAGGED,        /* arg: messages missed */
	CHAT_INTERNAL,
	CHAT_SHUTTING_DOWN,
	CHAT_BAD_USAGE, /* arg: enum chat_usage */
	CHAT_NO_SUCH_NAME,
	CHAT_NO_HISTORY,
	CHAT_IDLE_TIMEOUT, /* arg: idle-timeout (seconds) */
	CHAT_TOO_MANY_FROM_ADDRESS,
	CHAT_BAD_PASSWORD,  /* arg: enum password_bit */
	CHAT_NEED_PASSWORD, /* likewise */
	CHAT_ROOM_FULL,
	CHAT_BANNED, /* without the reason: see REPLY_BANNED */
	CHAT_MUTED,
	CHAT_NOT_PERMITTED,
	CHAT_DISPLACED, /* reads as name-taken */
	CHAT_ERRORS,    /* how many there are */
};

/* What an error about a password is about; else it is about a name's. */
enum password_bit {
	PASSWORD_OF_ROOM = 1,
	PASSWORD_UNSEEN = 2, /* it was not looked at: see ASK_TOO_MANY */
};

/* Commands that can be used wrongly.  Lies in shared memory, too. */
enum chat_usage {
	USAGE_ME,
	USAGE_MSG,
	USAGE_NICK,
	USAGE_WHO,
	USAGE_TOPIC,
	USAGE_JOIN,
	USAGE_HISTORY,
	USAGE_FORMAT,
	USAGE_IGNORE,
	USAGE_UNIGNORE,
	USAGE_WRAP,
	USAGE_COLOR,
	USAGE_TIME,
	USAGE_LOOK, /* one of these three, but not over telnet */
	USAGE_KICK,
	USAGE_BAN,
	USAGE_UNBAN,
	USAGE_MUTE,
	USAGE_UNMUTE,
	USAGE_OP,
	USAGE_DEOP,
	USAGE_COUNT,
};

/* Room enough for any line of notice_error, notice_join, notice_leave. */
#define NOTICE_MAX 256

/* What notice_message adds to name and text: ": " and LF. */
#define NOTICE_MESSAGE_EXTRA 3

/* "bad-room" etc.; "ok" for CHAT_OK, "unknown" for what is no code. */
const char *notice_code(enum chat_error code);

/*
 * "*** error CODE: TEXT", a pure function of code and arg (and nothing else:
 * no setting, no name).  0 for CHAT_OK; what is no code reads as internal.
 */
size_t notice_error(char *dst, size_t size, enum chat_error code, uint64_t arg);

/* "🌟 NAME joined the room!", "👋 NAME left the room"; len to LIMIT_NAME. */
size_t notice_join(char *dst, size_t size, const char *name, size_t len);
size_t notice_leave(char *dst, size_t size, const char *name, size_t len);

/*
 * The reply to /help: lines, of which `size` is to be NOTICE_HELP_MAX at least.
 */
#define NOTICE_HELP_MAX 2048
size_t notice_help(char *dst, size_t size);

/* `text`, which is a line but for its LF; dst has room for it. */
size_t notice_plain(char *dst, const char *text);

/* "NAME: TEXT"; text is sanitised already. */
size_t notice_message(char *dst, size_t size, const char *name, size_t name_len,
    const char *text, size_t text_len);

#endif
