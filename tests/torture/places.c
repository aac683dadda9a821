/* SPDX-License-Identifier: MIT */
/*
 * Every fault point is to be a place of death, in each kind of worker that
 * comes by.  Some are passed so rarely that only a test of their own gets
 * there; those are named here.
 */
#include "tests/torture/points.h"

#include <stdio.h>
#include <string.h>

#ifdef FAULTS

/* What a run doesn't come by, and which system test dies there instead. */
static const struct {
	const char *point;
	const char *test;
	enum {
		RARE,
		IF_LAGGING,
		UNLESS_LAGGING
	} run; /* a point of which? */
} elsewhere[] = {
    {"adopt.policy", "t845_access_deaths", RARE},
    {"auth.answered", "t811_auth_worker", RARE},
    {"auth.asked", "t811_auth_worker", RARE},
    {"auth.judged", "t811_auth_worker", RARE},
    {"bans.written", "t845_access_deaths", RARE},
    {"command.ignored", "t170_ignore", UNLESS_LAGGING},
    {"edit.consumed", "t617_editing_deaths", UNLESS_LAGGING},
    {"edit.echoed", "t617_editing_deaths", UNLESS_LAGGING},
    {"edit.kept", "t617_editing_deaths", UNLESS_LAGGING},
    {"ended.left", "t823_displaced", RARE},
    {"fanout.lapped", "t575_rare_deaths", RARE},
    {"fanout.own", "t625_looks", RARE},
    {"input.dropped", "t575_rare_deaths", RARE},
    {"input.evicted", "t575_rare_deaths", RARE},
    {"journal.apply.act", "t845_access_deaths", RARE},
    {"journal.apply.settings", "t845_access_deaths", RARE},
    {"lag.lapped", "t520_lag_and_death", IF_LAGGING},
    {"lag.reply.first", "t575_rare_deaths", RARE},
    {"master.bans.fork", "t845_access_deaths", RARE},
    {"master.clear", "t782_tls_deaths", RARE},
    {"master.format", "t020_instance", RARE},
    {"master.rescue.fork", "t575_rare_deaths", RARE},
    {"rescue.done", "t575_rare_deaths", RARE},
    {"rescue.forked", "t575_rare_deaths", RARE},
    {"rescue.format", "t575_rare_deaths", RARE},
    {"rescue.formatted", "t575_rare_deaths", RARE},
    {"rescue.settled", "t575_rare_deaths", RARE},
    {"rooms.followed", "t845_access_deaths", RARE},
    {"salvage.filled", "t575_rare_deaths", RARE},
    {"salvage.joined", "t575_rare_deaths", RARE},
    {"salvage.row", "t575_rare_deaths", RARE},
    {"session.looks", "t625_looks", UNLESS_LAGGING},
    {"users.renamed", "t812_users_file", RARE},
    {"users.synced", "t812_users_file", RARE},
    {"users.written", "t812_users_file", RARE},
};

static bool
is_elsewhere(const char *name)
{
	for (size_t n = 0; n < COUNT(elsewhere); n++)
		if (strcmp(elsewhere[n].point, name) == 0)
			return elsewhere[n].run == RARE ||
			       options.lagging !=
				   (elsewhere[n].run == IF_LAGGING);
	return false;
}

static bool
begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Only sessions of telnet edit their lines and have looks. */
static bool
is_of_kind(const char *name, unsigned kind)
{
	if (begins(name, "edit.") || strcmp(name, "session.looks") == 0)
		return kind == KIND_TELNET;
	return !begins(name, "web.") || kind == KIND_WEB;
}

/* Has nobody of that kind died there, as somebody should? */
static bool
place_is_missing(uint32_t i, unsigned kind)
{
	return kind_serves(kind) && point_is_worker(i) &&
	       point_kills(i, (enum kind)kind) == 0 &&
	       !is_elsewhere(point_name(i)) && is_of_kind(point_name(i), kind);
}

static unsigned
places_missing(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < points_count(); i++)
		for (unsigned k = KIND_CHAT; k < KIND_NOBODY; k++)
			n += place_is_missing(i, k);
	return n;
}

bool
places_done(void)
{
	return places_missing() == 0;
}

/* Arm a place where nobody has died yet; returns whom to kill to get there. */
enum kind
places_arm(void)
{
	uint32_t nth = chance_below(places_missing());

	for (uint32_t i = 0; i < points_count(); i++)
		for (unsigned k = KIND_CHAT; k < KIND_NOBODY; k++)
			if (place_is_missing(i, k) && nth-- == 0)
				return place_visit(i, (enum kind)k);
	return KIND_NOBODY;
}

static bool
point_exists(const char *name)
{
	for (uint32_t i = 0; i < points_count(); i++)
		if (strcmp(point_name(i), name) == 0)
			return true;
	return false;
}

static const char *const kind_names[KIND_NOBODY] = {
    [KIND_CHAT] = "chat",
    [KIND_TELNET] = "telnet",
    [KIND_WEB] = "web",
};

void
places_check(void)
{
	for (uint32_t i = 0; i < points_count(); i++) {
		const char *name = point_name(i);

		for (unsigned k = KIND_CHAT; k < KIND_NOBODY; k++)
			if (place_is_missing(i, k))
				wrong(CHECK_PLACES,
				    "no %s worker has died at %s, passed %ju "
				    "times",
				    kind_names[k], name,
				    (uintmax_t)point_hits(i, (enum kind)k));
		if (!point_is_worker(i) && !is_elsewhere(name) &&
		    point_hits(i, KIND_ANY) == 0)
			wrong(CHECK_PLACES, "%s was never passed", name);
	}
	for (size_t n = 0; n < COUNT(elsewhere); n++)
		if (!point_exists(elsewhere[n].point))
			wrong(CHECK_PLACES, "there is no %s any more",
			    elsewhere[n].point);
}

static unsigned
count_dead(unsigned kind)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < points_count(); i++)
		n += point_kills(i, (enum kind)kind) > 0;
	return n;
}

/* Each point, how often it was come by, and how often that was the end. */
void
places_table(void)
{
	printf("%-24s %35s %25s\n", "", "passed by", "where died");
	printf("%-24s %6s %9s %9s %9s %6s %6s %5s %5s\n", "point", "master",
	    "chat", "telnet", "web", "chat", "telnet", "web", "any");
	for (uint32_t i = 0; i < points_count(); i++)
		printf("%-24s %6ju %9ju %9ju %9ju %6u %6u %5u %5u\n",
		    point_name(i), (uintmax_t)point_hits(i, KIND_ANY),
		    (uintmax_t)point_hits(i, KIND_CHAT),
		    (uintmax_t)point_hits(i, KIND_TELNET),
		    (uintmax_t)point_hits(i, KIND_WEB),
		    point_kills(i, KIND_CHAT), point_kills(i, KIND_TELNET),
		    point_kills(i, KIND_WEB), point_kills(i, KIND_ANY));
	printf("points=%u where_chat_died=%u where_telnet_died=%u "
	       "where_web_died=%u\n",
	    points_count(), count_dead(KIND_CHAT), count_dead(KIND_TELNET),
	    count_dead(KIND_WEB));
}

#endif
