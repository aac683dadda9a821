/* SPDX-License-Identifier: MIT */
/*
 * Fault points as points.c and places.c know them: by their row in the file of
 * faults, and by the kind of process that comes by.
 */
#ifndef TESTS_TORTURE_POINTS_H
#define TESTS_TORTURE_POINTS_H

#include "tests/torture/torture.h"

#include "shared/base/fault.h"

uint32_t points_count(void);
const char *point_name(uint32_t i);
bool point_is_worker(uint32_t i); /* is it a worker that comes by there? */
bool point_is_repair(uint32_t i); /* and only after a death? */

/* By that kind, KIND_ANY: by the master. */
uint64_t point_hits(uint32_t i, enum kind kind);

/* By orders for that kind, KIND_ANY: for whoever comes by. */
unsigned point_kills(uint32_t i, enum kind kind);

/* Are there workers of that kind? */
bool kind_serves(unsigned kind);

/* Arm it for its next hit, for good; returns whom to kill to get there. */
enum kind place_visit(uint32_t i, enum kind kind);

#endif
