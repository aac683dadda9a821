/* SPDX-License-Identifier: MIT */
/* See segment.h. */
#include "tests/harness/segment.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shared/base/hash.h"
#include "shared/chat/limits.h"
#include "shared/shm/creators.h"
#include "tests/harness/test.h"

#define LINE_MAX_BYTES 4096
#define BATCH_MAX 16
#define TYPE 0 /* of the workers in all seats */

static const uint8_t key[16] = "a key for tests";

struct segment_params
test_params(void)
{
	return (struct segment_params){
	    .nseats = TEST_SEATS,
	    .nslots = TEST_SLOTS,
	    .nrooms = TEST_ROOMS,
	    .max_line = LIMIT_LINE_MIN,
	    .ring_bytes = 64 * 1024,
	    .first_seq = 1700000000000000,
	    .created_us = 1700000000000000,
	};
}

int
test_segment_fd(const struct segment_params *params)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	CHECK(fd != -1);
	CHECK_EQ(segment_format(fd, params, key, "test"), 0);
	return fd;
}

void
test_segment(struct segment *seg, const struct segment_params *params)
{
	int fd = test_segment_fd(params);

	CHECK_EQ(segment_attach(seg, fd, true), 0);
	close(fd);
}

void *
test_share(size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	void *memory;

	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	close(fd);
	return memory;
}

struct journal
test_journal(struct segment *seg, uint32_t seat)
{
	return (struct journal){
	    .seg = seg,
	    .seat = segment_seat(seg, seat),
	    .lock = {.shm = seg->lock, .seat = seat},
	};
}

void
test_connect(struct segment *seg, uint32_t slot, uint32_t seat)
{
	struct session_shm *s = &seg->sessions[slot];

	s->gen++;
	memset(s->addr, 0, sizeof(s->addr));
	s->addr[10] = s->addr[11] = 0xff;
	s->addr[12] = 10;
	s->addr[15] = (uint8_t)(1 + slot % 2);
	memset(&s->half, 0, sizeof(s->half));
	s->half.room = NONE;
	atomic_store(&s->owner, seat + 1);
}

/* A record of session `slot` about its room. */
static struct record
record_of(struct segment *seg, enum record_type type, uint32_t slot,
    const char *name, size_t name_len, const char *line)
{
	const struct session_shm *s = &seg->sessions[slot];
	struct record rec = {.line = line};

	rec.d.type = (uint8_t)type;
	rec.d.name_len = (uint8_t)name_len;
	rec.d.name_off = (uint8_t)(strstr(line, name) - line);
	rec.d.len = (uint32_t)strlen(line);
	rec.d.sender = slot;
	rec.d.sender_gen = s->gen;
	rec.d.room = s->half.room;
	rec.d.room_gen = s->half.room_gen;
	rec.d.time_us = 1700000000000000;
	return rec;
}

/* The room to join: that of the name, or the first free one. */
static void
choose_room(struct journal *j, struct record *rec, const char *name)
{
	struct segment *seg = j->seg;
	uint32_t at = tables_find_room(seg, name, strlen(name));

	rec->d.home = (uint8_t)j->lock.seat;
	if (at == NONE) {
		at = seg->tables->rooms_free;
		CHECK(at < seg->params.nrooms);
		rec->d.flags = RECORD_ROOM_NEW;
	} else {
		rec->d.room_msg = seg->rooms[at].messages;
		rec->d.home = seg->rooms[at].home[TYPE];
	}
	rec->d.room = at;
	rec->d.room_gen = seg->rooms[at].gen;
	rec->d.extra = (uint32_t)strlen(name);
	rec->extra = name;
}

void
test_join(struct journal *j, uint32_t slot, const char *name, const char *room)
{
	struct session_half half = j->seg->sessions[slot].half;
	char line[LINE_MAX_BYTES];
	struct record rec;

	snprintf(line, sizeof(line), "* %s has joined\n", name);
	rec = record_of(j->seg, RECORD_JOIN, slot, name, strlen(name), line);
	rec.d.worker_type = TYPE;
	lock_acquire(&j->lock);
	choose_room(j, &rec, room);
	half.state = SESSION_JOINED;
	half.room = rec.d.room;
	half.room_gen = rec.d.room_gen;
	half.own = ring_head(j->seg);
	half.until = UINT64_MAX;
	half.in_done++;
	journal_publish(j, &rec, 1, slot, &half);
	lock_release(&j->lock);
}

/* The session's name as a string. */
static void
name_of(const struct session_shm *s, char name[LIMIT_NAME + 1])
{
	memcpy(name, s->name, s->name_len);
	name[s->name_len] = '\0';
}

void
test_leave(struct journal *j, uint32_t slot)
{
	const struct session_shm *s = &j->seg->sessions[slot];
	struct room_shm *room = &j->seg->rooms[s->half.room];
	struct session_half half = s->half;
	char name[LIMIT_NAME + 1], line[LINE_MAX_BYTES];
	struct record rec;

	name_of(s, name);
	snprintf(line, sizeof(line), "* %s has left\n", name);
	rec = record_of(j->seg, RECORD_LEAVE, slot, name, s->name_len, line);
	lock_acquire(&j->lock);
	rec.d.room_msg = room->messages;
	if (room->members <= 1)
		rec.d.flags = RECORD_ROOM_ENDS;
	half.state = SESSION_LEAVING;
	half.until = ring_head(j->seg);
	half.in_done++;
	journal_publish(j, &rec, 1, slot, &half);
	lock_release(&j->lock);
}

void
test_say(struct journal *j, uint32_t slot, const char *text, unsigned times)
{
	const struct session_shm *s = &j->seg->sessions[slot];
	struct session_half half = s->half;
	struct record recs[BATCH_MAX];
	char name[LIMIT_NAME + 1], line[LINE_MAX_BYTES];

	CHECK(times <= BATCH_MAX);
	name_of(s, name);
	snprintf(line, sizeof(line), "%s: %s\n", name, text);
	lock_acquire(&j->lock);
	for (unsigned i = 0; i < times; i++) {
		recs[i] = record_of(
		    j->seg, RECORD_MESSAGE, slot, name, s->name_len, line);
		recs[i].d.room_msg = j->seg->rooms[half.room].messages + i;
	}
	half.in_done += times;
	journal_publish(j, recs, times, slot, &half);
	lock_release(&j->lock);
}

void
test_say_run(struct journal *j, uint32_t slot, const char *text, unsigned times)
{
	const struct session_shm *s = &j->seg->sessions[slot];
	struct session_half half = s->half;
	uint32_t lens[BATCH_MAX], len;
	char name[LIMIT_NAME + 1], lines[LINE_MAX_BYTES];
	struct record run;

	CHECK(times >= 2 && times <= BATCH_MAX);
	name_of(s, name);
	len = (uint32_t)snprintf(lines, sizeof(lines), "%s: %s\n", name, text);
	CHECK(len * times < sizeof(lines));
	run = record_of(j->seg, RECORD_MESSAGE, slot, name, s->name_len, lines);
	for (unsigned i = 0; i < times; i++) {
		memmove(lines + i * len, lines, len);
		lens[i] = len;
	}
	run.count = times;
	run.lens = lens;
	run.d.len = len * times;
	lock_acquire(&j->lock);
	run.d.room_msg = j->seg->rooms[half.room].messages;
	half.in_done += times;
	journal_publish(j, &run, 1, slot, &half);
	lock_release(&j->lock);
}

void
test_tell(
    struct journal *j, uint32_t slot, enum record_type type, const char *text)
{
	const struct session_shm *s = &j->seg->sessions[slot];
	struct session_half half = s->half;
	char name[LIMIT_NAME + 1], line[LINE_MAX_BYTES];
	struct record rec;

	name_of(s, name);
	snprintf(line, sizeof(line), "* %s %s\n", name, text);
	rec = record_of(j->seg, type, slot, name, s->name_len, line);
	rec.d.text_off = (uint8_t)(rec.d.len - strlen(text) - 1);
	half.in_done++;
	lock_acquire(&j->lock);
	rec.d.room_msg = j->seg->rooms[half.room].messages;
	journal_publish(j, &rec, 1, slot, &half);
	lock_release(&j->lock);
}

static void
keep_first(void *context, const char *sentence)
{
	char *first = context;

	if (first[0] == '\0')
		snprintf(first, 200, "%s", sentence);
}

const char *
test_breach(const struct segment *seg)
{
	static char first[200];

	first[0] = '\0';
	tables_verify(seg, keep_first, first);
	return first;
}

/* Rooms: facts, and what their lists hold. */
static void
picture_rooms(const struct segment *seg, struct test_picture *p)
{
	uint32_t at = seg->tables->rooms_free;

	for (uint32_t i = 0; i < TEST_ROOMS; i++) {
		const struct room_shm *r = &seg->rooms[i];

		p->rooms[i].gen = r->gen;
		p->rooms[i].used = r->used;
		if (!r->used)
			continue;
		p->rooms[i].name = hash_sip(key, r->name, r->name_len);
		p->rooms[i].topic = hash_sip(key, r->topic, r->topic_len);
		p->rooms[i].messages = r->messages;
		p->rooms[i].homes = hash_sip(key, r->home, sizeof(r->home));
		p->rooms[i].creator =
		    hash_sip(key, r->creator, sizeof(r->creator));
		p->rooms[i].created = creators_count(seg, r->creator, NONE);
		p->rooms[i].found = tables_find_room(seg, r->name, r->name_len);
		p->rooms[i].count = r->members;
		for (uint32_t slot = r->first, n = 0;
		     slot < TEST_SLOTS && n < TEST_SLOTS;
		     slot = seg->members[slot].next, n++)
			p->rooms[i].members |= UINT64_C(1) << slot;
	}
	for (uint32_t n = 0; at < TEST_ROOMS && n < TEST_ROOMS; n++) {
		p->free_rooms |= UINT64_C(1) << at;
		at = seg->rooms[at].hash_next;
	}
}

void
test_picture(const struct segment *seg, struct test_picture *p)
{
	memset(p, 0, sizeof(*p));
	p->head = atomic_load(&seg->ring->head);
	p->applied = atomic_load(&seg->ring->applied);
	p->counts[0] = seg->tables->rooms_used;
	p->counts[1] = seg->tables->members;
	p->counts[2] = seg->tables->names_used;
	picture_rooms(seg, p);
	for (uint32_t i = 0; i < TEST_SLOTS; i++) {
		const struct session_shm *s = &seg->sessions[i];

		p->sessions[i].room = seg->members[i].room;
		p->sessions[i].half = hash_sip(key, &s->half, sizeof(s->half));
		if (s->name_len == 0 || s->name_len > LIMIT_NAME)
			continue;
		p->sessions[i].name = hash_sip(key, s->name, s->name_len);
		p->sessions[i].found =
		    tables_find_name(seg, s->name, s->name_len);
	}
}

/* The areas of test_copy, as offsets. */
static const struct area {
	size_t from, to;
} * areas(const struct segment *seg)
{
	static struct area found[3];
	const struct segment_layout *l = &seg->layout;

	found[0] = (struct area){l->lock, l->input};
	found[1] = (struct area){l->sessions, l->buffers};
	found[2] = (struct area){l->desc, l->size};
	return found;
}

void
test_copy(const struct segment *to, const struct segment *from)
{
	const struct area *a = areas(from);

	for (unsigned i = 0; i < 3; i++)
		memcpy(to->base + a[i].from, from->base + a[i].from,
		    a[i].to - a[i].from);
}

bool
test_same(const struct segment *a, const struct segment *b)
{
	const struct area *area = areas(a);

	for (unsigned i = 0; i < 3; i++)
		if (memcmp(a->base + area[i].from, b->base + area[i].from,
			area[i].to - area[i].from) != 0)
			return false;
	return true;
}
