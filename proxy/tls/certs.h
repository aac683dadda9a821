/* SPDX-License-Identifier: MIT */
/*
 * Certificates and keys: from the names of files to what OpenSSL needs for a
 * handshake.  A set is loaded as a whole or not at all.
 */
#ifndef PROXY_TLS_CERTS_H
#define PROXY_TLS_CERTS_H

#include <openssl/ssl.h>

#include "shared/base/base.h"

#define CERTS_MAX 16
#define CERTS_PATH 1024
#define CERTS_ERROR_MAX 512

struct certs_list {
	unsigned count;
	char at[CERTS_MAX][CERTS_PATH];
};

/* The same place in each list belongs together; `ocsp` may be shorter. */
struct certs_files {
	struct certs_list cert, key, ocsp;
};

struct certs;

/*
 * Load all of them.  Returns a set that its caller holds, or NULL with a line
 * for a person in err, which names the option and the file.
 */
struct certs *certs_load(
    const struct certs_files *files, char *err, size_t errsize);

/* Sets are counted by their holders: one more, or one less. */
struct certs *certs_hold(struct certs *certs);
void certs_release(struct certs *certs);

/*
 * What a handshake begins with; it may change to another certificate of the
 * set when the client has said which name it wants.
 */
SSL *certs_begin(struct certs *certs, bool web);

/* Encrypt tickets with new keys: who has an older one shakes hands in full. */
void certs_renew_tickets(struct certs *certs);

/* Log each certificate: its names and when it ends. */
void certs_log(const struct certs *certs, const struct certs_files *files);

#endif
