/* SPDX-License-Identifier: MIT */
/*
 * The link to the master: its orders, and what it is told of connections.
 */
#ifndef PROXY_TLS_LINK_H
#define PROXY_TLS_LINK_H

#include "proxy/tls/tls.h"

/* Say that we serve. */
void link_ready(struct tls *t, uint64_t began_us);

/* Messages have come, or the end of the channel: t->deaf then. */
void link_on_readable(struct tls *t);

/* Answer pings. */
void link_on_ping(struct tls *t);

/*
 * Tell the master of a connection: that it is handed back, if c->handed is an
 * fd, or else that it has come to nothing, for c->reason.  What can't be told
 * now is told later, in order.
 */
void link_tell(struct tls *t, struct conn *c);

/* The master need not know any more. */
void link_forget(struct tls *t, struct conn *c);

/* Tell what has waited, and listen to the master if there is room for more. */
void link_flush(struct tls *t);

#endif
