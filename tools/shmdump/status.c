/* SPDX-License-Identifier: MIT */
/* The instance as a whole. */
#include "tools/shmdump/views.h"

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
	COL_SALVAGES,
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
    [COL_REPAIR_US] = {.key = "repair_us_last", .head = "  last, us"},
    [COL_SALVAGES] = {.key = "salvages", .head = "salvages"},
    [COL_POOL_EMPTY] = {.key = "pool_empty", .head = "pool empty"},
};

int
status_view(const struct dump *d)
{
	const struct figures_moment m = dump_moment(d);
	struct instance_figures f;
	struct out out;

	figures_instance(&m, &f);
	out_begin(&out, OUT_OBJECT, d->json, columns, COLS);
	out_row(&out, (struct out_value[COLS]){
			  [COL_INSTANCE] = out_string(d->instance),
			  [COL_VERSION] = out_string(d->version),
			  [COL_PID] = out_number(f.pid),
			  [COL_STATE] = out_string(dump_state(d)),
			  [COL_ALIVE] = out_as(OUT_BOOL, f.alive),
			  [COL_STOPPING] = out_as(OUT_BOOL, f.stopping),
			  [COL_STARTED] = out_as(OUT_TIME, f.started_us),
			  [COL_UPTIME] = out_as(OUT_SECONDS, f.uptime_s),
			  [COL_WORKERS] = out_number(f.workers),
			  [COL_RUNNING] = out_number(f.running),
			  [COL_RESTARTS] = out_number(f.restarts),
			  [COL_SESSIONS] = out_number(f.sessions),
			  [COL_MAX_CLIENTS] = out_number(f.max_clients),
			  [COL_ACCEPTED] = out_number(f.accepted),
			  [COL_REFUSED] = out_number(f.refused),
			  [COL_CLOSED] = out_number(f.closed),
			  [COL_ROOMS] = out_number(f.rooms),
			  [COL_MAX_ROOMS] = out_number(f.max_rooms),
			  [COL_MESSAGES] = out_number(f.messages),
			  [COL_RING_SIZE] = out_as(OUT_BYTES, f.ring_size),
			  [COL_RING_OLDEST] = out_number(f.ring_oldest),
			  [COL_RING_HEAD] = out_number(f.ring_head),
			  [COL_RECORDS] = out_number(f.records),
			  [COL_SEGMENT] = out_as(OUT_BYTES, f.segment_size),
			  [COL_REPAIRS] = out_number(f.repairs),
			  [COL_REPAIR_US] = out_number(f.repair_us_last),
			  [COL_SALVAGES] = out_number(f.salvages),
			  [COL_POOL_EMPTY] = out_number(f.pool_empty),
		      });
	return out_end(&out) == -1;
}
