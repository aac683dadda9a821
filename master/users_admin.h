/* SPDX-License-Identifier: MIT */
/*
 * What is done for an administrator at once, without a server: --hash-password,
 * and --add-user, --remove-user and --list-users, which look into the file of
 * users or change it.
 *
 * The file is changed by putting another one in its place: whoever reads it,
 * and whatever dies meanwhile, there is the old one or the new one, whole.
 * Two who change it at the same time do so one after the other.  What isn't
 * about that user stays as it is, comments included, and so do owner and mode.
 */
#ifndef MASTER_USERS_ADMIN_H
#define MASTER_USERS_ADMIN_H

#include "master/options.h"

/* Is it one of these that is wanted? */
bool users_admin_wanted(const struct options *options);

/* Do it.  Returns the exit code: 0, 1, or 2 for a mistake in the options. */
int users_admin_run(const struct options *options);

#endif
