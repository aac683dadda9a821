/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets: from the words of the configuration to a socket whose
 * accepted connections are ready for use.
 */
#ifndef SHARED_NET_LISTEN_H
#define SHARED_NET_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shared/base/base.h"

/* Room for "[v6]:PORT" and for a bare address, NUL included. */
#define LISTEN_NAME_MAX (INET6_ADDRSTRLEN + 8)

/* Where to listen. */
struct listen_address {
	struct in6_addr addr; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;        /* 0: any free one */
	bool any; /* only a port was given: IPv4 alone will do as well */
};

/*
 * Understand `ADDR:PORT`, `[V6]:PORT` or `PORT`, numbers only.  Returns 0, or
 * -1 with errno EINVAL.  Pure.
 */
int listen_parse(const char *text, struct listen_address *out);

/* Write the address as it may be given: `ADDR:PORT`, `[V6]:PORT`. */
const char *listen_text(
    const struct listen_address *address, char dst[LISTEN_NAME_MAX]);

/*
 * Open a non-blocking, close-on-exec socket that listens there, on IPv6 for
 * IPv4 as well.  What it sets is inherited by what it accepts (tcp(7)):
 * TCP_NODELAY, keepalive, out-of-band data in line, and a small
 * TCP_NOTSENT_LOWAT.  Returns it, or -1 with errno of socket(2), bind(2),
 * listen(2).
 */
int listen_open(const struct listen_address *address);

/*
 * Write where `fd` really listens: `ADDR:PORT` or `[V6]:PORT`.  Returns dst;
 * "?" if that cannot be found out.
 */
const char *listen_name(int fd, char dst[LISTEN_NAME_MAX]);

/* Write the bare address, an IPv4-mapped one as IPv4.  Returns dst. */
const char *listen_address_text(
    const uint8_t addr[16], char dst[LISTEN_NAME_MAX]);

/* A socket's address as IPv6, IPv4 mapped, and its port. */
void listen_unpack(
    const struct sockaddr_storage *from, uint8_t addr[16], uint16_t *port);

#endif
