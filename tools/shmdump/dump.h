/* SPDX-License-Identifier: MIT */
/*
 * What shmdump looks at: an instance's segment, mapped read-only, and copies
 * of its rows.
 *
 * Nothing that comes out of the segment is trusted.  It may come from a
 * process gone wrong, and on a live instance it changes while it is read; so
 * a row is copied first, then each length and index in the copy is checked,
 * and what doesn't make sense is shown as absent.
 */
#ifndef TOOLS_SHMDUMP_DUMP_H
#define TOOLS_SHMDUMP_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/figures.h"
#include "shared/shm/segment.h"
#include "shared/shm/tables.h"

struct dump {
	struct segment seg;
	/* As asked for. */
	bool json;
	bool follow;      /* ring: go on with what comes */
	const char *room; /* ring: only this room's; NULL: all */
	uint64_t count;   /* ring: the last so many; UINT64_MAX: all */
	bool private;     /* ring: the text of private messages too */
	/* What it is. */
	bool is_file; /* a copy: nothing in it is alive */
	bool alive;   /* does the master live? */
	/*
	 * The moment that ages count from (CLOCK_REALTIME), and heartbeats
	 * (CLOCK_MONOTONIC): now, or the last sign of life of a dead instance.
	 */
	uint64_t now_us, beat_us;
	uint64_t head; /* as of dump_refresh */
	struct status_shm status;
	char instance[INSTANCE_MAX + 1];
	char version[16];
};

/*
 * Attach to the instance `name`.  Returns 0, or -1 after a line on standard
 * error that says why not.
 */
int dump_open(struct dump *dump, const char *name);

/* The same for the ordinary file `path`, which has a segment's bytes. */
int dump_open_file(struct dump *dump, const char *path);

/* Look again: head, status, clocks, and whether the master lives. */
void dump_refresh(struct dump *dump);

/* Does the master live now?  A file has none. */
bool dump_is_alive(const struct dump *dump);

void dump_close(struct dump *dump);

/*
 * The name of the room with this index and generation, as the tables have it
 * now.  Returns its length, 0 when there is no such room.
 */
size_t dump_room_name(const struct dump *dump, uint32_t room, uint32_t gen,
    char name[LIMIT_ROOM]);

/* It, as of the last dump_refresh. */
struct figures_moment dump_moment(const struct dump *dump);

/* "running", "stopping", "dead" or, of a file, "copy". */
const char *dump_state(const struct dump *dump);

/*
 * A row for each room that somebody is in, by index; `*out` is the caller's
 * to free.  Returns how many.
 */
size_t dump_rooms(const struct dump *dump, struct room_figures **out);

#endif
