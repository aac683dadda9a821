/* SPDX-License-Identifier: MIT */
/*
 * Connections: they open, say what was put into `out`, bit by bit so that
 * lines lie half sent, and close in several ways.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/chat/notice.h"
#include "tests/torture/run.h"
#include "tests/torture/torture.h"

/* SO_RCVBUF of slow readers: much less, and TCP trickles by timer. */
#define SLOW_BUFFER 16384

struct room *rooms;
struct client *clients;
bool stopping;

/* Half of a quarter of all share room 0, so that one room is spread. */
static uint32_t
room_of(uint32_t client)
{
	uint32_t big = options.clients / 4;

	if (options.rooms == 1 || client < big)
		return 0;
	return 1 + (client - big) % (options.rooms - 1);
}

/* What it is besides. */
static unsigned
choose_more(const struct client *c)
{
	unsigned more = chance_of(40) ? TRAIT_FORMS : 0;

	/* Who is lapped is told of what it ignores, too. */
	if (c->member != 0 && !rooms[c->room].quiet && !options.lagging &&
	    chance_of(20))
		more |= TRAIT_IGNORES;
	return more;
}

static unsigned
choose_traits(const struct client *c)
{
	uint32_t draw = chance_below(100);

	if (c->member == 0)
		return 0; /* the observer */
	if (rooms[c->room].quiet)
		return TRAIT_SENDS;
	if (draw < 10)
		return 0;
	if (draw < 20)
		return TRAIT_SENDS | TRAIT_ERRS;
	if (draw < 32)
		return TRAIT_SENDS | TRAIT_SLOW;
	if (draw < 38)
		return TRAIT_SENDS | TRAIT_SLOW | TRAIT_CHURNS;
	if (draw < 54)
		return TRAIT_SENDS | TRAIT_CHURNS;
	return TRAIT_SENDS;
}

static int
client_make(uint32_t i)
{
	struct client *c = &clients[i];
	struct room *r = &rooms[room_of(i)];

	c->index = i;
	c->room = r->index;
	c->member = r->count;
	c->fd = -1;
	if (r->count++ == 0)
		r->observer = i;
	r->members[c->member] = i;
	c->traits = choose_traits(c) | choose_more(c);
	c->telnet = options.telnet > 0 && chance_of(25);
	if (!c->telnet && options.web > 0 && chance_of(33))
		web_make(c);
	if (c->telnet && options.edit > 0 && !options.lagging &&
	    chance_of(70)) {
		options.edit--;
		typing_make(c);
	}
	return 0;
}

int
clients_make(void)
{
	rooms = calloc(options.rooms, sizeof(*rooms));
	clients = calloc(options.clients, sizeof(*clients));
	if (rooms == NULL || clients == NULL)
		return -1;
	for (uint32_t i = 0; i < options.rooms; i++) {
		rooms[i].index = i;
		rooms[i].quiet = i % 6 == 5;
		rooms[i].fleeting = i % 6 == 3;
		rooms[i].members = calloc(options.clients, sizeof(uint32_t));
		if (rooms[i].members == NULL)
			return -1;
	}
	for (uint32_t i = 0; i < options.clients; i++)
		client_make(i);
	for (uint32_t i = 0; i < options.clients; i++) {
		clients[i].next =
		    calloc(rooms[clients[i].room].count, sizeof(uint32_t));
		if (clients[i].next == NULL)
			return -1;
	}
	return 0;
}

/* Register for what it waits for. */
void
client_watch(struct client *c)
{
	struct epoll_event event = {.data.u32 = c->index};

	if (c->fd == -1)
		return;
	if (!c->paused)
		event.events |= EPOLLIN;
	if (event.events == c->armed)
		return;
	if (epoll_ctl(run_epoll, EPOLL_CTL_MOD, c->fd, &event) == -1)
		abort();
	c->armed = event.events;
}

static int
client_open(struct client *c)
{
	struct sockaddr_in to = {
	    .sin_family = AF_INET,
	    .sin_port = htons(c->telnet        ? server.telnet_port
			      : c->web != NULL ? server.web_port
					       : server.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = c->index};
	int size = SLOW_BUFFER;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return -1;
	if ((c->traits & TRAIT_SLOW) != 0)
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1 &&
	    errno != EINPROGRESS)
		return -1;
	c->armed = event.events;
	return epoll_ctl(run_epoll, EPOLL_CTL_ADD, c->fd, &event);
}

/* Say the name, after that of the room. */
void
client_name(struct client *c)
{
	char text[NAME_SIZE + 1];
	size_t n = text_login(c->index, false, text);

	text[n++] = '\n';
	client_say(c, text, n);
}

/* Connect and log in; some name themselves wrongly at first. */
void
client_connect(struct client *c)
{
	static const char bad_name[] = "not a name\n";
	const struct who nobody = {.client = NONE};
	char text[NAME_SIZE + DIALECT_ASKS];
	size_t n = 0;

	if (client_open(c) == -1) {
		wrong(CHECK_OPEN, "t%u cannot connect: %s", c->index,
		    strerror(errno));
		if (c->fd != -1)
			close(c->fd);
		c->fd = -1;
		return;
	}
	counts.connections++;
	c->state = CLIENT_COMING;
	c->paused = c->shut = c->joined = c->dismissed = c->nick = false;
	c->partial_len = c->out_len = c->out_at = c->nreplies = 0;
	c->json = c->asked_json = c->asked_shun = false;
	c->seq = c->greet = c->iac = c->answers = 0;
	c->shuns = c->deaf = nobody;
	c->asked = c->ignored = c->heard = nobody;
	c->joins++;
	c->progress_us = clock_us();
	order_begin(c);
	if (c->web != NULL)
		web_begin(c);
	if (c->typing != NULL)
		typing_begin(c);
	else if (c->telnet && chance_of(50))
		n = dialect_negotiate(c, text);
	n += text_room(c->room, text + n);
	text[n++] = '\n';
	client_say(c, text, n);
	c->retry = chance_of(10);
	if (!c->retry) {
		client_name(c);
		return;
	}
	client_say(c, bad_name, sizeof(bad_name) - 1);
	c->replies[c->nreplies++] = CHAT_BAD_NAME;
}

/* Put bytes behind what it has still to send; they fit. */
void
client_say(struct client *c, const char *bytes, size_t len)
{
	if (c->typing != NULL)
		typing_say(c, bytes, len);
	else
		client_put(c, bytes, len);
}

/* The same, as it is. */
void
client_put(struct client *c, const char *bytes, size_t len)
{
	if (c->out_at > 0) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	if (len > OUT_SIZE - c->out_len)
		abort();
	memcpy(c->out + c->out_len, bytes, len);
	c->out_len += len;
}

/* The kernel took nothing: not now, or never again. */
void
client_unsent(struct client *c)
{
	if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
		client_ended(c, errno);
}

/* Send at most so many bytes. */
void
client_flush(struct client *c, size_t most)
{
	size_t len = MIN(c->out_len - c->out_at, most);
	ssize_t n;

	if (c->web != NULL) {
		web_flush(c, most);
		return;
	}
	if (c->fd == -1 || c->shut || !typing_may_send(c) || len == 0)
		return;
	n = send(c->fd, c->out + c->out_at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		c->out_at += (size_t)n;
	else if (n == -1)
		client_unsent(c);
}

/* Begin to leave. */
void
client_go(struct client *c, enum going how)
{
	c->going = how;
	c->leaves++;
	c->state = CLIENT_GOING;
	c->progress_us = clock_us();
	if (options.lagging && c->paused)
		client_pause(c, 0); /* or it would be cut off after 10 s */
	if (how == GOING_QUIT)
		client_say(c, "/quit\n", 6);
	if (how != GOING_CLOSE)
		return;
	if (c->web != NULL && chance_of(50))
		web_part(c);
	if (c->fd == -1) /* web_part has found it ended */
		return;
	close(c->fd);
	c->fd = -1;
	c->state = CLIENT_SETTLING;
}

/* Read nothing until then; 0: read again. */
void
client_pause(struct client *c, uint64_t until_us)
{
	c->paused = until_us != 0;
	c->pause_until_us = until_us;
	client_watch(c);
}

/* The stream has ended: as it was to be, or not. */
void
client_ended(struct client *c, int error)
{
	const struct entry own_leave = {ENTRY_LEAVE, (uint16_t)c->index, 0};

	if (c->partial_len > 0) {
		wrong(CHECK_LOST, "room %u, t%u: the stream ends in a line",
		    c->room, c->index);
		report_bytes(
		    "read", c->partial, c->partial_len, c->partial_len);
	}
	if (c->nreplies > 0)
		wrong(CHECK_LOST, "room %u, t%u: %u replies did not come",
		    c->room, c->index, c->nreplies);
	close(c->fd);
	c->fd = -1;
	if (stopping) {
		c->state = CLIENT_OUT;
		return;
	}
	if (c->web != NULL && web_has_parted(c))
		error = 0; /* the server need not wait for our close frame */
	else if (c->web != NULL)
		wrong(CHECK_BYTES, "room %u, t%u: no close frame at the end",
		    c->room, c->index);
	/* Enter may be two bytes, and the first of them enough. */
	if (c->state == CLIENT_GOING && error == 0 &&
	    c->out_len - c->out_at <= (c->typing != NULL)) {
		c->state = CLIENT_SETTLING;
		if (c->index == rooms[c->room].observer)
			order_take(c, own_leave); /* which nobody reads */
		return;
	}
	counts.disconnects++;
	wrong(CHECK_OPEN, "room %u, t%u is disconnected: %s", c->room, c->index,
	    error == 0 ? "end of file" : strerror(error));
	c->state = CLIENT_OUT;
}

/* Something has come. */
void
client_turn(struct client *c, uint32_t events)
{
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || c->fd == -1)
		return;
	reader_take(c);
}

/* After the end of its stream: has it read all, up to its leave? */
void
client_settle(struct client *c)
{
	order_settle(c);
	if (c->log_leaves < c->leaves || c->log_joins < c->joins)
		return;
	if (c->going != GOING_CLOSE && !order_is_at(c, c->leave_at)) {
		counts.lost += c->leave_at - c->at;
		wrong(CHECK_LOST,
		    "room %u, t%u: read up to %u, its leave is at %u", c->room,
		    c->index, c->at, c->leave_at);
	}
	c->state = CLIENT_OUT;
}
