/* SPDX-License-Identifier: MIT */
/* worker/ask: questions about passwords, and whose turn it is. */
#include "tests/harness/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/worker.h"
#include "worker/ask.h"

static struct test_worker t;
static int auth; /* the other end */
static enum ask_verdict verdict;

static void
begin(void)
{
	struct segment_params params = test_params();
	int pair[2];

	test_worker(&t, &params);
	CHECK_EQ(channel_pair(pair), 0);
	t.in.ask = pair[0];
	auth = pair[1];
	t.w.now_us = 1000000;
}

static bool
asks(uint32_t slot, const char *password)
{
	return ask_verdict(&t.w, slot, ASK_USER, "Alice", 5, password,
	    strlen(password), &verdict);
}

/* The next question; its number, or 0 when there is none. */
static uint64_t
question(void)
{
	struct ask_question q;

	return recv(auth, &q, sizeof(q), MSG_DONTWAIT) == (ssize_t)sizeof(q)
		   ? q.id
		   : 0;
}

static void
answer(uint64_t id, enum ask_verdict with)
{
	const struct ask_answer a = {.id = id, .verdict = (uint8_t)with};

	CHECK_EQ(send(auth, &a, sizeof(a), 0), sizeof(a));
	ask_on_readable(&t.w);
}

TEST(a_question_is_sent_once_and_its_verdict_lasts_until_it_is_forgotten)
{
	uint64_t id;

	begin();
	CHECK(!asks(0, "secret"));
	CHECK(!asks(0, "secret"));
	CHECK(ask_waits(&t.w, 0) && !ask_waits(&t.w, 1));
	id = question();
	CHECK(id != 0 && question() == 0);
	answer(id, ASK_RIGHT);
	CHECK(!ask_waits(&t.w, 0));
	CHECK(asks(0, "secret") && verdict == ASK_RIGHT);
	CHECK(asks(0, "secret") && verdict == ASK_RIGHT);
	ask_forget(&t.w, 0);
	CHECK(!asks(0, "secret"));
	CHECK(question() > id);
}

TEST(a_verdict_is_for_the_question_that_was_asked_and_no_other)
{
	uint64_t first, second;

	begin();
	CHECK(!asks(0, "secret"));
	first = question();
	ask_forget(&t.w, 0);
	CHECK(!asks(0, "wrong"));
	second = question();
	answer(first, ASK_RIGHT);
	answer(first, ASK_RIGHT);
	answer(12345, ASK_RIGHT);
	CHECK(!asks(0, "wrong"));
	answer(second, ASK_WRONG);
	CHECK(asks(0, "wrong") && verdict == ASK_WRONG);
	CHECK(!asks(0, "secret")); /* anew */
	CHECK(question() != 0);
}

TEST(what_cannot_be_a_password_is_wrong_unasked)
{
	char longest[LIMIT_PASSWORD + 2];

	begin();
	memset(longest, 'x', sizeof(longest));
	longest[LIMIT_PASSWORD + 1] = '\0';
	CHECK(asks(0, longest) && verdict == ASK_WRONG);
	CHECK(ask_verdict(&t.w, 0, ASK_USER, "Alice", 5, "a\0b", 3, &verdict) &&
	      verdict == ASK_WRONG);
	CHECK_EQ(question(), 0);
	longest[LIMIT_PASSWORD] = '\0';
	CHECK(!asks(0, longest));
	CHECK(question() != 0);
}

TEST(a_new_auth_worker_is_asked_all_again)
{
	uint64_t id;

	begin();
	CHECK(!asks(0, "a") && !asks(1, "b"));
	id = question();
	CHECK(id != 0 && question() != 0);
	ask_again(&t.w);
	CHECK(!ask_waits(&t.w, 0)); /* it looks at its line again */
	CHECK(!asks(0, "a") && !asks(1, "b"));
	answer(id, ASK_RIGHT); /* of the old one */
	CHECK(!asks(0, "a"));
	id = question();
	answer(id, ASK_RIGHT);
	CHECK(asks(0, "a") && verdict == ASK_RIGHT);
}

TEST(one_that_is_told_to_come_again_does_so_after_a_while)
{
	begin();
	CHECK(!asks(0, "a"));
	answer(question(), ASK_BUSY);
	CHECK(ask_waits(&t.w, 0) && ask_queues(&t.w));
	ask_serve(&t.w);
	CHECK(ask_waits(&t.w, 0));
	t.w.now_us += ASK_AGAIN_US;
	ask_serve(&t.w);
	CHECK(!ask_waits(&t.w, 0) && !ask_queues(&t.w));
	CHECK(!asks(0, "a"));
	CHECK(question() != 0);
}

TEST(without_anybody_to_ask_questions_wait_for_their_turn_in_their_order)
{
	begin();
	close(auth);
	for (uint32_t i = 0; i < TEST_SLOTS; i++)
		CHECK(!asks(i, "a"));
	CHECK(ask_queues(&t.w));
	ask_forget(&t.w, 0);
	t.w.now_us += ASK_AGAIN_US;
	ask_serve(&t.w);
	for (uint32_t i = 0; i < TEST_SLOTS; i++)
		CHECK(!ask_waits(&t.w, i));
	CHECK(!asks(3, "a"));
	CHECK(ask_waits(&t.w, 3));
}

TEST(a_question_that_is_never_answered_is_asked_again)
{
	begin();
	CHECK(!asks(0, "a"));
	CHECK(question() != 0);
	ask_sweep(&t.w);
	CHECK(ask_waits(&t.w, 0));
	t.w.now_us += ASK_LOST_US;
	ask_sweep(&t.w);
	CHECK(!ask_waits(&t.w, 0));
	CHECK(!asks(0, "a"));
	CHECK(question() != 0);
}
