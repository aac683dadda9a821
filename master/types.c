/* SPDX-License-Identifier: MIT */
/* See types.h. */
#include "master/types.h"

const struct type types[WORKER_TYPES] = {
    [WORKER_CHAT] = {"chat", chat_worker_main,
	offsetof(struct options, workers)},
};

const struct entrance entrances[LISTENER_KINDS] = {
    [LISTENER_LINE] = {"line", WORKER_CHAT, offsetof(struct options, line)},
};

unsigned
types_count(const struct options *options, enum worker_type type)
{
	const char *at = (const char *)options + types[type].count_at;

	return *(const unsigned *)(const void *)at;
}

const struct listen_list *
types_listeners(const struct options *options, enum listener_kind kind)
{
	const char *at = (const char *)options + entrances[kind].list_at;

	return (const struct listen_list *)(const void *)at;
}
