/* SPDX-License-Identifier: MIT */
/* The CPU time of a process and all its descendants, from /proc. */
#ifndef TOOLS_CHATLOAD_CPUTIME_H
#define TOOLS_CHATLOAD_CPUTIME_H

#include <sys/types.h>

/*
 * Seconds of CPU, user and system, that `root` and its descendants have used
 * so far.  Those that died and were waited for count too, as long as who
 * waited is in the tree, so that the difference of two calls holds across
 * restarts of a worker.  The living are taken to the nanosecond, the dead to
 * a clock tick.
 *
 * Returns -1 with errno ESRCH when there is no such process.
 */
double cputime_tree(pid_t root);

/* The same of this process alone. */
double cputime_self(void);

#endif
