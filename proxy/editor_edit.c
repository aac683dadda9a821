/* SPDX-License-Identifier: MIT */
/* The keys that change the text of a line or move in it. */
#include "proxy/editor_edit.h"

#include <string.h>

#include "proxy/width.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"
#include "shared/chat/mark.h"

#define UTF8_MAX 4
#define MARKS_BYTES 64 /* before the cursor, in which marks are counted */

void
editor_text_copy(struct editor_text *to, const char *bytes, size_t len)
{
	to->len = MIN(len, sizeof(to->bytes));
	memcpy(to->bytes, bytes, to->len);
}

void
editor_splice(
    struct editor *e, size_t from, size_t to, const char *bytes, size_t len)
{
	struct editor_text *t = &e->text;

	if (len > to - from && t->len - (to - from) + len > e->max) {
		e->bell = true;
		return;
	}
	memmove(t->bytes + from + len, t->bytes + to, t->len - to);
	memcpy(t->bytes + from, bytes, len);
	t->len = t->len - (to - from) + len;
	e->cursor = from + len;
}

/* Take out [from, to), to be yanked back. */
static void
kill_text(struct editor *e, size_t from, size_t to)
{
	if (from == to) {
		e->bell = true;
		return;
	}
	if (!e->hidden)
		editor_text_copy(&e->killed, e->text.bytes + from, to - from);
	editor_splice(e, from, to, "", 0);
}

static size_t
next(const struct editor *e, size_t at)
{
	return width_next(e->text.bytes, e->text.len, at);
}

static size_t
previous(const struct editor *e, size_t at)
{
	return width_previous(e->text.bytes, e->text.len, at);
}

static bool
is_blank(const struct editor *e, size_t at)
{
	return e->text.bytes[at] == ' ' || e->text.bytes[at] == '\t';
}

/* Part of a word: a letter or a digit, or anything that is not ASCII. */
static bool
is_part(const struct editor *e, size_t at)
{
	unsigned char c = (unsigned char)e->text.bytes[at];

	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c >= 0x80;
}

static size_t
part_left(const struct editor *e)
{
	size_t at = e->cursor, before;

	while (at > 0 && !is_part(e, before = previous(e, at)))
		at = before;
	while (at > 0 && is_part(e, before = previous(e, at)))
		at = before;
	return at;
}

static size_t
part_right(const struct editor *e)
{
	size_t at = e->cursor;

	while (at < e->text.len && !is_part(e, at))
		at = next(e, at);
	while (at < e->text.len && is_part(e, at))
		at = next(e, at);
	return at;
}

size_t
editor_word_left(const struct editor *e, bool blanks_too)
{
	size_t at = e->cursor, before;

	while (blanks_too && at > 0 && is_blank(e, before = previous(e, at)))
		at = before;
	while (at > 0 && !is_blank(e, before = previous(e, at)))
		at = before;
	return at;
}

/* Would it be one combining mark too many behind those before the cursor? */
static bool
is_surplus(const struct editor *e, uint32_t code)
{
	size_t at = e->cursor - MIN(e->cursor, (size_t)MARKS_BYTES);
	unsigned row = 0;
	uint32_t before;

	if (!mark_is(code))
		return false;
	while (at < e->cursor) {
		at += utf8_decode(e->text.bytes + at, e->cursor - at, &before);
		(void)mark_count(&row, before);
	}
	return !mark_count(&row, code);
}

/* What the sanitiser would take out of a line is not taken in. */
static void
insert(struct editor *e, uint32_t code)
{
	char bytes[UTF8_MAX];

	if ((utf8_is_control(code) && code != '\t') || utf8_is_bidi(code) ||
	    code == 0x2028 || code == 0x2029)
		return;
	/* Nothing is there that it could join. */
	if (e->cursor == 0 && code >= 0x300 && width_of(code) == 0)
		return;
	if (is_surplus(e, code))
		return;
	editor_splice(e, e->cursor, e->cursor, bytes,
	    charset_put(CHARSET_UTF8, code, bytes));
}

static void
reverse(char *bytes, size_t from, size_t to)
{
	for (; from + 1 < to; from++, to--) {
		char c = bytes[from];

		bytes[from] = bytes[to - 1];
		bytes[to - 1] = c;
	}
}

/* Exchange what is at the cursor, or the last, with what is before that. */
static void
transpose(struct editor *e)
{
	char *bytes = e->text.bytes;
	size_t middle, left, right = e->cursor;

	if (right < e->text.len)
		right = next(e, right);
	middle = previous(e, right);
	left = previous(e, middle);
	if (left == middle || e->cursor == 0) {
		e->bell = true;
		return;
	}
	reverse(bytes, left, middle);
	reverse(bytes, middle, right);
	reverse(bytes, left, right);
	e->cursor = right;
}

static void
move(struct editor *e, size_t to)
{
	if (to == e->cursor)
		e->bell = true;
	e->cursor = to;
}

static void delete (struct editor *e)
{
	if (e->cursor == e->text.len)
		e->bell = true;
	else
		editor_splice(e, e->cursor, next(e, e->cursor), "", 0);
}

void
editor_edit(struct editor *e, enum key key, uint32_t code)
{
	size_t at = e->cursor;

	switch (key) {
	case KEY_CHARACTER:
		insert(e, code);
		break;
	case KEY_LEFT:
		move(e, previous(e, at));
		break;
	case KEY_RIGHT:
		move(e, next(e, at));
		break;
	case KEY_WORD_LEFT:
		move(e, part_left(e));
		break;
	case KEY_WORD_RIGHT:
		move(e, part_right(e));
		break;
	case KEY_HOME:
		e->cursor = 0;
		break;
	case KEY_END:
		e->cursor = e->text.len;
		break;
	case KEY_BACKSPACE:
		if (at == 0)
			e->bell = true;
		else
			editor_splice(e, previous(e, at), at, "", 0);
		break;
	case KEY_DELETE:
	case KEY_DELETE_OR_END:
		delete (e);
		break;
	case KEY_KILL_LEFT:
		kill_text(e, 0, at);
		break;
	case KEY_KILL_RIGHT:
		kill_text(e, at, e->text.len);
		break;
	case KEY_KILL_WORD_LEFT:
		kill_text(e, editor_word_left(e, true), at);
		break;
	case KEY_KILL_PART_LEFT:
		kill_text(e, part_left(e), at);
		break;
	case KEY_KILL_PART_RIGHT:
		kill_text(e, at, part_right(e));
		break;
	case KEY_YANK:
		editor_splice(e, at, at, e->killed.bytes, e->killed.len);
		break;
	case KEY_TRANSPOSE:
		transpose(e);
		break;
	default:
		break;
	}
}
