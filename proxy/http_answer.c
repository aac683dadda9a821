/* SPDX-License-Identifier: MIT */
/* The head of an answer, and what it depends on beside the request line. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proxy/http.h"
#include "shared/base/base.h"

struct writer {
	char *dst;
	size_t len; /* below HTTP_ANSWER_MAX - 2, so that CR LF fits */
};

/* A line; one that finds no place is left out whole. */
static void PRINTF_LIKE(2, 3) put(struct writer *w, const char *fmt, ...)
{
	size_t room = HTTP_ANSWER_MAX - 2 - w->len;
	va_list values;
	int len;

	va_start(values, fmt);
	len = vsnprintf(w->dst + w->len, room, fmt, values);
	va_end(values);
	if (len > 0 && (size_t)len + 2 < room) {
		memcpy(w->dst + w->len + len, "\r\n", 2);
		w->len += (size_t)len + 2;
	}
}

/* IMF-fixdate (RFC 9110, section 5.6.7), whatever the locale. */
static void
put_date(struct writer *w, uint64_t time_us)
{
	static const char days[][4] = {
	    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 9999 - 1900)
		return;
	put(w, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

static void
put_upgraded(struct writer *w, const struct http_answer *a)
{
	put(w, "Upgrade: websocket");
	put(w, "Connection: Upgrade");
	put(w, "Sec-WebSocket-Accept: %.*s", WS_ACCEPT_LEN, a->accept);
	switch (a->protocol) {
	case HTTP_PROTOCOL_JSON:
		put(w, "Sec-WebSocket-Protocol: chat.json");
		break;
	case HTTP_PROTOCOL_TEXT:
		put(w, "Sec-WebSocket-Protocol: chat.text");
		break;
	case HTTP_PROTOCOL_NONE:
	case HTTP_PROTOCOL_UNKNOWN:
		break;
	}
}

static void
put_connection(struct writer *w, const struct http_answer *a)
{
	/* A body without a length ends with the connection. */
	bool stays = a->keep_alive && a->length != HTTP_LENGTH_UNKNOWN;
	const char *option = stays ? "keep-alive" : "close";

	if (a->status == 426) {
		put(w, "Upgrade: websocket");
		put(w, "Sec-WebSocket-Version: 13");
		put(w, "Connection: Upgrade, %s", option);
	} else {
		put(w, "Connection: %s", option);
	}
}

/* What a body is, which 304 has none of. */
static void
put_body(struct writer *w, const struct http_answer *a)
{
	if (a->status == 304)
		return;
	put(w, "Content-Type: %s",
	    a->content_type != NULL ? a->content_type
				    : "text/plain; charset=utf-8");
	if (a->length != HTTP_LENGTH_UNKNOWN)
		put(w, "Content-Length: %" PRIu64, a->length);
}

size_t
http_answer(char *dst, const struct http_answer *a)
{
	struct writer w = {.dst = dst};

	put(&w, "HTTP/1.1 %u %s", a->status, http_reason(a->status));
	put_date(&w, a->time_us);
	if (a->status == 101) {
		put_upgraded(&w, a);
	} else {
		put_connection(&w, a);
		put_body(&w, a);
		/* What has an ETag is asked for again, the rest not kept. */
		put(&w, "Cache-Control: %s",
		    a->etag != NULL ? "no-cache" : "no-store");
	}
	put(&w, "X-Content-Type-Options: nosniff");
	if (a->status == 405)
		put(&w, "Allow: GET, HEAD");
	if (a->status == 503)
		put(&w, "Retry-After: 10");
	if (a->etag != NULL)
		put(&w, "ETag: %s", a->etag);
	if (a->policy != NULL) {
		put(&w, "Content-Security-Policy: %s", a->policy);
		put(&w, "Referrer-Policy: no-referrer");
	}
	memcpy(dst + w.len, "\r\n", 2);
	return w.len + 2;
}

const char *
http_reason(unsigned status)
{
	switch (status) {
	case 101:
		return "Switching Protocols";
	case 200:
		return "OK";
	case 304:
		return "Not Modified";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 413:
		return "Content Too Large";
	case 426:
		return "Upgrade Required";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 501:
		return "Not Implemented";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Unknown";
	}
}

/*
 * Weak comparison (RFC 9110, section 13.1.2): W/ doesn't count.  A list that
 * is none fits as far as it is one.
 */
bool
http_has(const struct http_request *r, const char *etag)
{
	const char *p = r->if_none_match.at;
	const char *end = p != NULL ? p + r->if_none_match.len : NULL;

	if (p == NULL)
		return false;
	if (end - p == 1 && *p == '*')
		return true;
	while (p < end) {
		const char *close;

		if (*p == ',' || *p == ' ' || *p == '\t') {
			p++;
			continue;
		}
		if (end - p > 2 && memcmp(p, "W/", 2) == 0)
			p += 2;
		close = *p == '"' && end - p > 1
			    ? memchr(p + 1, '"', (size_t)(end - p - 1))
			    : NULL;
		if (close == NULL)
			return false;
		if ((size_t)(close + 1 - p) == strlen(etag) &&
		    memcmp(p, etag, strlen(etag)) == 0)
			return true;
		p = close + 1;
	}
	return false;
}
