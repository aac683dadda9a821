/* SPDX-License-Identifier: MIT */
/* The loop of the harness, and all that a run proves: see run.c. */
#ifndef TESTS_TORTURE_RUN_H
#define TESTS_TORTURE_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

extern int run_epoll;
extern uint64_t run_late_us; /* when this process last was kept waiting */
extern volatile sig_atomic_t run_interrupted; /* it is to end early */

/* With a server that has just started; ends with its clean stop. */
void run_all(void);

#endif
