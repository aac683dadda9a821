/* SPDX-License-Identifier: MIT */
/*
 * The views: each prints what its name says about an open segment, as text
 * or, if dump->json, as JSON.  They return the program's exit code.
 */
#ifndef TOOLS_SHMDUMP_VIEWS_H
#define TOOLS_SHMDUMP_VIEWS_H

#include "tools/shmdump/dump.h"

int status_view(const struct dump *dump);
int workers_view(const struct dump *dump);
int rooms_view(const struct dump *dump);
int sessions_view(const struct dump *dump);
int ring_view(const struct dump *dump);
int locks_view(const struct dump *dump);
int verify_view(const struct dump *dump);
int metrics_view(const struct dump *dump);
int top_view(const struct dump *dump);

#endif
