/* SPDX-License-Identifier: MIT */
/*
 * Sizes that the protocol fixes, in bytes, no NUL counted.
 */
#ifndef SHARED_CHAT_LIMITS_H
#define SHARED_CHAT_LIMITS_H

#define LIMIT_NAME 32 /* a user's name */
#define LIMIT_ROOM 64 /* a room's name */
#define LIMIT_TOPIC 256
#define LIMIT_PASSWORD 128
#define LIMIT_WHY 120      /* the reason of a ban that is kept */
#define LIMIT_BANS 1024    /* bans and mutes at once */
#define LIMIT_REQUEST 8192 /* the head of a request by HTTP */

/* What `max-line` may be: one message, line end not counted. */
#define LIMIT_LINE_MIN 64
#define LIMIT_LINE_DEFAULT 4096
#define LIMIT_LINE_MAX (4096 * 4)

#endif
