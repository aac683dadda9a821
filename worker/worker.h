/* SPDX-License-Identifier: MIT */
/*
 * A worker: one process that serves sessions.  Everything in struct worker is
 * private memory, lost when the worker dies and made anew by its successor
 * from the shared segment.
 *
 * Reading order: worker.c (the loop), serve.c (what is due), input.c (bytes
 * in), talk.c and command.c (what lines do), typing.c and edit.c (lines that
 * are edited here), web.c (requests, and what is a WebSocket's own), scrape.c
 * (the figures that are asked for there), publish.c and member.c (into the
 * ring), fanout.c, stage.c, send.c and sent.c (out of it), lag.c (sessions that
 * read for themselves), reply.c (what is said to one of them), adopt.c
 * (connections come and go), takeover.c (settling what a dead predecessor
 * left), poison.c (what it died of), damage.c (what nobody can settle).
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "proxy/look.h"
#include "proxy/wslines.h"
#include "shared/base/base.h"
#include "shared/chat/line.h"
#include "shared/chat/notice.h"
#include "shared/chat/policy.h"
#include "shared/chat/render.h"
#include "shared/net/inherit.h"
#include "shared/shm/journal.h"
#include "shared/shm/seat.h"
#include "shared/shm/segment.h"
#include "shared/shm/tables.h"

/* At most this many members of a room live at its home; more are spread. */
#define SPREAD_AT 128

/* Read per session and turn, so that nobody starves the others. */
#define READ_MAX 8192

/* Until sessions that wait for what cannot be waited for are tried again. */
#define LATER_US 10000

/* For a client's FIN, after ours, when the server stops. */
#define STOP_LINGER_US 200000

/* For who has left to read what is left for it. */
#define DRAIN_US 10000000

/* Messages published under one lock. */
#define BATCH_RECORDS 64
static_assert(BATCH_RECORDS <= RUN_MAX, "a batch is a run of records");

/* Room in front of a text that is published: "*** NAME set the topic: ". */
#define PUBLISH_BEFORE 128

/* Bytes of a record, or of lines, before they are rendered. */
#define SCRATCH_SIZE STAGING_BYTES

/*
 * As what a member of a room is counted: whose lines have looks of their own
 * shares no rendering, but reads for itself; see fanout.c.
 */
#define DIALECT_OWN DIALECTS

/* Runs of records of one room each that a fan-out takes at once. */
#define RUNS_MAX 1024

/*
 * A worker's own words about a slot.  All zero: not mine.  Each worker has a
 * row for each slot, so it is kept small.
 */
struct local {
	uint32_t room;       /* whose list it is linked in */
	uint32_t next, prev; /* in its room's list of local members */
	uint32_t gen;        /* its connection's */
	uint8_t move_to;     /* seat + 1 it shall go to, 0: none */
	uint8_t armed : 4;   /* epoll events it is registered for */
	uint8_t dialect : 4; /* as it is counted in its room's list */
	bool mine : 1;       /* I have its fd, and its row is mine */
	bool linked : 1;     /* is in its room's list */
	bool due : 1;        /* is in the list of sessions to serve */
	bool later : 1;      /* is in the list of sessions to serve later */
	bool watched : 1;    /* is in the epoll set */
	bool deaf : 1;       /* was taken out of it for good: HUP or ERR */
	bool waiting : 1;    /* has whole lines that must wait */
	bool eof : 1;        /* has sent all it will */
	bool blocked : 1;    /* its send queue is full: waits for EPOLLOUT */
	bool poor : 1;       /* no buffer for its reply: tried again later */
	bool paced : 1;      /* has said too much: read on later */
	bool starved : 1;    /* no buffer for its input: tried again later */
	bool finished : 1;   /* its sending side is shut: waits for its EOF */
	bool ignores : 1;    /* is counted in w->ignorers */
	bool gone : 1;       /* has left, but for input that must wait */
};
static_assert(sizeof(struct local) == 20, "not much more than its links");
static_assert((EPOLLIN | EPOLLOUT) < 16 && DIALECT_OWN < 16, "they fit");
static_assert(SEATS_MAX < UINT8_MAX, "a seat + 1, too");

/*
 * A worker's own words about a room.  All zero is a room without local members:
 * most stay that for ever, and their pages are never touched.
 */
struct local_room {
	uint32_t first;                     /* see local_first */
	uint32_t count;                     /* local members */
	uint32_t dialects[DIALECT_OWN + 1]; /* and how many read which */
	/* During a fan-out: batch rows, the first + 1; 0: there are none. */
	uint32_t chain_first, chain_last;
	uint64_t next_msg; /* number after the last message known of */
};

/* The slot of the first local member, or NONE. */
static inline uint32_t
local_first(const struct local_room *r)
{
	return r->count > 0 ? r->first : NONE;
}

/* A growing set of slots; see local.due and local.later. */
struct slot_list {
	uint32_t *slots;
	uint32_t count;
};

/* Messages of one session on their way into the ring: a run of records. */
struct batch {
	struct record run;
	uint32_t lens[BATCH_RECORDS];
	uint32_t count;
	char prefix[LIMIT_NAME + 2]; /* "NAME: " */
	size_t prefix_len;
	size_t used; /* of text */
	size_t text_size;
	char *text;
};

/* Bytes of the ring that are to be staged with one copy. */
struct span {
	uint64_t pos;
	size_t off; /* in the staging area */
	size_t len;
};

/* Input that is not consumed, and has to be kept. */
struct rest {
	const char *text;
	size_t len;
};

/*
 * A telnet session's half-line in edit mode has marks of the editor's with it:
 * as many keys fit into `size` bytes whatever they are.
 */
#define EDIT_KEYS(size) (((size)-4) * 2 / 3)

/* How the records being staged are rendered. */
struct form {
	unsigned dialect;
	struct look look;
	const char *room; /* its name */
	size_t room_len;
};

/* The records of a pass, sorted into rooms. */
struct gathered {
	uint32_t count;
	uint32_t rooms_count;
	struct {
		uint64_t first;
		uint32_t records; /* that many in a row are of the room */
		uint32_t next;    /* the same room's next run */
	} runs[RUNS_MAX];
	uint32_t rooms[RUNS_MAX];
};

struct worker {
	const struct inherit *in;
	struct policy policy;            /* its shm is NULL: there is none */
	const struct settings *settings; /* its */
	bool bans_untold;     /* the master is to have the bans written */
	uint32_t follow_room; /* rows from here on may say something else */
	struct segment seg;
	struct journal journal;
	struct seat_shm *seat;
	struct staging_shm *staging;
	char *input; /* read buffer, seg.layout.input_stride bytes */
	char *text;  /* what is consumed of it: itself, or what it decodes to */
	char *decoded;            /* of the same size */
	struct editing *editing;  /* of a telnet worker: see edit.c */
	struct telnet_shm telnet; /* behind what is in there */
	struct ws_shm ws;         /* the same of a WebSocket, */
	struct wslines_tail tail; /* and what it was sent of control frames */
	uint64_t bit;             /* of this seat in a room's set */
	struct local *locals;
	struct local_room *rooms;
	struct slot_list due, later, untold;
	struct batch batch;
	struct span span;
	struct form form;
	char *scratch; /* SCRATCH_SIZE bytes: what is to be rendered */
	struct gathered *gathered;
	uint32_t ignorers; /* sessions of mine that ignore somebody */
	uint32_t sessions;
	uint32_t pool_hint, small_hint;
	uint32_t acks;   /* CHANNEL_PASS dealt with and not yet acknowledged */
	uint64_t now_us; /* CLOCK_MONOTONIC, as of this pass */
	uint64_t later_us;           /* when the list `later` is due */
	uint64_t suspected_us;       /* when the tables were, see damage.c */
	uint64_t swept_us;           /* when deadlines were last looked at */
	uint64_t last_bell_position; /* for waking everybody now and then */
	uint64_t last_bell_head;
	struct asking *asking;         /* about passwords: see ask.c */
	bool secret;                   /* there was a password in the input */
	uint64_t seat_seen[SEATS_MAX]; /* cursors, for flow control */
	uint64_t seat_seen_us[SEATS_MAX]; /* and when they last moved */
	bool stalled; /* another worker is far behind: no input is read */
	bool stopping;
	bool orphaned; /* the channel is at its end */
};

/* worker.c */
void worker_init(struct worker *w, const struct inherit *in);
void worker_fini(struct worker *w);
void worker_begin(struct worker *w);
bool worker_turn(struct worker *w);
void worker_answer_ping(
    struct worker *w, int32_t waits_for, uint64_t acquisition);

/* serve.c */
void worker_due(struct worker *w, uint32_t slot);
void worker_later(struct worker *w, uint32_t slot);
void serve_due(struct worker *w);
void serve_later(struct worker *w);
void serve_deadlines(struct worker *w);
void serve_stop(struct worker *w);

/* session rows, and what the worker knows of them (session.c) */
struct session_shm *session_row(const struct worker *w, uint32_t slot);
int session_fd(uint32_t slot);
uint64_t session_cursor(const struct worker *w, const struct session_shm *s);
void session_watch(struct worker *w, uint32_t slot);
void session_unheard(struct worker *w, uint32_t slot);
void session_deafen(struct worker *w, uint32_t slot);
uint32_t session_room(const struct session_half *half);
bool session_unwelcomed(const struct session_half *half);
bool session_unread(const struct session_half *half);
bool session_in_need(const struct worker *w, uint32_t slot);
void session_turn(const struct worker *w, struct session_half *half);
void session_name_room(
    const struct worker *w, struct session_half *half, uint32_t room);
struct look session_look(const struct session_half *half);
void session_looks(struct worker *w, uint32_t slot);
void session_counted(struct worker *w, uint32_t slot);
char *session_kept(struct session_shm *s, size_t *size);
uint8_t session_rights(const struct session_shm *s);
bool session_is_telnet(const struct session_shm *s);
bool session_is_web(const struct session_shm *s);
bool session_has_answers(const struct session_shm *s);
uint64_t session_input_end(const struct session_shm *s);
void session_link(struct worker *w, uint32_t slot, uint32_t room);
bool session_unlink(struct worker *w, uint32_t slot);
void session_lag(struct worker *w, uint32_t slot, struct session_half *half);
void session_reply(struct worker *w, uint32_t slot, struct session_half *half,
    unsigned code, uint64_t arg);
void session_last_word(struct worker *w, uint32_t slot,
    struct session_half *half, unsigned code, uint64_t arg);

/* input.c */
void input_take(struct worker *w, uint32_t slot, bool readable);
void input_settle(struct worker *w, size_t got);
void input_drop(struct worker *w, size_t got);

uint64_t input_queued(struct worker *w, uint32_t slot);
void input_starve(struct worker *w, uint32_t slot);
void input_evict(struct worker *w);
const char *input_kept(const struct worker *w, uint32_t slot, size_t *bytes);
const char *input_kept_tail(const struct worker *w, uint32_t slot);
bool input_discards(struct worker *w, uint32_t slot);
size_t input_size(const struct worker *w, uint32_t slot);
bool input_is_stuck(const struct worker *w, uint32_t slot);
/* Until when one who has just said something, or has joined, may be silent. */
uint64_t input_deadline(const struct worker *w);

/* edit.c: telnet sessions whose lines are edited here */
void edit_init(struct worker *w);
bool edit_is_on(const struct worker *w, const struct session_shm *s);
bool edit_must_wait(const struct worker *w, uint32_t slot);
struct rest edit_settle(struct worker *w, uint32_t slot, size_t len);
void edit_echo(struct worker *w, uint32_t slot);
void edit_show(struct worker *w, uint32_t slot);
void edit_repair(struct worker *w, uint32_t slot);
bool edit_around(struct worker *w, uint32_t slot, bool rest,
    struct iovec *before, struct iovec *behind);
bool edit_plain(struct worker *w, struct line *line);

/* typing.c */
struct rest typing_consume(struct worker *w, uint32_t slot, size_t len);

/* talk.c: consume [in_done, total) of a session from the read buffer. */
void talk_consume(
    struct worker *w, uint32_t slot, uint64_t base, uint64_t total, bool eof);
void talk_leave(struct worker *w, uint32_t slot, enum close_reason reason,
    enum chat_error last_word, uint64_t arg);

/* publish.c */
bool publish_allowed(struct worker *w);
void publish_batch_add(
    struct worker *w, uint32_t slot, const char *text, size_t len);
size_t publish_batch_plain(
    struct worker *w, uint32_t slot, const char *text, size_t len, size_t max);
bool publish_batch_full(const struct worker *w, size_t more);
void publish_batch(struct worker *w, uint32_t slot, struct session_half *half);
enum chat_error publish_rename(struct worker *w, uint32_t slot,
    struct session_half *half, const char *name, size_t len, uint8_t rights);
void publish_say(struct worker *w, uint32_t slot, struct session_half *half,
    enum record_type type, char *text, size_t len);
bool publish_private(struct worker *w, uint32_t slot, struct session_half *half,
    const char *to, size_t to_len, char *text, size_t len);
void publish_bell(struct worker *w, uint64_t seats);
void publish_ring_all(struct worker *w);

/*
 * Not an error: the name's owner has come, and its line waits until the older
 * session of that name, which is to end, is gone.
 */
#define CHAT_SOON CHAT_ERRORS

/* member.c */
enum chat_error member_name_taken(
    struct worker *w, uint32_t slot, uint32_t holder, uint8_t rights);
enum chat_error member_join(struct worker *w, uint32_t slot,
    struct session_half *half, const char *name, size_t len, uint8_t rights);
enum chat_error member_move(struct worker *w, uint32_t slot,
    struct session_half *half, const char *room, size_t len);
void member_leave(struct worker *w, uint32_t slot, struct session_half *half);

/* stage.c */
enum stage_result {
	STAGE_OK,
	STAGE_FULL,
	STAGE_LAPPED,
};
void stage_reset(
    struct worker *w, unsigned dialect, const struct session_half *half);
bool stage_copy(struct worker *w);
enum stage_result stage_run(
    struct worker *w, uint64_t n, uint32_t *count, const struct desc_shm *d);
enum stage_result stage_record(
    struct worker *w, uint64_t n, const struct desc_shm *d);
struct render_record stage_shown(const struct worker *w, uint64_t n,
    const struct desc_shm *d, const char *room, size_t room_len);

/* send.c */
void send_staged(struct worker *w, uint32_t slot, uint64_t first, uint64_t end);
void send_cut(struct worker *w, uint32_t slot);
void send_line(struct worker *w, uint32_t slot, size_t len);
void send_line_and(
    struct worker *w, uint32_t slot, size_t len, struct iovec behind);
bool send_piece_begin(struct worker *w, uint32_t slot);
void send_piece(struct worker *w, uint32_t slot, size_t len, uint64_t next);
void send_answers(struct worker *w, uint32_t slot);
void send_echo(struct worker *w, uint32_t slot, size_t len);
void send_row(struct worker *w, uint32_t slot, const char *bytes, size_t len);
void send_settle(struct worker *w);

/* sent.c */
void sent_note_clear(struct note_tx *note);
void sent_settle(struct worker *w, size_t n, size_t total);
uint32_t sent_count_own(const struct worker *w, uint32_t slot, uint64_t from);

/* reply.c */
const char *reply_prompt(unsigned state);
bool reply_send(struct worker *w, uint32_t slot);
void reply_history(struct worker *w, uint32_t slot, struct session_half *half,
    uint64_t from, uint32_t n);
void reply_welcome(
    struct worker *w, uint32_t slot, struct session_half *half, bool topic);

/* fanout.c, lag.c */
void fanout(struct worker *w);
void lag_serve(struct worker *w, uint32_t slot);
void lag_until_now(struct worker *w, struct session_half *half);

/* adopt.c */
void adopt_from_channel(struct worker *w);
void adopt_new(
    struct worker *w, uint32_t slot, uint32_t gen, const struct peer *peer);
void adopt_row(struct worker *w, uint32_t slot);
void adopt_move(struct worker *w, uint32_t slot);
void adopt_close(struct worker *w, uint32_t slot);
void adopt_tell(struct worker *w);

/* ended.c: sessions that others have ended */
bool ended_is(const struct session_shm *s);
void ended_serve(struct worker *w);
bool ended_close(struct worker *w, uint32_t slot);
uint64_t ended_call(struct worker *w, uint32_t slot);

/* poison.c */
void poison_at_slot(struct worker *w, uint32_t slot);
void poison_off_slot(struct worker *w);
void poison_at_record(struct worker *w, uint64_t n);
bool poison_is_record(const struct worker *w, uint64_t n);
uint32_t poison_count(struct worker *w);
void poison_close(struct worker *w, uint32_t slot);

/* damage.c */
_Noreturn void damage_found(const struct worker *w, const char *what);
void damage_in_ring(void *context);
void damage_check_repair(struct worker *w, bool held);
void damage_suspect(struct worker *w);
void damage_check_row(const struct worker *w, uint32_t slot);

/* takeover.c */
void takeover(struct worker *w);

#endif
