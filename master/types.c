/* SPDX-License-Identifier: MIT */
/* See types.h. */
#include "master/types.h"

#include <stdio.h>

#include "master/auth.h"
#include "master/tls.h"

const struct type types[WORKER_TYPES] = {
    [WORKER_CHAT] = {"chat", chat_worker_main,
	offsetof(struct options, workers), false},
    [WORKER_TELNET] = {"telnet", chat_worker_main,
	offsetof(struct options, telnet_workers), false},
    [WORKER_WEB] = {"web", chat_worker_main,
	offsetof(struct options, web_workers), false},
    [WORKER_TLS] = {"tls", tls_worker_main,
	offsetof(struct options, tls_workers), true},
    [WORKER_AUTH] = {"auth", auth_worker_main,
	offsetof(struct options, auth_workers), true},
};

const struct entrance entrances[LISTENER_KINDS] = {
    [LISTENER_LINE] = {.key = "line",
	.feeds = WORKER_CHAT,
	.inner = LISTENER_LINE,
	.list_at = offsetof(struct options, line),
	.line_end = "\n",
	.replay = 0},
    [LISTENER_TELNET] = {.key = "telnet",
	.feeds = WORKER_TELNET,
	.inner = LISTENER_TELNET,
	.list_at = offsetof(struct options, telnet),
	.line_end = "\r\n",
	.replay = 20},
    [LISTENER_WEB] = {.key = "web",
	.feeds = WORKER_WEB,
	.inner = LISTENER_WEB,
	.list_at = offsetof(struct options, web),
	.replay = 20},
    [LISTENER_METRICS] = {.key = "metrics",
	.feeds = WORKER_WEB,
	.inner = LISTENER_METRICS,
	.list_at = offsetof(struct options, metrics)},
    [LISTENER_LINE_TLS] = {.key = "line-tls",
	.feeds = WORKER_TLS,
	.inner = LISTENER_LINE,
	.list_at = offsetof(struct options, line_tls)},
    [LISTENER_TELNET_TLS] = {.key = "telnet-tls",
	.feeds = WORKER_TLS,
	.inner = LISTENER_TELNET,
	.list_at = offsetof(struct options, telnet_tls)},
    [LISTENER_WEB_TLS] = {.key = "web-tls",
	.feeds = WORKER_TLS,
	.inner = LISTENER_WEB,
	.list_at = offsetof(struct options, web_tls)},
};

/* The field of `options` that lies at an offset. */
#define FIELD(options, at) ((void *)((char *)(options) + (at)))
#define CONST_FIELD(options, at)                                               \
	((const void *)((const char *)(options) + (at)))

unsigned
types_count(const struct options *options, enum worker_type type)
{
	const unsigned *count = CONST_FIELD(options, types[type].count_at);

	return *count;
}

unsigned
types_sum(const struct options *options, bool foreign)
{
	unsigned sum = 0;

	for (unsigned type = 0; type < WORKER_TYPES; type++)
		if (types[type].foreign == foreign)
			sum += types_count(options, type);
	return sum;
}

const struct listen_list *
types_listeners(const struct options *options, enum listener_kind kind)
{
	return CONST_FIELD(options, entrances[kind].list_at);
}

/* Nobody behind a listener, nobody in front of a worker: then neither. */
static void
types_pair(struct options *options)
{
	bool fed[WORKER_TYPES] = {[WORKER_CHAT] = true, [WORKER_AUTH] = true};

	for (unsigned kind = 0; kind < LISTENER_KINDS; kind++) {
		const struct entrance *e = &entrances[kind];
		struct listen_list *list = FIELD(options, e->list_at);

		enum worker_type inner = entrances[e->inner].feeds;

		if (types_count(options, e->feeds) == 0 ||
		    types_count(options, inner) == 0)
			list->count = 0;
		if (list->count > 0)
			fed[e->feeds] = fed[inner] = true;
	}
	for (unsigned type = 0; type < WORKER_TYPES; type++) {
		unsigned *count = FIELD(options, types[type].count_at);

		if (!fed[type])
			*count = 0;
	}
}

int
types_settle(struct options *options, char *err, size_t errsize)
{
	unsigned workers = 0, listeners = 0;

	types_pair(options);
	for (unsigned type = 0; type < WORKER_TYPES; type++)
		workers += types_count(options, type);
	for (unsigned kind = 0; kind < LISTENER_KINDS; kind++)
		listeners += types_listeners(options, kind)->count;
	if (workers > SEATS_MAX) {
		snprintf(err, errsize,
		    "workers: %u of all types are too many: at most %d",
		    workers, SEATS_MAX);
		return -1;
	}
	if (listeners > LISTENERS_MAX) {
		snprintf(err, errsize,
		    "%u listeners are too many: at most %d of all kinds",
		    listeners, LISTENERS_MAX);
		return -1;
	}
	return 0;
}

unsigned
types_replay(const struct options *options, enum listener_kind kind)
{
	return options->replay_given ? options->replay : entrances[kind].replay;
}
