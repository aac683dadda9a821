/* SPDX-License-Identifier: MIT */
/*
 * The channel between master and worker: messages of fixed layout over a
 * SOCK_SEQPACKET pair, with the fds of connections riding along
 * (SCM_RIGHTS).  Pings have a pair of their own, so that nothing queues in
 * front of them.
 *
 * About 278 messages queue in one direction (93 with all the connections that
 * fit), then send gives EAGAIN: the master has at most CHANNEL_CREDITS
 * unacknowledged CHANNEL_PASS under way to a worker, and a worker keeps what
 * it could not tell and tries again.
 */
#ifndef SHARED_NET_CHANNEL_H
#define SHARED_NET_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHANNEL_CREDITS 64 /* CHANNEL_PASS messages under way */
#define CHANNEL_FDS 16     /* connections in one CHANNEL_PASS */

enum channel_type {
	/* Master to worker. */
	CHANNEL_PASS,   /* connections, and their fds in the same order */
	CHANNEL_STOP,   /* tell the clients, flush, close, exit 0 */
	CHANNEL_LOG,    /* `count` is 1: the fd of a new log, see log_replace */
	CHANNEL_RELOAD, /* TLS: load the certificates again */
	CHANNEL_POLICY, /* `count` is 1: the fd of a new policy, see policy.h */
	CHANNEL_ASKED,  /* there is a new auth worker: ask again, see ask.h */
	/* Worker to master. */
	CHANNEL_READY,   /* settled and serving */
	CHANNEL_ACK,     /* `count` CHANNEL_PASS messages dealt with */
	CHANNEL_CLOSED,  /* the connection in `slot` has ended */
	CHANNEL_MOVE,    /* give the connection in `slot` to seat `to` */
	CHANNEL_SETTLED, /* settled, but serving only after its back-off */
	CHANNEL_CLEAR,   /* TLS: `count` is 1, the fd of the clear side */
	CHANNEL_BANS,    /* the bans have changed, and are to be kept */
};

/* What kind of listener was the way in. */
enum listener_kind {
	LISTENER_LINE,
	LISTENER_TELNET,
	LISTENER_WEB,
	LISTENER_METRICS,
	LISTENER_LINE_TLS, /* until it speaks in the clear, then as above */
	LISTENER_TELNET_TLS,
	LISTENER_WEB_TLS,
	LISTENER_KINDS,
};

/* Who is at the other end: the master's words about a connection. */
struct peer {
	uint64_t id;          /* of the connection, in the log: rises from 1 */
	uint64_t accepted_us; /* CLOCK_REALTIME */
	uint8_t addr[16];     /* IPv6, or IPv4-mapped */
	uint16_t port;
	uint8_t listener; /* index into the list of listeners */
	uint8_t kind;     /* enum listener_kind */
	uint8_t tls;      /* enum suite */
};

struct channel_message {
	uint32_t type; /* enum channel_type */
	uint32_t count;
	union {
		struct {
			uint32_t slot, gen;
			struct peer peer;
		} pass[CHANNEL_FDS];
		struct {
			uint32_t slot, gen;
			uint32_t reason;  /* enum close_reason */
			uint64_t in, out; /* bytes of the connection */
		} closed;
		struct {
			uint32_t slot, gen, to;
		} move;
		struct {
			uint32_t slot, gen;
			uint8_t tls; /* enum suite */
		} clear;
		struct {
			uint32_t sessions; /* kept from the predecessor */
			uint32_t held_lock;
			uint64_t us; /* from the fork to serving */
		} ready;
	};
};

/* Over the ping pair. */
struct ping {
	uint64_t number;
	int32_t waits_for; /* pong: seat that owns the lock awaited, or -1 */
	uint64_t acquisition;
	/* Pong of the auth worker: what it has said, by enum ask_verdict. */
	uint64_t verdicts[4];
};

/*
 * Make a connected, non-blocking, close-on-exec SOCK_SEQPACKET pair.
 * Returns 0, or -1 with errno.
 */
int channel_pair(int fds[2]);

/*
 * Send one message with `nfds` descriptors (which stay the caller's).  Never
 * blocks.  Returns 0, or -1 with errno: EAGAIN when the other end lags,
 * EPIPE or ECONNRESET when it is dead, ETOOMANYREFS when too many fds are
 * under way, EINVAL for no known type or too many connections or fds.
 */
int channel_send(
    int fd, const struct channel_message *m, const int *fds, unsigned nfds);

/*
 * Receive one message and at most CHANNEL_FDS descriptors (the caller's, and
 * close-on-exec) into `fds`, their count into `*nfds`.  Never blocks.
 * Returns 1 for a message, 0 at the end, -1 with errno: EAGAIN, or EPROTO for
 * something that is no message, or whose fds are not as many as its `count`
 * because some were lost on the way; what fds came are closed then.
 */
int channel_recv(int fd, struct channel_message *m, int *fds, unsigned *nfds);

#endif
