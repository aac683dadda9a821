/* SPDX-License-Identifier: MIT */
/*
 * What the kernel knows about a connection: how many bytes it really gave to
 * the process and really took from it.  This is what a successor reconciles
 * its predecessor's notes with.
 */
#ifndef SHARED_NET_TCP_H
#define SHARED_NET_TCP_H

#include <stdint.h>

struct tcp_counts {
	uint64_t read;     /* bytes that left the receive queue */
	uint64_t accepted; /* bytes that entered the send queue */
	int state;         /* TCP_ESTABLISHED etc. */
};

/*
 * Count for the accepted end `fd`.  After FIN and RST `read` may be one too
 * high.  Returns 0, or -1 with errno (EBUSY: traffic so lively that no
 * consistent view was had in many tries).
 *
 * tcp(7); tcpi_bytes_received counts a FIN as a byte, SIOCINQ does not.
 */
int tcp_counts(int fd, struct tcp_counts *counts);

#endif
