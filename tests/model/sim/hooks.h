/* SPDX-License-Identifier: MIT */
/* Included before all else where the code under test is compiled. */
#ifndef TESTS_MODEL_SIM_HOOKS_H
#define TESTS_MODEL_SIM_HOOKS_H

#include <stdint.h>

#include "shared/base/base.h"
#include "shared/base/fault.h"

/* Compiler barriers are points of order for the simulation too. */
void point_barrier(void);
#define compiler_barrier() point_barrier()

/* A fault point of the code under test, and what the runs did there. */
struct named_point {
	const char *name;
	uint64_t met, died;
};
void point_named(struct named_point *point);

/* All of them are found through section named_points. */
#undef FAULT_POINT
#define FAULT_POINT(name_)                                                     \
	__extension__({                                                        \
		static struct named_point here_ = {name_, 0, 0};               \
		static struct named_point *ref_                                \
		    __attribute__((section("named_points"), used)) = &here_;   \
		point_named(&here_);                                           \
	})

#endif
