/* SPDX-License-Identifier: MIT */
/*
 * The client's side of telnet (RFC 854): commands are taken out of what the
 * server sends, and those that ask for an option are answered as a terminal
 * would that lets the server echo: an xterm of 24 rows and 80 columns, in
 * binary.  A client in line mode answers nothing.
 */
#ifndef TOOLS_CHATLOAD_TELNET_H
#define TOOLS_CHATLOAD_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELNET_COLUMNS 80
#define TELNET_ANSWERS_MAX 512

/* What such a terminal says first: WILL NAWS, WILL TTYPE. */
#define TELNET_OPENS "\xff\xfb\x1f\xff\xfb\x18"

/* What makes the server erase the row before it shows something above it. */
#define TELNET_ERASE "\r\x1b[K"

/* A connection's; all zero at its beginning. */
struct telnet {
	uint8_t state; /* enum telnet_state, see telnet.c */
	uint8_t verb;
	uint8_t sub_len; /* of a subnegotiation, of which these are kept: */
	uint8_t sub[2];
	bool joined;   /* the client has said its room and its name */
	uint32_t ours; /* options below 32 that are on, a bit each */
	uint32_t his;
};

struct telnet_answers {
	char bytes[TELNET_ANSWERS_MAX];
	size_t len;
};

/*
 * Takes the commands out of data[0, len), in place, wherever they are cut, and
 * returns how much is left.  Appends to `answers`, unless that is NULL; exits
 * when they are more than a server should ask for at a time.
 */
size_t telnet_strip(
    struct telnet *t, char *data, size_t len, struct telnet_answers *answers);

/* All is agreed to that makes the server echo what is typed. */
bool telnet_keys(const struct telnet *t);

#endif
