/* SPDX-License-Identifier: MIT */
/*
 * The clean stop: no more connections, workers tell their clients and end,
 * the segment is removed.  It takes less than 5 s whatever workers do.
 */
#ifndef MASTER_STOP_H
#define MASTER_STOP_H

#include "master/master.h"

/*
 * TERM or INT: begin to stop.  Further ones change nothing: timeout(1) and
 * terminals send several at once, and the clients are to be told all the same.
 */
void stop_on_signal(struct master *m, int signal);

/* Kill who is left when their time is over. */
void stop_on_time(struct master *m, uint64_t now_us);
uint64_t stop_due_us(const struct master *m);

/* Have all workers ended? */
bool stop_is_done(const struct master *m);

/* Remove what the instance leaves, and say so. */
void stop_finish(struct master *m);

#endif
