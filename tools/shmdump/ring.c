/* SPDX-License-Identifier: MIT */
/*
 * The records in the ring, oldest first.  The server goes on while we read:
 * what it overwrites is left out, and what it adds after we began is shown
 * only if we follow.  It knows nothing of us, so who follows looks again and
 * again, and who was too slow says how much it has missed.
 */
#include "tools/shmdump/views.h"

#include <err.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/chat/name.h"
#include "shared/shm/ring.h"
#include "tools/shmdump/out.h"

#define POLL_MIN_MS 5 /* after something came */
#define POLL_MAX_MS 50

enum {
	COL_SEQ,
	COL_TIME,
	COL_TYPE,
	COL_ROOM,
	COL_NAME,
	COL_TEXT,
	COLS,
};

static const struct out_column columns[COLS] = {
    [COL_SEQ] = {.key = "seq", .head = "SEQ", .width = 16, .right = true},
    [COL_TIME] = {.key = "time", .head = "TIME", .width = 24},
    [COL_TYPE] = {.key = "type", .head = "TYPE", .width = 7},
    [COL_ROOM] = {.key = "room", .head = "ROOM", .width = 16},
    [COL_NAME] = {.key = "name", .head = "NAME", .width = 16},
    [COL_TEXT] = {.key = "text", .head = "TEXT"},
};

/* A room that a join on the way has named; it may have ended since. */
struct room_seen {
	uint32_t gen;
	uint8_t len; /* 0: none seen */
	char name[LIMIT_ROOM];
};

struct walk {
	const struct dump *d;
	struct out out;
	struct room_seen *rooms;
	char *line; /* line_size bytes, and 8 that ring_copy wants */
	size_t line_size;
	uint64_t next;   /* record to look at */
	uint64_t from;   /* those before it aren't shown */
	uint64_t missed; /* overwritten before we came to them */
	/* The last `nlast` of those asked for, in the pass that finds them. */
	uint64_t *last, nlast, found;
};

static const char *
type_name(uint8_t type)
{
	static const char *const names[RECORD_TYPES] = {
	    [RECORD_NONE] = "none",
	    [RECORD_MESSAGE] = "message",
	    [RECORD_JOIN] = "join",
	    [RECORD_LEAVE] = "leave",
	    [RECORD_ACTION] = "action",
	    [RECORD_PRIVATE] = "private",
	    [RECORD_RENAME] = "rename",
	    [RECORD_TOPIC] = "topic",
	    [RECORD_KICK] = "kick",
	    [RECORD_BAN] = "ban",
	    [RECORD_UNBAN] = "unban",
	    [RECORD_MUTE] = "mute",
	    [RECORD_UNMUTE] = "unmute",
	    [RECORD_OP] = "op",
	    [RECORD_DEOP] = "deop",
	    [RECORD_DISPLACE] = "displace",
	    [RECORD_ROOM] = "room",
	};

	return type < COUNT(names) && names[type] != NULL ? names[type]
							  : "unknown";
}

static void
walk_remember(struct walk *w, const struct desc_shm *r)
{
	struct room_seen *seen;
	char name[LIMIT_ROOM + 8];

	if (r->type != RECORD_JOIN || r->room >= w->d->seg.params.nrooms ||
	    r->extra < 1 || r->extra > LIMIT_ROOM ||
	    ring_copy_extra(&w->d->seg, r, name) != RING_OK)
		return;
	seen = &w->rooms[r->room];
	seen->gen = r->room_gen;
	seen->len = (uint8_t)r->extra;
	memcpy(seen->name, name, r->extra);
}

/* The record's room; `room` has LIMIT_ROOM bytes. */
static struct out_value
walk_room(const struct walk *w, const struct desc_shm *r, char *room)
{
	const struct room_seen *seen;
	size_t len;

	if (r->room == NONE)
		return out_none();
	if (r->room < w->d->seg.params.nrooms) {
		seen = &w->rooms[r->room];
		if (seen->len > 0 && seen->gen == r->room_gen)
			return out_text(seen->name, seen->len);
	}
	len = dump_room_name(w->d, r->room, r->room_gen, room);
	if (len == 0)
		len = (size_t)snprintf(room, LIMIT_ROOM,
		    "#%" PRIu32 ".%" PRIu32, r->room, r->room_gen);
	return out_text(room, len);
}

/* Has its line a text, and may it be shown? */
static bool
walk_shows_text(const struct walk *w, const struct desc_shm *r)
{
	switch (r->type) {
	case RECORD_JOIN:
	case RECORD_LEAVE:
		return false;
	case RECORD_PRIVATE:
		return w->d->private;
	default:
		return true;
	}
}

/* Name and text, out of the line, of which there are `len` bytes. */
static void
walk_line(const struct walk *w, const struct desc_shm *r, size_t len,
    struct out_value *row)
{
	size_t name_end = (size_t)r->name_off + r->name_len;
	size_t text = r->text_off;

	row[COL_NAME] = row[COL_TEXT] = out_none();
	if (r->name_len > 0 && name_end <= len)
		row[COL_NAME] = out_text(w->line + r->name_off, r->name_len);
	if (!walk_shows_text(w, r) || text > len)
		return;
	if (len > text && w->line[len - 1] == '\n')
		len--;
	row[COL_TEXT] = out_text(w->line + text, len - text);
}

/* Is it one of those asked for, and to be shown in this pass? */
static bool
walk_wants(struct walk *w, uint64_t n, const struct out_value *room)
{
	const char *name = w->d->room;

	if (name != NULL &&
	    !name_equal(name, strlen(name), room->text, room->len))
		return false;
	if (w->last != NULL) {
		w->last[w->found++ % w->nlast] = n;
		return false;
	}
	return n >= w->from;
}

/* Show record `n`, if it is wanted.  Returns whether it was still there. */
static bool
walk_record(struct walk *w, uint64_t n)
{
	const struct segment *seg = &w->d->seg;
	struct out_value row[COLS];
	char room[LIMIT_ROOM];
	struct desc_shm r;
	size_t len;

	if (ring_read(seg, n, &r) != RING_OK)
		return false;
	walk_remember(w, &r);
	row[COL_ROOM] = walk_room(w, &r, room);
	if (!walk_wants(w, n, &row[COL_ROOM]))
		return true;
	len = MIN((size_t)r.len, w->line_size);
	if (ring_copy(seg, &r, 0, w->line, len) != RING_OK)
		return false;
	row[COL_SEQ] = out_number(n);
	row[COL_TIME] = out_as(OUT_TIME, r.time_us);
	row[COL_TYPE] = out_string(type_name(r.type));
	walk_line(w, &r, len, row);
	out_row(&w->out, row);
	return true;
}

/* Go on at record `n`: those between are gone. */
static void
walk_skip_to(struct walk *w, uint64_t n)
{
	uint64_t wanted = MAX(w->next, w->from);

	if (n > wanted)
		w->missed += n - wanted;
	w->next = n;
}

/* Look at [next, head).  A head gone wrong costs us a ring's worth. */
static void
walk_to(struct walk *w, uint64_t head)
{
	const struct segment *seg = &w->d->seg;
	uint64_t oldest;

	if (head > w->next && head - w->next > seg->layout.ndesc)
		walk_skip_to(w, head - seg->layout.ndesc);
	while (w->next < head && out_error() == 0) {
		if (walk_record(w, w->next)) {
			w->next++;
			continue;
		}
		oldest = ring_oldest(seg);
		walk_skip_to(w, MAX(oldest, w->next + 1));
	}
}

/* Begin at the oldest record, also if the head is nonsense. */
static void
walk_rewind(struct walk *w)
{
	uint64_t head = w->d->head, ndesc = w->d->seg.layout.ndesc;

	w->next = ring_oldest(&w->d->seg);
	if (w->next > head || head - w->next > ndesc)
		w->next = head > ndesc ? head - ndesc : 0;
	w->missed = 0;
}

/* Find the last `count` of those asked for: `from` is the first of them. */
static void
walk_find_last(struct walk *w)
{
	const struct dump *d = w->d;

	if (d->count == 0 || (d->room == NULL && d->count <= d->head)) {
		w->from = d->head - d->count;
		return;
	}
	if (d->count >= d->seg.layout.ndesc)
		return;
	w->nlast = d->count;
	w->last = calloc(w->nlast, sizeof(*w->last));
	if (w->last == NULL)
		errx(1, "out of memory");
	walk_to(w, d->head);
	if (w->found >= w->nlast)
		w->from = w->last[w->found % w->nlast];
	free(w->last);
	w->last = NULL;
	walk_rewind(w);
}

/* Wait.  Returns false when there is nobody left to print for. */
static bool
wait_ms(int ms)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, ms) <= 0;
}

static void
walk_follow(struct walk *w)
{
	const struct dump *d = w->d;
	int pause_ms = POLL_MIN_MS;
	uint64_t before;
	bool alive;

	do {
		/* Asked first: what it wrote before its end is there then. */
		alive = dump_is_alive(d);
		before = w->next;
		walk_to(w, ring_head(&d->seg));
		out_flush();
		if (w->missed > 0)
			warnx("missed %" PRIu64 " records: they were "
			      "overwritten before they could be read",
			    w->missed);
		w->missed = 0;
		pause_ms = w->next != before ? POLL_MIN_MS
					     : MIN(2 * pause_ms, POLL_MAX_MS);
	} while (out_error() == 0 && alive && wait_ms(pause_ms));
	if (!alive)
		warnx("%s", d->is_file ? "this is a copy: nothing follows"
				       : "the server has ended");
}

int
ring_view(const struct dump *d)
{
	struct walk w = {
	    .d = d,
	    /* The longest line there is: NAME, a few words, the text. */
	    .line_size = 3 * (size_t)d->seg.params.max_line + 1024,
	};

	w.rooms = calloc(d->seg.params.nrooms, sizeof(*w.rooms));
	w.line = malloc(w.line_size + 8);
	if (w.rooms == NULL || w.line == NULL)
		errx(1, "out of memory");
	out_begin(&w.out, OUT_STREAM, d->json, columns, COLS);
	walk_rewind(&w);
	walk_find_last(&w);
	if (d->follow)
		walk_follow(&w);
	else
		walk_to(&w, d->head);
	free(w.rooms);
	free(w.line);
	return out_end(&w.out) == -1;
}
