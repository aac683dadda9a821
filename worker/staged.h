/* SPDX-License-Identifier: MIT */
/*
 * Rows of the staging area: which records they are, and whose.  Inline, since
 * a fan-out looks at each row once for each member.
 */
#ifndef WORKER_STAGED_H
#define WORKER_STAGED_H

#include <string.h>

#include "worker/worker.h"

/* Did the session say it itself? */
static inline bool
staged_is_own(const struct staged *row, uint32_t slot, uint32_t gen)
{
	return row->sender == slot && row->sender_gen == gen &&
	       record_is_talk(row->type);
}

/* Was it said by somebody whom the session ignores? */
static inline bool
staged_is_ignored(const struct staged *row, const struct session_shm *s)
{
	if (row->name_hash == 0 ||
	    (row->type != RECORD_PRIVATE && !record_is_talk(row->type)))
		return false;
	for (size_t i = 0; i < IGNORED_MAX; i++)
		if (s->ignored[i] == row->name_hash)
			return true;
	return false;
}

/* Does the session read this record? */
static inline bool
staged_is_for(
    const struct staged *row, const struct session_shm *s, uint32_t slot)
{
	if (row->type == RECORD_PRIVATE &&
	    (row->target != slot || row->target_gen != s->gen))
		return false;
	return row->room_gen == s->half.room_gen &&
	       row->record < s->half.until &&
	       !staged_is_own(row, slot, s->gen) && !staged_is_ignored(row, s);
}

/* First row of the table with records at or behind record `n`. */
static inline uint32_t
staged_at(const struct staging_shm *st, uint64_t n)
{
	uint32_t low = 0, high = st->count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (st->table[mid].record + st->table[mid].count <= n)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Bounds as of a process gone wrong: a row within the staging area. */
static inline bool
staged_is_sound(const struct staged *row)
{
	return row->off <= STAGING_BYTES &&
	       row->len <= STAGING_BYTES - row->off;
}

/* Take the first record off the row, which has several. */
static inline void
staged_shift(const struct staging_shm *st, struct staged *row)
{
	const char *line = st->bytes + row->off;
	const char *lf = memchr(line, '\n', row->len);
	uint32_t len = lf != NULL ? (uint32_t)(lf - line) + 1 : row->len;

	row->record++;
	row->room_msg++; /* runs are of messages */
	row->count--;
	row->off += len;
	row->len -= len;
}

/*
 * The row without its records before `first`: itself nearly always, or else
 * *part.  One who lagged may have been served up to the middle of a run.
 */
static inline const struct staged *
staged_from(const struct staging_shm *st, const struct staged *row,
    uint64_t first, struct staged *part)
{
	if (row->record >= first || row->count == 1 || !staged_is_sound(row))
		return row;
	*part = *row;
	while (part->count > 1 && part->record < first)
		staged_shift(st, part);
	return part;
}

/* Messages in the row. */
static inline uint32_t
staged_messages(const struct staged *row)
{
	return record_is_talk(row->type) ? row->count : 0;
}

#endif
