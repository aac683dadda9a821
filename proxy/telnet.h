/* SPDX-License-Identifier: MIT */
/*
 * What a telnet client says beside its text (RFC 854, 855, 1143).
 *
 * The session is a network virtual terminal in line mode: every option is off
 * and stays so.  What the client asks for is refused, what it says is off is
 * believed without an answer, and so neither side can begin a loop of answers.
 *
 * Pure functions of a state that is plain bytes: no sockets, no memory.
 */
#ifndef PROXY_TELNET_H
#define PROXY_TELNET_H

#include <stddef.h>
#include <stdint.h>

#include "shared/shm/telnet.h"

/* RFC 854, and RFC 1184 and 885 for the first four. */
enum telnet_command {
	TELNET_EOF = 236,
	TELNET_SUSP = 237,
	TELNET_ABORT = 238,
	TELNET_EOR = 239,
	TELNET_SE = 240,
	TELNET_NOP = 241,
	TELNET_DM = 242,
	TELNET_BRK = 243,
	TELNET_IP = 244,
	TELNET_AO = 245,
	TELNET_AYT = 246,
	TELNET_EC = 247,
	TELNET_EL = 248,
	TELNET_GA = 249,
	TELNET_SB = 250,
	TELNET_WILL = 251,
	TELNET_WONT = 252,
	TELNET_DO = 253,
	TELNET_DONT = 254,
	TELNET_IAC = 255,
};

enum telnet_option {
	TELNET_ECHO = 1,         /* RFC 857 */
	TELNET_SGA = 3,          /* RFC 858 */
	TELNET_TIMING_MARK = 6,  /* RFC 860 */
	TELNET_TTYPE = 24,       /* RFC 1091 */
	TELNET_NAWS = 31,        /* RFC 1073 */
	TELNET_LINEMODE = 34,    /* RFC 1184 */
	TELNET_NEW_ENVIRON = 39, /* RFC 1572 */
	TELNET_CHARSET = 42,     /* RFC 2066 */
};

/*
 * Decode what came from the client: commands, options and subnegotiations are
 * taken out, IAC IAC becomes one byte 255, and CR LF, CR NUL, LF and a bare CR
 * each become one LF.  Consumes all of in[0, len), writes at most `len` bytes
 * to `out`, which does not overlap `in`, and returns how many.
 *
 * Answers are appended to t->answer.  One that finds no place is dropped, and
 * an option whose refusal was dropped counts as never asked for: a client that
 * asks without reading gets answers again once it reads.
 *
 * A function of *t and the bytes: however these are cut into calls, `out` and
 * *t are the same in the end.  *t may hold anything, from a process gone
 * wrong: what cannot be is taken as a new session's.
 */
size_t telnet_decode(
    struct telnet_shm *t, const char *in, size_t len, char *out);

/*
 * What is to be sent before anything else: *out points into t->answer, valid
 * until the next call with this t.  Returns the number of bytes, 0 for none,
 * never more than TELNET_ANSWER_MAX, whatever *t holds.
 */
size_t telnet_answers(const struct telnet_shm *t, const char **out);

/* The first `len` bytes of telnet_answers are sent. */
void telnet_answers_sent(struct telnet_shm *t, size_t len);

#endif
