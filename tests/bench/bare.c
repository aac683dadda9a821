/* SPDX-License-Identifier: MIT */
/*
 * The baseline of `make bench`: the line protocol at its barest.
 *
 * One process, one level-triggered epoll loop.  A pass reads every ready
 * client once, collects the new lines per room, and then sends each member
 * all that is new to it in one call, so that publishers share a flush.  What
 * a socket does not take waits in a buffer of that client.
 *
 * It is as fast as such a loop gets because it leaves out what a server
 * needs: nothing is checked, nothing is limited, and a crash loses it all.
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 1024
#define READ_MAX 16384
#define BUCKETS 4096

struct buf {
	char *data;
	size_t len;
	size_t cap;
};

struct room;

struct client {
	int fd;
	bool spoke;        /* has lines in its room's text */
	bool blocked;      /* out is not empty, EPOLLOUT is asked for */
	struct room *room; /* NULL before the first line */
	size_t seat;       /* index in room->members, once prefix is set */
	char *prefix;      /* "NAME: ", NULL before the second line */
	size_t prefix_len;
	struct buf in;   /* a line without its end yet */
	struct buf out;  /* what the socket did not take */
	size_t out_sent; /* of these, bytes sent since */
};

/* Successive lines of one sender; they end at `end` in the room's text. */
struct run {
	const struct client *from; /* NULL: a notice, for everyone */
	size_t end;
};

struct room {
	struct room *next_in_bucket;
	struct room *next_dirty;
	bool dirty;
	char *name;
	struct client **members;
	size_t count;
	size_t cap;
	size_t refs;     /* clients whose room this is, joined or not */
	struct buf text; /* all lines of this pass */
	struct run *runs;
	size_t nruns;
	size_t runs_cap;
};

static struct room *buckets[BUCKETS];
static struct room *dirty;
static int epoll_fd;

static void *
take(size_t size)
{
	void *p = malloc(size);

	if (!p)
		err(1, "malloc");
	return p;
}

static void *
grow(void *ptr, size_t size)
{
	void *p = realloc(ptr, size);

	if (!p)
		err(1, "realloc");
	return p;
}

static void
buf_append(struct buf *b, const char *data, size_t len)
{
	if (len == 0)
		return;
	if (!b->data || b->cap - b->len < len) {
		b->cap = (b->len + len) * 2;
		b->data = grow(b->data, b->cap);
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

/* Forgets the first `len` bytes. */
static void
buf_consume(struct buf *b, size_t len)
{
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
}

static struct room **
room_slot(const char *name, size_t len)
{
	uint32_t hash = 2166136261u;
	struct room **r;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	r = &buckets[hash % BUCKETS];
	while (*r && (strlen((*r)->name) != len ||
			 memcmp((*r)->name, name, len) != 0))
		r = &(*r)->next_in_bucket;
	return r;
}

static struct room *
room_get(const char *name, size_t len)
{
	struct room **slot = room_slot(name, len);

	if (!*slot) {
		*slot = take(sizeof(**slot));
		**slot = (struct room){.name = take(len + 1)};
		memcpy((*slot)->name, name, len);
		(*slot)->name[len] = '\0';
	}
	return *slot;
}

static void
room_free(struct room *room)
{
	*room_slot(room->name, strlen(room->name)) = room->next_in_bucket;
	free(room->name);
	free(room->members);
	free(room->text.data);
	free(room->runs);
	free(room);
}

static void
room_mark(struct room *room)
{
	if (room->dirty)
		return;
	room->dirty = true;
	room->next_dirty = dirty;
	dirty = room;
}

/* Ends a line that was appended to the room's text. */
static void
room_add(struct room *room, const struct client *from)
{
	room_mark(room);
	if (room->nruns == 0 || room->runs[room->nruns - 1].from != from) {
		if (room->nruns == room->runs_cap) {
			room->runs_cap = room->runs_cap * 2 + 4;
			room->runs = grow(
			    room->runs, room->runs_cap * sizeof(*room->runs));
		}
		room->runs[room->nruns++].from = from;
	}
	room->runs[room->nruns - 1].end = room->text.len;
}

static void
room_notice(
    struct room *room, const char *before, struct client *c, const char *after)
{
	buf_append(&room->text, before, strlen(before));
	buf_append(&room->text, c->prefix, c->prefix_len - 2);
	buf_append(&room->text, after, strlen(after));
	room_add(room, NULL);
}

static void
client_watch(struct client *c, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	if (epoll_ctl(epoll_fd, op, c->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

/* An error other than a full socket shows when the socket is read. */
static void
client_send(struct client *c, const char *data, size_t len)
{
	ssize_t n;

	if (len == 0)
		return;
	if (!c->blocked) {
		n = send(c->fd, data, len, MSG_NOSIGNAL);
		if ((size_t)n == len || (n == -1 && errno != EAGAIN))
			return;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
		c->blocked = true;
		client_watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	}
	buf_append(&c->out, data, len);
}

static void
client_unblock(struct client *c)
{
	ssize_t n = send(c->fd, c->out.data + c->out_sent,
	    c->out.len - c->out_sent, MSG_NOSIGNAL);

	if (n == -1)
		return;
	c->out_sent += (size_t)n;
	if (c->out_sent > c->out.len / 2) {
		buf_consume(&c->out, c->out_sent);
		c->out_sent = 0;
	}
	if (c->out.len > 0)
		return;
	c->blocked = false;
	client_watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

/* Sends the room's text without the member's own lines. */
static void
client_send_others(struct client *c, const struct room *room)
{
	static struct buf scratch;
	size_t start = 0;

	scratch.len = 0;
	for (size_t i = 0; i < room->nruns; i++) {
		const struct run *r = &room->runs[i];

		if (r->from != c)
			buf_append(
			    &scratch, room->text.data + start, r->end - start);
		start = r->end;
	}
	client_send(c, scratch.data, scratch.len);
}

static void
room_flush(struct room *room)
{
	for (size_t i = 0; i < room->count && room->nruns > 0; i++) {
		struct client *c = room->members[i];

		if (c->spoke)
			client_send_others(c, room);
		else
			client_send(c, room->text.data, room->text.len);
		c->spoke = false;
	}
	room->text.len = 0;
	room->nruns = 0;
}

/* The end of a pass. */
static void
flush_all(void)
{
	while (dirty) {
		struct room *room = dirty;

		dirty = room->next_dirty;
		room->dirty = false;
		room_flush(room);
		if (room->refs == 0)
			room_free(room);
	}
}

/* What was said before the join is not for the joiner: flushed first. */
static void
client_join(struct client *c, const char *name, size_t len)
{
	struct room *room = c->room;

	room_flush(room);
	c->prefix_len = len + 2;
	c->prefix = take(c->prefix_len);
	memcpy(c->prefix, name, len);
	memcpy(c->prefix + len, ": ", 2);
	if (room->count == room->cap) {
		room->cap = room->cap * 2 + 4;
		room->members =
		    grow(room->members, room->cap * sizeof(struct client *));
	}
	c->seat = room->count;
	room->members[room->count++] = c;
	room_notice(room, "🌟 ", c, " joined the room!\n");
}

static void
client_leave(struct client *c)
{
	struct room *room = c->room;

	room_flush(room);
	room->members[c->seat] = room->members[--room->count];
	room->members[c->seat]->seat = c->seat;
	room_notice(room, "👋 ", c, " left the room\n");
}

static void
client_close(struct client *c)
{
	if (c->prefix)
		client_leave(c);
	if (c->room) {
		c->room->refs--;
		room_mark(c->room);
	}
	close(c->fd);
	free(c->prefix);
	free(c->in.data);
	free(c->out.data);
	free(c);
}

static void
client_line(struct client *c, const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0)
		return;
	if (!c->room) {
		c->room = room_get(line, len);
		c->room->refs++;
	} else if (!c->prefix) {
		client_join(c, line, len);
	} else {
		buf_append(&c->room->text, c->prefix, c->prefix_len);
		buf_append(&c->room->text, line, len);
		buf_append(&c->room->text, "\n", 1);
		room_add(c->room, c);
		c->spoke = true;
	}
}

/* Returns how many bytes were whole lines. */
static size_t
client_lines(struct client *c, const char *data, size_t len)
{
	const char *p = data;
	const char *end = data + len;
	const char *nl;

	while ((nl = memchr(p, '\n', (size_t)(end - p)))) {
		client_line(c, p, (size_t)(nl - p));
		p = nl + 1;
	}
	return (size_t)(p - data);
}

static void
client_read(struct client *c)
{
	static char data[READ_MAX];
	ssize_t n = recv(c->fd, data, sizeof(data), 0);
	size_t used;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	if (c->in.len > 0) {
		buf_append(&c->in, data, (size_t)n);
		buf_consume(&c->in, client_lines(c, c->in.data, c->in.len));
		return;
	}
	used = client_lines(c, data, (size_t)n);
	if (used < (size_t)n)
		buf_append(&c->in, data + used, (size_t)n - used);
}

static void
accept_all(int listen_fd)
{
	int fd;

	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): epoll keeps the client */
	while ((fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		struct client *c = take(sizeof(*c));

		*c = (struct client){.fd = fd};
		client_watch(c, EPOLL_CTL_ADD, EPOLLIN);
	}
}

/* Sockets accepted from it inherit TCP_NODELAY.  Prints "port=N". */
static int
listen_on(uint16_t port)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd == -1)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&addr, len) == -1)
		err(1, "bind");
	if (listen(fd, SOMAXCONN) == -1)
		err(1, "listen");
	if (getsockname(fd, (struct sockaddr *)&addr, &len) == -1)
		err(1, "getsockname");
	printf("port=%u\n", ntohs(addr.sin_port));
	fflush(stdout);
	return fd;
}

static void
raise_fd_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "getrlimit");
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
}

/* No options, or --port N. */
static uint16_t
parse_port(int argc, char **argv)
{
	bool given = argc == 3 && strcmp(argv[1], "--port") == 0;
	unsigned long port = given ? strtoul(argv[2], NULL, 10) : 0;

	if ((argc > 1 && !given) || port > UINT16_MAX)
		errx(2, "usage: bare [--port N]");
	return (uint16_t)port;
}

int
main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS_MAX];
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
	int listen_fd;

	raise_fd_limit();
	listen_fd = listen_on(parse_port(argc, argv));
	epoll_fd = epoll_create1(0);
	if (epoll_fd == -1 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &ev) == -1)
		err(1, "epoll");
	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if (!c) {
				accept_all(listen_fd);
				continue;
			}
			if (events[i].events & EPOLLOUT)
				client_unblock(c);
			if (events[i].events & ~(uint32_t)EPOLLOUT)
				client_read(c);
		}
		flush_all();
	}
}
