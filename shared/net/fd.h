/* SPDX-License-Identifier: MIT */
/*
 * File descriptors: the limit on them, their numbers, and getting rid of many.
 */
#ifndef SHARED_NET_FD_H
#define SHARED_NET_FD_H

/*
 * Raise the soft limit on open fds to the hard one.  Returns the limit in
 * force then: fd numbers are below it.  Never fails; a limit that cannot be
 * read counts as 1024.
 */
unsigned fd_raise_limit(void);

/*
 * Make sure that 0, 1 and 2 are open (on /dev/null if need be), so that no
 * socket gets their number, and close whatever else the parent left open.
 * At start, before anything is opened.  Returns 0, or -1 with errno.
 */
int fd_clean(void);

/*
 * Close every fd from `first` to `last`, both included.  Those that aren't
 * open don't matter.  One system call, close_range(2), where the kernel has
 * it (5.9).
 */
void fd_close_range(unsigned first, unsigned last);

/*
 * Move `fd` to `number`: it is closed here and close-on-exec there; what was
 * open there is closed.  Returns 0, or -1 with errno and `fd` still open.
 */
int fd_move(int fd, int number);

#endif
