/* SPDX-License-Identifier: MIT */
/*
 * Questions about passwords, to the auth worker.
 *
 * A session asks while the line with the password is not consumed, and waits:
 * its line is looked at again when there is a verdict, and asks for it in the
 * same words.  All that is known here is this worker's own: who takes over
 * from it finds the line, and asks anew.
 *
 * At most ASK_UNDER_WAY questions of a worker are with the auth worker; more
 * sessions wait for their turn here, in their order.
 */
#ifndef WORKER_ASK_H
#define WORKER_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/net/ask.h"
#include "worker/worker.h"

#define ASK_UNDER_WAY 32
#define ASK_AGAIN_US                                                           \
	100000               /* until who was told that all is busy asks again \
			      */
#define ASK_LOST_US 60000000 /* and whose question must be lost */

/*
 * Is `password` that of the room or user `name`?  True with the verdict; false
 * if it isn't there yet: then the line has to wait.
 */
bool ask_verdict(struct worker *w, uint32_t slot, enum ask_kind kind,
    const char *name, size_t name_len, const char *password, size_t len,
    enum ask_verdict *verdict);

/* The line that asked is dealt with, or the session is gone. */
void ask_forget(struct worker *w, uint32_t slot);

/* Does the session wait for a verdict, so that to look again is no use? */
bool ask_waits(const struct worker *w, uint32_t slot);

/* Do sessions wait until they may ask? */
bool ask_queues(const struct worker *w);

/* Verdicts have come. */
void ask_on_readable(struct worker *w);

/* There is a new auth worker, which knows of no question: ask all again. */
void ask_again(struct worker *w);

/* Now and then: questions that were never answered are asked again. */
void ask_sweep(struct worker *w);

/* Once a pass: whose turn it is to ask looks at its line again. */
void ask_serve(struct worker *w);

void ask_init(struct worker *w);
void ask_fini(struct worker *w);

#endif
