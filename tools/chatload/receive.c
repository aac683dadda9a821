/* SPDX-License-Identifier: MIT */
/*
 * Reading.  Each member knows which message of each publisher comes next, so
 * that a loss, a repetition or a swap shows at once.  Everything else that a
 * line can be is rare and looked at slowly.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/chatload/load.h"

#define RECEIVE_MAX (256 * 1024)

static bool
starts_with(const char *line, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && memcmp(line, prefix, n) == 0;
}

static void
receive_stray(struct load *l, const char *line, size_t len)
{
	if (l->result->strays++ == 0)
		warnx("unexpected line: %.*s", (int)len, line);
}

/* Notices and errors; `len` without the LF. */
static void
receive_other(struct load *l, struct client *c, const char *line, size_t len)
{
	if (l->joining && starts_with(line, len, "🌟 ")) {
		l->notices++;
		l->joined += !c->joined;
		c->joined = true;
		return;
	}
	if (l->joining && starts_with(line, len, "*** error "))
		errx(1, "refused: %.*s", (int)len, line);
	receive_stray(l, line, len);
}

/* The sequence number is not the expected one. */
static void
receive_unexpected(struct load *l, struct client *c, struct publisher *p,
    uint32_t *next, uint32_t seq)
{
	if (p == c->pub || seq - *next >= p->sent - *next) {
		l->result->order_errors++;
		return;
	}
	for (; *next != seq; (*next)++) {
		l->result->lost++;
		publisher_delivered(l, p, *next);
	}
	(*next)++;
	l->deliveries++;
	publisher_delivered(l, p, seq);
}

static void
receive_sample(struct load *l, const char *text)
{
	uint64_t sent = text_time(text);

	l->sample_left = l->sample_every;
	if (!l->sampling)
		return;
	if (l->read_ns == 0)
		l->read_ns = load_now();
	histogram_add(
	    &l->result->latency, l->read_ns > sent ? l->read_ns - sent : 0);
}

static void
receive_verify(struct load *l, struct client *c, uint32_t who, uint32_t seq,
    const char *line)
{
	const struct text_format *f = &l->config->format;

	if (memcmp(line, f->tag, f->tag_len) != 0 ||
	    !text_filler_ok(f, text_of_line(f, line)))
		receive_stray(l, line, f->line - 1);
	c->order ^= (uint64_t)who << 32 | seq;
	c->order *= UINT64_C(0x9e3779b97f4a7c15);
	c->order ^= c->order >> 29;
}

/* A line of the length that messages have. */
static void
receive_message(struct load *l, struct client *c, const char *line)
{
	const struct text_format *f = &l->config->format;
	unsigned int per_room = l->config->publishers;
	const char *text = text_of_line(f, line);
	uint32_t who = text_who(f, line);
	uint32_t seq = text_number(text);
	uint32_t k = who & 0xffff;
	struct publisher *p;

	if (who >> 16 != c->room || k >= per_room) {
		receive_stray(l, line, f->line - 1);
		return;
	}
	p = &l->pubs[c->room * per_room + k];
	if (__builtin_expect(c->next[k] != seq || p == c->pub, 0)) {
		receive_unexpected(l, c, p, &c->next[k], seq);
	} else {
		c->next[k]++;
		l->deliveries++;
		publisher_delivered(l, p, seq);
	}
	if (--l->sample_left == 0)
		receive_sample(l, text);
	if (l->config->verify)
		receive_verify(l, c, who, seq, line);
}

/* Returns how many bytes were whole lines. */
static size_t
receive_lines(struct load *l, struct client *c, const char *data, size_t len)
{
	const char *p = data;
	const char *end = data + len;
	size_t line = l->config->format.line;
	char first = l->config->format.tag[0];

	while (p < end) {
		const char *nl;

		if ((size_t)(end - p) >= line && p[0] == first &&
		    p[line - 1] == '\n') {
			receive_message(l, c, p);
			p += line;
			continue;
		}
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			break;
		receive_other(l, c, p, (size_t)(nl - p));
		p = nl + 1;
	}
	return (size_t)(p - data);
}

/* Keeps a line without its end until the rest comes. */
static void
receive_keep(struct client *c, const char *data, size_t len)
{
	if (len > TEXT_MAX)
		errx(1, "the server sent a line without an end");
	if (len > 0) {
		if (!c->partial)
			c->partial = load_alloc(1, TEXT_MAX);
		memcpy(c->partial, data, len);
	}
	c->partial_len = len;
}

void
receive(struct load *l, struct client *c)
{
	static char data[TEXT_MAX + RECEIVE_MAX];
	size_t len = c->partial_len;
	size_t used;
	ssize_t n;

	if (len > 0)
		memcpy(data, c->partial, len);
	n = recv(c->fd, data + len, RECEIVE_MAX, 0);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		err(1, "recv");
	if (n == 0)
		errx(1, "the server closed a connection");
	l->read_ns = 0;
	len += (size_t)n;
	used = receive_lines(l, c, data, len);
	if (used < len || c->partial_len > 0)
		receive_keep(c, data + used, len - used);
}

/* Members that send read all but their own: theirs is another order. */
static bool
same_order(const struct load *l, const struct client *room)
{
	const struct load_config *cfg = l->config;

	for (unsigned int m = cfg->publishers + 1; m < cfg->members; m++)
		if (room[m].order != room[m - 1].order)
			return false;
	return true;
}

void
receive_settle(struct load *l)
{
	const struct load_config *cfg = l->config;

	for (size_t i = 0; i < l->nclients; i++) {
		const struct client *c = &l->clients[i];

		for (unsigned int k = 0; k < cfg->publishers; k++) {
			const struct publisher *p =
			    &l->pubs[c->room * cfg->publishers + k];

			if (p != c->pub)
				l->result->lost += p->sent - c->next[k];
		}
	}
	if (!cfg->verify || l->result->lost > 0)
		return;
	for (size_t i = 0; i < l->nclients; i += cfg->members) {
		if (same_order(l, &l->clients[i]))
			continue;
		warnx("members of room %u read different orders",
		    l->clients[i].room);
		l->result->order_errors++;
	}
}
