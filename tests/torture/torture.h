/* SPDX-License-Identifier: MIT */
/*
 * The kill harness: clients under load, workers killed under them, and every
 * byte that a client reads checked as it arrives.
 *
 * Reading order: main.c, run.c (the phases of a run), server.c (starts it,
 * reads its log), client.c (connections), load.c (what clients do), text.c
 * (what they say), typing.c (by keys), web.c (in frames), reader.c (bytes into
 * lines), dialect.c (lines in whatever form), order.c (who must read what, in
 * which order), ignore.c and gap.c (and what not), commands.c (renames, moves,
 * private messages), fleeting.c (rooms that end), quiet.c (one message at a
 * time, for lost wake-ups), killer.c (who dies when), points.c and places.c
 * (and where), resources.c, report.c (what was wrong).
 *
 * In each room one client says nothing, comes first, leaves last, and reads
 * all: the observer.  What it reads is the room's log; every other member
 * must read the same from its join to its leave, less its own messages.
 *
 * One process, one thread.  Times are CLOCK_MONOTONIC in microseconds.
 */
#ifndef TESTS_TORTURE_TORTURE_H
#define TESTS_TORTURE_TORTURE_H

#include "shared/base/base.h"

#include <sys/types.h>

#include "shared/shm/segment.h"

#define LINE_MAX_SENT 4096 /* max-line of the server */
#define LINE_MAX_READ (LINE_MAX_SENT + 64)
#define LINE_MAX_RAW (2 * LINE_MAX_READ + 512) /* as JSON */
#define OUT_SIZE 32768
#define REPLIES_MAX 8 /* errors a client waits for at once */
#define NAME_SIZE 24
#define TEXT_PASSWORD "sesame"
#define SECOND_US UINT64_C(1000000)

struct options {
	char build[256];    /* where chatmaster and shmdump are */
	const char *server; /* a chatmaster from elsewhere, or NULL */
	char *at;           /* die at these points only, or NULL */
	unsigned kills, clients, rooms, workers;
	unsigned telnet;      /* workers of that kind */
	unsigned edit;        /* telnet clients that send keys */
	unsigned web;         /* workers of that kind */
	unsigned seconds_max; /* of the whole run */
	unsigned rate;        /* kills a second, under load */
	unsigned quiet;       /* percent of the kills come in silence */
	uint64_t seed;
	bool check;
	bool every;   /* die everywhere once, in the end */
	bool first;   /* stop at the first thing wrong */
	bool lagging; /* a small ring, and readers who are lapped by it */
};
extern struct options options;
void options_read(int argc, char *argv[]);

/* What is proved; one line of the sum each. */
enum check {
	CHECK_BYTES,    /* every line is one that the server says */
	CHECK_ORDER,    /* the same order for all members */
	CHECK_LOST,     /* nothing is missing */
	CHECK_TWICE,    /* nothing comes again */
	CHECK_OPEN,     /* nobody is disconnected */
	CHECK_RECOVERY, /* every death is recovered from */
	CHECK_WAKEUP,   /* nothing waits for a wake-up that was lost */
	CHECK_SLEEP,    /* a worker with nothing to do sleeps */
	CHECK_PLACES,   /* every fault point is a place of death */
	CHECK_SEGMENT,  /* shmdump verify */
	CHECK_FDS,      /* no more fds and memory than before */
	CHECK_STOP,     /* a clean end that leaves nothing */
	CHECKS,
};

/* report.c */
void wrong(enum check check, const char *format, ...) PRINTF_LIKE(2, 3);
unsigned report_wrongs(void);
unsigned report_count(enum check check);
void report_bytes(const char *what, const char *bytes, size_t len, size_t at);
unsigned report_summary(void); /* returns how many checks failed */
void report_progress(const char *phase);

struct counts {
	uint64_t deliveries, joins, leaves, replies, connections, messages;
	uint64_t lost, twice, order_errors, disconnects, hangs;
	uint64_t renames, privates, moves;
	uint64_t objects, formats, ignores, ignored;
	uint64_t typed, unseen, halves; /* lines that their typist sees */
	uint64_t pongs;
	uint64_t gaps, missed; /* times lapped, messages told of as missed */
	uint64_t untold;       /* joins, leaves, renames missed otherwise */
	uint64_t quiet_messages, quiet_slow;
	uint64_t quiet_max_us;
	uint64_t random_kills, point_kills, repair_kills;
	uint64_t exits, recoveries, died_in_repair, locks_recovered;
	uint64_t recovery_max_us;
	uint64_t began_us;
	uint64_t mode_us[4]; /* by enum load_mode: how long it took */
};
extern struct counts counts;

/* chance.c: draws from the seed. */
void chance_begin(uint64_t seed);
uint64_t chance_next(void);
uint32_t chance_below(uint32_t n);
bool chance_of(unsigned percent);
/* Around `mean`, mostly less, at most eight times as much. */
uint64_t chance_wait_us(uint64_t mean_us);

/* server.c */
#define SERVER_SEATS SEATS_MAX
struct seat_seen {
	bool up; /* serves, as far as the log says */
	uint64_t died_us;
};
struct server {
	char name[32];
	char log_path[300];
	char faults_path[300];
	char users_path[300];
	pid_t pid; /* of the master; 0 when it has been reaped */
	int status;
	uint16_t port; /* 0 until it is ready */
	uint16_t telnet_port, web_port;
	int log_fd;
	bool attached;
	bool dumped;        /* the log has been written to by ourselves */
	struct segment seg; /* read-only: for the workers' pids */
	struct seat_seen seats[SERVER_SEATS];
	uint64_t changed_us; /* when a worker last died or recovered */
};
extern struct server server;
int server_start(void);
unsigned server_workers(void);
unsigned server_seats(void); /* of all kinds: seats 0 to that */
void server_poll(void);
bool server_all_up(void);
pid_t server_worker(uint32_t seat);
uint64_t server_passes(uint32_t seat);
unsigned server_buffers(void);
unsigned server_rows(void);
unsigned server_shared_kb(void);
void server_verify(void);
void server_dump(void);
bool server_ended(void);
void server_abandon(void);
int server_remove(void);
void server_forget_log(bool keep);

/* resources.c */
struct resources {
	unsigned master_fds, worker_fds; /* of all workers together */
	unsigned master_kb, worker_kb;   /* of the largest worker */
	unsigned shared_kb;
};
unsigned resources_master_fds(void);
unsigned resources_worker_fds(void);
void resources_look(struct resources *r);
void resources_compare(const struct resources *was);

/* text.c */
size_t text_name(uint32_t client, bool nick, char dst[NAME_SIZE]);
bool text_registered(uint32_t client);
size_t text_login(uint32_t client, bool nick, char dst[NAME_SIZE]);
bool text_nick(uint32_t number);
bool text_is_action(uint32_t client, uint32_t number);
size_t text_room(uint32_t room, char dst[NAME_SIZE]);
size_t text_make(uint32_t client, uint32_t number, char *dst);
bool text_has_cr(uint32_t client, uint32_t number);
size_t text_line(uint32_t client, uint32_t number, char *dst);
bool text_parse(
    const char *line, size_t len, uint32_t *client, uint32_t *number);

/* What a member reads of its room. */
enum entry_kind {
	ENTRY_MESSAGE,
	ENTRY_JOIN,
	ENTRY_LEAVE,
	ENTRY_RENAME,
	ENTRY_GAP,    /* `number` messages missed: see --lagging */
	ENTRY_ASK,    /* it asks to ignore that name, or to hear it again */
	ENTRY_IGNORE, /* from here on it reads nothing of that name */
	ENTRY_HEAR,   /* and from here on it does again */
};
struct entry {
	uint16_t kind; /* enum entry_kind */
	uint16_t client;
	uint32_t number; /* of the client's messages, from 0; else: its nick */
};

struct room {
	uint32_t index;
	bool quiet;       /* even while others are busy */
	bool fleeting;    /* ends now and then, and begins anew */
	bool closing;     /* all are to leave, its observer last */
	uint64_t turn_us; /* when it is to close next */
	uint32_t observer;
	uint32_t *members; /* clients */
	uint32_t count;
	struct entry *log;
	uint32_t len, size;
	/* The message under way in a quiet room. */
	bool asked;
	struct entry question;
	uint64_t asked_us, due_us;
	uint32_t answers; /* who has still to read it */
};
extern struct room *rooms;

/* What a client waits for, besides errors (enum chat_error). */
enum asked {
	ASKED_TEXT = 200,
	ASKED_JSON,
	ASKED_IGNORE,
	ASKED_HEAR,
};

/* One of the two names of a client. */
struct who {
	uint32_t client; /* NONE: nobody */
	bool nick;
};

enum trait {
	TRAIT_SENDS = 1,
	TRAIT_CHURNS = 2, /* leaves and comes back */
	TRAIT_SLOW = 4,   /* reads nothing for a while */
	TRAIT_ERRS = 8,   /* says what is refused */
	TRAIT_FORMS = 16, /* reads JSON now and then */
	TRAIT_IGNORES = 32,
};

enum client_state {
	CLIENT_OUT,      /* not connected */
	CLIENT_COMING,   /* connected; its own join line is awaited */
	CLIENT_IN,       /* in its room */
	CLIENT_AWAY,     /* in a room of its own, and to come back */
	CLIENT_GOING,    /* has said so; the end of the stream is awaited */
	CLIENT_SETTLING, /* closed; the room's log must catch up */
};

enum going {
	GOING_QUIT,  /* "/quit" */
	GOING_HALF,  /* shutdown for writing */
	GOING_CLOSE, /* just close, perhaps with bytes unread */
};

struct client {
	uint32_t index, room, member; /* member: its place in room.members */
	unsigned traits;
	enum client_state state;
	enum going going;
	int fd;
	uint32_t armed;
	bool paused;           /* reads nothing */
	bool shut;             /* has half-closed */
	bool telnet;           /* comes by that way */
	struct typing *typing; /* and sends keys, or NULL */
	struct web *web;       /* comes over WebSocket, or NULL */
	uint64_t pause_until_us;
	uint64_t due_us; /* when it does something again */

	/* What it says. */
	bool nick;              /* goes by its other name */
	uint32_t privates;      /* private messages given to `out` */
	uint32_t privates_read; /* by whom they are for */
	uint32_t queued;        /* messages given to `out` */
	uint32_t published;     /* of them in the room's log */
	uint64_t
	    progress_us; /* when `published` last changed, or fell behind */
	size_t out_len, out_at;
	char out[OUT_SIZE];

	/* What it reads. */
	char partial[LINE_MAX_RAW];
	size_t partial_len;
	uint8_t
	    replies[REPLIES_MAX]; /* enum chat_error or asked, the next first */
	unsigned nreplies;
	uint8_t greet;    /* of telnet: what it says before the join */
	uint8_t iac;      /* of telnet: in the middle of an answer */
	uint8_t answers;  /* of telnet: still to come */
	bool json;        /* what it reads now */
	bool asked_json;  /* what it has asked for last */
	bool asked_shun;  /* the answer to /ignore or /unignore is awaited */
	uint64_t seq;     /* of the last object */
	struct who shuns; /* whom it has asked to ignore */
	struct who deaf;  /* of whom it reads not everything */
	/* The same where it stands in the room's log. */
	struct who asked;       /* may be ignored or not: no answer yet */
	struct who ignored;     /* is ignored */
	struct who heard;       /* no more, but was perhaps just now */
	unsigned side_lines;    /* read in its own room */
	bool log_nick;          /* its name in the room's log */
	uint32_t joins, leaves; /* asked for */
	uint32_t log_joins, log_leaves; /* in the room's log */
	uint32_t join_at, leave_at;     /* the last ones there */
	uint32_t at;                    /* in the log: what it reads next */
	bool joined;                    /* has read its own join line */
	bool placed;                    /* `at` is known */
	bool retry;            /* has named itself wrongly, to be refused */
	bool dismissed;        /* was told that the server stops */
	struct entry *pending; /* read, but not in the log yet */
	uint32_t npending, pending_size;
	uint32_t *next; /* by member: its next number, UINT32_MAX: unknown */
};
extern struct client *clients;

/* client.c */
int clients_make(void);
void client_connect(struct client *c);
void client_name(struct client *c);
void client_say(struct client *c, const char *bytes, size_t len);
void client_put(struct client *c, const char *bytes, size_t len);
void client_flush(struct client *c, size_t most);
void client_unsent(struct client *c);
void client_go(struct client *c, enum going how);
void client_pause(struct client *c, uint64_t until_us);
void client_watch(struct client *c);
void client_ended(struct client *c, int error);
void client_turn(struct client *c, uint32_t events);
void client_settle(struct client *c);
bool client_is_done(const struct client *c);
extern bool stopping; /* the server was told to stop */

/* reader.c */
void reader_take(struct client *c);
void reader_line(struct client *c, const char *line, size_t len);

/* typing.c */
void typing_make(struct client *c);
void typing_begin(struct client *c);
void typing_say(struct client *c, const char *bytes, size_t len);
void typing_half(struct client *c);
void typing_clear(struct client *c);
void typing_read(struct client *c, const char *data, size_t len);
bool typing_may_send(struct client *c);
bool typing_is_right(const struct client *c);
void typing_complain(const struct client *c);

/* web.c */
void web_make(struct client *c);
void web_begin(struct client *c);
void web_flush(struct client *c, size_t most);
void web_part(struct client *c);
bool web_parts(struct client *c);
size_t web_read(struct client *c, const char *data, size_t len);
bool web_has_parted(const struct client *c);
bool web_is_right(const struct client *c);
void web_complain(const struct client *c);

/* dialect.c */
#define DIALECT_ASKS 16
size_t dialect_negotiate(struct client *c, char dst[DIALECT_ASKS]);
size_t dialect_strip(struct client *c, char *data, size_t len);
bool dialect_line(struct client *c, const char **line, size_t *len);

/* order.c */
void order_begin(struct client *c);
bool entry_equal(struct entry a, struct entry b);
uint32_t order_skip_own(const struct client *c, uint32_t at);
void order_take(struct client *c, struct entry e);
void order_settle(struct client *c);
bool order_is_at(struct client *c, uint32_t end);
bool order_at_end(struct client *c);
void order_mark(struct client *c, enum entry_kind kind, struct who who);
void order_finish(void);

/* ignore.c */
bool ignore_must(const struct client *c, struct entry e);
bool ignore_may(const struct client *c, struct entry e);
bool ignore_mark(struct client *c, struct entry e);
void ignore_ask(struct client *c, struct who who, bool on);
void ignore_answer(struct client *c, bool on);

/* gap.c */
uint32_t gap_cross(struct client *c, const struct entry *pending, uint32_t n);
bool gap_is_at(const struct client *c, uint32_t end);
bool gap_may(const struct client *c, struct entry e);

/* load.c */
enum load_mode {
	LOAD_JOIN, /* all come in, nobody speaks */
	LOAD_BUSY,
	LOAD_QUIET, /* only quiet.c lets them speak */
	LOAD_DRAIN, /* what was begun is ended; who is out comes back */
};
extern enum load_mode load_mode;
void load_begin(enum load_mode mode);
void load_tick(uint64_t now);
void load_message(struct client *c, bool ended);
bool load_all_in(void);
bool load_drained(void);
void load_complain(void);

/* commands.c */
void command_nick(struct client *c);
void command_msg(struct client *c);
void command_move(struct client *c);
void command_come_back(struct client *c);
void command_format(struct client *c);
void command_ignore(struct client *c);
bool command_answer(struct client *c, const char *line, size_t len);
bool command_renamed(
    struct client *c, const char *line, size_t len, uint32_t who);
bool command_private(struct client *c, const char *line, size_t len);
bool command_side(struct client *c, const char *line, size_t len);

/* fleeting.c */
void fleeting_tick(struct room *r, uint64_t now);
bool fleeting_must_go(const struct client *c);

/* quiet.c */
void quiet_tick(uint64_t now);
void quiet_seen(struct client *c, struct entry e);
bool quiet_waits(void);

/* killer.c, points.c, places.c */

/* Workers, as fault points tell them apart. */
enum kind {
	KIND_ANY,
	KIND_CHAT,
	KIND_TELNET,
	KIND_WEB,
	KIND_NOBODY,
};
void killer_begin(uint64_t deaths);
void killer_tick(uint64_t now, bool quiet);
void killer_round(uint64_t now);
void killer_everywhere(uint64_t now);
bool killer_is_idle(uint64_t now);
bool killer_is_done(void);
bool killer_is_urgent(uint64_t now);
bool killer_rest(uint64_t now);
bool points_open(void);
void points_close(void);
void points_measure(uint64_t now);
void points_patience(uint64_t until_us);
enum kind points_arm(bool repair);
void points_arm_given(void);
void points_delay(void);
bool points_armed(void);
bool points_fired(void);
bool points_disarm(uint64_t now);
bool places_done(void);
enum kind places_arm(void);
void places_check(void);
void places_table(void);

#endif
