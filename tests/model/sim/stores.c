/* SPDX-License-Identifier: MIT */
/*
 * Stores to the segment: who may make them, and which of them a death undoes.
 *
 * Between two barriers a compiler may put the stores of a worker in another
 * order, so a death leaves any of them done and any undone, but for those that
 * a release store comes after: if that is done, they are.  What another worker
 * may have seen is done in any case.  A copy may be done in part.
 */
#include <string.h>

#include "shared/shm/lock.h"
#include "tests/model/sim/sim.h"

#define LOGGED 256
#define LOGGED_BYTES 32768

/* The running worker's stores since the last barrier; only it has any. */
static struct {
	struct {
		char *at;
		uint32_t len, old; /* what was there: offset in `bytes` */
		bool release;
	} entries[LOGGED];
	int count;
	char bytes[LOGGED_BYTES];
	uint32_t used;
} stores;

void *__real_memcpy(void *dst, const void *src, size_t len);

void
stores_settle(void)
{
	stores.count = 0;
	stores.used = 0;
}

/* A store of `len` bytes is about to be made. */
void
stores_note(void *at, size_t len, bool release)
{
	int i;

	if (!sim.profile.reorders)
		stores_settle(); /* only what comes last may be torn */
	if (stores.count == LOGGED || stores.used + len > LOGGED_BYTES)
		stores_settle();
	if (len > LOGGED_BYTES)
		return;
	i = stores.count++;
	stores.entries[i].at = at;
	stores.entries[i].len = (uint32_t)len;
	stores.entries[i].old = stores.used;
	stores.entries[i].release = release;
	__real_memcpy(stores.bytes + stores.used, at, len);
	stores.used += (uint32_t)len;
}

/* Was the word stored again later on, by a store that is done? */
static bool
is_overwritten(int i, const char *at, const bool *done)
{
	for (int k = i + 1; k < stores.count; k++)
		if (done[k] && stores.entries[k].at < at + 8 &&
		    at < stores.entries[k].at + stores.entries[k].len)
			return true;
	return false;
}

static void
undo(int i, const bool *done)
{
	size_t len = stores.entries[i].len;
	char *to = stores.entries[i].at;
	bool all = len <= 8 || random_percent(30);

	for (size_t at = 0; at < len; at += 8) {
		if ((!all && random_percent(50)) ||
		    is_overwritten(i, to + at, done))
			continue;
		__real_memcpy(to + at,
		    stores.bytes + stores.entries[i].old + at,
		    MIN(len - at, (size_t)8));
	}
}

/* The worker dies: undo some of its stores. */
void
stores_undo(void)
{
	bool done[LOGGED], must = false;

	if (stores.count == 0 || random_percent(30))
		return;
	for (int i = stores.count; i-- > 0;) {
		done[i] = must || random_percent(50) ||
			  (!sim.profile.reorders && stores.entries[i].len <= 8);
		must |= done[i] && stores.entries[i].release;
		if (!done[i])
			undo(i, done);
	}
	sim.total.torn_deaths++;
	stores_settle();
}

/* Who may write what: see segment.h. */

static void
forbid(const char *what)
{
	fail("seat %u writes to %s that is not its own", sim.current->seat,
	    what);
}

static void
need_lock(const char *what)
{
	uint32_t word = sim.seg.lock->word & ~LOCK_CONTENDED;

	if (word != sim.current->seat + 1)
		fail("seat %u writes to %s without the lock", sim.current->seat,
		    what);
}

static bool
is_in(size_t at, size_t from, size_t to)
{
	return at >= from && at < to;
}

static void
check_seat(size_t at)
{
	uint32_t seat = (uint32_t)(at / sim.seg.layout.seat_stride);

	at %= sim.seg.layout.seat_stride;
	if (seat != sim.current->seat &&
	    at != offsetof(struct seat_shm, sleeping) &&
	    at != offsetof(struct seat_shm, attention))
		forbid("a seat");
}

/* The owner's half is the owner's, or the lock's half is the lock's. */
static void
check_session(size_t at)
{
	uint32_t slot = (uint32_t)(at / sizeof(struct session_shm));
	uint32_t owner = sim.seg.sessions[slot].owner;

	at %= sizeof(struct session_shm);
	if (at < offsetof(struct session_shm, owner))
		need_lock("a session's name");
	else if (owner != 0 && (owner & ~OWNER_MOVING) != sim.current->seat + 1)
		forbid("a session");
}

static void
check_tables(size_t at)
{
	if (at < offsetof(struct tables_shm, repairs))
		need_lock("the tables");
}

void
stores_check(const volatile void *address)
{
	const struct segment_layout *l = &sim.seg.layout;
	size_t at = (size_t)((const volatile char *)address - sim.seg.base);
	uint32_t seat = sim.current->seat;

	if (at < l->lock)
		fail("seat %u writes to the header", seat);
	if (is_in(at, l->tables, l->ring))
		check_tables(at - l->tables);
	else if (is_in(at, l->ring, l->seats))
		need_lock("the ring's heads");
	else if (is_in(at, l->seats, l->input))
		check_seat(at - l->seats);
	else if (is_in(at, l->input, l->sessions)) {
		if ((at - l->input) / l->input_stride != seat)
			forbid("a read buffer");
	} else if (is_in(at, l->sessions, l->members))
		check_session(at - l->sessions);
	else if (is_in(at, l->members, l->bufctl))
		need_lock("the tables");
	else if (is_in(at, l->staging, l->desc)) {
		if ((at - l->staging) / l->staging_stride != seat)
			forbid("a staging area");
	} else if (at >= l->desc)
		need_lock("the ring");
}
