/* SPDX-License-Identifier: MIT */
/*
 * Rooms that end: now and then all leave, the observer last, so that the
 * server forgets the room; then they come back and it begins anew, perhaps
 * with another home.
 */
#include "tests/torture/torture.h"

#define OPEN_US SECOND_US

static bool
others_are_out(const struct room *r)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (r->members[i] != r->observer &&
		    clients[r->members[i]].state != CLIENT_OUT)
			return false;
	return true;
}

/* Shall the client leave now, for its room to end? */
bool
fleeting_must_go(const struct client *c)
{
	const struct room *r = &rooms[c->room];

	return r->closing && (c->index != r->observer || others_are_out(r));
}

void
fleeting_tick(struct room *r, uint64_t now)
{
	const struct client *observer = &clients[r->observer];

	if (load_mode != LOAD_BUSY ||
	    (r->closing && observer->state == CLIENT_OUT)) {
		r->closing = false;
		r->turn_us = now + OPEN_US / 4 + chance_wait_us(OPEN_US);
	} else if (!r->closing && now >= r->turn_us &&
		   observer->state == CLIENT_IN) {
		r->closing = true;
		for (uint32_t i = 0; i < r->count; i++)
			clients[r->members[i]].due_us = 0;
	}
}
