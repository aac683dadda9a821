/* SPDX-License-Identifier: MIT */
/*
 * The fault points of the code under test: which of them were met, and died
 * at.  One that never is shows what the scripts lack.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/model/sim/hooks.h"
#include "tests/model/sim/sim.h"

/* The linker's names for the ends of section named_points. */
extern struct named_point *__start_named_points[];
extern struct named_point *__stop_named_points[];

static unsigned
count(void)
{
	unsigned n = 0;

	for (struct named_point **p = __start_named_points;
	     p < __stop_named_points && n < NAMED_MAX; p++)
		n++;
	return n;
}

/* Put what this process saw into its counts. */
void
named_collect(struct counts *c)
{
	for (unsigned i = 0; i < count(); i++) {
		c->named[i].met = __start_named_points[i]->met;
		c->named[i].died = __start_named_points[i]->died;
	}
}

void
named_report(const struct counts *c)
{
	const char *separator = ": ";
	unsigned died = 0;

	for (unsigned i = 0; i < count(); i++)
		died += c->named[i].died > 0;
	printf("died at %u of %u fault points", died, count());
	for (unsigned i = 0; i < count(); i++) {
		if (c->named[i].died > 0)
			continue;
		printf("%s%s%s", separator,
		    c->named[i].met > 0 ? "only met " : "never met ",
		    __start_named_points[i]->name);
		separator = ", ";
	}
	printf("\n");
}
