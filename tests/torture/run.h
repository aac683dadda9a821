/* SPDX-License-Identifier: MIT */
/* The loop of the harness: see main.c. */
#ifndef TESTS_TORTURE_RUN_H
#define TESTS_TORTURE_RUN_H

#include <stdbool.h>
#include <stdint.h>

extern int run_epoll;
extern uint64_t run_late_us; /* when this process last was kept waiting */

#endif
