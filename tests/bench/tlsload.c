/* SPDX-License-Identifier: MIT */
/*
 * Load for servers that speak TLS and, within it, the line protocol.
 *
 *   tlsload --port N [--pid PID ...] [--seconds S] [--at-once N]
 *           [--resume]                       handshakes, as fast as they go
 *   tlsload --port N [--pid PID ...] [--seconds S] --members N [--window N]
 *           [--size BYTES]                   one talks, the others of its room
 *                                            read; a window is sent when all
 *                                            have read the one before
 *   tlsload --port N [--pid PID ...] --members N --idle
 *                                            they join; bytes for each client
 *
 * Prints key=value pairs; CPU time is that of the processes PID and all that
 * they started.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/base.h"
#include "shared/base/clock.h"
#include "tools/chatload/cputime.h"

#define CLIENTS_MAX 20000
#define PIDS_MAX 8
#define EVENTS 64
#define STALL_US (20 * 1000 * 1000)
#define SETTLE_US (300 * 1000)
#define TEXT_MAX 4096

struct client {
	int fd;
	SSL *ssl;
	bool begun; /* handshake mode: connected */
};

static struct {
	int port, members, window, size, at_once;
	double seconds;
	bool resume, idle;
	pid_t pids[PIDS_MAX];
	int npids;
} asked = {.window = 1, .size = 64, .at_once = 16, .seconds = 1};

static struct client clients[CLIENTS_MAX];
static SSL_CTX *ctx;
static SSL_SESSION *session;
static int epoll;

static double
server_cpu(void)
{
	double sum = 0;

	for (int i = 0; i < asked.npids; i++) {
		double one = cputime_tree(asked.pids[i]);

		if (one < 0)
			err(1, "process %d", (int)asked.pids[i]);
		sum += one;
	}
	return sum;
}

static int
on_session(SSL *ssl, SSL_SESSION *new)
{
	(void)ssl;
	SSL_SESSION_free(session);
	session = new;
	return 1;
}

static int
dial(int flags)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)asked.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0), on = 1;

	if (fd == -1)
		err(1, "socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS)
		err(1, "connect");
	return fd;
}

static void
watch(struct client *c, uint32_t events, int op)
{
	struct epoll_event event = {.events = events, .data.ptr = c};

	if (epoll_ctl(epoll, op, c->fd, &event) == -1)
		err(1, "epoll_ctl");
}

/* --- Handshakes --- */

static void
begin(struct client *c)
{
	c->fd = dial(SOCK_NONBLOCK);
	c->ssl = SSL_new(ctx);
	c->begun = false;
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1)
		errx(1, "out of memory");
	if (asked.resume && session)
		SSL_set_session(c->ssl, session);
	watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void
finish(struct client *c)
{
	SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	close(c->fd);
}

/* Goes on with a handshake; true when it is done. */
static bool
shake(struct client *c)
{
	int r = SSL_connect(c->ssl), error;
	char byte;

	if (r == 1) {
		if (asked.resume) /* the ticket comes behind */
			(void)SSL_read(c->ssl, &byte, 1);
		return true;
	}
	error = SSL_get_error(c->ssl, r);
	if (error == SSL_ERROR_WANT_READ)
		watch(c, EPOLLIN, EPOLL_CTL_MOD);
	else if (error == SSL_ERROR_WANT_WRITE)
		watch(c, EPOLLOUT, EPOLL_CTL_MOD);
	else
		errx(1, "a handshake failed");
	return false;
}

static void
handshakes(void)
{
	struct epoll_event events[EVENTS];
	uint64_t until = clock_us() + (uint64_t)(asked.seconds * 1e6);
	uint64_t began = clock_us(), now = began, count = 0, resumed = 0;
	double cpu = server_cpu();
	int open = 0;

	for (; open < asked.at_once; open++)
		begin(&clients[open]);
	while (open > 0) {
		int n = epoll_wait(epoll, events, EVENTS, 5000);

		if (n <= 0)
			errx(1, "the server has stalled");
		now = clock_us();
		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if (!shake(c))
				continue;
			count++;
			resumed += SSL_session_reused(c->ssl);
			finish(c);
			if (now < until)
				begin(c);
			else
				open--;
		}
	}
	/* What the server does for the last of them counts, too. */
	usleep(SETTLE_US);
	cpu = server_cpu() - cpu;
	printf("handshakes=%llu resumed=%llu per_s=%.1f cpu_s=%.4f "
	       "handshakes_per_cpu_s=%.1f\n",
	    (unsigned long long)count, (unsigned long long)resumed,
	    (double)count / ((double)(now - began) / 1e6), cpu,
	    cpu > 0 ? (double)count / cpu : 0.0);
}

/* --- Rooms --- */

static void
join(struct client *c, int i)
{
	char lines[64];
	int n = snprintf(lines, sizeof(lines), "bench\nu%d\n", i);
	size_t done;

	c->fd = dial(0);
	c->ssl = SSL_new(ctx);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_connect(c->ssl) != 1 ||
	    SSL_write_ex(c->ssl, lines, (size_t)n, &done) != 1)
		errx(1, "client %d did not get in", i);
	fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
	watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

/* Reads what is there; returns how many lines ended in it. */
static uint64_t
read_lines(struct client *c)
{
	static char text[65536];
	uint64_t lines = 0;
	size_t n = 0;

	while (SSL_read_ex(c->ssl, text, sizeof(text), &n) == 1) {
		const char *at = text, *end = text + n;

		while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
			lines++;
			at++;
		}
	}
	if (SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_READ)
		errx(1, "a client was closed");
	return lines;
}

/* Until all have read so many lines together, and no more than that. */
static void
await(uint64_t lines)
{
	struct epoll_event events[EVENTS];
	uint64_t got = 0;

	while (got < lines) {
		int n = epoll_wait(epoll, events, EVENTS, STALL_US / 1000);

		if (n <= 0)
			errx(1, "%llu of %llu lines came",
			    (unsigned long long)got, (unsigned long long)lines);
		for (int i = 0; i < n; i++)
			got += read_lines(events[i].data.ptr);
	}
	if (got > lines)
		errx(1, "%llu lines too many",
		    (unsigned long long)(got - lines));
}

static void
talk(const char *text, size_t len)
{
	while (len > 0) {
		size_t n;

		if (SSL_write_ex(clients[0].ssl, text, len, &n) == 1) {
			text += n;
			len -= n;
		} else if (SSL_get_error(clients[0].ssl, 0) !=
			   SSL_ERROR_WANT_WRITE) {
			errx(1, "the talker was closed");
		}
	}
}

static void
fanout(void)
{
	size_t line = (size_t)asked.size + 1;
	size_t len = line * (size_t)asked.window;
	uint64_t began, until, deliveries = 0;
	uint64_t each = (uint64_t)asked.window * (uint64_t)(asked.members - 1);
	char *text = malloc(len);
	double cpu;

	if (text == NULL)
		err(1, "malloc");
	memset(text, 'x', len);
	for (int i = 0; i < asked.window; i++)
		text[(size_t)(i + 1) * line - 1] = '\n';
	for (int i = 0; i < 20; i++) {
		talk(text, len);
		await(each);
	}
	cpu = server_cpu();
	began = clock_us();
	until = began + (uint64_t)(asked.seconds * 1e6);
	while (clock_us() < until) {
		talk(text, len);
		await(each);
		deliveries += each;
	}
	cpu = server_cpu() - cpu;
	printf("deliveries=%llu per_s=%.1f cpu_s=%.4f "
	       "deliveries_per_cpu_s=%.1f\n",
	    (unsigned long long)deliveries,
	    (double)deliveries / ((double)(clock_us() - began) / 1e6), cpu,
	    cpu > 0 ? (double)deliveries / cpu : 0.0);
	free(text);
}

/* Bytes of memory that nobody else shares. */
static double
private_bytes(void)
{
	double sum = 0;

	for (int i = 0; i < asked.npids; i++) {
		char path[64], line[256];
		unsigned long kb;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup",
		    (int)asked.pids[i]);
		f = fopen(path, "r");
		if (f == NULL)
			err(1, "%s", path);
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "Private_Dirty: %lu", &kb) == 1)
				sum += 1024.0 * (double)kb;
		fclose(f);
	}
	return sum;
}

static void
idle(void)
{
	double before = private_bytes(), after;
	struct client *c;

	for (int i = 0; i < asked.members; i++) {
		char lines[64];
		size_t n;

		c = &clients[i];
		c->fd = dial(0);
		c->ssl = SSL_new(ctx);
		n = (size_t)snprintf(lines, sizeof(lines), "r%d\nu%d\n", i, i);
		if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
		    SSL_connect(c->ssl) != 1 ||
		    SSL_write_ex(c->ssl, lines, n, &n) != 1 ||
		    SSL_read_ex(c->ssl, lines, sizeof(lines), &n) != 1)
			errx(1, "client %d did not get in", i);
	}
	usleep(SETTLE_US);
	after = private_bytes();
	printf("private_per_client=%.0f\n", (after - before) / asked.members);
}

static void
parse(int argc, char *argv[])
{
	static const struct option options[] = {
	    {"port", required_argument, NULL, 'p'},
	    {"pid", required_argument, NULL, 'i'},
	    {"seconds", required_argument, NULL, 's'},
	    {"members", required_argument, NULL, 'm'},
	    {"window", required_argument, NULL, 'w'},
	    {"size", required_argument, NULL, 'z'},
	    {"at-once", required_argument, NULL, 'a'},
	    {"resume", no_argument, NULL, 'r'},
	    {"idle", no_argument, NULL, 'd'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		int value;

		value = optarg ? (int)strtol(optarg, NULL, 10) : 0;
		switch (option) {
		case 'p':
			asked.port = value;
			break;
		case 'i':
			if (asked.npids < PIDS_MAX)
				asked.pids[asked.npids++] = value;
			break;
		case 's':
			asked.seconds = optarg ? strtod(optarg, NULL) : 0;
			break;
		case 'm':
			asked.members = value;
			break;
		case 'w':
			asked.window = value;
			break;
		case 'z':
			asked.size = value;
			break;
		case 'a':
			asked.at_once = value;
			break;
		case 'r':
			asked.resume = true;
			break;
		case 'd':
			asked.idle = true;
			break;
		default:
			exit(2);
		}
	}
	if (asked.port < 1 || asked.port > 65535 || asked.members < 0 ||
	    asked.members > CLIENTS_MAX || asked.window < 1 ||
	    asked.window > 1024 || asked.size < 1 || asked.size > TEXT_MAX ||
	    asked.at_once < 1 || asked.at_once > CLIENTS_MAX)
		errx(2, "see the head of tests/bench/tlsload.c");
}

int
main(int argc, char *argv[])
{
	uint64_t joins;

	parse(argc, argv);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	ctx = SSL_CTX_new(TLS_client_method());
	if (epoll == -1 || ctx == NULL)
		errx(1, "out of memory");
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set1_groups_list(ctx, "X25519");
	if (asked.resume) {
		SSL_CTX_set_session_cache_mode(
		    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(ctx, on_session);
	}
	if (asked.members == 0) {
		handshakes();
		return 0;
	}
	if (asked.idle) {
		idle();
		return 0;
	}
	for (int i = 0; i < asked.members; i++)
		join(&clients[i], i);
	joins = (uint64_t)asked.members;
	await(joins * (joins + 1) / 2);
	fanout();
	return 0;
}
