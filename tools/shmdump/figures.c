/* SPDX-License-Identifier: MIT */
/* See figures.h. */
#include "tools/shmdump/figures.h"

#include <err.h>
#include <stdlib.h>

#include "shared/net/inherit.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"

/*
 * Sessions in each room, counted from the memberships: a fact, where the
 * room's own count is a cache that only the lock's holder may read.
 */
static uint32_t *
count_members(const struct dump *d)
{
	const struct segment *seg = &d->seg;
	uint32_t *counts = calloc(seg->params.nrooms, sizeof(*counts));
	struct member_shm m;

	if (counts == NULL)
		errx(1, "out of memory");
	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		dump_copy(&m, &seg->members[i], sizeof(m));
		if (m.room < seg->params.nrooms)
			counts[m.room]++;
	}
	return counts;
}

static bool
room_makes_sense(const struct room_shm *r)
{
	return r->used && r->name_len >= 1 && r->name_len <= LIMIT_ROOM;
}

size_t
figures_rooms(const struct dump *d, struct room_figures **out)
{
	uint32_t *counts = count_members(d);
	struct room_figures *rooms = NULL, *at;
	size_t n = 0, size = 0;

	for (uint32_t i = 0; i < d->seg.params.nrooms; i++) {
		if (counts[i] == 0)
			continue;
		if (n == size) {
			size = size == 0 ? 64 : 2 * size;
			rooms = reallocarray(rooms, size, sizeof(*rooms));
			if (rooms == NULL)
				errx(1, "out of memory");
		}
		at = &rooms[n];
		at->index = i;
		at->members = counts[i];
		dump_copy(&at->row, &d->seg.rooms[i], sizeof(at->row));
		n += room_makes_sense(&at->row);
	}
	free(counts);
	*out = rooms;
	return n;
}

const char *
figures_state(const struct dump *d)
{
	if (d->is_file)
		return "copy";
	if (!d->alive)
		return "dead";
	return atomic_load(&d->status.stopping) != 0 ? "stopping" : "running";
}

static void
sum_workers(const struct dump *d, struct instance_figures *f)
{
	const struct status_shm *s = &d->status;

	f->workers = d->seg.params.nseats;
	for (uint32_t i = 0; i < d->seg.params.nseats; i++) {
		f->running += d->alive && atomic_load(&s->seats[i].pid) != 0;
		f->restarts += atomic_load(&s->seats[i].restarts);
	}
}

static void
count_rows(const struct dump *d, struct instance_figures *f)
{
	const struct segment *seg = &d->seg;
	uint32_t *counts = count_members(d);
	struct room_shm r;

	for (uint32_t i = 0; i < seg->params.nslots; i++)
		f->sessions += atomic_load_explicit(&seg->sessions[i].owner,
				   memory_order_relaxed) != 0;
	for (uint32_t i = 0; i < seg->params.nrooms; i++) {
		if (counts[i] == 0)
			continue;
		dump_copy(&r, &seg->rooms[i], sizeof(r));
		f->rooms += room_makes_sense(&r);
	}
	free(counts);
	f->max_clients = seg->params.nslots;
	f->max_rooms = seg->params.nrooms;
}

void
figures_instance(const struct dump *d, struct instance_figures *f)
{
	const struct status_shm *s = &d->status;
	struct tables_shm t;

	*f = (struct instance_figures){
	    .pid = atomic_load(&s->pid),
	    .alive = d->alive,
	    .stopping = atomic_load(&s->stopping) != 0,
	    .started_us = atomic_load(&s->started_us),
	    .accepted = atomic_load(&s->accepted),
	    .refused = atomic_load(&s->refused),
	    .closed = atomic_load(&s->closed),
	    .salvages = atomic_load(&s->salvages),
	    .ring_size = d->seg.params.ring_bytes,
	    .ring_oldest = ring_oldest(&d->seg),
	    .ring_head = d->head,
	    .records = dump_lag(d, d->seg.params.first_seq),
	    .segment_size = d->seg.layout.size,
	};
	f->uptime_s = dump_age_us(f->started_us, d->now_us) / 1000000;
	sum_workers(d, f);
	count_rows(d, f);
	dump_copy(&t, d->seg.tables, sizeof(t));
	f->messages = atomic_load(&t.messages);
	f->repairs = atomic_load(&t.repairs);
	f->repair_us_last = atomic_load(&t.repair_us_last);
	f->pool_empty = atomic_load(&t.pool_empty);
}

static const char *
worker_type(uint32_t type)
{
	static const char *const names[WORKER_TYPES] = {
	    [WORKER_CHAT] = "chat",
	    [WORKER_TELNET] = "telnet",
	    [WORKER_WEB] = "web",
	};

	return type < WORKER_TYPES ? names[type] : NULL;
}

static const char *
worker_state(uint64_t pid, uint32_t state)
{
	if (pid == 0)
		return seat_state_names[SEAT_EMPTY];
	return state <= SEAT_STOPPING ? seat_state_names[state] : NULL;
}

static void
worker_get(const struct dump *d, uint32_t seat, struct worker_figures *f)
{
	const struct seat_shm *s = segment_seat(&d->seg, seat);
	uint64_t beat_us = atomic_load(&s->beat_us);

	*f = (struct worker_figures){
	    .seat = seat,
	    .type = worker_type(atomic_load(&d->status.seats[seat].type)),
	    .pid = atomic_load(&d->status.seats[seat].pid),
	    .sleeping = atomic_load(&s->sleeping) != 0,
	    .restarts = atomic_load(&d->status.seats[seat].restarts),
	    .heartbeat_ms = dump_age_us(beat_us, d->beat_us) / 1000,
	    .cursor = atomic_load(&s->cursor),
	    .passes = atomic_load(&s->passes),
	    .missed = atomic_load(&s->lagged),
	};
	f->state = worker_state(f->pid, atomic_load(&s->state));
	f->lag = dump_lag(d, f->cursor);
}

size_t
figures_workers(const struct dump *d, struct worker_figures out[SEATS_MAX])
{
	const struct segment *seg = &d->seg;
	uint32_t nseats = MIN(seg->params.nseats, (uint32_t)SEATS_MAX), seat;

	for (uint32_t i = 0; i < nseats; i++)
		worker_get(d, i, &out[i]);
	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		seat = dump_owner_seat(
		    d, atomic_load_explicit(
			   &seg->sessions[i].owner, memory_order_relaxed));
		if (seat < nseats)
			out[seat].sessions++;
	}
	return nseats;
}
