/* SPDX-License-Identifier: MIT */
/* See bans.h. */
#include "shared/shm/bans.h"

#include <string.h>

#include "shared/chat/name.h"

bool
bans_row_is_sound(const struct ban_shm *b)
{
	return b->kind < BAN_KINDS && b->name_len <= LIMIT_NAME &&
	       b->by_len <= LIMIT_NAME && b->why_len <= LIMIT_WHY &&
	       b->cidr.prefix <= 128;
}

static uint32_t
rows(const struct segment *seg)
{
	return MIN(
	    atomic_load_explicit(&seg->tables->bans_end, memory_order_relaxed),
	    (uint32_t)LIMIT_BANS);
}

static bool
holds(const struct ban_shm *b, uint64_t now_us)
{
	return b->kind != BAN_NONE && bans_row_is_sound(b) &&
	       (b->until_us == 0 || b->until_us > now_us);
}

uint32_t
bans_find_name(const struct segment *seg, enum ban_kind kind, const char *name,
    size_t len, uint64_t now_us)
{
	for (uint32_t i = 0; i < rows(seg); i++) {
		const struct ban_shm *b = &seg->bans[i];

		if (b->kind == kind && holds(b, now_us) &&
		    name_equal(b->name, b->name_len, name, len))
			return i;
	}
	return NONE;
}

uint32_t
bans_find_address(const struct segment *seg, const uint8_t addr[ADDRESS_BYTES],
    uint64_t now_us)
{
	for (uint32_t i = 0; i < rows(seg); i++) {
		const struct ban_shm *b = &seg->bans[i];

		if (b->kind == BAN_ADDRESS && holds(b, now_us) &&
		    cidr_holds(&b->cidr, addr))
			return i;
	}
	return NONE;
}

uint32_t
bans_find_same(const struct segment *seg, const struct ban_shm *ban)
{
	for (uint32_t i = 0; i < rows(seg); i++) {
		const struct ban_shm *b = &seg->bans[i];

		if (b->kind == ban->kind && bans_row_is_sound(b) &&
		    memcmp(&b->cidr, &ban->cidr, sizeof(b->cidr)) == 0 &&
		    name_equal(b->name, b->name_len, ban->name, ban->name_len))
			return i;
	}
	return NONE;
}

uint32_t
bans_find_free(const struct segment *seg, uint64_t now_us)
{
	for (uint32_t i = 0; i < LIMIT_BANS; i++)
		if (!holds(&seg->bans[i], now_us))
			return i;
	return NONE;
}

void
bans_set(struct segment *seg, uint32_t row, const struct ban_shm *ban)
{
	if (row >= LIMIT_BANS || !bans_row_is_sound(ban))
		return;
	seg->bans[row] = *ban;
	if (row >= rows(seg))
		atomic_store_explicit(
		    &seg->tables->bans_end, row + 1, memory_order_relaxed);
}

void
bans_count(struct segment *seg)
{
	uint32_t end = LIMIT_BANS;

	while (end > 0 && seg->bans[end - 1].kind == BAN_NONE)
		end--;
	atomic_store_explicit(
	    &seg->tables->bans_end, end, memory_order_relaxed);
}
