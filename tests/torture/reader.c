/* SPDX-License-Identifier: MIT */
/*
 * Bytes into lines, and each line compared with what the server must have
 * said if it is that line at all.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/chat/notice.h"
#include "tests/torture/torture.h"

#define READ_SIZE 65536

/* The line must be these bytes. */
static bool
reader_compare(const struct client *c, const char *line, size_t len,
    const char *must, size_t must_len)
{
	size_t at = 0;

	if (len == must_len && memcmp(line, must, len) == 0)
		return true;
	while (at < len && at < must_len && line[at] == must[at])
		at++;
	wrong(CHECK_BYTES, "room %u, t%u: byte %zu of a line differs", c->room,
	    c->index, at);
	report_bytes("read", line, len, at);
	report_bytes("must be", must, must_len, at);
	return false;
}

static void
reader_stray(
    const struct client *c, const char *line, size_t len, const char *why)
{
	wrong(CHECK_BYTES, "room %u, t%u: %s", c->room, c->index, why);
	report_bytes("read", line, len, 0);
}

static void
reader_message(struct client *c, const char *line, size_t len)
{
	char must[LINE_MAX_READ];
	uint32_t who, number;

	if (!text_parse(line, len, &who, &number) || who >= options.clients) {
		reader_stray(c, line, len, "no message of ours");
		return;
	}
	if (!reader_compare(c, line, len, must, text_line(who, number, must)))
		return;
	if (clients[who].room != c->room || who == c->index) {
		reader_stray(c, line, len,
		    who == c->index ? "its own message"
				    : "a message of another room");
		return;
	}
	if (number >= clients[who].queued) {
		reader_stray(c, line, len, "a message that nobody said");
		return;
	}
	counts.deliveries++;
	order_take(c, (struct entry){ENTRY_MESSAGE, (uint16_t)who, number});
	quiet_seen(c, (struct entry){ENTRY_MESSAGE, (uint16_t)who, number});
}

/* The number in "t17" at the start of `p`, or UINT32_MAX. */
static uint32_t
reader_name(const char *p, size_t len)
{
	uint32_t n = 0;
	size_t i = 1;

	if (len < 2 || *p != 't')
		return UINT32_MAX;
	for (; i < len && i < 7 && p[i] >= '0' && p[i] <= '9'; i++)
		n = n * 10 + (uint32_t)(p[i] - '0');
	return i == 1 ? UINT32_MAX : n;
}

static void
reader_notice(
    struct client *c, const char *line, size_t len, enum entry_kind kind)
{
	char must[NOTICE_MAX], name[NAME_SIZE];
	uint32_t who = reader_name(line + 5, len > 5 ? len - 5 : 0);
	size_t name_len;
	bool nick;

	if (who >= options.clients || clients[who].room != c->room) {
		reader_stray(c, line, len, "a notice of nobody here");
		return;
	}
	/* By its other name, if that is longer by its letter. */
	name_len = text_name(who, false, name);
	nick = len > 5 + name_len && line[5 + name_len] == 'n';
	name_len = text_name(who, nick, name);
	if (!reader_compare(c, line, len, must,
		kind == ENTRY_JOIN
		    ? notice_join(must, sizeof(must), name, name_len)
		    : notice_leave(must, sizeof(must), name, name_len)))
		return;
	counts.joins += kind == ENTRY_JOIN;
	counts.leaves += kind == ENTRY_LEAVE;
	if (kind == ENTRY_JOIN && who == c->index) {
		if (c->state == CLIENT_COMING)
			c->state = CLIENT_IN;
		c->joined = true;
	}
	order_take(c, (struct entry){(uint16_t)kind, (uint16_t)who, nick});
}

static bool
reader_rename(struct client *c, const char *line, size_t len)
{
	uint32_t who = reader_name(line + 4, len - 4);

	return who < options.clients && clients[who].room == c->room &&
	       command_renamed(c, line, len, who);
}

/* So slow that the ring has lapped it: it is told how much it missed. */
static bool
reader_lagged(struct client *c, const char *line, size_t len)
{
	static const char lagged[] = "*** error lagged: ";
	char must[NOTICE_MAX];
	struct entry gap = {ENTRY_GAP, (uint16_t)c->index, 0};
	size_t i = sizeof(lagged) - 1;

	if (!options.lagging || (c->traits & TRAIT_SLOW) == 0 || len < i ||
	    memcmp(line, lagged, i) != 0)
		return false;
	for (; i < len && line[i] >= '0' && line[i] <= '9'; i++)
		gap.number = gap.number * 10 + (uint32_t)(line[i] - '0');
	(void)reader_compare(c, line, len, must,
	    notice_error(must, sizeof(must), CHAT_LAGGED, gap.number));
	counts.gaps++;
	counts.missed += gap.number;
	order_take(c, gap);
	return true;
}

/* An error that this client has asked for; the next one it must read. */
static void
reader_error(struct client *c, const char *line, size_t len)
{
	char must[NOTICE_MAX];
	enum chat_error code = CHAT_SHUTTING_DOWN;

	if (reader_lagged(c, line, len) || command_answer(c, line, len))
		return;
	if (c->nreplies > 0) {
		code = (enum chat_error)c->replies[0];
		c->nreplies--;
		memmove(c->replies, c->replies + 1, c->nreplies);
		counts.replies++;
	} else if (stopping && !c->dismissed) {
		c->dismissed = true;
	} else {
		reader_stray(c, line, len, "an error that it didn't earn");
		return;
	}
	(void)reader_compare(c, line, len, must,
	    notice_error(must, sizeof(must), code, LINE_MAX_SENT));
	if (c->retry) {
		c->retry = false;
		client_name(c);
		c->due_us = 0;
	}
}

/* One line, LF included. */
void
reader_line(struct client *c, const char *line, size_t len)
{
	static const char join[] = "🌟 ", leave[] = "👋 ", error[] = "*** ";
	bool is_join;

	if (!dialect_line(c, &line, &len))
		return;
	is_join = len > 5 && memcmp(line, join, 5) == 0;
	if (!c->joined && !is_join && !c->retry)
		reader_stray(c, line, len, "something before its own join");
	else if (command_side(c, line, len) || command_private(c, line, len) ||
		 (len > 5 && memcmp(line, "*** t", 5) == 0 &&
		     reader_rename(c, line, len)))
		return;
	else if (is_join)
		reader_notice(c, line, len, ENTRY_JOIN);
	else if (line[0] == 't' || (len > 2 && memcmp(line, "* ", 2) == 0))
		reader_message(c, line, len);
	else if (len > 5 && memcmp(line, leave, 5) == 0)
		reader_notice(c, line, len, ENTRY_LEAVE);
	else if (len > 4 && memcmp(line, error, 4) == 0)
		reader_error(c, line, len);
	else
		reader_stray(c, line, len, "no line of the protocol");
}

/* Keep a line without its end until the rest comes. */
static void
reader_keep(struct client *c, const char *rest, size_t len)
{
	if (len > sizeof(c->partial)) {
		reader_stray(c, rest, len, "a line without an end");
		len = 0;
	}
	memcpy(c->partial, rest, len);
	c->partial_len = len;
}

/* Read once. */
void
reader_take(struct client *c)
{
	static char data[LINE_MAX_RAW + READ_SIZE];
	size_t len = c->partial_len, used;
	const char *p = data, *end, *lf;
	ssize_t n;

	memcpy(data, c->partial, len);
	n = recv(c->fd, data + len, READ_SIZE, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_ended(c, n == 0 ? 0 : errno);
		return;
	}
	if (c->typing != NULL) {
		typing_read(c, data, (size_t)n);
		return;
	}
	if (c->web != NULL) {
		len += (size_t)n;
		used = web_read(c, data, len);
		reader_keep(c, data + used, len - used);
		return;
	}
	end = data + len + dialect_strip(c, data + len, (size_t)n);
	while ((lf = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		reader_line(c, p, (size_t)(lf + 1 - p));
		p = lf + 1;
	}
	reader_keep(c, p, (size_t)(end - p));
}
