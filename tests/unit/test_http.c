/* SPDX-License-Identifier: MIT */
/* proxy/http: requests. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/http.h"

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

/* The head in a block of its exact size, for the address sanitizer. */
static unsigned
parse(const char *head, size_t len, struct http_request *r)
{
	static char *block;

	free(block);
	block = malloc(len + (len == 0));
	CHECK(block != NULL);
	memcpy(block, head, len);
	return http_parse(block, len, r);
}

static void
check_statuses(const struct status_case *cases, size_t count)
{
	struct http_request r;

	for (size_t i = 0; i < count; i++) {
		unsigned status = parse(cases[i].head, cases[i].len, &r);

		if (status != cases[i].status)
			test_fail(__FILE__, __LINE__, "%u, not %u: %s", status,
			    cases[i].status, cases[i].head);
	}
}
#define CHECK_STATUSES(cases) check_statuses(cases, COUNT(cases))

static void
check_field(struct http_field f, const char *expected)
{
	if (expected == NULL)
		CHECK(f.at == NULL);
	else
		CHECK_MEM(f.at, f.len, expected, strlen(expected));
}

TEST(a_head_ends_with_its_empty_line)
{
	static const struct {
		const char *text;
		size_t len;
		long end;
	} cases[] = {
	    {TEXT(""), 0},
	    {TEXT("\r"), 0},
	    {TEXT("\r\n"), 0},
	    {TEXT("G"), 0},
	    {TEXT("GET / HTTP/1.1\r\n"), 0},
	    {TEXT("GET / HTTP/1.1\r\n\r"), 0},
	    {TEXT("GET / HTTP/1.1\r\n\r\n"), 18},
	    {TEXT("GET / HTTP/1.1\r\n\r\nGET"), 18},
	    {TEXT("GET / HTTP/1.1\r\nA: b\r\n\r\n\r\n"), 24},
	    {TEXT("\r\nGET / HTTP/1.1\r\n\r\n"), 20},
	    /* It is refused for these, but not before it has an end. */
	    {TEXT("\r\n\r\n"), 4},
	    {TEXT("\nGET"), 1},
	    {TEXT("GET / HTTP/1.1\n\n"), 16},
	    {TEXT("GET / HTTP/1.1\r\n\n"), 17},
	    {TEXT("GET / HTTP/1.1\n\r\n"), 17},
	    {TEXT("GET / HTTP/1.1\r\r\n"), 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		long end = cases[i].end;

		CHECK_EQ(http_head_end(cases[i].text, cases[i].len), end);
		/* No sooner: whatever has come of it. */
		for (long len = 0; len < end; len++)
			CHECK_EQ(http_head_end(cases[i].text, (size_t)len), 0);
	}
}

TEST(a_head_has_8192_bytes_at_most)
{
	static char text[2 * HTTP_HEAD_MAX];

	memset(text, 'a', sizeof(text));
	CHECK_EQ(http_head_end(text, HTTP_HEAD_MAX - 1), 0);
	CHECK_EQ(http_head_end(text, HTTP_HEAD_MAX), -1);
	CHECK_EQ(http_head_end(text, sizeof(text)), -1);
	memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	CHECK_EQ(http_head_end(text, HTTP_HEAD_MAX - 1), 0);
	CHECK_EQ(http_head_end(text, HTTP_HEAD_MAX), HTTP_HEAD_MAX);
	CHECK_EQ(http_head_end(text, sizeof(text)), HTTP_HEAD_MAX);
	memcpy(text + HTTP_HEAD_MAX - 4, "a\r\n\r\n", 5);
	CHECK_EQ(http_head_end(text, HTTP_HEAD_MAX), -1);
	CHECK_EQ(http_head_end(text, sizeof(text)), -1);
}

TEST(a_request_is_what_its_line_and_its_fields_say)
{
	struct http_request r;

	CHECK_EQ(parse(TEXT("GET /a/b?c=/d HTTP/1.1\r\n" HOST
			    "Origin:http://chat.example:8080\t \r\n"
			    "If-None-Match: \"x\"\r\n\r\n"),
		     &r),
	    0);
	CHECK_EQ(r.method, HTTP_GET);
	check_field(r.path, "/a/b");
	check_field(r.host, "chat.example:8080");
	check_field(r.origin, "http://chat.example:8080");
	check_field(r.if_none_match, "\"x\"");
	check_field(r.key, NULL);
	CHECK_EQ(r.protocol, HTTP_PROTOCOL_NONE);
	CHECK(r.keep_alive);
	CHECK(!r.upgrade);
	CHECK(!r.version_13);

	CHECK_EQ(parse(TEXT("\r\nHEAD / HTTP/1.1\r\n" HOST "\r\n"), &r), 0);
	CHECK_EQ(r.method, HTTP_HEAD);
	check_field(r.path, "/");
	check_field(r.origin, NULL);
	check_field(r.if_none_match, NULL);
}

TEST(a_request_line_has_three_parts_and_one_blank_between_them)
{
	static const struct status_case cases[] = {
	    {TEXT("\r\n"), 400},
	    {TEXT("\r\n\r\n"), 400},
	    {TEXT("GET\r\n\r\n"), 400},
	    {TEXT("GET /\r\n\r\n"), 400},
	    {TEXT("GET / \r\n\r\n"), 400},
	    {TEXT("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400},
	    {TEXT(" GET / HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET /\tHTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / a HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT(" / HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("G(T / HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1.1\r\n" HOST), 400},
	    {TEXT("GET / HTTP/1.1\r\n" HOST "\r\nmore"), 400},
	    {TEXT("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("general\n"), 400},
	    {TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 400},
	};

	CHECK_STATUSES(cases);
}

TEST(a_line_ends_in_cr_lf_and_in_nothing_else)
{
	static const struct status_case cases[] = {
	    {TEXT("GET / HTTP/1.1\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400},
	    {TEXT("GET / HTTP/1.1\r\nHost: a\r\n\n"), 400},
	    {TEXT("GET / HTTP/1.1\r\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1.1\r" HOST "\r\n\r\n"), 400},
	    {TEXT(GET("A: b\rC: d\r\n")), 400},
	    {TEXT(GET("A: b\r\r\n")), 400},
	    {TEXT(GET("\r")), 400},
	    {TEXT("\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("\rGET / HTTP/1.1\r\n" HOST "\r\n"), 400},
	};

	CHECK_STATUSES(cases);
}

TEST(other_versions_are_505_and_none_is_400)
{
	static const struct status_case cases[] = {
	    {TEXT("GET / HTTP/1.1\r\n" HOST "\r\n"), 0},
	    {TEXT("GET / HTTP/1.0\r\n" HOST "\r\n"), 0},
	    {TEXT("GET / HTTP/1.9\r\n" HOST "\r\n"), 0},
	    {TEXT("GET / HTTP/2.0\r\n" HOST "\r\n"), 505},
	    {TEXT("GET / HTTP/0.9\r\n" HOST "\r\n"), 505},
	    {TEXT("GET / HTTP/3.1\r\n" HOST "\r\n"), 505},
	    {TEXT("PRI * HTTP/2.0\r\n\r\n"), 505},
	    {TEXT("GET / http/1.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1.\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/11.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1.10\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1,1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/x.1\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTP/1.x\r\n" HOST "\r\n"), 400},
	    {TEXT("GET / HTTQ/1.1\r\n" HOST "\r\n"), 400},
	};

	CHECK_STATUSES(cases);
}

TEST(other_methods_are_405)
{
	static const struct status_case cases[] = {
	    {TEXT("POST / HTTP/1.1\r\n" HOST "\r\n"), 405},
	    {TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n"), 405},
	    {TEXT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 405},
	    {TEXT("CONNECT chat.example:80 HTTP/1.1\r\n" HOST "\r\n"), 405},
	    {TEXT("TRACE / HTTP/1.1\r\n" HOST "\r\n"), 405},
	    {TEXT("get / HTTP/1.1\r\n" HOST "\r\n"), 405},
	    {TEXT("GETS / HTTP/1.1\r\n" HOST "\r\n"), 405},
	    /* What is malformed too is that first. */
	    {TEXT("POST / HTTP/1.1\r\n\r\n"), 400},
	    {TEXT("POST / HTTP/1.1\r\n" HOST HOST "\r\n"), 400},
	    {TEXT("POST / HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n"), 400},
	};

	CHECK_STATUSES(cases);
}

TEST(a_target_is_a_path_or_a_whole_address)
{
	static const struct {
		const char *target, *path, *host; /* path NULL: 400 */
	} cases[] = {
	    {"/", "/", "h"},
	    {"/?", "/", "h"},
	    {"//", "//", "h"},
	    {"/chat?room=%20&x=http://y/", "/chat", "h"},
	    {"/%00", "/%00", "h"},
	    {"http://example", "/", "example"},
	    {"http://example?q", "/", "example"},
	    {"http://example:81/chat?q", "/chat", "example:81"},
	    {"HTTPS://example/a", "/a", "example"},
	    {"http://[::1]:80/", "/", "[::1]:80"},
	    {"*", NULL, NULL},
	    {"chat", NULL, NULL},
	    {"?", NULL, NULL},
	    {"http://", NULL, NULL},
	    {"http:///", NULL, NULL},
	    {"https:///a", NULL, NULL},
	    {"http:/a", NULL, NULL},
	    {"ftp://example/", NULL, NULL},
	    {"ws://example/", NULL, NULL},
	    {"http://user@example/", NULL, NULL},
	    {"http://example:x/", NULL, NULL},
	    {"/a#b", NULL, NULL},
	    {"/\177", NULL, NULL},
	    {"/\303\244", NULL, NULL},
	    {"/\001", NULL, NULL},
	    {"example:80", NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_request r;
		char head[256];
		int len = snprintf(head, sizeof(head),
		    "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", cases[i].target);

		CHECK_EQ(parse(head, (size_t)len, &r),
		    cases[i].path == NULL ? 400 : 0);
		if (cases[i].path != NULL) {
			check_field(r.path, cases[i].path);
			check_field(r.host, cases[i].host);
		}
	}
}

TEST(a_field_is_a_name_a_colon_and_a_value)
{
	static const struct status_case cases[] = {
	    {TEXT(GET("A:\r\n")), 0},
	    {TEXT(GET("A: \t b \t\r\n")), 0},
	    {TEXT(GET("A: b:c\r\n")), 0},
	    {TEXT(GET("A: \303\244\r\n")), 0},
	    {TEXT(GET("!#$%&'*+-.^_`|~09azAZ: b\r\n")), 0},
	    {TEXT(GET("A\r\n")), 400},
	    {TEXT(GET(": b\r\n")), 400},
	    {TEXT(GET("A : b\r\n")), 400},
	    {TEXT(GET("A\t: b\r\n")), 400},
	    {TEXT(GET(" A: b\r\n")), 400},
	    {TEXT(GET("A: b\r\n c\r\n")), 400},
	    {TEXT(GET("A: b\r\n\tc\r\n")), 400},
	    {TEXT("GET / HTTP/1.1\r\n " HOST "\r\n"), 400},
	    {TEXT(GET("A(b: c\r\n")), 400},
	    {TEXT(GET("A\303\244: c\r\n")), 400},
	    {TEXT(GET("A\0b: c\r\n")), 400},
	    {TEXT(GET("A: b\0c\r\n")), 400},
	    {TEXT(GET("A: b\001c\r\n")), 400},
	    {TEXT(GET("A: b\177c\r\n")), 400},
	    {TEXT(GET("A: b\033[1m\r\n")), 400},
	};

	CHECK_STATUSES(cases);
}

TEST(a_host_is_there_once_and_is_one)
{
	static const struct status_case cases[] = {
	    {TEXT("GET / HTTP/1.1\r\n\r\n"), 400},
	    {TEXT("GET / HTTP/1.0\r\n\r\n"), 0},
	    {TEXT("GET http://a/ HTTP/1.1\r\n\r\n"), 400},
	    {TEXT(GET(HOST)), 400},
	    {TEXT(GET("host: other\r\n")), 400},
	    {TEXT(OLD_GET(HOST HOST)), 400},
	    {TEXT(OLD_GET("Host:\r\n")), 400},
	};
	static const struct {
		const char *host;
		bool valid;
	} hosts[] = {
	    {"chat.example", true},
	    {"chat.example:", true},
	    {"chat.example:0", true},
	    {"chat.example:65535", true},
	    {"chat.example:65536", false},
	    {"chat.example:99999999999999999999", false},
	    {"chat.example:80a", false},
	    {"chat.example:+80", false},
	    {"chat.example:80:80", false},
	    {"192.0.2.1:80", true},
	    {"[2001:db8::1]", true},
	    {"[2001:db8::1]:80", true},
	    {"[::ffff:192.0.2.1]", true},
	    {"[::1", false},
	    {"[]", false},
	    {"[::1]80", false},
	    {"[fe80::1%25eth0]", false},
	    {"2001:db8::1", false},
	    {"", false},
	    {":80", false},
	    {"a b", false},
	    {"a,b", true}, /* RFC 3986 lets it be a name */
	    {"a/b", false},
	    {"user@a", false},
	    {"a\\b", false},
	    {"\303\244", false},
	    {"http://a", false},
	};

	CHECK_STATUSES(cases);
	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct http_request r;
		char head[256];
		int len = snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i].host);

		CHECK_EQ(
		    parse(head, (size_t)len, &r), hosts[i].valid ? 0 : 400);
	}
}

TEST(a_request_has_no_body)
{
	static const struct status_case cases[] = {
	    {TEXT(GET("Content-Length: 0\r\n")), 0},
	    {TEXT(GET("Content-Length: 000\r\n")), 0},
	    {TEXT(GET("Content-Length: 1\r\n")), 413},
	    {TEXT(GET("Content-Length: 00000000000000000001\r\n")), 413},
	    {TEXT(GET("Content-Length: 18446744073709551616\r\n")), 413},
	    {TEXT(GET("Content-Length:\r\n")), 400},
	    {TEXT(GET("Content-Length: -0\r\n")), 400},
	    {TEXT(GET("Content-Length: +0\r\n")), 400},
	    {TEXT(GET("Content-Length: 0x0\r\n")), 400},
	    {TEXT(GET("Content-Length: 0, 0\r\n")), 400},
	    {TEXT(GET("Content-Length: 0 0\r\n")), 400},
	    {TEXT(GET("Content-Length: 0\r\ncontent-length: 0\r\n")), 400},
	    {TEXT(GET("Transfer-Encoding: chunked\r\n")), 413},
	    {TEXT(GET("Transfer-Encoding: Chunked\r\n")), 413},
	    {TEXT(GET("Transfer-Encoding: gzip, chunked\r\n")), 501},
	    {TEXT(GET("Transfer-Encoding: identity\r\n")), 501},
	    {TEXT(GET("Transfer-Encoding:\r\n")), 501},
	    {TEXT(GET("Transfer-Encoding: chunked\r\n"
		      "Transfer-Encoding: chunked\r\n")),
		400},
	    {TEXT(GET("Transfer-Encoding: chunked\r\n"
		      "Content-Length: 0\r\n")),
		400},
	    {TEXT(OLD_GET("Transfer-Encoding: chunked\r\n")), 400},
	};

	CHECK_STATUSES(cases);
}

TEST(what_may_come_once_comes_once)
{
	static const struct status_case cases[] = {
	    {TEXT(GET("Origin: http://a\r\nOrigin: http://a\r\n")), 400},
	    {TEXT(GET("Origin:\r\nOrigin: http://a\r\n")), 400},
	    {TEXT(UPGRADE(WEBSOCKET)), 0},
	    {TEXT(UPGRADE(WEBSOCKET "Sec-WebSocket-Version: 13\r\n")), 400},
	    {TEXT(UPGRADE(WEBSOCKET "Sec-WebSocket-Key: " KEY "\r\n")), 400},
	    {TEXT(GET("If-None-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n")), 0},
	    {TEXT(GET("X: a\r\nX: a\r\n")), 0},
	};

	CHECK_STATUSES(cases);
}

TEST(a_connection_is_kept_as_its_version_has_it)
{
	static const struct {
		const char *head;
		size_t len;
		bool keep;
	} cases[] = {
	    {TEXT(GET("")), true},
	    {TEXT(GET("Connection: close\r\n")), false},
	    {TEXT(GET("Connection: CLOSE\r\n")), false},
	    {TEXT(GET("Connection: keep-alive\r\n")), true},
	    {TEXT(GET("Connection: keep-alive, close\r\n")), false},
	    {TEXT(GET("Connection: x , ,\tclose\t,y\r\n")), false},
	    {TEXT(GET("Connection: x\r\nConnection: close\r\n")), false},
	    {TEXT(GET("Connection: closed\r\n")), true},
	    {TEXT(OLD_GET("")), false},
	    {TEXT(OLD_GET("Connection: Keep-Alive\r\n")), true},
	    {TEXT(OLD_GET("Connection: Keep-Alive, close\r\n")), false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_request r;

		CHECK_EQ(parse(cases[i].head, cases[i].len, &r), 0);
		CHECK_EQ(r.keep_alive, cases[i].keep);
	}
}

TEST(an_upgrade_is_asked_for_in_two_lists)
{
	static const struct {
		const char *head;
		size_t len;
		bool upgrade;
	} cases[] = {
	    {TEXT(UPGRADE(WEBSOCKET)), true},
	    {TEXT(GET(WEBSOCKET "upgrade: WebSocket\r\n"
				"connection: keep-alive, UPGRADE\r\n")),
		true},
	    {TEXT(GET(WEBSOCKET "Upgrade: h2c, foo/1 , websocket\r\n"
				"Connection: keep-alive\r\n"
				"Connection: upgrade\r\n")),
		true},
	    {TEXT(GET(WEBSOCKET "Upgrade: h2c\r\nUpgrade: websocket\r\n"
				"Connection: upgrade\r\n")),
		true},
	    {TEXT(GET(WEBSOCKET "Upgrade: websocket\r\n")), false},
	    {TEXT(GET(WEBSOCKET "Connection: upgrade\r\n")), false},
	    {TEXT(GET(WEBSOCKET "Upgrade: websocket/13\r\n"
				"Connection: upgrade\r\n")),
		false},
	    {TEXT(GET(WEBSOCKET "Upgrade: websockets\r\n"
				"Connection: upgrade\r\n")),
		false},
	    {TEXT(GET(WEBSOCKET "Upgrade: websocket\r\n"
				"Connection: upgraded\r\n")),
		false},
	    {TEXT("HEAD / HTTP/1.1\r\n" HOST "Upgrade: websocket\r\n"
		  "Connection: upgrade\r\n" WEBSOCKET "\r\n"),
		false},
	    {TEXT(OLD_GET(HOST "Upgrade: websocket\r\n"
			       "Connection: upgrade\r\n" WEBSOCKET)),
		false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_request r;

		CHECK_EQ(parse(cases[i].head, cases[i].len, &r), 0);
		CHECK_EQ(r.upgrade, cases[i].upgrade);
		CHECK(r.version_13);
		check_field(r.key, KEY);
	}
}

TEST(lists_hold_tokens)
{
	static const struct status_case cases[] = {
	    {TEXT(GET("Connection:\r\n")), 0},
	    {TEXT(GET("Connection: ,,\r\n")), 0},
	    {TEXT(GET("Connection: a b\r\n")), 400},
	    {TEXT(GET("Connection: \"close\"\r\n")), 400},
	    {TEXT(GET("Upgrade: a b\r\n")), 400},
	    {TEXT(GET("Upgrade: a/b c\r\n")), 400},
	    {TEXT(GET("Upgrade: /b\r\n")), 400},
	    {TEXT(GET("Sec-WebSocket-Protocol: a b\r\n")), 400},
	    {TEXT(GET("Sec-WebSocket-Protocol: a;b\r\n")), 400},
	};

	CHECK_STATUSES(cases);
}

TEST(a_key_is_16_bytes_in_base64)
{
	static const struct status_case cases[] = {
	    {TEXT(UPGRADE("Sec-WebSocket-Version: 13\r\n")), 400},
	    /* Another version first learns which one we speak. */
	    {TEXT(UPGRADE("Sec-WebSocket-Version: 8\r\n")), 0},
	    {TEXT(UPGRADE("")), 0},
	};
	static const struct {
		const char *key;
		bool valid;
	} keys[] = {
	    {KEY, true},
	    {"AAAAAAAAAAAAAAAAAAAAAA==", true},
	    {"/+/+/+/+/+/+/+/+/+/+/w==", true},
	    {"", false},
	    {"AAAAAAAAAAAAAAAAAAAAAA=", false},
	    {"AAAAAAAAAAAAAAAAAAAAAA", false},
	    {"AAAAAAAAAAAAAAAAAAAAAAA=", false},
	    {"AAAAAAAAAAAAAAAAAAAAAAAA", false},
	    {"AAAAAAAAAAAAAAAAAAAAAB==", false},
	    {"AAAAAAAAAAAAAAAAAAAA====", false},
	    {"AAAAAAAAAAA AAAAAAAAAA==", false},
	    {"AAAAAAAAAAA-AAAAAAAAAA==", false},
	    {"AAAAAAAAAAAAAAAAAAAAAAAAAA==", false},
	    {KEY ", " KEY, false},
	};

	CHECK_STATUSES(cases);
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct http_request r;
		char head[256];
		int len = snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\n" HOST "Sec-WebSocket-Key: %s\r\n\r\n",
		    keys[i].key);

		CHECK_EQ(parse(head, (size_t)len, &r), keys[i].valid ? 0 : 400);
		if (keys[i].valid)
			check_field(r.key, keys[i].key);
	}
}

TEST(only_version_13_is_version_13)
{
	static const char *const others[] = {
	    "", "8", "7", "013", "14", "130", "13, 8", "13.0", "+13", "0x13"};
	struct http_request r;

	for (size_t i = 0; i < COUNT(others); i++) {
		char head[256];
		int len = snprintf(head, sizeof(head),
		    UPGRADE("Sec-WebSocket-Key: " KEY
			    "\r\nSec-WebSocket-Version: %s\r\n"),
		    others[i]);

		CHECK_EQ(parse(head, (size_t)len, &r), 0);
		CHECK(r.upgrade);
		CHECK(!r.version_13);
	}
}

TEST(the_first_protocol_that_we_speak_is_chosen)
{
	static const struct {
		const char *fields;
		enum http_protocol protocol;
	} cases[] = {
	    {"", HTTP_PROTOCOL_NONE},
	    {"Sec-WebSocket-Protocol:\r\n", HTTP_PROTOCOL_NONE},
	    {"Sec-WebSocket-Protocol: ,\r\n", HTTP_PROTOCOL_NONE},
	    {"Sec-WebSocket-Protocol: chat.json\r\n", HTTP_PROTOCOL_JSON},
	    {"sec-websocket-protocol: chat.text\r\n", HTTP_PROTOCOL_TEXT},
	    {"Sec-WebSocket-Protocol: chat.text, chat.json\r\n",
		HTTP_PROTOCOL_TEXT},
	    {"Sec-WebSocket-Protocol: chat.json ,chat.text\r\n",
		HTTP_PROTOCOL_JSON},
	    {"Sec-WebSocket-Protocol: soap, chat.text\r\n", HTTP_PROTOCOL_TEXT},
	    {"Sec-WebSocket-Protocol: soap\r\n"
	     "Sec-WebSocket-Protocol: wamp\r\n"
	     "Sec-WebSocket-Protocol: chat.json\r\n"
	     "Sec-WebSocket-Protocol: chat.text\r\n",
		HTTP_PROTOCOL_JSON},
	    {"Sec-WebSocket-Protocol: soap, wamp\r\n", HTTP_PROTOCOL_UNKNOWN},
	    {"Sec-WebSocket-Protocol: CHAT.JSON\r\n", HTTP_PROTOCOL_UNKNOWN},
	    {"Sec-WebSocket-Protocol: chat.json2\r\n", HTTP_PROTOCOL_UNKNOWN},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_request r;
		char head[512];
		int len = snprintf(head, sizeof(head), UPGRADE(WEBSOCKET "%s"),
		    cases[i].fields);

		CHECK_EQ(parse(head, (size_t)len, &r), 0);
		CHECK_EQ(r.protocol, cases[i].protocol);
	}
}

TEST(each_half_of_a_good_request_is_a_bad_one)
{
	static const char head[] = UPGRADE(WEBSOCKET "Origin: http://a\r\n");
	struct http_request r;

	for (size_t len = 0; len < sizeof(head) - 1; len++)
		CHECK_EQ(parse(head, len, &r), 400);
	CHECK_EQ(parse(head, sizeof(head) - 1, &r), 0);
}
