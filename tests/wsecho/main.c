/* SPDX-License-Identifier: MIT */
/*
 * wsecho [--port N] [--any] [--limit BYTES]
 *
 * A WebSocket server that sends back every message, on the codec that the chat
 * server uses: for suites that prove that a server keeps to RFC 6455.  Listens
 * on 127.0.0.1 (with --any, on all addresses), says `port=N` once it does, and
 * lets messages of up to --limit bytes in (32 MiB).  Ends on SIGTERM.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/net/listen.h"
#include "tests/wsecho/peer.h"

#define PEERS_MAX 256
#define LINGER_MS 2000 /* for a client to close too */

struct conn {
	struct peer peer;
	bool shut;        /* our side is */
	uint64_t last_ms; /* by when the client has to be gone, then */
};

static struct conn conns[PEERS_MAX];
static struct pollfd fds[PEERS_MAX + 1]; /* the listener is the last */
static nfds_t count;
static uint64_t limit = 32 << 20;
static char buffer[1 << 16];

static void
drop_conn(nfds_t i)
{
	peer_fini(&conns[i].peer);
	close(fds[i].fd);
	count--;
	conns[i] = conns[count];
	fds[i] = fds[count];
}

static void
add_conn(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1)
		return;
	conns[count] = (struct conn){.peer = {.limit = limit}};
	fds[count] = (struct pollfd){.fd = fd};
	count++;
}

/* False: the connection is gone. */
static bool
send_waiting(struct conn *c, int fd)
{
	const char *data;
	size_t len;
	ssize_t n;

	while ((len = peer_waiting(&c->peer, &data)) > 0) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN || errno == EINTR;
		peer_sent(&c->peer, (size_t)n);
	}
	/* In order (RFC 6455, section 7.1.1): shut, read to the end, close. */
	if (c->peer.state == PEER_CLOSED && !c->shut) {
		c->shut = true;
		c->last_ms = clock_ms() + LINGER_MS;
		return shutdown(fd, SHUT_WR) == 0;
	}
	return true;
}

static bool
read_more(struct conn *c, int fd)
{
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	peer_read(&c->peer, buffer, (size_t)n);
	return n > 0;
}

static bool
serve(struct conn *c, const struct pollfd *pfd)
{
	if ((pfd->revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
	    !read_more(c, pfd->fd))
		return false;
	if (c->shut && clock_ms() >= c->last_ms)
		return false;
	return send_waiting(c, pfd->fd);
}

static void
loop(int listener)
{
	for (;;) {
		const char *data;

		for (nfds_t i = 0; i < count; i++)
			fds[i].events = peer_waiting(&conns[i].peer, &data) > 0
					    ? POLLOUT
					    : POLLIN;
		fds[count] = (struct pollfd){
		    .fd = count < PEERS_MAX ? listener : -1, .events = POLLIN};
		if (poll(fds, count + 1, 1000) == -1 && errno != EINTR)
			err(1, "poll");
		if ((fds[count].revents & POLLIN) != 0) {
			add_conn(listener);
			continue; /* the rest is still there */
		}
		for (nfds_t i = count; i-- > 0;)
			if (!serve(&conns[i], &fds[i]))
				drop_conn(i);
	}
}

static int
listen_at(const char *port, bool any)
{
	char text[LISTEN_NAME_MAX];
	struct listen_address address;
	int fd;

	snprintf(text, sizeof(text), "%s%s", any ? "" : "127.0.0.1:", port);
	if (listen_parse(text, &address) == -1)
		errx(2, "not a port: %s", port);
	fd = listen_open(&address);
	if (fd == -1)
		err(1, "listen");
	printf("port=%s\n", strrchr(listen_name(fd, text), ':') + 1);
	fflush(stdout);
	return fd;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"port", required_argument, NULL, 'p'},
	    {"limit", required_argument, NULL, 'l'},
	    {"any", no_argument, NULL, 'a'},
	    {0},
	};
	const char *port = "0";
	bool any = false;
	char *end = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			port = optarg;
			break;
		case 'l':
			limit = strtoull(optarg, &end, 10);
			if (*end != '\0' || limit > SIZE_MAX / 4)
				errx(2, "not a limit: %s", optarg);
			break;
		case 'a':
			any = true;
			break;
		default:
			errx(2, "usage: wsecho [--port N] [--any] "
				"[--limit BYTES]");
		}
	}
	loop(listen_at(port, any));
}
