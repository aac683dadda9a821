/* SPDX-License-Identifier: MIT */
/*
 * A seat: a worker's row in the process table.  It outlives the worker, and
 * what is in it tells the successor all that was in flight:
 *
 *   IN    bytes being read from a connection and consumed
 *   STEP  a change of a session being committed
 *   TX    bytes being sent to a connection
 *
 * Each note has a word of its own that says whether it holds, stored last and
 * cleared first.  Compiler barriers are enough: the successor comes after the
 * dead process has been reaped.
 */
#ifndef SHARED_SHM_SEAT_H
#define SHARED_SHM_SEAT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

#include "shared/base/base.h"
#include "shared/shm/segment.h"
#include "shared/shm/tables.h"

enum seat_state {
	SEAT_EMPTY,
	SEAT_REPAIRING, /* settles what its predecessor left */
	SEAT_THROTTLED, /* has settled; serves after its back-off */
	SEAT_SERVING,
	SEAT_STOPPING,
};
extern const char *const seat_state_names[];

/*
 * `slot` consumes its input from byte `base` on.  The read buffer holds `kept`
 * bytes of it, as they were kept, and behind them what was read from the
 * connection after its first `raw` bytes, which may still have to be decoded.
 */
struct note_in {
	_Atomic uint32_t valid;
	uint32_t slot;
	uint32_t kept;
	uint64_t base;
	uint64_t raw;
	union { /* the row's before */
		struct telnet_shm telnet;
		struct ws_shm ws;
	};
	uint8_t state;  /* enum session_state before */
	uint8_t echoed; /* what is consumed was shown: TX_ECHO */
};

/* `slot` gets `half`, at once if after is 0, else once head >= after. */
struct note_step {
	_Atomic uint32_t valid;
	uint32_t slot;
	uint64_t after;
	struct session_half half;
};

enum tx_kind {
	TX_STAGED, /* staged records, less its own */
	TX_CUT,    /* the rest of a cut record in its pool buffer */
	TX_REPLY,  /* a line said to it, rendered into the staging area */
	TX_PIECE,  /* a piece of a long reply, likewise; see reply.c */
	TX_ANSWER, /* telnet: answers from its row */
	TX_ECHO,   /* telnet: what was typed of the lines that IN consumed */
	TX_ROW,    /* telnet: the row that is being typed */
};

/* What is being sent to `slot`; out_total is the count before it. */
struct note_tx {
	_Atomic uint32_t valid;
	uint32_t slot;
	uint32_t kind;
	uint32_t len;            /* bytes to be sent, but for TX_STAGED */
	uint32_t before, behind; /* bytes in front of that, and behind it */
	uint64_t first;          /* TX_STAGED: staged records [first, end) */
	uint64_t end;            /* TX_PIECE: the reply's next position */
	uint64_t out_total;
	uint32_t cut_off; /* TX_CUT: half.cut_off before; TX_ANSWER: likewise */
	uint32_t skip;    /* bytes of the first piece sent before */
	uint32_t said;    /* half.said before it */
	uint32_t buffer;  /* TX_PIECE: pool buffer + 1 for its rest */
	uint32_t lagging; /* it reads for itself: see half.lag */
	uint32_t edits;   /* telnet, edit mode: half.redraw depends on this */
};

/*
 * What the worker is looking at, so that input which kills its parser, or a
 * record which kills its renderer, is known as what it is; see poison.c.
 */
struct poison_shm {
	_Atomic uint32_t at_slot;   /* slot + 1, or 0 */
	_Atomic uint64_t at_record; /* number, or 0 */
	/* The last one that a worker of this seat died over, and how often. */
	uint32_t slot, gen, slot_tries;
	uint32_t record_tries;
	uint64_t record;
};

enum attention {
	ATTENTION_BUFFER = 1, /* a pool buffer of mine is to be given up */
	ATTENTION_END = 2,    /* a session of mine is: see session_shm.end */
};

struct seat_shm {
	/* Read by others at any time. */
	alignas(CACHELINE) _Atomic uint32_t sleeping;
	_Atomic uint32_t attention; /* enum attention: asked for by others */
	alignas(CACHELINE) _Atomic uint64_t cursor; /* records fanned out */
	_Atomic uint64_t position; /* byte position of the cursor */
	_Atomic uint64_t beat_us;  /* CLOCK_MONOTONIC of the last pass */
	_Atomic uint32_t state;    /* enum seat_state */
	_Atomic uint32_t type;     /* enum worker_type */
	_Atomic uint64_t passes;
	_Atomic uint64_t lagged; /* messages its sessions missed */
	/* By HTTP: what was asked, and what of that became a WebSocket. */
	_Atomic uint64_t requests, websockets;
	/* Mine and my successor's. */
	alignas(CACHELINE) uint32_t spare; /* pool buffer + 1 kept for input */
	struct note_in in;
	struct note_tx tx;
	struct note_step step;
	struct poison_shm poison;
};

/*
 * A row of the table in the staging area: a record, or several of one run,
 * whose lines lie one behind the other and end in an LF each.
 */
struct staged {
	uint64_t record;   /* number of the first, */
	uint64_t room_msg; /* and of its message */
	uint32_t count;    /* records */
	uint32_t off, len; /* all of them, in the staging area's bytes */
	uint32_t sender, sender_gen;
	uint32_t room_gen;
	uint32_t type; /* enum record_type */
	uint32_t target, target_gen;
	uint32_t name_hash; /* of the sender; 0 while nobody here ignores */
};

/*
 * Rows, and bytes.  Each seat has them, so they are no larger than it takes
 * for one send to be worth its system call; see segment.c on what must fit.
 */
#define STAGING_RECORDS 1024
#define STAGING_BYTES (64 * 1024)

/*
 * What is being fanned out: records of one room, rendered once, in order.
 * It may be overwritten whenever no TX note holds.
 */
struct staging_shm {
	uint32_t count;
	uint32_t bytes_used;
	struct staged table[STAGING_RECORDS];
	char bytes[STAGING_BYTES];
};

#endif
