/* SPDX-License-Identifier: MIT */
/*
 * The way in: listeners, accepting, and saying no.
 */
#ifndef MASTER_ADMIT_H
#define MASTER_ADMIT_H

#include "master/master.h"

/*
 * Open every listener that the options name; nothing is accepted yet.
 * Returns 0, or -1 after logging why not.
 */
int admit_listen(struct master *m);

/* Begin to accept.  Returns 0, or -1 with errno. */
int admit_begin(struct master *m);

/* Accept what waits at a listener, up to a bound. */
void admit_on_readable(struct master *m, unsigned listener);

/*
 * The seat for a connection: the least loaded of those of that type that are
 * ready; of all of them, if none is.
 */
uint32_t admit_choose_seat(struct master *m, enum worker_type type);

/* The key of the listener that a connection came in by. */
const char *admit_listener_name(
    const struct master *m, const struct peer *peer);

/* Open paused listeners again, and sum refusals up, as far as it is time. */
void admit_on_time(struct master *m, uint64_t now_us);
uint64_t admit_due_us(const struct master *m);

/* Close the listeners. */
void admit_end(struct master *m);

#endif
