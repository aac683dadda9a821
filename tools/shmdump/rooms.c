/* SPDX-License-Identifier: MIT */
/* The rooms that somebody is in. */
#include "tools/shmdump/views.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/chat/policy.h"
#include "shared/net/inherit.h"
#include "tools/shmdump/out.h"

enum {
	COL_INDEX,
	COL_NAME,
	COL_MEMBERS,
	COL_MESSAGES,
	COL_HOME,
	COL_AGE,
	COL_FLAGS,
	COL_TOPIC,
	COLS,
};

/* Of enum policy_flag, bit by bit. */
static const char *const flag_names[] = {
    "configured", "password", "members", "read-only", "hidden", "topic"};
#define FLAGS_MAX 64
static_assert((1u << COUNT(flag_names)) - 1 == POLICY_ALL, "all have names");

static const struct out_column columns[COLS] = {
    [COL_INDEX] = {.key = "index"},
    [COL_NAME] = {.key = "name", .head = "ROOM"},
    [COL_MEMBERS] = {.key = "members", .head = "MEMBERS", .right = true},
    [COL_MESSAGES] = {.key = "messages", .head = "MESSAGES", .right = true},
    [COL_HOME] = {.key = "home", .head = "HOME", .right = true},
    [COL_AGE] = {.key = "age_s", .head = "AGE", .right = true},
    [COL_FLAGS] = {.key = "flags", .head = "FLAGS"},
    [COL_TOPIC] = {.key = "topic", .head = "TOPIC"},
};

/* What the configuration says of it: the words that hold, with commas. */
static struct out_value
rooms_flags(uint32_t flags, char text[FLAGS_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < COUNT(flag_names); i++)
		if ((flags & 1u << i) != 0)
			len += (size_t)snprintf(text + len, FLAGS_MAX - len,
			    "%s%s", len > 0 ? "," : "", flag_names[i]);
	return len == 0 ? out_none() : out_text(text, len);
}

static void
rooms_row(const struct dump *d, struct out *out, const struct room_figures *f)
{
	const struct room_shm *r = &f->row;
	struct out_value row[COLS];
	char flags[FLAGS_MAX];
	uint32_t home = r->home[WORKER_CHAT];

	row[COL_INDEX] = out_number(f->index);
	row[COL_NAME] = out_text(r->name, r->name_len);
	row[COL_MEMBERS] = out_number(f->members);
	row[COL_MESSAGES] = out_number(r->messages);
	row[COL_HOME] =
	    home < d->seg.params.nseats ? out_number(home) : out_none();
	row[COL_AGE] = out_as(
	    OUT_SECONDS, figures_age_us(r->created_us, d->now_us) / 1000000);
	row[COL_FLAGS] = rooms_flags(
	    atomic_load_explicit(&r->flags, memory_order_relaxed), flags);
	row[COL_TOPIC] =
	    out_text(r->topic, r->topic_len <= LIMIT_TOPIC ? r->topic_len : 0);
	out_row(out, row);
}

int
rooms_view(const struct dump *d)
{
	struct room_figures *rooms;
	size_t n = dump_rooms(d, &rooms);
	struct out out;

	out_begin(&out, OUT_TABLE, d->json, columns, COLS);
	for (size_t i = 0; i < n; i++)
		rooms_row(d, &out, &rooms[i]);
	free(rooms);
	return out_end(&out) == -1;
}
