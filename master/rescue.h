/* SPDX-License-Identifier: MIT */
/*
 * When repairing doesn't help: workers that die again and again before they
 * have settled what their predecessors left, or that say that the segment is
 * damaged beyond their repair.  Then all workers are ended, a child lays a new
 * segment out and salvages the sessions into it (shared/shm/salvage.h), and
 * workers are forked anew.  The connections stay with the master meanwhile.
 *
 *   RESCUE_NONE     all is well
 *   RESCUE_ENDING   waits for the last worker's end
 *   RESCUE_DUE      a child is to be forked, at due_us
 *   RESCUE_WORKING  it works, until due_us at the latest
 *
 * A child that dies is replaced; after a few the segment is laid out without
 * any session, and each client is told that it was not kept.  So it is when
 * two rescues in a row were of no use.
 */
#ifndef MASTER_RESCUE_H
#define MASTER_RESCUE_H

#include "master/master.h"

/* A worker has ended, as its seat says; `status` is from waitpid(2). */
void rescue_on_death(struct master *m, uint32_t seat, int status);

/* A child that is no worker has ended. */
void rescue_on_exit(struct master *m, pid_t pid, int status);

/* Is a rescue under way?  Then no worker is to be forked. */
static inline bool
rescue_is_on(const struct master *m)
{
	return m->rescue.phase != RESCUE_NONE;
}

/* May the last one in the seat have damaged the segment? */
bool rescue_suspects(const struct seat *seat);

void rescue_on_time(struct master *m, uint64_t now_us);
uint64_t rescue_due_us(const struct master *m);

/* The server stops: leave it. */
void rescue_abandon(struct master *m);

#endif
