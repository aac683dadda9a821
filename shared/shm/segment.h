/* SPDX-License-Identifier: MIT */
/*
 * The shared segment: the POSIX shared memory object /chatmaster.NAME, laid
 * out once by the master, mapped by every worker and, read-only, by shmdump.
 * Read this header first: it names every area and who may write it.
 *
 *   area       what                              written by
 *   header     magic, version, sizes, hash key   master, before it forks
 *   status     pid, start, worker restarts       master
 *   lock       the one lock                      everyone, by CAS
 *   tables     hash heads, counts, free lists    holder of the lock (caches)
 *   ring       head, applied, reservations       holder of the lock
 *   seats      a row a worker: cursor, notes     the worker in that seat
 *   input      a read buffer a seat              the worker in that seat
 *   sessions   a row a connection, in halves     its worker; the lock's holder
 *   members    a row a membership                holder of the lock
 *   rooms      a row a room                      holder of the lock
 *   names      hash buckets                      holder of the lock (caches)
 *   roomnames  hash buckets                      holder of the lock (caches)
 *   creators   hash buckets                      holder of the lock (caches)
 *   bans      a row a ban or mute                holder of the lock
 *   bufctl    owner of each pool buffer         who claims it, by CAS
 *   buffers    pool buffers                      the buffer's owner
 *   staging    a staging area a seat             the worker in that seat
 *   desc       record descriptors                holder of the lock
 *   bytes      record bytes, mapped twice        holder of the lock
 *
 * No pointers: each process maps the segment where it likes, and tables link
 * by index.  A process can be killed between any two stores, so every word
 * is either a fact (one writer, set by overwriting) or a cache (rebuilt from
 * the facts by tables_rebuild).  Whoever changes a layout here changes
 * SEGMENT_VERSION and tools/shmdump.c with it.
 */
#ifndef SHARED_SHM_SEGMENT_H
#define SHARED_SHM_SEGMENT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/base.h"

#define SEGMENT_MAGIC "CHATMSTR"
#define SEGMENT_VERSION 8

#define SEATS_MAX 64 /* bits in a room's set of seats */
#define INSTANCE_MAX 63

/* An index that points nowhere. */
#define NONE UINT32_MAX

/* What a segment is made for; all sizes follow from these. */
struct segment_params {
	uint32_t nseats;
	uint32_t nslots; /* sessions, and memberships: one a session */
	uint32_t nrooms;
	uint32_t max_line;   /* bytes in a message, as configured */
	uint64_t ring_bytes; /* a power of two, at least a page */
	uint64_t first_seq;  /* number of the first record */
	uint64_t created_us; /* CLOCK_REALTIME */
};

/*
 * Offsets and strides in bytes, counts in rows; a function of the params.
 * There are as many buckets of creators as of rooms' names.
 */
struct segment_layout {
	uint64_t size; /* of the object */
	uint64_t status, lock, tables, ring;
	uint64_t seats, seat_stride;
	uint64_t input, input_stride;
	uint64_t staging, staging_stride;
	uint64_t sessions, members, rooms;
	uint64_t names, roomnames, creators, bans;
	uint64_t bufctl, buffers, buffer_stride, small;
	uint64_t rendered; /* bytes of one record, in any dialect, at most */
	uint64_t desc, bytes;
	uint32_t nnames, nroomnames; /* buckets, powers of two */
	uint32_t nbuffers, nsmall;   /* of the pool: large ones, then small */
	uint32_t small_stride;       /* bytes of a small one */
	uint32_t ndesc;              /* a power of two */
};

struct header_shm {
	char magic[8]; /* SEGMENT_MAGIC, stored last by segment_format */
	uint32_t version;
	uint32_t header_size;
	struct segment_params params;
	struct segment_layout layout;
	uint8_t hash_key[16];
	char instance[INSTANCE_MAX + 1];
	char server_version[16];
};

/* Why a connection is refused; figures.h has their names. */
enum refusal_reason {
	REFUSED_SERVER_FULL,
	REFUSED_TOO_MANY_FROM_ADDRESS,
	REFUSED_CONNECT_RATE,
	REFUSED_NO_FDS,
	REFUSED_INTERNAL,
	REFUSAL_REASONS,
};

/* The master's page: what it tells the world.  Nobody else writes here. */
struct status_shm {
	_Atomic uint32_t pid;
	_Atomic uint32_t stopping;
	_Atomic uint64_t started_us; /* CLOCK_REALTIME */
	_Atomic uint64_t accepted, closed;
	_Atomic uint64_t refused[REFUSAL_REASONS];
	_Atomic uint64_t verdicts[4]; /* on passwords, by enum ask_verdict */
	_Atomic uint64_t salvages;    /* times the segment was laid out anew */
	_Atomic uint32_t nseats; /* those from params.nseats on have no row */
	struct {
		_Atomic uint32_t type; /* enum worker_type */
		_Atomic uint32_t pid;  /* 0 while nobody sits there */
		_Atomic uint32_t restarts;
		_Atomic uint32_t sessions; /* by the master's table */
		/* Of one without a row, what the master knows of it. */
		_Atomic uint32_t state;   /* enum seat_state */
		_Atomic uint64_t beat_us; /* CLOCK_MONOTONIC: its last pong */
	} seats[SEATS_MAX];
};

/* Heads of lists, and counts. */
struct tables_shm {
	/* Caches. */
	uint32_t rooms_used;
	uint32_t rooms_configured; /* of them */
	uint32_t rooms_free; /* first free room, linked by room.hash_next */
	uint32_t members;    /* sessions in a room */
	uint32_t names_used;
	_Atomic uint32_t bans_end; /* rows of bans from here on are free */
	/* Counters for the inspector; lost with nobody's harm. */
	_Atomic uint64_t messages; /* ever; the dead may lose a batch */
	_Atomic uint64_t repairs;
	_Atomic uint64_t repair_us_last;
	_Atomic uint64_t pool_empty; /* a buffer was wanted, none was free */
};

struct lock_shm;
struct ring_shm;
struct desc_shm;
struct seat_shm;
struct session_shm;
struct member_shm;
struct room_shm;
struct buffer_shm;
struct ban_shm;

/*
 * A mapping of the segment.  The layout is a private copy, checked when it
 * was attached: a header overwritten later misleads nobody.
 */
struct segment {
	char *base;
	size_t mapped; /* bytes of address space, the second ring included */
	struct segment_params params;
	struct segment_layout layout;
	struct header_shm *header;
	struct status_shm *status;
	struct lock_shm *lock;
	struct tables_shm *tables;
	struct ring_shm *ring;
	struct session_shm *sessions;
	struct member_shm *members;
	struct room_shm *rooms;
	_Atomic uint32_t *names;     /* bucket -> slot or NONE */
	_Atomic uint32_t *roomnames; /* bucket -> room or NONE */
	_Atomic uint32_t *creators;  /* bucket -> room or NONE; creators.h */
	struct ban_shm *bans;        /* LIMIT_BANS of them; bans.h */
	struct buffer_shm *bufctl;
	struct desc_shm *desc;
	char *bytes;
};

/*
 * Compute the layout for `params` (whose ring_bytes must be a power of two of
 * at least one page).  Returns 0, or -1 with errno EINVAL when a count is out
 * of range.  Pure.
 */
int segment_plan(
    const struct segment_params *params, struct segment_layout *layout);

/*
 * Lay the segment out in the empty object `fd` and allocate all of it, since
 * a sparse one is a SIGBUS later.  `key` is the hash key (random bytes).
 * Returns 0, or -1 with errno (ENOSPC when /dev/shm is too small).
 */
int segment_format(int fd, const struct segment_params *params,
    const uint8_t key[16], const char *instance);

/*
 * Map the object `fd`, for writing if `writable`, after checking magic,
 * version, sizes and offsets.  `fd` may be closed afterwards.  Returns 0, or
 * -1 with errno: EPROTO when it is no segment of this version.
 */
int segment_attach(struct segment *seg, int fd, bool writable);

/*
 * Map a copy of the object `fd`, for one who knows its params and doesn't
 * believe its header.  What is written to the copy reaches nobody.  Returns 0,
 * or -1 with errno: EPROTO when the object is too small for them.
 */
int segment_attach_private(
    struct segment *seg, int fd, const struct segment_params *params);
void segment_detach(struct segment *seg);

/*
 * Copy `len` bytes out of the segment while others write: as relaxed atomic
 * words, each of them whole, if `src` lies on one.
 */
void segment_copy(void *dst, const void *src, size_t len);

/* The row of a seat, and its read buffer and staging area. */
struct seat_shm *segment_seat(const struct segment *seg, uint32_t seat);
char *segment_input(const struct segment *seg, uint32_t seat);
struct staging_shm *segment_staging(const struct segment *seg, uint32_t seat);

/*
 * The bytes of pool buffer `index`: layout.buffer_stride of them if it is one
 * of the first layout.nbuffers, or else SMALL_BYTES.
 */
#define SMALL_BYTES 256u
char *segment_buffer(const struct segment *seg, uint32_t index);

#endif
