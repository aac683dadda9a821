/* SPDX-License-Identifier: MIT */
/*
 * A live screen: the instance, its workers, its busiest rooms.  Rates are
 * differences between two samples, a second apart.
 */
#include "tools/shmdump/views.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tools/shmdump/escape.h"
#include "tools/shmdump/out.h"
#include "tools/shmdump/screen.h"

#define INTERVAL_US 1000000
#define HEADS 7 /* lines that are no worker and no room */

/* What a rate is when there is no sample before. */
#define NO_RATE UINT64_MAX

/* A room's counter as of the sample before, by its index. */
struct room_count {
	uint64_t messages;
	uint32_t gen;
	bool seen;
};

struct top_room {
	struct room_figures f;
	uint64_t rate; /* messages, in tenths a second */
};

struct top {
	struct dump dump;
	uint64_t at_us, took_us; /* took_us: since the one before; 0: none */
	struct instance_figures now, before;
	struct worker_figures workers[SEATS_MAX];
	uint64_t passes[SEATS_MAX]; /* of the sample before */
	uint64_t pass_rates[SEATS_MAX];
	size_t nworkers;
	struct top_room *rooms; /* the busiest first */
	size_t nrooms;
	struct room_count *counts;
	/* The picture. */
	size_t rows, columns;
	struct outbuf text, line;
	size_t nlines;
};

/* In tenths a second. */
static uint64_t
rate(const struct top *t, uint64_t before, uint64_t now)
{
	if (t->took_us == 0)
		return NO_RATE;
	if (now <= before)
		return 0;
	return (uint64_t)((double)(now - before) * 1e7 / (double)t->took_us);
}

static int
compare_rooms(const void *left, const void *right)
{
	const struct top_room *a = left, *b = right;

	if (a->rate != b->rate)
		return a->rate < b->rate ? 1 : -1;
	if (a->f.row.messages != b->f.row.messages)
		return a->f.row.messages < b->f.row.messages ? 1 : -1;
	if (a->f.members != b->f.members)
		return a->f.members < b->f.members ? 1 : -1;
	return a->f.index < b->f.index ? -1 : 1;
}

static void
sample_rooms(struct top *t)
{
	struct room_figures *rooms;
	struct room_count *count;
	uint64_t messages;

	free(t->rooms);
	t->nrooms = dump_rooms(&t->dump, &rooms);
	t->rooms = calloc(MAX(t->nrooms, (size_t)1), sizeof(*t->rooms));
	if (t->rooms == NULL)
		errx(1, "out of memory");
	for (size_t i = 0; i < t->nrooms; i++) {
		count = &t->counts[rooms[i].index];
		messages = rooms[i].row.messages;
		t->rooms[i].f = rooms[i];
		/* A room that is new has said it all since then. */
		t->rooms[i].rate = rate(t,
		    count->seen && count->gen == rooms[i].row.gen
			? count->messages
			: 0,
		    messages);
		*count = (struct room_count){
		    .messages = messages,
		    .gen = rooms[i].row.gen,
		    .seen = true,
		};
	}
	free(rooms);
	qsort(t->rooms, t->nrooms, sizeof(*t->rooms), compare_rooms);
}

static void
sample(struct top *t)
{
	uint64_t now_us = clock_us();
	struct figures_moment m;

	t->took_us = t->at_us == 0 ? 0 : MAX(now_us - t->at_us, UINT64_C(1));
	t->at_us = now_us;
	t->before = t->now;
	dump_refresh(&t->dump);
	m = dump_moment(&t->dump);
	figures_instance(&m, &t->now);
	t->nworkers = figures_workers(&m, t->workers);
	for (size_t i = 0; i < t->nworkers; i++) {
		t->pass_rates[i] = rate(t, t->passes[i], t->workers[i].passes);
		t->passes[i] = t->workers[i].passes;
	}
	sample_rooms(t);
}

/* Append a value in at least `width` columns, to their right. */
static void
put(struct top *t, size_t width, struct out_value value)
{
	struct outbuf cell = {0};
	size_t used;

	out_put(&cell, &value);
	outbuf_add(&cell, "", 1);
	used = escape_width(cell.bytes);
	if (used < width)
		outbuf_pad(&t->line, width - used);
	outbuf_puts(&t->line, cell.bytes);
	outbuf_fini(&cell);
}

static void
put_rate(struct top *t, size_t width, uint64_t tenths)
{
	char text[32];

	if (tenths == NO_RATE)
		snprintf(text, sizeof(text), "-");
	else if (tenths < 1000)
		snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64,
		    tenths / 10, tenths % 10);
	else
		snprintf(text, sizeof(text), "%" PRIu64, tenths / 10);
	put(t, width, out_string(text));
}

/* Words, and a value behind them. */
static void
put_named(struct top *t, const char *words, struct out_value value)
{
	outbuf_puts(&t->line, words);
	put(t, 0, value);
}

/* The line is complete: what fits of it goes to the picture. */
static void
end_line(struct top *t, bool bold)
{
	size_t fits = escape_fit(t->line.bytes, t->line.used, t->columns);

	if (t->nlines < t->rows) {
		outbuf_puts(&t->text, bold ? "\033[1m" : "");
		outbuf_add(&t->text, t->line.bytes, fits);
		outbuf_puts(&t->text, bold ? "\033[m\n" : "\n");
		t->nlines++;
	}
	t->line.used = 0;
}

static void
draw_instance(struct top *t, bool live)
{
	const struct instance_figures *f = &t->now;

	put_named(t, "chatmaster ", out_string(t->dump.instance));
	put_named(t, "  ", out_string(t->dump.version));
	put_named(t, "  ", out_string(dump_state(&t->dump)));
	put_named(t, "  pid ", out_number(f->pid));
	put_named(t, "  up ", out_as(OUT_SECONDS, f->uptime_s));
	put_named(t, "  workers ", out_number(f->running));
	put_named(t, "/", out_number(f->workers));
	end_line(t, live);
	put_named(t, "sessions ", out_number(f->sessions));
	put_named(t, "/", out_number(f->max_clients));
	put_named(t, "  accepted ", out_number(f->accepted));
	put_named(t, "  refused ", out_number(f->refused));
	put_named(t, "  rooms ", out_number(f->rooms));
	put_named(t, "/", out_number(f->max_rooms));
	put_named(t, "  restarts ", out_number(f->restarts));
	end_line(t, false);
	put_named(t, "messages ", out_number(f->messages));
	outbuf_puts(&t->line, "  messages/s ");
	put_rate(t, 0, rate(t, t->before.messages, f->messages));
	outbuf_puts(&t->line, "  records/s ");
	put_rate(t, 0, rate(t, t->before.records, f->records));
	put_named(t, "  ring ", out_as(OUT_BYTES, f->ring_size));
	outbuf_puts(&t->line, live ? "  (q quits)" : "");
	end_line(t, false);
}

static void
draw_workers(struct top *t, size_t shown, bool live)
{
	end_line(t, false);
	outbuf_puts(&t->line, "SEAT TYPE          PID STATE       SESSIONS "
			      "RESTARTS HEARTBEAT     LAG  PASSES/S");
	end_line(t, live);
	for (size_t i = 0; i < shown; i++) {
		const struct worker_figures *w = &t->workers[i];

		put(t, 4, out_number(w->seat));
		outbuf_printf(
		    &t->line, " %-8s", w->type != NULL ? w->type : "-");
		put(t, 8, out_number(w->pid));
		outbuf_printf(
		    &t->line, " %-10s", w->state != NULL ? w->state : "-");
		put(t, 9, out_number(w->sessions));
		put(t, 9, out_number(w->restarts));
		put(t, 10, out_as(OUT_MS, w->heartbeat_ms));
		put(t, 8, out_number(w->lag));
		put_rate(t, 10, t->pass_rates[i]);
		end_line(t, false);
	}
}

static void
draw_rooms(struct top *t, size_t shown, bool live)
{
	end_line(t, false);
	outbuf_puts(&t->line, "MESSAGES/S   MESSAGES  MEMBERS  ROOM");
	if (shown < t->nrooms)
		outbuf_printf(&t->line, "  (%zu of %zu)", shown, t->nrooms);
	end_line(t, live);
	for (size_t i = 0; i < shown; i++) {
		const struct room_figures *f = &t->rooms[i].f;

		put_rate(t, 10, t->rooms[i].rate);
		put(t, 11, out_number(f->row.messages));
		put(t, 9, out_number(f->members));
		outbuf_puts(&t->line, "  ");
		put(t, 0, out_text(f->row.name, f->row.name_len));
		end_line(t, false);
	}
}

/* Compose the picture: at least half of it is the rooms', if they need it. */
static void
draw(struct top *t, bool live)
{
	size_t rest = t->rows > HEADS ? t->rows - HEADS : 0;
	size_t rooms = MIN(t->nrooms, rest - MIN(rest / 2, t->nworkers));
	size_t workers = MIN(t->nworkers, rest - rooms);

	t->text.used = 0;
	t->nlines = 0;
	draw_instance(t, live);
	draw_workers(t, workers, live);
	draw_rooms(t, rooms, live);
}

static int
run(struct top *t)
{
	enum screen_event event = SCREEN_TICK;
	uint64_t next_us = 0;

	atexit(screen_close);
	if (screen_open() == -1)
		err(1, "cannot use the terminal");
	while (event != SCREEN_QUIT && event != SCREEN_HANGUP) {
		if (event == SCREEN_TICK) {
			sample(t);
			next_us = t->at_us + INTERVAL_US;
		}
		screen_size(&t->rows, &t->columns);
		draw(t, true);
		if (screen_draw(&t->text) == -1)
			break;
		event = screen_wait(next_us);
	}
	screen_close();
	return 0;
}

/* One document of three views. */
static int
print_json(const struct dump *d)
{
	int code;

	out_bytes("{\"status\":", 10);
	code = status_view(d);
	out_bytes(",\"workers\":", 11);
	code |= workers_view(d);
	out_bytes(",\"rooms\":", 9);
	code |= rooms_view(d);
	out_bytes("}\n", 2);
	return code;
}

int
top_view(const struct dump *d)
{
	struct top t = {.dump = *d};
	int code = 0;

	if (d->json)
		return print_json(d);
	t.counts = calloc(d->seg.params.nrooms, sizeof(*t.counts));
	if (t.counts == NULL)
		errx(1, "out of memory");
	if (isatty(fileno(stdout))) {
		code = run(&t);
	} else {
		t.rows = t.columns = SIZE_MAX;
		sample(&t);
		draw(&t, false);
		out_bytes(t.text.bytes, t.text.used);
		code = out_error() != 0;
	}
	free(t.counts);
	free(t.rooms);
	outbuf_fini(&t.text);
	outbuf_fini(&t.line);
	return code;
}
