/* SPDX-License-Identifier: MIT */
/*
 * What lines do.  A session's input is consumed line by line until it ends or
 * the session has to wait; each change is committed together with how far the
 * input is consumed, so that a line does what it does once.
 */
#include "worker/talk.h"

#include <string.h>

#include "shared/base/fault.h"
#include "shared/chat/text.h"
#include "worker/ask.h"
#include "worker/door.h"
#include "worker/moderate.h"
#include "worker/web.h"

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
		half->reply_at = half->own;
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

enum progress
talk_later(struct consumer *c)
{
	c->w->locals[c->slot].paced = true;
	return WAIT;
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

bool
talk_is_quit(const struct line *line)
{
	return line->len == 5 && memcmp(line->text, "/quit", 5) == 0;
}

enum progress
talk_found(struct consumer *c, const struct line *line)
{
	line_begin();
	if (c->half.state != SESSION_JOINED)
		return door_line(c, line);
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
		return door_refuse(c, CHAT_TOO_LONG, c->w->settings->max_line);
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
	    talk_is_quit(&line))
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
