/* SPDX-License-Identifier: MIT */
/*
 * Workers that are alive and do nothing: each is pinged six times in the
 * watchdog's time, and killed when it leaves five pings in a row unanswered,
 * or when others say at five ticks in a row that they wait for one and the
 * same acquisition of the lock by it.  Then it is reaped and taken over like
 * any other.
 *
 * What counts is ticks at which the master itself was on time, not seconds: a
 * suspended machine is not a frozen worker.
 */
#ifndef MASTER_WATCHDOG_H
#define MASTER_WATCHDOG_H

#include "master/master.h"

/* Begin, unless the options say never. */
void watchdog_begin(struct master *m);

/* A new worker sits in the seat: nothing is held against it. */
void watchdog_forgive(struct seat *seat);

/* A pong has come. */
void watchdog_on_readable(struct master *m, uint32_t seat);

/* Tick, if it is time. */
void watchdog_on_time(struct master *m, uint64_t now_us);
uint64_t watchdog_due_us(const struct master *m);

#endif
