/* SPDX-License-Identifier: MIT */
/*
 * The master's event loop: one epoll set, and the time until something is
 * due.
 */
#ifndef MASTER_LOOP_H
#define MASTER_LOOP_H

#include "master/master.h"

/*
 * Keep the signals that the loop takes as events until it runs, so that a stop
 * that comes while things are being opened is a clean one.  0, or -1.
 */
int loop_block_signals(void);

/* Make the set, and take the blocked signals as events.  0, or -1. */
int loop_open(struct master *m);

/* Have events of `fd` given to the module that `source` says.  0, or -1. */
int loop_add(struct master *m, int fd, enum source source, uint32_t index);

/* Stop, or go on, listening to it. */
void loop_mute(
    struct master *m, int fd, enum source source, uint32_t index, bool mute);

/*
 * Take it out.  Before it is closed: a child that is just being forked may
 * still hold it open, and then closing alone would leave it in the set.
 */
void loop_remove(struct master *m, int fd);

/* Run until the end of a clean stop. */
void loop_run(struct master *m);

#endif
