/* SPDX-License-Identifier: MIT */
/* See figures.h. */
#include "shared/shm/figures.h"

#include <string.h>

#include "shared/shm/ring.h"
#include "shared/shm/seat.h"

#define STRETCH (64 * 1024) /* rooms looked at in one go: 8 KiB of bits */

const char *const figures_refusal_names[REFUSAL_REASONS] = {
    [REFUSED_SERVER_FULL] = "server-full",
    [REFUSED_TOO_MANY_FROM_ADDRESS] = "too-many-from-address",
    [REFUSED_CONNECT_RATE] = "connect-rate",
    [REFUSED_NO_FDS] = "no-fds",
    [REFUSED_INTERNAL] = "internal",
};

uint64_t
figures_lag(const struct segment *seg, uint64_t from, uint64_t head)
{
	return from < seg->params.first_seq || from > head ? 0 : head - from;
}

uint64_t
figures_age_us(uint64_t from, uint64_t to)
{
	return from == 0 || from > to ? 0 : to - from;
}

uint32_t
figures_owner_seat(const struct segment *seg, uint32_t owner)
{
	owner &= ~OWNER_MOVING;
	return owner >= 1 && owner <= seg->params.nseats ? owner - 1 : NONE;
}

bool
figures_room_makes_sense(const struct room_shm *r)
{
	return r->used && r->name_len >= 1 && r->name_len <= LIMIT_ROOM;
}

/* The room that session `slot` is in, whatever the segment says. */
static uint32_t
room_of(const struct segment *seg, uint32_t slot)
{
	const _Atomic uint32_t *room =
	    (const _Atomic uint32_t *)&seg->members[slot].room;

	return atomic_load_explicit(room, memory_order_relaxed);
}

void
figures_members(
    const struct segment *seg, uint32_t from, uint32_t n, uint32_t *counts)
{
	uint32_t room;

	memset(counts, 0, n * sizeof(*counts));
	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		room = room_of(seg, i);
		if (room >= from && room - from < n)
			counts[room - from]++;
	}
}

/* Rooms of [from, from + STRETCH) that somebody is in. */
static uint32_t
count_stretch(const struct segment *seg, uint32_t from)
{
	uint32_t end = MIN(seg->params.nrooms, from + STRETCH), room, n = 0;
	uint64_t used[STRETCH / 64] = {0};
	struct room_shm r;

	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		room = room_of(seg, i);
		if (room >= from && room < end)
			used[(room - from) / 64] |= UINT64_C(1) << room % 64;
	}
	for (room = from; room < end; room++) {
		if ((used[(room - from) / 64] >> room % 64 & 1) == 0)
			continue;
		segment_copy(
		    &r, &seg->rooms[room], offsetof(struct room_shm, home));
		n += figures_room_makes_sense(&r);
	}
	return n;
}

uint32_t
figures_seats(const struct segment *seg)
{
	uint32_t rows = seg->params.nseats;
	uint32_t all = atomic_load(&seg->status->nseats);

	return MIN(MAX(all, rows), (uint32_t)SEATS_MAX);
}

static void
sum_workers(const struct figures_moment *m, struct instance_figures *f)
{
	const struct status_shm *s = m->seg->status;

	f->workers = figures_seats(m->seg);
	for (uint32_t i = 0; i < f->workers; i++) {
		f->running += m->alive && atomic_load(&s->seats[i].pid) != 0;
		f->restarts += atomic_load(&s->seats[i].restarts);
	}
}

static void
count_rows(const struct segment *seg, struct instance_figures *f)
{
	for (uint32_t i = 0; i < seg->params.nslots; i++)
		f->sessions += atomic_load_explicit(&seg->sessions[i].owner,
				   memory_order_relaxed) != 0;
	for (uint32_t i = 0; i < seg->params.nrooms; i += STRETCH)
		f->rooms += count_stretch(seg, i);
	f->max_clients = seg->params.nslots;
	f->max_rooms = seg->params.nrooms;
}

void
figures_instance(const struct figures_moment *m, struct instance_figures *f)
{
	const struct segment *seg = m->seg;
	const struct status_shm *s = seg->status;
	const struct tables_shm *t = seg->tables;

	*f = (struct instance_figures){
	    .pid = atomic_load(&s->pid),
	    .alive = m->alive,
	    .stopping = atomic_load(&s->stopping) != 0,
	    .started_us = atomic_load(&s->started_us),
	    .accepted = atomic_load(&s->accepted),
	    .closed = atomic_load(&s->closed),
	    .salvages = atomic_load(&s->salvages),
	    .passwords_right = atomic_load(&s->verdicts[0]),
	    .passwords_wrong = atomic_load(&s->verdicts[1]),
	    .passwords_unread = atomic_load(&s->verdicts[2]),
	    .messages = atomic_load(&t->messages),
	    .repairs = atomic_load(&t->repairs),
	    .repair_us_last = atomic_load(&t->repair_us_last),
	    .pool_empty = atomic_load(&t->pool_empty),
	    .ring_size = seg->params.ring_bytes,
	    .ring_oldest = ring_oldest(seg),
	    .ring_head = m->head,
	    .records = figures_lag(seg, seg->params.first_seq, m->head),
	    .segment_size = seg->layout.size,
	};
	for (unsigned i = 0; i < REFUSAL_REASONS; i++) {
		f->refusals[i] = atomic_load(&s->refused[i]);
		f->refused += f->refusals[i];
	}
	f->uptime_s = figures_age_us(f->started_us, m->now_us) / 1000000;
	sum_workers(m, f);
	count_rows(seg, f);
}

static const char *
worker_state(uint64_t pid, uint32_t state)
{
	if (pid == 0)
		return seat_state_names[SEAT_EMPTY];
	return state <= SEAT_STOPPING ? seat_state_names[state] : NULL;
}

/* Who has no row, and is known from the status page alone. */
static void
worker_get_foreign(
    const struct figures_moment *m, uint32_t seat, struct worker_figures *f)
{
	const struct status_shm *status = m->seg->status;
	uint32_t type = atomic_load(&status->seats[seat].type);

	*f = (struct worker_figures){
	    .seat = seat,
	    .type = type < m->ntypes ? m->types[type] : NULL,
	    .pid = atomic_load(&status->seats[seat].pid),
	    .sessions = atomic_load(&status->seats[seat].sessions),
	    .restarts = atomic_load(&status->seats[seat].restarts),
	    .heartbeat_ms =
		figures_age_us(
		    atomic_load(&status->seats[seat].beat_us), m->beat_us) /
		1000,
	    .cursor = m->head,
	};
	f->state =
	    worker_state(f->pid, atomic_load(&status->seats[seat].state));
}

static void
worker_get(
    const struct figures_moment *m, uint32_t seat, struct worker_figures *f)
{
	const struct seat_shm *s = segment_seat(m->seg, seat);
	const struct status_shm *status = m->seg->status;
	uint32_t type = atomic_load(&status->seats[seat].type);

	*f = (struct worker_figures){
	    .seat = seat,
	    .type = type < m->ntypes ? m->types[type] : NULL,
	    .pid = atomic_load(&status->seats[seat].pid),
	    .sleeping = atomic_load(&s->sleeping) != 0,
	    .restarts = atomic_load(&status->seats[seat].restarts),
	    .heartbeat_ms =
		figures_age_us(atomic_load(&s->beat_us), m->beat_us) / 1000,
	    .cursor = atomic_load(&s->cursor),
	    .passes = atomic_load(&s->passes),
	    .missed = atomic_load(&s->lagged),
	    .requests = atomic_load(&s->requests),
	    .websockets = atomic_load(&s->websockets),
	};
	f->state = worker_state(f->pid, atomic_load(&s->state));
	f->lag = figures_lag(m->seg, f->cursor, m->head);
}

size_t
figures_workers(
    const struct figures_moment *m, struct worker_figures out[SEATS_MAX])
{
	const struct segment *seg = m->seg;
	uint32_t nseats = MIN(seg->params.nseats, (uint32_t)SEATS_MAX), seat;
	uint32_t all = figures_seats(seg);

	for (uint32_t i = 0; i < nseats; i++)
		worker_get(m, i, &out[i]);
	for (uint32_t i = nseats; i < all; i++)
		worker_get_foreign(m, i, &out[i]);
	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		seat = figures_owner_seat(
		    seg, atomic_load_explicit(
			     &seg->sessions[i].owner, memory_order_relaxed));
		if (seat < nseats)
			out[seat].sessions++;
	}
	return all;
}
