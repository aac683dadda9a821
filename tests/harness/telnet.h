/* SPDX-License-Identifier: MIT */
/* Telnet as its clients speak it, for tests. */
#ifndef TESTS_HARNESS_TELNET_H
#define TESTS_HARNESS_TELNET_H

#include <stddef.h>

#include "shared/shm/telnet.h"

#define IAC "\377"
#define DONT IAC "\376"
#define DO IAC "\375"
#define WONT IAC "\374"
#define WILL IAC "\373"
#define SB IAC "\372"
#define SE IAC "\360"
#define BINARY "\0"
#define ECHO "\1"
#define SGA "\3"
#define TM "\6"
#define TTYPE "\30"
#define EOR "\31"
#define NAWS "\37"
#define TSPEED "\40"
#define LINEMODE "\42"
#define ENVIRON "\44"
#define AUTHENTICATION "\45"
#define ENCRYPT "\46"
#define NEW_ENVIRON "\47"
#define CHARSET "\52"

#define SEND SB TTYPE "\1" SE
#define IS(name) SB TTYPE "\0" name SE
#define REQUEST SB CHARSET "\1;UTF-8;ISO-8859-1;CP437;US-ASCII" SE

#define TEXT(bytes) bytes, sizeof(bytes) - 1

/* The client says this, of which this is answered, and all of that is sent. */
#define CLIENT(t, says, expected) telnet_client(t, TEXT(says), TEXT(expected))
void telnet_client(struct telnet_shm *t, const char *says, size_t len,
    const char *expected, size_t expected_len);

#endif
