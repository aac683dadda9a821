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

/* Make one more, of a type without sessions if any worker lives already. */
int spawn_make_seat(struct master *m, enum worker_type type);

/*
 * Fork a worker into every vacant seat whose time has come.  A fork that
 * fails is tried again 10 ms later.
 */
void spawn_on_time(struct master *m, uint64_t now_us);
uint64_t spawn_due_us(const struct master *m);

/*
 * In a child: be ready to do a child's work.  It keeps the fds below FD_BASE
 * that `keep` says, the standard ones and the log's, and of the connections
 * those of `seat`, or all with SPAWN_NO_SEAT.  `name` is what ps shows.
 */
#define SPAWN_NO_SEAT (-1)
#define SPAWN_NOBODY (-2) /* none at all */
void spawn_enter_child(
    const struct master *m, bool keep[FD_BASE], int seat, const char *name);

/* Write into the status page what the world may know of a seat. */
void spawn_show(struct master *m, uint32_t seat);

/*
 * How long a successor is to wait before it serves: nothing after a first
 * and second quick death, then twice as long each time.
 */
uint32_t spawn_backoff_ms(const struct seat *seat);

/* A worker says that it has settled and serves. */
void spawn_on_ready(
    struct master *m, uint32_t seat, const struct channel_message *message);

#endif
