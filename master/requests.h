/* SPDX-License-Identifier: MIT */
/*
 * What workers ask of the master.  A worker may have gone wrong: a request is
 * obeyed only if the table of slots says that its sender may ask for that.
 */
#ifndef MASTER_REQUESTS_H
#define MASTER_REQUESTS_H

#include "master/master.h"

/* Messages have come, or the end of the channel. */
void requests_on_readable(struct master *m, uint32_t seat);

/* Obey what a worker said before it died: everything that is left. */
void requests_drain(struct master *m, uint32_t seat);

#endif
