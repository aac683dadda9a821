/* SPDX-License-Identifier: MIT */
/*
 * Addresses with a prefix: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32 (RFC 4632,
 * section 3.1; RFC 4291, section 2.3).
 */
#ifndef SHARED_BASE_CIDR_H
#define SHARED_BASE_CIDR_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/address.h"

#define CIDR_TEXT_MAX 64 /* of cidr_text, NUL included */

struct cidr {
	uint8_t addr[ADDRESS_BYTES]; /* zeros behind the prefix */
	uint8_t prefix;              /* bits; IPv4's begin at 96 */
};

/*
 * Read one.  Without a prefix an IPv4 address is itself alone, and an IPv6
 * address the /64 that it lies in, as in budgets.  Returns whether that is
 * one; bits behind the prefix are not looked at.  Pure.
 */
bool cidr_parse(const char *text, size_t len, struct cidr *out);

bool cidr_holds(const struct cidr *cidr, const uint8_t addr[ADDRESS_BYTES]);

/* As it is written; returns `text`. */
const char *cidr_text(const struct cidr *cidr, char text[CIDR_TEXT_MAX]);

#endif
