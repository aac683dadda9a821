/* SPDX-License-Identifier: MIT */
/*
 * The line editor.  A call takes the line as it is seen, changes the text as
 * often as there are keys, and only then makes the row on the screen what it
 * has become: what is typed faster than it is read costs one change.
 */
#include "proxy/editor.h"

#include "proxy/editor_edit.h"
#include "shared/base/base.h"

void
editor_init(struct editor *e, const struct editor_view *view)
{
	e->screen.width = row_width(view->width);
	e->screen.charset = view->charset;
	e->screen.ansi = view->ansi;
	e->prompt = view->prompt;
	e->prompt_len = view->prompt_len;
	e->max = MIN(view->max, sizeof(e->text.bytes));
	e->hidden = view->hidden;
	e->pasting = e->searching = e->finished = false;
	e->bell = e->redraw = false;
	e->recalled = e->wanted = 0;
	e->cursor = e->seen_cursor = 0;
	e->text.len = e->seen.len = e->killed.len = e->origin.len = 0;
}

/* The row of a text; nothing is seen of one that is hidden. */
static struct row
row_of(const struct editor *e, const struct editor_text *text, size_t cursor)
{
	return (struct row){
	    .prompt = e->prompt,
	    .prompt_len = e->prompt_len,
	    .text = text->bytes,
	    .len = e->hidden ? 0 : text->len,
	    .cursor = e->hidden ? 0 : cursor,
	};
}

/* The line was told: a new one begins, and its prompt is not drawn yet. */
static void
begin_line(struct editor *e)
{
	if (!e->finished)
		return;
	e->finished = false;
	e->searching = false;
	e->recalled = 0;
	e->prompt_len = 0;
	e->cursor = e->text.len = e->origin.len = 0;
}

/* What is on the screen from here on: what there is now. */
static void
see(struct editor *e)
{
	begin_line(e);
	e->seen_cursor = e->cursor;
	editor_text_copy(&e->seen, e->text.bytes, e->text.len);
}

/* Make the screen what the text is. */
static void
show(struct editor *e, struct output *out)
{
	struct row from = row_of(e, &e->seen, e->seen_cursor);
	struct row to = row_of(e, &e->text, e->cursor);

	if (e->redraw) {
		row_erase(&e->screen, &from, out);
		row_draw(&e->screen, &to, out);
		from = to;
	}
	if (e->finished)
		row_finish(&e->screen, &from, &to, out);
	else
		row_change(&e->screen, &from, &to, out);
	if (e->bell)
		editor_ring(out);
	e->bell = e->redraw = false;
}

void
editor_ring(struct output *out)
{
	output_put(out, "\a", 1);
}

/* Back to what was typed before the history was looked at. */
static void
recall_origin(struct editor *e)
{
	if (e->recalled == 0 && !e->searching) {
		e->bell = true;
		return;
	}
	editor_text_copy(&e->text, e->origin.bytes, e->origin.len);
	e->cursor = e->text.len;
	e->recalled = 0;
	e->searching = false;
}

/* Another line of the history: which? */
static enum editor_event
want(struct editor *e, unsigned step)
{
	if (e->hidden || step > EDITOR_HISTORY_MAX) {
		e->bell = true;
		return EDITOR_NONE;
	}
	e->wanted = step;
	return EDITOR_RECALL;
}

static enum editor_event
key_down(struct editor *e)
{
	if (e->recalled > 1)
		return want(e, e->recalled - 1);
	recall_origin(e);
	return EDITOR_NONE;
}

static enum editor_event
key_search(struct editor *e)
{
	if (!e->searching && !e->hidden) {
		editor_text_copy(&e->origin, e->text.bytes, e->text.len);
		e->searching = true;
	}
	return want(e, e->recalled + 1);
}

static enum editor_event
key_enter(struct editor *e)
{
	e->finished = true;
	return EDITOR_LINE;
}

static enum editor_event
key_interrupt(struct editor *e)
{
	e->cursor = e->text.len = e->origin.len = 0;
	e->recalled = 0;
	e->pasting = false;
	return EDITOR_INTERRUPT;
}

static enum editor_event
key_do(struct editor *e, enum key key, uint32_t code)
{
	if (key != KEY_SEARCH && key != KEY_CANCEL && key != KEY_NONE)
		e->searching = false;
	switch (key) {
	case KEY_ENTER:
		return key_enter(e);
	case KEY_TAB:
		if (e->hidden)
			return EDITOR_NONE;
		return EDITOR_COMPLETE;
	case KEY_UP:
		if (e->recalled == 0 && !e->hidden)
			editor_text_copy(
			    &e->origin, e->text.bytes, e->text.len);
		return want(e, e->recalled + 1);
	case KEY_DOWN:
		return key_down(e);
	case KEY_SEARCH:
		return key_search(e);
	case KEY_CANCEL:
		recall_origin(e);
		return EDITOR_NONE;
	case KEY_DELETE_OR_END:
		if (e->text.len == 0)
			return EDITOR_END;
		editor_edit(e, key, code);
		return EDITOR_NONE;
	case KEY_REDRAW:
		e->redraw = true;
		return EDITOR_NONE;
	case KEY_INTERRUPT:
		return key_interrupt(e);
	case KEY_DISCARD:
		return EDITOR_DISCARD;
	case KEY_THERE:
		return EDITOR_THERE;
	case KEY_PASTE_BEGIN:
	case KEY_PASTE_END:
		e->pasting = key == KEY_PASTE_BEGIN;
		return EDITOR_NONE;
	default:
		editor_edit(e, key, code);
		return EDITOR_NONE;
	}
}

enum editor_event
editor_keys(struct editor *e, const char *keys, size_t len, size_t *used,
    struct output *out)
{
	enum editor_event event = EDITOR_NONE;
	enum key key;
	uint32_t code = 0;
	size_t n;

	*used = 0;
	see(e);
	while (*used < len && event == EDITOR_NONE) {
		n = keys_next(e->screen.charset, keys + *used, len - *used,
		    e->pasting, &key, &code);
		if (n == 0)
			break;
		*used += n;
		event = key_do(e, key, code);
	}
	show(e, out);
	return event;
}

const char *
editor_text(const struct editor *e, size_t *len)
{
	*len = e->text.len;
	return e->text.bytes;
}

size_t
editor_word(const struct editor *e, size_t *end)
{
	*end = e->cursor;
	return editor_word_left(e, false);
}

unsigned
editor_wanted(const struct editor *e)
{
	return e->wanted;
}

const char *
editor_pattern(const struct editor *e, size_t *len)
{
	*len = e->searching ? e->origin.len : 0;
	return e->origin.bytes;
}

void
editor_recall(struct editor *e, unsigned step, const char *text, size_t len,
    struct output *out)
{
	see(e);
	editor_text_copy(&e->text, text, MIN(len, e->max));
	e->cursor = e->text.len;
	e->recalled = step;
	show(e, out);
}

void
editor_replace(struct editor *e, size_t from, const char *text, size_t len,
    struct output *out)
{
	see(e);
	if (from <= e->cursor)
		editor_splice(e, from, e->cursor, text, len);
	show(e, out);
}

/* What is there; once a line is finished, nothing. */
static struct row
row_now(const struct editor *e)
{
	return e->finished ? (struct row){.prompt = "", .text = ""}
			   : row_of(e, &e->text, e->cursor);
}

void
editor_erase(const struct editor *e, struct output *out)
{
	struct row row = row_now(e);

	row_erase(&e->screen, &row, out);
}

void
editor_draw(const struct editor *e, struct output *out)
{
	struct row row = row_now(e);

	row_draw(&e->screen, &row, out);
}

void
editor_blank(const struct editor *e, struct output *out)
{
	row_wipe(&e->screen, out);
}

void
editor_repair(const struct editor *e, struct output *out)
{
	editor_blank(e, out);
	editor_draw(e, out);
}
