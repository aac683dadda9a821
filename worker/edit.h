/* SPDX-License-Identifier: MIT */
#ifndef WORKER_EDIT_H
#define WORKER_EDIT_H
#include "worker/worker.h"
bool recall_line(struct worker *w, uint32_t slot, unsigned step, const char *pattern, size_t pattern_len, unsigned *found, char *line, size_t *len);
size_t complete_word(struct worker *w, uint32_t slot, const char *text, size_t len, size_t from, size_t end, char *word, size_t size, bool *unique);
#endif
