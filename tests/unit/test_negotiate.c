/* SPDX-License-Identifier: MIT */
/* proxy/negotiate: which options are on. */
#include "tests/harness/test.h"

#include <string.h>

#include "proxy/negotiate.h"
#include "proxy/telnet.h"
#include "tests/harness/telnet.h"

/* The Q method. */

/* RFC 1143, section 7, once more: him and himq as they stand there. */
struct him {
	enum {
		NO,
		YES,
		WANTNO,
		WANTYES
	} him;
	bool opposite;
	uint8_t say;
};

static void
section_7_peer_on(struct him *h, bool agree)
{
	if (h->him == NO && agree) {
		h->him = YES;
		h->say = OPTION_SAY_ON;
	} else if (h->him == NO) {
		h->say = OPTION_SAY_OFF;
	} else if (h->him == WANTNO && !h->opposite) {
		h->him = NO;
	} else if (h->him == WANTNO) {
		h->him = YES;
		h->opposite = false;
	} else if (h->him == WANTYES && !h->opposite) {
		h->him = YES;
	} else if (h->him == WANTYES) {
		h->him = WANTNO;
		h->opposite = false;
		h->say = OPTION_SAY_OFF;
	}
}

static void
section_7_peer_off(struct him *h)
{
	if (h->him == YES) {
		h->him = NO;
		h->say = OPTION_SAY_OFF;
	} else if (h->him == WANTNO && !h->opposite) {
		h->him = NO;
	} else if (h->him == WANTNO) {
		h->him = WANTYES;
		h->opposite = false;
		h->say = OPTION_SAY_ON;
	} else if (h->him == WANTYES) {
		h->him = NO;
		h->opposite = false;
	}
}

static void
section_7_ask(struct him *h, bool on)
{
	if (h->him == (on ? NO : YES)) {
		h->him = on ? WANTYES : WANTNO;
		h->say = on ? OPTION_SAY_ON : OPTION_SAY_OFF;
	} else if (h->him == WANTNO) {
		h->opposite = on;
	} else if (h->him == WANTYES) {
		h->opposite = !on;
	}
}

static struct option_step
section_7(enum option_state state, enum option_event event)
{
	struct him h = {
	    .him = state == OPTION_NO       ? NO
		   : state == OPTION_YES    ? YES
		   : state < OPTION_WANTYES ? WANTNO
					    : WANTYES,
	    .opposite = state == OPTION_WANTNO_OPPOSITE ||
			state == OPTION_WANTYES_OPPOSITE,
	    .say = OPTION_SAY_NOTHING,
	};

	if (event == OPTION_PEER_ON || event == OPTION_PEER_UNWANTED)
		section_7_peer_on(&h, event == OPTION_PEER_ON);
	else if (event == OPTION_PEER_OFF)
		section_7_peer_off(&h);
	else
		section_7_ask(&h, event == OPTION_ASK_ON);
	state = h.him == NO       ? OPTION_NO
		: h.him == YES    ? OPTION_YES
		: h.him == WANTNO ? OPTION_WANTNO
				  : OPTION_WANTYES;
	return (struct option_step){
	    .next = (uint8_t)(h.opposite ? (unsigned)state + 1 : state),
	    .say = h.say,
	};
}

TEST(each_event_in_each_state_is_as_section_7_of_rfc_1143_has_it)
{
	for (unsigned s = 0; s < OPTION_STATES; s++) {
		for (unsigned e = 0; e < OPTION_EVENTS; e++) {
			struct option_step is = option_step(
			    (enum option_state)s, (enum option_event)e);
			struct option_step should = section_7(
			    (enum option_state)s, (enum option_event)e);

			CHECK_EQ(is.next, should.next);
			CHECK_EQ(is.say, should.say);
		}
	}
}

/* Two ends with an option between them, and what is under way. */
#define QUEUE_MAX 16

struct ends {
	struct {
		enum option_state state;
		bool queue[QUEUE_MAX]; /* to it: on or off */
		unsigned queued;
		unsigned asks; /* how often it may still change its mind */
		bool wish;
		bool likes; /* what the other asks for */
	} end[2];
	unsigned said;
};

static void
ends_event(struct ends *ends, unsigned i, enum option_event event)
{
	struct option_step step = option_step(ends->end[i].state, event);

	ends->end[i].state = (enum option_state)step.next;
	if (step.say == OPTION_SAY_NOTHING)
		return;
	CHECK(ends->end[!i].queued < QUEUE_MAX);
	ends->end[!i].queue[ends->end[!i].queued++] = step.say == OPTION_SAY_ON;
	ends->said++;
}

/* Every order in which things can happen; returns how many ends it has. */
static unsigned
ends_explore(const struct ends *ends)
{
	unsigned count = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct ends next = *ends;

		if (next.end[i].queued > 0) {
			bool on = next.end[i].queue[0];

			next.end[i].queued--;
			memmove(next.end[i].queue, next.end[i].queue + 1,
			    QUEUE_MAX - 1);
			ends_event(&next, i,
			    !on                 ? OPTION_PEER_OFF
			    : next.end[i].likes ? OPTION_PEER_ON
						: OPTION_PEER_UNWANTED);
			count += ends_explore(&next);
		}
		next = *ends;
		if (next.end[i].asks > 0) {
			next.end[i].asks--;
			next.end[i].wish = !next.end[i].wish;
			ends_event(&next, i,
			    next.end[i].wish ? OPTION_ASK_ON : OPTION_ASK_OFF);
			count += ends_explore(&next);
		}
	}
	if (count > 0)
		return count;
	/* Quiet: nobody waits, both say the same; two words a change. */
	CHECK(ends->end[0].state <= OPTION_YES);
	CHECK_EQ(ends->end[0].state, ends->end[1].state);
	CHECK(ends->said <= 10);
	return 1;
}

TEST(two_ends_that_change_their_minds_come_to_agree_in_every_order)
{
	for (unsigned mask = 0; mask < 8; mask++) {
		struct ends ends = {0};

		for (unsigned i = 0; i < 2; i++) {
			ends.end[i].state = mask & 1 ? OPTION_YES : OPTION_NO;
			ends.end[i].wish = mask & 1;
			ends.end[i].asks = 2 + i;
			ends.end[i].likes = (mask >> (1 + i) & 1) != 0;
		}
		CHECK(ends_explore(&ends) > 10);
	}
}

/* RFC 1143, sections 5 and 6: off and on again while the answer is awaited. */
TEST(a_change_of_mind_waits_in_the_queue_for_the_answer)
{
	struct option_step step = option_step(OPTION_YES, OPTION_ASK_OFF);

	CHECK_EQ(step.say, OPTION_SAY_OFF); /* DONT */
	step = option_step((enum option_state)step.next, OPTION_ASK_ON);
	CHECK_EQ(step.say, OPTION_SAY_NOTHING);
	CHECK_EQ(step.next, OPTION_WANTNO_OPPOSITE);
	step = option_step((enum option_state)step.next, OPTION_PEER_OFF);
	CHECK_EQ(step.say, OPTION_SAY_ON); /* DO, now that it is off */
	step = option_step((enum option_state)step.next, OPTION_PEER_ON);
	CHECK_EQ(step.say, OPTION_SAY_NOTHING);
	CHECK_EQ(step.next, OPTION_YES);
}

/* What clients say, and what they hear. */

TEST(nothing_is_said_to_a_client_that_sends_plain_lines)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\nBob\nHi\377\377!\n\r", "");
	CLIENT(&t, WONT ECHO DONT SGA WONT TTYPE IAC "\361", "");
	CHECK(!telnet_edits(&t));
}

TEST(a_line_that_ends_as_telnet_has_it_is_answered_with_one_question)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\r\n", DO TTYPE);
	CLIENT(&t, "Bob\r\nHi\r\0", "");
	memset(&t, 0, sizeof(t));
	CLIENT(&t, "general\r\0", DO TTYPE);
	memset(&t, 0, sizeof(t));
	CLIENT(&t, "general\rBob\r", "");
}

TEST(line_ends_alone_are_no_reason_to_ask)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\r\nBob\r\0", "");
	CHECK_EQ(telnet_terminal(&t), 0);
	telnet_open(&t);
	telnet_open(&t);
	CLIENT(&t, "", DO TTYPE);
	CLIENT(&t, WILL TTYPE, DO NAWS WILL CHARSET SEND);
	memset(&t, 0, sizeof(t));
	CLIENT(&t, DO ECHO, WILL ECHO DO TTYPE DO NAWS WILL CHARSET);
	CHECK(telnet_edits(&t));
}

/* What inetutils's telnet says on a port other than 23. */
TEST(a_terminal_is_offered_the_editor_when_it_has_said_its_name)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\r\n", DO TTYPE);
	CLIENT(&t, WILL TTYPE, DO NAWS WILL CHARSET SEND);
	CLIENT(&t, WILL NAWS SB NAWS "\0\106\0\30" SE DONT CHARSET, "");
	CHECK_EQ(telnet_width(&t), 70);
	CHECK(!telnet_edits(&t));
	CLIENT(
	    &t, IS("XTERM-256COLOR"), WILL ECHO WILL SGA DO BINARY WILL BINARY);
	CHECK(!telnet_edits(&t));
	CLIENT(&t, DO ECHO DO SGA WILL BINARY DO BINARY, "");
	CHECK(telnet_edits(&t));
	CHECK_EQ(telnet_terminal(&t), TERMINAL_ANSI);
	CHECK_EQ(telnet_charset(&t), CHARSET_UTF8);
}

/* PuTTY begins by itself. */
TEST(a_client_that_begins_to_negotiate_is_answered_and_asked)
{
	struct telnet_shm t = {0};

	CLIENT(&t,
	    WILL NAWS WILL TSPEED WILL TTYPE WILL NEW_ENVIRON DO ECHO WILL SGA
		DO SGA,
	    DO NAWS DO TTYPE WILL CHARSET DONT TSPEED SEND DONT NEW_ENVIRON WILL
		ECHO DO SGA WILL SGA);
	CHECK(telnet_edits(&t));
	CLIENT(&t, SB NAWS "\0\120\0\30" SE IS("xterm") DONT CHARSET,
	    DO BINARY WILL BINARY);
	CLIENT(&t, WILL BINARY DO BINARY, "");
	CHECK_EQ(telnet_terminal(&t), TERMINAL_ANSI);
}

/* inetutils's telnet on port 23, or with a minus before the port. */
TEST(all_that_a_telnet_asks_for_at_once_finds_room)
{
	struct telnet_shm t = {0};

	CLIENT(&t,
	    DO SGA WILL TTYPE WILL NAWS WILL TSPEED WILL
	    "\41" WILL LINEMODE WILL NEW_ENVIRON DO "\5" WILL "\43",
	    WILL SGA DO TTYPE DO NAWS WILL CHARSET SEND DONT TSPEED DONT
	    "\41" DONT LINEMODE DONT NEW_ENVIRON WONT "\5" DONT "\43");
	CHECK_EQ(t.budget, 7);
}

TEST(a_mud_client_keeps_its_own_editor)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\r\n", DO TTYPE);
	CLIENT(&t, WILL TTYPE, DO NAWS WILL CHARSET SEND);
	CLIENT(&t, WILL NAWS IS("MUDLET") DO CHARSET, SEND);
	CLIENT(&t, "", REQUEST); /* the two have no room together */
	CLIENT(&t, IS("xterm-256color") SB CHARSET "\2UTF-8" SE, SEND);
	CLIENT(&t, IS("MTTS 271"), WILL EOR);
	CHECK_EQ(telnet_terminal(&t),
	    TERMINAL_MUD | TERMINAL_ANSI | TERMINAL_UTF8 | TERMINAL_COLORS);
	CLIENT(&t, IS("MTTS 64"), "");
	CLIENT(&t, DO EOR, "");
	CHECK(!telnet_edits(&t));
}

TEST(tintin_sends_keys_when_it_is_asked_for_them)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\r\n", DO TTYPE);
	CLIENT(&t, WILL TTYPE, DO NAWS WILL CHARSET SEND);
	CLIENT(&t, IS("TINTIN++"), WILL ECHO WILL SGA DO BINARY WILL BINARY);
	CLIENT(&t, DO ECHO DO SGA WONT BINARY DONT BINARY, "");
	CHECK(telnet_edits(&t));
}

TEST(a_client_that_agrees_to_echo_and_not_to_send_keys_edits_by_itself)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\r\n", DO TTYPE);
	CLIENT(&t, WONT TTYPE,
	    DO NAWS WILL CHARSET WILL ECHO WILL SGA DO BINARY WILL BINARY);
	CLIENT(&t, DO ECHO DONT SGA, WONT ECHO);
	CHECK(!telnet_edits(&t));
	CLIENT(&t, DONT ECHO, "");
	memset(&t, 0, sizeof(t));
	CLIENT(&t, "general\r\n", DO TTYPE);
	CLIENT(&t, WONT TTYPE,
	    DO NAWS WILL CHARSET WILL ECHO WILL SGA DO BINARY WILL BINARY);
	CLIENT(&t, DONT SGA DO ECHO, WONT ECHO);
	CLIENT(&t, DONT ECHO, "");
	CHECK(!telnet_edits(&t));
	/* Unless it is its own wish. */
	CLIENT(&t, DO ECHO DONT SGA, WILL ECHO);
	CHECK(telnet_edits(&t));
}

TEST(a_mud_client_is_known_by_its_third_name_whatever_its_first)
{
	struct telnet_shm t = {0};

	CLIENT(&t, WILL TTYPE, DO TTYPE DO NAWS WILL CHARSET SEND);
	CLIENT(&t, IS("new thing"), SEND);
	CLIENT(&t, IS("ansi"), SEND);
	CLIENT(&t, IS("MTTS 65"), WILL EOR);
	CHECK_EQ(telnet_terminal(&t),
	    TERMINAL_MUD | TERMINAL_ANSI | TERMINAL_READER);
}

TEST(an_unknown_terminal_is_asked_for_three_names_and_no_more)
{
	struct telnet_shm t = {0};

	CLIENT(&t, DO TSPEED, WONT TSPEED DO TTYPE DO NAWS WILL CHARSET);
	CLIENT(&t, WILL TTYPE, SEND);
	CLIENT(&t, IS("wyse60"), SEND);
	CLIENT(&t, IS("wyse60"), SEND);
	CLIENT(&t, IS("wyse60"), WILL ECHO WILL SGA DO BINARY WILL BINARY);
	CLIENT(&t, IS("wyse60") IS("MTTS 1"), "");
	CHECK_EQ(telnet_terminal(&t), 0);
}

TEST(a_client_without_names_is_offered_the_editor_at_once)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\r\n", DO TTYPE);
	CLIENT(&t, WONT TTYPE,
	    DO NAWS WILL CHARSET WILL ECHO WILL SGA DO BINARY WILL BINARY);
	CLIENT(&t, DO ECHO DO SGA, "");
	CHECK(telnet_edits(&t));
	CLIENT(&t, DONT ECHO, WONT ECHO);
	CHECK(!telnet_edits(&t));
	CLIENT(&t, DO ECHO, WILL ECHO);
	CHECK(telnet_edits(&t));
}

TEST(a_client_that_refuses_all_is_asked_each_thing_once)
{
	struct telnet_shm t = {0};

	CLIENT(&t, "general\r\n", DO TTYPE);
	CLIENT(&t, WONT TTYPE,
	    DO NAWS WILL CHARSET WILL ECHO WILL SGA DO BINARY WILL BINARY);
	CLIENT(&t,
	    WONT NAWS DONT CHARSET DONT ECHO DONT SGA WONT BINARY DONT BINARY,
	    "");
	CLIENT(&t, "Bob\r\nHi\r\n", "");
	CHECK(!telnet_edits(&t));
}

TEST(what_is_not_supported_is_refused_once)
{
	static const char refused[] =
	    LINEMODE ENVIRON AUTHENTICATION ENCRYPT NEW_ENVIRON TSPEED
	    "\5\21\43";
	struct telnet_shm t = {0};

	CLIENT(&t, WILL "\2", DONT "\2" DO TTYPE DO NAWS WILL CHARSET);
	for (size_t i = 0; i < sizeof(refused) - 1; i++) {
		const char will[] = {'\377', '\373', refused[i]};
		const char dont[] = {'\377', '\376', refused[i]};
		const char ask[] = {'\377', '\375', refused[i]};
		const char wont[] = {'\377', '\374', refused[i]};

		telnet_client(&t, will, 3, dont, 3);
		telnet_client(&t, will, 3, TEXT(""));
		telnet_client(&t, ask, 3, wont, 3);
		telnet_client(&t, ask, 3, TEXT(""));
		telnet_client(&t, wont, 3, TEXT(""));
		telnet_client(&t, dont, 3, TEXT(""));
	}
	/* On the other side than we have them. */
	CLIENT(&t, WILL ECHO WILL ECHO DO NAWS DO TTYPE WILL EOR,
	    DONT ECHO WONT NAWS WONT TTYPE DONT EOR);
}

TEST(options_above_39_are_refused_each_time)
{
	struct telnet_shm t = {0};

	CLIENT(&t, WILL "\311", DONT "\311" DO TTYPE DO NAWS WILL CHARSET);
	CLIENT(&t, WILL "\311" DO IAC, DONT "\311" WONT IAC);
}

TEST(a_client_may_have_an_option_on_and_off_as_it_likes)
{
	struct telnet_shm t = {0};

	CLIENT(&t, DO SGA, WILL SGA DO TTYPE DO NAWS WILL CHARSET);
	CLIENT(&t, DO SGA DO SGA, "");
	CLIENT(&t, DONT SGA DONT SGA, WONT SGA);
	CLIENT(&t, DO SGA DO BINARY WILL BINARY DO EOR,
	    WILL SGA WILL BINARY DO BINARY WILL EOR);
	CLIENT(&t, DONT BINARY WONT BINARY DONT EOR,
	    WONT BINARY DONT BINARY WONT EOR);
}

TEST(one_that_changes_its_mind_for_ever_is_no_longer_answered)
{
	struct telnet_shm t = {0};
	char out[8];
	unsigned answers = 0;

	for (int i = 0; i < 1000; i++) {
		const char *pending;

		telnet_decode(&t, TEXT(DO SGA DONT SGA), out);
		answers += (unsigned)telnet_answers(&t, &pending) / 3;
		telnet_answers_sent(&t, TELNET_ANSWER_MAX);
	}
	CHECK_EQ(answers, UINT8_MAX + 3);
	CHECK_EQ(option_state(&t, OPTION_US, OPTION_SGA), OPTION_NO);
	CLIENT(&t, IAC "\366" DO TM, "[Yes]\r\n" WILL TM);
}

TEST(what_finds_no_room_is_asked_when_there_is_some)
{
	struct telnet_shm t = {0};
	char out[8];
	const char *pending;

	for (int i = 0; i < TELNET_ANSWER_MAX / 3; i++)
		telnet_decode(&t, TEXT(DO TM), out);
	telnet_open(&t);
	telnet_decode(&t, TEXT(WONT TTYPE), out);
	CHECK_EQ(telnet_answers(&t, &pending), TELNET_ANSWER_MAX);
	telnet_answers_sent(&t, TELNET_ANSWER_MAX);
	CLIENT(&t, "",
	    DO TTYPE DO NAWS WILL CHARSET WILL ECHO WILL SGA DO BINARY WILL
		BINARY);
}

TEST(off_is_off_even_if_there_is_no_room_to_say_so)
{
	struct telnet_shm t = {0};
	char out[8];

	CLIENT(&t, DO ECHO, WILL ECHO DO TTYPE DO NAWS WILL CHARSET);
	for (int i = 0; i < TELNET_ANSWER_MAX / 3; i++)
		telnet_decode(&t, TEXT(DO TM), out);
	telnet_decode(&t, TEXT(DO SGA DONT ECHO), out);
	CHECK(!telnet_edits(&t));
	CHECK_EQ(option_state(&t, OPTION_US, OPTION_SGA), OPTION_NO);
}
