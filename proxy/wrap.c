/* SPDX-License-Identifier: MIT */
/*
 * Wrapping: word by word, each measured, and then put out unit by unit; a unit
 * is what a cursor steps over, or a sequence for the terminal.
 */
#include "proxy/wrap.h"

#include <string.h>

#include "proxy/width.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"

#define TAB_STOP 8
#define ESC 0x1b

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_printable(char c)
{
	return c >= ' ' && c < 0x7f;
}

void
wrap_put(struct wrap *w, const char *bytes, size_t len)
{
	if (len > (size_t)(w->end - w->at)) {
		w->full = true;
		return;
	}
	memcpy(w->at, bytes, len);
	w->at += len;
}

/* Behind a sequence of the terminal: ESC [ parameters, one final byte. */
static size_t
sequence_end(const char *text, size_t len, size_t at)
{
	at += 2;
	while (at < len && text[at] >= 0x20 && text[at] < 0x40)
		at++;
	return at < len ? at + 1 : len;
}

/* Where the unit that begins at `at` ends. */
static size_t
unit_end(const char *text, size_t len, size_t at)
{
	if (text[at] == ESC && at + 1 < len && text[at + 1] == '[')
		return sequence_end(text, len, at);
	if (text[at] == '\t')
		return at + 1;
	if (is_printable(text[at]) &&
	    (at + 1 == len || (signed char)text[at + 1] >= 0))
		return at + 1;
	return width_next(text, len, at);
}

/* What a character becomes, if it isn't copied; returns the bytes. */
static size_t
spell(const struct wrap *w, uint32_t code, char out[CHARSET_PUT_MAX])
{
	if (code == UTF8_INVALID || (w->spare && code >= 0x80)) {
		out[0] = '?';
		return width_of(code) > 0;
	}
	return charset_put(w->charset, code, out);
}

/* The columns of the unit text[at, next), which begins at `column`. */
static unsigned
unit_columns(const struct wrap *w, const char *text, size_t at, size_t next,
    unsigned column)
{
	char out[CHARSET_PUT_MAX];
	unsigned columns = 0;
	uint32_t code;

	if (text[at] == '\t')
		return TAB_STOP - column % TAB_STOP;
	if (text[at] == ESC)
		return 0;
	if (next == at + 1)
		return (unsigned char)text[at] >= ' ' && text[at] != 0x7f;
	while (at < next) {
		at += utf8_decode(text + at, next - at, &code);
		if (w->charset == CHARSET_UTF8 || code == UTF8_INVALID)
			columns += width_of(code);
		else if (w->spare)
			columns += (unsigned)spell(w, code, out);
		else
			columns += charset_cells(w->charset, code);
	}
	return columns;
}

static void
put_unit(struct wrap *w, const char *text, size_t at, size_t next)
{
	char out[CHARSET_PUT_MAX];
	uint32_t code;

	w->column += unit_columns(w, text, at, next, w->column);
	if (w->charset == CHARSET_UTF8) {
		wrap_put(w, text + at, next - at);
		return;
	}
	while (at < next) {
		at += utf8_decode(text + at, next - at, &code);
		wrap_put(w, out, spell(w, code, out));
	}
}

static void
color_end(struct wrap *w)
{
	if (w->colored)
		wrap_put(w, w->plain, strlen(w->plain));
	w->colored = false;
}

/* The unit text[at, next), and what begins or ends with it. */
static void
put(struct wrap *w, const char *text, size_t at, size_t next)
{
	if (w->color != NULL && !w->colored && at >= w->from && at < w->to) {
		wrap_put(w, w->color, strlen(w->color));
		w->colored = true;
	}
	put_unit(w, text, at, next);
	if (next >= w->to)
		color_end(w);
}

static void
put_row_end(struct wrap *w)
{
	static const char blanks[] = "                                ";

	wrap_put(w, w->row_end, strlen(w->row_end));
	for (unsigned left = w->indent, n; left > 0; left -= n) {
		n = MIN(left, (unsigned)sizeof(blanks) - 1);
		wrap_put(w, blanks, n);
	}
	w->column = w->indent;
	w->later = true;
}

/* Is there anything in the row? */
static bool
has_begun(const struct wrap *w)
{
	return w->column > (w->later ? w->indent : 0);
}

/* All of text[at, end); if it is to be `broken`, then where a row is full. */
static void
put_all(struct wrap *w, const char *text, size_t at, size_t end, bool broken)
{
	size_t next;

	for (; at < end && !w->full; at = next) {
		next = unit_end(text, end, at);
		if (broken && has_begun(w) &&
		    w->column + unit_columns(w, text, at, next, w->column) >
			w->columns)
			put_row_end(w);
		put(w, text, at, next);
	}
}

/* The column behind text[at, end), which begins at `column`. */
static unsigned
column_behind(const struct wrap *w, const char *text, size_t at, size_t end,
    unsigned column)
{
	for (size_t next; at < end; at = next) {
		next = unit_end(text, end, at);
		column += unit_columns(w, text, at, next, column);
	}
	return column;
}

/*
 * The end of a run of units that are blanks, or are none; what is joined to one
 * makes it a word.
 */
static size_t
run_end(const char *text, size_t len, size_t at, bool blanks)
{
	size_t next;

	for (; at < len; at = next) {
		next = unit_end(text, len, at);
		if ((is_blank(text[at]) && next == at + 1) != blanks)
			break;
	}
	return at;
}

/* The blanks text[at, word) and the word behind them, up to `end`. */
static void
put_word(struct wrap *w, const char *text, size_t at, size_t word, size_t end)
{
	unsigned gap_end = column_behind(w, text, at, word, w->column);
	unsigned columns = column_behind(w, text, word, end, 0);
	bool is_long = columns > w->columns - w->indent;

	if (gap_end + (is_long ? 1 : columns) <= w->columns)
		put_all(w, text, at, word, false);
	else if (has_begun(w) && word < end)
		put_row_end(w);
	put_all(w, text, word, end, is_long);
}

void
wrap_text(struct wrap *w, const char *text, size_t len)
{
	size_t at = 0, word, end;

	if (w->columns == 0)
		put_all(w, text, 0, len, false);
	while (w->columns > 0 && at < len && !w->full) {
		word = run_end(text, len, at, true);
		end = run_end(text, len, word, false);
		put_word(w, text, at, word, end);
		at = end;
	}
	color_end(w);
}

unsigned
wrap_columns(const struct wrap *w, const char *text, size_t len)
{
	return column_behind(w, text, 0, len, 0);
}
