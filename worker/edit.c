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

#include "proxy/negotiate.h"
#include "proxy/telnet.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/chat/text.h"
#include "worker/edit.h"
#include "worker/login.h"

void
edit_init(struct worker *w)
{
	w->editing =
	    calloc(1, sizeof(*w->editing) + 2 * w->seg.layout.buffer_stride);
	if (w->editing == NULL)
		die(1, "out-of-memory", NULL);
}

bool
edit_is_on(const struct worker *w, const struct session_shm *s)
{
	return session_is_telnet(s) && w->editing != NULL &&
	       telnet_edits(&s->telnet);
}

struct editor *
edit_begin(struct worker *w, const struct telnet_shm *t, unsigned state)
{
	const char *prompt = reply_prompt(state);
	struct editor_view view = {
	    .prompt = prompt,
	    .prompt_len = strlen(prompt),
	    .width = telnet_width(t),
	    .charset = telnet_charset(t),
	    .ansi = (telnet_terminal(t) & TERMINAL_ANSI) != 0,
	    .hidden = login_is_hidden(state),
	    .max = w->settings->max_line,
	};

	editor_init(&w->editing->editor, &view);
	return &w->editing->editor;
}

/*
 * The row that the session is typing, as it is kept.  A reply before the join
 * brings the prompt with it: until then, unless it is what `replies`, there is
 * none.
 */
static struct editor *
edit_kept(struct worker *w, uint32_t slot, bool replies)
{
	const struct session_shm *s = session_row(w, slot);
	bool waits = s->half.state != SESSION_JOINED &&
		     s->half.reply.code != CHAT_OK && !replies;
	struct editor *editor = edit_begin(
	    w, &s->telnet, waits ? (unsigned)SESSION_JOINED : s->half.state);
	size_t len;
	const char *kept = input_kept(w, slot, &len);

	if (len > 0)
		editor_load(editor, kept, len);
	return editor;
}

bool
edit_is_behind(const struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	const struct session_half *h = &s->half;
	const char *answers;

	if (h->state == SESSION_LEAVING || h->broken)
		return false;
	/* One of them may be half sent. */
	if (telnet_answers(&s->telnet, &answers) > 0)
		return true;
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

struct rest
edit_rest(const struct worker *w, size_t from, size_t len)
{
	struct editing *e = w->editing;

	memcpy(e->state + e->state_len, w->text + from, len - from);
	return (struct rest){e->state, e->state_len + len - from};
}

struct rest
edit_nothing(const struct worker *w, size_t from, size_t len)
{
	w->editing->shown = w->editing->lines = 0;
	w->editing->redraw = w->editing->resized = false;
	return (struct rest){w->text + from, len - from};
}

/*
 * Show what was typed of lines that are consumed, `len` bytes in the staging
 * area.  The session lags, so that a rest of it can be saved.
 */
static void
echo_lines(struct worker *w, uint32_t slot, size_t len)
{
	struct session_half half = session_row(w, slot)->half;

	if (half.broken)
		return;
	if (!half.lag) {
		session_lag(w, slot, &half);
		journal_step(&w->journal, slot, &half);
		worker_due(w, slot);
	}
	send_echo(w, slot, len);
	FAULT_POINT("edit.echoed");
}

/* Show what was typed of the lines that were consumed, before it is gone. */
void
edit_echo(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	struct editing *e = w->editing;

	FAULT_POINT("edit.consumed");
	if (e->lines > 0)
		echo_lines(w, slot, e->lines);
	/* Before what is kept changes: who dies now leaves it unknown. */
	if (e->shown > e->lines || e->redraw || e->resized)
		s->half.redraw = 1;
}

/* It is kept: show the row that is being typed. */
void
edit_show(struct worker *w, uint32_t slot)
{
	struct session_half *h = &session_row(w, slot)->half;
	struct editing *e = w->editing;

	FAULT_POINT("edit.kept");
	if (!h->redraw || h->broken)
		return;
	if (!e->redraw && e->shown > e->lines && !w->locals[slot].blocked)
		send_row(
		    w, slot, w->staging->bytes + e->lines, e->shown - e->lines);
	h->redraw |= e->resized;
	/* Else epoll says when; to look again at once would be to spin. */
	if (h->redraw && !w->locals[slot].blocked)
		worker_due(w, slot);
}

/* A successor that has not taken up its rows yet is to say what is read. */
static void
know_room(struct worker *w, uint32_t room)
{
	if (room >= w->seg.params.nrooms)
		return;
	lock_acquire(&w->journal.lock);
	w->rooms[room].next_msg = w->seg.rooms[room].messages;
	lock_release(&w->journal.lock);
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
	know_room(w, h->room);
	echo_lines(w, slot, out.len);
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
	editor_repair(edit_kept(w, slot, true), &out);
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
	editor = edit_kept(w, slot, false);
	if (!rest && s->half.redraw)
		editor_blank(editor, &erase);
	else if (!rest && session_input_end(s) > s->half.in_done)
		editor_erase(editor, &erase);
	if (w->seat->tx.kind == TX_REPLY)
		editor = edit_kept(w, slot, true);
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
	if (text_plain(e->plain, line->text, line->len) == line->len)
		return line->len <= w->settings->max_line;
	line->len = charset_decode(
	    telnet_charset(&w->telnet), line->text, line->len, e->plain);
	line->len = editor_plain(e->plain, line->len);
	line->text = e->plain;
	return line->len <= w->settings->max_line;
}
