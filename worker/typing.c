/* SPDX-License-Identifier: MIT */
/*
 * What is typed: a session's keys go through the editor, and what comes out of
 * it, lines above all, is done.  What is to be shown of that and what is to be
 * kept is seen to by input.c and edit.c.
 */
#include <string.h>

#include "proxy/telnet.h"
#include "shared/base/fault.h"
#include "worker/edit.h"
#include "worker/login.h"
#include "worker/talk.h"

/* A session's keys on their way through the editor. */
struct typing {
	struct consumer c;
	struct editing *e;
	size_t len;      /* bytes of w->text */
	size_t loaded;   /* of them the state that was kept */
	size_t at;       /* so many of them the editor has had */
	size_t line_end; /* behind the last line that was consumed */
	bool hidden;     /* what is typed is a password */
	struct output out;
};

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
	if (t->c.half.next_room != NONE ||
	    t->c.half.skip_to <= t->c.half.in_done)
		return t->hidden == login_is_hidden(t->c.half.state) ? p : STOP;
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
		if (t->c.half.next_room != NONE) {
			p = WAIT;
			break;
		}
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
typing_skip(struct worker *w, struct typing *t)
{
	do
		t->c.half.skip_line = 0; /* see typing_consume */
	while (talk_skip(&t->c));
	/* What one who leaves has typed is on its screen, and no more kept. */
	if (t->c.half.state == SESSION_LEAVING && w->seat->in.kept > 0)
		t->c.half.redraw = 1;
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
		t->e->state_len = editor_save(
		    &t->e->editor, t->e->state, room > rest ? room - rest : 0);
	return edit_rest(w, t->at, t->len);
}

/*
 * Run `len` bytes of w->text, with the kept state in front, through the editor:
 * do what its lines say.  Returns what is to be kept; edit_show is to be called
 * when it is.
 */
struct rest
typing_consume(struct worker *w, uint32_t slot, size_t len)
{
	struct session_shm *s = session_row(w, slot);
	uint64_t base = w->seat->in.base;
	struct editing *e = w->editing;
	struct typing t = {
	    .c = {w, slot, s, s->half, base, base + len, false},
	    .e = e,
	    .len = len,
	    .hidden = login_is_hidden(s->half.state),
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
		return typing_skip(w, &t);
	e->lines = e->state_len = 0;
	e->redraw = false;
	t.at = t.loaded =
	    editor_load(edit_begin(w, &w->telnet, s->half.state), w->text, len);
	p = type_keys(&t);
	talk_flush(&t.c);
	if (t.c.half.in_done != s->half.in_done)
		journal_step(&w->journal, slot, &t.c.half);
	rest = type_rest(&t, p);
	e->shown = t.out.len;
	e->resized =
	    telnet_width(&w->telnet) != telnet_width(&w->seat->in.telnet);
	return rest;
}
