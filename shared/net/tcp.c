/* SPDX-License-Identifier: MIT */
#include "shared/net/tcp.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h> /* glibc's struct tcp_info lacks the byte counters */
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define TRIES 1000

/* The states of tcp(7) that linux/tcp.h doesn't name. */
enum {
	STATE_CLOSE = 7,
	STATE_CLOSE_WAIT = 8,
	STATE_LAST_ACK = 9,
	STATE_CLOSING = 11,
	STATE_TIME_WAIT = 6,
};

static int
tcp_info(int fd, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len);
}

/* Has the peer's FIN been counted among the bytes received? */
static bool
fin_seen(int state)
{
	return state == STATE_CLOSE_WAIT || state == STATE_LAST_ACK ||
	       state == STATE_CLOSING || state == STATE_TIME_WAIT;
}

int
tcp_counts(int fd, struct tcp_counts *counts)
{
	struct tcp_info before, after;
	int in, out;

	if (tcp_info(fd, &before) == -1)
		return -1;
	for (int i = 0; i < TRIES; i++) {
		if (ioctl(fd, SIOCINQ, &in) == -1 ||
		    ioctl(fd, SIOCOUTQ, &out) == -1 ||
		    tcp_info(fd, &after) == -1)
			return -1;
		if (before.tcpi_bytes_received == after.tcpi_bytes_received &&
		    before.tcpi_bytes_acked == after.tcpi_bytes_acked &&
		    before.tcpi_state == after.tcpi_state) {
			counts->state = after.tcpi_state;
			counts->read = after.tcpi_bytes_received -
				       (uint64_t)in -
				       fin_seen(after.tcpi_state);
			counts->accepted =
			    after.tcpi_bytes_acked + (uint64_t)out;
			return 0;
		}
		before = after;
	}
	errno = EBUSY;
	return -1;
}
