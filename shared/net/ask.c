/* SPDX-License-Identifier: MIT */
/* See ask.h. */
#include "shared/net/ask.h"

#include <string.h>
#include <sys/socket.h>

int
ask_receive(int fd, struct ask_question *q)
{
	ssize_t n = recv(fd, q, sizeof(*q), MSG_DONTWAIT | MSG_TRUNC);

	if (n == -1)
		return -1;
	return n == (ssize_t)sizeof(*q) && q->name_len <= sizeof(q->name) &&
	       q->password_len <= sizeof(q->password);
}

void
ask_reply(int fd, uint64_t id, enum ask_verdict verdict)
{
	struct ask_answer a;

	memset(&a, 0, sizeof(a));
	a.id = id;
	a.verdict = (uint8_t)verdict;
	/* One that can't be taken is asked for again, by and by. */
	(void)send(fd, &a, sizeof(a), MSG_DONTWAIT | MSG_NOSIGNAL);
}
