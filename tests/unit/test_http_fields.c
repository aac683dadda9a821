/* SPDX-License-Identifier: MIT */
/* proxy/http: what the fields of a request say. */
#include "tests/harness/test.h"

#include <stdio.h>

#include "proxy/http.h"
#include "tests/harness/request.h"

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

TEST(a_list_of_tags_is_the_first_one)
{
	struct http_request r;

	CHECK_EQ(request_parse(TEXT(GET("If-None-Match: \"a\", \"b\"\r\n"
					"If-None-Match: \"c\"\r\n")),
		     &r),
	    0);
	request_check_field(r.if_none_match, "\"a\", \"b\"");
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

		CHECK_EQ(request_parse(cases[i].head, cases[i].len, &r), 0);
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

		CHECK_EQ(request_parse(cases[i].head, cases[i].len, &r), 0);
		CHECK_EQ(r.upgrade, cases[i].upgrade);
		CHECK(r.version_13);
		request_check_field(r.key, KEY);
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

		CHECK_EQ(request_parse(head, (size_t)len, &r),
		    keys[i].valid ? 0 : 400);
		if (keys[i].valid)
			request_check_field(r.key, keys[i].key);
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

		CHECK_EQ(request_parse(head, (size_t)len, &r), 0);
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

		CHECK_EQ(request_parse(head, (size_t)len, &r), 0);
		CHECK_EQ(r.protocol, cases[i].protocol);
	}
}

TEST(each_half_of_a_good_request_is_a_bad_one)
{
	static const char head[] = UPGRADE(WEBSOCKET "Origin: http://a\r\n");
	struct http_request r;

	for (size_t len = 0; len < sizeof(head) - 1; len++)
		CHECK_EQ(request_parse(head, len, &r), 400);
	CHECK_EQ(request_parse(head, sizeof(head) - 1, &r), 0);
}
