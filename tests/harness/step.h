/* SPDX-License-Identifier: MIT */
/* A death between any two machine instructions of a piece of code. */
#ifndef TESTS_HARNESS_STEP_H
#define TESTS_HARNESS_STEP_H

#include <stdint.h>

/*
 * Run `act` in a child, one machine instruction at a time, and call `between`
 * here between each two of them: what is in shared memory then is what `act`
 * leaves when it is killed there.  Returns how many there were; 0 where no
 * child may be traced.  20 us each, or so.
 */
uint64_t step_through(
    void (*act)(void *context), void (*between)(void *context), void *context);

#endif
