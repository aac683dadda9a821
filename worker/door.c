/* SPDX-License-Identifier: MIT */
/*
 * See door.h.  A line that has to wait, for a verdict on its password say,
 * changes nothing and is looked at again.
 */
#include "worker/door.h"

#include <string.h>

#include "shared/chat/name.h"
#include "worker/ask.h"
#include "worker/login.h"
#include "worker/moderate.h"
#include "worker/naming.h"
#include "worker/rooms.h"

#define WRONG_LINES_MAX 3

static void
commit(struct consumer *c)
{
	journal_step(&c->w->journal, c->slot, &c->half);
}

enum progress
door_refuse(struct consumer *c, enum chat_error code, uint64_t arg)
{
	c->half.skip_to = c->total + input_queued(c->w, c->slot);
	session_reply(c->w, c->slot, &c->half, code, arg);
	if (++c->half.wrong_lines < WRONG_LINES_MAX) {
		commit(c);
		return GO_ON;
	}
	talk_end(c->w, c->slot, &c->half, CLOSE_ERRORS);
	return STOP;
}

/* Go on to the next question. */
static enum progress
next_state(struct consumer *c, enum session_state next)
{
	c->half.state = (uint8_t)next;
	if (session_is_telnet(c->s))
		session_reply(c->w, c->slot, &c->half, REPLY_PROMPT, 0);
	commit(c);
	return GO_ON;
}

/*
 * The password that a line came with, or didn't, isn't enough.  Who is
 * prompted for one, is.
 */
static enum progress
no_entrance(struct consumer *c, enum login login, enum session_state prompt)
{
	uint64_t arg;
	bool room = prompt == SESSION_ROOM_PASSWORD;
	enum chat_error error =
	    login_error(login, room ? ASK_ROOM : ASK_USER, &arg);

	if (login == LOGIN_WAITS || talk_reply_waits(c))
		return WAIT;
	if (login == LOGIN_NEEDED && session_is_telnet(c->s))
		return next_state(c, prompt);
	return door_refuse(c, error, arg);
}

/* A ban, if there is one (row + 1), ends the session. */
static bool
turned_away(struct consumer *c, uint32_t ban)
{
	if (ban == 0)
		return false;
	moderate_turn_away(c->w, c->slot, &c->half, ban - 1);
	return true;
}

/* The first line: ROOM, or ROOM PASSWORD. */
static enum progress
line_room(struct consumer *c, const struct line *line)
{
	struct given given = login_given(line->text, line->len);
	bool wrong = room_check(given.name, given.name_len) != NULL;
	enum login login;

	if (talk_reply_waits(c) && (wrong || session_is_telnet(c->s)))
		return WAIT; /* a prompt stays as it was when it was rendered */
	if (turned_away(c, moderate_banned_address(c->w, c->s->addr)))
		return STOP;
	if (wrong)
		return door_refuse(c, CHAT_BAD_ROOM, 0);
	login = login_room(c, &given);
	if (login == LOGIN_OPEN || login == LOGIN_RIGHT ||
	    login == LOGIN_NEEDED) {
		c->half.room_len = (uint8_t)given.name_len;
		memcpy(c->half.room_name, given.name, given.name_len);
		c->half.let_in = login == LOGIN_RIGHT;
	}
	return login == LOGIN_OPEN || login == LOGIN_RIGHT
		   ? next_state(c, SESSION_NAME)
		   : no_entrance(c, login, SESSION_ROOM_PASSWORD);
}

static size_t
half_room_len(const struct session_half *half)
{
	return MIN((size_t)half->room_len, (size_t)LIMIT_ROOM);
}

/* Telnet: the password of the room, alone in its line. */
static enum progress
line_room_password(struct consumer *c, const struct line *line)
{
	struct given given =
	    login_alone(line, c->half.room_name, half_room_len(&c->half));
	enum login login;

	if (talk_reply_waits(c))
		return WAIT;
	login = login_room(c, &given);
	if (login == LOGIN_NEEDED) { /* rather another room */
		c->half.state = SESSION_ROOM;
		return door_refuse(c, CHAT_NEED_PASSWORD, PASSWORD_OF_ROOM);
	}
	if (login != LOGIN_OPEN && login != LOGIN_RIGHT)
		return no_entrance(c, login, SESSION_ROOM_PASSWORD);
	c->half.let_in = 1;
	return next_state(c, SESSION_NAME);
}

/* Room and name are given: has the room got a password since? */
static bool
room_is_shut(struct consumer *c)
{
	const struct given given = {
	    .name = c->half.room_name, .name_len = half_room_len(&c->half)};

	return !c->half.let_in && login_room(c, &given) != LOGIN_OPEN;
}

/* Is there a room of the configuration that isn't for such a name? */
static bool
room_is_not_for(
    const struct consumer *c, const char *name, size_t len, uint8_t rights)
{
	return !rooms_admit(c->w, c->half.room_name, half_room_len(&c->half),
	    name, len, rights);
}

/* Join under a name that is one's own, or nobody's. */
static enum progress
join(struct consumer *c, const char *name, size_t len, uint8_t rights)
{
	enum name_fault fault = naming_fault(c->w, name, len, rights);
	enum chat_error error;

	if (fault != NAME_FINE) {
		c->half.state = SESSION_NAME;
		return door_refuse(c, CHAT_BAD_NAME, fault);
	}
	if (room_is_shut(c)) {
		c->half.state = SESSION_ROOM;
		return door_refuse(c, CHAT_NEED_PASSWORD, PASSWORD_OF_ROOM);
	}
	if (turned_away(c, moderate_banned_name(c->w, name, len)) ||
	    turned_away(c, moderate_banned_address(c->w, c->s->addr)))
		return STOP;
	if (room_is_not_for(c, name, len, rights)) {
		c->half.state = SESSION_ROOM;
		return door_refuse(c, CHAT_NOT_PERMITTED, 0);
	}
	rights |= moderate_muted(c->w, name, len);
	/* The end of the line that was not shown goes before the rest. */
	if (login_is_hidden(c->half.state)) {
		session_lag(c->w, c->slot, &c->half);
		worker_due(c->w, c->slot);
	}
	error = member_join(c->w, c->slot, &c->half, name, len, rights);
	if (error == CHAT_SOON)
		return talk_later(c);
	if (error != CHAT_OK) {
		c->half.state =
		    error == CHAT_ROOM_FULL ? SESSION_ROOM : SESSION_NAME;
		return door_refuse(c, error, naming_arg(error));
	}
	return c->w->locals[c->slot].move_to != 0 ? STOP : GO_ON;
}

/* The second line: NAME, or NAME PASSWORD for one that is registered. */
static enum progress
line_name(struct consumer *c, const struct line *line)
{
	struct given given = login_given(line->text, line->len);
	enum login login;
	uint8_t rights;

	if (talk_reply_waits(c) || !publish_allowed(c->w))
		return WAIT;
	if (name_check(given.name, given.name_len) != NULL)
		return door_refuse(c, CHAT_BAD_NAME, 0);
	login = login_name(c, &given, &rights);
	if (login == LOGIN_OPEN && given.blank)
		return door_refuse(c, CHAT_BAD_NAME, 0);
	if (login == LOGIN_OPEN || login == LOGIN_RIGHT)
		return join(c, given.name, given.name_len, rights);
	if (login == LOGIN_NEEDED && session_is_telnet(c->s))
		login_note_name(c->s, given.name, given.name_len);
	return no_entrance(c, login, SESSION_NAME_PASSWORD);
}

/* Telnet: the password of the name, alone in its line. */
static enum progress
line_name_password(struct consumer *c, const struct line *line)
{
	struct given given =
	    login_alone(line, c->s->name, strnlen(c->s->name, LIMIT_NAME));
	enum login login;
	uint8_t rights;

	if (talk_reply_waits(c) || !publish_allowed(c->w))
		return WAIT;
	login = login_name(c, &given, &rights);
	if (login == LOGIN_OPEN || login == LOGIN_RIGHT)
		return join(c, given.name, given.name_len, rights);
	if (login == LOGIN_NEEDED) { /* rather another name */
		c->half.state = SESSION_NAME;
		return door_refuse(c, CHAT_NEED_PASSWORD, 0);
	}
	return no_entrance(c, login, SESSION_NAME_PASSWORD);
}

enum progress
door_line(struct consumer *c, const struct line *line)
{
	struct session_half before = c->half;
	enum progress p;

	c->half.in_done += line->consumed;
	if (talk_is_quit(line)) {
		talk_end(c->w, c->slot, &c->half, CLOSE_QUIT);
		return STOP;
	}
	switch ((enum session_state)c->half.state) {
	case SESSION_ROOM:
		p = line_room(c, line);
		break;
	case SESSION_ROOM_PASSWORD:
		p = line_room_password(c, line);
		break;
	case SESSION_NAME_PASSWORD:
		p = line_name_password(c, line);
		break;
	default:
		p = line_name(c, line);
		break;
	}
	if (p == WAIT)
		c->half = before;
	else
		ask_forget(c->w, c->slot);
	return p;
}
