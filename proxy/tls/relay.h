/* SPDX-License-Identifier: MIT */
/*
 * Bytes go both ways between a client that speaks TLS and the clear side, at
 * the pace of the slower one: what has been read from one side and not been
 * taken by the other is at most CHUNK bytes, and until that is gone nothing
 * more is read.
 *
 * An end is passed on as an end: close_notify, a FIN without it, and a reset
 * alike become a FIN on the clear side, behind all that came before; a FIN
 * there becomes close_notify and a FIN.
 */
#ifndef PROXY_TLS_RELAY_H
#define PROXY_TLS_RELAY_H

#include "proxy/tls/tls.h"

/* Of which side something is known: it may be read, or written. */
enum {
	RELAY_CLIENT = 1,
	RELAY_CLEAR = 2,
};

/*
 * Carry what can be carried without waiting; only a side that is in `ready`
 * is read.  Returns true when there is more to do at once, on both sides
 * perhaps: it stopped so that others have their turn.
 */
bool relay_run(struct tls *t, struct conn *c, unsigned ready);

/* What each side is to be waited for: EPOLLIN, EPOLLOUT, or 0. */
uint32_t relay_wants_client(const struct conn *c);
uint32_t relay_wants_clear(const struct conn *c);

/* Has everything been sent, both ways, and both ends? */
bool relay_is_over(const struct conn *c);

void relay_free(struct conn *c);

#endif
