/* SPDX-License-Identifier: MIT */
/* Lines before the join: a room, a name, and their passwords. */
#ifndef WORKER_DOOR_H
#define WORKER_DOOR_H

#include "worker/talk.h"

/* A line of a session that hasn't joined. */
enum progress door_line(struct consumer *c, const struct line *line);

/*
 * Refuse a line, which is consumed in c->half.  What has arrived behind it is
 * thrown away, so that no message becomes a name; the third time is the last.
 */
enum progress door_refuse(
    struct consumer *c, enum chat_error code, uint64_t arg);

#endif
