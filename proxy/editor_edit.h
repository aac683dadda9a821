/* SPDX-License-Identifier: MIT */
/* What the files of the editor have in common; for nobody else. */
#ifndef PROXY_EDITOR_EDIT_H
#define PROXY_EDITOR_EDIT_H

#include "proxy/editor.h"
#include "proxy/keys.h"

void editor_text_copy(struct editor_text *to, const char *bytes, size_t len);

/*
 * The text [from, to) is to be this, the cursor behind it; if there would be
 * too much of it, the bell is to be rung instead.
 */
void editor_splice(
    struct editor *e, size_t from, size_t to, const char *bytes, size_t len);

/* Where the word before the cursor begins, or the last one before blanks. */
size_t editor_word_left(const struct editor *e, bool blanks_too);

/* Do what a key does that changes the text or moves in it. */
void editor_edit(struct editor *e, enum key key, uint32_t code);

#endif
