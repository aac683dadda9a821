/* SPDX-License-Identifier: MIT */
/*
 * The instance: its name, its shared memory object and the lock on that,
 * which says that it lives.
 */
#ifndef MASTER_INSTANCE_H
#define MASTER_INSTANCE_H

#include "shared/base/base.h"
#include "shared/shm/segment.h"

struct instance {
	char name[INSTANCE_MAX + 1];
	int fd; /* of the segment, flocked: workers inherit it with the lock */
	struct status_shm *status; /* mapped; written, never read */
	void *mapped;              /* the pages that hold it */
	size_t mapped_size;
};

/*
 * Make the segment of instance `name` for `params`, whose first_seq and
 * created_us are filled in here.  One left behind by an instance that died is
 * kept as /chatmaster.NAME.old; one whose last workers are just ending is
 * waited for, up to 5 s.  Returns 0, or -1 after logging why not.
 */
int instance_open(
    struct instance *instance, const char *name, struct segment_params *params);

/* Remove the segment, and with `old` the one kept of a predecessor. */
void instance_remove(struct instance *instance, bool old);

#endif
