/* SPDX-License-Identifier: MIT */
/* What bans and mutes mean for those who come and speak; see moderate.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/shm/bans.h"
#include "worker/moderate.h"

/* Are there any? */
static bool
none(const struct worker *w)
{
	return atomic_load_explicit(
		   &w->seg.tables->bans_end, memory_order_relaxed) == 0;
}

uint32_t
moderate_banned_address(struct worker *w, const uint8_t addr[16])
{
	uint32_t row;

	if (none(w))
		return 0;
	lock_acquire(&w->journal.lock);
	row = bans_find_address(&w->seg, addr, clock_real_us());
	lock_release(&w->journal.lock);
	return row == NONE ? 0 : row + 1;
}

uint32_t
moderate_banned_name(struct worker *w, const char *name, size_t len)
{
	uint32_t row;

	if (none(w))
		return 0;
	lock_acquire(&w->journal.lock);
	row = bans_find_name(&w->seg, BAN_NAME, name, len, clock_real_us());
	lock_release(&w->journal.lock);
	return row == NONE ? 0 : row + 1;
}

uint8_t
moderate_muted(struct worker *w, const char *name, size_t len)
{
	uint32_t row;

	if (none(w))
		return 0;
	lock_acquire(&w->journal.lock);
	row = bans_find_name(&w->seg, BAN_MUTE, name, len, clock_real_us());
	lock_release(&w->journal.lock);
	return row == NONE ? 0 : RIGHT_MUTED;
}

bool
moderate_may_tell(const struct consumer *c, const char *to, size_t len)
{
	struct worker *w = c->w;
	uint32_t target;
	bool is_operator;

	if ((session_rights(c->s) & RIGHT_MUTED) == 0)
		return true;
	lock_acquire(&w->journal.lock);
	target = tables_find_name(&w->seg, to, len);
	is_operator =
	    target != NONE && moderate_is_operator(session_row(w, target));
	lock_release(&w->journal.lock);
	return is_operator;
}

void
moderate_turn_away(
    struct worker *w, uint32_t slot, struct session_half *half, uint32_t row)
{
	session_reply(w, slot, half, REPLY_BANNED, 0);
	if (half->reply.code == REPLY_BANNED) {
		half->reply.end = 0;
		half->reply.room = row;
	}
	talk_end(w, slot, half, CLOSE_BANNED);
}

/* The reason in record `number`, as far as it is still there. */
static size_t
why_of_record(
    struct worker *w, uint64_t number, char *why, size_t size, bool *kicked)
{
	struct desc_shm d;
	char extra[sizeof(struct act_shm) + 8];
	struct act_shm act;
	size_t len;

	if (ring_read(&w->seg, number, &d) != RING_OK ||
	    !record_is_act(d.type) || d.extra != sizeof(act) ||
	    ring_copy_extra(&w->seg, &d, extra) != RING_OK)
		return 0;
	memcpy(&act, extra, sizeof(act));
	*kicked = d.type == RECORD_KICK;
	if (act.why_off + 1 >= d.len)
		return 0;
	len = MIN((size_t)(d.len - act.why_off - 1), size - 8);
	return ring_copy(&w->seg, &d, act.why_off, why, len) == RING_OK ? len
									: 0;
}

size_t
moderate_last_word(
    struct worker *w, const struct reply *r, char *line, size_t size)
{
	char why[LIMIT_WHY + 16];
	bool kicked = false;
	size_t len = 0;

	if (r->end != 0) {
		len = why_of_record(w, r->end, why, sizeof(why), &kicked);
	} else if (r->room < LIMIT_BANS) {
		struct ban_shm b = w->seg.bans[r->room];

		len = MIN((size_t)b.why_len, (size_t)LIMIT_WHY);
		memcpy(why, b.why, len);
	}
	return (size_t)snprintf(line, size,
	    "*** error banned: you are %s from this server%s%.*s\n",
	    kicked ? "kicked" : "banned", len > 0 ? ": " : "", (int)len, why);
}

static const char *
show_time(char text[32], uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (us == 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, 32, "until %Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return "for ever";
	return text;
}

size_t
moderate_show(struct worker *w, uint32_t row, char *line, size_t size)
{
	static const char *const kinds[BAN_KINDS] = {
	    "", "name", "address", "mute"};
	struct ban_shm b = w->seg.bans[row];
	char address[CIDR_TEXT_MAX], until[32];
	bool by_address = b.kind == BAN_ADDRESS;

	if (b.kind == BAN_NONE || !bans_row_is_sound(&b) ||
	    (b.until_us != 0 && b.until_us <= clock_real_us()))
		return 0;
	if (by_address)
		cidr_text(&b.cidr, address);
	return (size_t)snprintf(line, size, "*** %s %.*s %s, by %.*s%s%.*s\n",
	    kinds[b.kind], by_address ? (int)strlen(address) : b.name_len,
	    by_address ? address : b.name, show_time(until, b.until_us),
	    b.by_len, b.by, b.why_len > 0 ? ": " : "", b.why_len, b.why);
}
