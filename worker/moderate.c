/* SPDX-License-Identifier: MIT */
/* See moderate.h. */
#include "worker/moderate.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/duration.h"
#include "shared/base/log.h"
#include "shared/chat/name.h"
#include "shared/chat/text.h"
#include "shared/shm/bans.h"

/* "*** NAME verbed NAME (TIME): WHY" */
#define LINE_MAX_BYTES 1024

/* An act that is being prepared. */
struct act {
	enum record_type type;
	enum chat_usage usage;
	const char *event; /* in the log */
	const char *verb, *after;
	const char *who; /* as it was given */
	size_t who_len;
	char why[LIMIT_WHY * TEXT_EXPANSION];
	size_t why_len;
	uint64_t seconds; /* 0: for ever, or not asked */
	uint32_t target;  /* slot, or NONE */
	bool is_address;
	struct act_shm shm;
};

bool
moderate_is_operator(const struct session_shm *s)
{
	return (session_rights(s) & RIGHT_OPERATOR) != 0;
}

enum chat_error
moderate_silence(const struct consumer *c)
{
	uint8_t rights = session_rights(c->s);
	uint32_t room = c->half.room;

	if ((rights & RIGHT_MUTED) != 0)
		return CHAT_MUTED;
	if ((rights & RIGHT_OPERATOR) != 0 || room >= c->w->seg.params.nrooms)
		return CHAT_OK;
	return (atomic_load_explicit(
		    &c->w->seg.rooms[room].flags, memory_order_relaxed) &
		   POLICY_READ_ONLY) != 0
		   ? CHAT_NOT_PERMITTED
		   : CHAT_OK;
}

/* The first word, which is taken off the text. */
static const char *
take_word(const char **text, size_t *len, size_t *word_len)
{
	const char *word = *text;
	size_t n = 0;

	while (n < *len && word[n] != ' ' && word[n] != '\t')
		n++;
	*word_len = n;
	while (n < *len && (word[n] == ' ' || word[n] == '\t'))
		n++;
	*text += n;
	*len -= n;
	return word;
}

/* WHO [TIME] [WHY].  False if nobody is named. */
static bool
parse(struct act *a, const char *text, size_t len, bool timed)
{
	const char *rest, *word;
	size_t n, left;

	a->who = take_word(&text, &len, &a->who_len);
	rest = text;
	left = len;
	word = take_word(&rest, &left, &n);
	if (timed && duration_parse(word, n, &a->seconds)) {
		text = rest;
		len = left;
	}
	a->why_len = text_sanitise(a->why, text, MIN(len, (size_t)LIMIT_WHY));
	a->why_len = MIN(a->why_len, (size_t)LIMIT_WHY);
	/* Not in the middle of a character. */
	while (a->why_len > 0 && a->why_len < len &&
	       ((unsigned char)a->why[a->why_len - 1] & 0x80) != 0)
		a->why_len--;
	return a->who_len > 0;
}

/* The row that the act writes, with `ban` as it will be. */
static bool
choose_row(struct worker *w, struct act *a, uint64_t now_us)
{
	a->shm.row = bans_find_same(&w->seg, &a->shm.ban);
	if (a->shm.row == NONE)
		a->shm.row = bans_find_free(&w->seg, now_us);
	return a->shm.row != NONE;
}

static void
fill_ban(struct act *a, const struct session_shm *by, enum ban_kind kind,
    uint64_t now_us)
{
	struct ban_shm *b = &a->shm.ban;

	b->kind = (uint8_t)kind;
	b->since_us = now_us;
	b->until_us = a->seconds > 0 ? now_us + a->seconds * 1000000 : 0;
	b->by_len = by->name_len;
	memcpy(b->by, by->name, sizeof(b->by));
	b->why_len = (uint8_t)a->why_len;
	memcpy(b->why, a->why, a->why_len);
	if (kind == BAN_ADDRESS) /* cidr is set */
		return;
	b->name_len = (uint8_t)a->who_len;
	memcpy(b->name, a->who, a->who_len);
}

/* What everybody reads. */
static size_t
write_line(const struct act *a, const struct session_shm *by, char *line,
    struct record *rec, uint32_t *why_off)
{
	int n = snprintf(
	    line, LINE_MAX_BYTES, "*** %.*s ", (int)by->name_len, by->name);

	rec->d.name_off = 4;
	rec->d.name_len = by->name_len;
	rec->d.text_off = (uint8_t)n;
	n += snprintf(line + n, LINE_MAX_BYTES - (size_t)n, "%s%.*s%s", a->verb,
	    (int)a->who_len, a->who, a->after);
	if (a->seconds > 0)
		n += snprintf(line + n, LINE_MAX_BYTES - (size_t)n,
		    " for %llu s", (unsigned long long)a->seconds);
	if (a->why_len > 0)
		n += snprintf(line + n, LINE_MAX_BYTES - (size_t)n, ": ");
	*why_off = (uint32_t)n;
	memcpy(line + n, a->why, a->why_len);
	n += (int)a->why_len;
	line[n++] = '\n';
	return (size_t)n;
}

static void
log_act(const struct act *a, const struct session_shm *by)
{
	char who[LOG_QUOTED(LIMIT_NAME)], name[LOG_QUOTED(LIMIT_NAME)];
	char why[LOG_QUOTED(LIMIT_WHY)];

	log_info(a->event, "by=%s target=%s seconds=%llu why=%s",
	    log_quote(name, sizeof(name), by->name, by->name_len),
	    log_quote(who, sizeof(who), a->who, a->who_len),
	    (unsigned long long)a->seconds,
	    log_quote(why, sizeof(why), a->why, a->why_len));
}

/* The room of the target, if it is another than the operator's. */
static bool
other_room(const struct worker *w, const struct session_half *half,
    uint32_t target, uint32_t *room)
{
	if (target == NONE)
		return false;
	*room = w->seg.members[target].room;
	return *room < w->seg.params.nrooms && *room != half->room;
}

/*
 * Publish the act in the operator's room, and in the target's if that is
 * another one; the lock is held.
 */
static uint64_t
publish_act(struct consumer *c, struct act *a)
{
	struct worker *w = c->w;
	char line[LINE_MAX_BYTES];
	struct record recs[2] = {{.line = line}};
	struct record *rec = &recs[0];
	uint32_t room = c->half.room, other;
	uint64_t seats;
	size_t n = 1;

	rec->d.type = (uint8_t)a->type;
	rec->d.sender = c->slot;
	rec->d.sender_gen = c->s->gen;
	rec->d.time_us = clock_real_us();
	rec->d.len = (uint32_t)write_line(a, c->s, line, rec, &a->shm.why_off);
	rec->d.room = room;
	rec->d.room_gen = c->half.room_gen;
	rec->d.room_msg = w->seg.rooms[room].messages;
	rec->d.target = a->target;
	if (a->target != NONE)
		rec->d.target_gen = session_row(w, a->target)->gen;
	rec->extra = (const char *)&a->shm;
	rec->d.extra = sizeof(a->shm);
	seats = atomic_load_explicit(
	    &w->seg.rooms[room].seats, memory_order_relaxed);
	if (other_room(w, &c->half, a->target, &other)) {
		recs[n] = recs[0];
		recs[n].d.room = other;
		recs[n].d.room_gen = w->seg.rooms[other].gen;
		recs[n].d.room_msg = w->seg.rooms[other].messages;
		seats |= atomic_load_explicit(
		    &w->seg.rooms[other].seats, memory_order_relaxed);
		n++;
	}
	journal_publish(&w->journal, recs, n, c->slot, &c->half);
	return seats;
}

/* The seats of those whom the act ends; the lock is held. */
static uint64_t
call_ended(struct consumer *c, const struct act *a)
{
	uint64_t seats = 0;

	if (a->target != NONE)
		return ended_call(c->w, a->target);
	for (uint32_t slot = 0; a->is_address && slot < c->w->in->nslots;
	     slot++)
		if (ended_is(session_row(c->w, slot)))
			seats |= ended_call(c->w, slot);
	return seats;
}

static enum progress
commit_act(struct consumer *c, struct act *a)
{
	uint64_t seats = publish_act(c, a);

	seats |= call_ended(c, a);
	lock_release(&c->w->journal.lock);
	if (a->shm.row != NONE)
		c->w->bans_untold = true;
	publish_bell(c->w, seats);
	log_act(a, c->s);
	return GO_ON;
}

static enum progress
refuse_locked(struct consumer *c, enum chat_error code, uint64_t arg)
{
	lock_release(&c->w->journal.lock);
	return talk_refuse(c, code, arg);
}

/* What all acts begin with.  False: it was refused. */
static bool
begin(struct consumer *c, struct act *a, const char *text, size_t len,
    bool timed, enum progress *p)
{
	a->target = NONE;
	a->shm.row = NONE;
	*p = GO_ON;
	if (!moderate_is_operator(c->s))
		*p = talk_refuse(c, CHAT_NOT_PERMITTED, 0);
	else if (!parse(a, text, len, timed))
		*p = talk_refuse(c, CHAT_BAD_USAGE, a->usage);
	else
		return true;
	return false;
}

/* About somebody who is there, and isn't the operator himself. */
static enum progress
act_on_present(struct consumer *c, struct act *a)
{
	lock_acquire(&c->w->journal.lock);
	a->target = tables_find_name(&c->w->seg, a->who, a->who_len);
	if (a->target == NONE)
		return refuse_locked(c, CHAT_NO_SUCH_NAME, 0);
	if (a->target == c->slot && a->type == RECORD_KICK)
		return refuse_locked(c, CHAT_NOT_PERMITTED, 0);
	return commit_act(c, a);
}

enum progress
moderate_kick(struct consumer *c, const char *text, size_t len)
{
	struct act a = {.type = RECORD_KICK,
	    .usage = USAGE_KICK,
	    .event = "kick",
	    .verb = "kicked ",
	    .after = ""};
	enum progress p;

	return begin(c, &a, text, len, false, &p) ? act_on_present(c, &a) : p;
}

enum progress
moderate_op(struct consumer *c, const char *text, size_t len)
{
	struct act a = {.type = RECORD_OP,
	    .usage = USAGE_OP,
	    .event = "op",
	    .verb = "made ",
	    .after = " an operator"};
	enum progress p;

	return begin(c, &a, text, len, false, &p) ? act_on_present(c, &a) : p;
}

enum progress
moderate_deop(struct consumer *c, const char *text, size_t len)
{
	struct act a = {.type = RECORD_DEOP,
	    .usage = USAGE_DEOP,
	    .event = "deop",
	    .verb = "made ",
	    .after = " an operator no more"};
	enum progress p;

	return begin(c, &a, text, len, false, &p) ? act_on_present(c, &a) : p;
}

/* A row for it, and who has the name now. */
static enum progress
act_with_row(struct consumer *c, struct act *a, enum ban_kind kind)
{
	uint64_t now_us = clock_real_us();

	fill_ban(a, c->s, kind, now_us);
	lock_acquire(&c->w->journal.lock);
	if (!a->is_address)
		a->target = tables_find_name(&c->w->seg, a->who, a->who_len);
	if (a->target == c->slot)
		return refuse_locked(c, CHAT_NOT_PERMITTED, 0);
	if (!choose_row(c->w, a, now_us))
		return refuse_locked(c, CHAT_NOT_PERMITTED, 1);
	return commit_act(c, a);
}

enum progress
moderate_ban(struct consumer *c, const char *text, size_t len)
{
	struct act a = {.type = RECORD_BAN,
	    .usage = USAGE_BAN,
	    .event = "ban",
	    .verb = "banned ",
	    .after = ""};
	enum progress p;

	if (!begin(c, &a, text, len, true, &p))
		return p;
	a.is_address = cidr_parse(a.who, a.who_len, &a.shm.ban.cidr);
	if (!a.is_address)
		memset(&a.shm.ban.cidr, 0, sizeof(a.shm.ban.cidr));
	if (a.is_address && cidr_holds(&a.shm.ban.cidr, c->s->addr))
		return talk_refuse(c, CHAT_NOT_PERMITTED, 0);
	if (!a.is_address && name_check(a.who, a.who_len) != NULL)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_BAN);
	return act_with_row(c, &a, a.is_address ? BAN_ADDRESS : BAN_NAME);
}

enum progress
moderate_mute(struct consumer *c, const char *text, size_t len)
{
	struct act a = {.type = RECORD_MUTE,
	    .usage = USAGE_MUTE,
	    .event = "mute",
	    .verb = "muted ",
	    .after = ""};
	enum progress p;

	if (!begin(c, &a, text, len, true, &p))
		return p;
	if (name_check(a.who, a.who_len) != NULL)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_MUTE);
	return act_with_row(c, &a, BAN_MUTE);
}

/* Free the row that is exactly that. */
static enum progress
undo(struct consumer *c, struct act *a, enum ban_kind kind)
{
	fill_ban(a, c->s, kind, 0);
	lock_acquire(&c->w->journal.lock);
	a->shm.row = bans_find_same(&c->w->seg, &a->shm.ban);
	if (kind == BAN_MUTE)
		a->target = tables_find_name(&c->w->seg, a->who, a->who_len);
	if (a->shm.row == NONE && a->target == NONE)
		return refuse_locked(c, CHAT_NO_SUCH_NAME, 0);
	memset(&a->shm.ban, 0, sizeof(a->shm.ban));
	return commit_act(c, a);
}

enum progress
moderate_unban(struct consumer *c, const char *text, size_t len)
{
	struct act a = {.type = RECORD_UNBAN,
	    .usage = USAGE_UNBAN,
	    .event = "unban",
	    .verb = "unbanned ",
	    .after = ""};
	bool is_address;
	enum progress p;

	if (!begin(c, &a, text, len, false, &p))
		return p;
	is_address = cidr_parse(a.who, a.who_len, &a.shm.ban.cidr);
	if (!is_address)
		memset(&a.shm.ban.cidr, 0, sizeof(a.shm.ban.cidr));
	if (!is_address && name_check(a.who, a.who_len) != NULL)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_UNBAN);
	return undo(c, &a, is_address ? BAN_ADDRESS : BAN_NAME);
}

enum progress
moderate_unmute(struct consumer *c, const char *text, size_t len)
{
	struct act a = {.type = RECORD_UNMUTE,
	    .usage = USAGE_UNMUTE,
	    .event = "unmute",
	    .verb = "unmuted ",
	    .after = ""};
	enum progress p;

	if (!begin(c, &a, text, len, false, &p))
		return p;
	if (name_check(a.who, a.who_len) != NULL)
		return talk_refuse(c, CHAT_BAD_USAGE, USAGE_UNMUTE);
	return undo(c, &a, BAN_MUTE);
}

enum progress
moderate_bans(struct consumer *c, const char *text, size_t len)
{
	(void)text;
	(void)len;
	if (!moderate_is_operator(c->s))
		return talk_refuse(c, CHAT_NOT_PERMITTED, 0);
	session_reply(c->w, c->slot, &c->half, REPLY_BANS, 0);
	journal_step(&c->w->journal, c->slot, &c->half);
	return GO_ON;
}
