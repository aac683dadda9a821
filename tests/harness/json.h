/* SPDX-License-Identifier: MIT */
/*
 * JSON as the server writes it, looked at strictly: no white space, strings,
 * whole numbers and `true`, keys in the order that docs/protocol.md has.
 */
#ifndef TESTS_HARNESS_JSON_H
#define TESTS_HARNESS_JSON_H

#include <stddef.h>
#include <stdint.h>

#define JSON_NONE UINT32_MAX

/*
 * The character of a string that begins at *at, which is moved behind it; or
 * JSON_NONE if there is none that is allowed there, as a bare quote isn't.
 */
uint32_t json_char(const char **at, const char *end);

/* What is behind the object that begins at `at`; NULL if none does. */
const char *json_object(const char *at, const char *end);

#endif
