/* SPDX-License-Identifier: MIT */
/*
 * Readers who were lapped by the ring and told how many messages of others they
 * missed: it must be so many that lie between what they read before and behind.
 *
 * A join, a leave or a rename may be in the log several times with no message
 * of others in between.  Then what is read next tells which one it was, and
 * until that has come nobody knows.
 *
 * Who has missed no message, but only such a change, is told nothing.
 */
#include "tests/torture/torture.h"

static bool
is_of_another(const struct client *c, struct entry e)
{
	return e.kind == ENTRY_MESSAGE && e.client != c->index;
}

/* Messages of others in the log from where it stands to before `end`. */
static uint32_t
messages_until(const struct client *c, uint32_t end)
{
	const struct room *r = &rooms[c->room];
	uint32_t n = 0;

	for (uint32_t i = c->at; i < end; i++)
		n += is_of_another(c, r->log[i]);
	return n;
}

/* How many `pending` entries at its beginning are gaps; what they miss. */
static uint32_t
count_gaps(const struct entry *pending, uint32_t n, uint32_t *missed)
{
	uint32_t gaps = 0;

	*missed = 0;
	while (gaps < n && pending[gaps].kind == ENTRY_GAP)
		*missed += pending[gaps++].number;
	return gaps;
}

/*
 * If it reads these entries from `at` on, as far as the log goes or up to the
 * next gap, where is it then?  NONE if the log says something else.
 */
static uint32_t
read_on(const struct client *c, uint32_t at, const struct entry *e, uint32_t n)
{
	const struct room *r = &rooms[c->room];

	for (uint32_t i = 0; i < n && e[i].kind != ENTRY_GAP; i++) {
		at = order_skip_own(c, at);
		if (at == r->len)
			break;
		if (!entry_equal(r->log[at], e[i]))
			return NONE;
		at++;
	}
	return order_skip_own(c, at);
}

/* May it be lapped there and told nothing? */
bool
gap_may(const struct client *c, struct entry e)
{
	return options.lagging && (c->traits & TRAIT_SLOW) != 0 &&
	       e.kind != ENTRY_MESSAGE;
}

/* Each message is in the log once: is it where it should be?  NONE: not yet. */
static uint32_t
find_message(const struct client *c, struct entry e, uint32_t missed)
{
	const struct room *r = &rooms[c->room];
	uint32_t to = c->at, is;

	while (to < r->len && !entry_equal(r->log[to], e))
		to++;
	if (to == r->len)
		return NONE;
	is = messages_until(c, to);
	if (is != missed)
		wrong(CHECK_LOST,
		    "room %u, t%u: was told of %u messages missed, not %u",
		    c->room, c->index, missed, is);
	return to;
}

/*
 * Anything else may be there several times.  NONE: not yet, or nobody knows
 * yet which one it is.
 */
static uint32_t
find_change(
    const struct client *c, const struct entry *e, uint32_t n, uint32_t missed)
{
	const struct room *r = &rooms[c->room];
	uint32_t is = 0, found = NONE, first = NONE;

	for (uint32_t to = c->at; to < r->len && is <= missed; to++) {
		if (is == missed && entry_equal(r->log[to], e[0])) {
			if (first == NONE)
				first = to;
			if (read_on(c, to, e, n) != NONE) {
				if (found != NONE)
					return NONE;
				found = to;
			}
		}
		is += is_of_another(c, r->log[to]);
	}
	return found != NONE ? found : first;
}

/*
 * It goes on with an entry that lies behind as many messages of others as it
 * was told.  Returns how many pending entries that explains, 0 for none yet.
 */
uint32_t
gap_cross(struct client *c, const struct entry *pending, uint32_t n)
{
	uint32_t missed, to, gaps = count_gaps(pending, n, &missed);

	if (gaps == n)
		return 0;
	if (pending[gaps].kind == ENTRY_MESSAGE)
		to = find_message(c, pending[gaps], missed);
	else
		to = find_change(c, pending + gaps, n - gaps, missed);
	if (to == NONE)
		return 0;
	c->at = to + 1;
	return gaps + 1;
}

/* Has it come to `end` of the log, whichever of several it was that it read? */
bool
gap_is_at(const struct client *c, uint32_t end)
{
	const struct room *r = &rooms[c->room];
	uint32_t missed, is = 0;
	uint32_t gaps = count_gaps(c->pending, c->npending, &missed);

	if (gaps == 0)
		return false;
	if (gaps == c->npending)
		return messages_until(c, end) == missed;
	for (uint32_t to = c->at; to < end; to++) {
		if (is == missed && entry_equal(r->log[to], c->pending[gaps]) &&
		    read_on(c, to, c->pending + gaps, c->npending - gaps) ==
			order_skip_own(c, end))
			return true;
		is += is_of_another(c, r->log[to]);
	}
	return false;
}
