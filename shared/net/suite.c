/* SPDX-License-Identifier: MIT */
/* See suite.h. */
#include "shared/net/suite.h"

#include <stddef.h>

static const struct {
	uint16_t iana;
	const char *version, *name;
} suites[SUITES] = {
    [SUITE_13_AES_128_GCM] = {0x1301, "TLSv1.3", "TLS_AES_128_GCM_SHA256"},
    [SUITE_13_AES_256_GCM] = {0x1302, "TLSv1.3", "TLS_AES_256_GCM_SHA384"},
    [SUITE_13_CHACHA20] = {0x1303, "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"},
    [SUITE_12_ECDSA_AES_128_GCM] = {0xc02b, "TLSv1.2",
	"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
    [SUITE_12_ECDSA_AES_256_GCM] = {0xc02c, "TLSv1.2",
	"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
    [SUITE_12_ECDSA_CHACHA20] = {0xcca9, "TLSv1.2",
	"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"},
    [SUITE_12_RSA_AES_128_GCM] = {0xc02f, "TLSv1.2",
	"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    [SUITE_12_RSA_AES_256_GCM] = {0xc030, "TLSv1.2",
	"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
    [SUITE_12_RSA_CHACHA20] = {0xcca8, "TLSv1.2",
	"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"},
};

enum suite
suite_of(uint16_t iana)
{
	for (unsigned i = SUITE_NONE + 1; i < SUITES; i++)
		if (suites[i].iana == iana)
			return (enum suite)i;
	return SUITE_NONE;
}

const char *
suite_version(uint8_t suite)
{
	return suite < SUITES ? suites[suite].version : NULL;
}

const char *
suite_cipher(uint8_t suite)
{
	return suite < SUITES ? suites[suite].name : NULL;
}
