/* SPDX-License-Identifier: MIT */
/* Times as people write them: 90s, 10m, 2h, 30d, 1w. */
#ifndef SHARED_BASE_DURATION_H
#define SHARED_BASE_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DURATION_MAX_S (UINT64_C(100) * 366 * 24 * 3600)

/*
 * Read one: a number and one letter, from 1 second to DURATION_MAX_S.  Returns
 * whether the text is one, and no more than that.  Pure.
 */
bool duration_parse(const char *text, size_t len, uint64_t *seconds);

#endif
