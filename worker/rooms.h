/* SPDX-License-Identifier: MIT */
/*
 * Rooms of the configuration, as the tables have them.  A room's row says what
 * the policy says of it: that is part of the commit that brings it into being,
 * and after a reload the first worker to see a difference publishes it.
 */
#ifndef WORKER_ROOMS_H
#define WORKER_ROOMS_H

#include "worker/worker.h"

/* May one of that name and those rights be in it, going by its members? */
bool rooms_admit(const struct worker *w, const char *room, size_t room_len,
    const char *name, size_t len, uint8_t rights);

/*
 * Is there no place left in the room that a join is about?  `rec` has its index
 * and whether it is new.  The lock is held.
 */
bool rooms_is_full(const struct worker *w, const struct record *rec);

/*
 * Is there a place for one more room that the configuration doesn't name?  The
 * lock is held.
 */
bool rooms_has_place(const struct worker *w);

/*
 * Fill in the record that says what the policy says of the room `name`, which
 * a join is going to bring into being as `rec` says.  False if the policy says
 * nothing.
 */
bool rooms_record(const struct worker *w, const struct record *join,
    const char *name, size_t len, struct record *rec, struct room_act *act);

/* Some stretch of the rooms: do their rows say what the policy says? */
void rooms_follow(struct worker *w);

bool rooms_topic_is_fixed(const struct worker *w, uint32_t room);

/* Does the reader, a slot, see the room in /rooms, or by /who?  The lock is
 * held. */
bool rooms_shows(const struct worker *w, uint32_t reader, uint32_t room);

/* May the reader see who is in it?  The lock is held. */
bool rooms_tells(const struct worker *w, uint32_t reader, uint32_t room);

#endif
