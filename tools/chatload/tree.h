/* SPDX-License-Identifier: MIT */
/* A process and all its descendants, from /proc. */
#ifndef TOOLS_CHATLOAD_TREE_H
#define TOOLS_CHATLOAD_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process {
	pid_t pid;
	pid_t parent;
	bool in_tree;
	long long ticks;  /* of the clock, that it has run, user and system */
	long long waited; /* ticks of its dead children that it waited for */
};

struct tree {
	struct process *rows;
	size_t count;
};

/*
 * Reads who belongs to the tree of `root` at this moment.  Returns -1 with
 * errno ESRCH when there is no such process; then there is nothing to free.
 */
int tree_init(struct tree *t, pid_t root);

void tree_fini(struct tree *t);

#endif
