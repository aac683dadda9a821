/* SPDX-License-Identifier: MIT */
/*
 * Names of users and rooms: what is one, and when two are the same.
 */
#ifndef SHARED_CHAT_NAME_H
#define SHARED_CHAT_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * May this be a user's name, a room's name?  Returns NULL if so, otherwise
 * what is wrong, a few words to stand behind "a name" or in a log line:
 * "holds white space".  Nothing is repaired.
 *
 * Both: 1 to LIMIT_NAME or LIMIT_ROOM bytes of valid UTF-8 without white
 * space, control, format (bidi, zero-width, tags) or private-use characters
 * and without noncharacters, and with MARKS_MAX combining marks in a row at
 * most.  A user's name has no ':' either and does not begin with '*', '[' or
 * '/', so that lines from the server can be told apart.
 */
const char *name_check(const char *s, size_t len);
const char *room_check(const char *s, size_t len);

/*
 * What may be wrong with a name that somebody wants.  Lies in shared memory,
 * as the argument of CHAT_BAD_NAME: numbers never change.
 */
enum name_fault {
	NAME_NONE,       /* it is no name: name_check says why */
	NAME_MIXED,      /* a word of it mixes scripts: see script_mixed */
	NAME_ALIKE,      /* it looks like the name of somebody present, */
	NAME_REGISTERED, /* or like a registered one */
	NAME_UNSEEN,     /* it shows nothing */
	NAME_FAULTS,
	NAME_FINE = NAME_FAULTS,
};

/*
 * May somebody take this name who needn't prove that it is his?  Whether it
 * looks like another isn't asked here, see tables_find_alike.  Only what comes
 * from clients is judged so: what a name is doesn't depend on it.
 */
enum name_fault name_fault(const char *s, size_t len);

/* The same name?  ASCII letters are compared without case, all else exactly. */
bool name_equal(const char *a, size_t alen, const char *b, size_t blen);

#endif
