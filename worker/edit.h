/* SPDX-License-Identifier: MIT */
/*
 * What edit.c (what is shown), typing.c (what keys do), recall.c (lines typed
 * before) and complete.c (names) know of each other.
 */
#ifndef WORKER_EDIT_H
#define WORKER_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/editor.h"
#include "worker/worker.h"

/* Bytes that erase a row, and that draw one: marks on letters take no column.
 */
#define ERASE_MAX ROW_OUTPUT_MAX(0)
#define DRAW_MAX ROW_OUTPUT_MAX(LIMIT_LINE_MAX + 128)

/* What editing one session after the other takes: nothing of it lasts. */
struct editing {
	struct editor editor;
	char before[ERASE_MAX], behind[DRAW_MAX];
	char answer[LIMIT_LINE_MAX]; /* to RECALL and COMPLETE */
	char plain[CHARSET_EXPANSION * LIMIT_LINE_MAX]; /* a line decoded */
	/* Of the last edit_consume: */
	size_t shown; /* bytes to be sent, in the staging area, */
	size_t lines; /* so many of them of whole lines */
	bool redraw;  /* the row is to be drawn anew, */
	bool resized; /* also if that was shown */
	size_t state_len;
	char state[]; /* of the line that begins there; then what is kept */
};

/* Begin an empty row for who has that telnet state and is in that state. */
struct editor *edit_begin(
    struct worker *w, const struct telnet_shm *t, unsigned state);

/* Is something else to be sent before what is typed can be shown? */
bool edit_is_behind(const struct worker *w, uint32_t slot);

/* To be kept: the state at the front of e->state, and the text behind it. */
struct rest edit_rest(const struct worker *w, size_t from, size_t len);

/* Nothing is shown, and all of the text from `from` on is kept. */
struct rest edit_nothing(const struct worker *w, size_t from, size_t len);

/*
 * A line that the session has typed before, as it was typed but for what made
 * the text safe: what it has said that is still in the ring, and among the last
 * 65536 records there.  Step 1 is the newest one; the same line several times
 * in a row is one step.  With a pattern: the first line at that step or behind
 * it that contains these bytes; *found is the step it is at, at most
 * EDITOR_HISTORY_MAX.
 *
 * `line` has room for settings.max_line bytes, and gets *len of them; what is
 * longer is cut between two characters.  False if there is no such line; then
 * line and *len mean nothing.
 *
 * What is only gathered to be published is not in the ring yet: see
 * talk_flush.  Takes the lock for a moment for each private message that it
 * comes by, and writes over w->scratch.
 */
bool recall_line(struct worker *w, uint32_t slot, unsigned step,
    const char *pattern, size_t pattern_len, unsigned *found, char *line,
    size_t *len);

/*
 * What the word text[from, end) of a line of `len` bytes may become: a command
 * at the line's beginning, a room behind "/join" and "/who", the name of
 * somebody in the session's room elsewhere (one's own only if there is no
 * other), and nothing where no name belongs.  ASCII case counts for nothing,
 * and becomes what it is in the name.
 *
 * Puts it into `word`, of `size` bytes, and returns how many it is.  With one
 * candidate, *unique: the whole of it and a blank, or ": " behind a name that
 * begins a message; a blank that stands there already is not doubled.  With
 * several: what they have in common, if that is more than was typed.
 * Otherwise, and if it doesn't fit: 0.
 *
 * Takes the lock several times, for some rows of a table each.
 */
size_t complete_word(struct worker *w, uint32_t slot, const char *text,
    size_t len, size_t from, size_t end, char *word, size_t size, bool *unique);

#endif
