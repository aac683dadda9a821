/* SPDX-License-Identifier: MIT */
/* The locks: there is one, which guards the ring and the tables. */
#include "tools/shmdump/views.h"

#include "shared/shm/lock.h"
#include "tools/shmdump/out.h"

enum {
	COL_NAME,
	COL_VALUE,
	COL_OWNER,
	COL_PID,
	COL_CONTENDED,
	COL_ACQUISITIONS,
	COL_CONTENTIONS,
	COL_RECOVERIES,
	COLS,
};

static const struct out_column columns[COLS] = {
    [COL_NAME] = {.key = "name", .head = "LOCK"},
    [COL_VALUE] = {.key = "value", .head = "VALUE", .right = true},
    [COL_OWNER] = {.key = "owner", .head = "OWNER", .right = true},
    [COL_PID] = {.key = "owner_pid", .head = "PID", .right = true},
    [COL_CONTENDED] = {.key = "contended", .head = "CONTENDED"},
    [COL_ACQUISITIONS] = {.key = "acquisitions",
	.head = "ACQUISITIONS",
	.right = true},
    [COL_CONTENTIONS] = {.key = "contentions",
	.head = "CONTENTIONS",
	.right = true},
    [COL_RECOVERIES] = {.key = "recoveries",
	.head = "RECOVERIES",
	.right = true},
};

int
locks_view(const struct dump *d)
{
	struct out_value row[COLS];
	struct lock_shm lock;
	struct out out;
	uint32_t word, seat;
	int value;

	segment_copy(&lock, d->seg.lock, sizeof(lock));
	word = atomic_load(&lock.word);
	seat = (word & ~LOCK_CONTENDED) - 1;
	row[COL_NAME] = out_string("ring");
	/* Of the copy: a load, which neither waits nor posts. */
	row[COL_VALUE] = sem_getvalue(&lock.parked, &value) == 0 && value >= 0
			     ? out_number((uint64_t)value)
			     : out_none();
	row[COL_OWNER] = row[COL_PID] = out_none();
	if (seat < d->seg.params.nseats && seat < SEATS_MAX) {
		row[COL_OWNER] = out_number(seat);
		row[COL_PID] =
		    out_number(atomic_load(&d->status.seats[seat].pid));
	}
	row[COL_CONTENDED] = out_as(OUT_BOOL, (word & LOCK_CONTENDED) != 0);
	row[COL_ACQUISITIONS] = out_number(atomic_load(&lock.acquisitions));
	row[COL_CONTENTIONS] = out_number(atomic_load(&lock.contentions));
	row[COL_RECOVERIES] = out_number(atomic_load(&lock.recoveries));
	out_begin(&out, OUT_TABLE, d->json, columns, COLS);
	out_row(&out, row);
	return out_end(&out) == -1;
}
