/* SPDX-License-Identifier: MIT */
/*
 * Buckets: values below 32 have one each; above, the number of the highest
 * bit and the five bits behind it choose.
 */
#include "tools/chatload/histogram.h"

static unsigned int
bucket_of(uint64_t value)
{
	unsigned int shift;

	if (value < 32)
		return (unsigned int)value;
	shift = 63 - (unsigned int)__builtin_clzll(value) - 5;
	return shift * 32 + (unsigned int)(value >> shift);
}

static double
middle_of(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < 32)
		return bucket;
	shift = bucket / 32 - 1;
	return (double)(UINT64_C(1) << shift) * (bucket - shift * 32 + 0.5);
}

void
histogram_add(struct histogram *h, uint64_t value)
{
	h->counts[bucket_of(value)]++;
	h->total++;
}

double
histogram_quantile(const struct histogram *h, double q)
{
	double rank = q * (double)h->total;
	uint64_t seen = 0;

	if (h->total == 0)
		return 0;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen > 0 && (double)seen >= rank)
			return middle_of(i);
	}
	return 0;
}
