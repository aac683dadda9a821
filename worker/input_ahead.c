/* SPDX-License-Identifier: MIT */
/* What is looked at of a connection's input before its turn. */
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "proxy/telnet.h"
#include "worker/web.h"

#define PEEK_MAX (SCRATCH_SIZE / 2 - 8) /* bytes: a line or two */

/* What is in the connection's queue, at most `size` bytes; it stays there. */
static size_t
input_peek(uint32_t slot, char *to, size_t size)
{
	ssize_t n;

	do {
		n = recv(session_fd(slot), to, size, MSG_DONTWAIT | MSG_PEEK);
	} while (n == -1 && errno == EINTR);
	return n > 0 ? (size_t)n : 0;
}

/* How much text are these bytes, behind what was just read? */
static uint64_t
input_measure(struct worker *w, uint32_t slot, const char *in, size_t len)
{
	const bool telnet = session_is_telnet(session_row(w, slot));
	struct telnet_shm t = w->telnet;
	struct ws_shm ws = w->ws;
	uint64_t text = 0;
	size_t n;

	while (len > 0) {
		n = MIN(len, (size_t)PEEK_MAX);
		text += telnet ? telnet_decode(&t, in, n, w->scratch)
			       : web_peek(w, &ws, in, n, w->scratch);
		in += n;
		len -= n;
	}
	return text;
}

/*
 * How much text is in the connection's queue, behind what was just read?
 * Without memory for all of it, as far as a line or two go.
 */
uint64_t
input_queued(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	char *half = w->scratch + SCRATCH_SIZE / 2, *all;
	int queued = 0;
	uint64_t text;

	if (ioctl(session_fd(slot), SIOCINQ, &queued) == -1 || queued <= 0)
		return 0;
	if (!session_is_telnet(s) && !web_is_upgraded(s))
		return (uint64_t)queued;
	all = malloc((size_t)queued);
	text = all != NULL ? input_measure(w, slot, all,
				 input_peek(slot, all, (size_t)queued))
			   : input_measure(w, slot, half,
				 input_peek(slot, half, PEEK_MAX));
	if (all != NULL)
		explicit_bzero(all, (size_t)queued);
	explicit_bzero(w->scratch, SCRATCH_SIZE);
	free(all);
	return text;
}

/*
 * Has a telnet client said that it wants no more of a long reply (AO, Ctrl-O)?
 * Its input may have to wait for that very reply, so it is looked at ahead;
 * that is no harm, since the key does nothing more when its turn comes.
 */
bool
input_discards(struct worker *w, uint32_t slot)
{
	const struct session_shm *s = session_row(w, slot);
	struct telnet_shm telnet = s->telnet;
	char *half = w->scratch + SCRATCH_SIZE / 2;
	const char *text;
	size_t len;

	if (!session_is_telnet(s))
		return false;
	text = input_kept(w, slot, &len);
	if (len > 0 && memchr(text, TELNET_KEY_DISCARD, len) != NULL)
		return true;
	len = input_peek(slot, half, PEEK_MAX);
	len = telnet_decode(&telnet, half, len, w->scratch);
	return len > 0 && memchr(w->scratch, TELNET_KEY_DISCARD, len) != NULL;
}
