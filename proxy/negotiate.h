/* SPDX-License-Identifier: MIT */
/*
 * Telnet options: which of them are on (RFC 854, 855), agreed upon by the Q
 * method (RFC 1143), so that no sequence of requests, refusals and changes of
 * mind on either side can loop or leave the two ends of different opinions.
 *
 * Used by telnet.c, which finds the commands in the stream.  Pure functions of
 * struct telnet_shm; whatever is in there, from a process gone wrong, they
 * neither crash nor write outside of it.
 */
#ifndef PROXY_NEGOTIATE_H
#define PROXY_NEGOTIATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/shm/telnet.h"

/* Those that are agreed to, on some side; the order in telnet_shm.option. */
enum option {
	OPTION_ECHO,
	OPTION_SGA,
	OPTION_NAWS,
	OPTION_TTYPE,
	OPTION_CHARSET,
	OPTION_BINARY,
	OPTION_EOR,
	OPTIONS
};
static_assert(OPTIONS == TELNET_OPTIONS, "one state each in telnet_shm");

/* Who performs an option: US says WILL and hears DO, HIM says DO. */
enum option_side {
	OPTION_US,
	OPTION_HIM,
};

/*
 * RFC 1143, section 7, the state and its queue bit in one: OPPOSITE means that
 * we have changed our mind while we wait for the answer.
 */
enum option_state {
	OPTION_NO,
	OPTION_YES,
	OPTION_WANTNO,
	OPTION_WANTNO_OPPOSITE,
	OPTION_WANTYES,
	OPTION_WANTYES_OPPOSITE,
	OPTION_STATES
};

enum option_event {
	OPTION_PEER_ON,       /* WILL or DO, and we like it */
	OPTION_PEER_UNWANTED, /* WILL or DO, and we don't */
	OPTION_PEER_OFF,      /* WONT or DONT */
	OPTION_ASK_ON,        /* we want it on */
	OPTION_ASK_OFF,
	OPTION_EVENTS
};

enum option_say {
	OPTION_SAY_NOTHING,
	OPTION_SAY_ON,  /* WILL, DO */
	OPTION_SAY_OFF, /* WONT, DONT */
};

struct option_step {
	uint8_t next; /* enum option_state */
	uint8_t say;  /* enum option_say */
};

/* The Q method: where an event leads, and what is said at that. */
struct option_step option_step(
    enum option_state state, enum option_event event);

enum option_state option_state(
    const struct telnet_shm *t, enum option_side side, enum option option);

/* What is known of the client: bits of telnet_shm.terminal. */
enum terminal_bit {
	/* Understands ECMA-48, as far as erasing and moving go. */
	TERMINAL_ANSI = 1 << 0,
	/* A MUD client: edits lines by itself, takes ECHO for a password. */
	TERMINAL_MUD = 1 << 1,
	TERMINAL_UTF8 = 1 << 2,   /* says that it uses it (MTTS) */
	TERMINAL_READER = 1 << 3, /* reads the screen to somebody (MTTS) */
	TERMINAL_COLORS = 1 << 4, /* 256 of them (MTTS) */
	/* For negotiate.c and telnet.c alone: */
	TERMINAL_ECHO = 1 << 6, /* has asked for ECHO by itself */
};

/* How far it has come: bits of telnet_shm.flags. */
enum negotiate_bit {
	NEGOTIATE_OPEN = 1 << 0,      /* the client seems to speak telnet */
	NEGOTIATE_ANSWERED = 1 << 1,  /* it does */
	NEGOTIATE_KNOWN = 1 << 2,     /* all is heard about its terminal */
	NEGOTIATE_HIDE = 1 << 3,      /* what it types now is not to be seen */
	NEGOTIATE_HIDING = 1 << 4,    /* ECHO is on, or asked for, for that */
	NEGOTIATE_TTYPE = 1 << 5,     /* TTYPE SEND is still to be said */
	NEGOTIATE_CHARSET = 1 << 6,   /* CHARSET REQUEST is still to be said */
	NEGOTIATE_REQUESTED = 1 << 7, /* it was said */
};

/* WILL, WONT, DO or DONT (`verb`, enum telnet_command) and an option. */
void negotiate_heard(struct telnet_shm *t, uint8_t verb, uint8_t code);

/* Say what there is to be said and now has a place in t->answer. */
void negotiate_ask(struct telnet_shm *t);

/* Can this be, or is it of a process gone wrong? */
bool negotiate_is_sound(const struct telnet_shm *t);

/* Has it refused to do without Go Ahead (RFC 858)? */
bool negotiate_wants_ga(const struct telnet_shm *t);

/* Append to t->answer; false if that has no room, and then nothing happened. */
bool negotiate_say(struct telnet_shm *t, const void *bytes, size_t len);

#endif
