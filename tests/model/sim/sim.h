/* SPDX-License-Identifier: MIT */
/*
 * The simulation: the real code of worker/ and shared/ over a simulated
 * kernel, master and clients, deterministic from a seed, in one process.
 *
 * The code under test is compiled with gcc's thread sanitizer in mind, but its
 * runtime is ours (points.c): so every store to and atomic load from the
 * shared segment is a point, at which the worker may be killed or another one
 * may run.  Its system calls are ours too (--wrap, see flags.mk), with a point
 * before and behind each.  Workers are coroutines.
 *
 *   run.c     one run: who goes next, and when it is over
 *   proc.c    workers as processes: birth, death, private memory
 *   points.c  the sanitizer's runtime: where processes die and alternate
 *   named.c   fault points that were met
 *   stores.c  what a death undoes, and who may store where
 *   calls.c   system calls of a worker; waits.c those that may block
 *   tcp.c     connections
 *   master.c  the master: admits, passes, reaps, starts successors
 *   client.c  clients; script.c what they are to do; say.c what they say
 *   dialect.c telnet and JSON, from and to lines of text; typing.c screens
 *   keys.c    what is typed there; web.c frames
 *   oracle.c  all that was committed, checked as it comes
 *   who.c     replies about who is in a room; asked.c those to all else
 *   check.c   what each client read, and what is left in the end
 *   main.c    runs by the thousand, and the broken variants
 */
#ifndef TESTS_MODEL_SIM_SIM_H
#define TESTS_MODEL_SIM_SIM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/net/channel.h"
#include "shared/net/inherit.h"
#include "shared/shm/ring.h"
#include "shared/shm/segment.h"
#include "tests/model/sim/client.h"
#include "worker/worker.h"

#define SEATS 3
#define SLOTS 16
#define ROOMS 4
#define CLIENTS 24
#define RING_BYTES 65536
#define MAX_LINE 300
#define LOGIN_S 30
#define IDLE_S 100
#define NAMED_MAX 120 /* fault points that are told of */

/* Owner of the pool buffers that a run does without. */
#define BUFFER_NOBODY 0x7fffffffu

/* Fds of a worker that are no connections. */
enum {
	FD_SEGMENT = 5,
	FD_CHANNEL = 10,
	FD_PING = 11,
	FD_EPOLL = 12,
	FD_BELL = 20, /* + seat */
	FD_TRANSIENT = 100,
};
#define TRANSIENT 64

/* A connection, as its server end's kernel knows it. */
struct conn {
	bool used;
	int refs; /* fds of the server's end, and those under way */
	int client;
	struct bytes in; /* all that has arrived */
	size_t in_read;  /* of it, given to the worker */
	bool fin_in, rst;
	int error; /* to be told once */
	bool shut_rd, shut_wr;
	struct bytes out; /* all that was taken */
	size_t out_acked; /* of it, read by the client */
	bool fin_acked;
	size_t sndbuf;
	bool aborted; /* the server's end reset it */
};

/* What an fd stands for: a connection, or something by number. */
struct file {
	struct conn *conn;
	uint64_t id;
};

/* An epoll set; it outlives its worker. */
struct watch {
	struct file file;
	int fd;
	uint32_t events;
	uint64_t data;
};
#define WATCHES (SLOTS * 2 + 16)
struct epoll_set {
	struct watch watches[WATCHES];
	int count;
};

/* A message under way, with the connections whose fds ride along. */
struct parcel {
	struct channel_message m;
	struct conn *conns[CHANNEL_FDS];
	unsigned nconns;
};
#define QUEUE_MAX 128
struct queue {
	struct parcel *parcels;
	unsigned first, count;
};

enum proc_state {
	PROC_FRESH, /* forked, has not run */
	PROC_RUNNABLE,
	PROC_WAITS, /* for `wait` */
	PROC_DEAD,  /* not yet reaped */
};
enum wait_kind {
	WAIT_EPOLL,
	WAIT_POLL,
	WAIT_LOCK,
};

/* A worker. */
struct proc {
	uint32_t seat;
	enum proc_state state;
	enum wait_kind wait;
	uint64_t wake_us; /* UINT64_MAX: never by time */
	int polled[4];    /* WAIT_POLL: fds */
	unsigned npolled;
	bool idle; /* it waits for the second to pass */
	bool serving;
	unsigned turns; /* since something came from outside */
	struct worker worker;
	struct inherit inherit;
	struct slot slots[SLOTS]; /* its copy of the master's table */
	struct conn *session[SLOTS];
	struct conn *transient[TRANSIENT];
	uint64_t channel_id, ping_id;
	sigjmp_buf context;
	char *stack;
	char *arena;
	size_t arena_used;
	int syscall_errno;
};

enum phase {
	SEAT_VACANT,
	SEAT_STARTING,
	SEAT_READY,
};

/* The master's words about a seat. */
struct desk {
	enum phase phase;
	bool takeover;
	unsigned credits;
	uint32_t queue_first, queue_last;
	struct queue to_worker, to_master;
	unsigned to_master_max;
};

struct master_state {
	struct slot slots[SLOTS];
	struct conn *conns[SLOTS]; /* its dups */
	uint32_t free_first, free_last;
	struct desk desks[SEATS];
	uint64_t next_id;
	bool stopping;
};

/* A committed record. */
struct entry {
	uint8_t type, flags;
	int client;
	int to_client; /* RECORD_PRIVATE */
	uint32_t room, room_gen;
	uint64_t room_msg;
	size_t text, len; /* in oracle.text */
};
#define ENTRIES 8192
#define OLD_ROOMS 64

struct oracle {
	struct entry entries[ENTRIES];
	int count;
	struct bytes text;
	struct {
		bool live;
		int room; /* of the scripts */
		int members;
		uint64_t messages;
	} rooms[ROOMS];
};

/* How a run goes, drawn from its seed. */
struct profile {
	unsigned nworkers, nclients;
	unsigned deaths_max;
	int deaths_from;        /* after so many records have been committed */
	uint32_t death_rate;    /* of 2^32, at the first hit of a place */
	uint32_t recovery_rate; /* the same in a takeover */
	uint32_t call_rate;     /* of 2^32, at each system call */
	unsigned quantum;       /* points between preemptions, about */
	unsigned short_sends;   /* percent */
	unsigned rate_worker, rate_client, rate_master;
	bool small_pool, lapping, stops, reorders;
	int sluggish;      /* seat that hardly ever gets its turn, or -1 */
	unsigned freezes;  /* how often a worker is stopped for a while */
	unsigned failures; /* percent of calls that fail for no reason */
	unsigned backoff;  /* percent of successors that wait */
	uint32_t slots;
	unsigned rests;
	unsigned messages;
	unsigned commands; /* percent of lines */
	unsigned telnets;  /* percent of clients, */
	unsigned edits;    /* and of those that send keys */
	unsigned webs;     /* percent of the others */
	bool crowded;      /* one room, long names */
	size_t message_max;
	size_t sndbuf;
	size_t rcvbuf;
	uint64_t jumps_us; /* of time, in all */
};

struct counts {
	uint64_t runs, deaths, recovery_deaths, held_deaths, torn_deaths;
	uint64_t points, deliveries, lapped, moves, parks, quiets, silent;
	uint64_t commands, whos, asked;
	uint64_t own_rows, rows_checked, half_typed, pongs;
	struct {
		uint64_t met, died;
	} named[NAMED_MAX]; /* by fault point */
};

struct sim {
	uint64_t seed;
	uint64_t random;
	bool verbose;
	struct profile profile;
	uint64_t now_us, jumped_us;
	uint64_t steps, stop_step;
	struct segment seg;
	int segment_fd;
	char *image; /* of the segment as it is formatted */
	struct settings settings;
	struct proc procs[SEATS];
	struct proc *current;
	struct epoll_set epolls[SEATS];
	uint64_t bells[SEATS];
	int bell_fds[SEATS];
	unsigned parked_posts; /* the lock's semaphore */
	uint64_t next_file;
	struct master_state master;
	struct conn conns[CLIENTS];
	struct client clients[CLIENTS];
	struct oracle oracle;
	unsigned deaths;
	unsigned recoveries_in_a_row;
	int frozen; /* seat that is stopped, or -1 */
	uint64_t frozen_us;
	unsigned freezes;
	int64_t quantum_left;
	bool deaths_on;
	bool moved;      /* a client did something since the last pause */
	unsigned pauses; /* in a row, without that */
	unsigned quiets; /* times that all has come to rest */
	struct counts total;
	sigjmp_buf scheduler, failed;
	char failure[512];
};
extern struct sim sim;

/* main.c: an error of the code under test; ends the run. */
void fail(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));
void trace(const char *format, ...) PRINTF_LIKE(1, 2);
#define TRACE(...) (sim.verbose ? trace(__VA_ARGS__) : (void)0)

/* random numbers; all from the run's seed */
uint64_t random_next(void);
unsigned random_below(unsigned n);
bool random_percent(unsigned percent);

void bytes_add(struct bytes *b, const void *data, size_t len);

/* points.c */
void point_call(void);
void points_reset(void);
void point_barrier(void);

/* named.c */
void named_collect(struct counts *c);
void named_report(const struct counts *c);

/* stores.c */
void stores_settle(void);
void stores_note(void *at, size_t len, bool release);
void stores_undo(void);
void stores_check(const volatile void *address);

/* proc.c */
void proc_start(uint32_t seat, bool takeover);
void proc_resume(struct proc *p);
void proc_yield(void);
void proc_die(void) __attribute__((noreturn));
void proc_reset(void);
void proc_close_all(struct proc *p);

/* calls.c, waits.c */
int __real_segment_attach(struct segment *seg, int fd, bool writable);
bool wait_over(struct proc *p);
bool epoll_ready(const struct proc *p);
void epoll_forget(const struct file *file);

/* tcp.c */
struct conn *conn_open(int client);
void conn_hold(struct conn *c);
void conn_drop(struct conn *c);
ssize_t conn_recv(struct conn *c, char *dst, size_t len, bool peek);
ssize_t conn_send(
    struct conn *c, const struct iovec *iov, size_t n, bool whole);
void conn_shutdown(struct conn *c, int how);
uint32_t conn_poll(const struct conn *c);
void conn_reset(struct conn *c);

/* master.c */
void master_reset(void);
bool master_step(void);
bool master_accept(int client);
bool master_at_rest(void);
void master_stop(void);
bool master_exit(void);
struct parcel *queue_push(struct queue *q);
bool queue_pop(struct queue *q, struct parcel *out);

/* oracle.c */
void oracle_reset(void);
bool oracle_joined(const struct client *c);
void oracle_evict(uint32_t slot);
void oracle_commit(uint64_t from, uint64_t to);

/* check.c */
bool check_was_overwritten(int i);
void check_quiet(void);
void check_end(void);
const char *reply_line(enum chat_error code, uint64_t arg, size_t *len);

/* run.c */
bool run_once(uint64_t seed);

#endif
