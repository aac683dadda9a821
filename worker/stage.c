/* SPDX-License-Identifier: MIT */
/*
 * The staging area: records of one room, rendered once for all who read them
 * in the same form.  It lies in the segment, so that a successor can tell where
 * in them a send was cut; see send.c.
 */
#include "worker/worker.h"

void
stage_reset(struct worker *w)
{
	w->staging->count = 0;
	w->staging->bytes_used = 0;
	w->span = (struct span){0};
}

/*
 * Copy the records staged last.  Returns false when they were overwritten
 * meanwhile.  To be called when all are staged.
 */
bool
stage_copy(struct worker *w)
{
	const struct span *span = &w->span;

	return span->len == 0 ||
	       ring_copy_span(&w->seg, span->pos, w->staging->bytes + span->off,
		   span->len) == RING_OK;
}

/* Is there room for another record? */
bool
stage_fits(const struct worker *w, const struct desc_shm *d)
{
	const struct staging_shm *st = w->staging;

	return st->count < STAGING_RECORDS &&
	       (uint64_t)d->len + 8 <= STAGING_BYTES - st->bytes_used;
}

/*
 * Stage record `n`, whose descriptor is `d`.  Those that lie one behind the
 * other in the ring, as the lines of one read do, are copied at once.  Returns
 * false when some were overwritten meanwhile; the caller has seen that there is
 * room for it.
 */
bool
stage_record(struct worker *w, uint64_t n, const struct desc_shm *d)
{
	struct staging_shm *st = w->staging;
	struct staged *row = &st->table[st->count];

	if (!stage_fits(w, d))
		return false; /* nonsense */
	if (w->span.pos + w->span.len != d->pos) {
		if (!stage_copy(w))
			return false;
		w->span = (struct span){.pos = d->pos, .off = st->bytes_used};
	}
	w->span.len += d->len;
	*row = (struct staged){
	    .record = n,
	    .room_msg = d->room_msg,
	    .off = st->bytes_used,
	    .len = d->len,
	    .sender = d->sender,
	    .sender_gen = d->sender_gen,
	    .room_gen = d->room_gen,
	    .type = d->type,
	    .target = d->target,
	    .target_gen = d->target_gen,
	};
	st->bytes_used += d->len;
	st->count++;
	return true;
}
