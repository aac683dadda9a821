/* SPDX-License-Identifier: MIT */
/* Requests of HTTP for tests. */
#include "tests/harness/request.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness/test.h"

unsigned
request_parse(const char *head, size_t len, struct http_request *r)
{
	static char *block;

	free(block);
	block = malloc(len + (len == 0));
	CHECK(block != NULL);
	memcpy(block, head, len);
	return http_parse(block, len, r);
}

void
request_check_statuses(const struct status_case *cases, size_t count)
{
	struct http_request r;

	for (size_t i = 0; i < count; i++) {
		unsigned status =
		    request_parse(cases[i].head, cases[i].len, &r);

		if (status != cases[i].status)
			test_fail(__FILE__, __LINE__, "%u, not %u: %s", status,
			    cases[i].status, cases[i].head);
	}
}
void
request_check_field(struct http_field f, const char *expected)
{
	if (expected == NULL)
		CHECK(f.at == NULL);
	else
		CHECK_MEM(f.at, f.len, expected, strlen(expected));
}
