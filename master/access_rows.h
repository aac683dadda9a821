/* SPDX-License-Identifier: MIT */
/* What access.h is made of: rows, found by name.  For access*.c alone. */
#ifndef MASTER_ACCESS_ROWS_H
#define MASTER_ACCESS_ROWS_H

#include "master/access.h"

/*
 * Room for one more row of `size` bytes, zeroed, in a table of `count` with
 * place for `*room`.  Returns it, or NULL.
 */
void *access_add(void **rows, uint32_t *room, uint32_t count, size_t size);

/* A new row; `err` says why there is none (NULL). */
struct policy_user *access_new_user(struct access *access, const char *name,
    size_t len, char *err, size_t errsize);
struct policy_room *access_new_room(struct access *access, const char *name,
    size_t len, char *err, size_t errsize);

/* Hand a hash on to who takes them.  Returns 0, or -1 with errno. */
int access_give(const struct access *access, bool of_user, const char *name,
    size_t name_len, const char *hash, size_t len);

/* Says that there is no memory; returns -1. */
int access_no_memory(char *err, size_t errsize);

#endif
