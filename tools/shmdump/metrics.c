/* SPDX-License-Identifier: MIT */
/*
 * The figures for Prometheus: its text format, version 0.0.4.
 *
 * Names begin with chatmaster_, units are base units, counters end in _total.
 * The label that users write is a room's name.
 */
#include "tools/shmdump/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/shm/lock.h"
#include "tools/shmdump/escape.h"
#include "tools/shmdump/figures.h"
#include "tools/shmdump/out.h"

/* A family of samples, and where in a struct of uint64_t its figure is. */
struct family {
	const char *name; /* without chatmaster_ */
	const char *type;
	const char *help;
	size_t at;
	unsigned decimals; /* 3: the figure is in thousandths */
};

#define GAUGE "gauge"
#define COUNTER "counter"

#define OF(field) offsetof(struct instance_figures, field)
static const struct family instance_families[] = {
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
    {"refused_total", COUNTER, "Connections refused.", OF(refused), 0},
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
    {"pool_empty_total", COUNTER, "Wanted buffers, when none was free.",
	OF(pool_empty), 0},
};
#undef OF

#define OF(field) offsetof(struct worker_figures, field)
static const struct family worker_families[] = {
    {"worker_sessions", GAUGE, "Connections of the worker.", OF(sessions), 0},
    {"worker_restarts_total", COUNTER, "Workers that followed a dead one.",
	OF(restarts), 0},
    {"worker_heartbeat_seconds", GAUGE, "Time since its last sign of life.",
	OF(heartbeat_ms), 3},
    {"worker_lag_records", GAUGE, "Records it has still to look at.", OF(lag),
	0},
    {"worker_passes_total", COUNTER, "Passes of its event loop.", OF(passes),
	0},
    {"worker_missed_total", COUNTER, "Messages its clients missed.", OF(missed),
	0},
};
#undef OF

struct label {
	const char *key;
	const char *text; /* untrusted */
	size_t len;
};

struct metrics {
	bool json;
	size_t nsamples;
	struct outbuf b;
};

/* Say what follows: all samples of a family stand behind its head. */
static void
put_head(struct metrics *m, const struct family *f)
{
	if (m->json)
		return;
	outbuf_puts(&m->b, "# HELP chatmaster_");
	outbuf_puts(&m->b, f->name);
	outbuf_puts(&m->b, " ");
	outbuf_puts(&m->b, f->help);
	outbuf_puts(&m->b, "\n# TYPE chatmaster_");
	outbuf_puts(&m->b, f->name);
	outbuf_puts(&m->b, " ");
	outbuf_puts(&m->b, f->type);
	outbuf_puts(&m->b, "\n");
}

static void
put_labels(struct metrics *m, const struct label *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		outbuf_printf(&m->b,
		    m->json ? "%s\"%s\":" : "%s%s=", i > 0 ? "," : "{",
		    labels[i].key);
		if (m->json)
			escape_json(&m->b, labels[i].text, labels[i].len);
		else
			escape_label(&m->b, labels[i].text, labels[i].len);
	}
	if (n > 0)
		outbuf_puts(&m->b, "}");
	else if (m->json)
		outbuf_puts(&m->b, "{}");
}

static void
put_value(struct metrics *m, uint64_t value, unsigned decimals)
{
	uint64_t unit = 1;

	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	outbuf_printf(&m->b, "%" PRIu64, value / unit);
	if (decimals > 0)
		outbuf_printf(
		    &m->b, ".%0*" PRIu64, (int)decimals, value % unit);
}

/* One sample; in JSON an object of an array. */
static void
put_sample(struct metrics *m, const struct family *f,
    const struct label *labels, size_t nlabels, uint64_t value)
{
	if (m->json)
		outbuf_puts(
		    &m->b, m->nsamples > 0 ? ",\n{\"name\":" : "[\n{\"name\":");
	outbuf_printf(
	    &m->b, m->json ? "\"chatmaster_%s\"" : "chatmaster_%s", f->name);
	if (m->json)
		outbuf_printf(&m->b, ",\"type\":\"%s\",\"labels\":", f->type);
	put_labels(m, labels, nlabels);
	outbuf_puts(&m->b, m->json ? ",\"value\":" : " ");
	put_value(m, value, f->decimals);
	outbuf_puts(&m->b, m->json ? "}" : "\n");
	m->nsamples++;
}

static uint64_t
figure_at(const void *figures, size_t at)
{
	uint64_t figure;

	memcpy(&figure, (const char *)figures + at, sizeof(figure));
	return figure;
}

static struct label
label(const char *key, const char *text)
{
	return (struct label){.key = key, .text = text, .len = strlen(text)};
}

static void
put_instance(struct metrics *m, const struct dump *d)
{
	static const struct family info = {
	    "info", GAUGE, "The instance and its version.", 0, 0};
	const struct label labels[] = {
	    label("instance", d->instance),
	    label("version", d->version),
	};
	struct instance_figures figures;

	put_head(m, &info);
	put_sample(m, &info, labels, COUNT(labels), 1);
	figures_instance(d, &figures);
	for (size_t i = 0; i < COUNT(instance_families); i++) {
		const struct family *f = &instance_families[i];

		put_head(m, f);
		put_sample(m, f, NULL, 0, figure_at(&figures, f->at));
	}
}

static void
put_worker(
    struct metrics *m, const struct family *f, const struct worker_figures *w)
{
	struct label labels[2];
	char seat[24];

	snprintf(seat, sizeof(seat), "%" PRIu64, w->seat);
	labels[0] = label("seat", seat);
	labels[1] = label("type", w->type != NULL ? w->type : "unknown");
	put_sample(m, f, labels, COUNT(labels), figure_at(w, f->at));
}

static void
put_workers(struct metrics *m, const struct dump *d)
{
	struct worker_figures workers[SEATS_MAX];
	size_t n = figures_workers(d, workers);

	for (size_t i = 0; i < COUNT(worker_families); i++) {
		put_head(m, &worker_families[i]);
		for (size_t seat = 0; seat < n; seat++)
			put_worker(m, &worker_families[i], &workers[seat]);
	}
}

static int
compare_names(const void *left, const void *right)
{
	const struct room_figures *a = left, *b = right;
	const struct room_shm *x = &a->row, *y = &b->row;
	int order = memcmp(x->name, y->name, MIN(x->name_len, y->name_len));

	return order != 0 ? order : x->name_len - y->name_len;
}

/*
 * A room that ended and began anew while we looked may be there twice, and a
 * sample may not.
 */
static size_t
sort_rooms(struct room_figures *rooms, size_t n)
{
	size_t kept = 0;

	if (n > 0)
		qsort(rooms, n, sizeof(*rooms), compare_names);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 ||
		    compare_names(&rooms[kept - 1], &rooms[i]) != 0)
			rooms[kept++] = rooms[i];
	return kept;
}

static void
put_rooms(struct metrics *m, const struct dump *d)
{
	static const struct family members = {
	    "room_members", GAUGE, "Members of the room.", 0, 0};
	static const struct family messages = {
	    "room_messages_total", COUNTER, "Messages of the room.", 0, 0};
	struct room_figures *rooms;
	size_t n = figures_rooms(d, &rooms);

	n = sort_rooms(rooms, n);
	for (int i = 0; i < 2; i++) {
		const struct family *f = i == 0 ? &members : &messages;

		put_head(m, f);
		for (size_t k = 0; k < n; k++) {
			const struct room_shm *r = &rooms[k].row;
			const struct label room = {
			    "room", r->name, r->name_len};

			put_sample(m, f, &room, 1,
			    i == 0 ? rooms[k].members : r->messages);
		}
	}
	free(rooms);
}

static void
put_lock(struct metrics *m, const struct dump *d)
{
	static const struct family families[] = {
	    {"lock_acquisitions_total", COUNTER, "Times the lock was taken.",
		offsetof(struct lock_shm, acquisitions), 0},
	    {"lock_contentions_total", COUNTER, "Times somebody waited for it.",
		offsetof(struct lock_shm, contentions), 0},
	    {"lock_recoveries_total", COUNTER, "Times the dead had it.",
		offsetof(struct lock_shm, recoveries), 0},
	};
	struct lock_shm lock;

	dump_copy(&lock, d->seg.lock, sizeof(lock));
	for (size_t i = 0; i < COUNT(families); i++) {
		put_head(m, &families[i]);
		put_sample(
		    m, &families[i], NULL, 0, figure_at(&lock, families[i].at));
	}
}

int
metrics_view(const struct dump *d)
{
	struct metrics m = {.json = d->json};

	put_instance(&m, d);
	put_workers(&m, d);
	put_rooms(&m, d);
	put_lock(&m, d);
	if (m.json)
		outbuf_puts(&m.b, "\n]\n");
	out_bytes(m.b.bytes, m.b.used);
	outbuf_fini(&m.b);
	return out_error() != 0;
}
