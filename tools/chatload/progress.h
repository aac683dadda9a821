/* SPDX-License-Identifier: MIT */
/* How far a run is, for who watches: one line on standard error. */
#ifndef TOOLS_CHATLOAD_PROGRESS_H
#define TOOLS_CHATLOAD_PROGRESS_H

#include <stdbool.h>

/*
 * Whether it is time to show something again: a few times a second when
 * standard error is a terminal, never otherwise.
 */
bool progress_due(void);

/* Replaces what was shown. */
void progress_show(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Removes it. */
void progress_end(void);

#endif
