/* SPDX-License-Identifier: MIT */
/*
 * Handing connections to workers.  What a worker cannot take yet (it is not
 * ready, or has used up its credits) waits in its seat's queue, in order.
 */
#ifndef MASTER_PASS_H
#define MASTER_PASS_H

#include "master/master.h"

/* Put the connection, which is assigned to a seat, at the end of its queue. */
void pass_queue(struct master *m, uint32_t slot);

/* Send what may be sent.  Once a pass of the loop, so that fds share rides. */
void pass_send(struct master *m);

/*
 * Forget the queue of a seat that is about to be taken over: the successor
 * inherits all fds and finds these in its copy of the table of slots.
 */
void pass_forget(struct master *m, uint32_t seat);

/* When to try again: CLOCK_MONOTONIC, or UINT64_MAX. */
uint64_t pass_due_us(const struct master *m);

#endif
