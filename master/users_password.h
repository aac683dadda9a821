/* SPDX-License-Identifier: MIT */
/*
 * A password that a person gives us, for --hash-password and the file of
 * users, and what crypt(3) makes of it.
 */
#ifndef MASTER_USERS_PASSWORD_H
#define MASTER_USERS_PASSWORD_H

#include "shared/chat/limits.h"
#include "shared/chat/users.h"

#define USERS_HASH_SIZE (USERS_HASH_MAX + 1)

/*
 * Read a password: from the terminal, if standard input is one, twice and
 * without its being shown; otherwise a line of standard input.  Puts the hash
 * of it into `hash` and forgets it.  Returns 0, or the exit code (1, or 2 for
 * what can be no password) after telling the person.
 */
int users_password_ask(char hash[USERS_HASH_SIZE]);

/*
 * What is wrong with it as a password, as a constant, or NULL: clients could
 * not give it, since blanks around it aren't taken for a part of it.  Pure.
 */
const char *users_password_check(const char *password, size_t len);

/* Hash it with a new salt, by yescrypt.  Returns 0, or -1 with errno. */
int users_password_hash(const char *password, char hash[USERS_HASH_SIZE]);

#endif
