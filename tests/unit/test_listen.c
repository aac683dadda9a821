/* SPDX-License-Identifier: MIT */
/* Addresses to listen on, and what accepted sockets inherit. */
#include "shared/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/test.h"

TEST(listen_understands_addresses_and_ports)
{
	static const struct {
		const char *text, *means;
		bool any;
	} cases[] = {
	    {"5555", "[::]:5555", true},
	    {"0", "[::]:0", true},
	    {"65535", "[::]:65535", true},
	    {"00080", "[::]:80", true},
	    {"127.0.0.1:23", "127.0.0.1:23", false},
	    {"0.0.0.0:0", "0.0.0.0:0", false},
	    {"[::]:5555", "[::]:5555", false},
	    {"[::1]:1", "[::1]:1", false},
	    {"[2001:DB8::0:7]:99", "[2001:db8::7]:99", false},
	    {"[::ffff:10.0.0.1]:99", "10.0.0.1:99", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct listen_address a;
		char text[LISTEN_NAME_MAX];

		CHECK_EQ(listen_parse(cases[i].text, &a), 0);
		CHECK_STR(listen_text(&a, text), cases[i].means);
		CHECK_EQ(a.any, cases[i].any);
	}
}

TEST(listen_refuses_what_is_no_address)
{
	static const char *const cases[] = {
	    "",
	    ":",
	    ":80",
	    "port",
	    "65536",
	    "-1",
	    "+1",
	    " 1",
	    "1 ",
	    "99999999999999999999",
	    "127.0.0.1",
	    "127.0.0.1:",
	    "127.0.0.1:x",
	    "127.0.0.1:65536",
	    "127.0.0:80",
	    "256.0.0.1:80",
	    "localhost:80",
	    "::1:80",
	    "::",
	    "[::1]",
	    "[::1]80",
	    "[::1:80",
	    "[]:80",
	    "[:80",
	    "[127.0.0.1]:80",
	    "[::1%lo]:80",
	    "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80",
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct listen_address a;

		errno = 0;
		if (listen_parse(cases[i], &a) != -1)
			test_fail(__FILE__, __LINE__, "took \"%s\"", cases[i]);
		CHECK_EQ(errno, EINVAL);
	}
}

TEST(listen_writes_mapped_addresses_as_ipv4)
{
	static const uint8_t mapped[16] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
	static const uint8_t six[16] = {0xfe, 0x80, [15] = 1};
	char text[LISTEN_NAME_MAX];

	CHECK_STR(listen_address_text(mapped, text), "10.1.2.3");
	CHECK_STR(listen_address_text(six, text), "fe80::1");
}

/* Opens it on a free port; *port becomes the real one. */
static int
open_at(const char *text, uint16_t *port)
{
	struct listen_address a, real;
	char name[LISTEN_NAME_MAX];
	int fd;

	CHECK_EQ(listen_parse(text, &a), 0);
	fd = listen_open(&a);
	CHECK(fd != -1);
	CHECK_EQ(listen_parse(listen_name(fd, name), &real), 0);
	CHECK(real.port != 0);
	*port = real.port;
	return fd;
}

static int
connect_to(int family, uint16_t port)
{
	struct sockaddr_in6 six = {
	    .sin6_family = AF_INET6,
	    .sin6_port = htons(port),
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct sockaddr_in four = {
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(family, SOCK_STREAM, 0);

	CHECK(fd != -1);
	if (family == AF_INET6)
		CHECK_EQ(connect(fd, (struct sockaddr *)&six, sizeof(six)), 0);
	else
		CHECK_EQ(
		    connect(fd, (struct sockaddr *)&four, sizeof(four)), 0);
	return fd;
}

static int
accept_from(int fd, const char *expected)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char text[LISTEN_NAME_MAX];
	uint8_t addr[16];
	uint16_t port;
	int got;

	CHECK_EQ(poll(&wait, 1, 5000), 1);
	got = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK);
	CHECK(got != -1);
	listen_unpack(&from, addr, &port);
	CHECK_STR(listen_address_text(addr, text), expected);
	CHECK(port != 0);
	return got;
}

TEST(listen_on_a_port_alone_takes_ipv4)
{
	uint16_t port;
	int fd = open_at("0", &port);

	connect_to(AF_INET, port);
	accept_from(fd, "127.0.0.1");
}

TEST(listen_on_a_port_alone_takes_ipv6_where_there_is_any)
{
	uint16_t port;
	int fd = open_at("0", &port);
	int six = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 loopback = {
	    .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};

	if (six == -1 ||
	    bind(six, (struct sockaddr *)&loopback, sizeof(loopback)) == -1)
		return;
	connect_to(AF_INET6, port);
	accept_from(fd, "::1");
}

TEST(listen_on_an_ipv4_address_takes_no_other)
{
	uint16_t port;
	int fd = open_at("127.0.0.1:0", &port);
	char name[LISTEN_NAME_MAX];

	connect_to(AF_INET, port);
	accept_from(fd, "127.0.0.1");
	CHECK(strncmp(listen_name(fd, name), "127.0.0.1:", 10) == 0);
}

TEST(listen_never_blocks_in_accept)
{
	uint16_t port;
	int fd = open_at("127.0.0.1:0", &port);

	CHECK_EQ(accept4(fd, NULL, NULL, 0), -1);
	CHECK_EQ(errno, EAGAIN);
}

TEST(listen_fails_on_a_port_in_use)
{
	struct listen_address a;
	uint16_t port;

	open_at("127.0.0.1:0", &port);
	CHECK_EQ(listen_parse("127.0.0.1:0", &a), 0);
	a.port = port;
	CHECK_EQ(listen_open(&a), -1);
	CHECK_EQ(errno, EADDRINUSE);
}

static int
option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK_EQ(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

TEST(listen_passes_its_options_on_to_what_it_accepts)
{
	uint16_t port;
	int fd = open_at("127.0.0.1:0", &port);
	int got;

	connect_to(AF_INET, port);
	got = accept_from(fd, "127.0.0.1");
	CHECK(option_of(got, IPPROTO_TCP, TCP_NODELAY));
	CHECK(option_of(got, SOL_SOCKET, SO_KEEPALIVE));
	CHECK(option_of(got, SOL_SOCKET, SO_OOBINLINE));
	CHECK_EQ(option_of(got, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	CHECK_EQ(option_of(got, IPPROTO_TCP, TCP_KEEPINTVL), 15);
	CHECK_EQ(option_of(got, IPPROTO_TCP, TCP_KEEPCNT), 4);
	CHECK_EQ(option_of(got, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 16 * 1024);
	/* A client may be silent and deaf for hours: see listen.c. */
	CHECK_EQ(option_of(got, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
}
