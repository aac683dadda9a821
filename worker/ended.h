/* SPDX-License-Identifier: MIT */
/*
 * Sessions that others end: by a kick, a ban, or since the name's owner has
 * come.  Whoever decides it publishes a record, and applying that sets
 * session_shm.end; the session's own worker does the rest, as soon as it is
 * told, and in any case within a second.
 */
#ifndef WORKER_ENDED_H
#define WORKER_ENDED_H

#include "worker/worker.h"

/* After the commit, without the lock: tell the worker that has the session. */
void ended_tell(struct worker *w, uint32_t slot);

/* Somebody was told so: make due who is to end. */
void ended_look(struct worker *w);

/*
 * Is the session to end?  Then it does, or, where it can't at once, is looked
 * at again; nothing else is to be done with it now.
 */
bool ended_serve(struct worker *w, uint32_t slot);

/*
 * The holder of a name has to make way for its owner, who has `slot` and the
 * unchanged `half`.  The lock is held.
 */
void ended_displace(struct worker *w, uint32_t holder, uint32_t slot);

#endif
