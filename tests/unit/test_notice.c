/* SPDX-License-Identifier: MIT */
/* shared/chat/notice. */
#include "tests/harness/test.h"

#include <string.h>

#include "shared/base/utf8.h"
#include "shared/chat/notice.h"

TEST(join_and_leave_read_as_the_protocol_says)
{
	char dst[NOTICE_MAX];

	CHECK_MEM(dst, notice_join(dst, sizeof(dst), "Alice", 5),
	    "🌟 Alice joined the room!\n", 28);
	CHECK_MEM(dst, notice_leave(dst, sizeof(dst), "Alice", 5),
	    "👋 Alice left the room\n", 25);
}

TEST(a_message_is_name_colon_text)
{
	char dst[64];

	CHECK_MEM(dst, notice_message(dst, 64, "Bob", 3, "Hi Alice!", 9),
	    "Bob: Hi Alice!\n", 15);
	CHECK_EQ(notice_message(dst, 15, "Bob", 3, "Hi Alice!", 9),
	    3 + 9 + NOTICE_MESSAGE_EXTRA);
}

TEST(errors_name_their_code)
{
	static const char *const codes[CHAT_ERRORS] = {"ok", "bad-room",
	    "bad-name", "name-taken", "too-many-rooms", "server-full",
	    "too-long", "bad-text", "unknown-command", "login-timeout",
	    "lagged", "internal", "shutting-down", "bad-usage", "no-such-name",
	    "no-history", "idle-timeout", "too-many-from-address",
	    "bad-password", "need-password", "room-full", "banned", "muted",
	    "not-permitted", "name-taken"};

	for (int code = 0; code < CHAT_ERRORS; code++) {
		char dst[NOTICE_MAX + 1], head[64] = "*** error ";
		size_t n = notice_error(
		    dst, NOTICE_MAX, (enum chat_error)code, UINT64_MAX);

		CHECK_STR(notice_code((enum chat_error)code), codes[code]);
		if (code == CHAT_OK) {
			CHECK_EQ(n, 0);
			continue;
		}
		strcat(strcat(head, codes[code]), ": ");
		CHECK(n > strlen(head) + 1);
		CHECK(memcmp(dst, head, strlen(head)) == 0);
		CHECK(memchr(dst, '\n', n) == dst + n - 1);
		CHECK(utf8_valid(dst, n));
	}
}

TEST(arguments_stand_in_the_text)
{
	char dst[NOTICE_MAX + 1];

	dst[notice_error(dst, NOTICE_MAX, CHAT_LAGGED, 1)] = '\0';
	CHECK_STR(dst, "*** error lagged: 1 messages missed\n");
	dst[notice_error(dst, NOTICE_MAX, CHAT_LAGGED, UINT64_MAX)] = '\0';
	CHECK_STR(
	    dst, "*** error lagged: 18446744073709551615 messages missed\n");
	dst[notice_error(dst, NOTICE_MAX, CHAT_TOO_LONG, 4096)] = '\0';
	CHECK_STR(dst, "*** error too-long: a line holds at most 4096 bytes\n");
}

/* Pages tell by that which of two boxes is meant. */
TEST(errors_about_passwords_say_room_if_and_only_if_it_is_the_rooms)
{
	static const enum chat_error codes[] = {
	    CHAT_BAD_PASSWORD, CHAT_NEED_PASSWORD};
	char dst[NOTICE_MAX + 1];

	for (size_t i = 0; i < COUNT(codes); i++)
		for (uint64_t arg = 0; arg < 4; arg++) {
			dst[notice_error(dst, NOTICE_MAX, codes[i], arg)] = 0;
			CHECK_EQ(strstr(dst, "room") != NULL,
			    (arg & PASSWORD_OF_ROOM) != 0);
		}
}

TEST(a_code_that_is_none_reads_as_internal)
{
	char a[NOTICE_MAX], b[NOTICE_MAX];
	size_t n = notice_error(a, NOTICE_MAX, CHAT_INTERNAL, 0);

	CHECK_MEM(b, notice_error(b, NOTICE_MAX, (enum chat_error)99, 0), a, n);
	CHECK_MEM(b,
	    notice_error(b, NOTICE_MAX, (enum chat_error)UINT32_MAX, 0), a, n);
	CHECK_STR(notice_code((enum chat_error)99), "unknown");
}

/* Every size below the line's own writes nothing. */
TEST(what_does_not_fit_is_not_begun)
{
	char dst[NOTICE_MAX] = "untouched";

	for (size_t size = 0; size < 28; size++)
		CHECK_EQ(notice_join(dst, size, "Alice", 5), 0);
	for (size_t size = 0; size < 25; size++)
		CHECK_EQ(notice_leave(dst, size, "Alice", 5), 0);
	for (size_t size = 0; size < 15; size++)
		CHECK_EQ(
		    notice_message(dst, size, "Bob", 3, "Hi Alice!", 9), 0);
	for (size_t size = 0; size < 36; size++)
		CHECK_EQ(notice_error(dst, size, CHAT_LAGGED, 1), 0);
	CHECK_STR(dst, "untouched");
	CHECK_EQ(notice_message(dst, sizeof(dst), "a", SIZE_MAX, "b", 2), 0);
	CHECK_EQ(notice_message(dst, sizeof(dst), "a", 1, "b", SIZE_MAX), 0);
	CHECK_EQ(notice_join(dst, sizeof(dst), "a", SIZE_MAX), 0);
}

TEST(bad_usage_shows_how_the_command_is_used)
{
	char dst[NOTICE_MAX];

	for (uint64_t usage = 0; usage < USAGE_COUNT; usage++) {
		size_t n =
		    notice_error(dst, sizeof(dst), CHAT_BAD_USAGE, usage);

		CHECK(n > 0);
		CHECK(memmem(dst, n, "bad-usage: /", 12) != NULL);
	}
	CHECK(notice_error(dst, sizeof(dst), CHAT_BAD_USAGE, UINT64_MAX) > 0);
}

TEST(help_is_lines_that_begin_as_replies_do)
{
	char dst[NOTICE_HELP_MAX];
	size_t n = notice_help(dst, sizeof(dst)), lines = 0;

	CHECK(n > 0);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || dst[i - 1] == '\n') {
			CHECK(memcmp(dst + i, "*** /", 5) == 0);
			lines++;
		}
	CHECK_EQ(dst[n - 1], '\n');
	CHECK(lines >= 10);
	CHECK_EQ(notice_help(dst, n - 1), 0);
}
