/* SPDX-License-Identifier: MIT */
/*
 * Publishing.  A pass of the loop first reads, then each publisher sends all
 * that its window allows in one call, as a client with a full queue would.
 */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/chatload/load.h"

/* Bytes that are no message and not sent yet: pongs of a stalled server. */
#define SAID_MAX (4 * PROTOCOL_PONG_MAX)

void
publisher_init(struct load *l, struct publisher *p, struct client *c)
{
	const struct load_config *cfg = l->config;
	struct speaker who = load_speaker(c);

	who.talks = true;
	p->client = c;
	p->left = load_alloc(l->mask + 1, sizeof(*p->left));
	p->before = load_alloc(1, PROTOCOL_TEXT_MAX);
	p->before_len = cfg->protocol->before(&cfg->format, &who, p->before);
	p->message_len =
	    p->before_len + cfg->format.size + strlen(cfg->protocol->after);
	p->out_size = 2 * (size_t)cfg->window * p->message_len + SAID_MAX;
	p->out = load_alloc(1, p->out_size);
	c->pub = p;
}

void
publisher_fini(struct publisher *p)
{
	free(p->left);
	free(p->before);
	free(p->out);
}

static void
mark_ready(struct load *l, struct publisher *p)
{
	if (p->ready)
		return;
	p->ready = true;
	p->next_ready = l->ready;
	l->ready = p;
}

static bool
window_open(const struct load *l, const struct publisher *p)
{
	return p->sent - p->acked < l->config->window &&
	       l->messages < l->messages_max;
}

static void
add_message(struct load *l, struct publisher *p, uint64_t time_ns)
{
	const struct text_format *f = &l->config->format;
	char *out;

	if (p->out_start + p->out_len + p->message_len > p->out_size) {
		memmove(p->out, p->out + p->out_start, p->out_len);
		p->out_start = 0;
	}
	out = p->out + p->out_start + p->out_len;
	memcpy(out, p->before, p->before_len);
	text_write(f, p->sent, time_ns, out + p->before_len);
	out += p->before_len + f->size;
	memcpy(out, l->config->protocol->after,
	    p->message_len - p->before_len - f->size);
	p->out_len += p->message_len;
	p->left[p->sent & l->mask] = l->readers;
	p->sent++;
	l->messages++;
	l->outstanding++;
}

static void
send_out(struct load *l, struct publisher *p)
{
	struct client *c = p->client;
	ssize_t n;

	if (p->out_len == 0 || c->blocked)
		return;
	n = send(c->fd, p->out + p->out_start, p->out_len, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN)
		err(1, "send");
	if ((size_t)n == p->out_len) {
		p->out_start = p->out_len = 0;
		return;
	}
	if (n > 0) {
		p->out_start += (size_t)n;
		p->out_len -= (size_t)n;
	}
	c->blocked = true;
	load_watch(l, c, true);
}

void
publisher_unblock(struct load *l, struct publisher *p)
{
	p->client->blocked = false;
	load_watch(l, p->client, false);
	send_out(l, p);
}

void
publisher_say(
    struct load *l, struct publisher *p, const char *bytes, size_t len)
{
	size_t window = (size_t)l->config->window * p->message_len;

	if (p->out_len + len > p->out_size - window)
		errx(1, "the server asks again and again, and reads nothing");
	memmove(p->out, p->out + p->out_start, p->out_len);
	memcpy(p->out + p->out_len, bytes, len);
	p->out_start = 0;
	p->out_len += len;
	send_out(l, p);
}

void
publisher_delivered(struct load *l, struct publisher *p, uint32_t seq)
{
	if (--p->left[seq & l->mask] > 0)
		return;
	while (p->acked != p->sent && p->left[p->acked & l->mask] == 0) {
		p->acked++;
		l->outstanding--;
	}
	mark_ready(l, p);
}

void
publisher_start(struct load *l)
{
	for (size_t i = l->npubs; i-- > 0;)
		mark_ready(l, &l->pubs[i]);
	l->next_due_ns = load_now();
}

uint64_t
publisher_due(const struct load *l)
{
	if (l->config->rate > 0 && window_open(l, &l->pubs[l->next_pub]))
		return l->next_due_ns;
	return UINT64_MAX;
}

/*
 * At a fixed rate publishers take turns.  A message carries the time when it
 * was due, not when it was sent: a server that stalls pays for all that had
 * to wait meanwhile.  A closed window holds back those behind it, too.
 */
static void
add_due(struct load *l)
{
	uint64_t interval = (uint64_t)(1e9 / l->config->rate);
	uint64_t now = load_now();

	while (publisher_due(l) <= now) {
		struct publisher *p = &l->pubs[l->next_pub];

		add_message(l, p, l->next_due_ns);
		mark_ready(l, p);
		l->next_due_ns += interval;
		l->next_pub = (l->next_pub + 1) % l->npubs;
	}
}

void
publisher_send_all(struct load *l)
{
	if (l->config->rate > 0)
		add_due(l);
	while (l->ready) {
		struct publisher *p = l->ready;

		l->ready = p->next_ready;
		p->ready = false;
		if (l->config->rate == 0 && window_open(l, p)) {
			uint64_t now = load_now();

			while (window_open(l, p))
				add_message(l, p, now);
		}
		send_out(l, p);
	}
}
