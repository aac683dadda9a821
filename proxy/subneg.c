/* SPDX-License-Identifier: MIT */
/*
 * Subnegotiations, read a byte at a time into telnet_shm.sub:
 *
 *   NAWS     width (2), height (2)
 *   TTYPE    IS, and the beginning of the name, in capitals
 *   CHARSET  the command; the separator of its list; the best of the names so
 *            far, as enum charset + 1; the name being read, in capitals
 */
#include "proxy/subneg.h"

#include <string.h>

#include "proxy/charset.h"
#include "proxy/telnet.h"

enum ttype_command {
	TTYPE_IS = 0,
	TTYPE_SEND = 1,
};

enum charset_command {
	CHARSET_REQUEST = 1,
	CHARSET_ACCEPTED = 2,
	CHARSET_REJECTED = 3,
	CHARSET_TTABLE_IS = 4,
	CHARSET_TTABLE_REJECTED = 5,
};

/* CHARSET's use of sub[]. */
enum {
	SUB_COMMAND,
	SUB_SEPARATOR,
	SUB_BEST,
	SUB_NAME,
	NAME_MAX_ = TELNET_SUB_MAX - SUB_NAME,
};

/* A name, two more if it leads to nothing: what MTTS has. */
#define TTYPES_MAX 3

#define MTTS "MTTS "

enum mtts_bit {
	MTTS_ANSI = 1,
	MTTS_UTF8 = 4,
	MTTS_256_COLORS = 8,
	MTTS_SCREEN_READER = 64,
};

/*
 * How the names begin that say enough.  To take a terminal for a MUD client
 * costs it the editor; to take a MUD client for a terminal makes its users type
 * unseen: hence those of the second kind that don't name themselves in MTTS's
 * way, too.  TinTin++ is both, and sends keys when it is asked for them.
 */
static const struct known {
	char name[TELNET_SUB_MAX];
	uint8_t terminal; /* bits of enum terminal_bit */
	bool enough;      /* no need to ask for further names */
	uint8_t charset;  /* that goes with it: enum charset */
} knowns[] = {
    {"XTERM", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"VT", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"LINUX", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"SCREEN", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"TMUX", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"RXVT", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"PUTTY", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"KONSOLE", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"TINTIN", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"CYGWIN", TERMINAL_ANSI, true, CHARSET_UTF8},
    {"SYNCTERM", TERMINAL_ANSI, true, CHARSET_CP437},
    {"ANSI-BBS", TERMINAL_ANSI, true, CHARSET_CP437},
    {"ANSI", TERMINAL_ANSI, false, CHARSET_UTF8},
    {"DUMB", 0, true, CHARSET_UTF8},
    {"UNKNOWN", 0, true, CHARSET_UTF8},
    {"NETWORK", 0, true, CHARSET_UTF8},
    {"ATLANTIS", TERMINAL_MUD, false, CHARSET_UTF8},
    {"BEIP", TERMINAL_MUD, false, CHARSET_UTF8},
    {"BLOWTORCH", TERMINAL_MUD, false, CHARSET_UTF8},
    {"CMUD", TERMINAL_MUD, false, CHARSET_UTF8},
    {"KBTIN", TERMINAL_MUD, false, CHARSET_UTF8},
    {"KILDCLIENT", TERMINAL_MUD, false, CHARSET_UTF8},
    {"MUD", TERMINAL_MUD, false, CHARSET_UTF8},
    {"MUSH", TERMINAL_MUD, false, CHARSET_UTF8},
    {"POTATO", TERMINAL_MUD, false, CHARSET_UTF8},
    {"TINYFUGUE", TERMINAL_MUD, false, CHARSET_UTF8},
    {"ZMUD", TERMINAL_MUD, false, CHARSET_UTF8},
};

static uint8_t
capital(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - ('a' - 'A')) : c;
}

void
subneg_begin(struct telnet_shm *t)
{
	memset(t->sub, 0, sizeof(t->sub));
	t->sub_len = 0;
	t->sub_option = 0;
	t->sub_used = 0;
}

/* None of ours is longer than there is room for. */
static void
charset_name_byte(struct telnet_shm *t, uint8_t c)
{
	if (t->sub_used < NAME_MAX_)
		t->sub[SUB_NAME + t->sub_used++] = capital(c);
	else
		t->sub_used = NAME_MAX_ + 1;
}

/* A name of the list is read: is it one of ours, and better than the others? */
static void
charset_name_end(struct telnet_shm *t)
{
	int charset = t->sub_used <= NAME_MAX_
			  ? charset_find((char *)t->sub + SUB_NAME, t->sub_used)
			  : -1;

	if (charset >= 0 &&
	    (t->sub[SUB_BEST] == 0 || charset + 1 < t->sub[SUB_BEST]))
		t->sub[SUB_BEST] = (uint8_t)(charset + 1);
	t->sub_used = 0;
}

/*
 * Is byte number `n` of a REQUEST the one that separates its names?  The list
 * begins with it; "[TTABLE]" and a version may come before the list.
 */
static bool
is_separator(const struct telnet_shm *t, size_t n)
{
	const size_t list = 2, ttable = sizeof("[TTABLE]"); /* and a version */

	return n == list ||
	       (n == list + ttable && t->sub[SUB_SEPARATOR] == '[');
}

static void
charset_request_byte(struct telnet_shm *t, size_t n, uint8_t c)
{
	if (is_separator(t, n)) {
		t->sub[SUB_SEPARATOR] = c;
		t->sub_used = 0;
	} else if (c == t->sub[SUB_SEPARATOR]) {
		charset_name_end(t);
	} else {
		charset_name_byte(t, c);
	}
}

/* Byte number `n` of CHARSET. */
static void
charset_byte(struct telnet_shm *t, size_t n, uint8_t c)
{
	if (n == 1)
		t->sub[SUB_COMMAND] = c;
	else if (t->sub[SUB_COMMAND] == CHARSET_REQUEST)
		charset_request_byte(t, n, c);
	else
		charset_name_byte(t, c);
}

void
subneg_byte(struct telnet_shm *t, uint8_t c)
{
	size_t n = t->sub_len;

	if (n > SUBNEG_MAX)
		return;
	t->sub_len++;
	if (n == 0)
		t->sub_option = c;
	else if (t->sub_option == TELNET_CHARSET)
		charset_byte(t, n, c);
	else if (t->sub_used < sizeof(t->sub))
		t->sub[t->sub_used++] =
		    t->sub_option == TELNET_TTYPE ? capital(c) : c;
}

/* Live: sent again whenever the window changes. */
static void
naws_end(struct telnet_shm *t)
{
	if (option_state(t, OPTION_HIM, OPTION_NAWS) == OPTION_YES &&
	    t->sub_len == 5)
		t->width = (uint16_t)(t->sub[0] << 8 | t->sub[1]);
}

/* The bits behind "MTTS ". */
static void
mtts(struct telnet_shm *t, const char *digits)
{
	unsigned bits = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		bits = bits * 10 + (unsigned)(*digits - '0');
	t->terminal |= TERMINAL_MUD;
	if ((bits & MTTS_ANSI) != 0)
		t->terminal |= TERMINAL_ANSI;
	if ((bits & MTTS_UTF8) != 0)
		t->terminal |= TERMINAL_UTF8;
	if ((bits & MTTS_256_COLORS) != 0)
		t->terminal |= TERMINAL_COLORS;
	if ((bits & MTTS_SCREEN_READER) != 0)
		t->terminal |= TERMINAL_READER;
}

/* Returns whether the name says enough. */
static bool
ttype_named(struct telnet_shm *t, const char *name)
{
	if (strncmp(name, MTTS, strlen(MTTS)) == 0) {
		mtts(t, name + strlen(MTTS));
		return true;
	}
	for (size_t i = 0; i < COUNT(knowns); i++) {
		const struct known *known = &knowns[i];

		if (strncmp(name, known->name, strlen(known->name)) != 0)
			continue;
		t->terminal |= known->terminal;
		if (known->charset != CHARSET_UTF8)
			t->charset = known->charset;
		return known->enough && (t->terminal & TERMINAL_MUD) == 0;
	}
	return false;
}

static void
ttype_end(struct telnet_shm *t)
{
	char name[TELNET_SUB_MAX + 1] = {0};

	if (option_state(t, OPTION_HIM, OPTION_TTYPE) != OPTION_YES ||
	    (t->flags & NEGOTIATE_KNOWN) != 0 || t->sub_used == 0 ||
	    t->sub[0] != TTYPE_IS)
		return;
	memcpy(name, t->sub + 1, sizeof(t->sub) - 1);
	if (ttype_named(t, name) || t->ttypes >= TTYPES_MAX)
		t->flags |= NEGOTIATE_KNOWN;
	else
		t->flags |= NEGOTIATE_TTYPE;
}

/* Answers the REQUEST of a client; false if there is no room for that. */
static bool
charset_answer(struct telnet_shm *t, int charset)
{
	const char *name = charset >= 0 ? charset_name(charset) : "";
	uint8_t bytes[TELNET_ANSWER_MAX] = {TELNET_IAC, TELNET_SB,
	    TELNET_CHARSET, charset >= 0 ? CHARSET_ACCEPTED : CHARSET_REJECTED};
	size_t len = 4;

	if (t->budget == UINT8_MAX)
		return false;
	memcpy(bytes + len, name, strlen(name));
	len += strlen(name);
	bytes[len++] = TELNET_IAC;
	bytes[len++] = TELNET_SE;
	if (!negotiate_say(t, bytes, len))
		return false;
	t->budget++;
	return true;
}

/* When both have asked, the client's question is the one that is refused. */
static void
charset_requested(struct telnet_shm *t)
{
	int charset = t->sub[SUB_BEST] - 1;

	if ((t->flags & NEGOTIATE_REQUESTED) != 0)
		charset = -1;
	if (charset_answer(t, charset) && charset >= 0)
		t->charset = (uint8_t)charset;
}

static void
charset_end(struct telnet_shm *t)
{
	static const uint8_t no_tables[] = {TELNET_IAC, TELNET_SB,
	    TELNET_CHARSET, CHARSET_TTABLE_REJECTED, TELNET_IAC, TELNET_SE};

	if (option_state(t, OPTION_HIM, OPTION_CHARSET) != OPTION_YES &&
	    option_state(t, OPTION_US, OPTION_CHARSET) != OPTION_YES)
		return;
	charset_name_end(t);
	switch (t->sub[SUB_COMMAND]) {
	case CHARSET_REQUEST:
		charset_requested(t);
		break;
	case CHARSET_ACCEPTED:
		if ((t->flags & NEGOTIATE_REQUESTED) != 0 &&
		    t->sub[SUB_BEST] != 0)
			t->charset = t->sub[SUB_BEST] - 1;
		t->flags &= (uint8_t)~NEGOTIATE_REQUESTED;
		break;
	case CHARSET_REJECTED:
		t->flags &= (uint8_t)~NEGOTIATE_REQUESTED;
		break;
	case CHARSET_TTABLE_IS:
		if (t->budget < UINT8_MAX &&
		    negotiate_say(t, no_tables, sizeof(no_tables)))
			t->budget++;
		break;
	default:
		break;
	}
}

void
subneg_end(struct telnet_shm *t)
{
	if (t->sub_len > 0 && t->sub_len <= SUBNEG_MAX) {
		if (t->sub_option == TELNET_NAWS)
			naws_end(t);
		else if (t->sub_option == TELNET_TTYPE)
			ttype_end(t);
		else if (t->sub_option == TELNET_CHARSET)
			charset_end(t);
	}
	subneg_begin(t);
	negotiate_ask(t);
}

void
subneg_on(struct telnet_shm *t, enum option_side side, enum option option)
{
	if (side == OPTION_HIM && option == OPTION_TTYPE &&
	    (t->flags & NEGOTIATE_KNOWN) == 0)
		t->flags |= NEGOTIATE_TTYPE;
	else if (side == OPTION_US && option == OPTION_CHARSET)
		t->flags |= NEGOTIATE_CHARSET;
}

void
subneg_off(struct telnet_shm *t, enum option_side side, enum option option)
{
	if (side == OPTION_HIM && option == OPTION_TTYPE) {
		t->flags |= NEGOTIATE_KNOWN; /* no more is to be learnt */
		t->flags &= (uint8_t)~NEGOTIATE_TTYPE;
	} else if (side == OPTION_HIM && option == OPTION_NAWS) {
		t->width = 0;
	} else if (side == OPTION_US && option == OPTION_CHARSET) {
		t->flags &=
		    (uint8_t) ~(NEGOTIATE_CHARSET | NEGOTIATE_REQUESTED);
	}
}

void
subneg_ask(struct telnet_shm *t)
{
	static const uint8_t send[] = {TELNET_IAC, TELNET_SB, TELNET_TTYPE,
	    TTYPE_SEND, TELNET_IAC, TELNET_SE};
	static const char request[] =
	    "\377\372\52\1;UTF-8;ISO-8859-1;CP437;US-ASCII\377\360";

	if ((t->flags & NEGOTIATE_TTYPE) != 0 &&
	    negotiate_say(t, send, sizeof(send))) {
		t->flags &= (uint8_t)~NEGOTIATE_TTYPE;
		t->ttypes++;
	}
	if ((t->flags & NEGOTIATE_CHARSET) != 0 &&
	    negotiate_say(t, request, sizeof(request) - 1)) {
		t->flags &= (uint8_t)~NEGOTIATE_CHARSET;
		t->flags |= NEGOTIATE_REQUESTED;
	}
}
