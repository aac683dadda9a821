/* SPDX-License-Identifier: MIT */
/*
 * The families, and the list of items that they make.
 *
 * A position is the number of a family, and in its lower half that of an item
 * in it: 0 is its head, n + 1 the sample of row n.
 */
#include "shared/shm/metrics.h"

#include <stdio.h>
#include <string.h>

#include "shared/shm/seat.h"

/* A room that is younger than this has not been there at the moment (µs). */
#define YOUNG_US 60000000

#define GAUGE "gauge"
#define COUNTER "counter"

#define OF(field) METRICS_INSTANCE, offsetof(struct instance_figures, field)
#define WORKER(field) METRICS_WORKER, offsetof(struct worker_figures, field)
#define ROOM(field) METRICS_ROOM, offsetof(struct room_figures, field)
#define LOCK(field) METRICS_LOCK, offsetof(struct lock_shm, field)

static const struct metrics_family families[] = {
    {"info", GAUGE, "The instance and its version.", METRICS_INFO, 0, 0},
    {"up", GAUGE, "Whether the master lives.", OF(alive), 0},
    {"stopping", GAUGE, "Whether the server is stopping.", OF(stopping), 0},
    {"start_time_seconds", GAUGE, "Start of the server since 1970.",
	OF(started_us), 6},
    {"uptime_seconds", GAUGE, "Time since the start.", OF(uptime_s), 0},
    {"workers", GAUGE, "Seats for workers.", OF(workers), 0},
    {"workers_running", GAUGE, "Workers that run.", OF(running), 0},
    {"sessions", GAUGE, "Connections.", OF(sessions), 0},
    {"max_clients", GAUGE, "Connections at most.", OF(max_clients), 0},
    {"accepted_total", COUNTER, "Connections accepted.", OF(accepted), 0},
    {"refused_total", COUNTER, "Connections refused.", METRICS_REFUSAL,
	offsetof(struct instance_figures, refusals), 0},
    {"closed_total", COUNTER, "Connections ended.", OF(closed), 0},
    {"rooms", GAUGE, "Rooms that somebody is in.", OF(rooms), 0},
    {"max_rooms", GAUGE, "Rooms at most.", OF(max_rooms), 0},
    {"messages_total", COUNTER, "Messages of all rooms.", OF(messages), 0},
    {"records_total", COUNTER, "Records appended to the ring.", OF(records), 0},
    {"ring_size_bytes", GAUGE, "Bytes of the ring.", OF(ring_size), 0},
    {"ring_oldest", GAUGE, "Number of the ring's oldest record.",
	OF(ring_oldest), 0},
    {"ring_head", GAUGE, "Number of the next record.", OF(ring_head), 0},
    {"segment_size_bytes", GAUGE, "Bytes of shared memory.", OF(segment_size),
	0},
    {"repairs_total", COUNTER, "Successors that settled a death.", OF(repairs),
	0},
    {"last_repair_seconds", GAUGE, "Time that the last repair took.",
	OF(repair_us_last), 6},
    {"salvages_total", COUNTER, "Times the memory was laid out anew.",
	OF(salvages), 0},
    {"passwords_right_total", COUNTER, "Passwords that were right.",
	OF(passwords_right), 0},
    {"passwords_wrong_total", COUNTER, "Passwords that were wrong.",
	OF(passwords_wrong), 0},
    {"passwords_unread_total", COUNTER,
	"Passwords not looked at, after too many wrong ones.",
	OF(passwords_unread), 0},
    {"pool_empty_total", COUNTER, "Wanted buffers, when none was free.",
	OF(pool_empty), 0},

    {"worker_sessions", GAUGE, "Connections of the worker.", WORKER(sessions),
	0},
    {"worker_restarts_total", COUNTER, "Workers that followed a dead one.",
	WORKER(restarts), 0},
    {"worker_heartbeat_seconds", GAUGE, "Time since its last sign of life.",
	WORKER(heartbeat_ms), 3},
    {"worker_lag_records", GAUGE, "Records it has still to look at.",
	WORKER(lag), 0},
    {"worker_passes_total", COUNTER, "Passes of its event loop.",
	WORKER(passes), 0},
    {"worker_missed_total", COUNTER, "Messages its clients missed.",
	WORKER(missed), 0},
    {"worker_requests_total", COUNTER, "Requests by HTTP.", WORKER(requests),
	0},
    {"worker_websockets_total", COUNTER, "Requests that became WebSockets.",
	WORKER(websockets), 0},

    {"room_members", GAUGE, "Members of the room.", ROOM(members), 0},
    {"room_messages_total", COUNTER, "Messages of the room.",
	ROOM(row.messages), 0},

    {"lock_acquisitions_total", COUNTER, "Times the lock was taken.",
	LOCK(acquisitions), 0},
    {"lock_contentions_total", COUNTER, "Times somebody waited for it.",
	LOCK(contentions), 0},
    {"lock_recoveries_total", COUNTER, "Times the dead had it.",
	LOCK(recoveries), 0},
};

static uint64_t
position_of(uint64_t family, uint64_t item)
{
	return family << 32 | item;
}

static uint64_t
figure_at(const void *figures, size_t at)
{
	uint64_t figure;

	memcpy(&figure, (const char *)figures + at, sizeof(figure));
	return figure;
}

static void
add_label(
    struct metrics_item *item, const char *key, const char *text, size_t len)
{
	item->labels[item->nlabels++] =
	    (struct metrics_label){.key = key, .text = text, .len = len};
}

static bool
is_of_instance(enum metrics_subject subject)
{
	return subject == METRICS_INSTANCE || subject == METRICS_REFUSAL;
}

/* Gather what the samples of a family are taken from. */
static void
gather(const struct metrics *m, struct metrics_cursor *c,
    const struct metrics_family *f)
{
	const struct segment *seg = m->moment.seg;
	const struct metrics_family *had = c->gathered;

	c->gathered = f;
	if (f->subject == METRICS_ROOM)
		c->from = c->end = 0; /* the last family's, the whole list */
	if (had != NULL &&
	    (had->subject == f->subject ||
		(is_of_instance(had->subject) && is_of_instance(f->subject))))
		return;
	switch (f->subject) {
	case METRICS_INFO:
		segment_copy(
		    c->instance_name, seg->header->instance, INSTANCE_MAX);
		segment_copy(c->version, seg->header->server_version,
		    sizeof(c->version) - 1);
		break;
	case METRICS_INSTANCE:
	case METRICS_REFUSAL:
		figures_instance(&m->moment, &c->instance);
		break;
	case METRICS_WORKER:
		figures_workers(&m->moment, c->workers);
		break;
	case METRICS_ROOM:
		break;
	case METRICS_LOCK:
		segment_copy(&c->lock, seg->lock, sizeof(c->lock));
		break;
	}
}

/* Samples that a family can have. */
static uint64_t
rows_of(const struct metrics *m, const struct metrics_family *f)
{
	const struct segment_params *params = &m->moment.seg->params;

	switch (f->subject) {
	case METRICS_WORKER:
		return figures_seats(m->moment.seg);
	case METRICS_ROOM:
		return m->rooms_given ? m->nrooms : params->nrooms;
	case METRICS_REFUSAL:
		return REFUSAL_REASONS;
	case METRICS_INFO:
	case METRICS_INSTANCE:
	case METRICS_LOCK:
		break;
	}
	return 1;
}

static void
info_sample(struct metrics_cursor *c, struct metrics_item *item)
{
	c->instance_name[sizeof(c->instance_name) - 1] = '\0';
	c->version[sizeof(c->version) - 1] = '\0';
	add_label(item, "instance", c->instance_name, strlen(c->instance_name));
	add_label(item, "version", c->version, strlen(c->version));
	item->value = 1;
}

static void
refusal_sample(
    const struct metrics_cursor *c, uint32_t reason, struct metrics_item *item)
{
	const char *name = figures_refusal_names[reason];

	add_label(item, "reason", name, strlen(name));
	item->value = figure_at(
	    &c->instance, item->family->at + reason * sizeof(uint64_t));
}

static void
worker_sample(struct metrics_cursor *c, const struct worker_figures *w,
    struct metrics_item *item)
{
	const char *type = w->type != NULL ? w->type : "unknown";

	snprintf(c->seat, sizeof(c->seat), "%u", (unsigned)w->seat);
	add_label(item, "seat", c->seat, strlen(c->seat));
	add_label(item, "type", type, strlen(type));
	item->value = figure_at(w, item->family->at);
}

static void
room_sample(const struct room_figures *room, struct metrics_item *item)
{
	add_label(item, "room", room->row.name,
	    MIN((size_t)room->row.name_len, (size_t)LIMIT_ROOM));
	item->value = figure_at(room, item->family->at);
}

/*
 * Did a room come into being after the moment?  One that ended behind our back
 * may have begun anew before us, and its samples have been shown.  A clock that
 * was set back hides rooms for no more than a minute.
 */
static bool
is_young(const struct metrics *m, const struct room_shm *r)
{
	return r->created_us > m->moment.now_us &&
	       r->created_us - m->moment.now_us < YOUNG_US;
}

/* The members of the rooms from `row` on, as many as are counted at once. */
static void
count_stretch(const struct metrics *m, struct metrics_cursor *c, uint32_t row)
{
	uint32_t left = m->moment.seg->params.nrooms - row;

	c->from = row;
	c->end = row + MIN(left, (uint32_t)METRICS_STRETCH);
	figures_members(m->moment.seg, row, c->end - row, c->members);
}

/* The first room to be shown in [row, c->end), or NONE. */
static uint32_t
find_room(const struct metrics *m, struct metrics_cursor *c, uint32_t row)
{
	for (; row < c->end; row++) {
		c->room.members = c->members[row - c->from];
		if (c->room.members == 0)
			continue;
		segment_copy(&c->room.row, &m->moment.seg->rooms[row],
		    sizeof(c->room.row));
		if (figures_room_makes_sense(&c->room.row) &&
		    !is_young(m, &c->room.row))
			return row;
	}
	return NONE;
}

/* The sample of the room at `row`, or else of the next; moves on behind it. */
static enum metrics_result
next_room(const struct metrics *m, struct metrics_cursor *c, uint64_t family,
    uint32_t row, struct metrics_item *item)
{
	if (m->rooms_given) {
		room_sample(&m->rooms[row], item);
		c->position++;
		return METRICS_ITEM;
	}
	if (row < c->from || row >= c->end)
		count_stretch(m, c, row);
	row = find_room(m, c, row);
	c->position = position_of(family, 1 + (row != NONE ? row + 1 : c->end));
	if (row == NONE)
		return METRICS_AGAIN;
	room_sample(&c->room, item);
	return METRICS_ITEM;
}

/* The sample of a row; moves on behind it. */
static enum metrics_result
next_sample(const struct metrics *m, struct metrics_cursor *c, uint64_t family,
    uint32_t row, struct metrics_item *item)
{
	const struct metrics_family *f = item->family;

	if (f != c->gathered)
		gather(m, c, f);
	if (f->subject == METRICS_ROOM)
		return next_room(m, c, family, row, item);
	c->position++;
	switch (f->subject) {
	case METRICS_INFO:
		info_sample(c, item);
		break;
	case METRICS_INSTANCE:
		item->value = figure_at(&c->instance, f->at);
		break;
	case METRICS_REFUSAL:
		refusal_sample(c, row, item);
		break;
	case METRICS_WORKER:
		worker_sample(c, &c->workers[row], item);
		break;
	case METRICS_LOCK:
		item->value = figure_at(&c->lock, f->at);
		break;
	case METRICS_ROOM:
		break;
	}
	return METRICS_ITEM;
}

enum metrics_result
metrics_next(const struct metrics *m, struct metrics_cursor *c,
    struct metrics_item *item)
{
	uint64_t family = c->position >> 32, at = c->position & UINT32_MAX;

	while (family < COUNT(families) && at > rows_of(m, &families[family])) {
		family++;
		at = 0;
		c->position = position_of(family, at);
	}
	if (family >= COUNT(families)) {
		c->position = METRICS_DONE;
		return METRICS_END;
	}
	*item = (struct metrics_item){
	    .family = &families[family],
	    .head = at == 0,
	};
	if (at > 0)
		return next_sample(m, c, family, (uint32_t)(at - 1), item);
	c->position++;
	return METRICS_ITEM;
}

/* Does the worker in that seat serve, and has it said so lately? */
static bool
serves(const struct figures_moment *m, uint32_t seat, uint64_t within_us)
{
	const struct status_shm *status = m->seg->status;
	uint32_t state = atomic_load(&status->seats[seat].state);
	uint64_t beat_us = atomic_load(&status->seats[seat].beat_us);

	if (seat < m->seg->params.nseats) {
		const struct seat_shm *s = segment_seat(m->seg, seat);

		state = atomic_load(&s->state);
		beat_us = atomic_load(&s->beat_us);
	}
	return state == SEAT_SERVING &&
	       (within_us == 0 ||
		   (beat_us > 0 &&
		       figures_age_us(beat_us, m->beat_us) <= within_us));
}

bool
metrics_healthy(const struct figures_moment *m, uint64_t within_us)
{
	const struct status_shm *status = m->seg->status;
	uint64_t wanted = 0, found = 0, bit;

	for (uint32_t i = 0; i < figures_seats(m->seg); i++) {
		/* A type of no sense is one that does not serve. */
		bit = UINT64_C(1)
		      << MIN(atomic_load(&status->seats[i].type), 63u);
		wanted |= bit;
		if (serves(m, i, within_us))
			found |= bit;
	}
	return m->alive && atomic_load(&status->stopping) == 0 &&
	       found == wanted;
}
