/* SPDX-License-Identifier: MIT */
/*
 * All that was committed, in the ring's order, copied at the very moment of
 * the commit and checked as it comes: a client's messages come as it sent
 * them, once and in order, between its join and its leave.
 */
#include <string.h>

#include "shared/chat/text.h"
#include "tests/model/sim/sim.h"

void
oracle_reset(void)
{
	sim.oracle.count = 0;
	sim.oracle.text.len = 0;
	memset(sim.oracle.rooms, 0, sizeof(sim.oracle.rooms));
}

static int
client_of(const struct desc_shm *d)
{
	for (int i = 0; i < CLIENTS; i++)
		if (sim.clients[i].connected &&
		    sim.clients[i].slot == d->sender &&
		    sim.clients[i].gen == d->sender_gen)
			return i;
	fail("a record of slot %u, generation %u, which nobody has", d->sender,
	    d->sender_gen);
}

/* The client in that slot may be refused the half-line it has sent. */
void
oracle_evict(uint32_t slot)
{
	for (int i = 0; i < CLIENTS; i++) {
		struct client *c = &sim.clients[i];

		if (c->connected && !c->done && c->slot == slot)
			c->evictions++;
	}
}

static size_t
said_from(const struct client *c, int i)
{
	return i > 0 ? c->said_end[i - 1] : 0;
}

/* Is this line the client's next message?  It is, after what was evicted. */
static bool
is_next(struct client *c, const char *line, size_t len)
{
	int i = c->published;

	for (; i < c->nsaid && i - c->published <= c->evictions; i++) {
		if (len != c->said_end[i] - said_from(c, i) ||
		    memcmp(line, c->said.data + said_from(c, i), len) != 0)
			continue;
		c->published = i;
		return true;
	}
	return false;
}

static void
on_message(struct client *c, const struct entry *e, const char *line)
{
	if (c->join < 0 || c->leave >= 0)
		fail("%s: a message outside its room", c->name);
	if (c->published == c->nsaid)
		fail("%s: said more than it said: %.*s", c->name, (int)e->len,
		    line);
	if (!is_next(c, line, e->len))
		fail("%s: committed is %.*s, next was %.*s", c->name,
		    (int)e->len, line,
		    (int)(c->said_end[c->published] -
			  said_from(c, c->published)),
		    c->said.data + said_from(c, c->published));
	c->published++;
	if (e->room_msg != sim.oracle.rooms[e->room].messages++)
		fail("%s: message has number %llu in its room", c->name,
		    (unsigned long long)e->room_msg);
}

static void
on_join(struct client *c, const struct desc_shm *d, const struct entry *e)
{
	bool fresh = (d->flags & RECORD_ROOM_NEW) != 0;

	if (c->join >= 0)
		fail("%s joins twice", c->name);
	if (sim.oracle.rooms[e->room].live == fresh)
		fail("%s joins a room that is %s", c->name,
		    fresh ? "made over another" : "not there");
	if (fresh) {
		for (int i = 0; i < ROOMS; i++)
			if (sim.oracle.rooms[i].live &&
			    sim.oracle.rooms[i].room == c->room)
				fail("%s makes a room that exists", c->name);
		sim.oracle.rooms[e->room].live = true;
		sim.oracle.rooms[e->room].members = 0;
		sim.oracle.rooms[e->room].messages = 0;
		sim.oracle.rooms[e->room].room = c->room;
	}
	if (sim.oracle.rooms[e->room].room != c->room)
		fail("%s joins the wrong room", c->name);
	sim.oracle.rooms[e->room].members++;
	c->join = sim.oracle.count;
}

static void
on_leave(struct client *c, const struct desc_shm *d, const struct entry *e)
{
	bool ends = (d->flags & RECORD_ROOM_ENDS) != 0;

	if (c->join < 0 || c->leave >= 0)
		fail("%s leaves, but is not there", c->name);
	if (!c->resets && !sim.profile.stops &&
	    c->published + c->evictions < c->nsaid)
		fail("%s leaves, and %d of its %d messages were published",
		    c->name, c->published, c->nsaid);
	if (ends != (--sim.oracle.rooms[e->room].members == 0))
		fail("%s leaves, and its room %s", c->name,
		    ends ? "ends" : "does not end");
	if (ends)
		sim.oracle.rooms[e->room].live = false;
	c->leave = sim.oracle.count;
}

static void
commit(const struct desc_shm *d)
{
	const char *line = sim.seg.bytes + (d->pos & (RING_BYTES - 1));
	struct oracle *o = &sim.oracle;
	struct entry *e = &o->entries[o->count];
	int i = client_of(d);

	if (o->count == ENTRIES)
		fail("more records than there is room for");
	*e = (struct entry){d->type, d->flags, i, d->room, d->room_gen,
	    d->room_msg, o->text.len, d->len};
	bytes_add(&o->text, line, d->len);
	TRACE("committed: %.*s (client %d)", (int)d->len - 1, line, i);
	if (d->room >= ROOMS)
		fail("a record of room %u", d->room);
	if (d->type == RECORD_MESSAGE)
		on_message(&sim.clients[i], e, line);
	else if (d->type == RECORD_JOIN)
		on_join(&sim.clients[i], d, e);
	else if (d->type == RECORD_LEAVE)
		on_leave(&sim.clients[i], d, e);
	else
		fail("a record of type %u", d->type);
	o->count++;
}

void
oracle_commit(uint64_t from, uint64_t to)
{
	if (to < from || to - from > BATCH_RECORDS)
		fail("the head goes from %llu to %llu",
		    (unsigned long long)from, (unsigned long long)to);
	for (uint64_t n = from; n < to; n++)
		commit(&sim.seg.desc[n % sim.seg.layout.ndesc]);
}
