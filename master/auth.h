/* SPDX-License-Identifier: MIT */
/*
 * The auth worker: the only process that keeps the hashes of passwords.  It is
 * forked from us, reads them from the configuration and the file of users,
 * and answers the workers that have sessions (shared/net/ask.h).  At a HUP it
 * is replaced, and whoever waits for an answer asks again.
 *
 *   auth            the master's side
 *   worker/auth     the process
 *   users_admin     changing the file of users
 *   users_password  passwords that a person gives us, and their hashes
 */
#ifndef MASTER_AUTH_H
#define MASTER_AUTH_H

#include "master/master.h"

/* Make the pair of a seat with sessions.  Returns 0, or -1 with errno. */
int auth_connect(struct master *m, uint32_t seat);

/* The configuration has been read anew. */
void auth_renew(struct master *m);

/* What it has counted. */
void auth_on_pong(struct master *m, const struct ping *pong);

/* It serves: tell everybody. */
void auth_on_ready(struct master *m);

void auth_on_time(struct master *m, uint64_t now_us);
uint64_t auth_due_us(const struct master *m);

worker_main auth_worker_main;

#endif
