/* SPDX-License-Identifier: MIT */
/* Base 64 (RFC 4648, section 4), with its padding. */
#ifndef SHARED_BASE_BASE64_H
#define SHARED_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that so many bytes become. */
#define BASE64_LEN(bytes) (((bytes) + 2) / 3 * 4)

/* Writes BASE64_LEN(len) characters to dst, without NUL. */
void base64_encode(char *dst, const void *data, size_t len);

/*
 * Are these characters what base64_encode makes of so many bytes?  The bits
 * that no byte uses must be 0.
 */
bool base64_is(const char *text, size_t len, size_t bytes);

#endif
