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
#include "tools/chatload/progress.h"

#define RECEIVE_MAX (256 * 1024)

/* What came from the server; the last two are of messages only. */
struct frame {
	const char *data;
	size_t len;
	const char *who;
	const char *text;
};

/* Its text, without a line end. */
static void
receive_show(
    const struct load *l, const struct frame *f, char *said, size_t size)
{
	const struct protocol *protocol = l->config->protocol;
	size_t head = protocol->head ? protocol->head(f->data) : 0;

	snprintf(said, size, "%.*s", (int)(f->len - head), f->data + head);
	said[strcspn(said, "\r\n")] = '\0';
}

static void
receive_stray(struct load *l, const struct frame *f)
{
	char said[PROTOCOL_TEXT_MAX];

	if (l->result->strays++ > 0)
		return;
	progress_end();
	receive_show(l, f, said, sizeof(said));
	warnx("unexpected: %s", said);
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

/* The frame is shown if it is none of ours. */
static void
receive_verify(struct load *l, struct client *c, const struct frame *f)
{
	const struct text_format *format = &l->config->format;
	const char *name = f->who - format->tag_len;

	if (memcmp(name, format->tag, format->tag_len) != 0 ||
	    !text_filler_ok(format, f->text))
		receive_stray(l, f);
	c->order ^= (uint64_t)text_number(f->who) << 32 | text_number(f->text);
	c->order *= UINT64_C(0x9e3779b97f4a7c15);
	c->order ^= c->order >> 29;
}

static void
receive_message(struct load *l, struct client *c, const struct frame *f)
{
	unsigned int per_room = l->config->publishers;
	uint32_t who = text_number(f->who);
	uint32_t seq = text_number(f->text);
	uint32_t k = who & 0xffff;
	struct publisher *p;

	if (who >> 16 != c->room || k >= per_room || !c->next) {
		receive_stray(l, f);
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
		receive_sample(l, f->text);
	if (l->config->verify)
		receive_verify(l, c, f);
}

/*
 * With verify: was the row that a message has erased the one that was typed,
 * as far as it was redrawn since it was erased before?
 */
static void
receive_row(struct load *l, struct client *c, const struct frame *f)
{
	const size_t erase = strlen(TELNET_ERASE);
	const char *name = f->who - l->config->format.tag_len;
	const char *row = f->data;
	const char *end;

	if (!l->config->verify || !l->typed || name == f->data)
		return;
	end = name - erase;
	for (const char *p = row; p < end; p++)
		if (memcmp(p, TELNET_ERASE, erase) == 0)
			row = p + erase;
	if (!typing_row_ok(l, c, row, (size_t)(end - row)))
		receive_stray(l, f);
}

/* What was typed is seen as it was typed, by who typed it alone. */
static void
receive_echo(struct load *l, struct client *c, const struct frame *f)
{
	uint32_t seq = text_number(f->text);

	if (!c->pub || l->config->protocol->telnet != TELNET_KEYS) {
		receive_stray(l, f);
		return;
	}
	if (c->next[c->member] != seq) {
		l->result->order_errors++;
		return;
	}
	if (l->config->verify && !text_filler_ok(&l->config->format, f->text))
		receive_stray(l, f);
	c->next[c->member]++;
	publisher_delivered(l, c->pub, seq);
}

/* Who has a message half sent says it behind that. */
static void
receive_ping(struct load *l, struct client *c, const struct frame *f)
{
	char pong[PROTOCOL_PONG_MAX];
	size_t len = l->config->protocol->pong(f->data, f->len, pong);

	if (c->pub)
		publisher_say(l, c->pub, pong, len);
	else
		dial_send(c->fd, pong, len);
}

/* A frame that does not look like all messages of the run. */
static void
receive_other(struct load *l, struct client *c, struct frame *f)
{
	const struct protocol *protocol = l->config->protocol;
	char said[PROTOCOL_TEXT_MAX];
	struct speaker who;

	switch (protocol->heard(
	    &l->config->format, f->data, f->len, &f->who, &f->text)) {
	case HEARD_MESSAGE:
		receive_row(l, c, f);
		receive_message(l, c, f);
		return;
	case HEARD_ECHO:
		receive_echo(l, c, f);
		return;
	case HEARD_REPLY:
		return;
	case HEARD_READY:
		who = load_speaker(c);
		dial_join(l->config, &who, c->fd);
		return;
	case HEARD_PING:
		receive_ping(l, c, f);
		return;
	case HEARD_JOIN:
		if (!l->joining)
			break;
		l->notices++;
		l->joined += !c->joined;
		c->joined = true;
		return;
	case HEARD_REFUSAL:
		if (!l->joining)
			break;
		receive_show(l, f, said, sizeof(said));
		errx(1, "refused: %s", said);
	case HEARD_LEAVE:
	case HEARD_STRAY:
		break;
	}
	receive_stray(l, f);
}

/* Returns how many bytes were whole frames. */
static size_t
receive_frames(struct load *l, struct client *c, const char *data, size_t len)
{
	const struct protocol *protocol = l->config->protocol;
	const struct layout *lay = &l->layout;
	const char *p = data;
	const char *end = data + len;

	while (p < end) {
		struct frame f = {.data = p, .len = lay->size};

		if ((size_t)(end - p) >= lay->size &&
		    p[lay->probe_at] == lay->probe &&
		    p[lay->end_at] == lay->end) {
			f.who = p + lay->who_at;
			f.text = p + lay->text_at;
			receive_message(l, c, &f);
			p += lay->size;
			continue;
		}
		f.len = protocol->frame(p, (size_t)(end - p));
		if (f.len == 0)
			break;
		receive_other(l, c, &f);
		p += f.len;
	}
	return (size_t)(p - data);
}

/* Keeps a frame without its end until the rest comes. */
static void
receive_keep(struct client *c, const char *data, size_t len)
{
	if (len > TEXT_MAX)
		errx(1, "the server sent something without an end");
	if (len > 0) {
		if (!c->partial)
			c->partial = load_alloc(1, TEXT_MAX);
		memcpy(c->partial, data, len);
	}
	c->partial_len = len;
}

static ssize_t
receive_negotiate(struct load *l, struct client *c, char *data, size_t len)
{
	struct speaker who = load_speaker(c);

	return (ssize_t)dial_negotiate(
	    l->config, &who, c->fd, &c->telnet, data, len);
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
	if (l->config->protocol->telnet != TELNET_NONE)
		n = receive_negotiate(l, c, data + len, (size_t)n);
	len += (size_t)n;
	used = receive_frames(l, c, data, len);
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

/* What a client has not read that was said in its room. */
static uint64_t
never_arrived(const struct load *l, const struct client *c)
{
	const struct load_config *cfg = l->config;
	const struct publisher *pubs = &l->pubs[c->room * cfg->publishers];
	uint64_t sum = 0;

	if (c->member < cfg->publishers && !cfg->protocol->talkers_listen)
		return 0;
	for (unsigned int k = 0; k < cfg->publishers; k++)
		if (k != c->member || cfg->protocol->telnet == TELNET_KEYS)
			sum += pubs[k].sent - c->next[k];
	return sum;
}

void
receive_settle(struct load *l)
{
	const struct load_config *cfg = l->config;
	size_t nclients = (size_t)cfg->talking * cfg->members;

	for (size_t i = 0; i < nclients; i++)
		l->result->lost += never_arrived(l, &l->clients[i]);
	if (!cfg->verify || l->result->lost > 0)
		return;
	for (size_t i = 0; i < nclients; i += cfg->members) {
		if (same_order(l, &l->clients[i]))
			continue;
		warnx("members of room %u read different orders",
		    l->clients[i].room);
		l->result->order_errors++;
	}
}
