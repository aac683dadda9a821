/* SPDX-License-Identifier: MIT */
/*
 * Which names a worker gives to whom.  Whoever has proven that a name is his
 * (RIGHT_REGISTERED in `rights`) gets it if nobody has it: what it looks like
 * was for the administrator to judge.
 */
#ifndef WORKER_NAMING_H
#define WORKER_NAMING_H

#include "shared/chat/name.h"
#include "worker/worker.h"

/* What is wrong with the name itself; NAME_FINE: nothing. */
enum name_fault naming_fault(
    const struct worker *w, const char *name, size_t len, uint8_t rights);

/*
 * Is it free for the session `slot`, which has another, or for one that has
 * none (NONE)?  CHAT_OK, CHAT_NAME_TAKEN, by `holder`, or CHAT_BAD_NAME: it
 * looks like that of somebody else who is present.  The caller holds the lock.
 */
enum chat_error naming_free(const struct worker *w, uint32_t slot,
    const char *name, size_t len, uint8_t rights, uint32_t *holder);

/* The argument of the error that naming_free gave. */
uint64_t naming_arg(enum chat_error error);

#endif
