/* SPDX-License-Identifier: MIT */
/*
 * proxy/editor and proxy/row: after each of many random keys the screen shows
 * what a simple model of the line says, at every width.
 */
#include "tests/harness/test.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/editor.h"
#include "proxy/width.h"
#include "shared/base/utf8.h"
#include "tests/harness/line_model.h"
#include "tests/harness/terminal.h"

#define CELLS_MAX (MODEL_STEPS_MAX * CHARSET_PUT_MAX + 64)

/* What stands in a column, and what it must be seen with. */
struct cell {
	char text[32];
	size_t first, last; /* columns of the step that it is of */
};

static struct editor editor;
static struct terminal terminal;
static struct editor_view view;
static struct line_model model;
static struct cell cells[CELLS_MAX];
static size_t cells_count, cursor_cell;
static char output_bytes[EDITOR_OUTPUT_MAX(LIMIT_LINE_MAX)];
static struct output out;
static char kept[EDITOR_STATE_MAX(LIMIT_LINE_MAX)];
static size_t kept_len;

/* What the screen must show. */

static void
add_cell(const char *text, size_t len)
{
	CHECK(cells_count < CELLS_MAX);
	memcpy(cells[cells_count].text, text, len);
	cells[cells_count++].text[len] = '\0';
}

/* The columns of a step, in the terminal's character set. */
static void
add_step(const char *told)
{
	char step[32];
	char bytes[CHARSET_PUT_MAX], utf8[4];
	size_t first = cells_count, len, n;
	uint32_t code;

	strcpy(step, told);
	if (*step == '\t') /* seen as a blank */
		*step = ' ';
	len = strlen(step);
	if (view.charset == CHARSET_UTF8) {
		(void)utf8_decode(step, len, &code);
		add_cell(step, len);
		if (width_of(code) == 2)
			add_cell("", 0);
		len = 0;
	}
	for (size_t i = 0; i < len;) {
		i += utf8_decode(step + i, len - i, &code);
		n = charset_put(view.charset, code, bytes);
		n -= code == 0xff && n == 2; /* doubled */
		for (size_t j = 0; j < n; j++)
			add_cell(utf8,
			    charset_decode(view.charset, bytes + j, 1, utf8));
	}
	for (size_t i = first; i < cells_count; i++) {
		cells[i].first = first;
		cells[i].last = cells_count - 1;
	}
}

static void
make_cells(void)
{
	char one[2] = "";

	cells_count = 0;
	for (size_t i = 0; i < view.prompt_len; i++) {
		one[0] = view.prompt[i];
		add_step(one);
	}
	for (size_t i = 0; i < model.count; i++) {
		if (i == model.cursor)
			cursor_cell = cells_count;
		add_step(model.step[i]);
	}
	if (model.cursor == model.count)
		cursor_cell = cells_count;
}

static bool
same_cell(const char *a, const char *b)
{
	return strcmp(*a == '\0' ? " " : a, *b == '\0' ? " " : b) == 0;
}

/* The row shows a part of the line, with the cursor in its place. */
static void
check_screen(void)
{
	size_t usable = view.width - 1, offset;

	make_cells();
	CHECK(terminal.column <= cursor_cell);
	offset = cursor_cell - terminal.column;
	if (cursor_cell < usable)
		CHECK_EQ(offset, 0);
	for (size_t i = 0; i < view.width; i++) {
		const struct cell *cell = &cells[offset + i];
		bool seen = offset + i < cells_count && i < usable &&
			    cell->first >= offset &&
			    cell->last < offset + usable;
		const char *is = terminal.cell[terminal.row][i];

		if (!same_cell(is, seen ? cell->text : ""))
			test_fail(__FILE__, __LINE__,
			    "column %zu is \"%s\", not \"%s\"", i, is,
			    seen ? cell->text : "");
	}
}

/* A finished line stands above, whole, wrapped where it had to be. */
static void
check_finished(unsigned first)
{
	char line[CELLS_MAX * 4] = "", seen[CELLS_MAX * 4] = "";
	int row = (int)first - (int)terminal.scrolled;

	for (size_t i = 0; i < cells_count; i++)
		if (!same_cell(cells[i].text, ""))
			strcat(line, cells[i].text);
	if (row < 0)
		return;
	for (; row < (int)terminal.row; row++)
		for (size_t c = 0; c < terminal.width; c++)
			if (!same_cell(terminal.cell[row][c], ""))
				strcat(seen, terminal.cell[row][c]);
	CHECK_STR(seen, line);
}

/* The server. */

static void
load(void)
{
	out.len = 0;
	editor_init(&editor, &view);
	CHECK_EQ(editor_load(&editor, kept, kept_len), kept_len);
}

static void
save(void)
{
	kept_len = editor_save(&editor, kept, sizeof(kept));
	CHECK(out.len < sizeof(output_bytes));
}

static void
show(void)
{
	terminal_write(&terminal, out.bytes, out.len);
}

static enum editor_event
type(const char *bytes)
{
	enum editor_event event;
	size_t used;

	load();
	event = editor_keys(&editor, bytes, strlen(bytes), &used, &out);
	CHECK_EQ(used, strlen(bytes));
	save();
	show();
	return event;
}

static void
begin(unsigned width, enum charset charset, bool ansi, const char *prompt)
{
	view = (struct editor_view){
	    .prompt = prompt,
	    .prompt_len = strlen(prompt),
	    .width = width,
	    .charset = charset,
	    .ansi = ansi,
	    .max = LIMIT_LINE_DEFAULT,
	};
	out = (struct output){output_bytes, 0, sizeof(output_bytes)};
	terminal_init(&terminal, width, charset, ansi);
	memset(&model, 0, sizeof(model));
	kept_len = 0;
	load();
	editor_draw(&editor, &out);
	show();
	check_screen();
}

static void
enter(void)
{
	unsigned first = terminal.scrolled + terminal.row;
	char line[MODEL_STEPS_MAX * 32] = "";
	const char *text;
	size_t len;

	for (size_t i = 0; i < model.count; i++)
		strcat(line, model.step[i]);
	make_cells();
	CHECK_EQ(type("\n"), EDITOR_LINE);
	text = editor_text(&editor, &len);
	CHECK_MEM(text, len, line, strlen(line));
	check_finished(first);
	model.count = model.cursor = 0;
	load();
	editor_draw(&editor, &out); /* the next question */
	show();
}

/* Somebody says something. */
static void
message(void)
{
	static const char line[] = "Ann: hi";

	load();
	editor_erase(&editor, &out);
	output_put(&out, line, strlen(line));
	output_put(&out, "\r\n", 2);
	editor_draw(&editor, &out);
	show();
	CHECK_STR(terminal_row(&terminal, terminal.row - 1), line);
}

/*
 * The worker dies, and what was to be shown is lost; or the window changes.
 * Without sequences nothing can be done about its last column.
 */
static void
repair(bool resize, unsigned random)
{
	if (resize) {
		view.width = 10 + random % 60;
		terminal_resize(&terminal, view.width);
		if (!view.ansi)
			terminal.cell[terminal.row][view.width - 1][0] = '\0';
	}
	load();
	editor_repair(&editor, &out);
	show();
}

/* A line from the history, with what the terminal's set may not have. */
static void
recall(unsigned random)
{
	static const char *const lines[] = {
	    "", "äöüÿß", "漢字🌟!", "é̂x", "łódź → 🌟👋 ♥", "abc def", "ab\tc"};
	const char *line = lines[random % COUNT(lines)];
	size_t len = strlen(line), next;

	load();
	editor_recall(&editor, 1, line, len, &out);
	save();
	show();
	model.count = 0;
	for (size_t at = 0; at < len; at = next) {
		next = width_next(line, len, at);
		memset(model.step[model.count], 0, sizeof(model.step[0]));
		memcpy(model.step[model.count], line + at, next - at);
		model.count++;
	}
	model.cursor = model.count;
}

static void
random_keys(unsigned count)
{
	static const char *const characters[] = {"a", "b", "c", " ", "x", "-",
	    "ä", "漢", "🌟", "\u0301", "\u200d", "\u1100", "\uff21", "ÿ"};
	static const char *const plain[] = {"a", "b", "c", " ", "-"};

	for (unsigned i = 0; i < count; i++) {
		unsigned what = (unsigned)rand() % 100, r = (unsigned)rand();
		const char *c = view.charset == CHARSET_UTF8
				    ? characters[r % COUNT(characters)]
				    : plain[r % COUNT(plain)];

		if (what < 60 && model.count < MODEL_STEPS_MAX &&
		    (model.cursor == 0 ||
			strlen(model.step[model.cursor - 1]) < 20)) {
			type(c);
			line_model_character(&model, c);
		} else if (r % MODEL_KEYS == MODEL_YANK &&
			   model.count + model.killed_count > MODEL_STEPS_MAX) {
			continue; /* more than the model holds */
		} else if (what < 90) {
			CHECK_EQ(type(line_model_keys[r % MODEL_KEYS]),
			    r % MODEL_KEYS == MODEL_CTRL_D && model.count == 0
				? EDITOR_END
				: EDITOR_NONE);
			line_model_key(&model, r % MODEL_KEYS);
		} else if (what < 93) {
			message();
		} else if (what < 95) {
			enter();
		} else if (what < 97) {
			repair(what == 96, r);
		} else if (what < 98) {
			recall(r);
		}
		check_screen();
	}
}

TEST_WITHIN(the_screen_shows_the_line_after_each_key_at_each_width, 60)
{
	for (unsigned width = 10; width <= 200; width++) {
		srand(width);
		begin(width, CHARSET_UTF8, true, "");
		random_keys(400);
	}
}

TEST_WITHIN(a_terminal_that_knows_no_sequences_shows_it_as_well, 60)
{
	for (unsigned width = 10; width <= 200; width += 3) {
		srand(width);
		begin(width, CHARSET_UTF8, false, "");
		random_keys(400);
	}
}

TEST_WITHIN(a_prompt_stands_before_the_line, 60)
{
	for (unsigned width = 10; width <= 100; width += 2) {
		srand(width);
		begin(width, CHARSET_UTF8, true, "Enter username: ");
		random_keys(400);
	}
}

TEST_WITHIN(what_a_character_set_lacks_takes_the_columns_of_its_spelling, 60)
{
	for (enum charset c = CHARSET_LATIN1; c < CHARSETS; c++) {
		for (unsigned width = 10; width <= 90; width += 4) {
			srand(width);
			begin(width, c, (width & 4) != 0, "");
			random_keys(400);
		}
	}
}

/* Keys in one piece, and in two, and one by one: the same in the end. */
TEST_WITHIN(keys_cut_anywhere_give_the_same_line_and_screen, 60)
{
	static const char typed[] =
	    "Hé漢🌟 \033[D\033[1;5D\xff\xe2\x82x\033[3~a\033\033[Cb\033[200~c\t"
	    "\033[201~\x7f\033bz\025\031\033[Hq\xf0\x9f";
	static struct terminal whole;
	char row[256];
	const size_t len = sizeof(typed) - 1;
	size_t used, at;
	char state[4096];
	size_t state_len = 0;

	for (size_t cut = 0; cut <= len; cut++) {
		char rest[64];
		size_t from = 0, rest_len = 0, n;

		begin(12, CHARSET_UTF8, true, "> ");
		while (from < len) {
			n = cut == 0 ? 1 : from == 0 ? cut : len - cut;
			n = MIN(n, len - from);
			memcpy(rest + rest_len, typed + from, n);
			rest_len += n;
			from += n;
			for (at = 0;; at += used) {
				load();
				if (editor_keys(&editor, rest + at,
					rest_len - at, &used,
					&out) == EDITOR_NONE)
					break;
			}
			at += used;
			save();
			show();
			memmove(rest, rest + at, rest_len - at);
			rest_len -= at;
		}
		CHECK_MEM(rest, rest_len, "\xf0\x9f", 2);
		if (cut == 0) {
			whole = terminal;
			memcpy(state, kept, kept_len);
			state_len = kept_len;
		}
		CHECK_MEM(kept, kept_len, state, state_len);
		CHECK_EQ(terminal.column, whole.column);
		strcpy(row, terminal_row(&whole, 0));
		CHECK_STR(terminal_row(&terminal, 0), row);
	}
}

TEST(a_row_is_drawn_in_full_without_its_last_column)
{
	begin(10, CHARSET_UTF8, true, "");
	type("12345678");
	CHECK_STR(terminal_row(&terminal, 0), "12345678");
	CHECK_EQ(terminal.column, 8);
	type("9");
	CHECK_STR(terminal_row(&terminal, 0), "789");
	type("漢\001");
	CHECK_STR(terminal_row(&terminal, 0), "123456789");
	CHECK_EQ(terminal.column, 0);
	type("\005");
	CHECK_STR(terminal_row(&terminal, 0), "789漢");
}
