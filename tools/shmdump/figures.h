/* SPDX-License-Identifier: MIT */
/*
 * The figures that several views show: of the instance, its workers and its
 * rooms, gathered from an open segment in one go each.
 */
#ifndef TOOLS_SHMDUMP_FIGURES_H
#define TOOLS_SHMDUMP_FIGURES_H

#include "tools/shmdump/dump.h"

/* Truth values are 0 or 1. */
struct instance_figures {
	uint64_t pid; /* of the master */
	uint64_t alive, stopping;
	uint64_t started_us, uptime_s;
	uint64_t workers, running, restarts;
	uint64_t sessions, max_clients;
	uint64_t accepted, refused, closed; /* connections, ever */
	uint64_t rooms, max_rooms;          /* rooms: that somebody is in */
	uint64_t messages;
	uint64_t ring_size; /* bytes */
	uint64_t ring_oldest, ring_head, records;
	uint64_t segment_size; /* bytes */
	uint64_t repairs, repair_us_last, salvages, pool_empty;
};

struct worker_figures {
	uint64_t seat;
	const char *type;  /* NULL: one that we don't know */
	const char *state; /* NULL: the same */
	uint64_t pid;      /* 0: nobody sits there */
	uint64_t sleeping, sessions, restarts, heartbeat_ms;
	uint64_t lag, cursor, passes; /* lag: in records */
	uint64_t missed;              /* by its sessions: messages */
};

struct room_figures {
	uint32_t index;
	uint32_t members; /* counted, where the row's own count is a cache */
	struct room_shm row;
};

void figures_instance(const struct dump *dump, struct instance_figures *out);

/* "running", "stopping", "dead" or, of a file, "copy". */
const char *figures_state(const struct dump *dump);

/* A row for each seat.  Returns how many. */
size_t figures_workers(
    const struct dump *dump, struct worker_figures out[SEATS_MAX]);

/*
 * A row for each room that somebody is in, by index; `*out` is the caller's
 * to free.  Returns how many.
 */
size_t figures_rooms(const struct dump *dump, struct room_figures **out);

#endif
