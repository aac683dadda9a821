/* SPDX-License-Identifier: MIT */
/*
 * The runtime that gcc's thread sanitizer calls.  It checks for no race; it is
 * where the simulation takes hold of the code under test: before each store to
 * the segment and each atomic access, a worker may die or another one may run.
 *
 * A place of the code that a run has seen often is less likely to be died at
 * than one that it sees for the first time: else all deaths would be in the
 * loops that copy.  Copies of more than a word may be left half done.
 */
#include <errno.h>
#include <string.h>

#include "shared/shm/lock.h"
#include "tests/model/sim/hooks.h"
#include "tests/model/sim/sim.h"

#define PLACES 4096
#define NAMED_WEIGHT 4 /* of a death at a fault point */

extern char __executable_start[];

/* How often the run has been at each place. */
static struct {
	uint64_t run;
	uint32_t hits;
} places[PLACES];

void *__real_memcpy(void *dst, const void *src, size_t len);
void *__real_memmove(void *dst, const void *src, size_t len);
void *__real_memset(void *dst, int c, size_t len);

void
points_reset(void)
{
	sim.quantum_left = 1 + random_below(2 * sim.profile.quantum);
	/* Hits of other runs don't count: see place_hits. */
}

static uint32_t
place_hits(const void *pc)
{
	uintptr_t at = (uintptr_t)pc - (uintptr_t)__executable_start;
	size_t i = (at ^ at >> 12) % PLACES;

	if (places[i].run != sim.total.runs) {
		places[i].run = sim.total.runs;
		places[i].hits = 0;
	}
	return ++places[i].hits;
}

static bool
may_die(const struct proc *p)
{
	if (!sim.deaths_on || sim.deaths >= sim.profile.deaths_max ||
	    sim.oracle.count < sim.profile.deaths_from)
		return false;
	return p->serving || sim.recoveries_in_a_row < 5;
}

static void
die_here(struct proc *p)
{
	struct lock_shm *lock = sim.seg.lock;
	bool held = (lock->word & ~LOCK_CONTENDED) == p->seat + 1;

	stores_undo();
	sim.deaths++;
	sim.total.deaths++;
	sim.total.held_deaths += held;
	if (p->serving) {
		sim.recoveries_in_a_row = 0;
	} else {
		sim.recoveries_in_a_row++;
		sim.total.recovery_deaths++;
	}
	TRACE("seat %u dies%s%s", p->seat, held ? " with the lock" : "",
	    p->serving ? "" : " in its takeover");
	proc_die();
}

static void
alternate(void)
{
	if (--sim.quantum_left > 0)
		return;
	sim.quantum_left = 1 + random_below(2 * sim.profile.quantum);
	proc_yield();
}

/* Is this the place to die at? */
static bool
shall_die(const struct proc *p, const void *place, uint32_t weight)
{
	uint32_t rate =
	    p->serving ? sim.profile.death_rate : sim.profile.recovery_rate;

	return may_die(p) &&
	       (uint32_t)random_next() < rate / place_hits(place) * weight;
}

/* A store at `pc` is about to happen, or an atomic load. */
static void
point(const void *pc, bool store)
{
	struct proc *p = sim.current;

	sim.total.points++;
	if (store && shall_die(p, pc, 1)) {
		TRACE("  at %p", (const void *)((const char *)pc -
						(uintptr_t)__executable_start));
		die_here(p);
	}
	alternate();
}

/* A system call is about to have its effect, or has had it. */
void
point_call(void)
{
	struct proc *p = sim.current;

	if (p == NULL)
		return;
	stores_settle();
	sim.total.points++;
	if (may_die(p) && (uint32_t)random_next() < sim.profile.call_rate) {
		TRACE("  at a system call");
		die_here(p);
	}
	alternate();
}

/* A fault point, at which a worker may die as well. */
void
point_named(struct named_point *named)
{
	struct proc *p = sim.current;
	int saved = errno;

	if (p == NULL)
		return;
	sim.total.points++;
	named->met++;
	if (shall_die(p, named, p->serving ? NAMED_WEIGHT : 1)) {
		TRACE("  at %s", named->name);
		named->died++;
		die_here(p);
	}
	alternate();
	errno = saved; /* others may have changed it meanwhile */
}

/* A compiler barrier: see hooks.h.  What lies before it is done by now. */
void
point_barrier(void)
{
	if (sim.current == NULL)
		return;
	point(__builtin_return_address(0), true);
	stores_settle();
}

static bool
is_shared(const volatile void *at)
{
	return (uintptr_t)at - (uintptr_t)sim.seg.base < sim.seg.mapped;
}

static void
on_store(volatile void *at, size_t len, bool release, const void *pc)
{
	if (sim.current == NULL || !is_shared(at))
		return;
	point(pc, true);
	stores_check(at);
	stores_note((char *)(uintptr_t)at, len, release);
}

static void
on_load(const volatile void *at)
{
	if (sim.current != NULL && is_shared(at))
		alternate();
}

/* Bulk stores: a point before, and one in the middle. */

static size_t
split(size_t len)
{
	return len <= 8 ? len : 8 * random_below((unsigned)(len / 8) + 1);
}

void *__wrap_memcpy(void *dst, const void *src, size_t len);
void *__wrap_memmove(void *dst, const void *src, size_t len);
void *__wrap_memset(void *dst, int c, size_t len);

void *
__wrap_memcpy(void *dst, const void *src, size_t len)
{
	const void *pc = __builtin_return_address(0);
	size_t half;

	if (sim.current == NULL || !is_shared(dst) || len == 0)
		return __real_memcpy(dst, src, len);
	half = split(len);
	if (half > 0) {
		on_store(dst, half, false, pc);
		__real_memcpy(dst, src, half);
	}
	if (half < len) {
		on_store((char *)dst + half, len - half, false, pc);
		__real_memcpy(
		    (char *)dst + half, (const char *)src + half, len - half);
	}
	return dst;
}

void *
__wrap_memmove(void *dst, const void *src, size_t len)
{
	if (len > 0)
		on_store(dst, len, false, __builtin_return_address(0));
	return __real_memmove(dst, src, len);
}

void *
__wrap_memset(void *dst, int c, size_t len)
{
	const void *pc = __builtin_return_address(0);
	size_t half;

	if (sim.current == NULL || !is_shared(dst) || len == 0)
		return __real_memset(dst, c, len);
	half = split(len);
	if (half > 0) {
		on_store(dst, half, false, pc);
		__real_memset(dst, c, half);
	}
	if (half < len) {
		on_store((char *)dst + half, len - half, false, pc);
		__real_memset((char *)dst + half, c, len - half);
	}
	return dst;
}

/* Plain accesses. */

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_read_range(const void *at, size_t len);
void __tsan_write_range(void *at, size_t len);
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);

void
__tsan_init(void)
{
}

void
__tsan_func_entry(void *pc UNUSED)
{
}

void
__tsan_func_exit(void)
{
}

void
__tsan_read_range(const void *at, size_t len UNUSED)
{
	on_load(at);
}

void
__tsan_write_range(void *at, size_t len)
{
	on_store(at, len, false, __builtin_return_address(0));
}

void
__tsan_atomic_thread_fence(int order)
{
	if (sim.current == NULL)
		return;
	if (order != __ATOMIC_ACQUIRE)
		stores_settle();
	alternate();
}

void
__tsan_atomic_signal_fence(int order UNUSED)
{
}

#define PLAIN(name)                                                            \
	void __tsan_read##name(void *at);                                      \
	void __tsan_write##name(void *at);                                     \
	void __tsan_read##name(void *at)                                       \
	{                                                                      \
		on_load(at);                                                   \
	}                                                                      \
	void __tsan_write##name(void *at)                                      \
	{                                                                      \
		on_store(at, name, false, __builtin_return_address(0));        \
	}

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)
#define UNALIGNED(name)                                                        \
	void __tsan_unaligned_read##name(void *at);                            \
	void __tsan_unaligned_write##name(void *at);                           \
	void __tsan_unaligned_read##name(void *at)                             \
	{                                                                      \
		on_load(at);                                                   \
	}                                                                      \
	void __tsan_unaligned_write##name(void *at)                            \
	{                                                                      \
		on_store(at, name, false, __builtin_return_address(0));        \
	}
UNALIGNED(2)
UNALIGNED(4)
UNALIGNED(8)
UNALIGNED(16)

/* Atomic accesses: coroutines alternate at points only, so plain will do. */

#define ATOMIC_PROTOTYPES(bits, type)                                          \
	type __tsan_atomic##bits##_load(const volatile type *at, int order);   \
	void __tsan_atomic##bits##_store(                                      \
	    volatile type *at, type value, int order);                         \
	type __tsan_atomic##bits##_exchange(                                   \
	    volatile type *at, type value, int order);                         \
	type __tsan_atomic##bits##_fetch_add(                                  \
	    volatile type *at, type value, int order);                         \
	type __tsan_atomic##bits##_fetch_sub(                                  \
	    volatile type *at, type value, int order);                         \
	type __tsan_atomic##bits##_fetch_or(                                   \
	    volatile type *at, type value, int order);                         \
	type __tsan_atomic##bits##_fetch_and(                                  \
	    volatile type *at, type value, int order);                         \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *at,   \
	    type *expected, type value, int order, int fail_order);            \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile type *at,     \
	    type *expected, type value, int order, int fail_order);

/*
 * What was stored matters to the oracle if it is the ring's head; and what it
 * has taken note of isn't undone any more.
 */
static void
on_stored(const volatile void *at, uint64_t old, uint64_t value)
{
	if (sim.current != NULL && sim.seg.ring != NULL &&
	    (uintptr_t)at == (uintptr_t)&sim.seg.ring->head) {
		stores_settle();
		oracle_commit(old, value);
	}
}

#define ATOMIC_CHANGE(bits, type, name, expression)                            \
	type __tsan_atomic##bits##_##name(                                     \
	    volatile type *at, type value, int order UNUSED)                   \
	{                                                                      \
		type old;                                                      \
                                                                               \
		on_store(at, sizeof(type), true, __builtin_return_address(0)); \
		old = *at;                                                     \
		*at = (type)(expression);                                      \
		stores_settle();                                               \
		return old;                                                    \
	}

#define ATOMIC_SWAP(bits, type, strength)                                      \
	int __tsan_atomic##bits##_compare_exchange_##strength(                 \
	    volatile type *at, type *expected, type value, int order UNUSED,   \
	    int fail_order UNUSED)                                             \
	{                                                                      \
		on_store(at, sizeof(type), true, __builtin_return_address(0)); \
		stores_settle();                                               \
		if (*at != *expected) {                                        \
			*expected = *at;                                       \
			return 0;                                              \
		}                                                              \
		*at = value;                                                   \
		return 1;                                                      \
	}

#define ATOMIC(bits, type)                                                     \
	ATOMIC_PROTOTYPES(bits, type)                                          \
	type __tsan_atomic##bits##_load(                                       \
	    const volatile type *at, int order UNUSED)                         \
	{                                                                      \
		on_load(at);                                                   \
		return *at;                                                    \
	}                                                                      \
	void __tsan_atomic##bits##_store(                                      \
	    volatile type *at, type value, int order UNUSED)                   \
	{                                                                      \
		type old;                                                      \
                                                                               \
		on_store(at, sizeof(type), order != __ATOMIC_RELAXED,          \
		    __builtin_return_address(0));                              \
		old = *at;                                                     \
		*at = value;                                                   \
		on_stored(at, (uint64_t)old, (uint64_t)value);                 \
	}                                                                      \
	ATOMIC_CHANGE(bits, type, exchange, value)                             \
	ATOMIC_CHANGE(bits, type, fetch_add, old + value)                      \
	ATOMIC_CHANGE(bits, type, fetch_sub, old - value)                      \
	ATOMIC_CHANGE(bits, type, fetch_or, old | value)                       \
	ATOMIC_CHANGE(bits, type, fetch_and, old &value)                       \
	ATOMIC_SWAP(bits, type, strong)                                        \
	ATOMIC_SWAP(bits, type, weak)

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)
