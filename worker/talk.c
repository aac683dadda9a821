/* SPDX-License-Identifier: MIT */
/*
 * What lines do.  A session's input is consumed line by line until it ends or
 * the session has to wait; each change is committed together with how far the
 * input is consumed, so that a line does what it does once.
 */
#include "worker/talk.h"

#include <string.h>

#include "shared/base/fault.h"
#include "shared/chat/name.h"
#include "shared/chat/text.h"
#include "worker/ask.h"
#include "worker/login.h"
#include "worker/moderate.h"
#include "worker/naming.h"
#include "worker/rooms.h"
#include "worker/web.h"

#define WRONG_LINES_MAX 3

static void
commit(struct consumer *c)
{
	journal_step(&c->w->journal, c->slot, &c->half);
}

bool
talk_reply_waits(const struct consumer *c)
{
	return c->half.reply.code != CHAT_OK;
}

void
talk_flush(struct consumer *c)
{
	if (c->w->batch.count > 0)
		publish_batch(c->w, c->slot, &c->half);
}

void
talk_end(struct worker *w, uint32_t slot, struct session_half *half,
    enum close_reason reason)
{
	session_lag(w, slot, half);
	half->reason = (uint8_t)reason;
	session_row(w, slot)->deadline_us = w->now_us + DRAIN_US;
	ask_forget(w, slot);
	if (half->state == SESSION_JOINED) {
		half->state = SESSION_LEAVING;
		member_leave(w, slot, half);
	} else {
		half->state = SESSION_LEAVING;
		journal_step(&w->journal, slot, half);
	}
	w->locals[slot].move_to = 0;
	worker_due(w, slot);
}

void
talk_leave(struct worker *w, uint32_t slot, enum close_reason reason,
    enum chat_error last_word, uint64_t arg)
{
	struct session_half half = session_row(w, slot)->half;

	if (last_word != CHAT_OK)
		session_last_word(w, slot, &half, last_word, arg);
	talk_end(w, slot, &half, reason);
}

enum progress
talk_refuse(struct consumer *c, enum chat_error code, uint64_t arg)
{
	session_reply(c->w, c->slot, &c->half, code, arg);
	commit(c);
	return GO_ON;
}

/*
 * Refuse a line before the join.  What has arrived behind it is thrown away,
 * so that no message becomes a name; the third time is the last.
 */
static enum progress
wrong_line(struct consumer *c, enum chat_error code, uint64_t arg)
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
	return wrong_line(c, error, arg);
}

enum progress
talk_later(struct consumer *c)
{
	c->w->locals[c->slot].paced = true;
	return WAIT;
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
talk_room(struct consumer *c, const struct line *line)
{
	struct given given = login_given(line->text, line->len);
	bool wrong = room_check(given.name, given.name_len) != NULL;
	enum login login;

	if (talk_reply_waits(c) && (wrong || session_is_telnet(c->s)))
		return WAIT; /* a prompt stays as it was when it was rendered */
	if (turned_away(c, moderate_banned_address(c->w, c->s->addr)))
		return STOP;
	if (wrong)
		return wrong_line(c, CHAT_BAD_ROOM, 0);
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
talk_room_password(struct consumer *c, const struct line *line)
{
	struct given given =
	    login_alone(line, c->half.room_name, half_room_len(&c->half));
	enum login login;

	if (talk_reply_waits(c))
		return WAIT;
	login = login_room(c, &given);
	if (login == LOGIN_NEEDED) { /* rather another room */
		c->half.state = SESSION_ROOM;
		return wrong_line(c, CHAT_NEED_PASSWORD, PASSWORD_OF_ROOM);
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
talk_join(struct consumer *c, const char *name, size_t len, uint8_t rights)
{
	enum name_fault fault = naming_fault(c->w, name, len, rights);
	enum chat_error error;

	if (fault != NAME_FINE) {
		c->half.state = SESSION_NAME;
		return wrong_line(c, CHAT_BAD_NAME, fault);
	}
	if (room_is_shut(c)) {
		c->half.state = SESSION_ROOM;
		return wrong_line(c, CHAT_NEED_PASSWORD, PASSWORD_OF_ROOM);
	}
	if (turned_away(c, moderate_banned_name(c->w, name, len)) ||
	    turned_away(c, moderate_banned_address(c->w, c->s->addr)))
		return STOP;
	if (room_is_not_for(c, name, len, rights)) {
		c->half.state = SESSION_ROOM;
		return wrong_line(c, CHAT_NOT_PERMITTED, 0);
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
		return wrong_line(c, error, naming_arg(error));
	}
	return c->w->locals[c->slot].move_to != 0 ? STOP : GO_ON;
}

/* The second line: NAME, or NAME PASSWORD for one that is registered. */
static enum progress
talk_name(struct consumer *c, const struct line *line)
{
	struct given given = login_given(line->text, line->len);
	enum login login;
	uint8_t rights;

	if (talk_reply_waits(c) || !publish_allowed(c->w))
		return WAIT;
	if (name_check(given.name, given.name_len) != NULL)
		return wrong_line(c, CHAT_BAD_NAME, 0);
	login = login_name(c, &given, &rights);
	if (login == LOGIN_OPEN && given.blank)
		return wrong_line(c, CHAT_BAD_NAME, 0);
	if (login == LOGIN_OPEN || login == LOGIN_RIGHT)
		return talk_join(c, given.name, given.name_len, rights);
	if (login == LOGIN_NEEDED && session_is_telnet(c->s))
		login_note_name(c->s, given.name, given.name_len);
	return no_entrance(c, login, SESSION_NAME_PASSWORD);
}

/* Telnet: the password of the name, alone in its line. */
static enum progress
talk_name_password(struct consumer *c, const struct line *line)
{
	struct given given =
	    login_alone(line, c->s->name, strnlen(c->s->name, LIMIT_NAME));
	enum login login;
	uint8_t rights;

	if (talk_reply_waits(c) || !publish_allowed(c->w))
		return WAIT;
	login = login_name(c, &given, &rights);
	if (login == LOGIN_OPEN || login == LOGIN_RIGHT)
		return talk_join(c, given.name, given.name_len, rights);
	if (login == LOGIN_NEEDED) { /* rather another name */
		c->half.state = SESSION_NAME;
		return wrong_line(c, CHAT_NEED_PASSWORD, 0);
	}
	return no_entrance(c, login, SESSION_NAME_PASSWORD);
}

/* A message for which the batch has room; `consumed` bytes with its line. */
static enum progress
talk_message(struct consumer *c, const char *text, size_t len, size_t consumed)
{
	struct worker *w = c->w;

	if (w->batch.count == 0 && !publish_allowed(w))
		return WAIT;
	c->half.in_done += consumed;
	publish_batch_add(w, c->slot, text, len);
	return GO_ON;
}

/* Is there anything left of the text once it is made safe? */
static bool
leaves_nothing(struct worker *w, const char *text, size_t len)
{
	/* Most lines begin with something to see. */
	if ((unsigned char)text[0] >= ' ' && (unsigned char)text[0] < 0x7f)
		return false;
	return text_sanitise(w->batch.text + w->batch.used, text, len) == 0;
}

/* A line of a joined session. */
static enum progress
talk_line(struct consumer *c, const struct line *line)
{
	enum chat_error silence;
	struct line_words words;

	switch (line_classify(line->text, line->len, &words)) {
	case LINE_EMPTY:
		c->half.in_done += line->consumed;
		return GO_ON;
	case LINE_COMMAND:
		return command_run(c, &words, line->consumed);
	case LINE_MESSAGE:
		break;
	}
	silence = moderate_silence(c);
	if (silence != CHAT_OK) {
		talk_flush(c);
		if (talk_reply_waits(c))
			return WAIT;
		c->half.in_done += line->consumed;
		return talk_refuse(c, silence, 0);
	}
	if (publish_batch_full(c->w, words.text_len))
		talk_flush(c);
	if (leaves_nothing(c->w, words.text, words.text_len)) {
		talk_flush(c);
		if (talk_reply_waits(c))
			return WAIT;
		c->half.in_done += line->consumed;
		return talk_refuse(c, CHAT_BAD_TEXT, 0);
	}
	return talk_message(c, words.text, words.text_len, line->consumed);
}

/* A line is to be looked at. */
static inline void
line_begin(void)
{
	FAULT_POINT("talk.line");
}

/*
 * Messages as nearly all are, of a session that has nothing else to heed: as
 * many as come one behind the other.  Returns whether there were any.
 */
static bool
talk_plain(struct consumer *c)
{
	const struct settings *set = c->w->settings;
	struct session_half *h = &c->half;
	const uint64_t first = h->in_done;
	size_t len, n;

	if (h->state != SESSION_JOINED || set->rate != 0 ||
	    moderate_silence(c) != CHAT_OK ||
	    (c->w->batch.count == 0 && !publish_allowed(c->w)))
		return false;
	while ((len = (size_t)(c->total - h->in_done)) > 0 &&
	       !publish_batch_full(c->w, set->max_line)) {
		n = publish_batch_plain(c->w, c->slot,
		    c->w->text + (h->in_done - c->base), len, set->max_line);
		if (n == 0)
			break;
		line_begin();
		h->in_done += n;
	}
	return h->in_done != first;
}

/*
 * May the client say another line now?  The generic cell rate algorithm: a
 * clock of its own runs ahead of the real one by a line's time for each line,
 * and by `burst` of them at most.  If not, its input waits.
 */
static bool
pace_allows(struct consumer *c)
{
	const struct settings *set = c->w->settings;
	uint64_t line_us, ahead_us;

	if (set->rate == 0)
		return true;
	line_us = UINT64_C(1000000) / set->rate;
	ahead_us =
	    c->s->pace_us > c->w->now_us ? c->s->pace_us - c->w->now_us : 0;
	if (ahead_us <= (set->burst - 1) * line_us)
		return true;
	c->w->locals[c->slot].paced = true;
	return false;
}

/* The line is dealt with, unless it has to wait. */
static enum progress
pace_count(struct consumer *c, enum progress p)
{
	uint32_t rate = c->w->settings->rate;

	if (rate > 0 && p != WAIT)
		c->s->pace_us =
		    MAX(c->s->pace_us, c->w->now_us) + UINT64_C(1000000) / rate;
	return p;
}

/* Before the join "/quit" leaves too, as everywhere. */
static bool
is_quit(const struct line *line)
{
	return line->len == 5 && memcmp(line->text, "/quit", 5) == 0;
}

/* A line before the join. */
static enum progress
talk_login(struct consumer *c, const struct line *line)
{
	struct session_half before = c->half;
	enum progress p;

	c->half.in_done += line->consumed;
	if (is_quit(line)) {
		talk_end(c->w, c->slot, &c->half, CLOSE_QUIT);
		return STOP;
	}
	switch ((enum session_state)c->half.state) {
	case SESSION_ROOM:
		p = talk_room(c, line);
		break;
	case SESSION_ROOM_PASSWORD:
		p = talk_room_password(c, line);
		break;
	case SESSION_NAME_PASSWORD:
		p = talk_name_password(c, line);
		break;
	default:
		p = talk_name(c, line);
		break;
	}
	if (p == WAIT)
		c->half = before;
	else
		ask_forget(c->w, c->slot);
	return p;
}

enum progress
talk_found(struct consumer *c, const struct line *line)
{
	line_begin();
	if (c->half.state != SESSION_JOINED)
		return talk_login(c, line);
	return pace_allows(c) ? pace_count(c, talk_line(c, line)) : WAIT;
}

static enum progress
talk_too_long(struct consumer *c, const struct line *line)
{
	talk_flush(c);
	if (talk_reply_waits(c))
		return WAIT;
	c->half.in_done += line->consumed;
	c->half.skip_line = !line->ended;
	if (c->half.state != SESSION_JOINED)
		return wrong_line(c, CHAT_TOO_LONG, c->w->settings->max_line);
	return talk_refuse(c, CHAT_TOO_LONG, c->w->settings->max_line);
}

bool
talk_skip(struct consumer *c)
{
	struct session_half *h = &c->half;
	const char *at = c->w->text + (h->in_done - c->base);
	size_t len = (size_t)(c->total - h->in_done), consumed;

	if (len == 0)
		return false;
	if (h->state == SESSION_LEAVING) {
		h->in_done = c->total;
		return true;
	}
	if (h->in_done < h->skip_to) {
		consumed = (size_t)MIN((uint64_t)len, h->skip_to - h->in_done);
		h->in_done += consumed;
		/* Its last byte tells whether a line was cut there. */
		h->skip_line = at[consumed - 1] != '\n';
		return true;
	}
	if (h->skip_line) {
		h->skip_line = !line_skip(at, len, &consumed);
		h->in_done += consumed;
		return true;
	}
	return false;
}

/* Its input has to wait: if "/quit" is next, not for long. */
static void
note_quit(struct consumer *c, const char *at, size_t len)
{
	struct line line = {0};

	if (c->half.skip_line == 0 &&
	    line_next(at, len, c->w->settings->max_line, &line) == LINE_FOUND &&
	    is_quit(&line))
		c->w->locals[c->slot].gone = true;
}

/* The next line of the input, if there is one. */
static enum progress
talk_next(struct consumer *c)
{
	struct session_half *h = &c->half;
	const char *at = c->w->text + (h->in_done - c->base);
	size_t len = (size_t)(c->total - h->in_done);
	uint32_t max = c->w->settings->max_line;
	struct line line = {0};
	enum line_result found;

	if (h->next_room != NONE && len > 0) {
		note_quit(c, at, len);
		return WAIT; /* before skip_to, which holds until_msg now */
	}
	if (h->state == SESSION_HTTP)
		return web_request(c);
	if (h->reply.code == REPLY_HTTP && h->state == SESSION_ROOM && len > 0)
		return WAIT; /* what it consists of is where a room will be */
	if (talk_skip(c) || talk_plain(c))
		return GO_ON;
	found = c->eof ? line_last(at, len, max, &line)
		       : line_next(at, len, max, &line);
	switch (found) {
	case LINE_PARTIAL:
		return STOP;
	case LINE_TOO_LONG:
		return talk_too_long(c, &line);
	case LINE_FOUND:
		if (session_is_telnet(c->s) && !edit_plain(c->w, &line))
			return talk_too_long(c, &line);
		return talk_found(c, &line);
	}
	return STOP;
}

/*
 * Consume [in_done, total) of a session's input, which lies in the read buffer
 * from byte `base` of the stream on.
 */
void
talk_consume(
    struct worker *w, uint32_t slot, uint64_t base, uint64_t total, bool eof)
{
	struct session_shm *s = session_row(w, slot);
	struct consumer c = {w, slot, s, s->half, base, total, eof};
	enum progress p = GO_ON;

	while (p == GO_ON && w->locals[slot].move_to == 0)
		p = talk_next(&c);
	talk_flush(&c);
	if (c.half.in_done != s->half.in_done ||
	    c.half.skip_line != s->half.skip_line)
		commit(&c);
	/* What one that moves has left is taken up where it goes, or here. */
	w->locals[slot].waiting = p == WAIT || w->locals[slot].move_to != 0;
}
