/* SPDX-License-Identifier: MIT */
/*
 * The load: clients in rooms, all in this process.
 *
 *   load.c      modes talk and idle: joins, holds, warms up, measures, drains
 *   publish.c   what a publisher may send, by window or by rate
 *   receive.c   what a member read, and whether it should have
 *   typing.c    keys that become no message, in edit mode
 *   churn.c     mode connect: join, leave, and again
 *   ask.c       mode ask: commands as fast as they are answered
 *   dial.c      how a client connects
 *   report.c    the line of figures
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
#include "tools/chatload/memory.h"
#include "tools/chatload/protocol.h"
#include "tools/chatload/telnet.h"
#include "tools/chatload/text.h"

#define LOAD_ROOMS_MAX 65535
#define LOAD_MEMBERS_MAX 65535
#define LOAD_SOURCES_MAX 250
#define LOAD_TYPED_MAX 38 /* with a line of typing.c it fits a window */
#define LOAD_PATIENCE_NS UINT64_C(10000000000) /* without any progress */

enum load_mode {
	MODE_TALK,
	MODE_IDLE,
	MODE_CONNECT,
	MODE_ASK,
};

struct load_config {
	enum load_mode mode;
	const struct protocol *protocol;
	struct sockaddr_storage addr;
	socklen_t addr_len;
	unsigned int sources; /* loopback addresses to connect from, 0: any */
	unsigned int rooms;
	unsigned int members;    /* of each room */
	unsigned int publishers; /* of each room, at most members */
	unsigned int talking;    /* rooms in which they talk, the first ones */
	unsigned int typed;      /* keys of a line before each who listens */
	unsigned int typists; /* of each room that talks, who go on with it */
	double keys;          /* a second, of each of them */
	unsigned int window;  /* messages of a publisher not read by all */
	double rate;          /* messages a second in all; 0: no limit */
	uint64_t messages;    /* end when so many were read; 0: no limit */
	double hold;          /* seconds of mode idle */
	double warmup;        /* seconds */
	double seconds;
	pid_t pid;   /* the server's first process; 0: not told */
	bool verify; /* check fillers and the common order as well */
	struct text_format format;
};

/* What is not known is -1. */
struct load_result {
	uint64_t joins;
	double join_seconds; /* in which they came; mode talk: and were seen */
	double join_cpu;     /* seconds of server CPU */
	struct histogram join_latency; /* ns from connect; mode connect */
	bool memory_known;
	struct memory memory; /* of the server, before anyone came */
	struct memory grown;  /* by so much, when all were there and idle */
	double seconds;       /* the measured interval and what was in it: */
	double server_cpu;    /* seconds */
	double load_cpu;      /* seconds of this process */
	uint64_t messages;
	uint64_t deliveries;
	uint64_t keys;            /* that became no message */
	uint64_t asked;           /* bytes of commands, mode ask */
	uint64_t answered;        /* bytes of replies */
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
	char *before;   /* what comes before each text */
	size_t before_len;
	size_t message_len; /* before, text and after */
	char *out;          /* room for two windows */
	size_t out_size;
	size_t out_start; /* messages not sent, at most a window of them: */
	size_t out_len;   /* and at times what publisher_say has added */
};

struct client {
	int fd;
	unsigned int room;
	unsigned int member;
	bool joined;           /* has read its own join */
	bool blocked;          /* waits for EPOLLOUT */
	struct publisher *pub; /* NULL: only reads */
	struct telnet telnet;  /* if that is the protocol */
	uint32_t keys;         /* typed one by one */
	uint32_t *next;        /* next sequence number of each publisher */
	uint64_t order;        /* hash of what it read; with verify */
	char *partial;         /* a frame without its end yet */
	size_t partial_len;
};

struct load {
	const struct load_config *config;
	struct load_result *result;
	struct layout layout;
	int epoll_fd;
	struct client *clients;  /* room by room */
	struct publisher *pubs;  /* room by room */
	struct publisher *ready; /* may have something to send */
	size_t nclients;
	size_t npubs;
	uint32_t readers; /* of a message, in its room, echoes included */
	size_t mask;      /* of publisher.left */
	size_t joined;    /* clients */
	uint64_t notices; /* joins read, by all clients */
	uint64_t deliveries;
	uint64_t messages;
	uint64_t messages_max;
	uint64_t outstanding; /* messages not yet read by all */
	bool joining;
	bool typed; /* the rows are as they are to be */
	bool sampling;
	unsigned int sample_every; /* deliveries */
	unsigned int sample_left;
	uint64_t read_ns;     /* when the bytes at hand were read, or 0 */
	size_t next_pub;      /* whose turn it is at a fixed rate */
	uint64_t next_due_ns; /* when */
	uint64_t keys;        /* typed one by one */
	size_t next_typist;   /* whose turn it is */
	uint64_t next_key_ns; /* when */
};

/*
 * Modes talk and idle: runs the load as configured and fills in the result.
 * All modes exit with 1 and a message when the server refuses or closes a
 * client, or when nothing moves for LOAD_PATIENCE_NS.
 */
void load_run(const struct load_config *config, struct load_result *result);

/*
 * Mode connect: as many clients as there are members join, leave when they
 * have read their own join, and when the server has closed the connection
 * come again under another name.
 */
void churn_run(const struct load_config *config, struct load_result *result);

/*
 * Mode ask: as many clients as there are members join and send commands that
 * have long replies whenever they can, reading all that comes.  SIGTERM and
 * SIGINT end it before its time, with its figures.
 */
void ask_run(const struct load_config *config, struct load_result *result);

/* Prints the line of figures on standard output. */
void report(const struct load_config *config, const struct load_result *result);

/* CLOCK_MONOTONIC */
uint64_t load_now(void);

/* Allocates zeroed memory or exits. */
void *load_alloc(size_t count, size_t size);

/* Who a client is. */
struct speaker load_speaker(const struct client *c);

/* Seconds of CPU of the server's tree so far, -1 without a pid; or exits. */
double load_server_cpu(const struct load_config *config);

/* The difference of two of these. */
double load_cpu_between(double before, double after);

/*
 * Connects client number n, which chooses its source address, and says what
 * the protocol opens with or needs to join; the socket is non-blocking then.
 */
int dial(
    const struct load_config *config, const struct speaker *who, uint32_t n);

/* Sends something short at once, or exits. */
void dial_send(int fd, const char *bytes, size_t len);

/* Says what the protocol needs to join. */
void dial_join(
    const struct load_config *config, const struct speaker *who, int fd);

/*
 * Telnet only: takes commands out of what was read, data[0, len), and returns
 * how much is left.  Answers them, and says what the protocol needs to join
 * once everything is negotiated.
 */
size_t dial_negotiate(const struct load_config *config,
    const struct speaker *who, int fd, struct telnet *t, char *data,
    size_t len);

/* Makes room for so many fds and timers precise, or exits. */
void dial_prepare(size_t fds);

/* Asks to be called back when the client may be sent to again, or not. */
void load_watch(struct load *l, struct client *c, bool writable);

/* The socket is readable: reads it once and accounts for what was read. */
void receive(struct load *l, struct client *c);

/* End of the run: counts what never arrived, compares the orders. */
void receive_settle(struct load *l);

/* Sends what is no message, behind those that are being sent. */
void publisher_say(
    struct load *l, struct publisher *p, const char *bytes, size_t len);

/* One member has read message `seq`, or will never. */
void publisher_delivered(struct load *l, struct publisher *p, uint32_t seq);

void publisher_init(struct load *l, struct publisher *p, struct client *c);
void publisher_fini(struct publisher *p);

/* Everyone who may send now does: by the windows, or what is due by rate. */
void publisher_send_all(struct load *l);

/* The socket takes bytes again. */
void publisher_unblock(struct load *l, struct publisher *p);

/* Types what of a line is to stand before those who listen. */
void typing_rows(struct load *l);

/* Each of them has read that, and nothing else. */
bool typing_rows_shown(const struct load *l);

/* Whether that may be in the client's row, as far as is known. */
bool typing_row_ok(
    const struct load *l, const struct client *c, const char *row, size_t len);

void typing_start(struct load *l);

/* When a key is due, or UINT64_MAX; and types those that are. */
uint64_t typing_due(const struct load *l);
void typing_send_due(struct load *l);

/* Queues all: the start of the load. */
void publisher_start(struct load *l);

/* When a message is due, or UINT64_MAX when only a window can open. */
uint64_t publisher_due(const struct load *l);

#endif
