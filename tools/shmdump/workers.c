/* SPDX-License-Identifier: MIT */
/* The seats, and who sits in them. */
#include "tools/shmdump/views.h"

#include "shared/net/inherit.h"
#include "shared/shm/seat.h"
#include "tools/shmdump/out.h"

enum {
	COL_SEAT,
	COL_TYPE,
	COL_PID,
	COL_STATE,
	COL_SLEEPING,
	COL_SESSIONS,
	COL_RESTARTS,
	COL_HEARTBEAT,
	COL_LAG,
	COL_CURSOR,
	COL_PASSES,
	COL_LAGGED,
	COLS,
};

static const struct out_column columns[COLS] = {
    [COL_SEAT] = {.key = "seat", .head = "SEAT", .right = true},
    [COL_TYPE] = {.key = "type", .head = "TYPE"},
    [COL_PID] = {.key = "pid", .head = "PID", .right = true},
    [COL_STATE] = {.key = "state", .head = "STATE"},
    [COL_SLEEPING] = {.key = "sleeping", .head = "SLEEPING"},
    [COL_SESSIONS] = {.key = "sessions", .head = "SESSIONS", .right = true},
    [COL_RESTARTS] = {.key = "restarts", .head = "RESTARTS", .right = true},
    [COL_HEARTBEAT] = {.key = "heartbeat_ms",
	.head = "HEARTBEAT",
	.right = true},
    [COL_LAG] = {.key = "lag", .head = "LAG", .right = true},
    [COL_CURSOR] = {.key = "cursor", .head = "CURSOR", .right = true},
    [COL_PASSES] = {.key = "passes", .head = "PASSES", .right = true},
    [COL_LAGGED] = {.key = "lagged", .head = "MISSED", .right = true},
};

static const char *
type_name(uint32_t type)
{
	static const char *const names[WORKER_TYPES] = {
	    [WORKER_CHAT] = "chat",
	};

	return type < WORKER_TYPES ? names[type] : NULL;
}

static const char *
state_name(uint32_t pid, uint32_t state)
{
	if (pid == 0)
		return seat_state_names[SEAT_EMPTY];
	return state <= SEAT_STOPPING ? seat_state_names[state] : NULL;
}

static void
workers_row(
    const struct dump *d, struct out *out, uint32_t seat, uint32_t sessions)
{
	const struct seat_shm *s = segment_seat(&d->seg, seat);
	uint32_t pid = atomic_load(&d->status.seats[seat].pid);
	uint64_t cursor = atomic_load(&s->cursor);
	struct out_value row[COLS];

	row[COL_SEAT] = out_number(seat);
	row[COL_TYPE] =
	    out_string(type_name(atomic_load(&d->status.seats[seat].type)));
	row[COL_PID] = out_number(pid);
	row[COL_STATE] = out_string(state_name(pid, atomic_load(&s->state)));
	row[COL_SLEEPING] = out_as(OUT_BOOL, atomic_load(&s->sleeping) != 0);
	row[COL_SESSIONS] = out_number(sessions);
	row[COL_RESTARTS] =
	    out_number(atomic_load(&d->status.seats[seat].restarts));
	row[COL_HEARTBEAT] = out_as(
	    OUT_MS, dump_age_us(atomic_load(&s->beat_us), d->beat_us) / 1000);
	row[COL_LAG] = out_number(dump_lag(d, cursor));
	row[COL_CURSOR] = out_number(cursor);
	row[COL_PASSES] = out_number(atomic_load(&s->passes));
	row[COL_LAGGED] = out_number(atomic_load(&s->lagged));
	out_row(out, row);
}

int
workers_view(const struct dump *d)
{
	const struct segment *seg = &d->seg;
	uint32_t sessions[SEATS_MAX] = {0}, seat;
	struct out out;

	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		seat = dump_owner_seat(
		    d, atomic_load_explicit(
			   &seg->sessions[i].owner, memory_order_relaxed));
		if (seat < SEATS_MAX)
			sessions[seat]++;
	}
	out_begin(&out, OUT_TABLE, d->json, columns, COLS);
	for (uint32_t i = 0; i < seg->params.nseats && i < SEATS_MAX; i++)
		workers_row(d, &out, i, sessions[i]);
	return out_end(&out) == -1;
}
