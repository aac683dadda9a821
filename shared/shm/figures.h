/* SPDX-License-Identifier: MIT */
/*
 * Figures about a segment, for people and for Prometheus: of the instance as
 * a whole, and of its workers.
 *
 * They are read without the lock while others write, and nothing is trusted:
 * a row is copied first, then what is in the copy is checked.  Caches of the
 * tables, which only the lock's holder may read, are counted instead.
 */
#ifndef SHARED_SHM_FIGURES_H
#define SHARED_SHM_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/segment.h"
#include "shared/shm/tables.h"

/* A segment, as of a moment; mapped for reading at least. */
struct figures_moment {
	const struct segment *seg;
	bool alive;       /* does its master live? */
	uint64_t now_us;  /* CLOCK_REALTIME: ages count to here, */
	uint64_t beat_us; /* CLOCK_MONOTONIC: and heartbeats to here */
	uint64_t head;    /* of the ring */
	/* The names of the types of workers, by number. */
	const char *const *types;
	size_t ntypes;
};

/* The reasons why connections are refused, in words of the log. */
extern const char *const figures_refusal_names[REFUSAL_REASONS];

/* Truth values are 0 or 1. */
struct instance_figures {
	uint64_t pid; /* of the master */
	uint64_t alive, stopping;
	uint64_t started_us, uptime_s;
	uint64_t workers, running, restarts;
	uint64_t sessions, max_clients;
	uint64_t accepted, refused, closed; /* connections, ever */
	uint64_t refusals[REFUSAL_REASONS]; /* what `refused` is the sum of */
	uint64_t rooms, max_rooms;          /* rooms: that somebody is in */
	uint64_t messages;
	uint64_t ring_size; /* bytes */
	uint64_t ring_oldest, ring_head, records;
	uint64_t segment_size; /* bytes */
	uint64_t repairs, repair_us_last, salvages, pool_empty;
	uint64_t passwords_right, passwords_wrong, passwords_unread;
};

struct worker_figures {
	uint64_t seat;
	const char *type;  /* NULL: one that we don't know */
	const char *state; /* NULL: the same */
	uint64_t pid;      /* 0: nobody sits there */
	uint64_t sleeping, sessions, restarts, heartbeat_ms;
	uint64_t lag, cursor, passes; /* lag: in records */
	uint64_t missed;              /* by its sessions: messages */
	uint64_t requests, websockets;
};

struct room_figures {
	uint32_t index;
	uint64_t members; /* counted, where the row's own count is a cache */
	struct room_shm row;
};

void figures_instance(
    const struct figures_moment *m, struct instance_figures *out);

/* Seats in all, those of workers without a row in the segment included. */
uint32_t figures_seats(const struct segment *seg);

/* A row for each seat.  Returns how many. */
size_t figures_workers(
    const struct figures_moment *m, struct worker_figures out[SEATS_MAX]);

/*
 * Count the members of rooms [from, from + n), as far as there are so many,
 * from the memberships.
 */
void figures_members(
    const struct segment *seg, uint32_t from, uint32_t n, uint32_t *counts);

/* Could this copy of a row be a room's? */
bool figures_room_makes_sense(const struct room_shm *row);

/* How many records lie in [from, head); 0 when `from` makes no sense. */
uint64_t figures_lag(const struct segment *seg, uint64_t from, uint64_t head);

/* Time from `from` to `to` (µs), 0 when `from` is 0 or later. */
uint64_t figures_age_us(uint64_t from, uint64_t to);

/* The seat in an owner word, or NONE when it names none. */
uint32_t figures_owner_seat(const struct segment *seg, uint32_t owner);

#endif
