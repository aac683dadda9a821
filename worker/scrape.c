/* SPDX-License-Identifier: MIT */
/*
 * The figures for Prometheus, and whether all is well.  Whatever asks for them
 * often must not keep those who talk waiting: the text is made piece by piece,
 * without the lock, from a segment that changes meanwhile.
 */
#include "worker/scrape.h"

#include "shared/shm/metrics.h"

static struct figures_moment
moment_of(const struct worker *w, uint64_t now_us)
{
	return (struct figures_moment){
	    .seg = &w->seg,
	    .alive = true, /* its workers end with it */
	    .now_us = now_us,
	    .beat_us = w->now_us,
	    .head = ring_head(&w->seg),
	    .types = worker_type_names,
	    .ntypes = WORKER_TYPES,
	};
}

size_t
scrape_piece(const struct worker *w, const struct reply *r, char *dst,
    size_t size, uint64_t *next)
{
	const struct metrics m = {.moment = moment_of(w, r->time_us)};

	static_assert(METRICS_DONE == REPLY_DONE, "the same end");
	return metrics_render(&m, r->arg, dst, size, next);
}

bool
scrape_is_healthy(const struct worker *w)
{
	const struct figures_moment m = moment_of(w, 0);

	return metrics_healthy(&m, w->settings->watchdog_s * UINT64_C(1000000));
}
