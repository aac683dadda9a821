/* SPDX-License-Identifier: MIT */
/*
 * The end of a worker: found out, put down in the log, and undone.
 */
#ifndef MASTER_REAP_H
#define MASTER_REAP_H

#include "master/master.h"

/* Reap every child that has ended, and vacate their seats. */
void reap_children(struct master *m);

#endif
