/* SPDX-License-Identifier: MIT */
/* Lines that the server says. */
#include "shared/chat/notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/base.h"
#include "shared/chat/name.h"

static_assert(LIMIT_NAME == 32 && LIMIT_ROOM == 64, "the texts below");

/* With `after`, arg stands between the two halves. */
static const struct {
	const char *code, *before, *after;
} errors[CHAT_ERRORS] = {
    [CHAT_OK] = {"ok", NULL, NULL},
    [CHAT_BAD_ROOM] = {"bad-room",
	"a room's name is 1 to 64 bytes of UTF-8 without white space and "
	"invisible characters",
	NULL},
    [CHAT_BAD_NAME] = {"bad-name",
	"a name is 1 to 32 bytes of UTF-8 without white space, \":\" and "
	"invisible characters, and begins with none of * [ /",
	NULL},
    [CHAT_NAME_TAKEN] = {"name-taken",
	"somebody has that name already, choose another", NULL},
    [CHAT_TOO_MANY_ROOMS] = {"too-many-rooms",
	"there is no place for another room, join one that exists", NULL},
    [CHAT_SERVER_FULL] = {"server-full", "the server is full, try again later",
	NULL},
    [CHAT_TOO_LONG] = {"too-long", "a line holds at most ", " bytes"},
    [CHAT_BAD_TEXT] = {"bad-text",
	"nothing is left of that line without its control characters", NULL},
    [CHAT_UNKNOWN_COMMAND] = {"unknown-command",
	"there is no such command; // at the beginning sends a text with /",
	NULL},
    [CHAT_LOGIN_TIMEOUT] = {"login-timeout",
	"no room and name were given within ", " seconds"},
    [CHAT_LAGGED] = {"lagged", "", " messages missed"},
    [CHAT_INTERNAL] = {"internal",
	"the server could not keep this session, connect again", NULL},
    [CHAT_SHUTTING_DOWN] = {"shutting-down", "the server is stopping", NULL},
    [CHAT_BAD_USAGE] = {"bad-usage", "see /help", NULL},
    [CHAT_NO_SUCH_NAME] = {"no-such-name",
	"there is nobody and nothing of "
	"that name",
	NULL},
    [CHAT_IDLE_TIMEOUT] = {"idle-timeout", "nothing was said for ", " seconds"},
    [CHAT_NO_HISTORY] = {"no-history", "this server keeps no history to search",
	NULL},
    [CHAT_TOO_MANY_FROM_ADDRESS] = {"too-many-from-address",
	"there are too many connections from your address, close one of them "
	"first",
	NULL},
    [CHAT_BAD_PASSWORD] = {"bad-password", NULL, NULL},
    [CHAT_NEED_PASSWORD] = {"need-password", NULL, NULL},
    [CHAT_ROOM_FULL] = {"room-full", "the room is full", NULL},
    [CHAT_BANNED] = {"banned", "you are banned from this server", NULL},
    [CHAT_MUTED] = {"muted", "an operator has taken the word from you", NULL},
    [CHAT_NOT_PERMITTED] = {"not-permitted", "that is not for you to do", NULL},
    [CHAT_DISPLACED] = {"name-taken",
	"the owner of this name has logged in elsewhere", NULL},
};

/* Why a name is none: enum name_fault.  Without any, as errors[] says. */
static const char *const bad_names[NAME_FAULTS] = {
    [NAME_MIXED] = "a name keeps to one script within a word, or to Latin and "
		   "what Chinese, Japanese or Korean is written in",
    [NAME_ALIKE] = "that looks like the name of somebody who is here, choose "
		   "another",
    [NAME_REGISTERED] = "that looks like a registered name, choose another",
    [NAME_UNSEEN] = "there is nothing to see of that name",
};

static const char *const usages[USAGE_COUNT] = {
    [USAGE_ME] = "/me TEXT",
    [USAGE_MSG] = "/msg NAME TEXT",
    [USAGE_NICK] = "/nick NAME [PASSWORD]",
    [USAGE_WHO] = "/who [ROOM]",
    [USAGE_TOPIC] = "/topic [TEXT], of 256 bytes at most",
    [USAGE_JOIN] = "/join ROOM [PASSWORD]",
    [USAGE_HISTORY] = "/history [N], or /history since SEQ",
    [USAGE_FORMAT] = "/format text, or /format json",
    [USAGE_IGNORE] = "/ignore NAME, 8 names at most",
    [USAGE_UNIGNORE] = "/unignore NAME",
    [USAGE_WRAP] = "/wrap on, or /wrap off",
    [USAGE_COLOR] = "/color on, or /color off",
    [USAGE_TIME] = "/time on, or /time off",
    [USAGE_LOOK] = "/wrap, /color and /time are for telnet clients",
    [USAGE_KICK] = "/kick NAME [WHY]",
    [USAGE_BAN] = "/ban NAME or ADDRESS [TIME] [WHY]",
    [USAGE_UNBAN] = "/unban NAME or ADDRESS",
    [USAGE_MUTE] = "/mute NAME [TIME] [WHY]",
    [USAGE_UNMUTE] = "/unmute NAME",
    [USAGE_OP] = "/op NAME",
    [USAGE_DEOP] = "/deop NAME",
};

/* By the bits of enum password_bit. */
static const char *const bad_passwords[] = {
    "that is not the password of this name",
    "that is not the password of the room",
    "too many wrong passwords came from your address, try again later",
    "too many wrong passwords came from your address, try the room later",
};
static const char *const need_passwords[] = {
    "this name is registered: give its password behind it, NAME PASSWORD",
    "the room has a password: give it behind the room, ROOM PASSWORD",
};

static const char help[] =
    "*** /help             this\n"
    "*** /who [ROOM]       who is in this room, or in ROOM\n"
    "*** /rooms            the rooms there are\n"
    "*** /whoami           your name, room and address\n"
    "*** /join ROOM [PASSWORD]  go to another room\n"
    "*** /nick NAME [PASSWORD]  take another name\n"
    "*** /me TEXT          say what you do\n"
    "*** /msg NAME TEXT    say something to NAME alone\n"
    "*** /topic [TEXT]     show the room's topic, or set it\n"
    "*** /history [N]      what was said last in the room\n"
    "*** /history since SEQ  what was said after record SEQ\n"
    "*** /ignore NAME      read nothing of NAME any more\n"
    "*** /unignore NAME    the reverse\n"
    "*** /format json      read JSON, an object a line; or /format text\n"
    "*** /wrap on          lines end at words (telnet); or /wrap off\n"
    "*** /color on         names in colour (telnet); or /color off\n"
    "*** /time on          the time before lines (telnet); or /time off\n"
    "*** /kick NAME [WHY]  operators: end somebody's session\n"
    "*** /ban NAME [TIME] [WHY]  operators: or an ADDRESS; TIME as 2h\n"
    "*** /mute NAME [TIME] [WHY]  operators: NAME may not speak\n"
    "*** /unban, /unmute, /bans  operators: the reverse; a list\n"
    "*** /op, /deop NAME   operators: make NAME one, or no more\n"
    "*** /quit             leave\n"
    "*** //TEXT            say /TEXT\n";
static_assert(sizeof(help) <= NOTICE_HELP_MAX, "notice.h says so");

size_t
notice_help(char *dst, size_t size)
{
	if (size < sizeof(help) - 1)
		return 0;
	memcpy(dst, help, sizeof(help) - 1);
	return sizeof(help) - 1;
}

const char *
notice_code(enum chat_error code)
{
	return (unsigned)code < COUNT(errors) ? errors[code].code : "unknown";
}

/* What the error says, up to its number. */
static const char *
error_text(enum chat_error code, uint64_t arg)
{
	switch (code) {
	case CHAT_BAD_USAGE:
		return arg < USAGE_COUNT ? usages[arg] : errors[code].before;
	case CHAT_BAD_NAME:
		return arg < NAME_FAULTS && bad_names[arg] != NULL
			   ? bad_names[arg]
			   : errors[code].before;
	case CHAT_BAD_PASSWORD:
		return bad_passwords[arg % COUNT(bad_passwords)];
	case CHAT_NEED_PASSWORD:
		return need_passwords[arg % COUNT(need_passwords)];
	default:
		return errors[code].before;
	}
}

size_t
notice_error(char *dst, size_t size, enum chat_error code, uint64_t arg)
{
	char line[NOTICE_MAX], number[24] = "";
	const char *after;
	int n;

	if (code == CHAT_OK)
		return 0;
	if ((unsigned)code >= COUNT(errors))
		code = CHAT_INTERNAL;
	after = errors[code].after;
	if (after != NULL)
		snprintf(number, sizeof(number), "%" PRIu64, arg);
	n = snprintf(line, sizeof(line), "*** error %s: %s%s%s\n",
	    errors[code].code, error_text(code, arg), number,
	    after != NULL ? after : "");
	if (n < 0 || (size_t)n > size)
		return 0;
	memcpy(dst, line, (size_t)n);
	return (size_t)n;
}

/* BEFORE NAME AFTER */
static size_t
notice_about(char *dst, size_t size, const char *before, const char *name,
    size_t len, const char *after)
{
	size_t head = strlen(before), tail = strlen(after);

	if (len > size || head + tail > size - len)
		return 0;
	memcpy(dst, before, head);
	memcpy(dst + head, name, len);
	memcpy(dst + head + len, after, tail);
	return head + len + tail;
}

size_t
notice_join(char *dst, size_t size, const char *name, size_t len)
{
	return notice_about(dst, size, "🌟 ", name, len, " joined the room!\n");
}

size_t
notice_leave(char *dst, size_t size, const char *name, size_t len)
{
	return notice_about(dst, size, "👋 ", name, len, " left the room\n");
}

size_t
notice_plain(char *dst, const char *text)
{
	size_t len = strlen(text);

	memcpy(dst, text, len);
	dst[len] = '\n';
	return len + 1;
}

size_t
notice_message(char *dst, size_t size, const char *name, size_t name_len,
    const char *text, size_t text_len)
{
	char *p = dst;

	if (name_len > size || text_len > size - name_len ||
	    size - name_len - text_len < NOTICE_MESSAGE_EXTRA)
		return 0;
	memcpy(p, name, name_len);
	p += name_len;
	*p++ = ':';
	*p++ = ' ';
	memcpy(p, text, text_len);
	p += text_len;
	*p++ = '\n';
	return (size_t)(p - dst);
}
