/* SPDX-License-Identifier: MIT */
/* See listen.h. */
#include "shared/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/base.h"

#define LISTEN_BACKLOG 4096 /* the kernel lowers it to net.core.somaxconn */

/* What accepted sockets inherit; see tcp(7) and socket(7). */
static const struct {
	int level, option, value;
} inherited[] = {
    {IPPROTO_TCP, TCP_NODELAY, 1},

    /*
     * A peer that is gone is noticed within 2 minutes while nothing is on its
     * way to it; with data on its way, by the kernel's retransmissions
     * (tcp_retries2, about 15 minutes).
     *
     * TCP_USER_TIMEOUT would shorten the latter, but it also ends a peer that
     * is alive and merely doesn't read: on Linux 6.18, with 3000 ms set, a
     * connection whose zero-window probes were all answered ended in
     * ETIMEDOUT after 3.6 s, with and without keepalive; without the option
     * it stood.  A client may leave its terminal stopped for hours, so it is
     * not set.
     */
    {SOL_SOCKET, SO_KEEPALIVE, 1},
    {IPPROTO_TCP, TCP_KEEPIDLE, 60},
    {IPPROTO_TCP, TCP_KEEPINTVL, 15},
    {IPPROTO_TCP, TCP_KEEPCNT, 4},

    /* So that the kernel's count of bytes read has no hole in it. */
    {SOL_SOCKET, SO_OOBINLINE, 1},

    /* A slow reader's backlog stays in the ring, not in the kernel. */
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16 * 1024},
};

/* Digits only, which strtoul would not insist on. */
static bool
listen_parse_port(const char *text, uint16_t *port)
{
	unsigned value = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > UINT16_MAX)
			return false;
	}
	*port = (uint16_t)value;
	return true;
}

static void
listen_map_ipv4(struct in6_addr *out, const struct in_addr *in)
{
	memset(out, 0, sizeof(*out));
	out->s6_addr[10] = out->s6_addr[11] = 0xff;
	memcpy(&out->s6_addr[12], in, sizeof(*in));
}

int
listen_parse(const char *text, struct listen_address *out)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	struct in_addr ipv4;
	size_t len;

	errno = EINVAL;
	memset(out, 0, sizeof(*out));
	if (!colon) {
		out->any = true;
		return listen_parse_port(text, &out->port) ? 0 : -1;
	}
	len = (size_t)(colon - text);
	if (len == 0 || len >= sizeof(host) ||
	    !listen_parse_port(colon + 1, &out->port))
		return -1;
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		return inet_pton(AF_INET6, host + 1, &out->addr) == 1 ? 0 : -1;
	}
	if (inet_pton(AF_INET, host, &ipv4) != 1)
		return -1;
	listen_map_ipv4(&out->addr, &ipv4);
	return 0;
}

static int
listen_set_options(int fd)
{
	static const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
		return -1;
	for (size_t i = 0; i < COUNT(inherited); i++)
		if (setsockopt(fd, inherited[i].level, inherited[i].option,
			&inherited[i].value, sizeof(int)) == -1)
			return -1;
	return 0;
}

static int
listen_open_at(const struct sockaddr *addr, socklen_t len)
{
	static const int off;
	int fd = socket(
	    addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd == -1)
		return -1;
	if (addr->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == -1)
		goto undo;
	if (listen_set_options(fd) == -1 || bind(fd, addr, len) == -1 ||
	    listen(fd, LISTEN_BACKLOG) == -1)
		goto undo;
	return fd;
undo:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int
listen_open_ipv4(const struct listen_address *address)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET,
	    .sin_port = htons(address->port),
	};

	memcpy(&sin.sin_addr, &address->addr.s6_addr[12], 4);
	return listen_open_at((const struct sockaddr *)&sin, sizeof(sin));
}

int
listen_open(const struct listen_address *address)
{
	struct sockaddr_in6 sin6 = {
	    .sin6_family = AF_INET6,
	    .sin6_port = htons(address->port),
	    .sin6_addr = address->addr,
	};
	int fd;

	if (IN6_IS_ADDR_V4MAPPED(&address->addr))
		return listen_open_ipv4(address);
	fd = listen_open_at((const struct sockaddr *)&sin6, sizeof(sin6));
	if (fd == -1 && address->any &&
	    (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		return listen_open_ipv4(address); /* no IPv6: 0.0.0.0 */
	return fd;
}

void
listen_unpack(
    const struct sockaddr_storage *from, uint8_t addr[16], uint16_t *port)
{
	struct in6_addr mapped = {0};

	*port = 0;
	if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, from, sizeof(sin6));
		mapped = sin6.sin6_addr;
		*port = ntohs(sin6.sin6_port);
	} else if (from->ss_family == AF_INET) {
		struct sockaddr_in sin;

		memcpy(&sin, from, sizeof(sin));
		listen_map_ipv4(&mapped, &sin.sin_addr);
		*port = ntohs(sin.sin_port);
	}
	memcpy(addr, &mapped, 16);
}

const char *
listen_address_text(const uint8_t addr[16], char dst[LISTEN_NAME_MAX])
{
	struct in6_addr in6;

	memcpy(&in6, addr, sizeof(in6));
	if (IN6_IS_ADDR_V4MAPPED(&in6))
		return inet_ntop(AF_INET, addr + 12, dst, LISTEN_NAME_MAX);
	return inet_ntop(AF_INET6, &in6, dst, LISTEN_NAME_MAX);
}

const char *
listen_text(const struct listen_address *address, char dst[LISTEN_NAME_MAX])
{
	char host[LISTEN_NAME_MAX];

	listen_address_text(address->addr.s6_addr, host);
	snprintf(dst, LISTEN_NAME_MAX,
	    IN6_IS_ADDR_V4MAPPED(&address->addr) ? "%s:%u" : "[%s]:%u", host,
	    address->port);
	return dst;
}

const char *
listen_name(int fd, char dst[LISTEN_NAME_MAX])
{
	struct sockaddr_storage at = {0};
	struct listen_address address = {0};
	socklen_t len = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &len) == -1) {
		snprintf(dst, LISTEN_NAME_MAX, "?");
		return dst;
	}
	listen_unpack(&at, address.addr.s6_addr, &address.port);
	return listen_text(&address, dst);
}
