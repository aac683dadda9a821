/* SPDX-License-Identifier: MIT */
/*
 * One SSL_CTX a certificate, all with the same settings.  A handshake begins
 * with the first; when the client has named the host it wants, it goes on with
 * the first whose certificate is for that name.  See certs.h.
 */
#include "proxy/tls/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/tls/files.h"
#include "shared/base/log.h"

#define TICKET_KEYS 80 /* bytes: a name and two keys */

/* TLS 1.2; ECDSA first, as it is the faster one. */
#define CIPHERS                                                                \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"           \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"           \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_13                                                              \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                       \
	"TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

/* Resumed sessions belong to us and nobody else. */
static const unsigned char session_id[] = "chatmaster";

/* What a connection of the web listener is marked with. */
static char web_mark;

struct cert {
	SSL_CTX *ctx;
	struct file ocsp; /* what is stapled; no bytes: nothing is */
};

struct certs {
	unsigned refs;
	unsigned count;
	struct cert at[CERTS_MAX];
};

/* The protocols that a client offers, RFC 7301: is `name` among them? */
static bool
alpn_offers(const unsigned char *in, unsigned len, const char *name)
{
	size_t n = strlen(name);

	for (unsigned at = 0; at < len; at += 1 + in[at])
		if (in[at] == n && at + 1 + n <= len &&
		    memcmp(in + at + 1, name, n) == 0)
			return true;
	return false;
}

/*
 * The web listener speaks http/1.1.  The others speak nothing that has a name
 * there, and no browser that was sent to them has any business here.
 */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned len, void *arg)
{
	static const unsigned char http[] = "http/1.1";
	bool web = SSL_get_app_data(ssl) != NULL;

	(void)arg;
	if (!web)
		return alpn_offers(in, len, "http/1.1") ||
			       alpn_offers(in, len, "h2")
			   ? SSL_TLSEXT_ERR_ALERT_FATAL
			   : SSL_TLSEXT_ERR_NOACK;
	if (!alpn_offers(in, len, "http/1.1"))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = http;
	*outlen = sizeof(http) - 1;
	return SSL_TLSEXT_ERR_OK;
}

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct certs *certs = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	for (unsigned i = 0; i < certs->count; i++) {
		SSL_CTX *ctx = certs->at[i].ctx;

		if (X509_check_host(
			SSL_CTX_get0_certificate(ctx), name, 0, 0, NULL) != 1)
			continue;
		if (i > 0)
			SSL_set_SSL_CTX(ssl, ctx);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

/* The client asks for a stapled response. */
static int
on_status(SSL *ssl, void *arg)
{
	const struct certs *certs = arg;
	const struct file *ocsp = NULL;
	unsigned char *copy;

	for (unsigned i = 0; i < certs->count; i++)
		if (certs->at[i].ctx == SSL_get_SSL_CTX(ssl))
			ocsp = &certs->at[i].ocsp;
	if (ocsp == NULL || ocsp->len == 0)
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(ocsp->bytes, ocsp->len);
	if (copy == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (int)ocsp->len);
	return SSL_TLSEXT_ERR_OK;
}

/* A key with a passphrase is of no use: nobody is there to type it. */
static int
on_passphrase(char *buf, int size, int rwflag, void *arg)
{
	bool *asked = arg;

	(void)buf;
	(void)size;
	(void)rwflag;
	*asked = true;
	return -1;
}

/* Returns NULL only when memory is short. */
static SSL_CTX *
certs_context(struct certs *certs)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
		     SSL_OP_CIPHER_SERVER_PREFERENCE |
		     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, certs);
	SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	SSL_CTX_set_tlsext_status_arg(ctx, certs);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 &&
	    SSL_CTX_set_ciphersuites(ctx, SUITES_13) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
	    SSL_CTX_set_session_id_context(
		ctx, session_id, sizeof(session_id) - 1) == 1)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

/* Says what is wrong with a file; returns -1. */
static int
complain(char *err, size_t errsize, const char *key, const char *path,
    const char *what)
{
	char quoted[LOG_QUOTED(64)];
	unsigned long code = ERR_peek_last_error();
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	log_quote(quoted, sizeof(quoted), path, strlen(path));
	snprintf(err, errsize, "%s: %s %s%s%s%s", key, quoted, what,
	    why ? " (" : "", why ? why : "", why ? ")" : "");
	ERR_clear_error();
	return -1;
}

/* The certificate and what follows it in the file. */
static int
load_chain(SSL_CTX *ctx, const char *path, char *err, size_t errsize)
{
	struct file file;
	X509 *cert;
	BIO *bio;
	int r = -1;

	if (file_read(&file, path, false, err, errsize, "cert") == -1)
		return -1;
	ERR_clear_error();
	bio = BIO_new_mem_buf(file.bytes, (int)file.len);
	cert = bio ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
	if (cert == NULL || SSL_CTX_use_certificate(ctx, cert) != 1)
		goto out;
	X509_free(cert);
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, cert) != 1)
			goto out;
	/* The end of the file is not known from what is no certificate. */
	if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		r = 0;
	}
out:
	if (r == -1)
		complain(err, errsize, "cert", path,
		    "holds no certificate that can be used");
	X509_free(cert);
	BIO_free(bio);
	file_free(&file);
	return r;
}

static int
load_key(SSL_CTX *ctx, const char *path, char *err, size_t errsize)
{
	bool encrypted = false;
	struct file file;
	EVP_PKEY *key;
	BIO *bio;
	int r = -1;

	if (file_read(&file, path, true, err, errsize, "key") == -1)
		return -1;
	ERR_clear_error();
	bio = BIO_new_mem_buf(file.bytes, (int)file.len);
	key =
	    bio ? PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, &encrypted)
		: NULL;
	if (encrypted)
		complain(err, errsize, "key", path, "asks for a passphrase");
	else if (key == NULL)
		complain(err, errsize, "key", path,
		    "holds no private key that can be used");
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
		 SSL_CTX_check_private_key(ctx) != 1)
		complain(err, errsize, "key", path,
		    "is not the key of the certificate");
	else
		r = 0;
	EVP_PKEY_free(key);
	BIO_free(bio);
	file_free(&file);
	return r;
}

/* Is it a response that says something of use? */
static bool
ocsp_is_good(const struct file *file)
{
	const unsigned char *at = (const unsigned char *)file->bytes;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)file->len);
	bool good = response != NULL && OCSP_response_status(response) ==
					    OCSP_RESPONSE_STATUS_SUCCESSFUL;

	OCSP_RESPONSE_free(response);
	return good;
}

static int
load_ocsp(struct file *ocsp, const char *path, char *err, size_t errsize)
{
	if (strcmp(path, "none") == 0)
		return 0;
	if (file_read(ocsp, path, false, err, errsize, "ocsp") == -1)
		return -1;
	ERR_clear_error();
	if (ocsp_is_good(ocsp))
		return 0;
	return complain(err, errsize, "ocsp", path,
	    "is no OCSP response (DER) that says anything");
}

static int
certs_load_one(struct certs *certs, unsigned i, const struct certs_files *files,
    char *err, size_t errsize)
{
	struct cert *cert = &certs->at[i];

	cert->ctx = certs_context(certs);
	if (cert->ctx == NULL)
		return complain(err, errsize, "cert", files->cert.at[i],
		    "cannot be loaded");
	if (load_chain(cert->ctx, files->cert.at[i], err, errsize) == -1 ||
	    load_key(cert->ctx, files->key.at[i], err, errsize) == -1)
		return -1;
	if (i >= files->ocsp.count)
		return 0;
	return load_ocsp(&cert->ocsp, files->ocsp.at[i], err, errsize);
}

struct certs *
certs_load(const struct certs_files *files, char *err, size_t errsize)
{
	struct certs *certs = calloc(1, sizeof(*certs));

	if (certs == NULL) {
		snprintf(err, errsize, "cert: out of memory");
		return NULL;
	}
	certs->refs = 1;
	while (certs->count < files->cert.count) {
		unsigned i = certs->count++;

		if (certs_load_one(certs, i, files, err, errsize) == -1) {
			certs_release(certs);
			return NULL;
		}
	}
	certs_renew_tickets(certs);
	return certs;
}

struct certs *
certs_hold(struct certs *certs)
{
	certs->refs++;
	return certs;
}

void
certs_release(struct certs *certs)
{
	if (certs == NULL || --certs->refs > 0)
		return;
	for (unsigned i = 0; i < certs->count; i++) {
		SSL_CTX_free(certs->at[i].ctx);
		file_free(&certs->at[i].ocsp);
	}
	free(certs);
}

SSL *
certs_begin(struct certs *certs, bool web)
{
	SSL *ssl = SSL_new(certs->at[0].ctx);

	if (ssl == NULL)
		return NULL;
	SSL_set_accept_state(ssl);
	SSL_set_app_data(ssl, web ? &web_mark : NULL);
	return ssl;
}

void
certs_renew_tickets(struct certs *certs)
{
	unsigned char keys[TICKET_KEYS];

	if (RAND_bytes(keys, sizeof(keys)) == 1)
		for (unsigned i = 0; i < certs->count; i++)
			SSL_CTX_set_tlsext_ticket_keys(
			    certs->at[i].ctx, keys, sizeof(keys));
	OPENSSL_cleanse(keys, sizeof(keys));
}

/* A certificate's time as the log writes times; "?" if it makes no sense. */
static const char *
certs_time(const ASN1_TIME *at, char dst[32])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(at, &tm) != 1 ||
	    strftime(dst, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(dst, 32, "?");
	return dst;
}

void
certs_log(const struct certs *certs, const struct certs_files *files)
{
	for (unsigned i = 0; i < certs->count; i++) {
		const X509 *cert = SSL_CTX_get0_certificate(certs->at[i].ctx);
		const ASN1_TIME *end = X509_get0_notAfter(cert);
		bool over = X509_cmp_current_time(end) < 0;
		char path[LOG_QUOTED(64)], until[32];

		log_event(over ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "tls-cert",
		    "cert=%s until=%s%s%s",
		    log_quote(path, sizeof(path), files->cert.at[i],
			strlen(files->cert.at[i])),
		    certs_time(end, until), over ? " expired=yes" : "",
		    certs->at[i].ocsp.len > 0 ? " ocsp=yes" : "");
	}
}
