/* SPDX-License-Identifier: MIT */
/*
 * Anybody on this machine may connect to the listener, so what is accepted is
 * compared with the address that our own end was given.  See pair.h.
 */
#include "shared/net/pair.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/net/listen.h"

#define STRANGERS 64 /* that are sent away before we give up */

static int
pair_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int
pair_set_buffers(int fd)
{
	if (pair_set(fd, SOL_SOCKET, SO_SNDBUF, PAIR_BUFFER) == -1)
		return -1;
	return pair_set(fd, SOL_SOCKET, SO_RCVBUF, PAIR_BUFFER);
}

int
pair_listen(void)
{
	struct listen_address address;
	int fd, saved;

	if (listen_parse("127.0.0.1:0", &address) == -1)
		return -1;
	fd = listen_open(&address);
	if (fd == -1)
		return -1;
	/* Before anybody connects: what is accepted inherits them. */
	if (pair_set_buffers(fd) == 0 &&
	    pair_set(fd, SOL_SOCKET, SO_KEEPALIVE, 0) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Connects to the listener; loopback has answered when connect(2) returns. */
static int
pair_connect(int listener)
{
	struct sockaddr_in to = {0};
	socklen_t len = sizeof(to);
	int fd, saved;

	if (getsockname(listener, (struct sockaddr *)&to, &len) == -1)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (pair_set_buffers(fd) == 0 &&
	    pair_set(fd, IPPROTO_TCP, TCP_NODELAY, 1) == 0 &&
	    pair_set(fd, SOL_SOCKET, SO_OOBINLINE, 1) == 0 &&
	    (connect(fd, (const struct sockaddr *)&to, len) == 0 ||
		errno == EINPROGRESS))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Accepts who has the address `own`, and sends others away. */
static int
pair_accept(int listener, const struct sockaddr_in *own)
{
	for (int i = 0; i < STRANGERS; i++) {
		struct sockaddr_in from = {0};
		socklen_t len = sizeof(from);
		int fd = accept4(listener, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd == -1 && errno != ECONNABORTED && errno != EINTR)
			return -1;
		if (fd != -1 && from.sin_family == AF_INET &&
		    from.sin_port == own->sin_port &&
		    from.sin_addr.s_addr == own->sin_addr.s_addr)
			return fd;
		if (fd != -1)
			close(fd);
	}
	errno = EAGAIN;
	return -1;
}

int
pair_make(int listener, struct pair *pair)
{
	struct sockaddr_in own = {0};
	socklen_t len = sizeof(own);
	int saved;

	pair->connecting = pair_connect(listener);
	if (pair->connecting == -1)
		return -1;
	if (getsockname(pair->connecting, (struct sockaddr *)&own, &len) == 0) {
		pair->accepted = pair_accept(listener, &own);
		if (pair->accepted != -1)
			return 0;
	}
	saved = errno;
	close(pair->connecting);
	errno = saved;
	return -1;
}
