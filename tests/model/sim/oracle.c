/* SPDX-License-Identifier: MIT */
/*
 * All that was committed, in the ring's order, copied at the very moment of
 * the commit and checked as it comes: a client's lines come as it sent them,
 * once and in order, under the name it has and in the room where it is.
 */
#include <stdio.h>
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
client_of_slot(uint32_t slot, uint32_t gen)
{
	for (int i = 0; i < CLIENTS; i++)
		if (sim.clients[i].connected && sim.clients[i].slot == slot &&
		    sim.clients[i].gen == gen)
			return i;
	fail("a record of slot %u, generation %u, which nobody has", slot, gen);
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

/* Is it in a room, as far as the log tells? */
bool
oracle_joined(const struct client *c)
{
	return c->nstays > 0 && c->stays[c->nstays - 1].leave < 0;
}

static const struct stay *
stay_now(const struct client *c)
{
	if (!oracle_joined(c))
		fail("%s: is in no room", c->name);
	return &c->stays[c->nstays - 1];
}

static int
room_now(const struct client *c)
{
	return sim.oracle.rooms[stay_now(c)->room].room;
}

/* The line that others read of the item; returns its length. */
static size_t
item_line(const struct client *c, const struct item *item, char *line)
{
	static const char *const before[] = {[RECORD_MESSAGE] = "",
	    [RECORD_ACTION] = "* ",
	    [RECORD_PRIVATE] = "[private] ",
	    [RECORD_RENAME] = "*** ",
	    [RECORD_TOPIC] = "*** "};
	static const char *const behind[] = {[RECORD_MESSAGE] = ": ",
	    [RECORD_ACTION] = " ",
	    [RECORD_PRIVATE] = ": ",
	    [RECORD_RENAME] = " is now known as ",
	    [RECORD_TOPIC] = " set the topic: "};

	return (size_t)sprintf(line, "%s%s%s%.*s\n", before[item->type], c->now,
	    behind[item->type], (int)(item->to - item->from),
	    c->said.data + item->from);
}

/* May nothing have come of it?  To move where one is, to write to nobody. */
static bool
may_be_refused(const struct client *c, const struct item *item)
{
	return item->reply >= 0 ||
	       (item->type == RECORD_JOIN && item->room == room_now(c));
}

static bool
is_item(const struct client *c, const struct item *item,
    const struct desc_shm *d, const char *line)
{
	char expected[MAX_LINE + 128];

	if (item->type != d->type)
		return false;
	if (d->type == RECORD_JOIN)
		return sim.oracle.rooms[d->room].room == item->room;
	return item_line(c, item, expected) == d->len &&
	       memcmp(line, expected, d->len) == 0;
}

/*
 * Which of the client's items is that record?  Its next one, after those that
 * may have been refused or evicted.
 */
static const struct item *
item_of(struct client *c, const struct desc_shm *d, const char *line)
{
	static const struct item rest = {.type = RECORD_MESSAGE, .reply = -1};
	int skipped = 0;

	for (int i = c->published; i < c->nitems && skipped <= c->evictions;
	     i++) {
		struct item *item = &c->items[i];

		if (is_item(c, item, d, line)) {
			c->published = i + 1;
			if (item->reply >= 0)
				c->replies[item->reply] = CHAT_OK;
			sim.total.commands += item->type != RECORD_MESSAGE;
			return item;
		}
		skipped += !may_be_refused(c, item);
	}
	/* A row is given up, and what is typed on is another one. */
	if (c->edits && c->evictions > 0 && d->type == RECORD_MESSAGE)
		return &rest;
	fail("%s: committed is %.*s, which it did not say next", c->name,
	    (int)d->len, line);
}

/* Is all done that it has said, but for what was refused or evicted? */
static bool
all_published(const struct client *c)
{
	int missing = 0;

	for (int i = c->published; i < c->nitems; i++)
		missing += !may_be_refused(c, &c->items[i]);
	return missing <= c->evictions;
}

/* A line said in the room, or to somebody. */
static void
on_item(struct client *c, const struct desc_shm *d, struct entry *e,
    const char *line)
{
	const struct stay *s = stay_now(c);
	const struct item *item = item_of(c, d, line);

	if (d->type == RECORD_PRIVATE) {
		e->to_client = client_of_slot(d->target, d->target_gen);
		if (e->to_client != item->to_client)
			fail("%s: writes to %s", c->name,
			    sim.clients[e->to_client].name);
		s = stay_now(&sim.clients[e->to_client]);
	}
	if (e->room != s->room || e->room_gen != s->room_gen)
		fail("%s: says in the wrong room %.*s", c->name, (int)e->len,
		    line);
	if (d->type == RECORD_RENAME)
		snprintf(c->now, sizeof(c->now), "%.*s",
		    (int)(item->to - item->from), c->said.data + item->from);
	if (e->room_msg != sim.oracle.rooms[e->room].messages)
		fail("%s: message has number %llu in its room", c->name,
		    (unsigned long long)e->room_msg);
	sim.oracle.rooms[e->room].messages += record_is_talk(d->type);
}

static void
make_room(const struct client *c, const struct entry *e, int room)
{
	for (int i = 0; i < ROOMS; i++)
		if (sim.oracle.rooms[i].live &&
		    sim.oracle.rooms[i].room == room)
			fail("%s makes a room that exists", c->name);
	sim.oracle.rooms[e->room].live = true;
	sim.oracle.rooms[e->room].members = 0;
	sim.oracle.rooms[e->room].messages = 0;
	sim.oracle.rooms[e->room].room = room;
}

/* Which room does the record make, by its extra bytes? */
static int
named_room(const struct desc_shm *d, const char *line)
{
	int room;

	if (d->extra != 5 || sscanf(line + d->len + 4, "%1d", &room) != 1)
		fail("a join of a room without a name");
	return room;
}

static void
check_line(const struct client *c, const struct entry *e, const char *line)
{
	char expected[NOTICE_MAX];
	size_t len = strlen(c->now), n;

	n = e->type == RECORD_JOIN
		? notice_join(expected, sizeof(expected), c->now, len)
		: notice_leave(expected, sizeof(expected), c->now, len);
	if (e->len != n || memcmp(line, expected, n) != 0)
		fail("%s: its line is %.*s", c->now, (int)e->len, line);
}

static void
on_join(struct client *c, const struct desc_shm *d, const struct entry *e,
    const char *line)
{
	bool fresh = (d->flags & RECORD_ROOM_NEW) != 0;
	int room = named_room(d, line);

	if (oracle_joined(c) || c->left || c->nstays == STAYS)
		fail("%s joins twice", c->name);
	check_line(c, e, line);
	if (sim.oracle.rooms[e->room].live == fresh)
		fail("%s joins a room that is %s", c->name,
		    fresh ? "made over another" : "not there");
	if (fresh)
		make_room(c, e, room);
	if (sim.oracle.rooms[e->room].room != room)
		fail("%s joins the wrong room", c->name);
	if (c->nstays == 0 ? room != c->room : item_of(c, d, line) == NULL)
		fail("%s joins Room%d", c->name, room);
	sim.oracle.rooms[e->room].members++;
	c->stays[c->nstays++] = (struct stay){
	    .join = sim.oracle.count,
	    .leave = -1,
	    .room = e->room,
	    .room_gen = e->room_gen,
	};
}

/* `moves`: its join of another room is in the same commit. */
static void
on_leave(struct client *c, const struct desc_shm *d, const struct entry *e,
    const char *line, bool moves)
{
	bool ends = (d->flags & RECORD_ROOM_ENDS) != 0;
	const struct stay *s = stay_now(c);

	check_line(c, e, line);
	if (e->room != s->room || e->room_gen != s->room_gen)
		fail("%s leaves the wrong room", c->name);
	if (!moves && !c->resets && !sim.profile.stops && !all_published(c))
		fail("%s leaves, and %d of its %d lines were published, and "
		     "not this one of type %u: %.*s",
		    c->name, c->published, c->nitems,
		    c->items[c->published].type,
		    (int)(c->items[c->published].to -
			  c->items[c->published].from),
		    c->said.data + c->items[c->published].from);
	if (ends != (--sim.oracle.rooms[e->room].members == 0))
		fail("%s leaves, and its room %s", c->name,
		    ends ? "ends" : "does not end");
	if (ends)
		sim.oracle.rooms[e->room].live = false;
	c->stays[c->nstays - 1].leave = sim.oracle.count;
	c->left = !moves;
}

/* `next` is the record behind it in the same commit, or NULL. */
static void
commit(const struct desc_shm *d, const struct desc_shm *next)
{
	const char *line = sim.seg.bytes + (d->pos & (RING_BYTES - 1));
	struct oracle *o = &sim.oracle;
	struct entry *e = &o->entries[o->count];
	int i = client_of_slot(d->sender, d->sender_gen);
	struct client *c = &sim.clients[i];

	if (o->count == ENTRIES)
		fail("more records than there is room for");
	*e = (struct entry){d->type, d->flags, i, -1, d->room, d->room_gen,
	    d->room_msg, o->text.len, d->len};
	bytes_add(&o->text, line, d->len);
	TRACE("committed: %.*s (client %d)", (int)d->len - 1, line, i);
	if (d->room >= ROOMS)
		fail("a record of room %u", d->room);
	switch ((enum record_type)d->type) {
	case RECORD_JOIN:
		on_join(c, d, e, line);
		break;
	case RECORD_LEAVE:
		on_leave(c, d, e, line,
		    next != NULL && next->type == RECORD_JOIN &&
			next->sender == d->sender);
		break;
	case RECORD_MESSAGE:
	case RECORD_ACTION:
	case RECORD_PRIVATE:
	case RECORD_RENAME:
	case RECORD_TOPIC:
		on_item(c, d, e, line);
		break;
	default:
		fail("a record of type %u", d->type);
	}
	o->count++;
}

void
oracle_commit(uint64_t from, uint64_t to)
{
	uint32_t ndesc = sim.seg.layout.ndesc;

	if (to < from || to - from > BATCH_RECORDS)
		fail("the head goes from %llu to %llu",
		    (unsigned long long)from, (unsigned long long)to);
	for (uint64_t n = from; n < to; n++)
		commit(&sim.seg.desc[n % ndesc],
		    n + 1 < to ? &sim.seg.desc[(n + 1) % ndesc] : NULL);
}
