/* SPDX-License-Identifier: MIT */
/* Chance, drawn from the seed. */
#include "tests/torture/torture.h"

static uint64_t chance_state;

void
chance_begin(uint64_t seed)
{
	chance_state = seed;
}

uint64_t
chance_next(void)
{
	uint64_t x = chance_state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint32_t
chance_below(uint32_t n)
{
	return n == 0 ? 0 : (uint32_t)((chance_next() >> 32) * n >> 32);
}

bool
chance_of(unsigned percent)
{
	return chance_below(100) < percent;
}

uint64_t
chance_wait_us(uint64_t mean_us)
{
	uint64_t wait = mean_us / 4;

	/* Geometric in steps of a quarter. */
	for (int i = 0; i < 31 && !chance_of(22); i++)
		wait += mean_us / 4;
	return wait - chance_below((uint32_t)(mean_us / 4 + 1));
}
