/* SPDX-License-Identifier: MIT */
/*
 * Who may not come in, or not speak: a table of rows in the segment, facts that
 * are set by applying the records of operators' acts.  Written under the lock;
 * who looks things up holds it, too.
 */
#ifndef SHARED_SHM_BANS_H
#define SHARED_SHM_BANS_H

#include <stdint.h>

#include "shared/base/cidr.h"
#include "shared/chat/limits.h"
#include "shared/shm/segment.h"

enum ban_kind {
	BAN_NONE, /* the row is free */
	BAN_NAME,
	BAN_ADDRESS,
	BAN_MUTE, /* of a name */
	BAN_KINDS,
};

struct ban_shm {
	uint64_t since_us; /* CLOCK_REALTIME */
	uint64_t until_us; /* 0: for ever */
	uint8_t kind;      /* enum ban_kind */
	uint8_t name_len, by_len, why_len;
	struct cidr cidr;
	char name[LIMIT_NAME];
	char by[LIMIT_NAME]; /* the operator */
	char why[LIMIT_WHY];
};

/* What a record of an operator's act carries behind its line. */
struct act_shm {
	uint32_t why_off; /* in its line: the reason, up to the LF */
	uint32_t row;     /* of the table, which becomes `ban`; NONE: none */
	struct ban_shm ban;
};

/* Are its lengths and its kind such that it can be shown?  Pure. */
bool bans_row_is_sound(const struct ban_shm *ban);

/* The row of the name or address that holds now, or NONE. */
uint32_t bans_find_name(const struct segment *seg, enum ban_kind kind,
    const char *name, size_t len, uint64_t now_us);
uint32_t bans_find_address(const struct segment *seg,
    const uint8_t addr[ADDRESS_BYTES], uint64_t now_us);

/* The row of exactly that, whether it still holds or not, or NONE. */
uint32_t bans_find_same(const struct segment *seg, const struct ban_shm *ban);

/* A row that is free or has had its time, or NONE. */
uint32_t bans_find_free(const struct segment *seg, uint64_t now_us);

/* Make bans_end anew, a cache. */
void bans_count(struct segment *seg);

/* Overwrite a row; bans_end follows. */
void bans_set(struct segment *seg, uint32_t row, const struct ban_shm *ban);

#endif
