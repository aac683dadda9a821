/* SPDX-License-Identifier: MIT */
/*
 * Rows of the shared tables: sessions, memberships, rooms, pool buffers.
 *
 * A word is a fact or a cache.  Facts are set by overwriting, so that applying
 * a record twice is harmless; caches (lists, counts, hash chains) are rebuilt
 * from the facts after a worker died with the lock.  No cache is read
 * without the lock.
 */
#ifndef SHARED_SHM_TABLES_H
#define SHARED_SHM_TABLES_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/address.h"
#include "shared/base/base.h"
#include "shared/chat/limits.h"
#include "shared/shm/segment.h"
#include "shared/shm/telnet.h"
#include "shared/shm/ws.h"

#define HOMES_MAX 4 /* homes a room has room for: one a worker type */
#define NO_HOME 0xff

enum session_state {
	SESSION_ROOM,          /* waits for the line that names a room */
	SESSION_NAME,          /* waits for the line that names the user */
	SESSION_JOINED,        /* talks */
	SESSION_LEAVING,       /* has left; what it still has to read is sent */
	SESSION_HTTP,          /* web: waits for a request */
	SESSION_ROOM_PASSWORD, /* telnet: has named a room that needs one */
	SESSION_NAME_PASSWORD, /* telnet: has named a user who needs one */
};
#define SESSION_STATES (SESSION_NAME_PASSWORD + 1)

/* Why a connection ended, in the log's words: see close_reason_names. */
enum close_reason {
	CLOSE_EOF,
	CLOSE_QUIT,
	CLOSE_RESET,
	CLOSE_ERRORS, /* a third wrong line */
	CLOSE_LOGIN_TIMEOUT,
	CLOSE_SHUTDOWN,
	CLOSE_UNREAD, /* left, and did not read what was left for it */
	CLOSE_INTERNAL,
	CLOSE_IDLE_TIMEOUT,
	CLOSE_ANSWERED,      /* HTTP: the answer was the last one */
	CLOSE_PROTOCOL,      /* WebSocket: against its rules */
	CLOSE_PING_TIMEOUT,  /* WebSocket: no sign of life */
	CLOSE_TLS_HANDSHAKE, /* it failed */
	CLOSE_TLS_TIMEOUT,   /* it took too long */
	CLOSE_TLS_DIED,      /* the process that had it did */
	CLOSE_BANNED,        /* kicked or banned */
	CLOSE_DISPLACED,     /* by a newer session of a registered name */
	CLOSE_REASONS,
};
extern const char *const close_reason_names[CLOSE_REASONS];

/* What a session may do; facts, in the lock's half. */
enum session_right {
	RIGHT_REGISTERED = 1, /* has given the password of its name */
	RIGHT_OPERATOR = 2,
	RIGHT_MUTED = 4, /* may not speak */
};

/*
 * What a session has still to be told, rendered when it is sent: a line, which
 * is a pure function of code and arg (enum chat_error), or a long reply, of
 * which `arg` is the position of the next piece.
 */
enum reply_kind {
	REPLY_FIRST = 256, /* below: enum chat_error */
	REPLY_HELP = REPLY_FIRST,
	REPLY_GREETING, /* telnet: the first words, and a prompt */
	REPLY_PROMPT,   /* telnet: only that */
	REPLY_FORMAT,   /* `arg` is 1 for JSON */
	REPLY_IGNORED,
	REPLY_HEARD, /* the reverse */
	REPLY_LOOK,  /* `arg`: enum look_answer */
	REPLY_HTTP,  /* web: `arg` is an answer, see web.c */
	REPLY_PING,  /* web: a frame */
	REPLY_CLOSE, /* web: the last frame; `arg` is its code */
	REPLY_LONG,  /* from here on: long replies */
	REPLY_WHOAMI = REPLY_LONG,
	REPLY_WHO, /* of room, room_gen */
	REPLY_ROOMS,
	REPLY_TOPIC,
	REPLY_HISTORY, /* of room, room_gen: records [arg, end) */
	REPLY_WELCOME, /* position 0 is the topic, the rest as HISTORY */
	REPLY_METRICS, /* web: position 0 is the head, see web_metrics */
	REPLY_BANNED,  /* the last word, of record `end` */
	REPLY_BANS,    /* rows from the position on */
};
#define REPLY_DONE UINT64_MAX /* a position: there is no next piece */

/* The first three are off, and on with 1 more. */
enum look_answer {
	LOOK_ANSWER_WRAP = 0,
	LOOK_ANSWER_COLOR = 2,
	LOOK_ANSWER_TIME = 4,
	LOOK_ANSWER_NARROW = 6, /* wrap: on, but how wide is it? */
	LOOK_ANSWER_DUMB,       /* color: stays off */
};

struct reply {
	uint16_t code;    /* CHAT_OK when there is none */
	uint16_t newline; /* 1: first end the line that was cut before it */
	uint32_t skip;    /* bytes of it already sent */
	uint64_t arg;
	union {
		uint64_t end;
		uint64_t time_us; /* of a line; CLOCK_REALTIME */
	};
	uint32_t room, room_gen;
};

/*
 * The part of a session that its worker changes as a whole, by a STEP: all of
 * it or nothing, whenever the worker dies.
 */
struct session_half {
	uint64_t in_done; /* bytes of input consumed, since the beginning */
	union {
		uint64_t skip_to;   /* input before this is thrown away */
		uint64_t until_msg; /* as msg_next, at `until` if that is set */
	};
	uint64_t own;   /* next record to deliver; see session_cursor */
	uint64_t until; /* the first it may not read any more */
	/*
	 * A reply waits until `own` is here: behind what had been published
	 * when it was asked for, and behind the session's own join line.
	 */
	uint64_t reply_at;
	uint64_t msg_next; /* lagging: number of the room's next message */
	uint32_t said;     /* lagging: own messages in [own, head) */
	uint32_t room, room_gen; /* what it reads; NONE before the join */
	/*
	 * What it will read from `until` + 1 on, where it joined, when it has
	 * read its old room up to there; NONE: no such change is pending.
	 */
	uint32_t next_room, next_gen;
	uint8_t state;           /* enum session_state */
	uint8_t lag : 1;         /* reads from `own`, not with its worker */
	uint8_t skip_line : 1;   /* throw input away up to the next LF */
	uint8_t wrong_lines : 6; /* before the join */
	uint8_t cut_look, cut_columns; /* as look and columns: cut_dialect */
	uint64_t next_msg;             /* number of the next message there */
	uint32_t cut_buf; /* pool buffer + 1 with the rest of a cut record */
	uint32_t cut_off, cut_len; /* the rest within it */
	uint32_t cut_skip; /* no buffer: bytes of record `own` already sent */
	struct reply reply;
	uint8_t reason;      /* enum close_reason, when leaving */
	uint8_t broken;      /* the connection is gone: send nothing */
	uint8_t dialect;     /* enum dialect: what it reads is written in */
	uint8_t cut_dialect; /* the same of the record that cut_skip is about */
	uint8_t look;        /* telnet: bits of enum look_bit, */
	uint8_t columns;     /* and at how many of them lines are wrapped */
	/*
	 * Telnet, edit mode: the row being typed is not on the screen as it
	 * should be, and has to be drawn anew.
	 */
	uint8_t redraw : 1;
	uint8_t upgraded : 1; /* web: it is a WebSocket */
	uint8_t farewell : 1; /* web: its close frame is on its way, or sent */
	uint8_t let_in : 1;   /* has given the password of room_name */
	uint8_t room_len;
	union {
		char room_name[LIMIT_ROOM]; /* of `room`; before: asked for */
		char accept[WS_ACCEPT_LEN]; /* web: for the answer that does it
					     */
	};
};

#define OWNER_MOVING 0x80000000u
#define KEPT_MAX 112
#define IGNORED_MAX 8

/*
 * A session: one connection.  Its slot is its place in the table and fixes
 * its fd's number in every process.
 */
struct session_shm {
	/* The lock's half: facts applied from records, and their caches. */
	alignas(CACHELINE) uint32_t gen; /* of the connection in this slot */
	uint8_t name_len;                /* 0: not in chat */
	char name[LIMIT_NAME];           /* see also login_note_name */
	_Atomic uint8_t rights;          /* enum session_right */
	uint8_t end_reason;              /* enum close_reason: why `end` */
	uint32_t name_next;              /* cache: chain of its bucket */
	/*
	 * Others can only end a session: not 0, it is the number of the record
	 * that does.  Its worker delivers what was before, and closes.
	 */
	_Atomic uint64_t end;

	/*
	 * The owner's half: written by the worker named in `owner` only.
	 * 0 free | seat + 1 | seat + 1 with OWNER_MOVING: the seat's, but it
	 * has not got the fd yet.
	 */
	alignas(CACHELINE) _Atomic uint32_t owner;
	uint32_t in_buf;      /* pool buffer + 1 that holds the kept input */
	uint64_t id;          /* of the connection, in the log */
	uint64_t accepted_us; /* CLOCK_REALTIME */
	uint64_t deadline_us; /* CLOCK_MONOTONIC: log in, talk or end by then */
	uint64_t pace_us;     /* CLOCK_MONOTONIC: when its rate is used up */
	uint64_t moved_us;    /* CLOCK_MONOTONIC */
	_Atomic uint64_t in_total;  /* bytes read from the connection */
	_Atomic uint64_t out_total; /* bytes the kernel took for it */
	uint64_t in_cut;  /* bytes of in_total that were no text: telnet's */
	uint64_t kept_at; /* position of the first byte of the kept input */
	uint32_t ignored[IGNORED_MAX]; /* hashes of names; 0: none */
	uint8_t addr[16];              /* IPv6, or IPv4-mapped */
	uint16_t port;
	uint8_t listener; /* index into the master's list of listeners */
	uint8_t kind;     /* enum listener_kind: what was the way in */
	uint8_t tls;      /* enum suite: of what lies around it */
	/*
	 * 1: registered in its worker's epoll set for input and nothing else;
	 * 0: perhaps not, or being changed.  Spares a successor the asking.
	 */
	_Atomic uint8_t heard;
	struct session_half half;
	/* Input not yet consumed, if it fits; see session_kept. */
	union {
		char kept[KEPT_MAX];
		struct {
			struct telnet_shm telnet;
			char telnet_kept[KEPT_MAX - sizeof(struct telnet_shm)];
		};
		struct {
			struct ws_shm ws;
			char ws_kept[KEPT_MAX - sizeof(struct ws_shm)];
		};
	};
};
static_assert(sizeof(struct session_shm) <= 512, "half a kilobyte a session");

/* A membership: session and room.  One a session, in the row of its slot. */
struct member_shm {
	uint32_t room, room_gen; /* facts; NONE: in no room */
	uint32_t gen;            /* fact: the session's */
	uint32_t next, prev;     /* caches: the room's list, by slot */
};

/* A room. */
struct room_shm {
	/* Facts. */
	uint32_t gen; /* rises when the room ends */
	uint8_t used;
	uint8_t name_len;
	uint8_t home[HOMES_MAX]; /* seat, by worker type, or NO_HOME */
	_Atomic uint32_t flags;  /* enum policy_flag: of the configuration */
	uint32_t max_members;    /* 0: no limit */
	char name[LIMIT_ROOM];
	uint64_t messages; /* in its life; the next message's number */
	uint64_t created_us;
	uint16_t topic_len;
	char topic[LIMIT_TOPIC];
	uint8_t creator[ADDRESS_BYTES]; /* budget key of who made it */
	/* Caches. */
	uint32_t members;
	uint32_t first;     /* member's slot, or NONE */
	uint32_t hash_next; /* chain of its bucket, or of the free rooms */
	uint32_t creator_next, creator_prev; /* its creator's list */
	_Atomic uint64_t seats; /* set of those with members: whom to wake */
};

/*
 * What a RECORD_ROOM carries behind its line, about the room `target` of
 * generation `target_gen`.
 */
struct room_act {
	uint32_t flags, max_members;
	uint16_t topic_len;
	char topic[LIMIT_TOPIC]; /* if flags has POLICY_TOPIC */
};

/* Who uses a pool buffer: 0 nobody, slot + 1, or a seat's spare. */
#define BUFFER_SPARE 0x80000000u
struct buffer_shm {
	_Atomic uint32_t owner;
	_Atomic uint32_t evict;    /* the half-line in it is to be given up */
	_Atomic uint64_t since_us; /* CLOCK_MONOTONIC: holds input since */
};

/*
 * Lay the tables out, empty, and make all caches.  The caller is alone.
 */
void tables_format(struct segment *seg);

/*
 * The hash bucket of a session's or a room's name.  That of a session's is the
 * same for all names that are alike.
 */
uint32_t tables_name_bucket(
    const struct segment *seg, const char *name, size_t len);
uint32_t tables_room_bucket(
    const struct segment *seg, const char *name, size_t len);

/* A hash of a name, the same for all ways to write it, never 0. */
uint32_t tables_name_hash(
    const struct segment *seg, const char *name, size_t len);

/* Slot of the session of that name, or NONE.  The caller holds the lock. */
uint32_t tables_find_name(
    const struct segment *seg, const char *name, size_t len);

/*
 * Slot of a session whose name could be taken for that one, or NONE; `but` is
 * one that doesn't matter, or NONE.  The caller holds the lock.
 *
 * Names can have one bucket and not be alike (skeleton.h): of such ones a
 * further one is taken as alike, so that nobody can make a chain long.
 */
#define AKIN_MAX 8
uint32_t tables_find_alike(
    const struct segment *seg, const char *name, size_t len, uint32_t but);

/* Index of the room of that name, or NONE.  The caller holds the lock. */
uint32_t tables_find_room(
    const struct segment *seg, const char *name, size_t len);

/*
 * Throw all caches away and make them anew from the facts.  `seat_of` is read
 * from the owner words.  The caller holds the lock, or is alone.
 */
void tables_rebuild(struct segment *seg);

/*
 * Apply record `d`, of number `n`, to the facts; with `caches` also to the
 * caches, which is right exactly once.  `line` and `extra` are the record's
 * bytes.  Nonsense (from a process gone wrong) changes nothing.  The caller
 * holds the lock.
 */
void tables_apply(struct segment *seg, uint64_t n, const struct desc_shm *d,
    const char *line, const char *extra, bool caches);

/*
 * Check every invariant of facts and caches.  Calls `report` with a sentence
 * for each breach, at most 100 of them; returns how many there are.  The
 * caller holds the lock, or is alone, or works on a copy.
 */
unsigned tables_verify(const struct segment *seg,
    void (*report)(void *context, const char *sentence), void *context);

#endif
