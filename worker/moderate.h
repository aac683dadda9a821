/* SPDX-License-Identifier: MIT */
/* What operators do, and what it means for others. */
#ifndef WORKER_MODERATE_H
#define WORKER_MODERATE_H

#include "worker/talk.h"

enum progress moderate_kick(struct consumer *c, const char *text, size_t len);
enum progress moderate_ban(struct consumer *c, const char *text, size_t len);
enum progress moderate_unban(struct consumer *c, const char *text, size_t len);
enum progress moderate_mute(struct consumer *c, const char *text, size_t len);
enum progress moderate_unmute(struct consumer *c, const char *text, size_t len);
enum progress moderate_op(struct consumer *c, const char *text, size_t len);
enum progress moderate_deop(struct consumer *c, const char *text, size_t len);
enum progress moderate_bans(struct consumer *c, const char *text, size_t len);

/*
 * Why the session may not speak in its room now, or CHAT_OK.  Two loads: to be
 * asked once for a run of messages.
 */
enum chat_error moderate_silence(const struct consumer *c);

/* Is the session an operator's? */
bool moderate_is_operator(const struct session_shm *s);

/*
 * The ban that keeps the address, or the name, out: its row + 1, or 0.  Takes
 * the lock, but costs nothing when there are none.
 */
uint32_t moderate_banned_address(struct worker *w, const uint8_t addr[16]);
uint32_t moderate_banned_name(struct worker *w, const char *name, size_t len);

/* RIGHT_MUTED if that name is muted, or 0. */
uint8_t moderate_muted(struct worker *w, const char *name, size_t len);

/* May the session tell that one something in private? */
bool moderate_may_tell(const struct consumer *c, const char *to, size_t len);

/* The answer to a line at the door is the ban in that row, and the end. */
void moderate_turn_away(
    struct worker *w, uint32_t slot, struct session_half *half, uint32_t row);

/* A line of REPLY_BANNED, LF included; returns its bytes. */
size_t moderate_last_word(
    struct worker *w, const struct reply *r, char *line, size_t size);

/* The ban in a row as a line of /bans; 0 if there is none. */
size_t moderate_show(struct worker *w, uint32_t row, char *line, size_t size);

#endif
