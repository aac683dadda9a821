/* SPDX-License-Identifier: MIT */
/*
 * A line that is edited, as simple as can be: a list of what the cursor steps
 * over, each of them a string.
 */
#ifndef TESTS_HARNESS_LINE_MODEL_H
#define TESTS_HARNESS_LINE_MODEL_H

#include <stddef.h>

#define MODEL_STEPS_MAX 120 /* in one line */
#define MODEL_KEYS 22
#define MODEL_CTRL_D 9 /* one of them */
#define MODEL_YANK 17  /* goes only as far as the steps do */

struct line_model {
	char step[MODEL_STEPS_MAX + 1][32];
	size_t count, cursor;
	char killed[MODEL_STEPS_MAX][32];
	size_t killed_count;
};

/* What terminals send for the keys. */
extern const char *const line_model_keys[MODEL_KEYS];

void line_model_key(struct line_model *m, size_t key);

/* A character is typed; one that joins has no step of its own. */
void line_model_character(struct line_model *m, const char *character);

#endif
