/* SPDX-License-Identifier: MIT */
/*
 * What web.c and the files that serve all sessions know of each other.  All
 * may be asked about any session; one that didn't come by the web is none of
 * what they ask for.
 */
#ifndef WORKER_WEB_H
#define WORKER_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "worker/talk.h"

#define REASON_MAX 64 /* bytes of a body that only names the status */

/* Is it a WebSocket? */
bool web_is_upgraded(const struct session_shm *s);

/* Has its client said that it closes, or has to be closed? */
bool web_is_closing(const struct session_shm *s);

/* Is there a pong to be sent?  And must input wait for it? */
bool web_is_answering(const struct session_shm *s);
bool web_is_stuck(const struct session_shm *s);

/* Input: see input.c. */
size_t web_decode(struct worker *w, size_t got);
size_t web_peek(const struct worker *w, struct ws_shm *ws, const char *in,
    size_t n, char *to);
void web_lose(struct worker *w, uint32_t slot);
void web_heard(struct worker *w, uint32_t slot);

/* Answer the next request of one that is no WebSocket yet. */
enum progress web_request(struct consumer *c);

/* Until when its next request is to have come, or a name. */
uint64_t web_deadline(const struct worker *w);

/* Let `half`, which is no WebSocket, end with an answer that says why. */
void web_turn_away(struct worker *w, uint32_t slot, struct session_half *half,
    enum chat_error why);

/*
 * What REPLY_HTTP is: the head to `head` (HTTP_ANSWER_MAX bytes) and the body,
 * which may lie in `reason`.
 */
struct iovec web_answer(const struct session_half *half, char *head,
    size_t *head_len, char reason[REASON_MAX]);

/*
 * Render a piece of REPLY_METRICS, of `size` bytes at most; returns its bytes,
 * and in *next the position of the next.
 */
size_t web_metrics(const struct worker *w, const struct session_half *half,
    char *dst, size_t size, uint64_t *next);

/* Render REPLY_PING or REPLY_CLOSE; returns its bytes. */
size_t web_frame(const struct reply *r, char *to);

/* Render the pong; returns its bytes. */
size_t web_pong(struct worker *w, uint32_t slot, char *frame);

/* Let one who has left be told so by a close frame; false if it was. */
bool web_farewell(struct worker *w, uint32_t slot);

/*
 * Has it not given a sign of life for too long?  Asks for one before that.
 */
bool web_is_dead(struct worker *w, uint32_t slot);

#endif
