/* SPDX-License-Identifier: MIT */
/*
 * chatmaster-tls: the TLS worker, the only process with private keys.  The
 * master passes it connections; it does the handshake, makes a loopback TCP
 * pair, hands one end of that back to the master as a connection in the clear,
 * and from then on carries bytes between the client and the other end.
 *
 *   main    options, and what is done before anybody is served
 *   certs   certificates, keys, OCSP responses: what OpenSSL has to know
 *   loop    waits for events and hands them to the rest; lists, deadlines
 *   conn    a connection: handshake, hand-over, end
 *   relay   carries bytes, both ways
 *   link    what the master says, and what it is told
 *
 * One process, one thread.  It knows nothing of chat, maps no shared memory,
 * and keeps nothing that must outlive it: when it dies, its connections do.
 *
 * A connection's states, each a list in order of coming there:
 *
 *   CONN_SILENT    has sent nothing; no memory is spent on it    10 s
 *   CONN_QUEUED    has, but too many handshakes are in progress  -
 *   CONN_SHAKING   handshake in progress                         10 s in all
 *   CONN_OPEN      both sides are connected                      -
 *   CONN_ENDING    chat has ended it; the rest is being sent     10 s
 *   CONN_FINISHED  all is sent; waits for the client's end       2 s
 */
#ifndef PROXY_TLS_TLS_H
#define PROXY_TLS_TLS_H

#include "shared/base/base.h"

#include <openssl/ssl.h>
#include <sys/queue.h>

#include "proxy/tls/certs.h"
#include "shared/net/channel.h"

#define HANDSHAKES_MAX 256 /* in progress at once; more wait */
#define CHUNK 16384        /* bytes: the plaintext of the largest record */

enum conn_state {
	CONN_SILENT,
	CONN_QUEUED,
	CONN_SHAKING,
	CONN_OPEN,
	CONN_ENDING,
	CONN_FINISHED,
	CONN_DEAD, /* freed at the end of the pass */
	CONN_STATES,
};

/* What could not be passed on yet. */
struct rest {
	char *bytes; /* CHUNK of them; NULL: nothing is left */
	size_t at, len;
};

/* One of a connection's two sockets. */
struct side {
	int fd;          /* -1: none */
	uint32_t events; /* what it is registered for; 0: it is not */
};

struct conn {
	TAILQ_ENTRY(conn) entry; /* of the list of its state */
	TAILQ_ENTRY(conn) more;  /* of those to be looked at again */
	enum conn_state state;
	bool has_more;
	uint64_t due_us; /* CLOCK_MONOTONIC; see above */

	/* What the master knows it by, until it is handed back. */
	uint32_t slot, gen;
	uint64_t id;
	enum listener_kind kind;

	SSL *ssl;
	struct certs *certs; /* held while the handshake may ask for them */
	struct side client;  /* what speaks TLS */
	struct side clear;   /* our end of the pair */

	/* From the client. */
	struct rest up;
	bool up_ended;       /* no more will come */
	bool up_shut;        /* and the clear side knows */
	bool read_wants_out; /* the library must write before it reads on */

	/* To the client. */
	struct rest down;
	bool down_ended;
	bool down_shut;
	bool gone; /* the client can't be sent anything: throw it away */

	/* What the master has not been told yet: see link.h. */
	TAILQ_ENTRY(conn) untold;
	bool is_untold;
	uint32_t reason;  /* enum close_reason */
	uint64_t in, out; /* bytes of a handshake that came to nothing */
	int handed;       /* the end that is handed back, or -1 */
	uint8_t suite;    /* enum suite */
};
TAILQ_HEAD(conn_list, conn);

struct tls {
	int epoll;
	int channel, ping;
	int listener; /* that pairs are made through */
	bool stopping;
	bool deaf; /* the master is gone */
	uint64_t now_us;

	const struct certs_files *files;
	struct certs *certs;
	uint64_t tickets_us; /* when their keys are exchanged */

	struct conn_list lists[CONN_STATES];
	unsigned counts[CONN_STATES];
	unsigned nconns;        /* all but the dead */
	struct conn_list again; /* with more to do than there was time for */
	struct conn_list untold;

	unsigned limit;          /* of open files */
	unsigned acks;           /* CHANNEL_PASS not acknowledged yet */
	uint32_t channel_events; /* what it is registered for */

	char chunk[CHUNK];
};

#endif
