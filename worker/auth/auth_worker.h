/* SPDX-License-Identifier: MIT */
/*
 * The auth worker's process: it takes the questions of workers with sessions
 * (shared/net/ask.h), hashes, and answers.  It has no segment, no connection,
 * and nothing but its questions to read once it has read the secrets.
 *
 *   auth_worker    the loop
 *   auth_secrets   what it keeps, and what it says of a password
 *   auth_budget    who has given too many wrong ones
 *   auth_patience  signs of life while it hashes, and when it gives up
 */
#ifndef WORKER_AUTH_AUTH_WORKER_H
#define WORKER_AUTH_AUTH_WORKER_H

#include "shared/net/inherit.h"
#include "worker/auth/auth_secrets.h"

/*
 * Reads the secrets, and how many wrong ones an address may give a minute.
 * Returns 0, or -1 with what is wrong in err.
 */
typedef int auth_read(struct auth_secrets *secrets, unsigned *login_failures,
    char *err, size_t errsize);

/* All of the process.  Returns its exit code. */
int auth_worker_run(const struct inherit *inherit, auth_read *read);

#endif
