/* SPDX-License-Identifier: MIT */
/*
 * A segment's figures for Prometheus, in its text format, version 0.0.4.
 *
 * Names begin with chatmaster_, units are base units, counters end in _total.
 * The one label that users write is a room's name.
 *
 * What there is to say is a list of items: the head of a family, its samples,
 * the next family's head.  An item has a position, and what is there is
 * a function of the position and of the segment, so that whoever sends the
 * text piece by piece keeps nothing but a position meanwhile.
 */
#ifndef SHARED_SHM_METRICS_H
#define SHARED_SHM_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/figures.h"
#include "shared/shm/lock.h"

/* What a family is about, which is what `at` is an offset in. */
enum metrics_subject {
	METRICS_INFO,     /* nothing: it is always 1 */
	METRICS_INSTANCE, /* struct instance_figures */
	METRICS_REFUSAL,  /* the same; a sample a reason */
	METRICS_WORKER,   /* struct worker_figures; a sample a seat */
	METRICS_ROOM,     /* struct room_figures; a sample a room */
	METRICS_LOCK,     /* struct lock_shm */
};

/* A family of samples, and where its figure is, which is a uint64_t. */
struct metrics_family {
	const char *name; /* without chatmaster_ */
	const char *type; /* "gauge" or "counter" */
	const char *help;
	enum metrics_subject subject;
	size_t at;
	unsigned decimals; /* 3: the figure is in thousandths */
};

/* What to write about. */
struct metrics {
	struct figures_moment moment;
	/*
	 * Show these rooms, in this order, no name twice.  Or else those of
	 * the segment that somebody is in, by index; then the moment must be
	 * the same for all pieces, since rooms that came into being after it
	 * are left out, so that no name comes twice.
	 */
	bool rooms_given;
	const struct room_figures *rooms;
	size_t nrooms;
};

/* Rooms whose members are counted at once. */
#define METRICS_STRETCH 2048

/*
 * A place in the list of items.  Begin with all zero but for `position`, which
 * is 0 for the first item.
 */
struct metrics_cursor {
	uint64_t position; /* METRICS_DONE: behind the last one */
	/* What has been gathered for the family of `position`. */
	const struct metrics_family *gathered;
	struct instance_figures instance;
	struct worker_figures workers[SEATS_MAX];
	struct lock_shm lock;
	struct room_figures room;
	uint32_t members[METRICS_STRETCH];
	uint32_t from, end; /* rooms that are counted there */
	char seat[24];
	char instance_name[INSTANCE_MAX + 1];
	char version[16];
};
#define METRICS_DONE UINT64_MAX

struct metrics_label {
	const char *key;
	const char *text; /* as it lies in the segment: to be escaped */
	size_t len;
};

struct metrics_item {
	const struct metrics_family *family;
	bool head; /* of the family; what follows is of samples */
	struct metrics_label labels[2];
	unsigned nlabels;
	uint64_t value;
};

enum metrics_result {
	METRICS_ITEM,
	METRICS_AGAIN, /* a stretch of rooms without one; there may be more */
	METRICS_END,
};

/*
 * The item at the cursor, which moves on.  The item's labels are good until the
 * next call.  One call takes about a nanosecond for each session and room there
 * can be, when it begins a family or a stretch, and else next to nothing.
 */
enum metrics_result metrics_next(const struct metrics *m,
    struct metrics_cursor *cursor, struct metrics_item *item);

/* Write an item's value as a number in decimal, and a NUL. */
#define METRICS_VALUE_MAX 32
void metrics_value(
    const struct metrics_item *item, char dst[METRICS_VALUE_MAX]);

/* The longest item, as text. */
#define METRICS_PIECE_MIN 1024

/*
 * Write the items from `position` on (0: all) to dst: whole lines, as many as
 * fit `size`, which is at least METRICS_PIECE_MIN.  Returns the bytes, 0 at
 * times, and sets *next to the position of the piece behind it: METRICS_DONE
 * after the last one.
 */
size_t metrics_render(const struct metrics *m, uint64_t position, char *dst,
    size_t size, uint64_t *next);

/*
 * Is everybody at work?  No if the server is stopping, or if there is a type of
 * worker none of which serves and gave a sign of life in the last `within_us`
 * (0: however long ago).
 */
bool metrics_healthy(const struct figures_moment *m, uint64_t within_us);

#endif
