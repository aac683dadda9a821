/* SPDX-License-Identifier: MIT */
/*
 * A connection, from the master's passing it on to its end.
 */
#ifndef PROXY_TLS_CONN_H
#define PROXY_TLS_CONN_H

#include "proxy/tls/tls.h"

/* Take a connection over, with its fd. */
void conn_new(struct tls *t, int fd, uint32_t slot, uint32_t gen,
    const struct peer *peer);

/*
 * Something happened at a side, or both (RELAY_CLIENT, RELAY_CLEAR): go on as
 * far as it goes without waiting.
 */
void conn_step(struct tls *t, struct conn *c, unsigned ready);

/* Begin handshakes that have waited, as many as there may be now. */
void conn_admit(struct tls *t);

/* Ends those whose time is over.  Returns when it is for the next, or
 * UINT64_MAX; CLOCK_MONOTONIC. */
uint64_t conn_expire(struct tls *t);

/* The server stops: who has not got through by now ends. */
void conn_stop(struct tls *t);

/* The end: both sockets are closed, now. */
void conn_close(struct tls *t, struct conn *c);

/* It can be freed once it has been told of. */
void conn_sweep(struct tls *t);

/* All is over; nobody is told anything. */
void conn_end_all(struct tls *t);

/* Move to another state, which begins its time. */
void conn_enter(struct tls *t, struct conn *c, enum conn_state state);

#endif
