/* SPDX-License-Identifier: MIT */
/*
 * Tell the service manager how we are: the protocol of sd_notify(3), a
 * datagram to the unix socket that $NOTIFY_SOCKET names.
 */
#ifndef SHARED_NET_NOTIFY_H
#define SHARED_NET_NOTIFY_H

/*
 * Send `state` ("READY=1").  A socket name that begins with '@' is abstract.
 * Never blocks.  Returns 1 when it was sent, 0 when nobody wants to know, -1
 * with errno.
 */
int notify_send(const char *state);

#endif
