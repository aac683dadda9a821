/* SPDX-License-Identifier: MIT */
/* What the metrics listener tells. */
#ifndef WORKER_SCRAPE_H
#define WORKER_SCRAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/worker.h"

/*
 * Write the piece of the figures' text at position `r->arg` to dst, `size`
 * bytes (METRICS_PIECE_MIN at least) if they are needed.  All pieces are about
 * the moment r->time_us.  Returns the bytes, 0 at times, and sets *next to the
 * position of the piece behind it, or to REPLY_DONE.
 */
size_t scrape_piece(const struct worker *w, const struct reply *r, char *dst,
    size_t size, uint64_t *next);

/* Does the server do its work, as far as the segment tells? */
bool scrape_is_healthy(const struct worker *w);

#endif
