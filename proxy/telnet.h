/* SPDX-License-Identifier: MIT */
/*
 * What a telnet client says beside its text (RFC 854, 855): commands are taken
 * out of the stream and acted on, options are negotiated (negotiate.h).
 *
 * A session is in one of two modes.  It begins in line mode: a network virtual
 * terminal that edits and echoes its lines by itself.  Once the client has
 * agreed that the server echoes, it sends each key as it is typed, and the
 * session is in edit mode (telnet_edits): the bytes are keys for an editor.
 *
 * Pure functions of a state that is plain bytes: no sockets, no memory.
 */
#ifndef PROXY_TELNET_H
#define PROXY_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/charset.h"
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
	TELNET_BINARY = 0,      /* RFC 856 */
	TELNET_ECHO = 1,        /* RFC 857 */
	TELNET_SGA = 3,         /* RFC 858 */
	TELNET_TIMING_MARK = 6, /* RFC 860 */
	TELNET_TTYPE = 24,      /* RFC 1091 */
	TELNET_OPTION_EOR = 25, /* RFC 885 */
	TELNET_NAWS = 31,       /* RFC 1073 */
	TELNET_CHARSET = 42,    /* RFC 2066 */
};

/*
 * What commands become in the text.  In line mode the same bytes from the
 * client, controls that no text may hold, become 0x1f, which it may not hold
 * either; so each is a command there.  In edit mode they are keys as well.
 * TELNET_KEY_MARK comes from no client: see editor.h.
 */
enum telnet_key {
	TELNET_KEY_END = 0x04,       /* EOF */
	TELNET_KEY_INTERRUPT = 0x03, /* IP, BRK, ABORT */
	TELNET_KEY_DISCARD = 0x0f,   /* AO */
	TELNET_KEY_KILL = 0x15,      /* EL */
	TELNET_KEY_MARK = 0x1c,
	TELNET_KEY_THERE = 0x1e, /* AYT, in edit mode */
	TELNET_KEY_ERASE = 0x7f, /* EC */
};

/*
 * Decode what came from the client: commands, options and subnegotiations are
 * taken out, or become one byte (enum telnet_key), IAC IAC becomes one byte
 * 255, and CR LF, CR NUL, LF and a bare CR each become one LF.  Consumes all of
 * in[0, len), writes at most `len` bytes to `out`, which does not overlap `in`,
 * and returns how many.  They are in the client's character set.
 *
 * Answers are appended to t->answer.  One that finds no place is dropped, and
 * the client's wish counts as not said: a client that asks without reading gets
 * answers again once it reads.  What the server asks by itself waits for a
 * place, until the next call.
 *
 * A function of *t and the bytes: however these are cut into calls, `out` and
 * *t are the same in the end.  *t may hold anything, from a process gone
 * wrong: what cannot be is taken as a new session's.
 */
size_t telnet_decode(
    struct telnet_shm *t, const char *in, size_t len, char *out);

/*
 * The client seems to speak telnet (see negotiate.c): it is asked to negotiate,
 * if it wasn't.  telnet_decode does that once the client negotiates by itself.
 * Appends to t->answer, as telnet_decode.
 */
void telnet_open(struct telnet_shm *t);

/*
 * Is the text that raw[0, got) was decoded to, text[0, len), one line, ended as
 * telnet has it and nothing behind it?  That is how it looks when somebody
 * types into a telnet client that waits to be asked.
 */
bool telnet_is_typed(const char *text, size_t len, const char *raw, size_t got);

/* Does the client send keys, which are echoed, and not lines? */
bool telnet_edits(const struct telnet_shm *t);

/* Columns of its window; 0 if it didn't say. */
unsigned telnet_width(const struct telnet_shm *t);

/* Bits of enum terminal_bit. */
unsigned telnet_terminal(const struct telnet_shm *t);

enum charset telnet_charset(const struct telnet_shm *t);

/*
 * From now on, or no longer, what is typed is not to be seen.  In line mode the
 * client is asked not to echo it, if it negotiates; in edit mode that is the
 * editor's matter.  Appends to t->answer, as telnet_decode does.
 */
void telnet_hide(struct telnet_shm *t, bool hide);

/*
 * What goes behind a prompt that ends no line: EOR (RFC 885), GA (RFC 854) for
 * a client that wants it, or nothing.  Returns its bytes, at most
 * TELNET_PROMPT_MAX.
 */
#define TELNET_PROMPT_MAX 2
size_t telnet_prompt_end(const struct telnet_shm *t, char *out);

/*
 * What is to be sent before anything else: *out points into t->answer, valid
 * until the next call with this t.  Returns the number of bytes, 0 for none,
 * never more than TELNET_ANSWER_MAX, whatever *t holds.
 */
size_t telnet_answers(const struct telnet_shm *t, const char **out);

/* The first `len` bytes of telnet_answers are sent. */
void telnet_answers_sent(struct telnet_shm *t, size_t len);

#endif
