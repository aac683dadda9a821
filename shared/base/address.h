/* SPDX-License-Identifier: MIT */
/*
 * Network addresses as bytes: 16 of them, IPv6, or IPv4 mapped into it
 * (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2).
 */
#ifndef SHARED_BASE_ADDRESS_H
#define SHARED_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_BYTES 16

/*
 * Whose budget an address counts against: an IPv4 address is its own, an IPv6
 * address counts as the /64 that it lies in, since the rest is for its owner
 * to choose (RFC 4291 section 2.5.1).  Writes the bytes to compare by.  Pure;
 * `key` may be `addr`.
 */
void address_budget_key(
    uint8_t key[ADDRESS_BYTES], const uint8_t addr[ADDRESS_BYTES]);

/* Do two addresses count against one budget?  Pure. */
bool address_same_budget(
    const uint8_t a[ADDRESS_BYTES], const uint8_t b[ADDRESS_BYTES]);

#endif
