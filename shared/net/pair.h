/* SPDX-License-Identifier: MIT */
/*
 * Pairs of TCP sockets over loopback: like socketpair(2), but with the
 * counters of TCP (tcp.h), which a connection must have that a successor is
 * to take over.
 */
#ifndef SHARED_NET_PAIR_H
#define SHARED_NET_PAIR_H

#define PAIR_BUFFER (64 * 1024) /* bytes: SO_SNDBUF and SO_RCVBUF, each end */

/* Ends of a pair; their counts of bytes differ by what TCP counts a SYN. */
struct pair {
	int accepted; /* tcp_counts is exact here */
	int connecting;
};

/*
 * Open the listener that pairs are made through, on 127.0.0.1.  What it
 * accepts has the options of a client's connection (listen.h), but buffers of
 * a fixed size and no keepalive.  Returns it, or -1 with errno.
 */
int pair_listen(void);

/*
 * Make a pair through `listener`: non-blocking, close-on-exec, connected with
 * each other and nobody else, whoever else connects to that port.  Never
 * blocks.  Returns 0, or -1 with errno: EADDRNOTAVAIL when no port is left,
 * EMFILE, EAGAIN when strangers are in the way.
 */
int pair_make(int listener, struct pair *pair);

#endif
