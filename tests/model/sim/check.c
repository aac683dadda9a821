/* SPDX-License-Identifier: MIT */
/*
 * What each client read, line by line, against what was committed; and what is
 * left when all are gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/shm/lock.h"
#include "shared/shm/tables.h"
#include "tests/model/sim/sim.h"

/*
 * Replies that a client may do without: for half a line given up, the one that
 * it would have got, and the one that waited to be sent.
 */
#define MAY_LOSE(c) (2 * (c)->evictions)

/* A client's stream against what it should be. */
struct reader {
	struct client *c;
	int next;         /* entry of the log */
	int reply;        /* of those that it expects */
	bool last;        /* it was told that the server stops */
	bool who;         /* it reads a reply to /who */
	struct past past; /* it reads one to /history */
	bool ignores;     /* it reads nothing of whom it ignores */
	int evicted;      /* refusals of half-lines */
	uint64_t lag;     /* missed, as it was told, since the last line */
	bool spoken;      /* the last line but replies was a message */
	bool cut;         /* it was so before it was told what it missed */
};

static const struct entry *
entry_at(int i)
{
	return &sim.oracle.entries[i];
}

static const char *
entry_text(int i)
{
	return sim.oracle.text.data + entry_at(i)->text;
}

/* Is this entry for that client? */
static bool
is_for(const struct client *c, int i)
{
	const struct entry *e = entry_at(i);
	bool own = &sim.clients[e->client] == c;

	if (e->type == RECORD_PRIVATE ? &sim.clients[e->to_client] != c
				      : own && record_is_talk(e->type))
		return false;
	for (int k = 0; k < c->nstays; k++) {
		const struct stay *s = &c->stays[k];

		if (i >= s->join && (s->leave < 0 || i < s->leave))
			return e->room == s->room && e->room_gen == s->room_gen;
	}
	return false;
}

/* Was it said by somebody whom the client ignores now and then? */
static bool
is_ignored(const struct client *c, int i)
{
	const struct entry *e = entry_at(i);

	return e->client == c->ignores && c->nignores > 0 &&
	       (e->type == RECORD_PRIVATE || record_is_talk(e->type));
}

static int
next_for(const struct client *c, int from)
{
	while (from < sim.oracle.count && !is_for(c, from))
		from++;
	return from;
}

static bool
is_line(int i, const char *line, size_t len)
{
	return entry_at(i)->len == len && memcmp(entry_text(i), line, len) == 0;
}

/* Has the ring ever been so far ahead that this record was overwritten? */
bool
check_was_overwritten(int i)
{
	return sim.oracle.count - i > (int)sim.seg.layout.ndesc ||
	       sim.oracle.text.len - entry_at(i)->text > RING_BYTES / 2;
}

static _Noreturn void
complain(const struct reader *r, const char *line, size_t len)
{
	int next = next_for(r->c, r->next);

	if (next < sim.oracle.count)
		fail("%s reads %.*s and not %.*s", r->c->name, (int)len, line,
		    (int)entry_at(next)->len, entry_text(next));
	fail(
	    "%s reads %.*s, and there was no more", r->c->name, (int)len, line);
}

/*
 * Pass over what the client was told that it missed: [r->next, to).  Its own
 * messages among them are not to be counted; only where a worker died or was
 * stopped, for so long that the ring has lapped it, nobody knows them.
 */
static void
skip_to(struct reader *r, int to)
{
	uint64_t own = 0;

	for (int i = r->next; i < to; i++) {
		own += record_is_talk(entry_at(i)->type) &&
		       &sim.clients[entry_at(i)->client] == r->c;
		if (!is_for(r->c, i) || is_ignored(r->c, i))
			continue;
		if (!check_was_overwritten(i))
			fail("%s missed %.*s", r->c->name,
			    (int)entry_at(i)->len, entry_text(i));
		if (!record_is_talk(entry_at(i)->type))
			continue;
		if (r->lag == 0)
			fail("%s missed %.*s and was not told", r->c->name,
			    (int)entry_at(i)->len, entry_text(i));
		r->lag--;
	}
	/* Cut before its LF, a line is counted as missed, and is whole. */
	r->lag -= r->lag > 0 && r->cut;
	r->cut = false;
	if (r->lag > own || (r->lag > 0 && sim.deaths + sim.freezes == 0))
		fail("%s was told of %llu missed messages too many", r->c->name,
		    (unsigned long long)r->lag);
	r->lag = 0;
	r->next = to;
}

static int
find_line(const struct reader *r, int from, const char *line, size_t len)
{
	int i = next_for(r->c, from);

	while (i < sim.oracle.count && !is_line(i, line, len))
		i = next_for(r->c, i + 1);
	return i;
}

/* The entry behind the messages that it was told it missed. */
static int
behind_missed(const struct reader *r)
{
	uint64_t messages = 0;
	int i;

	for (i = r->next; i < sim.oracle.count && messages < r->lag; i++)
		messages +=
		    is_for(r->c, i) && record_is_talk(entry_at(i)->type);
	return i;
}

static void
on_chat(struct reader *r, const char *line, size_t len)
{
	int i = find_line(r, behind_missed(r), line, len);

	/* Who moves is seen to join more than once, and N may be too high. */
	if (i == sim.oracle.count)
		i = find_line(r, r->next, line, len);
	if (i == sim.oracle.count)
		complain(r, line, len);
	TRACE("  which is entry %d, after %d", i, r->next);
	if (r->ignores && is_ignored(r->c, i))
		fail("%s ignores %s and reads %.*s", r->c->name,
		    sim.clients[r->c->ignores].name, (int)len, line);
	skip_to(r, i);
	r->next = i + 1;
	r->spoken = record_is_talk(entry_at(i)->type);
}

const char *
reply_line(enum chat_error code, uint64_t arg, size_t *len)
{
	static char line[NOTICE_MAX];

	*len = notice_error(line, sizeof(line), code, arg);
	return line;
}

static bool
is_reply(enum chat_error code, const char *line, size_t len)
{
	uint64_t arg = code == CHAT_TOO_LONG        ? MAX_LINE
		       : code == CHAT_LOGIN_TIMEOUT ? LOGIN_S
		       : code == CHAT_IDLE_TIMEOUT  ? IDLE_S
						    : 0;
	size_t expected_len;
	const char *expected = reply_line(code, arg, &expected_len);

	return len == expected_len && memcmp(line, expected, len) == 0;
}

static void
on_error(struct reader *r, const char *line, size_t len)
{
	static const char lagged[] = "*** error lagged: ";
	size_t head = sizeof(lagged) - 1;

	if (len > head && memcmp(line, lagged, head) == 0) {
		r->lag += strtoull(line + head, NULL, 10);
		r->cut |= r->spoken;
		sim.total.lapped++;
		return;
	}
	if (sim.master.stopping && !r->last &&
	    is_reply(CHAT_SHUTTING_DOWN, line, len)) {
		r->last = true;
		return;
	}
	while (r->reply < r->c->nreplies &&
	       r->c->replies[r->reply] == CHAT_OK) /* withdrawn: client.c */
		r->reply++;
	if (r->reply < r->c->nreplies &&
	    is_reply(r->c->replies[r->reply], line, len)) {
		r->reply++;
		return;
	}
	/* Half a line was given up: refused instead of done, or of refused. */
	if (r->evicted < r->c->evictions &&
	    is_reply(CHAT_TOO_LONG, line, len)) {
		r->evicted++;
		return;
	}
	/* What came behind a wrong line is thrown away: its name, perhaps. */
	if (r->evicted > 0 && is_reply(CHAT_LOGIN_TIMEOUT, line, len))
		return;
	for (int i = r->reply;
	     i < r->c->nreplies && i - r->reply <= MAY_LOSE(r->c); i++) {
		if (!is_reply(r->c->replies[i], line, len))
			continue;
		r->reply = i + 1;
		return;
	}
	fail("%s reads %.*s without a reason", r->c->name, (int)len, line);
}

/*
 * A record cut short because the ring has lapped its rest: what was missed,
 * or a reply that had to wait for its end, comes next.
 */
static bool
is_cut(struct reader *r, const char *line, size_t len, size_t rest)
{
	uint64_t messages = 0;
	int next = next_for(r->c, r->next);

	if (strncmp(line, DIALECT_CUT, 2) == 0)
		return next < sim.oracle.count && check_was_overwritten(next);
	if (rest <= 4 || memcmp(line + len, "*** ", 4) != 0)
		return false;
	for (int i = next; i < sim.oracle.count; i = next_for(r->c, i + 1)) {
		if (is_line(i, line, len))
			return false;
		if (len < entry_at(i)->len && messages == r->lag &&
		    check_was_overwritten(i) &&
		    memcmp(entry_text(i), line, len - 1) == 0) {
			skip_to(r, i);
			return true;
		}
		messages += record_is_talk(entry_at(i)->type);
		if (messages > r->lag)
			break;
	}
	return false;
}

/* A line of a reply to a question; false if it is none. */
static bool
on_answer(struct reader *r, const char *line, size_t len)
{
	enum asked_kind kind = asked_kind(line, len);

	/* What was lost of it nobody knows, see on_error. */
	if (sim.master.stopping || r->c->evictions > 0)
		return kind != ASKED_NOTHING;
	if (kind != ASKED_PAST)
		asked_past_end(r->c, r->next, &r->past);
	if (kind == ASKED_PAST)
		asked_past(r->c, r->next, &r->past, line, len);
	else if (kind == ASKED_TOPIC)
		asked_topic(r->c, r->next, line, len);
	else if (kind == ASKED_IGNORED || kind == ASKED_HEARD)
		r->ignores = kind == ASKED_IGNORED && r->c->evictions == 0;
	return kind != ASKED_NOTHING;
}

/* All that the client has read so far; `whole`: and there must be no more. */
static void
check_client(struct client *c, bool whole)
{
	struct reader r = {.c = c};
	const char *line = c->got.data, *end;
	size_t rest = c->got.len, len;
	enum who_kind kind;

	while (rest > 0 && (end = memchr(line, '\n', rest)) != NULL) {
		len = (size_t)(end - line) + 1;
		TRACE("%s reads %.*s", c->name, (int)len - 1, line);
		if (on_answer(&r, line, len)) {
			r.who = false;
			line += len;
			rest -= len;
			continue;
		}
		kind = who_kind(line, len);
		r.who = kind == WHO_HEAD || (kind == WHO_NAMES && r.who);
		if (strncmp(line, "*** error ", 10) == 0)
			on_error(&r, line, len);
		else if (kind != WHO_AM_I && !r.who &&
			 !is_cut(&r, line, len, rest - len))
			on_chat(&r, line, len);
		line += len;
		rest -= len;
	}
	if (!whole || sim.master.stopping)
		return;
	asked_past_end(c, r.next, &r.past);
	if (rest > 0)
		fail("%s reads half a line: %.*s", c->name, (int)rest, line);
	while (r.reply < c->nreplies && c->replies[r.reply] == CHAT_OK)
		r.reply++;
	if (r.reply + MAY_LOSE(c) < c->nreplies && c->done)
		fail("%s got %d of %d replies", c->name, r.reply, c->nreplies);
	if (r.lag > 0 || next_for(c, r.next) < sim.oracle.count)
		skip_to(&r, sim.oracle.count);
	if (!c->left)
		who_check(c);
	if (c->done && c->joins)
		dialect_check(c);
}

/*
 * All has come to rest: whoever reads must have read all, or a wake-up was
 * lost.
 */
void
check_quiet(void)
{
	for (unsigned i = 0; i < sim.profile.nclients; i++) {
		struct client *c = &sim.clients[i];
		bool asleep = client_sleeps(c);

		if (!c->connected || c->done)
			continue;
		if (!asleep && !c->deaf &&
		    c->conn->out_acked < c->conn->out.len)
			fail("%s does not read", c->name);
		if (c->edits && !asleep && !c->deaf && !c->left &&
		    !c->conn->shut_wr && !c->conn->rst && !c->conn->fin_in)
			typing_check(c);
		if (c->web && !asleep && !c->deaf && !c->left &&
		    !c->conn->shut_wr && !c->conn->rst && !c->conn->fin_in)
			web_check(c);
		check_client(c, !asleep && c->nstays > 0 && !c->resets);
	}
}

static void
check_pool(void)
{
	const struct segment_layout *l = &sim.seg.layout;

	for (uint32_t i = 0; i < l->nbuffers + l->nsmall; i++) {
		uint32_t owner = sim.seg.bufctl[i].owner;
		uint32_t seat = (owner & ~BUFFER_SPARE) - 1;

		if (owner == 0 || owner == BUFFER_NOBODY)
			continue;
		if ((owner & BUFFER_SPARE) == 0 || seat >= SEATS ||
		    segment_seat(&sim.seg, seat)->spare != i + 1)
			fail("buffer %u is leaked, its owner is %x", i, owner);
	}
}

static void
check_seat(uint32_t i)
{
	const struct seat_shm *seat = segment_seat(&sim.seg, i);

	if (seat->in.valid || seat->step.valid || seat->tx.valid)
		fail("seat %u: a note still holds", i);
	for (int k = 0; k < sim.epolls[i].count; k++)
		if (sim.epolls[i].watches[k].file.conn != NULL)
			fail("seat %u: still watches fd %d", i,
			    sim.epolls[i].watches[k].fd);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (sim.procs[i].session[slot] != NULL)
			fail("seat %u: still has the fd of slot %u", i, slot);
	for (int k = 0; k < TRANSIENT; k++)
		if (sim.procs[i].transient[k] != NULL)
			fail("seat %u: has a leaked fd", i);
}

static void
on_breach(void *context UNUSED, const char *sentence)
{
	fail("verify: %s", sentence);
}

/* All are gone: nothing may be left of them. */
void
check_end(void)
{
	for (unsigned i = 0; i < sim.profile.nclients; i++) {
		struct client *c = &sim.clients[i];

		check_client(c, !c->resets);
		if (sim.master.stopping)
			continue;
		if (c->joins && !c->resets && c->nstays == 0)
			fail("%s never joined", c->name);
		if (c->nstays > 0 && !c->left)
			fail("%s never left", c->name);
		if (c->conn->aborted && !c->resets)
			fail("%s was reset by the server", c->name);
	}
	for (unsigned i = 0; i < sim.profile.nclients; i++)
		sim.total.deliveries += sim.clients[i].got.len;
	if (!sim.master.stopping)
		tables_verify(&sim.seg, on_breach, NULL);
	for (uint32_t i = 0; i < SLOTS; i++)
		if (sim.seg.sessions[i].owner != 0 && !sim.master.stopping)
			fail("slot %u still has an owner", i);
	if (sim.seg.lock->word != 0)
		fail("the lock is still held");
	if (!sim.master.stopping)
		check_pool();
	for (uint32_t i = 0; i < sim.profile.nworkers; i++)
		check_seat(i);
}
