/* SPDX-License-Identifier: MIT */
/*
 * shared/chat/skeleton and script: two names, divided by the first NUL.  What
 * is equal is alike, what is alike has one hash, and none of it depends on the
 * order.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "shared/chat/limits.h"
#include "shared/chat/mark.h"
#include "shared/chat/name.h"
#include "shared/chat/script.h"
#include "shared/chat/skeleton.h"

#define INPUT_MAX 256

static const uint8_t key[HASH_KEY_BYTES] = "a key for names";

/* In a block of exactly its size. */
static void
make(struct skeleton *s, const char *name, size_t len)
{
	char *copy = malloc(len + (len == 0));

	MUST(copy != NULL);
	memcpy(copy, name, len);
	skeleton_make(s, copy, len);
	(void)script_mixed(copy, len);
	(void)name_fault(copy, len);
	free(copy);
	MUST(s->len <= SKELETON_MAX);
	MUST(len > LIMIT_NAME || s->len <= 2 * len);
	MUST(skeleton_alike(s, s) && skeleton_akin(s, s));
}

static void
check_pair(const char *one, size_t one_len, const char *other, size_t other_len)
{
	struct skeleton a, b;
	bool alike;

	make(&a, one, one_len);
	make(&b, other, other_len);
	alike = skeleton_alike(&a, &b);
	MUST(alike == skeleton_alike(&b, &a));
	MUST(skeleton_akin(&a, &b) == skeleton_akin(&b, &a));
	MUST(!name_equal(one, one_len, other, other_len) || alike);
	MUST(!alike || skeleton_akin(&a, &b));
	MUST(!skeleton_akin(&a, &b) ||
	     skeleton_hash(key, &a) == skeleton_hash(key, &b));
}

/* The same name with the case of some ASCII letters changed. */
static void
check_case(const char *name, size_t len)
{
	char other[INPUT_MAX] = {0};

	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		other[i] =
		    letter && (i * 7 + len) % 3 != 0 ? (char)(c ^ 32) : c;
	}
	MUST(name_equal(name, len, other, len));
	check_pair(name, len, other, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	const char *end;
	size_t len;

	if (size > INPUT_MAX)
		return 0;
	check_case(s, size);
	end = size > 0 ? memchr(s, '\0', size) : NULL;
	if (end == NULL)
		return 0;
	len = (size_t)(end - s);
	check_pair(s, len, end + 1, size - len - 1);
	return 0;
}
