/* SPDX-License-Identifier: MIT */
/*
 * Who the server is, and what it may: as much as it takes to open what the
 * configuration names, and no more from then on.
 */
#ifndef MASTER_PRIVILEGES_H
#define MASTER_PRIVILEGES_H

#include <stdio.h>

#include "master/master.h"
#include "shared/base/sandbox.h"

/*
 * Look up `user` and `group`.  Returns 0, or -1 with a line for a person in
 * err: there is none of that name, or we can't become it.
 */
int privileges_settle(struct options *options, char *err, size_t errsize);

/*
 * All is open that needs root: become the user, give up what no worker and no
 * reload needs, and say in the log what is enforced from here on.  What has to
 * be read later, as the new user, is tried.  Returns 0, or -1 after logging.
 */
int privileges_drop(struct master *m);

/* What of the sandbox this kernel enforces, for a person: a line. */
void privileges_print(const struct options *options, FILE *out);

/* In a one-shot child: into its sandbox, or it ends. */
void privileges_confine(const struct master *m, const struct sandbox *sandbox);

#endif
