/* SPDX-License-Identifier: MIT */
/*
 * The master: gives connections slots and seats, passes fds within its
 * credits, obeys the holder of a slot, reaps the dead and starts successors.
 * After master/: slots.c, pass.c, requests.c, reap.c, spawn.c.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/model/sim/sim.h"

#define CREDITS 2 /* fewer than the real one, so that they run out */

struct parcel *
queue_push(struct queue *q)
{
	struct parcel *p;

	if (q->parcels == NULL)
		q->parcels = calloc(QUEUE_MAX, sizeof(*q->parcels));
	if (q->parcels == NULL || q->count == QUEUE_MAX)
		abort();
	p = &q->parcels[(q->first + q->count++) % QUEUE_MAX];
	p->nconns = 0;
	return p;
}

bool
queue_pop(struct queue *q, struct parcel *out)
{
	if (q->count == 0)
		return false;
	*out = q->parcels[q->first];
	q->first = (q->first + 1) % QUEUE_MAX;
	q->count--;
	return true;
}

static void
queue_clear(struct queue *q)
{
	struct parcel parcel;

	while (queue_pop(q, &parcel))
		for (unsigned i = 0; i < parcel.nconns; i++)
			conn_drop(parcel.conns[i]);
}

static void
slot_free(uint32_t slot)
{
	struct master_state *m = &sim.master;

	m->slots[slot].seat = -1;
	m->slots[slot].queued = false;
	m->slots[slot].next = NONE;
	if (m->free_first == NONE)
		m->free_first = slot;
	else
		m->slots[m->free_last].next = slot;
	m->free_last = slot;
}

static void
pass_queue(uint32_t slot)
{
	struct master_state *m = &sim.master;
	struct desk *desk = &m->desks[m->slots[slot].seat];

	m->slots[slot].queued = true;
	m->slots[slot].next = NONE;
	if (desk->queue_first == NONE)
		desk->queue_first = slot;
	else
		m->slots[desk->queue_last].next = slot;
	desk->queue_last = slot;
}

static void
pass_unqueue(struct desk *desk)
{
	struct slot *s = &sim.master.slots[desk->queue_first];

	s->queued = false;
	desk->queue_first = s->next;
	s->next = NONE;
}

/* A client knocks.  False when there is no slot for it now. */
bool
master_accept(int client)
{
	struct master_state *m = &sim.master;
	uint32_t slot = m->free_first;
	struct client *c = &sim.clients[client];
	struct slot *s;

	if (slot == NONE || m->stopping)
		return false;
	s = &m->slots[slot];
	m->free_first = s->next;
	if (++s->gen == 0)
		s->gen++;
	s->seat = (int)random_below(sim.profile.nworkers);
	s->peer = (struct peer){
	    .id = ++m->next_id,
	    .kind = client_listener(c),
	};
	c->slot = slot;
	c->gen = s->gen;
	m->conns[slot] = c->conn;
	conn_hold(c->conn);
	pass_queue(slot);
	TRACE("client %d: slot %u, seat %d", client, slot, s->seat);
	return true;
}

static bool
holds(uint32_t seat, uint32_t slot, uint32_t gen)
{
	const struct slot *s = &sim.master.slots[slot];

	return slot < SLOTS && s->seat == (int)seat && s->gen == gen &&
	       !s->queued;
}

static void
on_closed(uint32_t seat, const struct channel_message *m)
{
	uint32_t slot = m->closed.slot;
	struct conn *c;

	/* Told twice: by the dead before it died, and by its successor. */
	if (!holds(seat, slot, m->closed.gen))
		return;
	TRACE("seat %u: slot %u is closed, reason %u", seat, slot,
	    m->closed.reason);
	c = sim.master.conns[slot];
	sim.master.conns[slot] = NULL;
	conn_drop(c);
	slot_free(slot);
}

static void
on_move(uint32_t seat, const struct channel_message *m)
{
	if (!holds(seat, m->move.slot, m->move.gen) ||
	    m->move.to >= sim.profile.nworkers || m->move.to == seat)
		return;
	TRACE("seat %u: slot %u moves to %u", seat, m->move.slot, m->move.to);
	sim.total.moves++;
	sim.master.slots[m->move.slot].seat = (int)m->move.to;
	pass_queue(m->move.slot);
}

static void
obey(uint32_t seat, const struct channel_message *m)
{
	struct desk *desk = &sim.master.desks[seat];

	switch (m->type) {
	case CHANNEL_READY:
		desk->phase = SEAT_READY;
		break;
	case CHANNEL_SETTLED:
		break;
	case CHANNEL_ACK:
		if (m->count > CREDITS - desk->credits)
			fail("seat %u: acknowledges %u too many", seat,
			    m->count - (CREDITS - desk->credits));
		desk->credits += m->count;
		break;
	case CHANNEL_CLOSED:
		on_closed(seat, m);
		break;
	case CHANNEL_MOVE:
		on_move(seat, m);
		break;
	default:
		fail("seat %u: a message of type %u", seat, m->type);
	}
}

static void
reap(uint32_t seat)
{
	struct desk *desk = &sim.master.desks[seat];
	struct parcel parcel;

	while (queue_pop(&desk->to_master, &parcel))
		obey(seat, &parcel.m);
	queue_clear(&desk->to_worker);
	desk->phase = SEAT_VACANT;
	desk->takeover = true;
}

static void
spawn(uint32_t seat)
{
	struct desk *desk = &sim.master.desks[seat];

	while (desk->queue_first != NONE)
		pass_unqueue(desk);
	proc_start(seat, desk->takeover);
	desk->credits = CREDITS;
	desk->phase = SEAT_STARTING;
}

void
master_reset(void)
{
	struct master_state *m = &sim.master;

	m->free_first = m->free_last = NONE;
	m->next_id = 0;
	m->stopping = false;
	for (uint32_t i = 0; i < SLOTS; i++) {
		m->slots[i].gen = random_below(2);
		m->slots[i].seat = -1;
		m->conns[i] = NULL;
		if (i < sim.profile.slots)
			slot_free(i);
	}
	for (unsigned i = 0; i < SEATS; i++) {
		struct desk *desk = &m->desks[i];

		desk->to_worker.count = desk->to_master.count = 0;
		desk->phase = SEAT_VACANT;
		desk->takeover = false;
		desk->queue_first = desk->queue_last = NONE;
		desk->to_master_max = 2 + random_below(QUEUE_MAX - 2);
	}
	for (uint32_t i = 0; i < sim.profile.nworkers; i++)
		spawn(i);
}

static void
pass_some(uint32_t seat)
{
	struct desk *desk = &sim.master.desks[seat];
	struct parcel *p = queue_push(&desk->to_worker);
	unsigned n = 0, most = 1 + random_below(3);

	p->m = (struct channel_message){.type = CHANNEL_PASS};
	while (desk->queue_first != NONE && n < most) {
		uint32_t slot = desk->queue_first;
		struct slot *s = &sim.master.slots[slot];

		p->m.pass[n].slot = slot;
		p->m.pass[n].gen = s->gen;
		p->m.pass[n].peer = s->peer;
		p->conns[n] = sim.master.conns[slot];
		conn_hold(p->conns[n]);
		pass_unqueue(desk);
		n++;
	}
	p->m.count = p->nconns = n;
	desk->credits--;
}

/* One thing for one seat, if there is one to do. */
static bool
seat_step(uint32_t seat)
{
	struct desk *desk = &sim.master.desks[seat];
	struct parcel parcel;

	if (desk->phase == SEAT_VACANT) {
		if (sim.master.stopping)
			return false;
		spawn(seat);
		return true;
	}
	if (sim.procs[seat].state == PROC_DEAD) {
		reap(seat);
		return true;
	}
	if (desk->phase == SEAT_READY && desk->queue_first != NONE &&
	    desk->credits > 0) {
		pass_some(seat);
		return true;
	}
	if (queue_pop(&desk->to_master, &parcel)) {
		obey(seat, &parcel.m);
		return true;
	}
	return false;
}

/* The server is to stop: nobody is let in any more, and nobody succeeds. */
void
master_stop(void)
{
	/* Those who die now have no successors; that is another story. */
	sim.deaths_on = false;
	for (uint32_t i = 0; i < sim.profile.nworkers; i++)
		if (sim.master.desks[i].phase != SEAT_READY ||
		    sim.procs[i].state == PROC_DEAD)
			return;
	sim.master.stopping = true;
	TRACE("the master stops all");
	for (uint32_t i = 0; i < sim.profile.nworkers; i++) {
		struct parcel *p = queue_push(&sim.master.desks[i].to_worker);

		p->m = (struct channel_message){.type = CHANNEL_STOP};
	}
}

/* All workers have ended: whoever is left was between two of them. */
bool
master_exit(void)
{
	bool any = false;

	for (uint32_t i = 0; i < SLOTS; i++) {
		if (sim.master.conns[i] == NULL)
			continue;
		conn_drop(sim.master.conns[i]);
		sim.master.conns[i] = NULL;
		any = true;
	}
	return any;
}

/* One thing, for a seat at random.  False when there is nothing to do. */
bool
master_step(void)
{
	uint32_t n = sim.profile.nworkers, first = random_below(n);

	for (uint32_t i = 0; i < n; i++)
		if (seat_step((first + i) % n))
			return true;
	return false;
}

/* Are all slots free, and is nothing under way? */
bool
master_at_rest(void)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		if (sim.master.slots[i].seat != -1)
			return false;
	return true;
}
