/* SPDX-License-Identifier: MIT */
/*
 * The loop of the TLS worker: one epoll set, level-triggered, and deadlines.
 */
#ifndef PROXY_TLS_LOOP_H
#define PROXY_TLS_LOOP_H

#include "proxy/tls/tls.h"

/*
 * Make the set and the listener for pairs; channel, ping, certs, files and
 * limits are the caller's to fill in first.  Returns 0, or -1 with errno.
 */
int loop_open(struct tls *t);

/* Serve until the master says stop and all connections have ended. */
void loop_run(struct tls *t);

void loop_close(struct tls *t);

#endif
