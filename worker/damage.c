/* SPDX-License-Identifier: MIT */
/*
 * Damage: the segment can't be as it is, so somebody has written where it had
 * no business to.  A worker that sees that doesn't try to make sense of it: it
 * exits and says so, and the master has the segment laid out anew and the
 * sessions salvaged.  What is looked for is what would otherwise keep a worker
 * from serving without killing it; what kills it is found by the master.
 */
#include <errno.h>

#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "worker/worker.h"

#define SUSPECT_US 10000000 /* the tables are looked at as often as that */

_Noreturn void
damage_found(const struct worker *w, const char *what)
{
	errno = EUCLEAN;
	die(WORKER_DAMAGED, "damage", "seat=%u what=%s", w->in->seat, what);
}

/* For struct journal. */
void
damage_in_ring(void *context)
{
	damage_found(context, "ring");
}

/* The same, of the tables, for one who holds no lock. */
static void
damage_check_tables(struct worker *w)
{
	lock_acquire(&w->journal.lock);
	journal_check(&w->journal);
	lock_release(&w->journal.lock);
	if (w->journal.breaches > 0)
		damage_found(w, "tables");
}

/*
 * After a predecessor's half-done changes are settled: has it left anything
 * that doesn't hold together?  If it `held` the lock that has been looked at;
 * if it was ended from outside without it, it can't have.
 */
void
damage_check_repair(struct worker *w, bool held)
{
	if (w->journal.breaches > 0)
		damage_found(w, "tables");
	if (!held && w->in->suspect)
		damage_check_tables(w);
}

/* A table refused something that it may refuse, or that damage does. */
void
damage_suspect(struct worker *w)
{
	if (w->suspected_us != 0 && w->now_us - w->suspected_us < SUSPECT_US)
		return;
	w->suspected_us = w->now_us;
	damage_check_tables(w);
}

/*
 * Can the row of a session of mine be as it is?  What matters here is what
 * leads elsewhere, and what only I write.
 */
void
damage_check_row(const struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	const struct session_half *h = &s->half;
	uint32_t nrooms = w->seg.params.nrooms;

	if (atomic_load_explicit(&s->owner, memory_order_relaxed) !=
		w->in->seat + 1 ||
	    s->gen != w->locals[slot].gen || h->state >= SESSION_STATES ||
	    (h->room >= nrooms &&
		(h->room != NONE || h->state == SESSION_JOINED)) ||
	    (h->next_room >= nrooms && h->next_room != NONE) ||
	    (h->state == SESSION_JOINED &&
		(s->name_len == 0 || s->name_len > LIMIT_NAME)))
		damage_found(w, "session");
}
