/* SPDX-License-Identifier: MIT */
/*
 * The ring's two halves.  Bytes that a reader may see half written are stored
 * and loaded as relaxed atomic words, so that a torn copy is a wrong value and
 * not undefined; the reservations then say whether it was torn.
 */
#include "shared/shm/ring.h"

#include <string.h>

#include "shared/base/fault.h"

#define WORD 8

typedef _Atomic uint64_t atomic_word;

/*
 * A word from `src`, one to `dst`.  Functions of their own: a variable of the
 * caller's, whose address it takes elsewhere, would go through memory too.
 */
static inline void
store_word(atomic_word *to, const char *src)
{
	uint64_t word;

	memcpy(&word, src, WORD);
	atomic_store_explicit(to, word, memory_order_relaxed);
}

static inline void
load_word(const atomic_word *from, char *dst)
{
	uint64_t word = atomic_load_explicit(from, memory_order_relaxed);

	memcpy(dst, &word, WORD);
}

/*
 * Copy to position `pos` of the byte area.  The writer is alone, so a word that
 * it shares with the record before or, a ring behind, with the oldest one, is
 * stored with their bytes as they were.
 */
static void
store_bytes(struct segment *seg, uint64_t pos, const char *src, size_t len)
{
	size_t gap = pos % WORD, part;
	atomic_word *to =
	    (atomic_word *)(void *)(seg->bytes +
				    ((pos - gap) &
					(seg->params.ring_bytes - 1)));
	uint64_t word;

	if (len == 0)
		return;
	if (gap != 0) {
		part = MIN(len, WORD - gap);
		word = atomic_load_explicit(to, memory_order_relaxed);
		memcpy((char *)&word + gap, src, part);
		atomic_store_explicit(to++, word, memory_order_relaxed);
		src += part;
		len -= part;
	}
#pragma GCC unroll 4
	for (; len >= WORD; len -= WORD, src += WORD)
		store_word(to++, src);
	if (len > 0) {
		word = atomic_load_explicit(to, memory_order_relaxed);
		memcpy(&word, src, len);
		atomic_store_explicit(to, word, memory_order_relaxed);
	}
}

/* Copy from position `pos`; up to 7 bytes beyond `len` are written. */
static void
load_bytes(const struct segment *seg, uint64_t pos, char *dst, size_t len)
{
	size_t gap = pos % WORD, part;
	const atomic_word *from = (const atomic_word *)(const void
		*)(seg->bytes + ((pos - gap) & (seg->params.ring_bytes - 1)));
	uint64_t word;

	if (gap != 0) {
		part = MIN(len, WORD - gap);
		word = atomic_load_explicit(from++, memory_order_relaxed);
		memcpy(dst, (const char *)&word + gap, part);
		dst += part;
		len -= part;
	}
#pragma GCC unroll 4
	for (size_t done = 0; done < len; done += WORD)
		load_word(from++, dst + done);
}

static atomic_word *
desc_words(const struct segment *seg, uint64_t n)
{
	return (atomic_word *)(void *)&seg->desc[n & (seg->layout.ndesc - 1)];
}

/* A descriptor as words; what differs within a run is set in them. */
union desc_words {
	struct desc_shm d;
	uint64_t words[sizeof(struct desc_shm) / WORD];
};
#define DESC_RUN (offsetof(struct desc_shm, run) / WORD)
#define RUN_ONE (UINT64_C(1) << 56) /* in its word, see ring_run_end */
#define DESC_LEN (offsetof(struct desc_shm, len) / WORD)
#define DESC_ROOM_MSG (offsetof(struct desc_shm, room_msg) / WORD)
#define DESC_POS (offsetof(struct desc_shm, pos) / WORD)
static_assert(
    offsetof(struct desc_shm, len) % WORD == 0 &&
	offsetof(struct desc_shm, extra) == offsetof(struct desc_shm, len) + 4,
    "len and extra share a word");

static void
store_desc(struct segment *seg, uint64_t n, const union desc_words *u)
{
	atomic_word *to = desc_words(seg, n);

#pragma GCC unroll 8
	for (size_t i = 0; i < COUNT(u->words); i++)
		atomic_store_explicit(
		    &to[i], u->words[i], memory_order_relaxed);
}

void
ring_format(struct segment *seg)
{
	struct ring_shm *r = seg->ring;

	atomic_store(&r->rsv_desc, seg->params.first_seq);
	atomic_store(&r->rsv_bytes, 0);
	atomic_store(&r->applied, seg->params.first_seq);
	atomic_store(&r->head, seg->params.first_seq);
}

size_t
ring_footprint(const struct record *rec)
{
	return rec->d.len + rec->d.extra;
}

uint64_t
ring_count(const struct record *recs, size_t n)
{
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += MAX(recs[i].count, 1U);
	return count;
}

/* Write a run's bytes and descriptors; returns the number behind it. */
static uint64_t
append_run(
    struct segment *seg, uint64_t n, uint64_t pos, const struct record *rec)
{
	union desc_words u = {.d = rec->d};
	uint32_t count = MAX(rec->count, 1U);

	store_bytes(seg, pos, rec->line, rec->d.len);
	store_bytes(seg, pos + rec->d.len, rec->extra, rec->d.extra);
	FAULT_POINT("ring.append.torn");
	u.words[DESC_POS] = pos;
	if (rec->count <= 1) {
		store_desc(seg, n, &u);
		return n + 1;
	}
	u.words[DESC_RUN] += count * RUN_ONE;
	for (uint32_t i = 0; i < count; i++) {
		/* Whole words: half of one read back at once would stall. */
		u.words[DESC_LEN] = rec->lens[i];
		store_desc(seg, n + i, &u);
		u.words[DESC_RUN] -= RUN_ONE;
		u.words[DESC_ROOM_MSG]++;
		u.words[DESC_POS] += rec->lens[i];
	}
	return n + count;
}

uint64_t
ring_append(struct segment *seg, const struct record *recs, size_t n)
{
	struct ring_shm *r = seg->ring;
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t pos =
	    atomic_load_explicit(&r->rsv_bytes, memory_order_relaxed);
	uint64_t promised =
	    atomic_load_explicit(&r->rsv_desc, memory_order_relaxed);
	uint64_t end_desc = head + ring_count(recs, n), end = pos;

	for (size_t i = 0; i < n; i++)
		end += ring_footprint(&recs[i]);
	/* Neither goes back: a batch that died may have promised more. */
	if (end_desc > promised)
		atomic_store_explicit(
		    &r->rsv_desc, end_desc, memory_order_relaxed);
	atomic_store_explicit(&r->rsv_bytes, end, memory_order_relaxed);
	/* Promise before overwriting; pairs with the fences of the readers. */
	atomic_thread_fence(memory_order_release);
	FAULT_POINT("ring.append.reserved");
	for (size_t i = 0; i < n; i++) {
		head = append_run(seg, head, pos, &recs[i]);
		pos += ring_footprint(&recs[i]);
	}
	FAULT_POINT("ring.append.uncommitted");
	return head;
}

void
ring_commit(struct segment *seg, uint64_t head)
{
	/* Commit: bytes before number; pairs with ring_head's acquire load. */
	atomic_store_explicit(&seg->ring->head, head, memory_order_release);
	FAULT_POINT("ring.committed");
}

enum ring_result
ring_read(const struct segment *seg, uint64_t n, struct desc_shm *out)
{
	if (n >= ring_head(seg))
		return RING_NOTHING;
	if (n < seg->params.first_seq)
		return RING_LAPPED;
	ring_load(seg, n, out);
	return ring_holds(seg, n) ? RING_OK : RING_LAPPED;
}

enum ring_result
ring_copy_span(const struct segment *seg, uint64_t pos, char *dst, size_t len)
{
	uint64_t size = seg->params.ring_bytes;

	if (len > size)
		return RING_LAPPED;
	load_bytes(seg, pos, dst, len);
	/* Pairs with the release fence in ring_append. */
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&seg->ring->rsv_bytes, memory_order_relaxed) >
	    pos + size)
		return RING_LAPPED;
	return RING_OK;
}

enum ring_result
ring_copy(const struct segment *seg, const struct desc_shm *d, size_t off,
    char *dst, size_t len)
{
	uint64_t most = seg->params.ring_bytes / 2;
	size_t whole = (size_t)d->len + d->extra;

	if (d->len > most || d->extra > most || off > whole ||
	    len > whole - off)
		return RING_LAPPED;
	return ring_copy_span(seg, d->pos + off, dst, len);
}

enum ring_result
ring_copy_extra(const struct segment *seg, const struct desc_shm *d, char *dst)
{
	return ring_copy(seg, d, d->len, dst, d->extra);
}

bool
ring_is_sound(const struct segment *seg)
{
	const struct ring_shm *r = seg->ring;
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t promised =
	    atomic_load_explicit(&r->rsv_desc, memory_order_relaxed);

	return head >= seg->params.first_seq && head < RING_SEQ_SANE &&
	       promised - head <= seg->layout.ndesc &&
	       atomic_load_explicit(&r->applied, memory_order_relaxed) ==
		   head &&
	       atomic_load_explicit(&r->rsv_bytes, memory_order_relaxed) <
		   RING_POS_SANE;
}

uint64_t
ring_oldest(const struct segment *seg)
{
	uint64_t high = ring_head(seg), low = seg->params.first_seq, mid;
	uint64_t promised =
	    atomic_load_explicit(&seg->ring->rsv_desc, memory_order_relaxed);
	uint64_t bytes =
	    atomic_load_explicit(&seg->ring->rsv_bytes, memory_order_relaxed);
	struct desc_shm d;

	if (promised - low > seg->layout.ndesc)
		low = promised - seg->layout.ndesc;
	low = MIN(ring_within(seg, low), high);
	/* Positions rise with numbers: find the first that is not gone. */
	while (low < high) {
		mid = low + (high - low) / 2;
		if (ring_read(seg, mid, &d) != RING_OK ||
		    d.pos + seg->params.ring_bytes < bytes)
			low = mid + 1;
		else
			high = mid;
	}
	return high;
}

uint64_t
ring_position(const struct segment *seg)
{
	return atomic_load_explicit(
	    &seg->ring->rsv_bytes, memory_order_relaxed);
}
