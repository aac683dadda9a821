/* SPDX-License-Identifier: MIT */
/*
 * The policy that workers go by: made of the options at the start and at each
 * HUP.  A worker has the newest from its birth, since it inherits our mapping;
 * those that live are sent a new one (CHANNEL_POLICY).
 */
#ifndef MASTER_POLICY_H
#define MASTER_POLICY_H

#include "master/master.h"

/*
 * Make one of these options, as version `version`: fills in `policy` and *fd,
 * the memory object behind it.  Returns 0, or -1 with errno.
 */
int policy_make(struct policy *policy, int *fd, const struct options *options,
    uint64_t version);

/* The first one, or a new one for all workers.  Returns 0, or -1 with errno. */
int policy_renew(struct master *m);

void policy_on_time(struct master *m, uint64_t now_us);
uint64_t policy_due_us(const struct master *m);

#endif
