/* SPDX-License-Identifier: MIT */
/* Telnet as its clients speak it. */
#include "tests/harness/telnet.h"

#include "proxy/telnet.h"
#include "tests/harness/test.h"

void
telnet_client(struct telnet_shm *t, const char *says, size_t len,
    const char *expected, size_t expected_len)
{
	char out[2048];
	const char *answers;
	size_t n = telnet_decode(t, says, len, out);

	if (telnet_is_typed(out, n, says, len))
		telnet_open(t);
	n = telnet_answers(t, &answers);
	CHECK_MEM(answers, n, expected, expected_len);
	telnet_answers_sent(t, n);
}
