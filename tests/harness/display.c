/* SPDX-License-Identifier: MIT */
/* A terminal that tells its rows. */
#include "tests/harness/display.h"

#include <string.h>

#include "shared/base/base.h"

enum state {
	STATE_TEXT,
	STATE_ESCAPE,
	STATE_SEQUENCE,
};

void
display_init(
    struct display *d, unsigned width, display_row_fn *on_row, void *context)
{
	d->width = MIN(width, (unsigned)DISPLAY_WIDTH_MAX);
	d->column = 0;
	d->margin = d->returned = false;
	d->odd = NULL;
	d->state = STATE_TEXT;
	d->on_row = on_row;
	d->context = context;
	d->wrapped = 0;
	memset(d->cells, 0, sizeof(d->cells));
}

/* Appends the cells to text[0, len). */
static size_t
put_cells(const struct display *d, char *text, size_t len)
{
	for (unsigned i = 0; i < d->width && len + 4 < DISPLAY_ROW_MAX; i++) {
		const char *cell = d->cells[i][0] == '\0' ? " " : d->cells[i];
		size_t n = strlen(cell);

		memcpy(text + len, cell, n);
		len += n;
	}
	return len;
}

size_t
display_row(const struct display *d, char text[DISPLAY_ROW_MAX])
{
	size_t len;

	if (text != d->row)
		memcpy(text, d->row, d->wrapped);
	len = put_cells(d, text, d->wrapped);
	while (len > 0 && text[len - 1] == ' ')
		len--;
	return len;
}

unsigned
display_column(const struct display *d)
{
	return d->column + d->margin;
}

static void
line_feed(struct display *d)
{
	size_t len;

	if (d->column != 0)
		d->odd = "LF where no CR was";
	len = display_row(d, d->row);
	d->wrapped = 0;
	d->margin = d->returned = false;
	memset(d->cells, 0, sizeof(d->cells[0]) * d->width);
	if (d->on_row != NULL)
		d->on_row(d->context, d->row, len);
}

/* A row that is written over from its beginning has wrapped from nowhere. */
static void
end_wrapped(struct display *d)
{
	size_t len = d->wrapped;

	while (len > 0 && d->row[len - 1] == ' ')
		len--;
	d->wrapped = 0;
	if (d->on_row != NULL)
		d->on_row(d->context, d->row, len);
}

static void
put(struct display *d, char c)
{
	if (d->returned && d->wrapped > 0)
		end_wrapped(d);
	d->returned = false;
	if (d->margin) {
		d->wrapped = put_cells(d, d->row, d->wrapped);
		memset(d->cells, 0, sizeof(d->cells[0]) * d->width);
		d->column = 0;
		d->margin = false;
	}
	d->cells[d->column][0] = c;
	d->cells[d->column][1] = '\0';
	if (d->column + 1 < d->width)
		d->column++;
	else
		d->margin = true;
}

/* A further byte of the last character. */
static void
put_more(struct display *d, char c)
{
	unsigned at = d->margin ? d->column : d->column - (d->column > 0);
	size_t n = strlen(d->cells[at]);

	if (n > 0 && n < sizeof(d->cells[0]) - 1) {
		d->cells[at][n] = c;
		d->cells[at][n + 1] = '\0';
	}
}

static void
control(struct display *d, char c)
{
	switch (c) {
	case '\a':
		break;
	case '\b':
		if (d->column == 0)
			d->odd = "BS in the first column";
		else
			d->column--;
		d->margin = false;
		break;
	case '\r':
		d->returned = true;
		d->column = 0;
		d->margin = false;
		break;
	case '\n':
		line_feed(d);
		break;
	default:
		d->odd = "a control character";
	}
}

/* The byte that ends ESC [ number. */
static void
finish(struct display *d, char c)
{
	d->state = STATE_TEXT;
	d->margin = false;
	switch (c) {
	case 'K':
		memset(d->cells + d->column, 0,
		    sizeof(d->cells[0]) * (d->width - d->column));
		break;
	case 'C':
		if (d->number == 0 || d->column + d->number >= d->width)
			d->odd = "CSI C beyond the margin";
		else
			d->column += d->number;
		break;
	case 'D':
		if (d->number == 0 || d->number > d->column)
			d->odd = "CSI D beyond the margin";
		else
			d->column -= d->number;
		break;
	default:
		d->odd = "an unknown sequence";
	}
}

/* Controls act in the middle of a sequence too, and ESC begins another. */
static void
take(struct display *d, char c)
{
	if (c == '\033') {
		d->state = STATE_ESCAPE;
		d->number = 0;
	} else if ((unsigned char)c < ' ') {
		control(d, c);
	} else if (d->state == STATE_TEXT) {
		if (((unsigned char)c & 0xc0) == 0x80)
			put_more(d, c);
		else
			put(d, c);
	} else if (d->state == STATE_ESCAPE) {
		if (c != '[')
			d->odd = "an escape sequence";
		d->state = c == '[' ? STATE_SEQUENCE : STATE_TEXT;
	} else if (c >= '0' && c <= '9') {
		d->number = (d->number * 10 + (unsigned)(c - '0')) % 10000;
	} else {
		finish(d, c);
	}
}

void
display_write(struct display *d, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		take(d, bytes[i]);
}
