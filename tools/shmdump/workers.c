/* SPDX-License-Identifier: MIT */
/* The seats, and who sits in them. */
#include "tools/shmdump/views.h"

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
	COL_REQUESTS,
	COL_WEBSOCKETS,
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
    [COL_REQUESTS] = {.key = "requests"},
    [COL_WEBSOCKETS] = {.key = "websockets"},
};

static void
workers_row(struct out *out, const struct worker_figures *f)
{
	struct out_value row[COLS];

	row[COL_SEAT] = out_number(f->seat);
	row[COL_TYPE] = out_string(f->type);
	row[COL_PID] = out_number(f->pid);
	row[COL_STATE] = out_string(f->state);
	row[COL_SLEEPING] = out_as(OUT_BOOL, f->sleeping);
	row[COL_SESSIONS] = out_number(f->sessions);
	row[COL_RESTARTS] = out_number(f->restarts);
	row[COL_HEARTBEAT] = out_as(OUT_MS, f->heartbeat_ms);
	row[COL_LAG] = out_number(f->lag);
	row[COL_CURSOR] = out_number(f->cursor);
	row[COL_PASSES] = out_number(f->passes);
	row[COL_LAGGED] = out_number(f->missed);
	row[COL_REQUESTS] = out_number(f->requests);
	row[COL_WEBSOCKETS] = out_number(f->websockets);
	out_row(out, row);
}

int
workers_view(const struct dump *d)
{
	const struct figures_moment m = dump_moment(d);
	struct worker_figures workers[SEATS_MAX];
	size_t n = figures_workers(&m, workers);
	struct out out;

	out_begin(&out, OUT_TABLE, d->json, columns, COLS);
	for (size_t i = 0; i < n; i++)
		workers_row(&out, &workers[i]);
	return out_end(&out) == -1;
}
