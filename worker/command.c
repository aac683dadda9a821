/* SPDX-License-Identifier: MIT */
/*
 * Commands of joined sessions.  Each is a row of a table; each either
 * publishes a record, or asks for a reply, or refuses, and in all cases
 * commits with it how far the input is consumed.
 */
#include <string.h>

#include "proxy/negotiate.h"
#include "proxy/telnet.h"
#include "shared/base/fault.h"
#include "shared/chat/name.h"
#include "shared/chat/text.h"
#include "worker/ask.h"
#include "worker/login.h"
#include "worker/moderate.h"
#include "worker/naming.h"
#include "worker/rooms.h"

#define HISTORY_DEFAULT 20 /* messages that /history shows */

/* The first word of what stands behind a command, and the rest. */
struct words {
	const char *first, *rest;
	size_t first_len, rest_len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct words
split(const char *text, size_t len)
{
	struct words w = {.first = text, .rest = text};
	size_t i = 0;

	while (i < len && !is_blank(text[i]))
		i++;
	w.first_len = i;
	while (i < len && is_blank(text[i]))
		i++;
	w.rest = text + i;
	w.rest_len = len - i;
	return w;
}

static enum progress
ask_for(
    struct consumer *c, enum reply_kind kind, uint32_t room, uint32_t room_gen)
{
	session_reply(c->w, c->slot, &c->half, (unsigned)kind, 0);
	c->half.reply.room = room;
	c->half.reply.room_gen = room_gen;
	journal_step(&c->w->journal, c->slot, &c->half);
	return GO_ON;
}

static enum progress
run_help(struct consumer *c, const char *text, size_t len)
{
	(void)text;
	(void)len;
	return ask_for(c, REPLY_HELP, 0, 0);
}

static enum progress
run_whoami(struct consumer *c, const char *text, size_t len)
{
	(void)text;
	(void)len;
	return ask_for(c, REPLY_WHOAMI, c->half.room, c->half.room_gen);
}

static enum progress
run_rooms(struct consumer *c, const char *text, size_t len)
{
	(void)text;
	(void)len;
	return ask_for(c, REPLY_ROOMS, 0, 0);
}

static enum progress
run_who(struct consumer *c, const char *text, size_t len)
{
	struct words words = split(text, len);
	uint32_t room, gen = 0;
	bool told;

	if (len == 0)
		return ask_for(c, REPLY_WHO, c->half.room, c->half.room_gen);
	if (words.rest_len > 0)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_WHO);
	lock_acquire(&c->w->journal.lock);
	room = tables_find_room(&c->w->seg, text, len);
	if (room != NONE && !rooms_shows(c->w, c->slot, room))
		room = NONE;
	if (room != NONE)
		gen = c->w->seg.rooms[room].gen;
	told = room != NONE && rooms_tells(c->w, c->slot, room);
	lock_release(&c->w->journal.lock);
	if (room == NONE)
		return talk_refuse(c, CHAT_NO_SUCH_NAME, 0);
	if (!told)
		return talk_refuse(c, CHAT_NOT_PERMITTED, 0);
	return ask_for(c, REPLY_WHO, room, gen);
}

/* Text made safe, in the batch's scratch behind room for what precedes it. */
static char *
make_safe(struct consumer *c, const char *text, size_t *len)
{
	char *safe = c->w->batch.text + PUBLISH_BEFORE;

	*len = text_sanitise(safe, text, *len);
	return safe;
}

static enum progress
run_me(struct consumer *c, const char *text, size_t len)
{
	enum chat_error silence;
	char *safe;

	if (len == 0)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_ME);
	safe = make_safe(c, text, &len);
	if (len == 0)
		return talk_refuse(c, CHAT_BAD_TEXT, 0);
	silence = moderate_silence(c);
	if (silence != CHAT_OK)
		return talk_refuse(c, silence, 0);
	publish_say(c->w, c->slot, &c->half, RECORD_ACTION, safe, len);
	return GO_ON;
}

static enum progress
run_topic(struct consumer *c, const char *text, size_t len)
{
	enum chat_error silence;
	char *safe;

	if (len == 0)
		return ask_for(c, REPLY_TOPIC, c->half.room, c->half.room_gen);
	safe = make_safe(c, text, &len);
	if (len == 0)
		return talk_refuse(c, CHAT_BAD_TEXT, 0);
	if (len > LIMIT_TOPIC)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_TOPIC);
	silence = moderate_silence(c);
	if (silence == CHAT_OK && rooms_topic_is_fixed(c->w, c->half.room))
		silence = CHAT_NOT_PERMITTED;
	if (silence != CHAT_OK)
		return talk_refuse(c, silence, 0);
	publish_say(c->w, c->slot, &c->half, RECORD_TOPIC, safe, len);
	return GO_ON;
}

/* A name, and perhaps a password; no blanks are around the text. */
static struct given
given_in(const char *text, size_t len)
{
	struct words words = split(text, len);

	return (struct given){
	    .name = words.first,
	    .name_len = words.first_len,
	    .password = words.rest,
	    .password_len = words.rest_len,
	    .blank = words.rest_len > 0,
	};
}

static enum progress
refuse_login(struct consumer *c, enum login login, enum ask_kind kind)
{
	uint64_t arg;
	enum chat_error error = login_error(login, kind, &arg);

	return talk_refuse(c, error, arg);
}

/* NAME, or NAME PASSWORD.  To write one's own name otherwise needs none. */
static enum progress
run_nick(struct consumer *c, const char *text, size_t len)
{
	struct given given = given_in(text, len);
	enum chat_error error;
	enum name_fault fault;
	enum login login;
	uint8_t rights;

	if (len == 0)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_NICK);
	if (name_check(given.name, given.name_len) != NULL)
		return talk_refuse(c, CHAT_BAD_NAME, 0);
	login = login_name(c, &given, &rights);
	if (login == LOGIN_NEEDED && login_has_name(c->s, &given))
		rights = RIGHT_REGISTERED;
	else if (login == LOGIN_WAITS)
		return WAIT;
	else if (login == LOGIN_OPEN && given.blank)
		return talk_refuse(c, CHAT_BAD_NAME, 0);
	else if (login != LOGIN_OPEN && login != LOGIN_RIGHT)
		return refuse_login(c, login, ASK_USER);
	if (moderate_banned_name(c->w, given.name, given.name_len) != 0)
		return talk_refuse(c, CHAT_BANNED, 0);
	fault = naming_fault(c->w, given.name, given.name_len, rights);
	if (fault != NAME_FINE)
		return talk_refuse(c, CHAT_BAD_NAME, fault);
	rights |= moderate_muted(c->w, given.name, given.name_len);
	error = publish_rename(
	    c->w, c->slot, &c->half, given.name, given.name_len, rights);
	if (error == CHAT_SOON)
		return talk_later(c);
	return error == CHAT_OK ? GO_ON
				: talk_refuse(c, error, naming_arg(error));
}

static enum progress
run_msg(struct consumer *c, const char *text, size_t len)
{
	struct words words = split(text, len);
	size_t n = words.rest_len;
	char *safe;

	if (words.first_len == 0 || n == 0)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_MSG);
	safe = make_safe(c, words.rest, &n);
	if (n == 0)
		return talk_refuse(c, CHAT_BAD_TEXT, 0);
	if (!moderate_may_tell(c, words.first, words.first_len))
		return talk_refuse(c, CHAT_MUTED, 0);
	if (!publish_private(
		c->w, c->slot, &c->half, words.first, words.first_len, safe, n))
		return talk_refuse(c, CHAT_NO_SUCH_NAME, 0);
	return GO_ON;
}

/* ROOM, or ROOM PASSWORD.  To be where one is already is no change. */
static enum progress
run_join(struct consumer *c, const char *text, size_t len)
{
	struct given given = given_in(text, len);
	enum chat_error error;
	enum login login;
	uint32_t room;

	if (len == 0)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_JOIN);
	if (room_check(given.name, given.name_len) != NULL)
		return talk_refuse(c, CHAT_BAD_ROOM, 0);
	lock_acquire(&c->w->journal.lock);
	room = tables_find_room(&c->w->seg, given.name, given.name_len);
	lock_release(&c->w->journal.lock);
	if (room == c->half.room)
		return ask_for(c, REPLY_WHOAMI, c->half.room, c->half.room_gen);
	login = login_room(c, &given);
	if (login == LOGIN_WAITS)
		return WAIT;
	if (login != LOGIN_OPEN && login != LOGIN_RIGHT)
		return refuse_login(c, login, ASK_ROOM);
	if (!rooms_admit(c->w, given.name, given.name_len, c->s->name,
		c->s->name_len, session_rights(c->s)))
		return talk_refuse(c, CHAT_NOT_PERMITTED, 0);
	error =
	    member_move(c->w, c->slot, &c->half, given.name, given.name_len);
	return error == CHAT_OK ? GO_ON : talk_refuse(c, error, 0);
}

/* A number that is all of the text.  False if it is none. */
static bool
number(const char *text, size_t len, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' ||
		    *value > (UINT64_MAX - 9) / 10)
			return false;
		*value = *value * 10 + (uint64_t)(text[i] - '0');
	}
	return len > 0;
}

/* /history, /history N, /history since SEQ */
static enum progress
run_history(struct consumer *c, const char *text, size_t len)
{
	struct words words = split(text, len);
	uint64_t n = HISTORY_DEFAULT, from = 0;
	bool since = name_equal(words.first, words.first_len, "since", 5);

	if (since ? !number(words.rest, words.rest_len, &from)
		  : len > 0 && (!number(text, len, &n) || n == 0))
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_HISTORY);
	reply_history(c->w, c->slot, &c->half, from + 1,
	    since ? 0 : (uint32_t)MIN(n, (uint64_t)UINT32_MAX));
	journal_step(&c->w->journal, c->slot, &c->half);
	return GO_ON;
}

static enum progress
run_search(struct consumer *c, const char *text, size_t len)
{
	(void)text;
	(void)len;
	return talk_refuse(c, CHAT_NO_HISTORY, 0);
}

/* text or json: what is sent to this client from now on. */
static enum progress
run_format(struct consumer *c, const char *text, size_t len)
{
	bool json = name_equal(text, len, "json", 4);

	if (!json && !name_equal(text, len, "text", 4))
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_FORMAT);
	session_reply(c->w, c->slot, &c->half, REPLY_FORMAT, json);
	c->half.dialect = (uint8_t)((c->half.dialect & ~DIALECT_JSON) |
				    (json ? DIALECT_JSON : 0));
	journal_step(&c->w->journal, c->slot, &c->half);
	session_counted(c->w, c->slot);
	return GO_ON;
}

/* On or off: what of the looks that a telnet client may ask for. */
static enum progress
run_look(struct consumer *c, const char *text, size_t len, unsigned bit,
    enum look_answer answer, enum chat_usage usage)
{
	bool on = name_equal(text, len, "on", 2);
	unsigned terminal = telnet_terminal(&c->s->telnet);

	if (!session_is_telnet(c->s))
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_LOOK);
	if (!on && !name_equal(text, len, "off", 3))
		return talk_refuse(c, CHAT_BAD_USAGE, usage);
	if (on && bit == LOOK_COLOR && (terminal & TERMINAL_ANSI) == 0)
		answer = LOOK_ANSWER_DUMB;
	else if (on && bit == LOOK_WRAP && telnet_width(&c->s->telnet) == 0)
		answer = LOOK_ANSWER_NARROW;
	else
		answer += on;
	if (answer != LOOK_ANSWER_DUMB)
		c->half.look =
		    (uint8_t)((c->half.look & ~bit) | (on ? bit : 0));
	session_reply(c->w, c->slot, &c->half, REPLY_LOOK, answer);
	journal_step(&c->w->journal, c->slot, &c->half);
	session_counted(c->w, c->slot);
	return GO_ON;
}

static enum progress
run_wrap(struct consumer *c, const char *text, size_t len)
{
	return run_look(c, text, len, LOOK_WRAP, LOOK_ANSWER_WRAP, USAGE_WRAP);
}

static enum progress
run_color(struct consumer *c, const char *text, size_t len)
{
	return run_look(
	    c, text, len, LOOK_COLOR, LOOK_ANSWER_COLOR, USAGE_COLOR);
}

static enum progress
run_time(struct consumer *c, const char *text, size_t len)
{
	return run_look(c, text, len, LOOK_TIME, LOOK_ANSWER_TIME, USAGE_TIME);
}

/*
 * Whose messages this client reads is no part of its half: to note a name
 * again, or to forget it again, changes nothing.
 */
static uint32_t *
ignored_at(struct consumer *c, uint32_t hash)
{
	for (size_t i = 0; i < IGNORED_MAX; i++)
		if (c->s->ignored[i] == hash)
			return &c->s->ignored[i];
	return NULL;
}

static enum progress
run_ignore(struct consumer *c, const char *text, size_t len)
{
	uint32_t hash = tables_name_hash(&c->w->seg, text, len), *at;

	if (name_check(text, len) != NULL)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_IGNORE);
	at = ignored_at(c, hash);
	if (at == NULL)
		at = ignored_at(c, 0);
	if (at == NULL)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_IGNORE);
	*at = hash;
	session_counted(c->w, c->slot);
	FAULT_POINT("command.ignored");
	return ask_for(c, REPLY_IGNORED, 0, 0);
}

static enum progress
run_unignore(struct consumer *c, const char *text, size_t len)
{
	uint32_t hash = tables_name_hash(&c->w->seg, text, len), *at;

	if (name_check(text, len) != NULL)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_UNIGNORE);
	at = ignored_at(c, hash);
	if (at != NULL)
		*at = 0;
	session_counted(c->w, c->slot);
	return ask_for(c, REPLY_HEARD, 0, 0);
}

static enum progress
run_quit(struct consumer *c, const char *text, size_t len)
{
	(void)text;
	(void)len;
	talk_end(c->w, c->slot, &c->half, CLOSE_QUIT);
	return STOP;
}

static const struct command {
	const char *name;
	enum progress (*run)(struct consumer *, const char *, size_t);
	bool form; /* it is about how lines are written */
} commands[] = {
    {"help", run_help, false},
    {"who", run_who, false},
    {"rooms", run_rooms, false},
    {"whoami", run_whoami, false},
    {"join", run_join, false},
    {"nick", run_nick, false},
    {"me", run_me, false},
    {"msg", run_msg, false},
    {"topic", run_topic, false},
    {"history", run_history, false},
    {"search", run_search, false},
    {"format", run_format, true},
    {"wrap", run_wrap, true},
    {"color", run_color, true},
    {"time", run_time, true},
    {"ignore", run_ignore, false},
    {"unignore", run_unignore, false},
    {"quit", run_quit, false},
    {"kick", moderate_kick, false},
    {"ban", moderate_ban, false},
    {"unban", moderate_unban, false},
    {"mute", moderate_mute, false},
    {"unmute", moderate_unmute, false},
    {"op", moderate_op, false},
    {"deop", moderate_deop, false},
    {"bans", moderate_bans, false},
};

/*
 * Must the command wait?  Who leaves reads what it asked for first, unless it
 * doesn't read; and the first that a joiner reads, in the form that it knows,
 * is its join line.
 */
static bool
command_waits(const struct consumer *c, const struct line_words *words,
    const struct command *command)
{
	if (talk_reply_waits(c))
		return !(c->w->locals[c->slot].blocked &&
			 name_equal(words->name, words->name_len, "quit", 4));
	return session_unwelcomed(&c->half) && command != NULL && command->form;
}

static const struct command *
command_find(const struct line_words *words)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (name_equal(words->name, words->name_len, commands[i].name,
			strlen(commands[i].name)))
			return &commands[i];
	return NULL;
}

enum progress
command_run(struct consumer *c, const struct line_words *words, size_t consumed)
{
	const struct command *command = command_find(words);
	struct session_half before;
	enum progress p;

	talk_flush(c);
	if (!publish_allowed(c->w) || command_waits(c, words, command))
		return WAIT;
	before = c->half;
	c->half.in_done += consumed;
	if (command == NULL)
		return talk_refuse(c, CHAT_UNKNOWN_COMMAND, 0);
	p = command->run(c, words->text, words->text_len);
	if (p == WAIT)
		c->half = before;
	else
		ask_forget(c->w, c->slot);
	return p;
}

const char *
command_name(size_t i)
{
	return i < COUNT(commands) ? commands[i].name : NULL;
}
