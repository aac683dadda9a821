/* SPDX-License-Identifier: MIT */
/*
 * The languages that chatload speaks, a row of a table each.
 *
 *   line    chatmaster's line protocol
 *   redis   SUBSCRIBE and PUBLISH (RESP 2); the text is "NAME: TEXT", so that
 *           the same bytes reach the reader.  Who subscribes cannot publish:
 *           those who talk don't listen.
 *   irc     NICK, USER, JOIN and PRIVMSG (RFC 2812)
 *   telnet  the line protocol over telnet, with a client that doesn't negotiate
 *   telnet-edit
 *           the same with one that sends keys: the server echoes and edits
 *   ws      the line protocol over WebSocket (RFC 6455), subprotocol chat.text
 *   ws-json the same in chat.json
 *
 * Frames are what the server sends: lines, replies of RESP, or frames of
 * WebSocket and before them the answer to the handshake.  To be fast,
 * frames that hold a message are recognised by their length where all of a
 * run are equally long, and looked at closely only where they are not.
 */
#ifndef TOOLS_CHATLOAD_PROTOCOL_H
#define TOOLS_CHATLOAD_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/chatload/text.h"

/* Enough for what a client says to join, or before each of its texts. */
#define PROTOCOL_TEXT_MAX 512
#define PROTOCOL_PONG_MAX 160

/* More would fill the backlog of a server that is not the fastest. */
#define PROTOCOL_JOINING_MAX 256

enum heard {
	HEARD_MESSAGE, /* somebody's text */
	HEARD_JOIN,    /* of the reader itself, or of one who came after it */
	HEARD_LEAVE,
	HEARD_ECHO,    /* of one's own text, as it was typed */
	HEARD_REPLY,   /* of no interest */
	HEARD_READY,   /* for the join, by a protocol that opens before it */
	HEARD_PING,    /* which wants its pong */
	HEARD_REFUSAL, /* of something that the run needs */
	HEARD_STRAY,   /* nothing that a server should say */
};

/* Who speaks: the WHO of its name, and where it is. */
struct speaker {
	uint32_t who;
	unsigned int room;
	bool talks;
};

/* A frame with a message, when all are equally long. */
struct layout {
	size_t size;     /* bytes, LF included; SIZE_MAX: they differ */
	size_t probe_at; /* these bytes are there in such messages only */
	size_t end_at;
	char probe;
	char end;
	size_t who_at; /* where 8 digits say whose it is, behind the tag */
	size_t text_at;
};

struct protocol {
	const char *name;
	const char *port; /* the usual one */
	enum {
		TELNET_NONE,
		TELNET_LINES, /* edited here, and nothing negotiated */
		TELNET_KEYS,  /* echoed there: it negotiates, then joins */
	} telnet;
	const char *opens;   /* said first, NULL: the join is */
	bool talkers_listen; /* who publishes reads what others publish */
	bool joins_seen;     /* members read the joins of later ones */
	size_t size_max;     /* bytes of text in a message */
	size_t joining_max;  /* clients that have not joined yet, at a time */

	void (*layout)(const struct text_format *f, struct layout *layout);

	/* Both write at most PROTOCOL_TEXT_MAX bytes and return how many. */
	size_t (*join)(
	    const struct text_format *f, const struct speaker *s, char *out);
	size_t (*before)(/* of each text */
	    const struct text_format *f, const struct speaker *s, char *out);

	const char *after; /* each text */

	/* Bytes of the frame that begins here; 0: it isn't all here. */
	size_t (*frame)(const char *data, size_t len);

	/* Bytes in front of its text; NULL: none. */
	size_t (*head)(const char *frame);

	/*
	 * What a frame is.  Of a HEARD_MESSAGE whose text has the right
	 * length `who` and `text` are set; with another length it is a
	 * HEARD_STRAY.  Of a HEARD_ECHO `text` is.
	 */
	enum heard (*heard)(const struct text_format *f, const char *frame,
	    size_t len, const char **who, const char **text);

	/*
	 * Writes the answer to a HEARD_PING: at most PROTOCOL_PONG_MAX bytes;
	 * returns how many.  NULL: there are no pings.
	 */
	size_t (*pong)(const char *frame, size_t len, char *out);
};

extern const struct protocol protocol_line;
extern const struct protocol protocol_redis;
extern const struct protocol protocol_irc;
extern const struct protocol protocol_telnet;
extern const struct protocol protocol_telnet_edit;
extern const struct protocol protocol_ws;
extern const struct protocol protocol_ws_json;

/* NULL: there is none of that name. */
const struct protocol *protocol_find(const char *name);

/* Lines that end in LF: a `frame` for protocols that are made of them. */
size_t protocol_frame_line(const char *data, size_t len);

/* What a line of the line protocol is, unless somebody says something. */
enum heard protocol_heard_line(const char *line, size_t len);

/* Whether the frame begins with that text. */
bool protocol_begins(const char *frame, size_t len, const char *prefix);

#endif
