/* SPDX-License-Identifier: MIT */
/*
 * Telnet sessions in edit mode: their clients send keys, which proxy/editor.c
 * makes lines of and shows.
 *
 * What is shown follows from what is kept.  Of half a line it does at any time:
 * a successor that doesn't know what the screen shows of it draws it anew (see
 * half.redraw).  Of a line that is consumed nothing is kept, but until it has
 * been shown the note IN holds, and the keys lie in the read buffer: whoever
 * dies in between has a successor that runs the same keys through the same
 * editor, and shows what comes of it; see edit_settle.
 *
 * Lines from others appear above the row being typed, since it is erased in
 * front of them and drawn behind them, with the same call: see edit_around.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/editor.h"
#include "proxy/negotiate.h"
#include "proxy/telnet.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/chat/text.h"
#include "worker/edit.h"
#include "worker/talk.h"

/* Bytes that erase a row, and that draw one: marks on letters take no column. */
#define ERASE_MAX ROW_OUTPUT_MAX(0)
#define DRAW_MAX ROW_OUTPUT_MAX(LIMIT_LINE_MAX + 128)

/* What editing one session after the other takes: nothing of it lasts. */
struct editing {
	struct editor editor;
	char before[ERASE_MAX], behind[DRAW_MAX];
	char answer[LIMIT_LINE_MAX]; /* to RECALL and COMPLETE */
	char plain[CHARSET_EXPANSION * LIMIT_LINE_MAX]; /* a line decoded */
	/* Of the last edit_consume: */
	size_t shown;  /* bytes to be sent, in the staging area, */
	size_t lines;  /* so many of them of whole lines */
	bool redraw;   /* the row is to be drawn anew */
	size_t state_len;
	char state[]; /* of the line that begins there; then what is kept */
};

/* A session's keys on their way through the editor. */
struct typing {
	struct consumer c;
	struct editing *e;
	size_t len;      /* bytes of w->text */
	size_t loaded;   /* of them the state that was kept */
	size_t at;       /* so many of them the editor has had */
	size_t line_end; /* behind the last line that was consumed */
	struct output out;
};

void
edit_init(struct worker *w)
{
	w->editing = calloc(
	    1, sizeof(*w->editing) + 2 * w->seg.layout.buffer_stride);
	if (w->editing == NULL)
		die(1, "out-of-memory", NULL);
}

bool
edit_is_on(const struct worker *w, const struct session_shm *s)
{
	return session_is_telnet(s) && w->editing != NULL &&
	       telnet_edits(&s->telnet);
}

/* Begin an empty row for who has that telnet state and is in that state. */
static struct editor *
edit_begin(struct worker *w, const struct telnet_shm *t, unsigned state)
{
	const char *prompt = reply_prompt(state);
	struct editor_view view = {
	    .prompt = prompt,
	    .prompt_len = strlen(prompt),
	    .width = telnet_width(t),
	    .charset = telnet_charset(t),
	    .ansi = (telnet_terminal(t) & TERMINAL_ANSI) != 0,
	    .max = w->settings->max_line,
	};

	editor_init(&w->editing->editor, &view);
	return &w->editing->editor;
}

/* The row that the session is typing, as it is kept. */
static struct editor *
edit_kept(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct editor *editor = edit_begin(w, &s->telnet, s->half.state);
	size_t len;
	const char *kept = input_kept(w, slot, &len);

	if (len > 0)
		editor_load(editor, kept, len);
	return editor;
}

/* Is something else to be sent before what is typed can be shown? */
static bool
edit_is_behind(const struct worker *w, uint32_t slot)
{
	const struct session_half *h = &session_row(w, slot)->half;

	if (h->state == SESSION_LEAVING || h->broken)
		return false;
	/* The prompt comes with the reply. */
	if (h->state != SESSION_JOINED && h->reply.code != CHAT_OK)
		return true;
	return w->locals[slot].blocked || h->cut_buf != 0 || h->cut_skip > 0 ||
	       h->reply.skip > 0 || h->reply.newline != 0 || h->redraw != 0;
}

bool
edit_must_wait(const struct worker *w, uint32_t slot)
{
	const struct local *l = &w->locals[slot];

	return edit_is_on(w, session_row(w, slot)) && !l->deaf && !l->eof &&
	       edit_is_behind(w, slot);
}

/* To be kept: the state at the front of e->state, and the text behind it. */
static struct rest
edit_rest(const struct worker *w, size_t from, size_t len)
{
	struct editing *e = w->editing;

	memcpy(e->state + e->state_len, w->text + from, len - from);
	return (struct rest){e->state, e->state_len + len - from};
}

/* Nothing is shown, and all of the text from `from` on is kept. */
static struct rest
edit_nothing(const struct worker *w, size_t from, size_t len)
{
	w->editing->shown = w->editing->lines = 0;
	w->editing->redraw = false;
	return (struct rest){w->text + from, len - from};
}

/*
 * A line is consumed: what is shown up to here is, and the next one begins.
 * What was killed last stays if there is room for it in the session's row.
 */
static void
type_next_line(struct typing *t)
{
	size_t size;

	(void)session_kept(t->c.s, &size);
	t->line_end = t->at;
	t->e->lines = t->out.len;
	t->e->state_len = editor_save(&t->e->editor, t->e->state, size);
}

static enum progress
type_line(struct typing *t)
{
	struct line line = {.consumed = t->at - t->line_end, .ended = true};
	enum progress p;

	line.text = editor_text(&t->e->editor, &line.len);
	p = talk_found(&t->c, &line);
	if (p == WAIT)
		return WAIT;
	type_next_line(t);
	if (t->c.half.skip_to <= t->c.half.in_done)
		return p;
	/* What stands behind a wrong line is thrown away, next time. */
	t->e->state_len = 0;
	return STOP;
}

/* Ctrl-D on an empty line: it leaves. */
static enum progress
type_end(struct typing *t)
{
	talk_flush(&t->c);
	if (t->c.half.state == SESSION_JOINED && !publish_allowed(t->c.w))
		return WAIT;
	t->c.half.in_done = t->c.base + t->at;
	type_next_line(t);
	talk_end(t->c.w, t->c.slot, &t->c.half, CLOSE_QUIT);
	return STOP;
}

/* No more of a long reply, from the next piece on. */
static enum progress
type_discard(struct typing *t)
{
	if (t->c.half.reply.code >= REPLY_LONG) {
		talk_flush(&t->c);
		t->c.half.reply = (struct reply){0};
		journal_step(&t->c.w->journal, t->c.slot, &t->c.half);
		worker_due(t->c.w, t->c.slot);
	}
	return GO_ON;
}

static enum progress
type_there(struct typing *t)
{
	static const char there[] = "[Yes]\r\n";

	editor_erase(&t->e->editor, &t->out);
	output_put(&t->out, there, sizeof(there) - 1);
	editor_draw(&t->e->editor, &t->out);
	return GO_ON;
}

/*
 * What was typed is made another text by what others say and are called, which
 * may not be so again.  So nothing is consumed behind it this time, and the
 * row is drawn from what is kept.
 */
static enum progress
type_other(struct typing *t, bool found)
{
	t->e->redraw |= found;
	if (found)
		t->out.len = t->e->lines;
	else
		editor_ring(&t->out);
	return STOP;
}

static enum progress
type_recall(struct typing *t)
{
	struct editing *e = t->e;
	struct output unseen = {0};
	size_t pattern_len, len = 0;
	const char *pattern = editor_pattern(&e->editor, &pattern_len);
	unsigned step;
	bool found;

	talk_flush(&t->c);
	found = recall_line(t->c.w, t->c.slot, editor_wanted(&e->editor),
	    pattern, pattern_len, &step, e->answer, &len);
	if (found)
		editor_recall(&e->editor, step, e->answer, len, &unseen);
	return type_other(t, found);
}

static enum progress
type_complete(struct typing *t)
{
	struct editing *e = t->e;
	struct output unseen = {0};
	size_t end, from = editor_word(&e->editor, &end), len, n;
	const char *text = editor_text(&e->editor, &len);
	bool unique;

	n = complete_word(t->c.w, t->c.slot, text, len, from, end, e->answer,
	    sizeof(e->answer), &unique);
	if (n > 0)
		editor_replace(&e->editor, from, e->answer, n, &unseen);
	return type_other(t, n > 0);
}

static enum progress
type_event(struct typing *t, enum editor_event event)
{
	switch (event) {
	case EDITOR_NONE:
		return STOP;
	case EDITOR_LINE:
		return type_line(t);
	case EDITOR_RECALL:
		return type_recall(t);
	case EDITOR_COMPLETE:
		return type_complete(t);
	case EDITOR_INTERRUPT:
		return GO_ON;
	case EDITOR_END:
		return type_end(t);
	case EDITOR_DISCARD:
		return type_discard(t);
	case EDITOR_THERE:
		return type_there(t);
	}
	return STOP;
}

/* Keys, until they end or have to wait. */
static enum progress
type_keys(struct typing *t)
{
	struct worker *w = t->c.w;
	const size_t most = EDITOR_OUTPUT_MAX(w->settings->max_line);
	enum editor_event event = EDITOR_LINE;
	enum progress p = GO_ON;
	size_t used;

	while (p == GO_ON && t->at < t->len &&
	       w->locals[t->c.slot].move_to == 0 &&
	       t->out.size - t->out.len > most) {
		if (t->c.half.next_room != NONE)
			return WAIT;
		event = editor_keys(&t->e->editor, w->text + t->at,
		    t->len - t->at, &used, &t->out);
		t->at += used;
		p = type_event(t, event);
	}
	w->locals[t->c.slot].waiting = p == WAIT ||
				       w->locals[t->c.slot].move_to != 0 ||
				       (t->at < t->len && event != EDITOR_NONE);
	return p;
}

/* What is thrown away unseen is nothing to show: w->text up to there. */
static struct rest
edit_skip(struct worker *w, struct typing *t)
{
	do
		t->c.half.skip_line = 0; /* see edit_consume */
	while (talk_skip(&t->c));
	w->seat->in.echoed = 1;
	compiler_barrier();
	journal_step(&w->journal, t->c.slot, &t->c.half);
	t->line_end = (size_t)(t->c.half.in_done - t->c.base);
	w->locals[t->c.slot].waiting = t->line_end < t->len;
	return edit_nothing(w, t->line_end, t->len);
}

/* What was typed and isn't consumed: as it was, if the line has to wait. */
static struct rest
type_rest(struct typing *t, enum progress p)
{
	struct worker *w = t->c.w;
	size_t room = input_size(w, t->c.slot), rest = t->len - t->at;

	if (p == WAIT) {
		t->out.len = t->e->lines;
		if (t->line_end == 0)
			return edit_nothing(w, 0, t->len);
		return edit_rest(w, t->line_end, t->len);
	}
	if (t->at == t->loaded) /* nothing was typed */
		return edit_nothing(w, 0, t->len);
	if (t->at > t->line_end)
		t->e->state_len = editor_save(&t->e->editor, t->e->state,
		    room > rest ? room - rest : 0);
	return edit_rest(w, t->at, t->len);
}

/*
 * Run `len` bytes of w->text, with the kept state in front, through the editor:
 * do what its lines say.  Returns what is to be kept; edit_show is to be called
 * when it is.
 */
struct rest
edit_consume(struct worker *w, uint32_t slot, size_t len)
{
	struct session_shm *s = session_row(w, slot);
	uint64_t base = w->seat->in.base;
	struct editing *e = w->editing;
	struct typing t = {
	    .c = {w, slot, s, s->half, base, base + len, false},
	    .e = e,
	    .len = len,
	    .out = {w->staging->bytes, 0, STAGING_BYTES},
	};
	enum progress p;
	struct rest rest;

	if (edit_is_behind(w, slot)) { /* it edits since right now */
		w->locals[slot].waiting = len > 0;
		return edit_nothing(w, 0, len);
	}
	/* No row has its beginning thrown away: a new one is on the screen. */
	t.c.half.skip_line = 0;
	if (s->half.next_room == NONE && talk_skip(&t.c))
		return edit_skip(w, &t);
	e->lines = e->state_len = 0;
	e->redraw = false;
	t.at = t.loaded = editor_load(
	    edit_begin(w, &w->telnet, s->half.state), w->text, len);
	p = type_keys(&t);
	talk_flush(&t.c);
	if (t.c.half.in_done != s->half.in_done)
		journal_step(&w->journal, slot, &t.c.half);
	rest = type_rest(&t, p);
	e->shown = t.out.len;
	e->redraw |= telnet_width(&w->telnet) !=
		     telnet_width(&w->seat->in.telnet);
	return rest;
}

/* Show what was typed of the lines that were consumed, before it is gone. */
void
edit_echo(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct editing *e = w->editing;
	struct session_half half;

	FAULT_POINT("edit.consumed");
	if (e->lines > 0 && !s->half.broken) {
		if (!s->half.lag) { /* so that a rest of it can be saved */
			half = s->half;
			session_lag(w, slot, &half);
			journal_step(&w->journal, slot, &half);
			worker_due(w, slot);
		}
		send_echo(w, slot, e->lines);
		FAULT_POINT("edit.echoed");
	}
	/* Before what is kept changes: who dies now leaves it unknown. */
	if (e->shown > e->lines || e->redraw)
		s->half.redraw = 1;
}

/* It is kept: show the row that is being typed. */
void
edit_show(struct worker *w, uint32_t slot)
{
	const struct session_half *h = &session_row(w, slot)->half;
	struct editing *e = w->editing;

	FAULT_POINT("edit.kept");
	if (!h->redraw || h->broken)
		return;
	if (e->redraw || w->locals[slot].blocked)
		worker_due(w, slot);
	else
		send_row(w, slot, w->staging->bytes + e->lines,
		    e->shown - e->lines);
}

/*
 * A predecessor died after it had done what is said in lines of the session's
 * input, as the note IN says: show what was typed of them, unless that is done.
 * Returns what is to be kept.
 */
struct rest
edit_settle(struct worker *w, uint32_t slot, size_t len)
{
	const struct note_in *note = &w->seat->in;
	const struct session_half *h = &session_row(w, slot)->half;
	struct output out = {w->staging->bytes, 0, STAGING_BYTES};
	size_t at, end, used, size;
	struct editor *editor;

	if (h->in_done < note->base || h->in_done > note->base + len)
		return (struct rest){0}; /* of a process gone wrong */
	end = (size_t)(h->in_done - note->base);
	if (end == 0 || note->echoed)
		return edit_nothing(w, end, len);
	editor = edit_begin(w, &w->telnet, note->state);
	at = editor_load(editor, w->text, end);
	for (; at < end; at += used)
		if (editor_keys(editor, w->text + at, end - at, &used, &out) ==
			EDITOR_NONE &&
		    used == 0)
			break;
	(void)session_kept(session_row(w, slot), &size);
	w->editing->state_len =
	    h->skip_to > h->in_done
		? 0
		: editor_save(editor, w->editing->state, size);
	send_echo(w, slot, out.len);
	return edit_rest(w, end, len);
}

/* Draw the row anew: what is on the screen of it is not known. */
void
edit_repair(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct output out = {w->staging->bytes, 0, STAGING_BYTES};

	if (!edit_is_on(w, s) || s->half.state == SESSION_LEAVING) {
		s->half.redraw = 0;
		return;
	}
	poison_at_slot(w, slot);
	editor_repair(edit_kept(w, slot), &out);
	poison_off_slot(w);
	send_row(w, slot, out.bytes, out.len);
}

/*
 * What goes around lines for the session: *before erases the row being typed,
 * or what may be there of it, *behind draws it.  `rest`: they are the rest of a
 * line, before which nothing goes.  Returns whether it is in edit mode at all;
 * else neither is set.
 */
bool
edit_around(struct worker *w, uint32_t slot, bool rest, struct iovec *before,
    struct iovec *behind)
{
	const struct session_shm *s = session_row(w, slot);
	struct editing *e = w->editing;
	struct output erase = {e->before, 0, sizeof(e->before)};
	struct output draw = {e->behind, 0, sizeof(e->behind)};
	struct editor *editor;

	*before = *behind = (struct iovec){0};
	if (!edit_is_on(w, s))
		return false;
	if (s->half.state == SESSION_JOINED && !s->half.redraw &&
	    session_input_end(s) == s->half.in_done)
		return true; /* an empty row, as nearly always */
	poison_at_slot(w, slot);
	editor = edit_kept(w, slot);
	if (!rest && s->half.redraw)
		editor_blank(editor, &erase);
	else if (!rest && session_input_end(s) > s->half.in_done)
		editor_erase(editor, &erase);
	if (s->half.state != SESSION_LEAVING)
		editor_draw(editor, &draw);
	poison_off_slot(w);
	*before = (struct iovec){erase.bytes, erase.len};
	*behind = (struct iovec){draw.bytes, draw.len};
	return true;
}

/*
 * A line in line mode as text: in UTF-8, and what commands take back is taken
 * back.  False if that makes it too long.
 */
bool
edit_plain(struct worker *w, struct line *line)
{
	struct editing *e = w->editing;

	if (e == NULL)
		return true;
	/* In every character set, and nothing to be taken back. */
	if (text_copy_plain(e->plain, line->text, line->len) == line->len)
		return line->len <= w->settings->max_line;
	line->len = charset_decode(
	    telnet_charset(&w->telnet), line->text, line->len, e->plain);
	line->len = editor_plain(e->plain, line->len);
	line->text = e->plain;
	return line->len <= w->settings->max_line;
}
