/* SPDX-License-Identifier: MIT */
/*
 * The child that lays the segment out anew: it is forked by rescue.c, does
 * that, and exits.
 */
#ifndef MASTER_RESCUE_CHILD_H
#define MASTER_RESCUE_CHILD_H

#include "master/master.h"

/* What it writes to its end of the pipe. */
struct rescue_report {
	uint32_t kept, lost; /* sessions */
};

/*
 * Lay the object m->rescue.fd out; unless it is the segment itself, from what
 * is in that.  Exits with 0 when it is done.
 */
_Noreturn void rescue_child_main(const struct master *m, int report);

#endif
