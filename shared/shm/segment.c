/* SPDX-License-Identifier: MIT */
/* Laying out, mapping and checking the shared segment. */
#include "shared/shm/bans.h"
#include "shared/shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/chat/limits.h"
#include "shared/shm/lock.h"
#include "shared/shm/metrics.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"
#include "shared/shm/tables.h"

#define PAGE 4096
#define SLOTS_MAX 1000000
#define ROOMS_MAX 1000000
#define RING_MIN (64 * 1024)
#define RING_MAX (1024u * 1024 * 1024)
#define BYTES_PER_DESC 128 /* a guess at the mean record, rather short */

/*
 * The pool, beside a spare one a seat.  A buffer is as large as the largest
 * record there can be, 13 KB by default, so that even one for each hundred
 * clients costs 130 bytes a client, a quarter of what their rows do.  It is
 * for those who stopped in the middle of a line, or of reading one; when all
 * are taken, the oldest half-line is refused, and what else is cut is rendered
 * again later.
 */
#define BUFFERS_MIN 100u
#define CLIENTS_PER_BUFFER 100

/*
 * Small ones hold half-lines alone.  Whoever edits a line in the server, by
 * telnet, has one in there for as long as it is being typed.
 */
#define SMALL_MIN 64u
#define CLIENTS_PER_SMALL 16

/* The largest rendering of one record: U+FFFD and escapes grow. */
#define RENDERED_MAX(max_line) (3 * (max_line) + 1024)
static_assert(RENDERED_MAX(LIMIT_LINE_MIN) >= METRICS_PIECE_MIN,
    "a buffer holds a piece of whatever is sent in pieces");
static_assert(STAGING_BYTES >= RENDERED_MAX(LIMIT_LINE_MAX), "one at least");

typedef _Atomic uint64_t atomic_word;

static uint64_t
round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static uint32_t
power_of_two(uint32_t atleast)
{
	uint32_t n = 1;

	while (n < atleast)
		n *= 2;
	return n;
}

/* Reserve `bytes` at the end of the plan, on a cache line or a page. */
static uint64_t
area(struct segment_layout *l, uint64_t bytes, uint64_t align)
{
	uint64_t at = round_up(l->size, align);

	l->size = at + bytes;
	return at;
}

static bool
params_make_sense(const struct segment_params *p)
{
	return p->nseats >= 1 && p->nseats <= SEATS_MAX && p->nslots >= 1 &&
	       p->nslots <= SLOTS_MAX && p->nrooms >= 1 &&
	       p->nrooms <= ROOMS_MAX && p->max_line >= LIMIT_LINE_MIN &&
	       p->max_line <= LIMIT_LINE_MAX && p->ring_bytes >= RING_MIN &&
	       p->ring_bytes <= RING_MAX &&
	       (p->ring_bytes & (p->ring_bytes - 1)) == 0;
}

int
segment_plan(const struct segment_params *p, struct segment_layout *l)
{
	if (!params_make_sense(p)) {
		errno = EINVAL;
		return -1;
	}
	memset(l, 0, sizeof(*l));
	l->ndesc = (uint32_t)(p->ring_bytes / BYTES_PER_DESC);
	l->nnames = power_of_two(p->nslots);
	l->nroomnames = power_of_two(p->nrooms);
	l->nbuffers =
	    MAX(BUFFERS_MIN, p->nslots / CLIENTS_PER_BUFFER) + p->nseats;
	l->small_stride = SMALL_BYTES;
	l->nsmall = MAX(SMALL_MIN, p->nslots / CLIENTS_PER_SMALL);
	l->rendered = RENDERED_MAX(p->max_line);
	l->buffer_stride =
	    round_up(MAX(l->rendered, (uint64_t)LIMIT_REQUEST), CACHELINE);
	l->input_stride = l->buffer_stride;
	l->seat_stride = round_up(sizeof(struct seat_shm), CACHELINE);
	l->staging_stride = round_up(sizeof(struct staging_shm), PAGE);

	l->size = sizeof(struct header_shm);
	l->status = area(l, sizeof(struct status_shm), PAGE);
	l->lock = area(l, sizeof(struct lock_shm), PAGE);
	l->tables = area(l, sizeof(struct tables_shm), CACHELINE);
	l->ring = area(l, sizeof(struct ring_shm), CACHELINE);
	l->seats = area(l, p->nseats * l->seat_stride, CACHELINE);
	l->input = area(l, p->nseats * l->input_stride, CACHELINE);
	l->sessions =
	    area(l, (uint64_t)p->nslots * sizeof(struct session_shm), PAGE);
	l->members =
	    area(l, (uint64_t)p->nslots * sizeof(struct member_shm), CACHELINE);
	l->rooms =
	    area(l, (uint64_t)p->nrooms * sizeof(struct room_shm), CACHELINE);
	l->names = area(l, (uint64_t)l->nnames * 4, CACHELINE);
	l->roomnames = area(l, (uint64_t)l->nroomnames * 4, CACHELINE);
	l->creators = area(l, (uint64_t)l->nroomnames * 4, CACHELINE);
	l->bans = area(l, LIMIT_BANS * sizeof(struct ban_shm), CACHELINE);
	l->bufctl = area(l,
	    (l->nbuffers + l->nsmall) * sizeof(struct buffer_shm), CACHELINE);
	l->buffers = area(l, l->nbuffers * l->buffer_stride, CACHELINE);
	l->small = area(l, (uint64_t)l->nsmall * l->small_stride, CACHELINE);
	l->staging = area(l, p->nseats * l->staging_stride, PAGE);
	l->desc = area(l, (uint64_t)l->ndesc * sizeof(struct desc_shm), PAGE);
	l->bytes = area(l, p->ring_bytes, PAGE);
	return 0;
}

/* Point the handle's fields into its mapping. */
static void
segment_point(struct segment *seg)
{
	const struct segment_layout *l = &seg->layout;
	char *b = seg->base;

	seg->header = (struct header_shm *)(void *)b;
	seg->status = (struct status_shm *)(void *)(b + l->status);
	seg->lock = (struct lock_shm *)(void *)(b + l->lock);
	seg->tables = (struct tables_shm *)(void *)(b + l->tables);
	seg->ring = (struct ring_shm *)(void *)(b + l->ring);
	seg->sessions = (struct session_shm *)(void *)(b + l->sessions);
	seg->members = (struct member_shm *)(void *)(b + l->members);
	seg->rooms = (struct room_shm *)(void *)(b + l->rooms);
	seg->names = (_Atomic uint32_t *)(void *)(b + l->names);
	seg->roomnames = (_Atomic uint32_t *)(void *)(b + l->roomnames);
	seg->creators = (_Atomic uint32_t *)(void *)(b + l->creators);
	seg->bans = (struct ban_shm *)(void *)(b + l->bans);
	seg->bufctl = (struct buffer_shm *)(void *)(b + l->bufctl);
	seg->desc = (struct desc_shm *)(void *)(b + l->desc);
	seg->bytes = b + l->bytes;
}

/*
 * Map the object, and its last area once more behind it: what begins near the
 * end of the ring goes on in the second mapping, where it began.
 */
static int
segment_map(struct segment *seg, int fd, int prot, int sharing)
{
	size_t size = seg->layout.size, ring = seg->params.ring_bytes;
	int saved;

	seg->mapped = size + ring;
	seg->base = mmap(NULL, seg->mapped, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (seg->base == MAP_FAILED)
		return -1;
	if (mmap(seg->base, size, prot, sharing | MAP_FIXED, fd, 0) ==
		MAP_FAILED ||
	    mmap(seg->base + size, ring, prot, sharing | MAP_FIXED, fd,
		(off_t)seg->layout.bytes) == MAP_FAILED) {
		saved = errno;
		munmap(seg->base, seg->mapped);
		errno = saved;
		return -1;
	}
	segment_point(seg);
	return 0;
}

int
segment_format(int fd, const struct segment_params *params,
    const uint8_t key[16], const char *instance)
{
	struct segment seg = {.params = *params};
	struct header_shm *h;

	if (segment_plan(params, &seg.layout) == -1 ||
	    ftruncate(fd, (off_t)seg.layout.size) == -1)
		return -1;
	if ((errno = posix_fallocate(fd, 0, (off_t)seg.layout.size)) != 0)
		return -1;
	if (segment_map(&seg, fd, PROT_READ | PROT_WRITE, MAP_SHARED) == -1)
		return -1;
	h = seg.header;
	h->version = SEGMENT_VERSION;
	h->header_size = sizeof(*h);
	h->params = *params;
	h->layout = seg.layout;
	memcpy(h->hash_key, key, sizeof(h->hash_key));
	strncpy(h->instance, instance, INSTANCE_MAX);
	strncpy(h->server_version, CHATMASTER_VERSION,
	    sizeof(h->server_version) - 1);
	if (lock_format(seg.lock) == -1) {
		segment_detach(&seg);
		return -1;
	}
	ring_format(&seg);
	tables_format(&seg);
	for (uint32_t i = 0; i < params->nseats; i++) {
		struct seat_shm *seat = segment_seat(&seg, i);

		atomic_store(&seat->cursor, params->first_seq);
	}
	atomic_thread_fence(memory_order_release);
	memcpy(h->magic, SEGMENT_MAGIC, sizeof(h->magic));
	segment_detach(&seg);
	return 0;
}

/* Is this the header of a segment that this program understands? */
static bool
header_is_ours(const struct header_shm *h, uint64_t object_size)
{
	struct segment_layout expected;

	return memcmp(h->magic, SEGMENT_MAGIC, sizeof(h->magic)) == 0 &&
	       h->version == SEGMENT_VERSION && h->header_size == sizeof(*h) &&
	       segment_plan(&h->params, &expected) == 0 &&
	       memcmp(&expected, &h->layout, sizeof(expected)) == 0 &&
	       object_size >= expected.size;
}

int
segment_attach(struct segment *seg, int fd, bool writable)
{
	struct header_shm header;
	struct stat st;

	memset(seg, 0, sizeof(*seg));
	if (fstat(fd, &st) == -1)
		return -1;
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    !header_is_ours(&header, (uint64_t)st.st_size)) {
		errno = EPROTO;
		return -1;
	}
	seg->params = header.params;
	seg->layout = header.layout;
	return segment_map(
	    seg, fd, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED);
}

int
segment_attach_private(
    struct segment *seg, int fd, const struct segment_params *params)
{
	struct stat st;

	memset(seg, 0, sizeof(*seg));
	seg->params = *params;
	if (fstat(fd, &st) == -1 || segment_plan(params, &seg->layout) == -1)
		return -1;
	if ((uint64_t)st.st_size < seg->layout.size) {
		errno = EPROTO;
		return -1;
	}
	return segment_map(seg, fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

void
segment_detach(struct segment *seg)
{
	munmap(seg->base, seg->mapped);
	memset(seg, 0, sizeof(*seg));
}

void
segment_copy(void *dst, const void *src, size_t len)
{
	const atomic_word *words = src;
	const volatile char *rest;
	char *to = dst;
	uint64_t word;
	size_t n = (uintptr_t)src % sizeof(word) == 0 ? len / sizeof(word) : 0;

	for (size_t i = 0; i < n; i++) {
		word = atomic_load_explicit(&words[i], memory_order_relaxed);
		memcpy(to + i * sizeof(word), &word, sizeof(word));
	}
	rest = src;
	for (size_t i = n * sizeof(word); i < len; i++)
		to[i] = rest[i];
}

struct seat_shm *
segment_seat(const struct segment *seg, uint32_t seat)
{
	return (struct seat_shm *)(void *)(seg->base + seg->layout.seats +
					   seat * seg->layout.seat_stride);
}

char *
segment_input(const struct segment *seg, uint32_t seat)
{
	return seg->base + seg->layout.input + seat * seg->layout.input_stride;
}

struct staging_shm *
segment_staging(const struct segment *seg, uint32_t seat)
{
	return (
	    struct staging_shm *)(void *)(seg->base + seg->layout.staging +
					  seat * seg->layout.staging_stride);
}

char *
segment_buffer(const struct segment *seg, uint32_t index)
{
	const struct segment_layout *l = &seg->layout;

	if (index >= l->nbuffers)
		return seg->base + l->small +
		       (uint64_t)(index - l->nbuffers) * l->small_stride;
	return seg->base + l->buffers + index * l->buffer_stride;
}
