/* SPDX-License-Identifier: MIT */
/* shared/net/suite: one byte says version and cipher. */
#include "shared/net/suite.h"

#include <string.h>

#include "tests/harness/test.h"

TEST(each_suite_is_found_by_its_number_and_has_names)
{
	static const struct {
		uint16_t iana;
		const char *version, *cipher;
	} known[] = {
	    {0x1301, "TLSv1.3", "TLS_AES_128_GCM_SHA256"},
	    {0x1303, "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"},
	    {0xc02b, "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
	    {0xc030, "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
	};

	for (size_t i = 0; i < COUNT(known); i++) {
		enum suite suite = suite_of(known[i].iana);

		CHECK_STR(suite_version((uint8_t)suite), known[i].version);
		CHECK_STR(suite_cipher((uint8_t)suite), known[i].cipher);
	}
	for (unsigned i = 1; i < SUITES; i++)
		CHECK(suite_cipher((uint8_t)i) != NULL);
}

TEST(what_is_no_suite_has_no_name)
{
	CHECK_EQ(suite_of(0), SUITE_NONE);
	CHECK_EQ(suite_of(0x002f), SUITE_NONE); /* with CBC */
	CHECK(suite_version(SUITE_NONE) == NULL);
	CHECK(suite_cipher(SUITES) == NULL);
	CHECK(suite_version(255) == NULL);
}
