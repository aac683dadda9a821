/* SPDX-License-Identifier: MIT */
/* Requests of HTTP and what becomes of them, for tests. */
#ifndef TESTS_HARNESS_REQUEST_H
#define TESTS_HARNESS_REQUEST_H

#include <stddef.h>

#include "proxy/http.h"
#include "shared/base/base.h"

#define TEXT(bytes) bytes, sizeof(bytes) - 1
#define HOST "Host: chat.example:8080\r\n"
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define GET(fields) "GET / HTTP/1.1\r\n" HOST fields "\r\n"
#define OLD_GET(fields) "GET / HTTP/1.0\r\n" fields "\r\n"
#define UPGRADE(fields)                                                        \
	"GET /chat HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n"                 \
	"Connection: Upgrade\r\n" fields "\r\n"
#define WEBSOCKET "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"

struct status_case {
	const char *head;
	size_t len;
	unsigned status;
};

/*
 * http_parse of a block of the head's exact size, for the address sanitizer;
 * the request lasts until the next one.
 */
unsigned request_parse(const char *head, size_t len, struct http_request *r);

/* Each gives its status. */
#define CHECK_STATUSES(cases) request_check_statuses(cases, COUNT(cases))
void request_check_statuses(const struct status_case *cases, size_t count);

/* A field has this value; NULL: it isn't there. */
void request_check_field(struct http_field f, const char *expected);

#endif
