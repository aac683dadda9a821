/* SPDX-License-Identifier: MIT */
/*
 * tools/shmdump: a small segment, with people and messages in it, is changed
 * by what the input says, and every view looks at it.
 *
 * The input is a list of patches, each an area of the segment, an offset in
 * it, and up to 16 bytes to store there.  Its first byte says how many of
 * them come before shmdump attaches; the others change the segment under it.
 *
 * What is printed must be lines of text that a terminal can bear.
 */
#include "tests/fuzz/check.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/utf8.h"
#include "shared/shm/journal.h"
#include "tools/shmdump/dump.h"
#include "tools/shmdump/views.h"

#define PATCHES_MAX 64
#define PATCH_BYTES 16
#define PATCH_HEAD 5 /* area, offset (3), length */
#define SEATS 2
#define SLOTS 4
#define ROOMS 4

struct patch {
	char *at;
	size_t len;
	uint8_t bytes[PATCH_BYTES];
	uint8_t was[PATCH_BYTES];
};

static struct segment seg; /* what the server would have */
static char path[64];      /* under which shmdump opens it */

static int (*const views[])(const struct dump *dump) = {
    status_view,
    workers_view,
    rooms_view,
    sessions_view,
    ring_view,
    locks_view,
    metrics_view,
    top_view,
    verify_view,
};

/* A record of `slot` about room `room`, published. */
static void
publish(enum record_type type, uint32_t slot, uint32_t room, const char *name,
    const char *line, const char *room_name)
{
	const char *colon = strchr(line, ':');
	struct journal j = {
	    .seg = &seg,
	    .seat = segment_seat(&seg, 0),
	    .lock = {.shm = seg.lock},
	};
	struct session_half half = seg.sessions[slot].half;
	struct record rec = {
	    .d =
		{
		    .type = (uint8_t)type,
		    .name_off = (uint8_t)(strstr(line, name) - line),
		    .name_len = (uint8_t)strlen(name),
		    .room = room,
		    .room_gen = seg.rooms[room].gen,
		    .text_off = (uint8_t)(colon != NULL ? colon + 2 - line : 0),
		    .sender = slot,
		    .sender_gen = seg.sessions[slot].gen,
		    .len = (uint32_t)strlen(line),
		    .extra = (uint32_t)strlen(room_name),
		    .room_msg = seg.rooms[room].messages,
		    .time_us = 1700000000000000,
		},
	    .line = line,
	    .extra = room_name,
	};

	if (type == RECORD_JOIN && !seg.rooms[room].used)
		rec.d.flags = RECORD_ROOM_NEW;
	half.state = SESSION_JOINED;
	half.room = room;
	half.room_gen = rec.d.room_gen;
	half.until = UINT64_MAX;
	half.in_done++;
	lock_acquire(&j.lock);
	journal_publish(&j, &rec, 1, slot, &half);
	lock_release(&j.lock);
}

static void
populate(void)
{
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		seg.sessions[slot].gen++;
		seg.sessions[slot].half.room = NONE;
		atomic_store(&seg.sessions[slot].owner, slot % SEATS + 1);
	}
	publish(RECORD_JOIN, 0, 0, "Alice", "* Alice\n", "general");
	publish(RECORD_JOIN, 1, 0, "Bob", "* Bob\n", "general");
	publish(RECORD_JOIN, 2, 1, "Carol", "* Carol\n", "\303\244ther");
	for (int i = 0; i < 6; i++)
		publish(RECORD_MESSAGE, 0, 0, "Alice",
		    "Alice: Hi \360\237\214\237 there\n", "");
	publish(RECORD_PRIVATE, 1, 1, "Bob", "[private] Bob: secret\n", "");
	publish(RECORD_TOPIC, 2, 1, "Carol", "*** Carol: \\o/\n", "");
}

static void
set_up(void)
{
	static const struct segment_params params = {
	    .nseats = SEATS,
	    .nslots = SLOTS,
	    .nrooms = ROOMS,
	    .max_line = 64,
	    .ring_bytes = 64 * 1024,
	    .first_seq = 1000,
	    .created_us = 1700000000000000,
	};
	static const uint8_t key[16] = "a key for tests";
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	MUST(fd != -1);
	MUST(segment_format(fd, &params, key, "fuzz") == 0);
	MUST(segment_attach(&seg, fd, true) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	populate();
}

/* The areas, by number; what is in none of them nobody reads. */
static size_t
find_area(unsigned area, uint64_t *from)
{
	const struct segment_layout *l = &seg.layout;
	const uint64_t ends[][2] = {
	    {l->ring, l->seats},
	    {l->desc, l->desc + 32 * 64},
	    {l->bytes, l->bytes + 1024},
	    {l->sessions, l->members},
	    {l->members, l->rooms},
	    {l->rooms, l->names},
	    {l->seats, l->input},
	    {l->status, l->status + sizeof(struct status_shm)},
	    {l->tables, l->ring},
	    {l->lock, l->tables},
	    {l->names, l->buffers},
	    {0, sizeof(struct header_shm)},
	};

	area %= COUNT(ends);
	*from = ends[area][0];
	return (size_t)(ends[area][1] - ends[area][0]);
}

/* Read one patch.  Returns how many bytes of input it took; 0 at the end. */
static size_t
read_patch(struct patch *p, const uint8_t *data, size_t size)
{
	uint64_t from;
	size_t area_size, offset;

	if (size <= PATCH_HEAD)
		return 0;
	area_size = find_area(data[0], &from);
	offset = (data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16) %
		 area_size;
	p->len = 1 + data[4] % PATCH_BYTES;
	p->len = MIN(p->len, MIN(area_size - offset, size - PATCH_HEAD));
	p->at = seg.base + from + offset;
	memcpy(p->bytes, data + PATCH_HEAD, p->len);
	return PATCH_HEAD + p->len;
}

static void
apply(struct patch *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		memcpy(p[i].was, p[i].at, p[i].len);
		memcpy(p[i].at, p[i].bytes, p[i].len);
	}
}

static void
revert(const struct patch *p, size_t n)
{
	while (n-- > 0)
		memcpy(p[n].at, p[n].was, p[n].len);
}

static void
check_output(const char *text, size_t len)
{
	uint32_t code;

	MUST(len == 0 || text[len - 1] == '\n');
	for (size_t i = 0; i < len;) {
		i += utf8_decode(text + i, len - i, &code);
		MUST(code != UTF8_INVALID && !utf8_is_bidi(code));
		MUST(code == '\n' || !utf8_is_control(code));
	}
}

/* What a view prints goes to memory instead. */
static void
look(int (*view)(const struct dump *), const struct dump *d)
{
	FILE *real = stdout;
	char *text = NULL;
	size_t len = 0;

	stdout = open_memstream(&text, &len);
	MUST(stdout != NULL);
	view(d);
	MUST(fclose(stdout) == 0);
	stdout = real;
	check_output(text, len);
	free(text);
}

static void
look_at_all(struct patch *patches, size_t before, size_t n)
{
	struct dump d = {.count = UINT64_MAX};

	apply(patches, before);
	if (dump_open_file(&d, path) == -1) {
		revert(patches, before);
		return;
	}
	apply(patches + before, n - before);
	for (int json = 0; json < 2; json++) {
		d.json = json;
		for (size_t i = 0; i < COUNT(views); i++)
			look(views[i], &d);
	}
	d.private = true;
	d.room = "GENERAL";
	d.count = 3;
	look(ring_view, &d);
	dump_refresh(&d);
	look(ring_view, &d);
	dump_close(&d);
	revert(patches, n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct patch patches[PATCHES_MAX];
	size_t before, n = 0, used;

	if (size < 1)
		return 0;
	if (seg.base == NULL)
		set_up();
	before = data[0];
	data++;
	size--;
	while (n < PATCHES_MAX &&
	       (used = read_patch(&patches[n], data, size)) > 0) {
		data += used;
		size -= used;
		n++;
	}
	look_at_all(patches, MIN(before, n), n);
	return 0;
}
