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
	struct segment_params params; /* of the segment */
	uint8_t key[16];              /* its hash key */
	uint64_t started_us;          /* CLOCK_REALTIME */
};

/*
 * Make the segment of instance `name` for `params`, whose first_seq and
 * created_us are filled in here.  One left behind by an instance that died is
 * kept as /chatmaster.NAME.old; one whose last workers are just ending is
 * waited for, up to 5 s.  Returns 0, or -1 after logging why not.
 */
int instance_open(
    struct instance *instance, const char *name, struct segment_params *params);

/*
 * Let go of the status page, since the segment is about to be replaced: what
 * is written to `status` goes nowhere now, but counts of connections are kept.
 */
void instance_put_away(struct instance *instance);

/*
 * Make an empty object, locked as ours is, to be laid out and to replace it.
 * Returns its fd, or -1 with errno.
 */
int instance_make_next(const struct instance *instance);

/*
 * Have `fd`, laid out for instance->params, for the segment from now on: the
 * object that instance_make_next made, or our own.  A ruined predecessor is
 * kept as /chatmaster.NAME.ruined.  Returns 0, or -1 with errno and nothing
 * changed.
 */
int instance_take_next(struct instance *instance, int fd);

/* Remove the object that instance_make_next made, if there is one. */
void instance_drop_next(const struct instance *instance);

/* Remove the segment, and with `old` those kept of predecessors. */
void instance_remove(struct instance *instance, bool old);

#endif
