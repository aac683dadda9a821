/* SPDX-License-Identifier: MIT */
/*
 * Questions of workers with sessions to the auth worker, which alone knows
 * passwords, and its verdicts.  Each of them has a SOCK_SEQPACKET pair with it
 * that the master made once, so that it outlives the workers at both ends.
 *
 * A question is asked while the line it is about is not consumed.  If the one
 * who asked dies, its successor finds the line and asks anew; if the auth
 * worker dies, CHANNEL_ASKED tells everybody to ask again.  So a verdict may
 * come twice, or for nobody: whoever gets it knows by its id.
 */
#ifndef SHARED_NET_ASK_H
#define SHARED_NET_ASK_H

#include <stdint.h>

#include "shared/base/address.h"

/* As limits.h has them: ask.c in worker/ checks that. */
#define ASK_NAME_MAX 64 /* bytes of the name of a room */
#define ASK_PASSWORD_MAX 128

enum ask_kind {
	ASK_ROOM, /* is it the room's password? */
	ASK_USER, /* is it the registered user's? */
};

enum ask_verdict {
	ASK_RIGHT,
	ASK_WRONG,
	ASK_TOO_MANY, /* wrong ones from that address: not looked at */
	ASK_BUSY,     /* the queue is full: ask again later */
};
#define ASK_VERDICTS 4

struct ask_question {
	uint64_t id; /* whatever the asker likes */
	uint8_t kind;
	uint8_t addr[ADDRESS_BYTES]; /* of the client */
	uint8_t name_len;
	uint8_t password_len; /* at most ASK_PASSWORD_MAX */
	char name[ASK_NAME_MAX];
	char password[ASK_PASSWORD_MAX];
};

struct ask_answer {
	uint64_t id;
	uint8_t verdict;
};

/*
 * For the auth worker.  Takes a question: returns 1, 0 for something that is
 * none, or -1 with errno (EAGAIN).  Never blocks.
 */
int ask_receive(int fd, struct ask_question *question);

/* Answers it.  Never blocks; who isn't there any more gets no answer. */
void ask_reply(int fd, uint64_t id, enum ask_verdict verdict);

#endif
