/* SPDX-License-Identifier: MIT */
/*
 * The figures for Prometheus, as shared/shm/metrics.h has them, with the rooms
 * by name; or as JSON, an object a sample.
 */
#include "shared/shm/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shmdump/escape.h"
#include "tools/shmdump/out.h"
#include "tools/shmdump/views.h"

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
put_text(const struct metrics *m)
{
	char piece[16 * METRICS_PIECE_MIN];
	uint64_t at = 0;

	while (at != METRICS_DONE && out_error() == 0)
		out_bytes(
		    piece, metrics_render(m, at, piece, sizeof(piece), &at));
}

static void
put_sample(struct outbuf *b, const struct metrics_item *item)
{
	const struct metrics_family *f = item->family;
	char value[METRICS_VALUE_MAX];

	outbuf_printf(
	    b, "{\"name\":\"chatmaster_%s\",\"type\":\"%s\"", f->name, f->type);
	outbuf_puts(b, ",\"labels\":{");
	for (unsigned i = 0; i < item->nlabels; i++) {
		outbuf_printf(
		    b, "%s\"%s\":", i > 0 ? "," : "", item->labels[i].key);
		escape_json(b, item->labels[i].text, item->labels[i].len);
	}
	outbuf_puts(b, "},\"value\":");
	metrics_value(item, value);
	outbuf_puts(b, value);
	outbuf_puts(b, "}");
}

static void
put_json(const struct metrics *m)
{
	struct metrics_cursor cursor = {0};
	struct metrics_item item;
	enum metrics_result result;
	struct outbuf b = {0};

	while ((result = metrics_next(m, &cursor, &item)) != METRICS_END) {
		if (result != METRICS_ITEM || item.head)
			continue;
		outbuf_puts(&b, b.used == 0 ? "[\n" : ",\n");
		put_sample(&b, &item);
	}
	outbuf_puts(&b, "\n]\n");
	out_bytes(b.bytes, b.used);
	outbuf_fini(&b);
}

int
metrics_view(const struct dump *d)
{
	struct room_figures *rooms;
	size_t n = dump_rooms(d, &rooms);
	const struct metrics m = {
	    .moment = dump_moment(d),
	    .rooms_given = true,
	    .rooms = rooms,
	    .nrooms = sort_rooms(rooms, n),
	};

	if (d->json)
		put_json(&m);
	else
		put_text(&m);
	free(rooms);
	return out_error() != 0;
}
