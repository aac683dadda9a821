/* SPDX-License-Identifier: MIT */
/* The memory of a process and all its descendants, from /proc. */
#ifndef TOOLS_CHATLOAD_MEMORY_H
#define TOOLS_CHATLOAD_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Sums over the tree of what /proc/PID/smaps_rollup says, in bytes.  Memory
 * that processes share counts in `rss` once for each of them, and in the
 * others once in all.
 *
 * `private` is anonymous memory: heaps, stacks, data.  It is not the sum of
 * Private_*, in which a page of a shared mapping counts as long as nobody
 * else has happened to touch it.
 */
struct memory {
	int64_t rss;
	int64_t pss;
	int64_t private;
};

/*
 * Returns -1 with errno set when there is no such process (ESRCH) or when
 * its figures are not for us (EACCES, or ENOENT before Linux 4.14).  Without
 * Pss_Anon (before Linux 5.4) `private` is the sum of Anonymous, which counts
 * what is shared since a fork more than once.
 */
int memory_tree(pid_t root, struct memory *m);

#endif
