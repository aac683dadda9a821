/* SPDX-License-Identifier: MIT */
/*
 * One client of the echo server: bytes in, bytes out, no sockets.
 *
 * At most it holds a message of the limit's size, and its echo with what came
 * in the same packet: peer_read is to be called only when nothing waits to be
 * sent.
 */
#ifndef TESTS_WSECHO_PEER_H
#define TESTS_WSECHO_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/ws.h"

struct bytes {
	char *at;
	size_t len, room;
};

enum peer_state {
	PEER_HEAD,   /* the request is not complete yet */
	PEER_OPEN,   /* frames go to and fro */
	PEER_CLOSED, /* all has been said: send it, then shut the connection */
};

struct peer {
	enum peer_state state;
	struct ws_shm ws;
	uint64_t limit;     /* bytes of a message */
	struct bytes in;    /* the head; then the message so far */
	struct bytes small; /* payload of a control frame */
	struct bytes out;   /* to be sent, from `sent` on */
	size_t sent;
};

/* All zero but the limit is a new client. */
void peer_fini(struct peer *p);

/* Takes what came; it is overwritten. */
void peer_read(struct peer *p, char *data, size_t len);

/* What waits to be sent. */
size_t peer_waiting(const struct peer *p, const char **data);

/* So much of it was. */
void peer_sent(struct peer *p, size_t len);

#endif
