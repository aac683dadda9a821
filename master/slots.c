/* SPDX-License-Identifier: MIT */
/*
 * Slots are used first in, first out, so that a number comes back as late as
 * possible.  See slots.h.
 */
#include "master/slots.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static void
slots_push_free(struct master *m, uint32_t slot)
{
	m->slots[slot].next = NONE;
	if (m->free_first == NONE)
		m->free_first = slot;
	else
		m->slots[m->free_last].next = slot;
	m->free_last = slot;
}

int
slots_make(struct master *m)
{
	uint8_t key[HASH_KEY_BYTES];

	m->nslots = m->options.max_clients;
	if (getrandom(key, sizeof(key), 0) != sizeof(key) ||
	    budget_init(&m->budget, m->nslots, key) == -1)
		return -1;
	rate_init(&m->rate, key);
	m->slots = calloc(m->nslots, sizeof(*m->slots));
	if (!m->slots) {
		budget_fini(&m->budget);
		return -1;
	}
	m->free_first = m->free_last = NONE;
	for (uint32_t i = 0; i < m->nslots; i++) {
		m->slots[i].seat = -1;
		slots_push_free(m, i);
	}
	return 0;
}

void
slots_unmake(struct master *m)
{
	free(m->slots);
	m->slots = NULL;
	budget_fini(&m->budget);
}

uint32_t
slots_take(struct master *m, const struct peer *peer)
{
	uint32_t slot = m->free_first;
	struct slot *s;

	if (slot == NONE)
		return NONE;
	s = &m->slots[slot];
	m->free_first = s->next;
	s->next = NONE;
	s->gen++;
	if (s->gen == 0) /* 0 is what no connection ever had */
		s->gen++;
	s->peer = *peer;
	budget_charge(&m->budget, peer->addr);
	return slot;
}

/* Counts a seat's connections, and tells the world. */
static void
slots_count(struct master *m, int seat, int change)
{
	if (seat < 0)
		return;
	m->seats[seat].sessions += (unsigned)change;
	atomic_store_explicit(&m->instance.status->seats[seat].sessions,
	    m->seats[seat].sessions, memory_order_relaxed);
}

void
slots_assign(struct master *m, uint32_t slot, uint32_t seat)
{
	slots_count(m, m->slots[slot].seat, -1);
	m->slots[slot].seat = (int)seat;
	slots_count(m, (int)seat, +1);
}

void
slots_free(struct master *m, uint32_t slot)
{
	close(slots_fd(slot));
	slots_count(m, m->slots[slot].seat, -1);
	budget_release(&m->budget, m->slots[slot].peer.addr);
	m->slots[slot].seat = -1;
	m->slots[slot].queued = false;
	slots_push_free(m, slot);
}

bool
slots_holds(const struct master *m, uint32_t seat, uint32_t slot, uint32_t gen)
{
	const struct slot *s;

	if (slot >= m->nslots)
		return false;
	s = &m->slots[slot];
	return s->seat == (int)seat && s->gen == gen && !s->queued;
}
