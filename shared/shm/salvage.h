/* SPDX-License-Identifier: MIT */
/*
 * Salvage: what can be saved of a segment that can't be repaired.
 *
 * The old one is read as one reads what somebody else wrote: every index and
 * length is checked, every name is judged anew, and what decides is what did
 * not come from there, the master's table of connections and the kernel's
 * counts of their bytes.  The new one is laid out empty, and then gets the
 * sessions row by row.  Lists, counts and chains of the old one are not looked
 * at; they come into being again with the rows.
 *
 * A session that is kept goes on in its room under its name from the new
 * ring's beginning, and reads how many messages it has missed, as far as that
 * is known.  One that can't be kept is told so and closed.
 *
 * Pure, over two segments that nobody else uses.
 */
#ifndef SHARED_SHM_SALVAGE_H
#define SHARED_SHM_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/shm/segment.h"

struct salvage {
	/* Set by the caller. */
	struct segment *old; /* from segment_attach_private; NULL: keep none */
	struct segment *new; /* formatted, empty */
	uint64_t now_us;     /* CLOCK_MONOTONIC */
	uint64_t real_us;    /* CLOCK_REALTIME */
	uint64_t login_us;   /* what a client has to log in; 0: for ever */
	uint64_t idle_us;    /* what it may be silent; 0: for ever */
	/* The results. */
	uint32_t kept; /* sessions that go on; those that are just ending too */
	uint32_t lost; /* that are told that they are closed */
	/* Of the module itself. */
	bool counts;   /* the old ring's numbers make sense */
	uint64_t head; /* its */
};

/* What the master and the kernel know of a connection. */
struct salvage_connection {
	uint32_t seat, gen;
	bool telnet, web;
	bool gone;         /* it was reset: send it nothing */
	uint64_t read;     /* bytes that left its receive queue */
	uint64_t accepted; /* bytes that entered its send queue */
	uint64_t id;
	uint64_t accepted_us; /* CLOCK_REALTIME */
	uint8_t addr[16];
	uint16_t port;
	uint8_t listener;
	uint8_t kind;
	uint8_t tls;
};

/*
 * The number of the first record of a segment that shall follow this one: more
 * than any number in it that makes sense, and than its params.first_seq.
 */
uint64_t salvage_next_seq(const struct segment *old);

/* Settle in the private copy of the old one what was committed. */
void salvage_begin(struct salvage *v);

/* Give the new segment the session in `slot`, of which there is `c`. */
void salvage_session(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c);

/*
 * Give it the counters, and look whether it holds together.  Returns how many
 * of its invariants don't hold, which is 0.
 */
unsigned salvage_end(struct salvage *v);

#endif
