/* SPDX-License-Identifier: MIT */
/* In a build without fault points, all deaths are at random. */
#include "tests/torture/torture.h"

#ifndef FAULTS

bool
points_open(void)
{
	return true;
}

void
points_close(void)
{
}

void
points_measure(uint64_t now)
{
	(void)now;
}

void
points_patience(uint64_t until_us)
{
	(void)until_us;
}

enum kind
points_arm(bool repair)
{
	(void)repair;
	return KIND_ANY;
}

void
points_arm_given(void)
{
}

void
points_delay(void)
{
}

bool
points_armed(void)
{
	return false;
}

bool
points_fired(void)
{
	return false;
}

bool
points_disarm(uint64_t now)
{
	(void)now;
	return false;
}

bool
places_done(void)
{
	return true;
}

enum kind
places_arm(void)
{
	return KIND_NOBODY;
}

void
places_check(void)
{
}

void
places_table(void)
{
}

#endif
