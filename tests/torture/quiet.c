/* SPDX-License-Identifier: MIT */
/*
 * One message at a time in a room that is otherwise silent, the next one when
 * all have read it: if a wake-up was lost, nothing else wakes the worker but
 * its own timeout of a second, and the message is late by that.
 *
 * Late is counted from when the message was sent, or a worker last died or
 * recovered, or this process itself was kept from running, whichever came
 * last: what is left of it is the server's own sleep.
 */
#include "shared/base/clock.h"
#include "tests/torture/run.h"
#include "tests/torture/torture.h"

#define SLOW_US 800000
#define HANG_US (15 * SECOND_US)
#define PAUSE_US 30000 /* at most, between messages while others are busy */
#define ROOMS_MAX 3    /* rooms that talk in a round */

static uint64_t
quiet_since(const struct room *r)
{
	return MAX(MAX(r->asked_us, server.changed_us), run_late_us);
}

/* Somebody in the room who speaks, or NULL. */
static struct client *
quiet_speaker(const struct room *r)
{
	for (int tries = 0; tries < 8; tries++) {
		struct client *c = &clients[r->members[chance_below(r->count)]];

		if ((c->traits & TRAIT_SENDS) != 0 && c->state == CLIENT_IN &&
		    c->out_at == c->out_len)
			return c;
	}
	return NULL;
}

static void
quiet_ask(struct room *r, uint64_t now)
{
	struct client *c = quiet_speaker(r);

	if (c == NULL)
		return;
	r->question =
	    (struct entry){ENTRY_MESSAGE, (uint16_t)c->index, c->queued};
	r->answers = 0;
	for (uint32_t i = 0; i < r->count; i++)
		r->answers += clients[r->members[i]].state == CLIENT_IN &&
			      !ignore_may(&clients[r->members[i]], r->question);
	r->answers--; /* it doesn't read its own */
	if (r->answers == 0)
		return;
	r->asked = true;
	r->asked_us = now;
	counts.quiet_messages++;
	load_message(c, true);
	client_flush(c, OUT_SIZE);
}

/* A message has been read. */
void
quiet_seen(struct client *c, struct entry e)
{
	struct room *r = &rooms[c->room];
	uint64_t late;

	if (!r->asked || e.client != r->question.client ||
	    e.number != r->question.number || --r->answers > 0)
		return;
	r->asked = false;
	late = clock_us() - MIN(clock_us(), quiet_since(r));
	counts.quiet_max_us = MAX(counts.quiet_max_us, late);
	if (late < SLOW_US)
		return;
	counts.quiet_slow++;
	wrong(CHECK_WAKEUP, "room %u: message %u of t%u took %.0f ms", r->index,
	    e.number, e.client, (double)late / 1e3);
}

/* Has it been too long? */
static void
quiet_watch(struct room *r, uint64_t now)
{
	if (!r->asked || now < r->asked_us + HANG_US)
		return;
	counts.hangs++;
	wrong(CHECK_WAKEUP, "room %u: %u have not read message %u of t%u",
	    r->index, r->answers, r->question.number, r->question.client);
	r->asked = false;
}

/*
 * A room to talk in this round: often one of the big rooms, whose members are
 * spread over several workers, so that they must wake each other.
 */
static struct room *
quiet_choose(void)
{
	struct room *r = &rooms[chance_below(options.rooms)];

	for (uint32_t i = 0; i < options.rooms && chance_of(60); i++)
		if (rooms[i].count > r->count)
			r = &rooms[i];
	return r;
}

/* All is silent and whole: the next round, with a death in it. */
static void
quiet_round(uint64_t now)
{
	killer_round(now);
	killer_tick(now, true);
	for (uint32_t n = 1 + chance_below(ROOMS_MAX); n > 0; n--) {
		struct room *r = quiet_choose();

		if (!r->asked)
			quiet_ask(r, now);
	}
}

void
quiet_tick(uint64_t now)
{
	for (uint32_t i = 0; i < options.rooms; i++) {
		struct room *r = &rooms[i];

		quiet_watch(r, now);
		if (load_mode != LOAD_BUSY || !r->quiet || r->asked ||
		    now < r->due_us)
			continue;
		r->due_us = now + chance_below(PAUSE_US);
		quiet_ask(r, now);
	}
	if (load_mode == LOAD_QUIET && !quiet_waits() && killer_is_idle(now))
		quiet_round(now);
}

/* Is a message under way anywhere? */
bool
quiet_waits(void)
{
	for (uint32_t i = 0; i < options.rooms; i++)
		if (rooms[i].asked)
			return true;
	return false;
}
