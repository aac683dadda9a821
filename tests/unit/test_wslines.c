/* SPDX-License-Identifier: MIT */
/* proxy/wslines: the lines in messages, and what lies between them. */
#include "proxy/wslines.h"

#include <stdlib.h>
#include <string.h>

#include "tests/harness/frames.h"
#include "tests/harness/test.h"

#define MAX_LINE 64
#define TEXT_MAX 8192
#define FIN 0x80
#define MASK "\x12\xf3\x54\x05"

/* A connection: what it has sent, and what became of it. */
struct peer {
	char sent[TEXT_MAX];
	size_t sent_len;
	struct ws_shm ws;
	struct wslines_tail tail;
	char text[TEXT_MAX];
	size_t len;
};

static void
frame(struct peer *p, unsigned first, const char *payload, size_t len)
{
	CHECK(p->sent_len + len + 14 <= sizeof(p->sent));
	p->sent_len +=
	    frames_put(p->sent + p->sent_len, first, MASK, payload, len);
}

static void
message(struct peer *p, const char *text)
{
	frame(p, FIN | WS_OP_TEXT, text, strlen(text));
}

/* The next `n` bytes come, into blocks of no more than is promised. */
static void
take(struct peer *p, const char *in, size_t n)
{
	char *exact = malloc(n + (n == 0)), *to = malloc(n + WSLINES_EXTRA);
	size_t len;

	CHECK(exact != NULL && to != NULL);
	memcpy(exact, in, n);
	len = wslines_decode(&p->ws, MAX_LINE, &p->tail, exact, n, to);
	CHECK(len <= n + WSLINES_EXTRA);
	CHECK(p->len + len <= sizeof(p->text));
	memcpy(p->text + p->len, to, len);
	p->len += len;
	free(exact);
	free(to);
}

/* As when the worker keeps it, and takes it up again. */
static void
keep(struct peer *p)
{
	size_t len = wslines_tail(&p->ws);
	char *kept = malloc(len + (len == 0));

	CHECK(kept != NULL && len <= WSLINES_TAIL_MAX);
	wslines_store(&p->ws, &p->tail, kept);
	memset(&p->tail, '?', sizeof(p->tail));
	wslines_load(&p->ws, kept, &p->tail);
	free(kept);
}

static size_t
pong_of(const struct peer *p, char frame[WS_HEAD_MAX + WS_CONTROL_MAX])
{
	return wslines_pong(&p->ws, &p->tail, frame);
}

static void
check_same(const struct peer *a, const struct peer *b)
{
	char pong_a[WS_HEAD_MAX + WS_CONTROL_MAX];
	char pong_b[WS_HEAD_MAX + WS_CONTROL_MAX];
	size_t len = pong_of(b, pong_b);

	CHECK_MEM(a->text, a->len, b->text, b->len);
	CHECK_MEM(pong_a, pong_of(a, pong_a), pong_b, len);
	CHECK_EQ(a->ws.closing, b->ws.closing);
	CHECK_EQ(a->ws.failed, b->ws.failed);
	CHECK_EQ(wslines_tail(&a->ws), wslines_tail(&b->ws));
}

/* These lines come of it, in one piece, in two, and byte by byte. */
static void
check_lines(struct peer *p, const char *lines)
{
	take(p, p->sent, p->sent_len);
	CHECK_MEM(p->text, p->len, lines, strlen(lines));
	for (size_t at = 0; at <= p->sent_len; at++) {
		struct peer q = {0};

		take(&q, p->sent, at);
		keep(&q);
		take(&q, p->sent + at, p->sent_len - at);
		check_same(&q, p);
	}
	for (size_t size = 1; size < 8; size++) {
		struct peer q = {0};

		for (size_t at = 0; at < p->sent_len; at += size) {
			take(&q, p->sent + at, MIN(size, p->sent_len - at));
			keep(&q);
		}
		check_same(&q, p);
	}
}

static void
check_pong(const struct peer *p, const char *payload, size_t len)
{
	char expected[WS_HEAD_MAX + WS_CONTROL_MAX] = {
	    (char)(FIN | WS_OP_PONG), (char)len};
	char got[WS_HEAD_MAX + WS_CONTROL_MAX];

	memcpy(expected + 2, payload, len);
	CHECK_MEM(got, pong_of(p, got), expected, 2 + len);
}

TEST(the_end_of_a_message_is_the_end_of_a_line)
{
	static const struct {
		const char *message, *lines;
	} cases[] = {
	    {"", "\n"},
	    {"a", "a\n"},
	    {"a\n", "a\n"},
	    {"\n", "\n"},
	    {"\n\n", "\n\n"},
	    {"a\nb", "a\nb\n"},
	    {"a\r\nb\r\n", "a\r\nb\r\n"},
	    {"\na", "\na\n"},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f\n"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer p = {0};
		char lines[32];

		message(&p, cases[i].message);
		message(&p, "next");
		strcpy(lines, cases[i].lines);
		check_lines(&p, strcat(lines, "next\n"));
		CHECK_EQ(p.ws.closing, 0);
	}
}

TEST(a_line_goes_on_in_the_next_frame_of_its_message)
{
	struct peer p = {0};

	frame(&p, WS_OP_TEXT, "a", 1);
	frame(&p, WS_OP_CONTINUATION, "", 0);
	frame(&p, WS_OP_CONTINUATION, "\xc3", 1);
	frame(&p, WS_OP_CONTINUATION, "\xbc\n", 2);
	frame(&p, FIN | WS_OP_CONTINUATION, "", 0);
	frame(&p, WS_OP_TEXT, "b\n", 2);
	frame(&p, FIN | WS_OP_CONTINUATION, "c", 1);
	frame(&p, WS_OP_TEXT, "", 0);
	frame(&p, FIN | WS_OP_CONTINUATION, "", 0);
	check_lines(&p, "a\xc3\xbc\nb\nc\n\n");
}

TEST(what_has_come_of_a_message_comes_at_once)
{
	struct peer p = {0};

	frame(&p, WS_OP_TEXT, "one\ntw", 6);
	check_lines(&p, "one\ntw");
}

TEST(a_ping_is_answered_with_what_was_in_it)
{
	char payload[WS_CONTROL_MAX];

	memset(payload, 'p', sizeof(payload));
	for (size_t len = 0; len <= sizeof(payload); len++) {
		struct peer p = {0};

		frame(&p, FIN | WS_OP_PING, payload, len);
		check_lines(&p, "");
		check_pong(&p, payload, len);
		CHECK_EQ(wslines_tail(&p.ws), len);
	}
}

TEST(of_several_pings_the_last_is_answered)
{
	struct peer p = {0};

	frame(&p, WS_OP_TEXT, "a", 1);
	frame(&p, FIN | WS_OP_PING, "one", 3);
	frame(&p, FIN | WS_OP_PONG, "unasked", 7);
	frame(&p, WS_OP_CONTINUATION, "b", 1);
	frame(&p, FIN | WS_OP_PING, "second", 6);
	frame(&p, FIN | WS_OP_CONTINUATION, "c", 1);
	check_lines(&p, "abc\n");
	check_pong(&p, "second", 6);
}

TEST(a_pong_is_no_ping)
{
	struct peer p = {0};

	frame(&p, FIN | WS_OP_PONG, "unasked", 7);
	message(&p, "a");
	check_lines(&p, "a\n");
	CHECK_EQ(p.ws.pong_len, 0);
	CHECK_EQ(wslines_tail(&p.ws), 0);
}

TEST(a_ping_half_there_stands_beside_the_pong_of_the_last)
{
	char first[WS_CONTROL_MAX], second[WS_CONTROL_MAX];
	struct peer p = {0};

	memset(first, '1', sizeof(first));
	memset(second, '2', sizeof(second));
	frame(&p, FIN | WS_OP_PING, first, sizeof(first));
	frame(&p, FIN | WS_OP_PING, second, sizeof(second));
	take(&p, p.sent, p.sent_len - 1);
	keep(&p);
	CHECK_EQ(wslines_tail(&p.ws), 2 * WS_CONTROL_MAX - 1);
	check_pong(&p, first, sizeof(first));
	take(&p, p.sent + p.sent_len - 1, 1);
	keep(&p);
	check_pong(&p, second, sizeof(second));
}

TEST(a_pong_that_is_sent_in_pieces_is_done_with_its_last_byte)
{
	char got[WS_HEAD_MAX + WS_CONTROL_MAX];
	struct peer p = {0};

	frame(&p, FIN | WS_OP_PING, "ping", 4);
	take(&p, p.sent, p.sent_len);
	wslines_ponged(&p.ws, 1, 6);
	CHECK_EQ(p.ws.pong_off, 1);
	check_pong(&p, "ping", 4);
	wslines_ponged(&p.ws, 5, 6);
	check_pong(&p, "ping", 4);
	wslines_ponged(&p.ws, 6, 6);
	CHECK_EQ(p.ws.pong_off, 0);
	CHECK_EQ(pong_of(&p, got), 0);
	CHECK_EQ(wslines_tail(&p.ws), 0);
}

TEST(a_ping_that_could_not_be_kept_gets_no_answer_and_costs_nothing_else)
{
	char got[WS_HEAD_MAX + WS_CONTROL_MAX];
	struct peer p = {0};

	message(&p, "a");
	frame(&p, FIN | WS_OP_PING, "first", 5);
	frame(&p, WS_OP_TEXT, "b", 1);
	frame(&p, FIN | WS_OP_PING, "half", 4);
	take(&p, p.sent, p.sent_len - 1);
	wslines_lose(&p.ws);
	CHECK_EQ(wslines_tail(&p.ws), 0);
	CHECK_EQ(pong_of(&p, got), 0);
	take(&p, p.sent + p.sent_len - 1, 1);
	CHECK_EQ(pong_of(&p, got), 0);
	p.sent_len = 0;
	frame(&p, FIN | WS_OP_CONTINUATION, "c", 1);
	frame(&p, FIN | WS_OP_PING, "last", 4);
	take(&p, p.sent, p.sent_len);
	CHECK_MEM(p.text, p.len, "a\nbc\n", 5);
	check_pong(&p, "last", 4);
}

TEST(a_close_frame_ends_it_and_what_comes_behind_is_void)
{
	static const struct {
		const char *payload;
		size_t len;
		unsigned code, failed;
	} cases[] = {
	    {"", 0, WS_NORMAL, 0},
	    {"\x03\xe8", 2, 1000, 0},
	    {"\x03\xe9gone", 6, 1001, 0},
	    {"\x0f\xa0", 2, 4000, 0},
	    {"\x03\xed", 2, WS_PROTOCOL_ERROR, 1},
	    {"x", 1, WS_PROTOCOL_ERROR, 1},
	    {"\x03\xe8\xff", 3, WS_BAD_TEXT, 1},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer p = {0};

		message(&p, "a");
		frame(&p, WS_OP_TEXT, "half", 4);
		frame(&p, FIN | WS_OP_CLOSE, cases[i].payload, cases[i].len);
		frame(&p, FIN | WS_OP_CONTINUATION, " a line", 7);
		frame(&p, FIN | WS_OP_PING, "ping", 4);
		message(&p, "b");
		check_lines(&p, "a\nhalf");
		CHECK_EQ(p.ws.closing, cases[i].code);
		CHECK_EQ(p.ws.failed, cases[i].failed);
		CHECK_EQ(p.ws.pong_len, 0);
	}
}

TEST(what_breaks_the_rules_ends_it_behind_what_did_not)
{
	struct peer p = {0};

	message(&p, "a");
	frame(&p, FIN | WS_OP_PING, "ping", 4);
	frame(&p, WS_OP_TEXT, "b\xff", 2);
	message(&p, "c");
	check_lines(&p, "a\nb");
	CHECK_EQ(p.ws.closing, WS_BAD_TEXT);
	CHECK(p.ws.failed);
	check_pong(&p, "ping", 4);
}

TEST(a_message_is_sixteen_lines_long_at_most)
{
	char text[WSLINES_MESSAGE * MAX_LINE + 1];

	memset(text, 'x', sizeof(text));
	for (size_t more = 0; more < 2; more++) {
		struct peer p = {0};

		frame(&p, WS_OP_TEXT, text, 1000);
		frame(&p, FIN | WS_OP_CONTINUATION, text,
		    sizeof(text) - 1 - 1000 + more);
		take(&p, p.sent, p.sent_len);
		CHECK_EQ(p.ws.closing, more == 0 ? 0 : WS_TOO_BIG);
		CHECK_EQ(p.len, more == 0 ? sizeof(text) : 1000);
	}
	/* Each message begins anew. */
	struct peer p = {0};

	for (int i = 0; i < 3; i++) {
		p.sent_len = p.len = 0;
		frame(&p, FIN | WS_OP_TEXT, text, sizeof(text) - 1);
		take(&p, p.sent, p.sent_len);
		CHECK_EQ(p.ws.closing, 0);
	}
}

TEST(a_message_has_4096_frames_at_most)
{
	struct peer p = {0};

	frame(&p, WS_OP_TEXT, "", 0);
	take(&p, p.sent, p.sent_len);
	p.sent_len = 0;
	frame(&p, WS_OP_CONTINUATION, "", 0);
	for (int i = 1; i < WSLINES_FRAGMENTS; i++)
		take(&p, p.sent, p.sent_len);
	CHECK_EQ(p.ws.closing, 0);
	take(&p, p.sent, p.sent_len);
	CHECK_EQ(p.ws.closing, WS_POLICY);
}

TEST(binary_messages_are_refused)
{
	struct peer p = {0};

	message(&p, "a");
	frame(&p, FIN | WS_OP_BINARY, "b", 1);
	check_lines(&p, "a\n");
	CHECK_EQ(p.ws.closing, WS_UNACCEPTABLE);
}

/* Whatever a process gone wrong has left: within bounds, and that is all. */
TEST(nonsense_in_the_state_does_no_harm)
{
	uint64_t random = 1;

	for (int round = 0; round < 20000; round++) {
		char got[WS_HEAD_MAX + WS_CONTROL_MAX];
		struct peer p = {0};

		for (size_t i = 0; i < sizeof(p.ws); i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			((char *)&p.ws)[i] = (char)random;
		}
		p.ws.closing &= (uint16_t)(random >> 40 & 1 ? 0 : 0xffff);
		CHECK(wslines_tail(&p.ws) <= WSLINES_TAIL_MAX);
		CHECK(pong_of(&p, got) <= sizeof(got));
		message(&p, "some text");
		frame(&p, FIN | WS_OP_PING, "ping", 4);
		keep(&p);
		take(&p, p.sent, p.sent_len);
		keep(&p);
		CHECK(wslines_tail(&p.ws) <= WSLINES_TAIL_MAX);
	}
}
