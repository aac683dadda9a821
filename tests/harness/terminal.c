/* SPDX-License-Identifier: MIT */
/* A terminal for tests. */
#include "tests/harness/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/width.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "terminal: %s\n", #condition);         \
			abort();                                               \
		}                                                              \
	} while (0)

static void
clear_row(struct terminal *t, unsigned row)
{
	memset(t->cell[row], 0, t->width * sizeof(t->cell[row][0]));
}

void
terminal_init(
    struct terminal *t, unsigned width, enum charset charset, bool ansi)
{
	MUST(width <= TERMINAL_WIDTH_MAX);
	memset(t, 0, offsetof(struct terminal, cell));
	t->width = width;
	t->charset = charset;
	t->ansi = ansi;
	for (unsigned row = 0; row < TERMINAL_ROWS; row++)
		clear_row(t, row);
}

void
terminal_resize(struct terminal *t, unsigned width)
{
	unsigned from = MIN(t->width, width);

	MUST(width <= TERMINAL_WIDTH_MAX);
	for (unsigned row = 0; row < TERMINAL_ROWS; row++)
		memset(t->cell[row][from], 0,
		    (TERMINAL_WIDTH_MAX - from) * sizeof(t->cell[row][0]));
	t->width = width;
	t->column = MIN(t->column, width - 1);
}

static void
line_feed(struct terminal *t)
{
	t->margin = false;
	if (t->row + 1 < TERMINAL_ROWS) {
		t->row++;
		return;
	}
	for (unsigned row = 1; row < TERMINAL_ROWS; row++)
		memcpy(t->cell[row - 1], t->cell[row],
		    t->width * sizeof(t->cell[row][0]));
	clear_row(t, TERMINAL_ROWS - 1);
	t->scrolled++;
}

/* The halves of wide characters that lose their other half are blanks. */
static void
make_blank(struct terminal *t, unsigned column)
{
	uint32_t code;
	char *cell = t->cell[t->row][column];

	if (cell[0] == '\0' && column > 0) {
		char *left = t->cell[t->row][column - 1];

		if (left[0] != '\0') {
			(void)utf8_decode(left, strlen(left), &code);
			if (width_of(code) == 2)
				left[0] = '\0';
		}
	}
	cell[0] = '\0';
}

static void
put(struct terminal *t, const char *bytes, size_t len, unsigned width)
{
	if (t->margin || t->column + width > t->width) {
		t->column = 0;
		line_feed(t);
	}
	for (unsigned i = 0; i < width; i++)
		make_blank(t, t->column + i);
	memcpy(t->cell[t->row][t->column], bytes, len);
	t->cell[t->row][t->column][len] = '\0';
	t->column += width;
	if (t->column == t->width) {
		t->column--;
		t->margin = true;
	}
}

/* To the character before the cursor. */
static void
join(struct terminal *t, const char *bytes, size_t len)
{
	unsigned column = t->column - !t->margin;
	char *cell;

	MUST(t->column > 0);
	if (t->cell[t->row][column][0] == '\0' && column > 0)
		column--;
	cell = t->cell[t->row][column];
	if (strlen(cell) + len < TERMINAL_CELL_MAX)
		strncat(cell, bytes, len);
}

/* ESC [ number final; returns its bytes. */
static size_t
sequence(struct terminal *t, const char *bytes, size_t len)
{
	unsigned number = 0;
	size_t i = 2;

	MUST(t->ansi && len >= 3 && bytes[1] == '[');
	for (; i < len && bytes[i] >= '0' && bytes[i] <= '9'; i++)
		number = number * 10 + (unsigned)(bytes[i] - '0');
	MUST(i < len);
	t->margin = false;
	switch (bytes[i]) {
	case 'K':
		MUST(number == 0);
		for (unsigned c = t->column; c < t->width; c++)
			make_blank(t, c);
		break;
	case 'C':
		MUST(number > 0 && t->column + number < t->width);
		t->column += number;
		break;
	case 'D':
		MUST(number > 0 && number <= t->column);
		t->column -= number;
		break;
	default:
		MUST(!"a sequence that is known");
	}
	return i + 1;
}

static void
control(struct terminal *t, char c)
{
	switch (c) {
	case '\a':
		t->bells++;
		break;
	case '\b':
		MUST(t->column > 0);
		t->column--;
		t->margin = false;
		break;
	case '\r':
		t->column = 0;
		t->margin = false;
		break;
	case '\n':
		line_feed(t);
		break;
	default:
		MUST(!"a control that is known");
	}
}

/* One character of the charset as UTF-8; returns its bytes. */
static size_t
decode(const struct terminal *t, const char *bytes, size_t len, char *utf8,
    size_t *utf8_len)
{
	uint32_t code;
	size_t n = 1;

	if (t->charset == CHARSET_UTF8) {
		n = utf8_decode(bytes, len, &code);
		MUST(code != UTF8_INVALID);
		memcpy(utf8, bytes, n);
		*utf8_len = n;
		return n;
	}
	if ((unsigned char)bytes[0] == 0xff) { /* IAC IAC */
		MUST(len > 1 && bytes[1] == bytes[0]);
		n = 2;
	}
	*utf8_len = charset_decode(t->charset, bytes, 1, utf8);
	return n;
}

void
terminal_write(struct terminal *t, const char *bytes, size_t len)
{
	char utf8[4];
	size_t n, utf8_len;
	uint32_t code;

	t->written += len;
	for (size_t i = 0; i < len; i += n) {
		if (bytes[i] == '\033') {
			n = sequence(t, bytes + i, len - i);
			continue;
		}
		n = decode(t, bytes + i, len - i, utf8, &utf8_len);
		(void)utf8_decode(utf8, utf8_len, &code);
		if (utf8_is_control(code))
			control(t, bytes[i]);
		else if (width_of(code) == 0)
			join(t, utf8, utf8_len);
		else
			put(t, utf8, utf8_len, width_of(code));
	}
}

const char *
terminal_row(const struct terminal *t, unsigned row)
{
	static char text[TERMINAL_WIDTH_MAX * TERMINAL_CELL_MAX];
	size_t len = 0, end = 0;
	uint32_t code;

	for (unsigned c = 0; c < t->width; c++) {
		const char *cell = t->cell[row][c];
		const char *seen = cell[0] == '\0' ? " " : cell;

		memcpy(text + len, seen, strlen(seen));
		len += strlen(seen);
		if (strcmp(seen, " ") != 0)
			end = len;
		(void)utf8_decode(seen, strlen(seen), &code);
		c += width_of(code) == 2;
	}
	text[end] = '\0';
	return text;
}
