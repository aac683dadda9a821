/* SPDX-License-Identifier: MIT */
/*
 * A whole worker for tests, the only one of its segment, in this process, with
 * clients who are a socket pair each.  All of it CHECKs, and goes with the
 * process.
 */
#ifndef TESTS_HARNESS_WORKER_H
#define TESTS_HARNESS_WORKER_H

#include "tests/harness/segment.h"
#include "worker/worker.h"

struct test_worker {
	struct worker w;
	struct inherit in;
	struct settings settings;
	struct slot slots[TEST_SLOTS];
	int bell, master;
	int clients[TEST_SLOTS]; /* their ends; 0: none */
	uint32_t gens[TEST_SLOTS];
};

/* A worker with a segment of its own: of `params` with one seat. */
void test_worker(struct test_worker *t, const struct segment_params *params);

/* Connect a client in `slot`, by the line protocol, and let it join. */
void test_worker_join(
    struct test_worker *t, uint32_t slot, const char *room, const char *name);

/* It says these lines, or closes: what follows of that has come to pass. */
void test_worker_say(struct test_worker *t, uint32_t slot, const char *lines);
void test_worker_close(struct test_worker *t, uint32_t slot);

#endif
