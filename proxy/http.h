/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1 (RFC 9112) as far as a chat page and its WebSocket need it, and
 * strictly: what is not understood is refused.  Pure functions.
 */
#ifndef PROXY_HTTP_H
#define PROXY_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/ws.h"

#define HTTP_HEAD_MAX 8192 /* bytes of a request's head: more is 431 */

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_OTHER, /* 405 */
};

/* A stretch of the request; at NULL when it isn't there. */
struct http_field {
	const char *at;
	size_t len;
};

enum http_protocol {
	HTTP_PROTOCOL_NONE, /* the client named none: chat.json */
	HTTP_PROTOCOL_JSON,
	HTTP_PROTOCOL_TEXT,
	HTTP_PROTOCOL_UNKNOWN, /* only such as we don't speak */
};

struct http_request {
	enum http_method method;
	struct http_field path; /* without the query; begins with a slash */
	struct http_field host; /* of the target if it has one, else of Host */
	struct http_field origin, if_none_match;
	struct http_field key;       /* WS_KEY_LEN characters, or NULL */
	enum http_protocol protocol; /* the first one named that we speak */
	bool keep_alive;
	bool upgrade;    /* Upgrade: websocket, and Connection says so too */
	bool version_13; /* of WebSocket */
};

/*
 * Where the head at the beginning of `len` bytes ends: the bytes up to and
 * with its empty line, 0 if it is not complete yet, or -1 if it never will be a
 * head (longer than HTTP_HEAD_MAX).  An empty line in front of the request line
 * is part of it (RFC 9112, section 2.2).
 */
long http_head_end(const char *text, size_t len);

/*
 * Read a head, `len` bytes as http_head_end has found them.  Returns 0, or the
 * status it is refused with: 400 (malformed, or a header that must be there
 * once isn't, or twice), 405, 413 (it has a body), 501 (a body in a coding that
 * we don't know), 505.  `r` points into the text.  After a refusal nothing is
 * known of what follows: the connection ends.
 */
unsigned http_parse(const char *head, size_t len, struct http_request *r);

/*
 * May a page of the request's Origin open a WebSocket here?  Yes if there is
 * none, if its host and port are those of Host, or if it is one of `more`, a
 * list of `count` origins as they are written in the configuration.
 */
bool http_origin_is_allowed(
    const struct http_request *r, const char *const *more, size_t count);

/* Is there something that fits `etag` (with its quotes) in If-None-Match? */
bool http_has(const struct http_request *r, const char *etag);

/* What is answered; a function of this alone, at any time. */
struct http_answer {
	unsigned status; /* 101, 200, 304, 400, 403, 404, 405, ... */
	bool keep_alive;
	uint64_t time_us;          /* CLOCK_REALTIME, for Date */
	const char *content_type;  /* NULL: text/plain; charset=utf-8 */
	const char *etag, *policy; /* NULL: none; Content-Security-Policy */
	uint64_t length; /* of the body; HTTP_LENGTH_UNKNOWN: up to the end */
	enum http_protocol protocol; /* 101 */
	const char *accept;          /* 101: WS_ACCEPT_LEN characters */
};
#define HTTP_LENGTH_UNKNOWN UINT64_MAX
#define HTTP_ANSWER_MAX 1024 /* bytes of a head that we write, at most */

/*
 * Write the head of an answer to dst (HTTP_ANSWER_MAX bytes); returns its
 * bytes.  Every answer has Date and X-Content-Type-Options; 405 has Allow,
 * 426 has Upgrade and Sec-WebSocket-Version, and so on.
 */
size_t http_answer(char *dst, const struct http_answer *a);

/* The reason phrase of a status, "Not Found"; also what the body says. */
const char *http_reason(unsigned status);

#endif
