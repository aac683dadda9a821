/* SPDX-License-Identifier: MIT */
/* See cidr.h. */
#include "shared/base/cidr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define MAPPED_BITS 96 /* in front of an IPv4 address */

/* Zeros behind the prefix. */
static void
mask(struct cidr *c)
{
	for (unsigned i = 0; i < ADDRESS_BYTES; i++) {
		unsigned from = i * 8;

		if (from >= c->prefix)
			c->addr[i] = 0;
		else if (from + 8 > c->prefix)
			c->addr[i] &= (uint8_t)(0xff << (from + 8 - c->prefix));
	}
}

static bool
parse_bits(const char *text, size_t len, unsigned most, unsigned *bits)
{
	*bits = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || i > 2)
			return false;
		*bits = *bits * 10 + (unsigned)(text[i] - '0');
	}
	return len > 0 && *bits <= most;
}

bool
cidr_parse(const char *text, size_t len, struct cidr *out)
{
	const char *slash = memchr(text, '/', len);
	size_t n = slash != NULL ? (size_t)(slash - text) : len;
	char address[INET6_ADDRSTRLEN];
	unsigned bits;

	memset(out, 0, sizeof(*out));
	if (n == 0 || n >= sizeof(address) || memchr(text, '\0', n) != NULL)
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	if (inet_pton(AF_INET, address, out->addr + 12) == 1) {
		out->addr[10] = out->addr[11] = 0xff;
		bits = 32;
		if (slash != NULL &&
		    !parse_bits(slash + 1, len - n - 1, 32, &bits))
			return false;
		bits += MAPPED_BITS;
	} else if (inet_pton(AF_INET6, address, out->addr) == 1) {
		bits = 64;
		if (slash != NULL &&
		    !parse_bits(slash + 1, len - n - 1, 128, &bits))
			return false;
	} else {
		return false;
	}
	out->prefix = (uint8_t)bits;
	mask(out);
	return true;
}

bool
cidr_holds(const struct cidr *cidr, const uint8_t addr[ADDRESS_BYTES])
{
	struct cidr other = {.prefix = cidr->prefix};

	memcpy(other.addr, addr, ADDRESS_BYTES);
	mask(&other);
	return memcmp(other.addr, cidr->addr, ADDRESS_BYTES) == 0;
}

const char *
cidr_text(const struct cidr *cidr, char text[CIDR_TEXT_MAX])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool ipv4 = cidr->prefix >= MAPPED_BITS &&
		    memcmp(cidr->addr, mapped, sizeof(mapped)) == 0;
	unsigned bits = cidr->prefix - (ipv4 ? MAPPED_BITS : 0);
	char address[INET6_ADDRSTRLEN] = "?";

	if (ipv4)
		inet_ntop(AF_INET, cidr->addr + 12, address, sizeof(address));
	else
		inet_ntop(AF_INET6, cidr->addr, address, sizeof(address));
	if (ipv4 && bits == 32)
		snprintf(text, CIDR_TEXT_MAX, "%s", address);
	else
		snprintf(text, CIDR_TEXT_MAX, "%s/%u", address, bits);
	return text;
}
