/* SPDX-License-Identifier: MIT */
/*
 * Telnet options by the Q method, and what the server asks for by itself.
 *
 * It asks little, and in this order, each question only once:
 *
 *   once the client        it is asked
 *   -----------------      ---------------------------------------------
 *   seems to speak telnet  DO TTYPE
 *   has answered that      DO NAWS, WILL CHARSET, and for its terminal's name
 *   has named a terminal   WILL ECHO, WILL SGA, DO BINARY, WILL BINARY
 *     or a MUD client      WILL EOR
 *
 * A client that doesn't negotiate must not see any of it: nc would show it as
 * rubbish.  But most telnet clients wait for the server to begin, unless the
 * port is 23 (inetutils, tintin++, tf; PuTTY begins by itself), so one of the
 * two has to be told from the other by what it sends: a telnet client ends its
 * lines as RFC 854 has it, in CR LF or CR NUL, and nc and a script in LF.
 * And people send one line at a time.  Hence a line alone that ends so, or a
 * WILL or DO, is what makes a client seem to speak telnet.  A script that does
 * the same and doesn't know telnet reads three bytes too many, once: there is
 * no answer, so nothing follows.
 *
 * ECHO waits for the name since it means two things: a terminal that agrees to
 * it and to SGA sends each key as it is typed, and the editor begins; a MUD
 * client edits lines by itself, and takes it for the prompt of a password.  One
 * that gives itself away only by refusing SGA is left alone again.
 */
#include "proxy/negotiate.h"

#include <string.h>

#include "proxy/subneg.h"
#include "proxy/telnet.h"

/* RFC 1143, section 7, in its order. */
static const struct option_step steps[OPTION_STATES][OPTION_EVENTS] = {
    [OPTION_NO] =
	{
	    [OPTION_PEER_ON] = {OPTION_YES, OPTION_SAY_ON},
	    [OPTION_PEER_UNWANTED] = {OPTION_NO, OPTION_SAY_OFF},
	    [OPTION_PEER_OFF] = {OPTION_NO, OPTION_SAY_NOTHING},
	    [OPTION_ASK_ON] = {OPTION_WANTYES, OPTION_SAY_ON},
	    [OPTION_ASK_OFF] = {OPTION_NO, OPTION_SAY_NOTHING},
	},
    [OPTION_YES] =
	{
	    [OPTION_PEER_ON] = {OPTION_YES, OPTION_SAY_NOTHING},
	    [OPTION_PEER_UNWANTED] = {OPTION_YES, OPTION_SAY_NOTHING},
	    [OPTION_PEER_OFF] = {OPTION_NO, OPTION_SAY_OFF},
	    [OPTION_ASK_ON] = {OPTION_YES, OPTION_SAY_NOTHING},
	    [OPTION_ASK_OFF] = {OPTION_WANTNO, OPTION_SAY_OFF},
	},
    [OPTION_WANTNO] =
	{
	    /* It answers DONT with WILL, which is an error: off. */
	    [OPTION_PEER_ON] = {OPTION_NO, OPTION_SAY_NOTHING},
	    [OPTION_PEER_UNWANTED] = {OPTION_NO, OPTION_SAY_NOTHING},
	    [OPTION_PEER_OFF] = {OPTION_NO, OPTION_SAY_NOTHING},
	    [OPTION_ASK_ON] = {OPTION_WANTNO_OPPOSITE, OPTION_SAY_NOTHING},
	    [OPTION_ASK_OFF] = {OPTION_WANTNO, OPTION_SAY_NOTHING},
	},
    [OPTION_WANTNO_OPPOSITE] =
	{
	    /* The same error, and what we want meanwhile. */
	    [OPTION_PEER_ON] = {OPTION_YES, OPTION_SAY_NOTHING},
	    [OPTION_PEER_UNWANTED] = {OPTION_YES, OPTION_SAY_NOTHING},
	    [OPTION_PEER_OFF] = {OPTION_WANTYES, OPTION_SAY_ON},
	    [OPTION_ASK_ON] = {OPTION_WANTNO_OPPOSITE, OPTION_SAY_NOTHING},
	    [OPTION_ASK_OFF] = {OPTION_WANTNO, OPTION_SAY_NOTHING},
	},
    [OPTION_WANTYES] =
	{
	    [OPTION_PEER_ON] = {OPTION_YES, OPTION_SAY_NOTHING},
	    [OPTION_PEER_UNWANTED] = {OPTION_YES, OPTION_SAY_NOTHING},
	    [OPTION_PEER_OFF] = {OPTION_NO, OPTION_SAY_NOTHING},
	    [OPTION_ASK_ON] = {OPTION_WANTYES, OPTION_SAY_NOTHING},
	    [OPTION_ASK_OFF] = {OPTION_WANTYES_OPPOSITE, OPTION_SAY_NOTHING},
	},
    [OPTION_WANTYES_OPPOSITE] =
	{
	    [OPTION_PEER_ON] = {OPTION_WANTNO, OPTION_SAY_OFF},
	    [OPTION_PEER_UNWANTED] = {OPTION_WANTNO, OPTION_SAY_OFF},
	    [OPTION_PEER_OFF] = {OPTION_NO, OPTION_SAY_NOTHING},
	    [OPTION_ASK_ON] = {OPTION_WANTYES, OPTION_SAY_NOTHING},
	    [OPTION_ASK_OFF] = {OPTION_WANTYES_OPPOSITE, OPTION_SAY_NOTHING},
	},
};

/* The option's code, and on which sides it may be on. */
static const struct {
	uint8_t code;
	bool may[2]; /* by enum option_side */
} options[OPTIONS] = {
    [OPTION_ECHO] = {TELNET_ECHO, {true, false}},
    [OPTION_SGA] = {TELNET_SGA, {true, true}},
    [OPTION_NAWS] = {TELNET_NAWS, {false, true}},
    [OPTION_TTYPE] = {TELNET_TTYPE, {false, true}},
    [OPTION_CHARSET] = {TELNET_CHARSET, {true, true}},
    [OPTION_BINARY] = {TELNET_BINARY, {true, true}},
    [OPTION_EOR] = {TELNET_OPTION_EOR, {true, false}},
};

enum who {
	WHO_ALL,
	WHO_TERMINAL,
	WHO_MUD,
};

#define WISH_SGA 4 /* its place in the table */

/* What the server asks for: see above. */
static const struct wish {
	uint8_t needs; /* enum negotiate_bit, or it waits */
	uint8_t who;   /* enum who, or it is left out */
	uint8_t side;
	uint8_t option;
} wishes[] = {
    {NEGOTIATE_OPEN, WHO_ALL, OPTION_HIM, OPTION_TTYPE},
    {NEGOTIATE_ANSWERED, WHO_ALL, OPTION_HIM, OPTION_NAWS},
    {NEGOTIATE_ANSWERED, WHO_ALL, OPTION_US, OPTION_CHARSET},
    {NEGOTIATE_KNOWN, WHO_TERMINAL, OPTION_US, OPTION_ECHO},
    [WISH_SGA] = {NEGOTIATE_KNOWN, WHO_TERMINAL, OPTION_US, OPTION_SGA},
    {NEGOTIATE_KNOWN, WHO_TERMINAL, OPTION_HIM, OPTION_BINARY},
    {NEGOTIATE_KNOWN, WHO_TERMINAL, OPTION_US, OPTION_BINARY},
    {NEGOTIATE_KNOWN, WHO_MUD, OPTION_US, OPTION_EOR},
};

struct option_step
option_step(enum option_state state, enum option_event event)
{
	return steps[state][event];
}

/* The two sides share a byte. */
enum option_state
option_state(
    const struct telnet_shm *t, enum option_side side, enum option option)
{
	unsigned state = t->option[option] >> (4 * side) & 0xf;

	/* Anything else is of a process gone wrong. */
	return state < OPTION_STATES ? (enum option_state)state : OPTION_NO;
}

static void
state_set(struct telnet_shm *t, enum option_side side, enum option option,
    unsigned state)
{
	t->option[option] = (uint8_t)((t->option[option] & 0xf0 >> (4 * side)) |
				      state << (4 * side));
}

static uint8_t
verb_of(enum option_side side, unsigned say)
{
	if (side == OPTION_US)
		return say == OPTION_SAY_ON ? TELNET_WILL : TELNET_WONT;
	return say == OPTION_SAY_ON ? TELNET_DO : TELNET_DONT;
}

static bool
say_option(struct telnet_shm *t, uint8_t verb, uint8_t code)
{
	const uint8_t bytes[] = {TELNET_IAC, verb, code};

	return negotiate_say(t, bytes, sizeof(bytes));
}

/* We want the option on or off; false if that must be said, but can't be. */
static bool
ask(struct telnet_shm *t, enum option_side side, enum option option, bool on)
{
	struct option_step step = option_step(
	    option_state(t, side, option), on ? OPTION_ASK_ON : OPTION_ASK_OFF);

	if (step.say != OPTION_SAY_NOTHING &&
	    !say_option(t, verb_of(side, step.say), options[option].code))
		return false;
	state_set(t, side, option, step.next);
	return true;
}

/* ECHO, for as long as something is typed that is not to be seen. */
static void
ask_hide(struct telnet_shm *t)
{
	bool hide = (t->flags & NEGOTIATE_HIDE) != 0;
	bool hiding = (t->flags & NEGOTIATE_HIDING) != 0;
	enum option_state echo = option_state(t, OPTION_US, OPTION_ECHO);

	if (hide == hiding || (t->flags & NEGOTIATE_ANSWERED) == 0)
		return;
	if (hide && echo != OPTION_NO && echo != OPTION_WANTNO)
		return; /* on, or about to be */
	if (ask(t, OPTION_US, OPTION_ECHO, hide))
		t->flags ^= NEGOTIATE_HIDING;
}

static bool
is_wish_of(const struct wish *wish, const struct telnet_shm *t)
{
	bool mud = (t->terminal & TERMINAL_MUD) != 0;

	return wish->who == WHO_ALL || mud == (wish->who == WHO_MUD);
}

void
negotiate_ask(struct telnet_shm *t)
{
	for (; t->wishes < COUNT(wishes); t->wishes++) {
		const struct wish *wish = &wishes[t->wishes];

		if ((t->flags & wish->needs) == 0)
			break;
		if (!is_wish_of(wish, t))
			continue;
		if (!ask(t, wish->side, wish->option, true))
			return;
		if (wish->option == OPTION_ECHO) /* on to stay */
			t->flags &= (uint8_t)~NEGOTIATE_HIDING;
	}
	subneg_ask(t);
	ask_hide(t);
}

/*
 * May an answer be given?  Not without end: what asks hundreds of times is
 * itself in a loop, with whatever it takes our answers for.
 */
static bool
may_answer(const struct telnet_shm *t)
{
	return t->budget < UINT8_MAX;
}

/*
 * WILL is answered with DONT, DO with WONT, each option once.  The client who
 * asks again has been told.
 */
static void
refuse(struct telnet_shm *t, enum option_side side, uint8_t code)
{
	uint8_t *refused = side == OPTION_US ? t->wont : t->dont;
	uint8_t bit = (uint8_t)(1 << code % 8);

	if (!may_answer(t) ||
	    (code < TELNET_REFUSED_MAX && (refused[code / 8] & bit) != 0))
		return;
	if (!say_option(t, verb_of(side, OPTION_SAY_OFF), code))
		return;
	t->budget++;
	if (code < TELNET_REFUSED_MAX)
		refused[code / 8] |= bit;
}

static void
heard_off(struct telnet_shm *t, enum option_side side, enum option option)
{
	subneg_off(t, side, option);
	/* Whole lines, then, and it doesn't mean the editor by ECHO. */
	if (side == OPTION_US && option == OPTION_SGA && t->wishes > WISH_SGA &&
	    (t->flags & NEGOTIATE_HIDING) == 0 &&
	    (t->terminal & TERMINAL_ECHO) == 0)
		(void)ask(t, OPTION_US, OPTION_ECHO, false);
}

/*
 * A request or an answer for an option that we know.  If there must be an
 * answer and can't be, what the client wants off is off, and what it wants on
 * it has not asked for.
 */
static void
heard_option(
    struct telnet_shm *t, enum option_side side, enum option option, bool on)
{
	enum option_state state = option_state(t, side, option);
	struct option_step step =
	    option_step(state, on ? OPTION_PEER_ON : OPTION_PEER_OFF);

	if (step.say != OPTION_SAY_NOTHING) {
		if (may_answer(t) && say_option(t, verb_of(side, step.say),
					 options[option].code))
			t->budget++;
		else if (on)
			return;
		else
			step.next = OPTION_NO;
	}
	state_set(t, side, option, step.next);
	if (step.next == OPTION_YES && state == OPTION_NO &&
	    option == OPTION_ECHO)
		t->terminal |= TERMINAL_ECHO;
	if (step.next == OPTION_YES && state != OPTION_YES)
		subneg_on(t, side, option);
	else if (step.next == OPTION_NO)
		heard_off(t, side, option);
}

/*
 * TIMING-MARK is no state but a question, each time (RFC 860): what came before
 * it has been seen to.  A client that interrupts throws all output away until
 * the answer comes.
 */
static void
heard_timing_mark(struct telnet_shm *t, uint8_t verb)
{
	if (verb == TELNET_DO)
		say_option(t, TELNET_WILL, TELNET_TIMING_MARK);
	else if (verb == TELNET_WILL)
		refuse(t, OPTION_HIM, TELNET_TIMING_MARK);
}

void
negotiate_heard(struct telnet_shm *t, uint8_t verb, uint8_t code)
{
	enum option_side side =
	    verb == TELNET_WILL || verb == TELNET_WONT ? OPTION_HIM : OPTION_US;
	bool on = verb == TELNET_WILL || verb == TELNET_DO;
	size_t i = 0;

	if (code == TELNET_TIMING_MARK) {
		heard_timing_mark(t, verb);
		return;
	}
	if (on)
		t->flags |= NEGOTIATE_OPEN;
	if ((t->flags & NEGOTIATE_OPEN) != 0)
		t->flags |= NEGOTIATE_ANSWERED;
	while (i < OPTIONS && options[i].code != code)
		i++;
	if (i < OPTIONS && options[i].may[side])
		heard_option(t, side, (enum option)i, on);
	else if (on)
		refuse(t, side, code);
	negotiate_ask(t);
}

bool
negotiate_is_sound(const struct telnet_shm *t)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if ((t->option[i] & 0xf) >= OPTION_STATES ||
		    t->option[i] >> 4 >= OPTION_STATES)
			return false;
	return t->wishes <= COUNT(wishes) &&
	       t->answer_off + t->answer_len <= TELNET_ANSWER_MAX;
}

/* We have offered to leave it out, and that is off. */
bool
negotiate_wants_ga(const struct telnet_shm *t)
{
	return t->wishes > WISH_SGA && t->wishes <= COUNT(wishes) &&
	       (t->terminal & TERMINAL_MUD) == 0 &&
	       option_state(t, OPTION_US, OPTION_SGA) == OPTION_NO;
}

bool
negotiate_say(struct telnet_shm *t, const void *bytes, size_t len)
{
	const char *pending;
	size_t waiting = telnet_answers(t, &pending);

	if (waiting + len > sizeof(t->answer))
		return false;
	memmove(t->answer, pending, waiting);
	memcpy(t->answer + waiting, bytes, len);
	t->answer_off = 0;
	t->answer_len = (uint8_t)(waiting + len);
	return true;
}
