/* SPDX-License-Identifier: MIT */
#include "shared/base/address.h"

#include <string.h>

#define PREFIX_BYTES 8 /* of an IPv6 address: a /64 */

static bool
address_is_ipv4(const uint8_t addr[ADDRESS_BYTES])
{
	static const uint8_t mapped[] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

void
address_budget_key(
    uint8_t key[ADDRESS_BYTES], const uint8_t addr[ADDRESS_BYTES])
{
	memmove(key, addr, ADDRESS_BYTES);
	if (!address_is_ipv4(key))
		memset(key + PREFIX_BYTES, 0, ADDRESS_BYTES - PREFIX_BYTES);
}

bool
address_same_budget(
    const uint8_t a[ADDRESS_BYTES], const uint8_t b[ADDRESS_BYTES])
{
	uint8_t key_a[ADDRESS_BYTES], key_b[ADDRESS_BYTES];

	address_budget_key(key_a, a);
	address_budget_key(key_b, b);
	return memcmp(key_a, key_b, ADDRESS_BYTES) == 0;
}
