/* SPDX-License-Identifier: MIT */
/* The file of users, as those see and change it who administer it. */
#ifndef MASTER_USERS_FILE_H
#define MASTER_USERS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "shared/chat/users.h"

struct users_file {
	char path[4096]; /* of the file itself, not of a link to it */
	int fd;
	struct stat st;
	char *text; /* every line of it makes sense */
	size_t len;
};

/* Is there anything of that name? */
bool users_file_exists(const char *path);

/*
 * Read and check it.  Returns 0, or -1 with a line for a person in err; the
 * file is closed then.
 */
int users_file_read(
    struct users_file *file, const char *path, char *err, size_t errsize);

/*
 * The same, and nobody else changes it meanwhile; waits for one who does.
 * With `make`, one that isn't there is made.
 */
int users_file_lock(struct users_file *file, const char *path, bool make,
    char *err, size_t errsize);

void users_file_close(struct users_file *file);

/* The next user from byte *at on, which moves on; `begin`: of its line. */
bool users_file_next(const struct users_file *file, size_t *at,
    struct users_line *line, size_t *begin);

/* Where that user's line is; `begin` and `end` may be NULL. */
bool users_file_find(const struct users_file *file, const char *name,
    size_t *begin, size_t *end);

/*
 * Replace the file, which is locked, by one where the user's line is made
 * anew, in its place or at the end.  Without a hash the line is left out.
 * Returns 0, or -1 with err and the old file.
 */
int users_file_put(struct users_file *file, const char *name, const char *hash,
    bool is_operator, char *err, size_t errsize);

#endif
