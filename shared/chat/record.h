/* SPDX-License-Identifier: MIT */
/* What can happen in a room. */
#ifndef SHARED_CHAT_RECORD_H
#define SHARED_CHAT_RECORD_H

#include <stdbool.h>

/* Lies in shared memory: numbers never change, new ones are added behind. */
enum record_type {
	RECORD_NONE,
	RECORD_MESSAGE, /* NAME: TEXT */
	RECORD_JOIN,    /* a session enters a room */
	RECORD_LEAVE,   /* a session leaves its room */
	RECORD_ACTION,  /* * NAME TEXT */
	RECORD_PRIVATE, /* for one reader alone, in whose room it lies */
	RECORD_RENAME,  /* the text is the sender's new name */
	RECORD_TOPIC,   /* the text is the room's new topic */
	/*
	 * By operators, about the session `target`, or about a name or address
	 * in general; the text is why.  They lie in the operator's room.
	 */
	RECORD_KICK,
	RECORD_BAN,
	RECORD_UNBAN,
	RECORD_MUTE,
	RECORD_UNMUTE,
	RECORD_OP,
	RECORD_DEOP,
	/* In no room (NONE), so that nobody reads them. */
	RECORD_DISPLACE, /* its name's owner has come: `target` is to end */
	RECORD_ROOM,     /* what the configuration says of a room */
	RECORD_TYPES,
};

/* Is it what an operator does, with a struct act_shm behind its line? */
static inline bool
record_is_act(unsigned type)
{
	return type >= RECORD_KICK && type <= RECORD_DEOP;
}

/* May it be in no room (NONE), so that nobody reads it? */
static inline bool
record_needs_no_room(unsigned type)
{
	return type == RECORD_DISPLACE || type == RECORD_ROOM;
}

/* Is it said by somebody to the room?  Such records are counted per room. */
static inline bool
record_is_talk(unsigned type)
{
	return type == RECORD_MESSAGE || type == RECORD_ACTION;
}

#endif
