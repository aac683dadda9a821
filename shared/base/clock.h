/* SPDX-License-Identifier: MIT */
/*
 * The two clocks.  They need no system call (vDSO) and never fail.
 */
#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Time since some moment before the machine started (CLOCK_MONOTONIC): never
 * steps, the same in all processes, for durations and deadlines.
 */
uint64_t clock_us(void);
uint64_t clock_ms(void);

/* Microseconds since 1970, UTC (CLOCK_REALTIME); may step either way. */
uint64_t clock_real_us(void);

/* Bytes that clock_stamp writes, NUL included, until the year 9999. */
#define CLOCK_STAMP_SIZE sizeof("2026-11-23T13:41:46.123Z")

/*
 * Write a moment (microseconds since 1970) as RFC 3339, UTC, milliseconds.
 * Needs no time zone's file.
 */
void clock_stamp(char dst[CLOCK_STAMP_SIZE], uint64_t real_us);

#endif
