/* SPDX-License-Identifier: MIT */
/*
 * The two clocks.  They need no system call (vDSO) and never fail.
 */
#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

#include <stdint.h>

/*
 * Time since some moment before the machine started (CLOCK_MONOTONIC): never
 * steps, the same in all processes, for durations and deadlines.
 */
uint64_t clock_us(void);
uint64_t clock_ms(void);

/* Microseconds since 1970, UTC (CLOCK_REALTIME); may step either way. */
uint64_t clock_real_us(void);

#endif
