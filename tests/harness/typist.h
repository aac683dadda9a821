/* SPDX-License-Identifier: MIT */
/*
 * What keys make of a line, as simple as can be; told bytes as a telnet client
 * sends them, its commands among them, cut anywhere.  ASCII.
 */
#ifndef TESTS_HARNESS_TYPIST_H
#define TESTS_HARNESS_TYPIST_H

#include <stdbool.h>
#include <stddef.h>

#define TYPIST_MAX 1024

struct typist {
	char text[TYPIST_MAX], killed[TYPIST_MAX];
	size_t len, cursor, killed_len;
	size_t lines; /* finished */
	unsigned state;
	bool after_cr;
};

void typist_init(struct typist *t);
void typist_keys(struct typist *t, const char *keys, size_t len);

#endif
