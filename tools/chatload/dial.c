/* SPDX-License-Identifier: MIT */
/*
 * Connecting.  One address has some 28,000 ports to connect from, and one
 * that was closed by us rests for a minute: who joins and leaves thousands
 * of times a second needs more.  All of 127.0.0.0/8 is the loopback's.
 */
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tools/chatload/load.h"

/* The kernel chooses a port when it knows the other end, too. */
static void
dial_from(int fd, uint32_t source)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + source),
	};

	setsockopt(
	    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == -1)
		err(1, "bind");
}

void
dial_send(int fd, const char *bytes, size_t len)
{
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		err(1, "send");
}

void
dial_join(const struct load_config *cfg, const struct speaker *who, int fd)
{
	char lines[PROTOCOL_TEXT_MAX];
	size_t len = cfg->protocol->join(&cfg->format, who, lines);

	dial_send(fd, lines, len);
}

int
dial(const struct load_config *cfg, const struct speaker *who, uint32_t n)
{
	int fd = socket(cfg->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		err(1, "socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (cfg->sources > 0)
		dial_from(fd, n % cfg->sources);
	if (connect(fd, (const struct sockaddr *)&cfg->addr, cfg->addr_len) ==
	    -1)
		err(1, "connect");
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		err(1, "fcntl");
	if (cfg->protocol->opens)
		dial_send(
		    fd, cfg->protocol->opens, strlen(cfg->protocol->opens));
	else
		dial_join(cfg, who, fd);
	return fd;
}

size_t
dial_negotiate(const struct load_config *cfg, const struct speaker *who, int fd,
    struct telnet *t, char *data, size_t len)
{
	bool keys = cfg->protocol->telnet == TELNET_KEYS;
	struct telnet_answers answers = {.len = 0};

	len = telnet_strip(t, data, len, keys ? &answers : NULL);
	if (answers.len > 0)
		dial_send(fd, answers.bytes, answers.len);
	if (keys && !t->joined && telnet_keys(t)) {
		t->joined = true;
		dial_join(cfg, who, fd);
	}
	return len;
}

void
dial_prepare(size_t fds)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "getrlimit");
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_max < fds)
		errx(1, "%zu file descriptors needed, limit is %ju", fds,
		    (uintmax_t)rl.rlim_max);
	prctl(PR_SET_TIMERSLACK, 1);
}
