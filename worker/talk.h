/* SPDX-License-Identifier: MIT */
/*
 * What talk.c (lines) and command.c (commands) know of each other.
 */
#ifndef WORKER_TALK_H
#define WORKER_TALK_H

#include "shared/chat/line.h"
#include "worker/worker.h"

/* How a session's input is being consumed. */
struct consumer {
	struct worker *w;
	uint32_t slot;
	struct session_shm *s;
	struct session_half half; /* as it will be after the next commit */
	uint64_t base, total;     /* input[0] is byte `base` of the stream */
	bool eof;                 /* nothing comes behind `total` */
};

enum progress {
	GO_ON,
	WAIT, /* this line must be looked at again later */
	STOP, /* nothing more to do with this input now */
};

/*
 * Throw away what is to be thrown away: all up to skip_to, the rest of a line
 * already refused, everything of one who has left.  Returns whether something
 * was.
 */
bool talk_skip(struct consumer *c);

/* A line, of max_line bytes at most. */
enum progress talk_found(struct consumer *c, const struct line *line);

/* Before the join "/quit" leaves too, as everywhere. */
bool talk_is_quit(const struct line *line);

/* Publish the messages gathered so far, and how far they consumed. */
void talk_flush(struct consumer *c);

/* Does a reply still wait to be sent?  Then there's no place for another. */
bool talk_reply_waits(const struct consumer *c);

/* The line has to wait for what nobody tells of: it is tried again shortly. */
enum progress talk_later(struct consumer *c);

/* Refuse the line, which is consumed in c->half. */
enum progress talk_refuse(
    struct consumer *c, enum chat_error code, uint64_t arg);

/* End the session, as decided in `half`: leave its room, or just go. */
void talk_end(struct worker *w, uint32_t slot, struct session_half *half,
    enum close_reason reason);

/*
 * A command line of a joined session, `consumed` bytes of input with its end.
 */
enum progress command_run(
    struct consumer *c, const struct line_words *words, size_t consumed);

/* The commands' names, without the '/': NULL behind the last one. */
const char *command_name(size_t i);

#endif
