/* SPDX-License-Identifier: MIT */
/*
 * Poison: input that kills its parser, or a record that kills its renderer.
 * The successor takes up where the dead worker stopped, so it would die of the
 * same, and so on.  The seat says what was being looked at; who died of a fault
 * of its own, or was ended by the watchdog, counts a try.  At the third the
 * session is closed, or the record replaced by a notice: poison costs one of
 * them.  A plain kill says nothing about what was looked at and counts nothing.
 */
#include <signal.h>

#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "worker/worker.h"

#define TRIES_MAX 3

/* From now on, until poison_off_slot, the bytes of `slot` are looked at. */
void
poison_at_slot(struct worker *w, uint32_t slot)
{
	atomic_store_explicit(
	    &w->seat->poison.at_slot, slot + 1, memory_order_relaxed);
	compiler_barrier();
}

void
poison_off_slot(struct worker *w)
{
	compiler_barrier();
	atomic_store_explicit(
	    &w->seat->poison.at_slot, 0, memory_order_relaxed);
}

/* From now on record `n` is rendered; 0: none any more. */
void
poison_at_record(struct worker *w, uint64_t n)
{
	compiler_barrier();
	atomic_store_explicit(
	    &w->seat->poison.at_record, n, memory_order_relaxed);
	compiler_barrier();
}

/* Is the record to be shown as a notice? */
bool
poison_is_record(const struct worker *w, uint64_t n)
{
	const struct poison_shm *p = &w->seat->poison;

	return n == p->record && p->record_tries >= TRIES_MAX;
}

/* Did the dead worker die of what it was doing? */
static bool
by_its_fault(const struct inherit *in)
{
	switch (in->signal) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGABRT:
	case SIGTRAP:
	case SIGSYS:
		return true;
	default:
		return in->by_watchdog;
	}
}

static void
count_slot(struct worker *w, uint32_t slot)
{
	struct poison_shm *p = &w->seat->poison;
	uint32_t gen;

	if (slot >= w->in->nslots)
		return;
	gen = session_row(w, slot)->gen;
	if (p->slot != slot || p->gen != gen)
		p->slot_tries = 0;
	p->slot = slot;
	p->gen = gen;
	p->slot_tries++;
}

static void
count_record(struct worker *w, uint64_t n)
{
	struct poison_shm *p = &w->seat->poison;

	if (p->record != n)
		p->record_tries = 0;
	p->record = n;
	if (++p->record_tries == TRIES_MAX)
		log_error("record-poisoned", "record=%llu tries=%u",
		    (unsigned long long)n, p->record_tries);
}

/*
 * Count what the predecessor died over, before it is tried again.  Returns the
 * slot whose input and replies must not be looked at any more, or NONE.
 */
uint32_t
poison_count(struct worker *w)
{
	struct poison_shm *p = &w->seat->poison;
	uint32_t slot =
	    atomic_load_explicit(&p->at_slot, memory_order_relaxed) - 1;
	uint64_t record =
	    atomic_load_explicit(&p->at_record, memory_order_relaxed);

	if (by_its_fault(w->in) && record != 0)
		count_record(w, record);
	else if (by_its_fault(w->in) && slot != NONE)
		count_slot(w, slot);
	atomic_store_explicit(&p->at_record, 0, memory_order_relaxed);
	FAULT_POINT("poison.counted");
	return slot != NONE && p->slot == slot && p->slot_tries >= TRIES_MAX &&
		       slot < w->in->nslots &&
		       session_row(w, slot)->gen == p->gen
		   ? slot
		   : NONE;
}

/* Close the session that was counted out. */
void
poison_close(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);

	log_error("session-poisoned", "session=%llu tries=%u",
	    (unsigned long long)s->id, w->seat->poison.slot_tries);
	if (w->locals[slot].mine && s->half.state != SESSION_LEAVING)
		talk_leave(w, slot, CLOSE_INTERNAL, CHAT_INTERNAL, 0);
	w->seat->poison.slot_tries = 0;
}
