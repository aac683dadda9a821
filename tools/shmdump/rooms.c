/* SPDX-License-Identifier: MIT */
/* The rooms that somebody is in. */
#include "tools/shmdump/views.h"

#include <err.h>
#include <stdlib.h>

#include "shared/net/inherit.h"
#include "tools/shmdump/out.h"

enum {
	COL_INDEX,
	COL_NAME,
	COL_MEMBERS,
	COL_MESSAGES,
	COL_HOME,
	COL_AGE,
	COL_TOPIC,
	COLS,
};

static const struct out_column columns[COLS] = {
    [COL_INDEX] = {.key = "index"},
    [COL_NAME] = {.key = "name", .head = "ROOM"},
    [COL_MEMBERS] = {.key = "members", .head = "MEMBERS", .right = true},
    [COL_MESSAGES] = {.key = "messages", .head = "MESSAGES", .right = true},
    [COL_HOME] = {.key = "home", .head = "HOME", .right = true},
    [COL_AGE] = {.key = "age_s", .head = "AGE", .right = true},
    [COL_TOPIC] = {.key = "topic", .head = "TOPIC"},
};

void
rooms_count_members(const struct dump *d, uint32_t *counts)
{
	const struct segment *seg = &d->seg;
	struct member_shm m;

	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		dump_copy(&m, &seg->members[i], sizeof(m));
		if (m.room < seg->params.nrooms)
			counts[m.room]++;
	}
}

bool
rooms_get(const struct dump *d, const uint32_t *counts, uint32_t room,
    struct room_shm *out)
{
	if (counts[room] == 0)
		return false;
	dump_copy(out, &d->seg.rooms[room], sizeof(*out));
	return out->used && out->name_len >= 1 && out->name_len <= LIMIT_ROOM;
}

static void
rooms_row(const struct dump *d, struct out *out, uint32_t room,
    const struct room_shm *r, uint32_t members)
{
	struct out_value row[COLS];
	uint32_t home = r->home[WORKER_CHAT];

	row[COL_INDEX] = out_number(room);
	row[COL_NAME] = out_text(r->name, r->name_len);
	row[COL_MEMBERS] = out_number(members);
	row[COL_MESSAGES] = out_number(r->messages);
	row[COL_HOME] =
	    home < d->seg.params.nseats ? out_number(home) : out_none();
	row[COL_AGE] = out_as(
	    OUT_SECONDS, dump_age_us(r->created_us, d->now_us) / 1000000);
	row[COL_TOPIC] = out_text("", 0);
	out_row(out, row);
}

int
rooms_view(const struct dump *d)
{
	uint32_t nrooms = d->seg.params.nrooms;
	uint32_t *counts = calloc(nrooms, sizeof(*counts));
	struct room_shm r;
	struct out out;

	if (counts == NULL)
		errx(1, "out of memory");
	rooms_count_members(d, counts);
	out_begin(&out, OUT_TABLE, d->json, columns, COLS);
	for (uint32_t i = 0; i < nrooms; i++)
		if (rooms_get(d, counts, i, &r))
			rooms_row(d, &out, i, &r, counts[i]);
	free(counts);
	return out_end(&out) == -1;
}
