/* SPDX-License-Identifier: MIT */
/*
 * The load: clients in rooms, some of which publish, all in this process.
 *
 *   load.c      connects and joins, then warms up, measures, drains
 *   publish.c   what a publisher may send, by window or by rate
 *   receive.c   what a member read, and whether it should have
 *
 * As this process owns every member, it knows without the server's help when
 * a message has been read by all: that is what opens a window again.
 */
#ifndef TOOLS_CHATLOAD_LOAD_H
#define TOOLS_CHATLOAD_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "tools/chatload/histogram.h"
#include "tools/chatload/text.h"

#define LOAD_ROOMS_MAX 65535
#define LOAD_MEMBERS_MAX 65535

struct load_config {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	unsigned int rooms;
	unsigned int members;    /* of each room */
	unsigned int publishers; /* of each room, at most members */
	unsigned int window; /* messages of a publisher not yet read by all */
	double rate;         /* messages a second in all; 0: no limit */
	double warmup;       /* seconds */
	double seconds;
	pid_t pid;   /* the server's first process; 0: not told */
	bool verify; /* check fillers and the common order as well */
	struct text_format format;
};

struct load_result {
	double join_seconds; /* until everyone has seen everyone join */
	double join_cpu;     /* seconds of server CPU, -1: not known */
	double seconds;      /* the measured interval and what was in it: */
	double server_cpu;   /* seconds, -1: not known */
	double load_cpu;     /* seconds of this process */
	uint64_t messages;
	uint64_t deliveries;
	struct histogram latency; /* ns, a sample of the deliveries */
	uint64_t lost;            /* whole run, as all that follow */
	uint64_t order_errors;    /* twice, out of order, or echoed */
	uint64_t strays;          /* lines that nobody of the run sent */
};

struct publisher {
	struct client *client;
	struct publisher *next_ready;
	bool ready;     /* in load.ready */
	uint32_t sent;  /* sequence number of the next message */
	uint32_t acked; /* all before it were read by all others */
	uint32_t *left; /* members yet to read message n, at n & load.mask */
	char *out;      /* room for two windows */
	size_t out_size;
	size_t out_start; /* lines not sent, at most a window of them: */
	size_t out_len;
};

struct client {
	int fd;
	unsigned int room;
	unsigned int member;
	bool joined;           /* has read its own join */
	bool blocked;          /* waits for EPOLLOUT */
	struct publisher *pub; /* NULL: only reads */
	uint32_t *next;        /* next sequence number of each publisher */
	uint64_t order;        /* hash of what it read; with verify */
	char *partial;         /* a line without its end yet */
	size_t partial_len;
};

struct load {
	const struct load_config *config;
	struct load_result *result;
	int epoll_fd;
	struct client *clients;  /* room by room */
	struct publisher *pubs;  /* room by room */
	struct publisher *ready; /* may have something to send */
	size_t nclients;
	size_t npubs;
	size_t mask;      /* of publisher.left */
	size_t joined;    /* clients */
	uint64_t notices; /* joins read, by all clients */
	uint64_t deliveries;
	uint64_t messages;
	uint64_t outstanding; /* messages not yet read by all */
	bool joining;
	bool sampling;
	unsigned int sample_every; /* deliveries */
	unsigned int sample_left;
	uint64_t read_ns;     /* when the bytes at hand were read, or 0 */
	size_t next_pub;      /* whose turn it is at a fixed rate */
	uint64_t next_due_ns; /* when */
};

/*
 * Runs the load as configured and fills in the result.  Exits with 1 and a
 * message when the server refuses or closes a client, or when nothing moves
 * for 10 seconds before all have joined.
 */
void load_run(const struct load_config *config, struct load_result *result);

/* Asks to be called back when the client may be sent to again, or not. */
void load_watch(struct load *l, struct client *c, bool writable);

/* CLOCK_MONOTONIC */
uint64_t load_now(void);

/* Allocates zeroed memory or exits. */
void *load_alloc(size_t count, size_t size);

/* The socket is readable: reads it once and accounts for what was read. */
void receive(struct load *l, struct client *c);

/* End of the run: counts what never arrived, compares the orders. */
void receive_settle(struct load *l);

/* One member has read message `seq`, or will never. */
void publisher_delivered(struct load *l, struct publisher *p, uint32_t seq);

/* Everyone who may send now does: by the windows, or what is due by rate. */
void publisher_send_all(struct load *l);

/* The socket takes bytes again. */
void publisher_unblock(struct load *l, struct publisher *p);

/* Queues all: the start of the load. */
void publisher_start(struct load *l);

/* When a message is due, or UINT64_MAX when only a window can open. */
uint64_t publisher_due(const struct load *l);

#endif
