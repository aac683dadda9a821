/* SPDX-License-Identifier: MIT */
/*
 * The row.  Columns are counted from the prompt's first; `offset` of them are
 * scrolled out to the left.
 */
#include "proxy/row.h"

#include <stdio.h>
#include <string.h>

#include "proxy/width.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"

/* From so many columns on, a sequence is shorter than what it stands for. */
#define FAR 4

struct layout {
	size_t cursor; /* columns before it */
	size_t end;    /* columns in all */
	size_t offset;
	size_t edge; /* the first column that is not seen, at most `end` */
};

void
output_put(struct output *out, const char *bytes, size_t len)
{
	if (len > out->size - out->len)
		return;
	memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

static void
put_times(struct output *out, char c, size_t times)
{
	while (times-- > 0)
		output_put(out, &c, 1);
}

static void
put_sequence(struct output *out, size_t number, char final)
{
	char sequence[32];
	int len =
	    snprintf(sequence, sizeof(sequence), "\033[%zu%c", number, final);

	output_put(out, sequence, (size_t)len);
}

unsigned
row_width(unsigned told)
{
	if (told == 0)
		return ROW_WIDTH_UNKNOWN;
	return told < ROW_WIDTH_MIN   ? ROW_WIDTH_MIN
	       : told > ROW_WIDTH_MAX ? ROW_WIDTH_MAX
				      : told;
}

/* What a character looks like: what is none is seen, and moves nothing. */
static uint32_t
seen(uint32_t code)
{
	if (code == UTF8_INVALID)
		return 0xfffd;
	if (code == '\t')
		return ' ';
	return utf8_is_control(code) ? '?' : code;
}

/* Columns of text[at, next), which is one step of a cursor. */
static size_t
step_columns(
    const struct screen *screen, const char *text, size_t at, size_t next)
{
	size_t columns = 0;
	uint32_t code;

	while (at < next) {
		at += utf8_decode(text + at, next - at, &code);
		columns += charset_cells(screen->charset, seen(code));
	}
	return columns;
}

/*
 * Characters from `at` on that take one column each and are joined by nothing:
 * as nearly always.
 */
static size_t
plain_run(const char *text, size_t len, size_t at)
{
	size_t end = at;

	while (end < len && text[end] >= ' ' && text[end] < 0x7f)
		end++;
	/* What is not ASCII may join the last. */
	if (end > at && end < len && (unsigned char)text[end] >= 0x80)
		end--;
	return end - at;
}

static size_t
columns_of(const struct screen *screen, const char *text, size_t len)
{
	size_t columns = 0, next, run;

	for (size_t at = 0; at < len; at = next) {
		run = plain_run(text, len, at);
		columns += run;
		at += run;
		next = width_next(text, len, at);
		columns += step_columns(screen, text, at, next);
	}
	return columns;
}

/* The columns that are used: all but the last. */
static size_t
usable(const struct screen *screen)
{
	return screen->width - 1;
}

static struct layout
layout_of(const struct screen *screen, const struct row *row)
{
	size_t prompt = columns_of(screen, row->prompt, row->prompt_len);
	size_t seen_at_once = usable(screen);
	size_t scroll = MAX(seen_at_once - seen_at_once / 3, (size_t)1);
	struct layout l = {0};

	l.cursor = prompt + columns_of(screen, row->text, row->cursor);
	l.end = l.cursor + columns_of(screen, row->text + row->cursor,
			       row->len - row->cursor);
	if (l.cursor >= seen_at_once)
		l.offset = ((l.cursor - seen_at_once) / scroll + 1) * scroll;
	l.edge = MIN(l.end, l.offset + seen_at_once);
	return l;
}

static void
put_step(const struct screen *screen, const char *text, size_t at, size_t next,
    struct output *out)
{
	char bytes[CHARSET_PUT_MAX];
	uint32_t code;

	while (at < next) {
		at += utf8_decode(text + at, next - at, &code);
		output_put(out, bytes,
		    charset_put(screen->charset, seen(code), bytes));
	}
}

/*
 * Put out of text[at, next), whose columns are [begin, end), those in
 * [from, to).  Of a step that is cut by a border blanks are seen.
 */
static void
put_cut(const struct screen *screen, const char *text, size_t at, size_t next,
    size_t begin, size_t end, size_t from, size_t to, struct output *out)
{
	if (end <= from || begin >= to)
		return;
	if (begin >= from && end <= to)
		put_step(screen, text, at, next, out);
	else
		put_times(out, ' ', MIN(end, to) - MAX(begin, from));
}

/*
 * Put out the columns [from, to) of a text whose first column is *column; moves
 * *column behind it, or behind `to`.
 */
static void
put_columns_of(const struct screen *screen, const char *text, size_t len,
    size_t *column, size_t from, size_t to, struct output *out)
{
	size_t next, begin, end, run;

	for (size_t at = 0; at < len && *column < to; at = next) {
		run = plain_run(text, len, at);
		begin = MAX(*column, from);
		end = MIN(*column + run, to);
		if (begin < end)
			output_put(
			    out, text + at + (begin - *column), end - begin);
		*column += run;
		at += run;
		next = width_next(text, len, at);
		end = *column + step_columns(screen, text, at, next);
		put_cut(screen, text, at, next, *column, end, from, to, out);
		*column = end;
	}
}

static void
put_columns(const struct screen *screen, const struct row *row, size_t from,
    size_t to, struct output *out)
{
	size_t column = 0;

	put_columns_of(
	    screen, row->prompt, row->prompt_len, &column, from, to, out);
	put_columns_of(screen, row->text, row->len, &column, from, to, out);
}

/*
 * Move the cursor between two columns of the row as it is drawn; a terminal
 * that can only go left goes right over what stands there.
 */
static void
move(const struct screen *screen, const struct row *row, size_t offset,
    size_t from, size_t to, struct output *out)
{
	if (to < from && to == offset)
		output_put(out, "\r", 1);
	else if (to < from && screen->ansi && from - to > FAR)
		put_sequence(out, from - to, 'D');
	else if (to < from)
		put_times(out, '\b', from - to);
	else if (screen->ansi && to - from > FAR)
		put_sequence(out, to - from, 'C');
	else
		put_columns(screen, row, from, to, out);
}

/* Erase `columns` from the cursor on; it stays. */
static void
clear(const struct screen *screen, size_t columns, struct output *out)
{
	if (screen->ansi && columns > 1) {
		output_put(out, "\033[K", 3);
		return;
	}
	put_times(out, ' ', columns);
	put_times(out, '\b', columns);
}

/* Draw what is seen from `column` on, where the cursor is; it stays behind. */
static void
draw_from(const struct screen *screen, const struct row *row,
    const struct layout *l, size_t column, struct output *out)
{
	if (column < l->edge)
		put_columns(screen, row, column, l->edge, out);
}

void
row_draw(const struct screen *screen, const struct row *row, struct output *out)
{
	struct layout l = layout_of(screen, row);

	draw_from(screen, row, &l, l.offset, out);
	move(screen, row, l.offset, l.edge, l.cursor, out);
}

/* Bytes that two texts have in common at the front, up to whole steps. */
static size_t
common(const struct row *a, const struct row *b)
{
	size_t len = MIN(a->len, b->len), n = 0, at = 0, next_a, next_b;

	while (n < len && a->text[n] == b->text[n])
		n++;
	if (n == a->len && n == b->len)
		return n;
	for (;;) {
		next_a = width_next(a->text, a->len, at);
		next_b = width_next(b->text, b->len, at);
		if (next_a != next_b || next_a > n || next_a == at)
			return at;
		at = next_a;
	}
}

/* From the first column on that is another; `new` has the same offset. */
static void
change_tail(const struct screen *screen, const struct row *from,
    const struct layout *old, const struct row *to, const struct layout *new,
    struct output *out)
{
	size_t same = common(from, to), column;

	if (same == from->len && same == to->len) {
		move(screen, to, new->offset, old->cursor, new->cursor, out);
		return;
	}
	column = columns_of(screen, to->prompt, to->prompt_len) +
		 columns_of(screen, to->text, same);
	column = MAX(column, new->offset);
	if (column >= new->offset + usable(screen)) { /* none that is seen */
		move(screen, to, new->offset, old->cursor, new->cursor, out);
		return;
	}
	move(screen, to, new->offset, old->cursor, column, out);
	draw_from(screen, to, new, column, out);
	if (old->edge > new->edge)
		clear(screen, old->edge - MAX(new->edge, column), out);
	move(screen, to, new->offset, MAX(new->edge, column), new->cursor, out);
}

void
row_change(const struct screen *screen, const struct row *from,
    const struct row *to, struct output *out)
{
	struct layout old = layout_of(screen, from),
		      new = layout_of(screen, to);
	size_t was, is;

	if (old.offset == new.offset && from->prompt_len == to->prompt_len) {
		change_tail(screen, from, &old, to, &new, out);
		return;
	}
	output_put(out, "\r", 1);
	draw_from(screen, to, &new, new.offset, out);
	was = old.edge - old.offset;
	is = new.edge - new.offset;
	if (was > is)
		clear(screen, was - is, out);
	move(screen, to, new.offset, new.edge, new.cursor, out);
}

void
row_erase(
    const struct screen *screen, const struct row *row, struct output *out)
{
	struct layout l;

	if (row->prompt_len + row->len == 0)
		return;
	output_put(out, "\r", 1);
	if (screen->ansi) {
		output_put(out, "\033[K", 3);
		return;
	}
	l = layout_of(screen, row);
	clear(screen, l.edge - l.offset, out);
}

void
row_wipe(const struct screen *screen, struct output *out)
{
	output_put(out, "\r", 1);
	clear(screen, usable(screen), out);
}

/* What doesn't fit is written over it, and the terminal wraps it. */
void
row_finish(const struct screen *screen, const struct row *from,
    const struct row *to, struct output *out)
{
	struct layout l = layout_of(screen, to);

	if (l.offset == 0 && l.end <= usable(screen)) {
		row_change(screen, from, to, out);
	} else {
		output_put(out, "\r", 1);
		put_columns(screen, to, 0, l.end, out);
	}
	output_put(out, "\r\n", 2);
}
