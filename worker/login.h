/* SPDX-License-Identifier: MIT */
/*
 * What a name and a password are good for, and that no password stays
 * anywhere: what talk.c (lines before the join) and command.c (/nick, /join)
 * ask, and how telnet's prompt for one hides what is typed.
 */
#ifndef WORKER_LOGIN_H
#define WORKER_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/net/ask.h"
#include "worker/talk.h"

/*
 * NAME, or NAME PASSWORD: the name goes up to the first blank; blanks around
 * the password are none of it.  `blank`: there was one.
 */
struct given {
	const char *name, *password;
	size_t name_len, password_len;
	bool blank;
};
struct given login_given(const char *text, size_t len);

/* The same where the name was given before, and the line is the password. */
struct given login_alone(const struct line *line, const char *name, size_t len);

/*
 * The name whose password is to be asked for: kept where it is going to be,
 * and zeros behind it.  To be called before the state says so; until the join
 * the row's name means nothing else.
 */
void login_note_name(struct session_shm *s, const char *name, size_t len);

/* What is to become of the line. */
enum login {
	LOGIN_OPEN,   /* there is no password to it */
	LOGIN_RIGHT,  /* that is its password */
	LOGIN_NEEDED, /* it needs one, and none was given */
	LOGIN_WRONG,
	LOGIN_TOO_MANY, /* wrong ones from that address: not looked at */
	LOGIN_WAITS,    /* the line has to be looked at again */
};

/*
 * May one who gives this go into the room, as far as its password goes?
 * A line that waits is not consumed; see ask.h.
 */
enum login login_room(struct consumer *c, const struct given *given);

/*
 * May one who gives this have the name?  With LOGIN_RIGHT, *rights is what the
 * name's owner may do (enum session_right).
 */
enum login login_name(
    struct consumer *c, const struct given *given, uint8_t *rights);

/* Is it the name that the session has by right, but for ASCII case? */
bool login_has_name(const struct session_shm *s, const struct given *given);

/* Why it is refused, and the argument that goes with that. */
enum chat_error login_error(
    enum login login, enum ask_kind kind, uint64_t *arg);

/* Is what is typed in that state (enum session_state) a password? */
bool login_is_hidden(unsigned state);

/*
 * The input that the note IN is about is consumed as far as it can be: let a
 * telnet client in line mode show what is typed, or not.  A function of note
 * and row.
 */
void login_hide(struct worker *w, const struct session_shm *s);

/*
 * `used` bytes of the session's input are kept in the row, or in buffer
 * `ref`, and nothing in buffer `old` any more: wipe what there was, if it may
 * have been a password.
 */
void login_wipe_kept(
    struct worker *w, uint32_t slot, uint32_t ref, uint32_t old, size_t used);

/* The session goes: wipe all of its input that is kept. */
void login_wipe_row(struct worker *w, uint32_t slot);

/* Wipe a pool buffer. */
void login_wipe_buffer(struct worker *w, uint32_t ref);

/* Input was looked at, and shown: wipe what this worker has seen of it. */
void login_wipe_seen(struct worker *w);

#endif
