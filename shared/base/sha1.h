/* SPDX-License-Identifier: MIT */
/*
 * SHA-1 (RFC 3174), for the one place where a protocol asks for it: the
 * WebSocket handshake.  It keeps no secret.
 */
#ifndef SHARED_BASE_SHA1_H
#define SHARED_BASE_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define SHA1_BYTES 20

void sha1(const void *data, size_t len, uint8_t digest[SHA1_BYTES]);

#endif
