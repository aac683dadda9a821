/* SPDX-License-Identifier: MIT */
/* For the administrator: hashes of passwords, and the file of users. */
#ifndef MASTER_AUTH_ADMIN_H
#define MASTER_AUTH_ADMIN_H

#include "master/options.h"

/*
 * --hash-password, --add-user, --remove-user, --list-users: does what the
 * options ask for, and exits.  Returns if they ask for nothing of that.  A
 * password is read from the terminal, twice and without echo, or else from
 * standard input, a line.
 */
void auth_admin(const struct options *options);

#endif
