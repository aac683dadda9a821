/* SPDX-License-Identifier: MIT */
/*
 * What a row of a segment that nobody trusts says, as far as it makes sense.
 * For salvage.c, which see.
 */
#ifndef SHARED_SHM_SALVAGE_ROW_H
#define SHARED_SHM_SALVAGE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/salvage.h"
#include "shared/shm/tables.h"

/* A room by its name, with its old row if that can be made out. */
struct salvage_room {
	const char *name;
	size_t len;
	const struct room_shm *row;
};

/* Has the session a name that is one? */
bool salvage_named(const struct salvage *v, uint32_t slot);

/*
 * The room that it is in: by its membership, or else as it noted the room's
 * name.  False if neither makes sense.
 */
bool salvage_room(
    const struct salvage *v, uint32_t slot, struct salvage_room *room);

/* May what it was sent last end within a line? */
bool salvage_is_cut(
    const struct salvage *v, uint32_t slot, const struct salvage_connection *c);

/* How many messages for it has it not been sent, as far as is known? */
uint64_t salvage_missed(const struct salvage *v, uint32_t slot);

/*
 * Is it a WebSocket between two frames, in both directions?  Nothing else that
 * came by the web can go on: what a frame's bytes are follows from where it
 * began.  Nor can one whose handshake has still to be answered.
 */
bool salvage_is_framed(
    const struct salvage *v, uint32_t slot, const struct salvage_connection *c);

/* The line that it is still to be told, from where it was cut; or none. */
void salvage_reply(const struct salvage *v, uint32_t slot,
    const struct salvage_connection *c, struct reply *reply);

/*
 * Give the new row the input that is not consumed.  If that isn't sure to be
 * what the kernel gave, it is thrown away to the end of its line.
 */
void salvage_input(
    struct salvage *v, uint32_t slot, const struct salvage_connection *c);

#endif
