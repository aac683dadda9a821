/* SPDX-License-Identifier: MIT */
/*
 * Compiler helpers: what C11 and gcc or clang give, under one name each.
 * Includes what C11 itself brings and no more.
 */
#ifndef SHARED_BASE_BASE_H
#define SHARED_BASE_BASE_H

#include <assert.h> /* static_assert */
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#undef MIN /* sys/param.h has its own, which evaluate twice */
#undef MAX

/* What two processes write to lies at least this far apart (bytes). */
#define CACHELINE 64

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
/* A name that no other macro use has, so that nested uses don't shadow. */
#define UNIQUE(stem) PASTE(stem, __COUNTER__)

/* Elements of an array; a pointer instead of an array does not compile. */
#define COUNT(array)                                                           \
	(sizeof(array) / sizeof((array)[0]) + 0 * sizeof(struct {              \
		int not_an_array : 1 -                                         \
		    2 * __builtin_types_compatible_p(                          \
			    __typeof__(array), __typeof__(&(array)[0]));       \
	}))

/*
 * The smaller, the larger of two values of the same type: the compiler warns
 * when the types differ.  Each argument is evaluated once.  Not for constant
 * expressions.
 */
#define MIN(a, b) PICK_(<, a, b, UNIQUE(pick_a_), UNIQUE(pick_b_))
#define MAX(a, b) PICK_(>, a, b, UNIQUE(pick_a_), UNIQUE(pick_b_))
#define PICK_(op, a, b, x, y)                                                  \
	__extension__({                                                        \
		__typeof__(a) x = (a);                                         \
		__typeof__(b) y = (b);                                         \
		(void)(&x == &y);                                              \
		x op y ? x : y;                                                \
	})

/* Argument n is a printf format, its values begin at m (0: a va_list). */
#define PRINTF_LIKE(n, m) __attribute__((format(printf, n, m)))

#define UNUSED __attribute__((unused))

/*
 * The compiler moves no memory access across this.  The processor may: enough
 * between processes only if the second one starts after the first has been
 * reaped.
 */
static inline void
compiler_barrier(void)
{
	__asm__ __volatile__("" ::: "memory");
}

#endif
