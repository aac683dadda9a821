/* SPDX-License-Identifier: MIT */
/*
 * What a worker is born with.  The master fills this in and forks; all of it
 * is in the child's inherited memory and fd table.  Nothing here is shared
 * memory, so nothing a worker does to it reaches anybody else.
 *
 * Fd numbers: everything but connections lies below FD_BASE, transient fds
 * included; the connection in slot s is fd FD_BASE + s in every process.
 */
#ifndef SHARED_NET_INHERIT_H
#define SHARED_NET_INHERIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/net/channel.h"

struct policy;   /* shared/chat/policy.h */
struct settings; /* shared/chat/settings.h */

#define FD_BASE 640

/* What a worker serves; a seat has one for life. */
enum worker_type {
	WORKER_CHAT,
	WORKER_TELNET,
	WORKER_WEB,
	/* From here on, types without sessions and a place in the segment. */
	WORKER_TLS,
	WORKER_AUTH,
	WORKER_TYPES,
};
extern const char *const worker_type_names[WORKER_TYPES];

/*
 * The master's table of connections, a row a slot.  A child's copy of it, as
 * of the fork, says which connections are its own: those with its seat.
 */
struct slot {
	int seat;      /* -1: the slot is free */
	uint32_t gen;  /* rises with each connection in this slot */
	uint32_t next; /* the master's lists: free slots, or a seat's queue */
	bool queued;   /* waits for a credit; the worker hasn't got the fd */
	struct peer peer;
};

struct inherit {
	uint32_t seat;
	uint32_t nseats;
	enum worker_type type;
	const struct policy *policy;     /* as of the fork, or NULL: */
	const struct settings *settings; /* these alone */
	int segment_fd;
	int channel;      /* the worker's end */
	int ping;         /* the worker's end */
	int ask;          /* the same with the auth worker, see ask.h; or 0 */
	const int *asked; /* auth worker: its ends, of nseats others */
	int epoll;        /* this seat's set; outlives the worker */
	const int *bells; /* an eventfd for each seat */
	const struct slot *slots;
	uint32_t nslots;
	bool takeover;       /* a predecessor sat here and has been reaped */
	int signal;          /* it died of this signal; 0: it exited */
	bool by_watchdog;    /* and the master sent that signal */
	bool suspect;        /* it may have damaged the segment */
	uint32_t backoff_ms; /* settle at once, serve after this */
	uint64_t forked_us;  /* CLOCK_MONOTONIC */
	int master_pid;
	bool sandbox; /* it confines itself before it reads from anybody */
};

/* A worker's exit code when the segment is damaged beyond its repair. */
#define WORKER_DAMAGED 65

/* The auth worker's when a password took it too long. */
#define WORKER_SLOW 66

/* A worker type's main function.  Its result is the process' exit code. */
typedef int worker_main(const struct inherit *inherit);

/* Serves lines, telnet and web: what a session speaks is in its row. */
worker_main chat_worker_main;

#endif
