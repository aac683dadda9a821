/* SPDX-License-Identifier: MIT */
/* The order of the stores here is the promise: change it with the models. */
#include "shared/shm/journal.h"

#include "shared/base/base.h"
#include "shared/base/fault.h"

/* More than any batch: what is between applied and head at a death. */
#define UNAPPLIED_MAX 65536

static void
note_step_set(struct note_step *note, uint32_t slot, uint64_t after,
    const struct session_half *half)
{
	note->slot = slot;
	note->after = after;
	note->half = *half;
	FAULT_POINT("step.noting");
	compiler_barrier();
	atomic_store_explicit(&note->valid, 1, memory_order_relaxed);
	compiler_barrier();
	FAULT_POINT("step.noted");
}

static void
note_step_clear(struct note_step *note)
{
	compiler_barrier();
	atomic_store_explicit(&note->valid, 0, memory_order_relaxed);
	compiler_barrier();
	FAULT_POINT("step.cleared");
}

/* Apply a record, or a run of messages, which needs its last one only. */
static void
apply_run(struct segment *seg, uint64_t n, const struct record *rec)
{
	_Atomic uint64_t *ever = &seg->tables->messages;
	uint32_t count = MAX(rec->count, 1U);
	struct desc_shm last = rec->d;

	if (count > 1) {
		last.room_msg += count - 1;
		atomic_store_explicit(ever,
		    atomic_load_explicit(ever, memory_order_relaxed) + count -
			1,
		    memory_order_relaxed);
	}
	tables_apply(seg, n, &last, rec->line, rec->extra, true);
}

void
journal_publish(struct journal *j, const struct record *recs, size_t n,
    uint32_t slot, const struct session_half *half)
{
	struct segment *seg = j->seg;
	uint64_t first = ring_head(seg), head = first + ring_count(recs, n);

	if (j->on_damage != NULL && !ring_is_sound(seg))
		j->on_damage(j->context);
	note_step_set(&j->seat->step, slot, head, half);
	ring_append(seg, recs, n);
	ring_commit(seg, head);
	for (size_t i = 0; i < n; i++) {
		apply_run(seg, first, &recs[i]);
		first += MAX(recs[i].count, 1U);
	}
	FAULT_POINT("journal.applied");
	compiler_barrier(); /* all of it before the word that says so */
	atomic_store_explicit(&seg->ring->applied, head, memory_order_relaxed);
	seg->sessions[slot].half = *half;
	FAULT_POINT("journal.half.stored");
	note_step_clear(&j->seat->step);
}

void
journal_step(struct journal *j, uint32_t slot, const struct session_half *half)
{
	note_step_set(&j->seat->step, slot, 0, half);
	j->seg->sessions[slot].half = *half;
	note_step_clear(&j->seat->step);
}

void
journal_replay(struct segment *seg)
{
	uint64_t head = ring_head(seg);
	uint64_t n =
	    atomic_load_explicit(&seg->ring->applied, memory_order_relaxed);
	uint64_t mask = seg->params.ring_bytes - 1;

	if (n > head || head - n > MIN((uint64_t)seg->layout.ndesc,
				       (uint64_t)UNAPPLIED_MAX))
		n = head; /* nonsense; the facts stand as they are */
	for (; n < head; n++) {
		const struct desc_shm *d = &seg->desc[n % seg->layout.ndesc];
		const char *line = seg->bytes + (d->pos & mask);

		if (d->len <= seg->params.ring_bytes / 2)
			tables_apply(seg, n, d, line, line + d->len, false);
		FAULT_POINT("journal.replayed");
	}
	compiler_barrier();
	atomic_store_explicit(&seg->ring->applied, head, memory_order_relaxed);
}

/* Settle the predecessor's STEP. */
static void
journal_settle_step(struct journal *j)
{
	struct note_step *note = &j->seat->step;

	if (atomic_load_explicit(&note->valid, memory_order_relaxed) != 0 &&
	    note->slot < j->seg->params.nslots &&
	    (note->after == 0 || ring_head(j->seg) >= note->after))
		j->seg->sessions[note->slot].half = note->half;
	FAULT_POINT("journal.settled");
	note_step_clear(note);
}

void
journal_check(struct journal *j)
{
	j->breaches = tables_verify(j->seg, NULL, NULL);
	if (j->breaches == 0)
		return;
	tables_rebuild(j->seg);
	j->breaches = tables_verify(j->seg, NULL, NULL);
}

bool
journal_settle(struct journal *j)
{
	bool held = lock_is_mine(&j->lock);

	if (!held) {
		journal_settle_step(j);
		return false;
	}
	/*
	 * All of it before the unlock: once others can publish, head says
	 * nothing any more about the predecessor's batch.
	 */
	journal_replay(j->seg);
	journal_settle_step(j);
	tables_rebuild(j->seg);
	FAULT_POINT("journal.rebuilt");
	j->breaches = tables_verify(j->seg, NULL, NULL);
	FAULT_POINT("journal.verified");
	lock_release(&j->lock);
	return true;
}
