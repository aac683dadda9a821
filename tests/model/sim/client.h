/* SPDX-License-Identifier: MIT */
/*
 * Clients: what they are to do, what has become of it, and what they read.
 * Included by sim.h, which has all else.
 */
#ifndef TESTS_MODEL_SIM_CLIENT_H
#define TESTS_MODEL_SIM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/chat/limits.h"
#include "shared/chat/notice.h"

struct conn;

/* Bytes that grow at the end. */
struct bytes {
	char *data;
	size_t len, size;
};

/*
 * When all has come to rest so often, sleepers awake, then barriers open.  In
 * some runs clients speak between one rest and the next, one message each: to
 * workers that sleep.
 */
#define QUIET_AWAKE 1
#define QUIET_OPEN (2 + sim.profile.rests)

/* What a client does next. */
enum op_kind {
	OP_SEND,    /* bytes [from, to) of its text */
	OP_ASKED,   /* wait until it sees the prompt for its room's name */
	OP_EDITING, /* wait until what it sends are keys */
	OP_OPENED,  /* wait until it may send frames */
	OP_JOINED,  /* wait until it has read its own join line */
	OP_REPLIES, /* wait until it has read so many replies */
	OP_OTHER,   /* wait until that client has joined */
	OP_REST,    /* wait until all has come to rest so often */
	OP_BARRIER, /* wait until all is quiet */
	OP_FIN,
	OP_RESET,
	OP_END, /* wait for the server's end */
};
struct op {
	enum op_kind kind;
	size_t from, to;
	bool whole; /* OP_SEND: in one segment */
};
#define OPS 64
#define ITEMS 256
#define REPLIES 64
#define STAYS 64
#define WHOS 32
#define HISTORIES 32

/* A line that a client sends for others to read, or to move, in its order. */
struct item {
	uint8_t type;    /* enum record_type; RECORD_JOIN: a move */
	size_t from, to; /* its text in client.said */
	int to_client;   /* RECORD_PRIVATE: whom it is for */
	int room;        /* RECORD_JOIN: of the scripts */
	int reply;       /* that it gets if nobody has the name, or -1 */
};

/* A time in a room: log entries of join and leave, the latter -1 until then. */
struct stay {
	int64_t join, leave;
	uint32_t room, room_gen;
};

/* A reply to /who, being read. */
struct who {
	bool reading;
	int room;
	int claimed;   /* members, as it says */
	int lines;     /* of names */
	uint32_t seen; /* a bit for each client that is listed */
	int asked_at; /* the log's length when it was asked for at the latest */
};

struct client {
	/* The script. */
	int room;
	char name[LIMIT_NAME + 1];
	struct bytes text; /* all it sends */
	struct op ops[OPS];
	int nops;
	struct bytes said; /* texts of its items */
	struct item items[ITEMS];
	int nitems;
	uint16_t replies[REPLIES]; /* enum chat_error, in order */
	int nreplies;
	size_t whos[WHOS];   /* where in its text it asks for /who */
	int nwhos, nwhoamis; /* and how often for these */
	int room_then, nmoves;
	bool renames;              /* its name is not for ever */
	bool joins;                /* logs in, in the end */
	bool resets;               /* may not get all, nor have all published */
	bool telnet;               /* its protocol */
	bool plain;                /* it says nothing but text any more */
	bool web;                  /* comes over WebSocket: see web.c, */
	bool texts;                /* and reads lines, not JSON, at first */
	bool in_message, lf;       /* its message goes on, behind an LF */
	size_t message;            /* bytes of it so far */
	int npings;                /* in its text, */
	struct bytes ping_ends;    /* and where each ends, */
	struct bytes frame_ends;   /* and each frame */
	uint16_t parting;          /* code of its close frame, or 0 */
	bool refuses;              /* says no to all that telnet asks of it */
	bool edits;                /* sends keys: see typing.c */
	bool passive;              /* is asked for options, and does not ask */
	bool ansi;                 /* its terminal's kind, */
	unsigned width;            /* and columns; 0: not told */
	unsigned detours;          /* percent of letters that follow one */
	size_t keys_from;          /* in its text; before, it sends lines */
	size_t names_at, joins_at; /* where it has said room and name */
	struct bytes own;          /* lines that it sees itself type, */
	struct bytes own_ends;     /* and where in its text each ends */
	struct bytes line;         /* script: the line so far, */
	bool astray, unseen;       /* where its cursor is, and who sees it */
	int ignores;   /* client whom it ignores now and then, or -1 */
	int nignores;  /* how often it changes that */
	int nanswers;  /* questions that have one answer each */
	int questions; /* commands, of all kinds */
	int histories[HISTORIES]; /* numbers of lines it asks for */
	int nhistories;
	bool silent;   /* is closed by the server when its time is up */
	bool deaf;     /* reads nothing after its last word */
	bool sleepy;   /* reads nothing until all has come to rest */
	unsigned pace; /* bytes it reads at once at most */
	/* What has become of it. */
	struct conn *conn;
	int op;
	size_t sent;
	struct bytes got; /* as text */
	size_t line_at;   /* where in it the line begins that it reads */
	bool json, prompted, cr;
	struct bytes raw;    /* of the web: not yet a whole frame */
	bool opened, parted; /* the first answer has come, and the last frame */
	int npongs;          /* of its pings, dealt with */
	uint8_t verb;        /* of telnet, read last, or 0 */
	uint8_t sub_option;
	uint64_t heard_do, heard_will; /* asked of it so far */
	struct bytes answers;          /* to that */
	size_t answers_sent;
	bool answering;                    /* in the middle of one */
	size_t own_at, nown;               /* of `own`: seen so far */
	uint64_t refused_do, refused_will; /* options still to be refused */
	int asked;                         /* how many */
	int yes_due;
	uint64_t seq; /* of what it read last */
	int nanswered;
	int rooms_left; /* lines of /rooms still to come */
	unsigned rooms_seen;
	size_t help_at; /* bytes of /help read */
	bool connected, done;
	uint32_t slot, gen;
	int published;            /* of its items */
	char now[LIMIT_NAME + 1]; /* its name at the log's end */
	struct stay stays[STAYS];
	int nstays;
	bool left;           /* for good */
	int who_asked[WHOS]; /* log's length before it was sent */
	int nasked, nwho_seen, nwhoami_seen;
	struct who who;
	bool join_seen;
	int replies_seen;
	int evictions; /* half-lines that it was asked to give up */
	size_t parsed; /* of got, for join_seen and replies_seen */
};

/* client.c, script.c */
void script_write(int i);
bool client_step(int i);
bool client_sleeps(const struct client *c);
unsigned client_listener(const struct client *c);

/* say.c */
void say_put(struct client *c, const char *text);
void say_expect(struct client *c, enum chat_error code);
void say_message(struct client *c);
void say_end(struct client *c);
bool say_is_ended(const struct client *c);
void say_talk(struct client *c, int self, bool clumsy);

/* dialect.c; a line that stands for an object cut short */
#define DIALECT_CUT "?\n"
void telnet_put(struct client *c, char letter);
void dialect_read(struct client *c, const char *data, size_t len);
void dialect_line(struct client *c);
void dialect_check(const struct client *c);

/* web.c */
void web_reset(struct client *c);
void web_open(struct client *c, bool half);
void web_put(struct client *c, char letter);
void web_flush(struct client *c);
void web_finish(struct client *c);
void web_part(struct client *c);
bool web_may_answer(const struct client *c);
void web_read(struct client *c, const char *data, size_t len);
void web_check(const struct client *c);
void web_check_end(const struct client *c);

/* typing.c */
void typing_reset(struct client *c);
void typing_begin(struct client *c);
void typing_put(struct client *c, char letter);
void typing_stray(struct client *c);
void typing_read(struct client *c, const char *data, size_t len);
void typing_sent(struct client *c, size_t from, size_t to);
bool typing_answer(struct client *c);
bool typing_is_on(const struct client *c);
bool typing_is_asked(const struct client *c);
void typing_check(const struct client *c);

/* who.c */
enum who_kind {
	WHO_OTHER,
	WHO_AM_I,
	WHO_HEAD,
	WHO_NAMES
};
enum who_kind who_kind(const char *line, size_t len);
void who_line(struct client *c, const char *line, size_t len);
void who_check(const struct client *c);
void who_sent(struct client *c, size_t from, size_t to);
void who_end(struct client *c);

/* asked.c */
enum asked_kind {
	ASKED_NOTHING,
	ASKED_TOPIC,
	ASKED_ROOMS,
	ASKED_ROOM,
	ASKED_HELP,
	ASKED_FORMAT,
	ASKED_IGNORED,
	ASKED_HEARD,
	ASKED_PAST,
};
struct past { /* lines of /history: entries from first to last */
	int first, last, count;
};
enum asked_kind asked_kind(const char *line, size_t len);
void asked_line(struct client *c, const char *line, size_t len);
void asked_topic(
    const struct client *c, int next, const char *line, size_t len);
void asked_past(const struct client *c, int next, struct past *p,
    const char *line, size_t len);
void asked_past_end(const struct client *c, int next, struct past *p);

#endif
