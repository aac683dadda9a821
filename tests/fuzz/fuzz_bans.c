/* SPDX-License-Identifier: MIT */
/*
 * shared/base/cidr and duration: what operators write behind /ban.  What is
 * taken reads the same again, and holds itself.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "shared/base/cidr.h"
#include "shared/base/duration.h"

#define INPUT_MAX 256

static void
check_cidr(const char *text, size_t len)
{
	char again[CIDR_TEXT_MAX];
	struct cidr one, other;

	memset(&one, 0xa5, sizeof(one));
	memset(&other, 0x5a, sizeof(other));
	if (!cidr_parse(text, len, &one))
		return;
	MUST(one.prefix <= 8 * ADDRESS_BYTES);
	for (unsigned bit = one.prefix; bit < 8 * ADDRESS_BYTES; bit++)
		MUST((one.addr[bit / 8] >> (7 - bit % 8) & 1) == 0);
	MUST(cidr_holds(&one, one.addr));
	MUST(cidr_text(&one, again) == again);
	MUST(strnlen(again, sizeof(again)) < sizeof(again));
	MUST(cidr_parse(again, strlen(again), &other));
	MUST(memcmp(&one, &other, sizeof(one)) == 0);
	if (one.prefix > 0) {
		other.addr[0] ^= 0x80;
		MUST(!cidr_holds(&one, other.addr));
	}
}

static void
check_duration(const char *text, size_t len)
{
	uint64_t seconds = 0, same = 0;
	char again[32];
	int n;

	if (!duration_parse(text, len, &seconds))
		return;
	MUST(seconds >= 1 && seconds <= DURATION_MAX_S);
	MUST(
	    len > 0 && text[0] >= '0' && text[0] <= '9' && text[len - 1] > '9');
	n = snprintf(
	    again, sizeof(again), "%llus", (unsigned long long)seconds);
	MUST(duration_parse(again, (size_t)n, &same) && same == seconds);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size > INPUT_MAX)
		return 0;
	text = malloc(size + (size == 0)); /* of exactly its size */
	MUST(text != NULL);
	memcpy(text, data, size);
	check_cidr(text, size);
	check_duration(text, size);
	free(text);
	return 0;
}
