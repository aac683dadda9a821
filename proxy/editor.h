/* SPDX-License-Identifier: MIT */
/*
 * The line editor of a session in edit mode: keys in, what the terminal is to
 * show out, and lines.
 *
 * What is typed but not finished is kept by the caller, as bytes: the state of
 * the editor, which ends in TELNET_KEY_MARK, and behind it keys that are not
 * consumed yet.  So the caller does, for a session that keeps `kept`:
 *
 *	editor_init(e, &view);
 *	at = editor_load(e, kept, len);
 *	do {
 *		event = editor_keys(e, kept + at, len - at, &used, &out);
 *		at += used;
 *		... see to the event, which may call editor_set and the like
 *	} while (event != EDITOR_NONE);
 *	state = editor_save(e, place, size);
 *	... keep the state and kept[at, len) behind it
 *
 * and sends `out` when that is kept.  If it is killed between the two, what is
 * kept is right, and the row is put right by editor_erase and editor_draw, as
 * it is around lines from others.
 *
 * The state holds the text as UTF-8, the cursor, where the user is in the
 * history and what was typed before that, and what was killed last:
 *
 *   [killed ^U] [origin [^R] ^P...] text [^B... or ^A ^F...] [^V] mark
 *
 * ^P once for each step back in the history, ^R if it is searched for `origin`;
 * the cursor as steps from the end or the beginning, whichever is less; ^V
 * while a paste goes on.  Nothing at all is an empty line.
 *
 * Pure functions of the editor and the bytes: no memory, no sockets.  What is
 * kept may come from a process gone wrong, and harms nothing.
 */
#ifndef PROXY_EDITOR_H
#define PROXY_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/row.h"
#include "shared/chat/limits.h"

/* What a session's terminal is like, and what it types. */
struct editor_view {
	const char *prompt; /* stands before the text, in the same row */
	size_t prompt_len;
	unsigned width; /* of the window, as told; 0: not told */
	enum charset charset;
	bool ansi;   /* TERMINAL_ANSI */
	bool hidden; /* a password: nothing of it is seen or remembered */
	size_t max;  /* bytes that the text may have */
};

struct editor_text {
	size_t len;
	char bytes[LIMIT_LINE_MAX];
};

/* For all of a worker's sessions, one at a time; only editor.c looks into it.
 */
struct editor {
	struct screen screen;
	const char *prompt;
	size_t prompt_len;
	size_t max;
	bool hidden;
	bool pasting;
	bool searching;
	bool finished;     /* the text was told as a line, and is gone */
	bool bell;         /* is to be rung */
	bool redraw;       /* the user wants it drawn anew */
	unsigned recalled; /* steps back in the history; 0: a new line */
	unsigned wanted;
	size_t cursor;
	struct editor_text text;
	size_t seen_cursor; /* and `seen`: what is on the screen */
	struct editor_text seen;
	struct editor_text killed;
	struct editor_text origin;
};

enum editor_event {
	EDITOR_NONE,      /* all is consumed that can be */
	EDITOR_LINE,      /* a line is finished: editor_text */
	EDITOR_RECALL,    /* line editor_wanted of the history: editor_recall */
	EDITOR_COMPLETE,  /* the word before the cursor: editor_replace */
	EDITOR_INTERRUPT, /* Ctrl-C, IP: the line is cleared already */
	EDITOR_END,       /* Ctrl-D on an empty line */
	EDITOR_DISCARD,   /* Ctrl-O, AO: no more of a long reply */
	EDITOR_THERE,     /* AYT: say so, above the line */
};

/* Steps that one can go back in the history. */
#define EDITOR_HISTORY_MAX 200

/* Bytes that one call puts out, and that a state has, of lines up to `max`. */
#define EDITOR_OUTPUT_MAX(max) ROW_OUTPUT_MAX((max) + 128)
#define EDITOR_STATE_MAX(max) (3 * (max) + (max) / 2 + EDITOR_HISTORY_MAX + 8)

/* An empty line.  The prompt's bytes stay the caller's, 128 at most. */
void editor_init(struct editor *e, const struct editor_view *view);

/* Forget what it holds, which may be a password: no byte of it stays. */
void editor_wipe(struct editor *e);

/*
 * Go on with the state at the front of kept[0, len), which is on the screen.
 * Returns its bytes; 0 if there is none, and all is keys.
 */
size_t editor_load(struct editor *e, const char *kept, size_t len);

/*
 * The state, for editor_load: at most `size` bytes, of which it returns how
 * many.  What doesn't fit is left out: first what was killed, then the
 * history, and only then the line.  With an empty line a small `size` saves the
 * caller to keep much for what was killed.
 */
size_t editor_save(const struct editor *e, char *place, size_t size);

/*
 * Consume keys, up to the first event; *used is how many bytes.  An escape
 * sequence or a character that is cut at the end stays, of less than
 * KEYS_SEQUENCE_MAX bytes.  `out` needs room for EDITOR_OUTPUT_MAX(max) bytes.
 * However the keys are cut into calls, the events and the screen are the same.
 *
 * Text over `max` bytes is not taken, and the bell rung once a call.
 */
enum editor_event editor_keys(struct editor *e, const char *keys, size_t len,
    size_t *used, struct output *out);

/* The text, in UTF-8; at EDITOR_LINE the line, until the next call. */
const char *editor_text(const struct editor *e, size_t *len);

/* Where the word before the cursor begins and ends in the text. */
size_t editor_word(const struct editor *e, size_t *end);

/*
 * EDITOR_RECALL: the step back in the history that is wanted, 1 being the line
 * before; and what it is to contain, if it is searched for: then it may also be
 * an older one.
 */
unsigned editor_wanted(const struct editor *e);
const char *editor_pattern(const struct editor *e, size_t *len);

/* The answer to it: line `step` of the history is this. */
void editor_recall(struct editor *e, unsigned step, const char *text,
    size_t len, struct output *out);

/* The text from `from` up to the cursor is to be this. */
void editor_replace(struct editor *e, size_t from, const char *text, size_t len,
    struct output *out);

/* There is nothing of the kind: rings the bell. */
void editor_ring(struct output *out);

/*
 * What comes before and behind lines from others, so that they appear above the
 * line that is edited.  Both put out nothing if its row is empty.
 */
void editor_erase(const struct editor *e, struct output *out);
void editor_draw(const struct editor *e, struct output *out);

/* The same as editor_erase where what is on the row is not known. */
void editor_blank(const struct editor *e, struct output *out);

/*
 * What is on the row is not known, as after a death: it becomes what it should
 * be.
 */
void editor_repair(const struct editor *e, struct output *out);

/*
 * A line in line mode, where nothing is edited but by telnet commands: EC takes
 * back a character, EL, IP and BRK all.  What was typed before that, in edit
 * mode, counts.  In place; returns the bytes left.
 */
size_t editor_plain(char *line, size_t len);

#endif
