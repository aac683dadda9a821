/* SPDX-License-Identifier: MIT */
/* The instance as a whole. */
#include "tools/shmdump/views.h"

#include <err.h>
#include <stdlib.h>

#include "shared/shm/ring.h"
#include "tools/shmdump/out.h"

enum {
	COL_INSTANCE,
	COL_VERSION,
	COL_PID,
	COL_STATE,
	COL_ALIVE,
	COL_STOPPING,
	COL_STARTED,
	COL_UPTIME,
	COL_WORKERS,
	COL_RUNNING,
	COL_RESTARTS,
	COL_SESSIONS,
	COL_MAX_CLIENTS,
	COL_ACCEPTED,
	COL_REFUSED,
	COL_CLOSED,
	COL_ROOMS,
	COL_MAX_ROOMS,
	COL_MESSAGES,
	COL_RING_SIZE,
	COL_RING_OLDEST,
	COL_RING_HEAD,
	COL_RECORDS,
	COL_SEGMENT,
	COL_REPAIRS,
	COL_REPAIR_US,
	COL_POOL_EMPTY,
	COLS,
};

static const struct out_column columns[COLS] = {
    [COL_INSTANCE] = {.key = "instance", .head = "instance"},
    [COL_VERSION] = {.key = "version", .head = "version"},
    [COL_PID] = {.key = "pid", .head = "master pid"},
    [COL_STATE] = {.head = "state"},
    [COL_ALIVE] = {.key = "alive"},
    [COL_STOPPING] = {.key = "stopping"},
    [COL_STARTED] = {.key = "started", .head = "started"},
    [COL_UPTIME] = {.key = "uptime_s", .head = "uptime"},
    [COL_WORKERS] = {.key = "workers", .head = "workers"},
    [COL_RUNNING] = {.key = "workers_running", .head = "  running"},
    [COL_RESTARTS] = {.key = "restarts", .head = "  restarts"},
    [COL_SESSIONS] = {.key = "sessions", .head = "sessions"},
    [COL_MAX_CLIENTS] = {.key = "max_clients", .head = "  at most"},
    [COL_ACCEPTED] = {.key = "accepted", .head = "  accepted"},
    [COL_REFUSED] = {.key = "refused", .head = "  refused"},
    [COL_CLOSED] = {.key = "closed", .head = "  closed"},
    [COL_ROOMS] = {.key = "rooms", .head = "rooms"},
    [COL_MAX_ROOMS] = {.key = "max_rooms", .head = "  at most"},
    [COL_MESSAGES] = {.key = "messages", .head = "messages"},
    [COL_RING_SIZE] = {.key = "ring_size", .head = "ring size"},
    [COL_RING_OLDEST] = {.key = "ring_oldest", .head = "  oldest"},
    [COL_RING_HEAD] = {.key = "ring_head", .head = "  head"},
    [COL_RECORDS] = {.key = "records", .head = "  records ever"},
    [COL_SEGMENT] = {.key = "segment_size", .head = "segment size"},
    [COL_REPAIRS] = {.key = "repairs", .head = "repairs"},
    [COL_REPAIR_US] = {.key = "repair_us_last"},
    [COL_POOL_EMPTY] = {.key = "pool_empty", .head = "pool empty"},
};

/* Rooms that somebody is in. */
static void
status_rooms(const struct dump *d, struct out_value *row)
{
	uint32_t nrooms = d->seg.params.nrooms, rooms = 0;
	uint32_t *counts = calloc(nrooms, sizeof(*counts));
	struct room_shm r;

	if (counts == NULL)
		errx(1, "out of memory");
	rooms_count_members(d, counts);
	for (uint32_t i = 0; i < nrooms; i++)
		rooms += rooms_get(d, counts, i, &r);
	free(counts);
	row[COL_ROOMS] = out_number(rooms);
	row[COL_MAX_ROOMS] = out_number(nrooms);
}

static void
status_workers(const struct dump *d, struct out_value *row)
{
	const struct status_shm *s = &d->status;
	uint32_t running = 0;
	uint64_t restarts = 0;

	for (uint32_t i = 0; i < d->seg.params.nseats; i++) {
		running += atomic_load(&s->seats[i].pid) != 0;
		restarts += atomic_load(&s->seats[i].restarts);
	}
	row[COL_WORKERS] = out_number(d->seg.params.nseats);
	row[COL_RUNNING] = out_number(d->alive ? running : 0);
	row[COL_RESTARTS] = out_number(restarts);
}

static void
status_sessions(const struct dump *d, struct out_value *row)
{
	const struct segment *seg = &d->seg;
	const struct status_shm *s = &d->status;
	uint32_t sessions = 0;

	for (uint32_t i = 0; i < seg->params.nslots; i++)
		sessions += atomic_load_explicit(&seg->sessions[i].owner,
				memory_order_relaxed) != 0;
	row[COL_SESSIONS] = out_number(sessions);
	row[COL_MAX_CLIENTS] = out_number(seg->params.nslots);
	row[COL_ACCEPTED] = out_number(atomic_load(&s->accepted));
	row[COL_REFUSED] = out_number(atomic_load(&s->refused));
	row[COL_CLOSED] = out_number(atomic_load(&s->closed));
}

static void
status_ring(const struct dump *d, struct out_value *row)
{
	const struct segment *seg = &d->seg;
	struct tables_shm t;

	row[COL_RING_SIZE] = out_as(OUT_BYTES, seg->params.ring_bytes);
	row[COL_RING_OLDEST] = out_number(ring_oldest(seg));
	row[COL_RING_HEAD] = out_number(d->head);
	row[COL_RECORDS] = out_number(dump_lag(d, seg->params.first_seq));
	row[COL_SEGMENT] = out_as(OUT_BYTES, seg->layout.size);
	dump_copy(&t, seg->tables, sizeof(t));
	row[COL_MESSAGES] = out_number(atomic_load(&t.messages));
	row[COL_REPAIRS] = out_number(atomic_load(&t.repairs));
	row[COL_REPAIR_US] = out_number(atomic_load(&t.repair_us_last));
	row[COL_POOL_EMPTY] = out_number(atomic_load(&t.pool_empty));
}

static const char *
state_name(const struct dump *d, bool stopping)
{
	if (!d->alive)
		return "dead";
	return stopping ? "stopping" : "running";
}

int
status_view(const struct dump *d)
{
	uint64_t started = atomic_load(&d->status.started_us);
	bool stopping = atomic_load(&d->status.stopping) != 0;
	struct out_value row[COLS];
	struct out out;

	row[COL_INSTANCE] = out_string(d->instance);
	row[COL_VERSION] = out_string(d->version);
	row[COL_PID] = out_number(atomic_load(&d->status.pid));
	row[COL_STATE] = out_string(state_name(d, stopping));
	row[COL_ALIVE] = out_as(OUT_BOOL, d->alive);
	row[COL_STOPPING] = out_as(OUT_BOOL, stopping);
	row[COL_STARTED] = out_as(OUT_TIME, started);
	row[COL_UPTIME] =
	    out_as(OUT_SECONDS, dump_age_us(started, d->now_us) / 1000000);
	status_workers(d, row);
	status_sessions(d, row);
	status_rooms(d, row);
	status_ring(d, row);
	out_begin(&out, OUT_OBJECT, d->json, columns, COLS);
	out_row(&out, row);
	return out_end(&out) == -1;
}
