/* SPDX-License-Identifier: MIT */
/*
 * The master: it accepts connections, keeps a dup of each, hands them to
 * workers, and replaces workers that die.  It never reads shared memory,
 * never parses a client's byte, takes no lock and never blocks, so nothing
 * that a worker or a client does can bring it down.
 *
 *   main      start and end
 *   options   what the administrator asked for
 *   logs      where the log goes
 *   access    rooms and users of the configuration
 *   policy    what workers know of all that
 *   reload    reads it anew
 *   instance  the segment and who owns it
 *   types     what kinds of worker there are
 *   loop      waits for events and hands them to the rest
 *   admit     accepts, gives slots, refuses
 *   budget    counts the connections of each address
 *   rate      counts how fast each one comes
 *   refusals  sums up what would flood the log
 *   pass      hands connections to workers, within their credits
 *   requests  obeys what workers ask for
 *   spawn     forks workers
 *   reap      notices deaths and has them replaced
 *   rescue    has the segment laid out anew when repairs don't help
 *   watchdog  finds workers that are alive and do nothing
 *   stop      ends it all
 *   auth      the worker that knows passwords
 *   users_*   administers them, without a server
 *   bans      has bans written to a file
 *   tls       workers that are a program of their own, and what they hand back
 *
 * One process, one thread: everything below is the master's alone, and a
 * worker's as it was when it was forked.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "shared/base/base.h"

#include <sys/types.h>

#include "master/budget.h"
#include "master/instance.h"
#include "master/options.h"
#include "master/rate.h"
#include "master/refusals.h"
#include "master/types.h"
#include "shared/chat/policy.h"
#include "shared/net/ask.h"
#include "shared/net/channel.h"
#include "shared/net/inherit.h"

struct listener {
	int fd;                   /* -1 once closed */
	enum listener_kind kind;  /* whom it feeds: see entrances[] */
	uint64_t paused_until_us; /* 0: it accepts */
};

enum seat_phase {
	SEAT_VACANT,   /* no process: it waits for a fork that succeeds */
	SEAT_STARTING, /* forked; settles, is sent nothing yet */
	SEAT_READY,
	SEAT_CLOSED, /* ended while stopping: nobody sits there again */
};

/* A worker's place, in the master's eyes.  Times are CLOCK_MONOTONIC. */
struct seat {
	enum worker_type type;
	enum seat_phase phase;
	pid_t pid;   /* 0 when vacant or closed */
	int epoll;   /* for life */
	int channel; /* our ends, or -1 */
	int ping;
	uint64_t forked_us;
	uint64_t ready_us;
	unsigned sessions; /* slots that say this seat */

	/* Connections it hasn't been given yet: a list by slot number. */
	uint32_t queue_first, queue_last; /* NONE: empty */
	unsigned credits;

	/* How the last one ended, for the next. */
	bool takeover; /* somebody sat here before */
	int signal;
	bool by_watchdog; /* we sent that signal because it was silent */
	uint64_t died_us;
	unsigned quick_deaths; /* in a row */
	unsigned restarts;
	uint64_t retry_us; /* fork again then */
	bool fork_failed;  /* and that has been logged */

	/* The watchdog's: see watchdog.c. */
	uint64_t pinged;
	unsigned silent;         /* pings in a row without any answer */
	bool answered;           /* since the last tick */
	bool awaited;            /* somebody said so since the last tick */
	unsigned unheard;        /* ticks in a row that nobody did */
	uint64_t awaited_number; /* the acquisition that is waited for */
	unsigned held;           /* ticks in a row it was waited for */

	unsigned nonsense; /* requests that made none */
	uint64_t nonsense_logged_us;

	bool settled;      /* it has said so, and waits for its back-off */
	unsigned distress; /* what its last deaths in a row weigh: rescue.c */

	bool renewed; /* it ended since a new one was wanted */

	bool log_untold;    /* its worker has an older log than we: logs.c */
	bool reload_untold; /* it has older certificates: tls.c */
	bool asked_untold;  /* it waits for a dead auth worker: auth.c */
	bool policy_untold; /* it has an older policy: policy.c */
};

enum rescue_phase {
	RESCUE_NONE,
	RESCUE_ENDING,
	RESCUE_DUE,
	RESCUE_WORKING,
};

/* See rescue.h.  Times are CLOCK_MONOTONIC. */
struct rescue {
	enum rescue_phase phase;
	pid_t child;   /* 0: none */
	int fd;        /* the object it lays out */
	bool in_place; /* which is our segment, and not a new one */
	int report;    /* our end of its pipe */
	unsigned tries;
	bool fork_failed; /* and that has been logged */
	uint64_t due_us;
	uint64_t began_us;
	uint64_t ended_us; /* the last one; 0: there was none */
	unsigned useless;  /* rescues in a row that were followed by one */
	unsigned count;
};

/* See bans.h. */
struct bans {
	bool changed;      /* since the last child was forked */
	pid_t child;       /* 0: none */
	unsigned failures; /* in a row */
	uint64_t due_us;
};

struct master {
	struct options options;
	struct policy policy;     /* what the workers know of them */
	int policy_fd;            /* the object behind it; 0: none yet */
	uint64_t policy_retry_us; /* 0: all have been told of it */
	pid_t pid;
	struct instance instance;

	struct listener listeners[LISTENERS_MAX];
	unsigned nlisteners;

	struct slot *slots;
	uint32_t nslots;
	uint32_t free_first, free_last; /* first in, first out */
	struct budget budget;           /* whose the slots that are taken are */
	uint64_t last_id;
	struct rate rate; /* at which addresses connect */
	struct refusals refusals;
	int reserve; /* an fd to give up when there is none left */

	struct seat seats[SEATS_MAX];
	int bells[SEATS_MAX];
	int asks[SEATS_MAX];  /* their ends of pairs with the auth worker: */
	int asked[SEATS_MAX]; /* its ends */
	uint32_t nseats;
	uint32_t next_seat[WORKER_TYPES]; /* where ties are broken from */
	uint64_t pass_retry_us;
	uint64_t logs_retry_us; /* 0: all workers have our log */
	/* What the auth worker has said, and its predecessors: auth.c. */
	uint64_t verdicts[ASK_VERDICTS], verdicts_before[ASK_VERDICTS];
	uint64_t auth_retry_us; /* 0: all know of the auth worker */
	uint64_t tls_retry_us;  /* 0: all have been told of the last HUP */

	int epoll;
	int signals;
	bool children_ended; /* SIGCHLD came */
	bool ready;          /* all workers have been ready once */

	struct rescue rescue;
	struct bans bans;

	uint64_t tick_us; /* the watchdog's next; 0: there is none */
	uint64_t ticks;

	bool stopping;
	uint64_t kill_us; /* whoever is left then is killed; 0: was done */
};

/* What an event of the master's epoll set is about. */
enum source {
	SOURCE_SIGNAL,
	SOURCE_LISTENER,
	SOURCE_CHANNEL,
	SOURCE_PING,
};

#endif
