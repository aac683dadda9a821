/* SPDX-License-Identifier: MIT */
/*
 * Fetching what is needed next, so that it comes in while a system call is
 * under way.  With some thousand sessions their rows are in no cache that is
 * near: what the kernel touches in between for each of them pushes them out.
 */
#ifndef WORKER_FETCH_H
#define WORKER_FETCH_H

#include <stddef.h>

#include "worker/worker.h"

/* A session's row, but for what it keeps; it will be written. */
static inline void
fetch_row(const struct worker *w, uint32_t slot)
{
	const char *row = (const char *)&w->seg.sessions[slot];

	for (size_t i = 0; i < offsetof(struct session_shm, kept);
	     i += CACHELINE)
		__builtin_prefetch(row + i, 1);
}

/* What is written in a room when somebody says something there. */
static inline void
fetch_room(const struct worker *w, uint32_t room)
{
	const struct room_shm *r = &w->seg.rooms[room];

	__builtin_prefetch(&r->gen, 1);
	__builtin_prefetch(&r->messages, 1);
	__builtin_prefetch(&r->seats, 1);
}

#endif
