/* SPDX-License-Identifier: MIT */
/*
 * Deaths, one after the other, at each fault point that a piece of code passes.
 *
 * A test that uses fault points and is built without them brings its own: see
 * the head of tests/unit/test_journal.c.
 */
#ifndef TESTS_HARNESS_DEATHS_H
#define TESTS_HARNESS_DEATHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void deaths_act(void *context);

/* The `hit`th time that `act` passes the point: 1 is the first. */
struct death {
	const char *point;
	uint32_t hit;
};

/* Get a place for orders, which children share.  Once, at a test's start. */
void deaths_init(void);

/*
 * Run `act` in a child, to its end, and list where it could have died.
 * Returns how many there are, at most `max`.
 */
size_t deaths_find(
    deaths_act *act, void *context, struct death *out, size_t max);

/* Run `act` in a child that is killed there, and reap it. */
void deaths_die(const struct death *death, deaths_act *act, void *context);

#endif
