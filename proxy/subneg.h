/* SPDX-License-Identifier: MIT */
/*
 * What telnet options say once they are on: the window's width (NAWS, RFC
 * 1073), the terminal's names (TTYPE, RFC 1091, with the cycle that MUD clients
 * make of it, MTTS), the character set (CHARSET, RFC 2066).
 *
 * Used by negotiate.c and telnet.c.  A subnegotiation is read a byte at a time
 * and of it only what matters is kept; one that has more than SUBNEG_MAX bytes
 * says nothing.
 */
#ifndef PROXY_SUBNEG_H
#define PROXY_SUBNEG_H

#include "proxy/negotiate.h"

#define SUBNEG_MAX 512 /* the option's code among them, IAC IAC being one */

/* A subnegotiation begins; has this byte; ends with IAC SE. */
void subneg_begin(struct telnet_shm *t);
void subneg_byte(struct telnet_shm *t, uint8_t c);
void subneg_end(struct telnet_shm *t);

/* The option has come to be on, is off, on that side. */
void subneg_on(struct telnet_shm *t, enum option_side side, enum option option);
void subneg_off(
    struct telnet_shm *t, enum option_side side, enum option option);

/* Ask what there is to be asked and now has a place in t->answer. */
void subneg_ask(struct telnet_shm *t);

#endif
