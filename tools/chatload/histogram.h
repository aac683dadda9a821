/* SPDX-License-Identifier: MIT */
/*
 * Counts of durations in buckets that are 1/32 of their value wide, so that
 * a quantile is right to 3 % whatever the range, in constant memory.
 */
#ifndef TOOLS_CHATLOAD_HISTOGRAM_H
#define TOOLS_CHATLOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS (64 * 32)

/* All zero is empty. */
struct histogram {
	uint64_t total;
	uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* The value that a share `q` (0 to 1) does not exceed; 0 when empty. */
double histogram_quantile(const struct histogram *h, double q);

#endif
