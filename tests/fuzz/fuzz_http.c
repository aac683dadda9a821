/* SPDX-License-Identifier: MIT */
/*
 * proxy/http: a head must have its end where it has it, however much of it and
 * of what follows is there; what is read must lie in the head, and be the same
 * when it is asked for in our own words.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "proxy/http.h"
#include "shared/base/base.h"

#define INPUT_MAX (HTTP_HEAD_MAX + 1024)

static const char *const more[] = {"https://www.example", "app://x", "null"};

static bool
has_only(struct http_field f, unsigned low)
{
	for (size_t i = 0; i < f.len; i++) {
		unsigned char c = (unsigned char)f.at[i];

		if ((c < low && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void
check_field(struct http_field f, const char *head, size_t len)
{
	if (f.at == NULL) {
		MUST(f.len == 0);
		return;
	}
	MUST(f.at >= head && f.at + f.len <= head + len);
	MUST(has_only(f, ' '));
	MUST(f.len == 0 || (*f.at != ' ' && f.at[f.len - 1] != ' '));
}

static bool
same(struct http_field a, struct http_field b)
{
	return (a.at == NULL) == (b.at == NULL) && a.len == b.len &&
	       (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static int
width(struct http_field f)
{
	return (int)f.len;
}

#define LINE(name, f)                                                          \
	(f).at != NULL ? name ": " : "", width(f),                             \
	    (f).at != NULL ? (f).at : "", (f).at != NULL ? "\r\n" : ""

/* What was understood, as we would say it. */
static size_t
write_request(char *dst, size_t size, const struct http_request *r)
{
	static const char *const protocols[] = {[HTTP_PROTOCOL_NONE] = "",
	    [HTTP_PROTOCOL_JSON] = "Sec-WebSocket-Protocol: chat.json\r\n",
	    [HTTP_PROTOCOL_TEXT] = "Sec-WebSocket-Protocol: chat.text\r\n",
	    [HTTP_PROTOCOL_UNKNOWN] = "Sec-WebSocket-Protocol: x\r\n"};
	int len = snprintf(dst, size,
	    "%s %.*s HTTP/1.%s\r\n"
	    "%s%.*s%s%s%.*s%s%s%.*s%s%s%.*s%s%s%s%s%s%s\r\n",
	    r->method == HTTP_GET ? "GET" : "HEAD", width(r->path), r->path.at,
	    r->host.at != NULL ? "1" : "0", LINE("Host", r->host),
	    LINE("Origin", r->origin), LINE("If-None-Match", r->if_none_match),
	    LINE("Sec-WebSocket-Key", r->key),
	    r->version_13 ? "Sec-WebSocket-Version: 13\r\n" : "",
	    protocols[r->protocol],
	    r->keep_alive ? "Connection: keep-alive\r\n"
			  : "Connection: close\r\n",
	    r->upgrade ? "Connection: upgrade\r\n" : "",
	    r->upgrade ? "Upgrade: websocket\r\n" : "");

	MUST(len > 0 && (size_t)len < size);
	return (size_t)len;
}

/* A word of status, and an answer for it. */
static void
check_answer(const struct http_request *r, unsigned status, bool odd)
{
	char dst[HTTP_ANSWER_MAX];
	const struct http_answer a = {.status = odd ? 426 : status,
	    .keep_alive = r->keep_alive,
	    .time_us = r->path.len * 1000000000000,
	    .length = r->path.len,
	    .etag = odd ? "\"a\"" : NULL,
	    .protocol = r->protocol};
	size_t len = http_answer(dst, &a);

	MUST(len <= sizeof(dst) && memcmp(dst + len - 4, "\r\n\r\n", 4) == 0);
	MUST(http_head_end(dst, len) == (long)len);
}

static void
check_request(const struct http_request *r, const char *head, size_t len)
{
	static char ours[2 * INPUT_MAX];
	struct http_request again;
	size_t n;

	check_field(r->host, head, len);
	check_field(r->origin, head, len);
	check_field(r->if_none_match, head, len);
	check_field(r->key, head, len);
	if (!same(r->path, (struct http_field){"/", 1}))
		check_field(r->path, head, len);
	MUST(r->path.len > 0 && *r->path.at == '/');
	MUST(has_only(r->path, '!'));
	MUST(memchr(r->path.at, '?', r->path.len) == NULL);
	MUST(r->method != HTTP_OTHER);
	MUST(r->key.at == NULL || r->key.len == WS_KEY_LEN);
	MUST(!r->upgrade || !r->version_13 || r->key.at != NULL);
	n = write_request(ours, sizeof(ours), r);
	MUST(http_parse(ours, n, &again) == 0);
	MUST(again.method == r->method && same(again.path, r->path));
	MUST(same(again.host, r->host) && same(again.origin, r->origin));
	MUST(same(again.if_none_match, r->if_none_match));
	MUST(same(again.key, r->key) && again.protocol == r->protocol);
	MUST(again.keep_alive == r->keep_alive && again.upgrade == r->upgrade);
	MUST(again.version_13 == r->version_13);
	MUST(http_origin_is_allowed(r, more, COUNT(more)) ==
	     http_origin_is_allowed(&again, more, COUNT(more)));
	if (r->origin.at != NULL && r->host.at == NULL)
		MUST(!http_origin_is_allowed(r, NULL, 0));
	check_answer(r, 200, http_has(r, "\"a\""));
}

static void
check_parse(const char *head, size_t len)
{
	char *exact = malloc(len + (len == 0));
	struct http_request r;
	unsigned status;

	MUST(exact != NULL);
	memcpy(exact, head, len);
	status = http_parse(exact, len, &r);
	switch (status) {
	case 0:
		check_request(&r, exact, len);
		break;
	case 400:
	case 405:
	case 413:
	case 501:
	case 505:
		MUST(strcmp(http_reason(status), "Unknown") != 0);
		check_answer(&r, status, false);
		break;
	default:
		MUST(false);
	}
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	long end;

	if (size > INPUT_MAX)
		return 0;
	end = http_head_end(text, size);
	MUST(end >= -1 && end <= HTTP_HEAD_MAX && end <= (long)size);
	MUST((end == -1) == (end <= 0 && size >= HTTP_HEAD_MAX));
	/* Near the end, and everywhere if it is short. */
	for (size_t len = size < 512 ? 0 : size - 512; len < size; len++) {
		long sooner = http_head_end(text, len);

		if (end > 0)
			MUST(sooner == ((long)len < end ? 0 : end));
		else
			MUST(sooner == 0 || (sooner == -1 && end == -1));
	}
	if (end > 0)
		check_parse(text, (size_t)end);
	check_parse(text, size);
	return 0;
}
