/* SPDX-License-Identifier: MIT */
/* proxy/http: answers, and what they depend on. */
#include "tests/harness/test.h"

#include <string.h>

#include "proxy/http.h"

static struct http_field
field(const char *text)
{
	return (struct http_field){text, text != NULL ? strlen(text) : 0};
}

static bool
allowed(const char *origin, const char *host)
{
	struct http_request r = {.origin = field(origin), .host = field(host)};

	return http_origin_is_allowed(&r, NULL, 0);
}

static bool
listed(const char *origin, const char *more)
{
	const char *const list[] = {"https://first.example", more};
	struct http_request r = {
	    .origin = field(origin), .host = field("chat.example")};

	return http_origin_is_allowed(&r, list, COUNT(list));
}

TEST(a_page_of_our_own_may_open_a_websocket)
{
	CHECK(allowed("http://chat.example", "chat.example"));
	CHECK(allowed("https://chat.example", "chat.example"));
	CHECK(allowed("http://chat.example:8080", "chat.example:8080"));
	CHECK(allowed("https://chat.example:8080", "chat.example:8080"));
	CHECK(allowed("HTTP://Chat.Example", "cHAT.eXAMPLE"));
	CHECK(allowed("http://[::1]:8080", "[::1]:8080"));
	CHECK(allowed("http://127.0.0.1:8080", "127.0.0.1:8080"));
}

TEST(one_who_says_no_origin_is_no_browser)
{
	CHECK(allowed(NULL, "chat.example"));
	CHECK(allowed(NULL, NULL));
}

TEST(ports_that_go_without_saying_are_compared_too)
{
	CHECK(allowed("http://chat.example", "chat.example:80"));
	CHECK(allowed("http://chat.example:80", "chat.example"));
	CHECK(allowed("https://chat.example", "chat.example:443"));
	CHECK(allowed("https://chat.example:443", "chat.example"));
	CHECK(allowed("http://chat.example:", "chat.example:"));
	CHECK(!allowed("http://chat.example", "chat.example:443"));
	CHECK(!allowed("https://chat.example", "chat.example:80"));
	CHECK(!allowed("http://chat.example:443", "chat.example"));
	CHECK(!allowed("http://chat.example:8080", "chat.example"));
	CHECK(!allowed("http://chat.example", "chat.example:8080"));
	CHECK(!allowed("http://chat.example:8081", "chat.example:8080"));
}

TEST(a_page_of_others_may_not)
{
	static const char *const others[] = {"http://evil.example",
	    "http://chat.example.evil", "http://evil.chat.example",
	    "http://chat.exampl", "null", "NULL", "", "chat.example",
	    "//chat.example", "http:chat.example", "http://",
	    "ftp://chat.example", "ws://chat.example", "file://",
	    "http://chat.example/", "http://chat.example/path",
	    "http://user@chat.example", "http://chat.example?",
	    "http://chat.example#", "http://chat.example http://evil.example",
	    "http://chat.example, http://evil.example", "http://chat.example:0",
	    "http://chat.example:65616", "http://chat.example:x",
	    "http://chat.example:80:80", "http:// chat.example",
	    "http://chat.example.", "chrome-extension://chat.example"};

	for (size_t i = 0; i < COUNT(others); i++)
		CHECK(!allowed(others[i], "chat.example"));
	CHECK(!allowed("http://chat.example", NULL));
	CHECK(!allowed("http://chat.example", ""));
	CHECK(!allowed("http://chat.example", "chat.example:x"));
}

TEST(further_pages_are_those_of_the_configuration)
{
	CHECK(listed("https://first.example", "x"));
	CHECK(listed("https://www.example", "https://www.example"));
	CHECK(listed("https://www.example", "HTTPS://WWW.example:443"));
	CHECK(listed("http://www.example:81", "http://www.example:81"));
	CHECK(listed("app://chat", "app://chat"));
	CHECK(!listed("http://www.example", "https://www.example"));
	CHECK(!listed("http://www.example:443", "https://www.example"));
	CHECK(!listed("https://www.example:81", "https://www.example"));
	CHECK(!listed("https://www.example.evil", "https://www.example"));
	CHECK(!listed("https://ww.example", "https://www.example"));
	CHECK(!listed("app://chat", "app://cha"));
	CHECK(!listed("null", "null"));
	CHECK(!listed("", ""));
}

TEST(a_tag_is_found_in_a_list_of_them)
{
	static const struct {
		const char *list;
		bool has;
	} cases[] = {
	    {NULL, false},
	    {"", false},
	    {"*", true},
	    {"\"a\"", true},
	    {"W/\"a\"", true},
	    {"\"b\"", false},
	    {"\"b\", \"a\"", true},
	    {"\"b\",W/\"a\"", true},
	    {"\"b,\", \"a\"", true},
	    {"\"b, \"a\"", false},
	    {"\"aa\"", false},
	    {"\"\"", false},
	    {"a", false},
	    {"\"a", false},
	    {"\"", false},
	    {"W/", false},
	    {"W/\"", false},
	    {"w/\"a\"", false},
	    {"\"b\", *", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_request r = {.if_none_match = field(cases[i].list)};

		CHECK_EQ(http_has(&r, "\"a\""), cases[i].has);
	}
}

static void
check_answer(const struct http_answer *a, const char *expected)
{
	char dst[HTTP_ANSWER_MAX];
	size_t len = http_answer(dst, a);

	CHECK_MEM(dst, len, expected, strlen(expected));
}

#define TIME_US 784111777000000 /* the example of RFC 9110 */
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

TEST(a_page_is_sent_with_all_that_guards_it)
{
	const struct http_answer a = {.status = 200,
	    .keep_alive = true,
	    .time_us = TIME_US,
	    .content_type = "text/html; charset=utf-8",
	    .etag = "\"abc\"",
	    .policy = "default-src 'none'",
	    .length = 12345};

	check_answer(&a, "HTTP/1.1 200 OK\r\n" DATE "Connection: keep-alive\r\n"
			 "Content-Type: text/html; charset=utf-8\r\n"
			 "Content-Length: 12345\r\n"
			 "Cache-Control: no-cache\r\n"
			 "X-Content-Type-Options: nosniff\r\n"
			 "ETag: \"abc\"\r\n"
			 "Content-Security-Policy: default-src 'none'\r\n"
			 "Referrer-Policy: no-referrer\r\n\r\n");
}

TEST(one_who_has_the_page_gets_no_body)
{
	const struct http_answer a = {.status = 304,
	    .keep_alive = true,
	    .time_us = TIME_US,
	    .etag = "\"abc\"",
	    .length = 0};

	check_answer(&a,
	    "HTTP/1.1 304 Not Modified\r\n" DATE "Connection: keep-alive\r\n"
	    "Cache-Control: no-cache\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "ETag: \"abc\"\r\n\r\n");
}

TEST(an_upgrade_says_what_was_agreed)
{
	struct http_answer a = {.status = 101,
	    .time_us = TIME_US,
	    .protocol = HTTP_PROTOCOL_TEXT,
	    .accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="};

	check_answer(&a,
	    "HTTP/1.1 101 Switching Protocols\r\n" DATE "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	    "Sec-WebSocket-Protocol: chat.text\r\n"
	    "X-Content-Type-Options: nosniff\r\n\r\n");
	a.protocol = HTTP_PROTOCOL_NONE;
	check_answer(&a,
	    "HTTP/1.1 101 Switching Protocols\r\n" DATE "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	    "X-Content-Type-Options: nosniff\r\n\r\n");
}

TEST(a_refusal_says_what_would_do)
{
	struct http_answer a = {
	    .status = 405, .time_us = TIME_US, .length = 19};

	check_answer(&a,
	    "HTTP/1.1 405 Method Not Allowed\r\n" DATE "Connection: close\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: 19\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Allow: GET, HEAD\r\n\r\n");
	a.status = 426;
	a.keep_alive = true;
	check_answer(&a,
	    "HTTP/1.1 426 Upgrade Required\r\n" DATE "Upgrade: websocket\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Connection: Upgrade, keep-alive\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: 19\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n\r\n");
}

TEST(a_body_without_a_length_ends_with_its_connection)
{
	const struct http_answer a = {.status = 200,
	    .keep_alive = true,
	    .time_us = TIME_US,
	    .length = HTTP_LENGTH_UNKNOWN};

	check_answer(&a, "HTTP/1.1 200 OK\r\n" DATE "Connection: close\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Cache-Control: no-store\r\n"
			 "X-Content-Type-Options: nosniff\r\n\r\n");
}

TEST(dates_are_those_of_the_calendar)
{
	static const struct {
		uint64_t time_us;
		const char *date;
	} cases[] = {
	    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
	    {951782400999999, "Tue, 29 Feb 2000 00:00:00 GMT"},
	    {4102444799000000, "Thu, 31 Dec 2099 23:59:59 GMT"},
	};
	char dst[HTTP_ANSWER_MAX + 1];

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct http_answer a = {
		    .status = 200, .time_us = cases[i].time_us};

		dst[http_answer(dst, &a)] = '\0';
		CHECK(strstr(dst, cases[i].date) != NULL);
	}
}

/* Whatever is asked for; the sanitizer watches the end. */
TEST(an_answer_fits_its_buffer)
{
	static char policy[2 * HTTP_ANSWER_MAX], dst[HTTP_ANSWER_MAX];

	for (size_t len = 0; len < sizeof(policy) - 1; len++) {
		const struct http_answer a = {.status = 426,
		    .time_us = UINT64_MAX,
		    .policy = policy,
		    .etag = policy,
		    .length = UINT64_MAX - 1};
		size_t n = http_answer(dst, &a);

		CHECK(n <= sizeof(dst));
		CHECK(memmem(dst, n, "Date", 4) == NULL); /* no such year */
		CHECK(memcmp(dst + n - 4, "\r\n\r\n", 4) == 0);
		policy[len] = 'a';
	}
	/* A policy with two hashes has its place. */
	policy[600] = '\0';
	CHECK(http_answer(dst, &(struct http_answer){.status = 200,
				   .etag = "\"0123456789abcdef\"",
				   .policy = policy,
				   .content_type = "text/html; charset=utf-8",
				   .length = 1 << 20}) > 600);
}

TEST(each_status_has_its_words)
{
	static const unsigned statuses[] = {101, 200, 304, 400, 403, 404, 405,
	    408, 413, 426, 431, 500, 501, 503, 505};

	for (size_t i = 0; i < COUNT(statuses); i++)
		CHECK(strcmp(http_reason(statuses[i]), "Unknown") != 0);
	CHECK_STR(http_reason(404), "Not Found");
	CHECK_STR(http_reason(999), "Unknown");
}
