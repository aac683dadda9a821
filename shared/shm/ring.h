/* SPDX-License-Identifier: MIT */
/*
 * The message ring: the journal of everything that happens in chat, and the
 * queue from which every worker reads.
 *
 * Think of it as an infinite array first.  Record n has a descriptor of fixed
 * size and some bytes; numbers are the total order of everything and rise
 * across restarts.  A record exists from the moment `head` passes it, which is
 * one store: a writer killed before leaves nothing behind.
 *
 * It is a ring second.  Record n lies in desc[n % ndesc], its bytes at
 * position pos % ring_bytes of an area mapped twice back to back, so that no
 * record wraps.  A writer says in `rsv_desc` and `rsv_bytes` how far it is
 * going to overwrite before it does so, and neither ever goes back; a reader
 * copies out and then checks that what it copied lay within both.  So writers
 * never wait for readers, and a reader that was too slow knows it.
 *
 *   at the same time as:   append   read
 *           append         never    yes
 *           read           yes      yes
 */
#ifndef SHARED_SHM_RING_H
#define SHARED_SHM_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/base.h"
#include "shared/chat/record.h"
#include "shared/shm/segment.h"

#define RUN_MAX 255 /* records in a run */

/* Record flags: decisions, made once under the lock and applied by all. */
#define RECORD_ROOM_NEW 0x01  /* join: brings the room into being */
#define RECORD_ROOM_ENDS 0x02 /* leave: the last member is gone */

/*
 * A record's descriptor.  Its bytes are the line of the line protocol, LF
 * included, then `extra` bytes that are not for the clients: a join's are the
 * room's name.
 */
struct desc_shm {
	uint8_t type; /* enum record_type */
	uint8_t flags;
	uint8_t name_off; /* where in the line the sender's name is */
	uint8_t name_len;
	uint8_t home; /* join: the room's home seat for that worker type */
	uint8_t worker_type; /* join: of the sender's worker */
	uint8_t text_off;    /* where in the line its text is, up to the LF */
	uint8_t run; /* of a run: records from this one to its last, else 0 */
	uint32_t room, room_gen;
	uint32_t sender, sender_gen; /* slot and generation */
	/*
	 * Private: slot and generation of the reader.  Join and rename: target
	 * is what the sender may do from there on, see enum session_right.
	 */
	uint32_t target, target_gen;
	uint32_t len;      /* bytes of the line */
	uint32_t extra;    /* bytes behind it */
	uint64_t room_msg; /* number of this (or the room's next) message */
	uint64_t time_us;  /* CLOCK_REALTIME */
	uint64_t pos;      /* first byte, counted from the segment's birth */
};
static_assert(sizeof(struct desc_shm) == 64, "the ring's file format");

/* What JSON readers can count to: no number of a record is as much. */
#define RING_SEQ_SANE ((uint64_t)1 << 53)

/* More bytes than any ring will ever see. */
#define RING_POS_SANE ((uint64_t)1 << 62)

/*
 *   offset  field     written by            read by
 *        0  head      holder of the lock    everyone, without the lock
 *       64  rsv_*     holder of the lock    everyone, without the lock
 *      128  applied   holder of the lock    holder of the lock, inspectors
 */
struct ring_shm {
	alignas(CACHELINE) _Atomic uint64_t head;     /* next record number */
	alignas(CACHELINE) _Atomic uint64_t rsv_desc; /* numbers promised */
	_Atomic uint64_t rsv_bytes;                   /* positions promised */
	/* The tables have all below it. */
	alignas(CACHELINE) _Atomic uint64_t applied;
};
static_assert(offsetof(struct ring_shm, rsv_desc) == 64 &&
		  offsetof(struct ring_shm, applied) == 128,
    "layout comment above");

/*
 * What to append: a record, `d` but for pos, and where its bytes are.  Or, with
 * a `count` of 2 to RUN_MAX, a run of them that are alike but for their
 * lengths, which are in lens[], and for room_msg, which rises by one: `line`
 * has their lines one behind the other, d.len is their bytes in all, and there
 * is no `extra`.
 */
struct record {
	struct desc_shm d;
	const char *line;
	const char *extra;
	uint32_t count;
	const uint32_t *lens;
};

static_assert(offsetof(struct desc_shm, room) % sizeof(uint64_t) == 0 &&
		  offsetof(struct desc_shm, run) == sizeof(uint64_t) - 1 &&
		  __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "ring_peek_room and ring_run_end load a word");

enum ring_result {
	RING_OK,
	RING_NOTHING, /* not written yet */
	RING_LAPPED,  /* overwritten: see ring_oldest */
};

/* Lay the ring out, empty; its first record will be params.first_seq. */
void ring_format(struct segment *seg);

static inline uint64_t
ring_head(const struct segment *seg)
{
	/* Pairs with the release store in ring_commit. */
	return atomic_load_explicit(&seg->ring->head, memory_order_acquire);
}

/* Bytes a record, or a run of them, takes in the byte area. */
size_t ring_footprint(const struct record *rec);

/* How many records are in the first `n` elements of `recs`? */
uint64_t ring_count(const struct record *recs, size_t n);

/*
 * Append `n` records or runs, without committing them.  Returns the new head,
 * to be given to ring_commit.  The caller holds the lock and has checked that
 * their footprints together are at most an eighth of the ring.
 */
uint64_t ring_append(struct segment *seg, const struct record *recs, size_t n);

/* Make everything below `head` visible.  This store is the commit. */
void ring_commit(struct segment *seg, uint64_t head);

/*
 * Copy the descriptor of record `n`.  RING_NOTHING and RING_LAPPED leave
 * `*out` undefined.
 */
enum ring_result ring_read(
    const struct segment *seg, uint64_t n, struct desc_shm *out);

/*
 * Copy the descriptor of record `n`, whatever is there: nonsense, unless the
 * caller sees afterwards that ring_holds.
 */
static inline void
ring_load(const struct segment *seg, uint64_t n, struct desc_shm *out)
{
	const _Atomic uint64_t *from =
	    (const _Atomic uint64_t *)(const void *)&seg
		->desc[n & (seg->layout.ndesc - 1)];
	uint64_t word;

	/* Word by word, as it is read: a copy of the copy would stall. */
	for (size_t i = 0; i < sizeof(*out) / sizeof(word); i++) {
		word = atomic_load_explicit(&from[i], memory_order_relaxed);
		memcpy((char *)out + i * sizeof(word), &word, sizeof(word));
	}
}

/*
 * The room index of record `n`, in a nanosecond: for skipping what is of no
 * interest.  The caller checks ring_holds afterwards.
 */
static inline uint32_t
ring_peek_room(const struct segment *seg, uint64_t n)
{
	const struct desc_shm *d = &seg->desc[n & (seg->layout.ndesc - 1)];

	/* Little-endian: the room index is the lower half of its word. */
	return (uint32_t)atomic_load_explicit(
	    (const _Atomic uint64_t *)(const void *)&d->room,
	    memory_order_relaxed);
}

/*
 * The end of the run that record `n` belongs to, at most `stop`: for going from
 * run to run with a look at one descriptor of each.  Most were written by
 * another processor, and each costs a cache miss.  The caller checks ring_holds
 * afterwards.
 */
static inline uint64_t
ring_run_end(const struct segment *seg, uint64_t n, uint64_t stop)
{
	const struct desc_shm *d = &seg->desc[n & (seg->layout.ndesc - 1)];
	uint64_t word = atomic_load_explicit(
	    (const _Atomic uint64_t *)(const void *)d, memory_order_relaxed);

	/* Little-endian: the last byte of the word is its highest. */
	return MIN(n + MAX(word >> 56, UINT64_C(1)), stop);
}

/*
 * Soon a record will be appended, `records` records and `bytes` bytes behind
 * what is there: fetch what it will be written over.  The ring is larger than
 * the caches, and with the lock held there is nothing to do but to wait for
 * that.  Fetched line by line while a batch is put together, messages of 64
 * bytes cost 10 ns less of 55; all at once before the lock, nothing.
 */
static inline void
ring_prefetch(const struct segment *seg, uint64_t records, uint64_t bytes)
{
	uint64_t n = records + atomic_load_explicit(
				   &seg->ring->head, memory_order_relaxed);
	uint64_t pos = bytes + atomic_load_explicit(
				   &seg->ring->rsv_bytes, memory_order_relaxed);

	__builtin_prefetch(&seg->desc[n & (seg->layout.ndesc - 1)], 1);
	__builtin_prefetch(
	    seg->bytes + (pos & (seg->params.ring_bytes - 1)), 1);
}

/* Are record `n` and those behind it still whole, as of now? */
static inline bool
ring_holds(const struct segment *seg, uint64_t n)
{
	/* Pairs with the release fence in ring_append. */
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&seg->ring->rsv_desc,
		   memory_order_relaxed) <= n + seg->layout.ndesc;
}

/*
 * Copy `len` bytes of the record `d` (from ring_read), beginning at `off`, to
 * `dst`, which has room for 8 bytes more than `len`.  RING_LAPPED when they
 * were overwritten, or when `d` is nonsense.
 */
enum ring_result ring_copy(const struct segment *seg, const struct desc_shm *d,
    size_t off, char *dst, size_t len);

/* The same for the `extra` bytes; `dst` has room for d->extra + 8. */
enum ring_result ring_copy_extra(
    const struct segment *seg, const struct desc_shm *d, char *dst);

/*
 * Copy `len` bytes from position `pos` on: of several records that lie one
 * behind the other.  `dst` has room for `len` + 8 bytes.
 */
enum ring_result ring_copy_span(
    const struct segment *seg, uint64_t pos, char *dst, size_t len);

/* `n`, or the first number after it whose descriptor may still be there. */
static inline uint64_t
ring_within(const struct segment *seg, uint64_t n)
{
	uint64_t head = ring_head(seg);

	return head > seg->layout.ndesc ? MAX(n, head - seg->layout.ndesc) : n;
}

/*
 * Do its numbers make sense, when nothing is half published?  The caller holds
 * the lock.
 */
bool ring_is_sound(const struct segment *seg);

/* The oldest record that can be read now, at most `head`. */
uint64_t ring_oldest(const struct segment *seg);

/* Byte position behind everything committed; for flow control. */
uint64_t ring_position(const struct segment *seg);

#endif
