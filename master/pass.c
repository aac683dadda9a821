/* SPDX-License-Identifier: MIT */
/* See pass.h. */
#include "master/pass.h"

#include <errno.h>

#include "master/slots.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"

#define RETRY_US (10 * 1000)

void
pass_queue(struct master *m, uint32_t slot)
{
	struct seat *seat = &m->seats[m->slots[slot].seat];

	m->slots[slot].queued = true;
	m->slots[slot].next = NONE;
	if (seat->queue_first == NONE)
		seat->queue_first = slot;
	else
		m->slots[seat->queue_last].next = slot;
	seat->queue_last = slot;
}

/* Takes the first `n` off the queue. */
static void
pass_unqueue(struct master *m, struct seat *seat, unsigned n)
{
	while (n-- > 0) {
		struct slot *s = &m->slots[seat->queue_first];

		s->queued = false;
		seat->queue_first = s->next;
		s->next = NONE;
	}
}

void
pass_forget(struct master *m, uint32_t seat)
{
	while (m->seats[seat].queue_first != NONE)
		pass_unqueue(m, &m->seats[seat], 1);
}

/* Fills a message with the first of the queue, but takes none off it. */
static unsigned
pass_fill(const struct master *m, const struct seat *seat,
    struct channel_message *message, int fds[CHANNEL_FDS])
{
	uint32_t slot = seat->queue_first;
	unsigned n = 0;

	*message = (struct channel_message){.type = CHANNEL_PASS};
	for (; slot != NONE && n < CHANNEL_FDS; n++) {
		message->pass[n].slot = slot;
		message->pass[n].gen = m->slots[slot].gen;
		message->pass[n].peer = m->slots[slot].peer;
		fds[n] = slots_fd(slot);
		slot = m->slots[slot].next;
	}
	message->count = n;
	return n;
}

/*
 * Sends one message.  False when the channel takes no more: it is full, too
 * many fds are under way (unix(7)), or the worker has died and will be reaped.
 */
static bool
pass_send_one(struct master *m, struct seat *seat)
{
	struct channel_message message;
	int fds[CHANNEL_FDS] = {0};
	unsigned n = pass_fill(m, seat, &message, fds);

	if (channel_send(seat->channel, &message, fds, n) == -1) {
		if (errno != EPIPE && errno != ECONNRESET)
			m->pass_retry_us = clock_us() + RETRY_US;
		return false;
	}
	pass_unqueue(m, seat, n);
	seat->credits--;
	FAULT_POINT("master.passed");
	return true;
}

void
pass_send(struct master *m)
{
	m->pass_retry_us = 0;
	for (uint32_t i = 0; i < m->nseats; i++) {
		struct seat *seat = &m->seats[i];

		while (seat->phase == SEAT_READY && seat->queue_first != NONE &&
		       seat->credits > 0 && pass_send_one(m, seat))
			continue;
	}
}

uint64_t
pass_due_us(const struct master *m)
{
	return m->pass_retry_us != 0 ? m->pass_retry_us : UINT64_MAX;
}
