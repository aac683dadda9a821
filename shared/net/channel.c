/* SPDX-License-Identifier: MIT */
/*
 * A message is the beginning of the struct, as far as its type uses it: the
 * smaller it is, the more of them queue.  The pair is local and both ends are
 * the same build, so the size is all there is to check.  See channel.h.
 */
#include "shared/net/channel.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/base.h"

/* Control data for the fds of one message, aligned as the kernel wants it. */
union control {
	char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_FDS)];
	struct cmsghdr align;
};

#define END_OF(member)                                                         \
	(offsetof(struct channel_message, member) +                            \
	    sizeof(((struct channel_message *)0)->member))

static_assert(END_OF(count) == offsetof(struct channel_message, pass),
    "connections follow their count");

/* Bytes of a message on the wire; 0 when it is none. */
static size_t
channel_size(const struct channel_message *m)
{
	switch ((enum channel_type)m->type) {
	case CHANNEL_PASS:
		if (m->count > CHANNEL_FDS)
			return 0;
		return END_OF(count) + m->count * sizeof(m->pass[0]);
	case CHANNEL_STOP:
	case CHANNEL_LOG:
	case CHANNEL_RELOAD:
	case CHANNEL_POLICY:
	case CHANNEL_ASKED:
	case CHANNEL_BANS:
	case CHANNEL_ACK:
	case CHANNEL_SETTLED:
		return END_OF(count);
	case CHANNEL_READY:
		return END_OF(ready);
	case CHANNEL_CLOSED:
		return END_OF(closed);
	case CHANNEL_MOVE:
		return END_OF(move);
	case CHANNEL_CLEAR:
		return END_OF(clear);
	}
	return 0;
}

int
channel_pair(int fds[2])
{
	return socketpair(
	    AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
}

int
channel_send(
    int fd, const struct channel_message *m, const int *fds, unsigned nfds)
{
	struct channel_message copy = *m; /* an iovec isn't const */
	struct iovec iov = {.iov_base = &copy, .iov_len = channel_size(m)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;

	if (nfds > CHANNEL_FDS || iov.iov_len == 0) {
		errno = EINVAL;
		return -1;
	}
	if (nfds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	/* A packet goes whole or not at all. */
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == -1 ? -1 : 0;
}

/* Takes the fds out of the control data.  Room for all was given. */
static void
channel_take_fds(struct msghdr *msg, int *fds, unsigned *nfds)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		*nfds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), *nfds * sizeof(int));
	}
}

int
channel_recv(int fd, struct channel_message *m, int *fds, unsigned *nfds)
{
	union control control;
	struct iovec iov = {.iov_base = m, .iov_len = sizeof(*m)};
	struct msghdr msg = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	*nfds = 0;
	memset(m, 0, sizeof(*m));
	/*
	 * When an end dies with messages unread, the other one reads
	 * ECONNRESET, once, and only then what the dead had sent.
	 */
	do
		n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == ECONNRESET);
	if (n <= 0)
		return (int)n;
	channel_take_fds(&msg, fds, nfds);
	if ((size_t)n >= END_OF(count) && (size_t)n == channel_size(m) &&
	    !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) &&
	    ((m->type != CHANNEL_PASS && m->type != CHANNEL_LOG &&
		 m->type != CHANNEL_CLEAR && m->type != CHANNEL_POLICY) ||
		m->count == *nfds))
		return 1;
	while (*nfds > 0)
		close(fds[--*nfds]);
	errno = EPROTO;
	return -1;
}
