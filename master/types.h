/* SPDX-License-Identifier: MIT */
/*
 * What kinds of worker there are and what brings them connections.  These
 * tables are the only place that knows them all.
 */
#ifndef MASTER_TYPES_H
#define MASTER_TYPES_H

#include "master/options.h"
#include "shared/net/inherit.h"

struct type {
	const char *name;
	worker_main *main;
	size_t count_at; /* in struct options: the unsigned that counts them */
	bool foreign;    /* it knows no segment, and has no sessions */
};
extern const struct type types[WORKER_TYPES];

/* A key that names listeners, and whom they feed. */
struct entrance {
	const char *key;
	enum worker_type feeds;
	enum listener_kind inner; /* what it is when TLS is taken off */
	size_t list_at;       /* in struct options: its struct listen_list */
	const char *line_end; /* of what a refused client is told; NULL: HTTP */
	unsigned replay;      /* messages shown on joining, by default */
};
extern const struct entrance entrances[LISTENER_KINDS];

/*
 * Make counts and lists in `options` go together, and with what there is room
 * for: a type without workers has no listener, and one without a listener has
 * no workers; but chat workers there are always.  Returns 0, or -1 with a line
 * for a person in err.
 */
int types_settle(struct options *options, char *err, size_t errsize);

/* How many workers of a type the options ask for. */
unsigned types_count(const struct options *options, enum worker_type type);

/* How many workers of all types, foreign ones or the others. */
unsigned types_sum(const struct options *options, bool foreign);

/* The listeners of an entrance. */
const struct listen_list *types_listeners(
    const struct options *options, enum listener_kind kind);

/* How many messages are shown on joining to who came in there. */
unsigned types_replay(const struct options *options, enum listener_kind kind);

#endif
