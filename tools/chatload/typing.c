/* SPDX-License-Identifier: MIT */
/*
 * Typing in edit mode, beside the messages.  Those who only listen may have
 * half a line in front of them, typed before the load begins; and the last
 * ones of each room may go on, one key after the other, each sent by itself.
 * Their lines become no messages: a full one is deleted, by a key.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tools/chatload/load.h"

#define TYPING_LINE 40   /* keys; then the line is deleted */
#define TYPING_KILL 0x15 /* Ctrl-U */

static char
typing_key(uint32_t n)
{
	return (char)('a' + n % 26);
}

/* Sockets take so little, unless the server does not read. */
static void
typing_send(const struct client *c, const char *keys, size_t len)
{
	if (send(c->fd, keys, len, MSG_NOSIGNAL) != (ssize_t)len)
		err(1, "send of keys");
}

static bool
typing_has_row(const struct load *l, const struct client *c)
{
	return c->room < l->config->talking &&
	       c->member >= l->config->publishers;
}

void
typing_rows(struct load *l)
{
	size_t typed = l->config->typed;
	char row[LOAD_TYPED_MAX];

	for (size_t i = 0; i < typed; i++)
		row[i] = typing_key((uint32_t)i);
	for (size_t i = 0; typed > 0 && i < l->nclients; i++)
		if (typing_has_row(l, &l->clients[i]))
			typing_send(&l->clients[i], row, typed);
}

/* What is read without an end is the row, and was echoed as it was typed. */
bool
typing_rows_shown(const struct load *l)
{
	for (size_t i = 0; i < l->nclients; i++)
		if (typing_has_row(l, &l->clients[i]) &&
		    !typing_row_ok(l, &l->clients[i], l->clients[i].partial,
			l->clients[i].partial_len))
			return false;
	return true;
}

bool
typing_row_ok(
    const struct load *l, const struct client *c, const char *row, size_t len)
{
	const struct load_config *cfg = l->config;

	if (!typing_has_row(l, c))
		return len == 0;
	if (c->member >= cfg->members - cfg->typists && c->keys > 0)
		return true; /* a screen would be needed */
	if (len != cfg->typed)
		return false;
	for (size_t i = 0; i < len; i++)
		if (row[i] != typing_key((uint32_t)i))
			return false;
	return true;
}

void
typing_start(struct load *l)
{
	l->next_key_ns = load_now();
}

uint64_t
typing_due(const struct load *l)
{
	return l->config->typists > 0 ? l->next_key_ns : UINT64_MAX;
}

/* They take turns: room by room, and all of each. */
void
typing_send_due(struct load *l)
{
	const struct load_config *cfg = l->config;
	size_t typists = (size_t)cfg->talking * cfg->typists;
	uint64_t interval = (uint64_t)(1e9 / (cfg->keys * (double)typists));
	uint64_t now = load_now();

	while (typing_due(l) <= now) {
		size_t turn = l->next_typist;
		size_t room = turn / cfg->typists;
		struct client *c = &l->clients[(room + 1) * cfg->members - 1 -
					       turn % cfg->typists];
		uint32_t n = cfg->typed + c->keys % TYPING_LINE;
		char key = typing_key(n);

		if (c->keys % TYPING_LINE == TYPING_LINE - 1)
			key = TYPING_KILL;
		typing_send(c, &key, 1);
		c->keys++;
		l->keys++;
		l->next_key_ns += interval;
		l->next_typist = (turn + 1) % typists;
	}
}
