/* SPDX-License-Identifier: MIT */
/* proxy/editor: what keys do, and what is kept. */
#include "tests/harness/test.h"

#include <string.h>

#include "proxy/editor.h"
#include "tests/harness/terminal.h"

#define UP "\033[A"
#define DOWN "\033[B"
#define RIGHT "\033[C"
#define LEFT "\033[D"
#define PASTED(text) "\033[200~" text "\033[201~"

static struct editor editor;
static struct terminal terminal;
static char output_bytes[EDITOR_OUTPUT_MAX(LIMIT_LINE_MAX)];
static struct editor_view view;
static char kept[EDITOR_STATE_MAX(LIMIT_LINE_MAX) + 4096];
static size_t kept_len;
static const char *const history[] = {"three", "two times", "one"};

/* A new session with a terminal of that width. */
static void
begin(unsigned width)
{
	view = (struct editor_view){
	    .prompt = "",
	    .width = width,
	    .ansi = true,
	    .max = LIMIT_LINE_DEFAULT,
	};
	terminal_init(&terminal, width, CHARSET_UTF8, true);
	kept_len = 0;
}

static void
show(const struct output *out)
{
	terminal_write(&terminal, out->bytes, out->len);
}

/* What a server does that has a history, and nothing else. */
static void
recall(struct editor *e, struct output *out)
{
	size_t len;
	const char *pattern = editor_pattern(e, &len);
	unsigned step = editor_wanted(e);

	for (; step <= COUNT(history); step++) {
		const char *line = history[step - 1];

		if (memmem(line, strlen(line), pattern, len) != NULL) {
			editor_recall(e, step, line, strlen(line), out);
			return;
		}
	}
	editor_ring(out);
}

/*
 * Keys come; as a server would, load, consume and keep.  Returns the first
 * event that is not a step in the history; what is behind it stays.
 */
static enum editor_event
keys_of(const char *keys, size_t len)
{
	struct output out = {output_bytes, 0, sizeof(output_bytes)};
	char rest[4096], state[sizeof(kept)];
	enum editor_event event;
	size_t at, used, n;

	CHECK(kept_len + len <= sizeof(kept));
	memcpy(kept + kept_len, keys, len);
	kept_len += len;
	editor_init(&editor, &view);
	at = editor_load(&editor, kept, kept_len);
	do {
		event =
		    editor_keys(&editor, kept + at, kept_len - at, &used, &out);
		at += used;
		if (event == EDITOR_RECALL)
			recall(&editor, &out);
	} while (event == EDITOR_RECALL);
	show(&out);
	n = editor_save(&editor, state, sizeof(state) - 4096);
	CHECK(kept_len - at <= sizeof(rest));
	memcpy(rest, kept + at, kept_len - at);
	memcpy(kept, state, n);
	memcpy(kept + n, rest, kept_len - at);
	kept_len = n + kept_len - at;
	return event;
}

static enum editor_event
keys(const char *bytes)
{
	return keys_of(bytes, strlen(bytes));
}

/* The row shows this, and the cursor stands before its last `behind` columns.
 */
static void
check_row(const char *row, unsigned behind)
{
	size_t columns = strlen(row); /* of ASCII */

	CHECK_STR(terminal_row(&terminal, terminal.row), row);
	CHECK_EQ(terminal.column, columns - behind);
}

static void
check_line(const char *line)
{
	size_t len;
	const char *text = editor_text(&editor, &len);

	CHECK_MEM(text, len, line, strlen(line));
}

/* Typed on an empty line, the keys give this line. */
static void
check_keys(const char *typed, const char *line)
{
	begin(80);
	CHECK_EQ(keys(typed), EDITOR_NONE);
	CHECK_EQ(keys("\n"), EDITOR_LINE);
	check_line(line);
	CHECK_EQ(keys(""), EDITOR_NONE);
}

/* What is typed at the end of the line goes out as it came in. */
static void
check_echo(const char *typed, const char *echo)
{
	struct output out = {output_bytes, 0, sizeof(output_bytes)};
	size_t used;

	editor_init(&editor, &view);
	(void)editor_load(&editor, kept, kept_len);
	editor_keys(&editor, typed, strlen(typed), &used, &out);
	CHECK_EQ(used, strlen(typed));
	CHECK_MEM(out.bytes, out.len, echo, strlen(echo));
	kept_len = editor_save(&editor, kept, sizeof(kept));
}

TEST(typing_at_the_end_echoes_what_is_typed_and_no_more)
{
	begin(80);
	check_echo("H", "H");
	check_echo("ello", "ello");
	check_echo(" äöü🌟漢", " äöü🌟漢");
	check_echo("\x7f", "\b\b\033[K");
	check_echo("a\x7f", "");
	check_echo("a", "a");
	check_echo("\b", "\b \b");
	check_echo(LEFT, "\b\b");
	check_echo(RIGHT, "🌟");
	check_echo("\n", "\r\n");
	CHECK_EQ(kept_len, 0);
}

TEST(a_line_is_told_when_it_is_finished)
{
	begin(80);
	CHECK_EQ(keys("Hello"), EDITOR_NONE);
	check_row("Hello", 0);
	CHECK_EQ(keys("!\nand"), EDITOR_LINE);
	check_line("Hello!");
	CHECK_EQ(keys(" more"), EDITOR_NONE);
	check_row("and more", 0);
	CHECK_STR(terminal_row(&terminal, 0), "Hello!");
	CHECK_EQ(keys("\n\n"), EDITOR_LINE);
	CHECK_EQ(keys(""), EDITOR_LINE);
	check_line("");
	CHECK_EQ(kept_len, 0);
}

TEST(each_key_moves_kills_or_changes_as_it_should)
{
	check_keys("abc" LEFT LEFT "x", "axbc");
	check_keys("abc\002\002x", "axbc");
	check_keys("abc" LEFT LEFT RIGHT "x", "abxc");
	check_keys("abc\002\002\006x", "abxc");
	check_keys("abc\001x", "xabc");
	check_keys("abc\001x\005y", "xabcy");
	check_keys("abc\002\x7f", "ac");
	check_keys("abc\002\b", "ac");
	check_keys("abc\002\002\033[3~", "ac");
	check_keys("abc\002\002\004", "ac");
	check_keys("one two\002\002\002\013", "one ");
	check_keys("one two\002\002\002\025", "two");
	check_keys("one two  \027", "one ");
	check_keys("one a-b\027", "one ");
	check_keys("one a-b\033\x7f", "one a-");
	check_keys("one two\027\027\031", "one ");
	check_keys("one two\027\001\031", "twoone ");
	check_keys("one two\033b\033bx", "xone two");
	check_keys("one two\001\033fx", "onex two");
	check_keys("one two\001\033f\033dx", "onex");
	check_keys("one, two\001\033d", ", two");
	check_keys("ab\024", "ba");
	check_keys("abc\001\006\024x", "baxc");
	check_keys("a\024", "a");
	check_keys("abcx\014y", "abcxy");
	check_keys("a\000b\026\035\036c", "a");
}

TEST(arrows_home_and_end_have_many_dialects)
{
	static const char *const homes[] = {
	    "\033[H", "\033OH", "\033[1~", "\033[7~", "\033[1;2H", "\001"};
	static const char *const ends[] = {
	    "\033[F", "\033OF", "\033[4~", "\033[8~", "\033[1;2F", "\005"};
	static const char *const words[] = {
	    "\033b", "\033B", "\033[1;5D", "\033[1;3D", "\033\033b", "\033Od"};
	char typed[64];

	for (size_t i = 0; i < COUNT(homes); i++) {
		strcpy(typed, "a bc");
		strcat(typed, homes[i]);
		strcat(typed, "x");
		strcat(typed, ends[i]);
		strcat(typed, "y");
		check_keys(typed, "xa bcy");
		strcpy(typed, "a bc");
		strcat(typed, words[i]);
		strcat(typed, "x");
		check_keys(typed, "a xbc");
	}
	check_keys("a bc\033[Dx\033[Cy", "a bxcy");
	check_keys("a bc\033ODx\033OCy", "a bxcy");
	check_keys("a bc\033[1;2Dx", "a bxc");
}

TEST(keys_that_mean_nothing_type_nothing)
{
	check_keys(
	    "a\033[15~\033OP\033[[A\033[2~\033[5~\033[1;2R\033[Ib", "ab");
	check_keys("a\033xb\033\033[2~c\033[?1;2cd", "abcd");
	check_keys("a\033[99999999999999999999999999999999Kb", "a99Kb");
	begin(80);
	CHECK_EQ(keys("a\033[1\nb"), EDITOR_LINE);
	check_line("a");
	check_keys("a\xc2\x9b"
		   "b\xe2\x80\xae"
		   "c\xe2\x80\xa8"
		   "d",
	    "abcd");
}

TEST(bytes_that_are_no_utf8_are_typed_as_such)
{
	check_keys("a\xff\xc3(b", "a\xef\xbf\xbd\xef\xbf\xbd(b");
	check_keys("\xe4", "\xef\xbf\xbd");
	check_keys("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(what_joins_goes_with_the_character_before_it)
{
	check_keys("ae\xcc\x81\x7f", "a");
	check_keys("ae\xcc\x81" LEFT "x", "axe\xcc\x81");
	check_keys("e\xcc\x81\xcc\xa3"
		   "b\001\004",
	    "b");
	check_keys("\xcc\x81"
		   "b",
	    "b");
	check_keys("be\xcc\x81\024", "e\xcc\x81"
				     "b");
}

TEST(a_line_has_max_line_bytes_and_rings_at_more)
{
	char typed[200];

	begin(80);
	view.max = 64;
	memset(typed, 'x', sizeof(typed));
	CHECK_EQ(keys_of(typed, 63), EDITOR_NONE);
	CHECK_EQ(terminal.bells, 0);
	keys("ä");
	CHECK_EQ(terminal.bells, 1);
	keys_of(typed, 200);
	CHECK_EQ(terminal.bells, 2);
	CHECK_EQ(keys("\n"), EDITOR_LINE);
	typed[64] = '\0';
	check_line(typed);
	/* Yanked over the limit: nothing. */
	keys("0123456789012345678901234567890123456789\025\031");
	CHECK_EQ(terminal.bells, 2);
	keys("\031");
	CHECK_EQ(terminal.bells, 3);
	check_row("0123456789012345678901234567890123456789", 0);
}

TEST(ctrl_d_on_an_empty_line_is_the_end)
{
	begin(80);
	CHECK_EQ(keys("a\x7f\004"), EDITOR_END);
	CHECK_EQ(keys("a\004"), EDITOR_NONE);
	CHECK_EQ(terminal.bells, 1);
}

TEST(ctrl_c_clears_the_line_and_is_told)
{
	begin(80);
	CHECK_EQ(keys("abc\002"), EDITOR_NONE);
	CHECK_EQ(keys("\003"), EDITOR_INTERRUPT);
	check_row("", 0);
	CHECK_EQ(kept_len, 0);
	CHECK_EQ(keys("\017"), EDITOR_DISCARD);
	CHECK_EQ(keys("\036"), EDITOR_THERE);
}

TEST(up_and_down_go_through_the_history_and_back_to_what_was_typed)
{
	begin(80);
	keys("draft" LEFT UP);
	check_row("three", 0);
	keys(UP);
	check_row("two times", 0);
	keys("\020\020");
	check_row("one", 0);
	CHECK_EQ(terminal.bells, 1);
	keys(DOWN "\016");
	check_row("three", 0);
	keys(DOWN);
	check_row("draft", 0);
	keys(DOWN);
	CHECK_EQ(terminal.bells, 2);
	keys(UP UP "!\007");
	check_row("draft", 0);
	keys(UP UP "!");
	CHECK_EQ(keys("\n"), EDITOR_LINE);
	check_line("two times!");
	keys(DOWN);
	check_row("", 0);
}

TEST(ctrl_r_searches_the_history_for_what_is_typed)
{
	begin(80);
	keys("t\022");
	check_row("three", 0);
	keys("\022");
	check_row("two times", 0);
	keys("\022");
	check_row("two times", 0);
	CHECK_EQ(terminal.bells, 1);
	keys("\007");
	check_row("t", 0);
	keys("\022\022" LEFT "!");
	CHECK_EQ(keys("\n"), EDITOR_LINE);
	check_line("two time!s");
	keys("nowhere\022");
	check_row("nowhere", 0);
	keys("x\022\007");
	check_row("nowherex", 0);
}

TEST(tab_asks_for_the_word_before_the_cursor_to_be_completed)
{
	struct output out = {output_bytes, 0, sizeof(output_bytes)};
	size_t from, end;

	begin(80);
	CHECK_EQ(keys("hi al, x" LEFT LEFT LEFT), EDITOR_NONE);
	CHECK_EQ(keys("\t"), EDITOR_COMPLETE);
	from = editor_word(&editor, &end);
	CHECK_EQ(from, 3);
	CHECK_EQ(end, 5);
	editor_replace(&editor, from, "Alice", 5, &out);
	show(&out);
	check_row("hi Alice, x", 3);
}

TEST(a_paste_of_several_lines_is_several_lines)
{
	begin(80);
	CHECK_EQ(keys("a " PASTED("one\ttwo\003\033[D\nthree\n\024four")),
	    EDITOR_LINE);
	check_line("a one\ttwo");
	CHECK_STR(terminal_row(&terminal, 0), "a one two");
	CHECK_EQ(keys(""), EDITOR_LINE);
	check_line("three");
	CHECK_EQ(keys("\002!"), EDITOR_NONE);
	check_row("fou!r", 1);
	keys("\003\033[200~a\tb");
	keys("\tc\033[2");
	CHECK_EQ(keys("01~\t"), EDITOR_COMPLETE);
	check_row("a b c", 0);
}

TEST(a_password_is_not_seen_and_not_remembered)
{
	size_t written;

	begin(80);
	view.prompt = "Enter password: ";
	view.prompt_len = strlen(view.prompt);
	view.hidden = true;
	terminal_write(&terminal, view.prompt, view.prompt_len);
	written = terminal.written;
	keys("secrex" LEFT "\027x\005\b\t");
	keys(UP);
	CHECK_EQ(terminal.bells, 1);
	CHECK_EQ(terminal.written, written + 1);
	keys("\031\003secret");
	CHECK_EQ(keys("\n"), EDITOR_LINE);
	check_line("secret");
	CHECK_STR(terminal_row(&terminal, 0), "Enter password:");
	CHECK_EQ(terminal.row, 1);
	CHECK_EQ(kept_len, 0);
	editor_wipe(&editor);
	CHECK(memmem(&editor, sizeof(editor), "secre", 5) == NULL);
}

/* What is kept. */

TEST(a_session_that_types_nothing_keeps_nothing)
{
	begin(80);
	keys("abc\n");
	keys("abc\x7f\x7f\x7f\033[D");
	CHECK_EQ(kept_len, 0);
}

TEST(a_line_is_kept_with_its_cursor_in_as_few_bytes_as_it_takes)
{
	begin(80);
	keys("abcdef");
	CHECK_MEM(kept, kept_len, "abcdef\034", 7);
	keys(LEFT LEFT);
	CHECK_MEM(kept, kept_len, "abcdef\2\2\034", 9);
	keys("\001\006");
	CHECK_MEM(kept, kept_len, "abcdef\1\6\034", 9);
	keys("\025");
	CHECK_MEM(kept, kept_len, "a\025bcdef\1\034", 9);
	keys("\005" UP);
	CHECK_MEM(kept, kept_len, "a\025bcdef\020three\034", 14);
	keys("\022\033[200~");
	CHECK_MEM(kept, kept_len, "a\025three\020three\026\034", 15);
	keys("\xf0\x9f\033");
	CHECK_MEM(
	    kept, kept_len, "a\025three\020three\xef\xbf\xbd\026\034\033", 19);
}

TEST(what_does_not_fit_is_left_out_the_line_last)
{
	char place[64];

	begin(80);
	keys("killed\025text" UP "\001");
	editor_init(&editor, &view);
	CHECK(editor_load(&editor, kept, kept_len) == kept_len);
	CHECK_EQ(editor_save(&editor, place, 64), kept_len);
	for (size_t size = 0; size < 64; size++) {
		size_t n = editor_save(&editor, place, size);

		CHECK(n <= size);
		if (size >= 19)
			CHECK_MEM(place, n, kept, kept_len);
		else if (size >= 12)
			CHECK_MEM(place, n, "text\020three\1\034", 12);
		else if (size >= 7)
			CHECK_MEM(place, n, "three\1\034", 7);
	}
}

TEST(a_state_that_is_nonsense_harms_nothing)
{
	struct output out = {output_bytes, 0, sizeof(output_bytes)};
	static const char nonsense[] =
	    "\6\6\2\2\25\25\22\20\22x\1\2\2\6\26\2y\377\300\20z\34";

	begin(80);
	memcpy(kept, nonsense, sizeof(nonsense) - 1);
	kept_len = sizeof(nonsense) - 1;
	editor_init(&editor, &view);
	CHECK_EQ(editor_load(&editor, kept, kept_len), kept_len);
	editor_draw(&editor, &out);
	show(&out);
	keys("abc" LEFT "\020\016\031");
	keys("\033[201~\003"); /* a paste was going on */
	check_row("", 0);
}

TEST(in_line_mode_telnet_commands_edit_and_nothing_else_does)
{
	static const struct {
		const char *line, *is;
	} cases[] = {
	    {"hello", "hello"},
	    {"helk\x7flo", "hello"},
	    {"a\xc3\xa4\x7f", "a"},
	    {"\x7f\x7f"
	     "a",
		"a"},
	    {"hello\025bye", "bye"},
	    {"hello\003bye", "bye"},
	    {"a\017\004b", "ab"},
	    {"killed\025he\020hello\2\034 you", "hello you"},
	};
	char line[64];

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].line);

		memcpy(line, cases[i].line, len);
		len = editor_plain(line, len);
		CHECK_MEM(line, len, cases[i].is, strlen(cases[i].is));
	}
}
