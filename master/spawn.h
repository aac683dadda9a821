/* SPDX-License-Identifier: MIT */
/*
 * Seats and the workers in them: a seat is made once, a worker is forked into
 * it whenever it is vacant.
 */
#ifndef MASTER_SPAWN_H
#define MASTER_SPAWN_H

#include "master/master.h"

/*
 * Make the seats that the options ask for, with the epoll set and the bell
 * that each keeps for life.  Returns 0, or -1 with errno.
 */
int spawn_make_seats(struct master *m);

/*
 * Fork a worker into every vacant seat whose time has come.  A fork that
 * fails is tried again 10 ms later.
 */
void spawn_on_time(struct master *m, uint64_t now_us);
uint64_t spawn_due_us(const struct master *m);

/* A worker says that it has settled and serves. */
void spawn_on_ready(
    struct master *m, uint32_t seat, const struct channel_message *message);

#endif
