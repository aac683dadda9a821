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

static size_t
round_to_word(size_t n)
{
	return (n + WORD - 1) / WORD * WORD;
}

/* `dst` is on a word boundary and owns its last word whole. */
static void
store_words(char *dst, const char *src, size_t len)
{
	atomic_word *to = (atomic_word *)(void *)dst;
	uint64_t word;

	for (; len >= WORD; len -= WORD, src += WORD) {
		memcpy(&word, src, WORD);
		atomic_store_explicit(to++, word, memory_order_relaxed);
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, src, len);
		atomic_store_explicit(to, word, memory_order_relaxed);
	}
}

/* `src` is on a word boundary; up to 7 bytes beyond `len` are written. */
static void
load_words(char *dst, const char *src, size_t len)
{
	const atomic_word *from = (const atomic_word *)(const void *)src;
	uint64_t word;

	for (size_t done = 0; done < len; done += WORD) {
		word = atomic_load_explicit(from++, memory_order_relaxed);
		memcpy(dst + done, &word, WORD);
	}
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
	return round_to_word(rec->d.len) + round_to_word(rec->d.extra);
}

uint64_t
ring_append(struct segment *seg, const struct record *recs, size_t n)
{
	struct ring_shm *r = seg->ring;
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint64_t pos =
	    atomic_load_explicit(&r->rsv_bytes, memory_order_relaxed);
	uint64_t mask = seg->params.ring_bytes - 1, end = pos;
	uint64_t promised =
	    atomic_load_explicit(&r->rsv_desc, memory_order_relaxed);

	for (size_t i = 0; i < n; i++)
		end += ring_footprint(&recs[i]);
	/* Neither goes back: a batch that died may have promised more. */
	if (head + n > promised)
		atomic_store_explicit(
		    &r->rsv_desc, head + n, memory_order_relaxed);
	atomic_store_explicit(&r->rsv_bytes, end, memory_order_relaxed);
	/* Promise before overwriting; pairs with the fences of the readers. */
	atomic_thread_fence(memory_order_release);
	FAULT_POINT("ring.append.reserved");
	for (size_t i = 0; i < n; i++) {
		struct desc_shm d = recs[i].d;
		char *at = seg->bytes + (pos & mask);

		d.pos = pos;
		store_words(at, recs[i].line, d.len);
		store_words(at + round_to_word(d.len), recs[i].extra, d.extra);
		FAULT_POINT("ring.append.torn");
		store_words((char *)&seg->desc[(head + i) % seg->layout.ndesc],
		    (const char *)&d, sizeof(d));
		pos += ring_footprint(&recs[i]);
	}
	FAULT_POINT("ring.append.uncommitted");
	return head + n;
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
	load_words((char *)out, (const char *)&seg->desc[n % seg->layout.ndesc],
	    sizeof(*out));
	return ring_holds(seg, n) ? RING_OK : RING_LAPPED;
}

enum ring_result
ring_copy(const struct segment *seg, const struct desc_shm *d, size_t off,
    char *dst, size_t len)
{
	uint64_t size = seg->params.ring_bytes;
	size_t gap = off % WORD, whole;
	const char *src;
	char word[WORD];

	if (d->len > size / 2 || d->extra > size / 2 || d->pos % WORD != 0)
		return RING_LAPPED;
	whole = round_to_word(d->len) + d->extra;
	if (off > whole || len > whole - off)
		return RING_LAPPED;
	src = seg->bytes + (d->pos & (size - 1)) + (off - gap);
	if (gap != 0) {
		size_t part = WORD - gap < len ? WORD - gap : len;

		load_words(word, src, WORD);
		memcpy(dst, word + gap, part);
		dst += part;
		len -= part;
		src += WORD;
	}
	load_words(dst, src, len);
	/* Pairs with the release fence in ring_append. */
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&seg->ring->rsv_bytes, memory_order_relaxed) >
	    d->pos + size)
		return RING_LAPPED;
	return RING_OK;
}

enum ring_result
ring_copy_extra(const struct segment *seg, const struct desc_shm *d, char *dst)
{
	return ring_copy(seg, d, round_to_word(d->len), dst, d->extra);
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
