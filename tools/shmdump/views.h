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

/*
 * Sessions in each room, counted from the memberships: a fact, where the
 * room's own count is a cache that only the lock's holder may read.  `counts`
 * has room for params.nrooms.
 */
void rooms_count_members(const struct dump *dump, uint32_t *counts);

/* A copy of room `room`.  Returns whether anybody is in it, by `counts`. */
bool rooms_get(const struct dump *dump, const uint32_t *counts, uint32_t room,
    struct room_shm *out);

#endif
