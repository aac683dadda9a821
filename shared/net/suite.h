/* SPDX-License-Identifier: MIT */
/*
 * The TLS cipher suites there are, as one byte: what the log and shmdump say
 * of a connection.  A suite belongs to one version, so it tells that as well.
 */
#ifndef SHARED_NET_SUITE_H
#define SHARED_NET_SUITE_H

#include <stdint.h>

/* Only suites with ECDHE and AEAD: RFC 8446 B.4, RFC 5289, RFC 7905. */
enum suite {
	SUITE_NONE, /* no TLS */
	SUITE_13_AES_128_GCM,
	SUITE_13_AES_256_GCM,
	SUITE_13_CHACHA20,
	SUITE_12_ECDSA_AES_128_GCM,
	SUITE_12_ECDSA_AES_256_GCM,
	SUITE_12_ECDSA_CHACHA20,
	SUITE_12_RSA_AES_128_GCM,
	SUITE_12_RSA_AES_256_GCM,
	SUITE_12_RSA_CHACHA20,
	SUITES,
};

/* By its number in IANA's registry, or SUITE_NONE. */
enum suite suite_of(uint16_t iana);

/* "TLSv1.2" or "TLSv1.3"; NULL for what is no suite. */
const char *suite_version(uint8_t suite);

/* "TLS_AES_128_GCM_SHA256", as IANA has it; NULL for what is no suite. */
const char *suite_cipher(uint8_t suite);

#endif
