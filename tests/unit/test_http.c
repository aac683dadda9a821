/* SPDX-License-Identifier: MIT */
/* proxy/http: the request line, and what a field is. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "proxy/http.h"
#include "tests/harness/request.h"

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

	CHECK_EQ(request_parse(TEXT("GET /a/b?c=/d HTTP/1.1\r\n" HOST
				    "Origin:http://chat.example:8080\t \r\n"
				    "If-None-Match: \"x\"\r\n\r\n"),
		     &r),
	    0);
	CHECK_EQ(r.method, HTTP_GET);
	request_check_field(r.path, "/a/b");
	request_check_field(r.host, "chat.example:8080");
	request_check_field(r.origin, "http://chat.example:8080");
	request_check_field(r.if_none_match, "\"x\"");
	request_check_field(r.key, NULL);
	CHECK_EQ(r.protocol, HTTP_PROTOCOL_NONE);
	CHECK(r.keep_alive);
	CHECK(!r.upgrade);
	CHECK(!r.version_13);

	CHECK_EQ(
	    request_parse(TEXT("\r\nHEAD / HTTP/1.1\r\n" HOST "\r\n"), &r), 0);
	CHECK_EQ(r.method, HTTP_HEAD);
	request_check_field(r.path, "/");
	request_check_field(r.origin, NULL);
	request_check_field(r.if_none_match, NULL);
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
	    {TEXT(GET("A: bc\n")), 400},
	    {TEXT(GET("A: bc\n\r\n")), 400},
	    {TEXT(GET("A: bc\nD: ef\r\n")), 400},
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

		CHECK_EQ(request_parse(head, (size_t)len, &r),
		    cases[i].path == NULL ? 400 : 0);
		if (cases[i].path != NULL) {
			request_check_field(r.path, cases[i].path);
			request_check_field(r.host, cases[i].host);
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

		CHECK_EQ(request_parse(head, (size_t)len, &r),
		    hosts[i].valid ? 0 : 400);
	}
}
