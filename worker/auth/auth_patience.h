/* SPDX-License-Identifier: MIT */
/*
 * Signs of life of the auth worker.  A hash may be made so costly that it
 * takes longer than the master's watchdog waits; so pings are answered by a
 * timer's signal while one is made.  But not for ever: after AUTH_PATIENCE_MS
 * of CPU time, whatever else the machine has to do meanwhile, the question is
 * answered with "wrong" and the process ends (WORKER_SLOW), or everybody would
 * wait behind that one hash, and ask for it again and again.
 */
#ifndef WORKER_AUTH_AUTH_PATIENCE_H
#define WORKER_AUTH_AUTH_PATIENCE_H

#include <stdint.h>

#include "shared/net/ask.h"

#define AUTH_PATIENCE_MS 5000

/* Once: where pings come, and the verdicts that go along with pongs. */
void auth_patience_init(int ping, const uint64_t verdicts[ASK_VERDICTS]);

/* Answer the pings that are there. */
void auth_patience_pong(void);

/* Say what the verdicts are, unasked. */
void auth_patience_report(void);

/* A hash is being made for question `id` of `fd`, and it is made. */
void auth_patience_begin(int fd, uint64_t id);

/* Returns how much CPU time that took, in milliseconds. */
uint64_t auth_patience_end(void);

#endif
