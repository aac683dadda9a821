/* SPDX-License-Identifier: MIT */
/*
 * The master's table of connections.  A connection's slot is its place in
 * here and fixes the number of its fd: see inherit.h.
 */
#ifndef MASTER_SLOTS_H
#define MASTER_SLOTS_H

#include "master/master.h"

/*
 * Make the table, options.max_clients rows, and that of the addresses' budgets
 * which goes with it.  Returns 0, or -1 with errno.
 */
int slots_make(struct master *m);
void slots_unmake(struct master *m);

/*
 * Take the slot that was freed first for a connection of `peer`, which counts
 * against its address's budget until slots_free.  Returns it, or NONE.
 */
uint32_t slots_take(struct master *m, const struct peer *peer);

/* Say that the connection belongs to `seat` from now on. */
void slots_assign(struct master *m, uint32_t slot, uint32_t seat);

/*
 * Close our dup of the connection's fd, if we have one, and let the slot be
 * used again.
 */
void slots_free(struct master *m, uint32_t slot);

/* Does `seat` hold this generation of the slot, and has got the fd? */
bool slots_holds(
    const struct master *m, uint32_t seat, uint32_t slot, uint32_t gen);

static inline int
slots_fd(uint32_t slot)
{
	return FD_BASE + (int)slot;
}

#endif
