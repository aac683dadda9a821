/* SPDX-License-Identifier: MIT */
/* Included before all else where the code under test is compiled. */
#ifndef TESTS_MODEL_SIM_HOOKS_H
#define TESTS_MODEL_SIM_HOOKS_H

#include "shared/base/base.h"

/* Compiler barriers are points of order for the simulation too. */
void point_barrier(void);
#define compiler_barrier() point_barrier()

#endif
