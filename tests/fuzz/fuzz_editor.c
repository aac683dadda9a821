/* SPDX-License-Identifier: MIT */
/*
 * proxy/editor: the input's first bytes choose the terminal and where the keys
 * are cut; if asked for, what is kept in the beginning is nonsense.  However
 * keys are cut, and the editor loaded and saved in between, the events, the
 * lines and the state are the same, and the screen is what drawing the row anew
 * gives.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "proxy/editor.h"
#include "proxy/keys.h"
#include "proxy/telnet.h"
#include "shared/base/base.h"
#include "tests/harness/terminal.h"

#define INPUT_MAX 512
#define HEAD 8
#define LINE_MAX 64
#define STATE_MAX (EDITOR_STATE_MAX(LINE_MAX) + INPUT_MAX)

struct outcome {
	struct editor_view view;
	struct terminal terminal;
	char kept[STATE_MAX + INPUT_MAX];
	size_t len;
	uint64_t events; /* a sum over them and the lines */
};

static struct editor editor;

/* FNV-1a: order and contents matter. */
static void
add(uint64_t *sum, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*sum = (*sum ^ (unsigned char)bytes[i]) * 0x100000001b3;
}

static void
answer(struct outcome *o, enum editor_event event, struct output *out)
{
	static const char *const words[] = {
	    "", "one", "äÿ 漢字\t🌟", "x y z", "e\u0301\u0323\u200d"};
	unsigned wanted = editor_wanted(&editor);
	size_t len, end;
	const char *text = editor_text(&editor, &len), *word;

	add(&o->events, &(char){(char)event}, 1);
	switch (event) {
	case EDITOR_LINE:
		MUST(len <= LINE_MAX);
		add(&o->events, text, len);
		o->view.prompt_len = 0;
		break;
	case EDITOR_RECALL:
		MUST(wanted > 0 && wanted <= EDITOR_HISTORY_MAX);
		word = words[wanted % COUNT(words)];
		if (wanted < 40)
			editor_recall(&editor, wanted, word, strlen(word), out);
		else
			editor_ring(out);
		text = editor_pattern(&editor, &len);
		add(&o->events, text, len);
		break;
	case EDITOR_COMPLETE:
		word = words[editor_word(&editor, &end) % COUNT(words)];
		editor_replace(&editor, editor_word(&editor, &end), word,
		    strlen(word), out);
		break;
	default:
		break;
	}
}

/* The row as it would be drawn, and the cursor, are those on the screen. */
static void
check_row(const struct outcome *o)
{
	static char bytes[EDITOR_OUTPUT_MAX(LINE_MAX)];
	static char row[TERMINAL_WIDTH_MAX * TERMINAL_CELL_MAX];
	static struct terminal drawn;
	struct output out = {bytes, 0, sizeof(bytes)};

	terminal_init(&drawn, o->terminal.width, o->view.charset, o->view.ansi);
	editor_draw(&editor, &out);
	terminal_write(&drawn, out.bytes, out.len);
	strcpy(row, terminal_row(&drawn, drawn.row));
	MUST(drawn.row == 0);
	MUST(strcmp(row, terminal_row(&o->terminal, o->terminal.row)) == 0);
	MUST(drawn.column == o->terminal.column);
	out.len = 0;
	editor_erase(&editor, &out);
	terminal_write(&drawn, out.bytes, out.len);
	MUST(strcmp(terminal_row(&drawn, 0), "") == 0 && drawn.column == 0);
}

static void
feed(struct outcome *o, const uint8_t *in, size_t len)
{
	static char bytes[EDITOR_OUTPUT_MAX(LINE_MAX)];
	static char state[STATE_MAX], again[STATE_MAX];
	struct output out = {bytes, 0, sizeof(bytes)};
	enum editor_event event;
	size_t at, used, n;

	memcpy(o->kept + o->len, in, len);
	o->len += len;
	editor_init(&editor, &o->view);
	at = editor_load(&editor, o->kept, o->len);
	do {
		event = editor_keys(
		    &editor, o->kept + at, o->len - at, &used, &out);
		at += used;
		MUST(at <= o->len && out.len < out.size);
		terminal_write(&o->terminal, out.bytes, out.len);
		out.len = 0;
		if (event == EDITOR_NONE)
			break;
		answer(o, event, &out);
		MUST(out.len < out.size);
		terminal_write(&o->terminal, out.bytes, out.len);
		out.len = 0;
	} while (true);
	MUST(o->len - at < KEYS_SEQUENCE_MAX);
	check_row(o);
	n = editor_save(&editor, state, EDITOR_STATE_MAX(LINE_MAX));
	MUST(n <= EDITOR_STATE_MAX(LINE_MAX));
	editor_init(&editor, &o->view);
	MUST(editor_load(&editor, state, n) == n);
	MUST(editor_save(&editor, again, EDITOR_STATE_MAX(LINE_MAX)) == n);
	MUST(memcmp(state, again, n) == 0);
	memmove(o->kept + n, o->kept + at, o->len - at);
	memcpy(o->kept, state, n);
	o->len = n + o->len - at;
}

static void
begin(struct outcome *o, const uint8_t *head)
{
	static char bytes[EDITOR_OUTPUT_MAX(LINE_MAX)];
	struct output out = {bytes, 0, sizeof(bytes)};

	o->len = 0;
	o->events = 0;
	o->view = (struct editor_view){
	    .prompt = "Enter username: ",
	    .prompt_len = (head[0] & 1) != 0 ? 16 : 0,
	    .width = 10 + head[1] % 120,
	    .charset = (enum charset)(head[0] >> 1 & 3),
	    .ansi = (head[0] & 8) != 0,
	    .hidden = (head[0] & 0x30) == 0x30,
	    .max = LINE_MAX,
	};
	terminal_init(
	    &o->terminal, o->view.width, o->view.charset, o->view.ansi);
	editor_init(&editor, &o->view);
	editor_draw(&editor, &out);
	terminal_write(&o->terminal, out.bytes, out.len);
}

/* What a process gone wrong left: only that nothing bad happens. */
static void
nonsense(const uint8_t *head, const uint8_t *in, size_t len)
{
	static char bytes[EDITOR_OUTPUT_MAX(2 * INPUT_MAX)];
	static char state[STATE_MAX];
	struct output out = {bytes, 0, sizeof(bytes)};
	static struct outcome o;
	size_t at, used;

	begin(&o, head);
	terminal_init(&o.terminal, o.view.width, o.view.charset, o.view.ansi);
	memcpy(o.kept, in, len);
	at = editor_load(&editor, o.kept, len);
	MUST(at <= len);
	editor_draw(&editor, &out);
	terminal_write(&o.terminal, out.bytes, out.len);
	out.len = 0;
	(void)editor_keys(&editor, o.kept + at, len - at, &used, &out);
	MUST(used <= len - at);
	terminal_write(&o.terminal, out.bytes, out.len);
	MUST(editor_save(&editor, state, head[2]) <= head[2]);
	at = editor_plain(o.kept, len);
	MUST(at <= len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, cut;
	static uint8_t keys[INPUT_MAX];
	const uint8_t *in = data + HEAD;
	size_t len;

	if (size < HEAD || size > INPUT_MAX)
		return 0;
	len = size - HEAD;
	nonsense(data, in, len);
	memcpy(keys, in, len);
	for (size_t i = 0; i < len; i++) /* which telnet_decode sees to */
		if (keys[i] == TELNET_KEY_MARK)
			keys[i] = 0x1f;
	begin(&whole, data);
	feed(&whole, keys, len);
	begin(&cut, data);
	for (size_t i = 0, at = 0, n; at < len; at += n, i++) {
		n = MIN((size_t)data[2 + i % (HEAD - 2)] % 16 + 1, len - at);
		feed(&cut, keys + at, n);
	}
	if (len == 0)
		return 0;
	MUST(cut.events == whole.events);
	MUST(cut.len == whole.len);
	MUST(memcmp(cut.kept, whole.kept, cut.len) == 0);
	for (unsigned row = 0; row < TERMINAL_ROWS; row++) {
		static char seen[TERMINAL_WIDTH_MAX * TERMINAL_CELL_MAX];

		strcpy(seen, terminal_row(&cut.terminal, row));
		MUST(strcmp(seen, terminal_row(&whole.terminal, row)) == 0);
	}
	return 0;
}
