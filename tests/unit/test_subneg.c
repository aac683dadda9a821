/* SPDX-License-Identifier: MIT */
/* proxy/subneg: what options say; and what is made of them for passwords. */
#include "tests/harness/test.h"

#include <string.h>

#include "proxy/negotiate.h"
#include "proxy/telnet.h"
#include "tests/harness/telnet.h"

TEST(the_window_may_change_at_any_time)
{
	struct telnet_shm t = {0};

	CLIENT(&t, WILL NAWS, DO NAWS DO TTYPE WILL CHARSET);
	CLIENT(&t, SB NAWS "\0\120\0\30" SE, "");
	CHECK_EQ(telnet_width(&t), 80);
	CLIENT(&t, SB NAWS "\1" IAC IAC "\0\30" SE, "");
	CHECK_EQ(telnet_width(&t), 511);
	CLIENT(&t, SB NAWS "\0\120\0" SE SB NAWS "\0\120\0\30\0" SE, "");
	CHECK_EQ(telnet_width(&t), 511);
	CLIENT(&t, WONT NAWS, DONT NAWS);
	CHECK_EQ(telnet_width(&t), 0);
	CLIENT(&t, SB NAWS "\0\120\0\30" SE, "");
	CHECK_EQ(telnet_width(&t), 0);
}

/* With CHARSET agreed to on both sides, our own question answered. */
static struct telnet_shm
with_charset(void)
{
	struct telnet_shm t = {0};

	CLIENT(&t, DO CHARSET, WILL CHARSET DO TTYPE DO NAWS);
	telnet_answers_sent(&t, TELNET_ANSWER_MAX);
	CLIENT(&t, SB CHARSET "\3" SE WILL CHARSET, REQUEST DO CHARSET);
	CLIENT(&t, SB CHARSET "\3" SE, "");
	return t;
}

TEST(a_client_is_asked_for_its_character_set)
{
	static const struct {
		const char *name;
		enum charset charset;
	} cases[] = {
	    {"UTF-8", CHARSET_UTF8},
	    {"utf-8", CHARSET_UTF8},
	    {"ISO-8859-1", CHARSET_LATIN1},
	    {"iso-8859-1", CHARSET_LATIN1},
	    {"ISO-8859-15", CHARSET_UTF8},
	    {"CP437", CHARSET_CP437},
	    {"US-ASCII", CHARSET_ASCII},
	    {"KOI8-R", CHARSET_UTF8},
	    {"", CHARSET_UTF8},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct telnet_shm t = {0};
		char says[64] = SB CHARSET "\2";
		size_t len = 4 + strlen(cases[i].name);

		CLIENT(&t, DO CHARSET, WILL CHARSET DO TTYPE DO NAWS);
		CLIENT(&t, "", REQUEST);
		memcpy(says + 4, cases[i].name, strlen(cases[i].name));
		memcpy(says + len, SE, 2);
		telnet_client(&t, says, len + 2, TEXT(""));
		CHECK_EQ(telnet_charset(&t), cases[i].charset);
	}
}

TEST(a_client_that_asks_is_given_the_best_character_set_of_its_list)
{
	struct telnet_shm t = with_charset();

	CLIENT(&t, SB CHARSET "\1;KOI8-R;us-ascii;CP437" SE,
	    SB CHARSET "\2CP437" SE);
	CHECK_EQ(telnet_charset(&t), CHARSET_CP437);
	CLIENT(&t, SB CHARSET "\1 LATIN1 ISO-8859-15" SE,
	    SB CHARSET "\2ISO-8859-1" SE);
	CHECK_EQ(telnet_charset(&t), CHARSET_LATIN1);
	CLIENT(&t, SB CHARSET "\1[TTABLE]\1,US-ASCII,UTF-8" SE,
	    SB CHARSET "\2UTF-8" SE);
	CHECK_EQ(telnet_charset(&t), CHARSET_UTF8);
	CLIENT(&t, SB CHARSET "\1;KOI8-R" SE, SB CHARSET "\3" SE);
	CLIENT(&t, SB CHARSET "\1" SE, SB CHARSET "\3" SE);
	CLIENT(&t, SB CHARSET "\4\1;x" SE, SB CHARSET "\5" SE);
	CLIENT(
	    &t, SB CHARSET SE SB CHARSET "\7" SE SB CHARSET "\2CP437" SE, "");
	CHECK_EQ(telnet_charset(&t), CHARSET_UTF8);
}

TEST(of_two_questions_for_the_character_set_ours_counts)
{
	struct telnet_shm t = {0};

	CLIENT(&t, DO CHARSET, WILL CHARSET DO TTYPE DO NAWS);
	CLIENT(&t, WILL CHARSET, REQUEST DO CHARSET);
	CLIENT(&t, SB CHARSET "\1;US-ASCII" SE, SB CHARSET "\3" SE);
	CHECK_EQ(telnet_charset(&t), CHARSET_UTF8);
	CLIENT(&t, SB CHARSET "\2ISO-8859-1" SE, "");
	CHECK_EQ(telnet_charset(&t), CHARSET_LATIN1);
}

TEST(a_subnegotiation_says_nothing_unless_its_option_is_on)
{
	struct telnet_shm t = {0};

	CLIENT(&t,
	    SB NAWS "\0\120\0\30" SE IS("XTERM") SB CHARSET "\1;CP437" SE, "");
	CHECK_EQ(telnet_width(&t), 0);
	CHECK_EQ(telnet_terminal(&t), 0);
	CHECK_EQ(telnet_charset(&t), CHARSET_UTF8);
}

TEST(a_subnegotiation_of_more_than_512_bytes_says_nothing)
{
	for (size_t len = 500; len < 520; len++) {
		struct telnet_shm t = with_charset();
		char says[600] = SB CHARSET "\1;CP437;";
		const char accepted[] = SB CHARSET "\2CP437" SE;

		memset(says + 11, 'x', len);
		memcpy(says + 2 + len, SE, 2);
		telnet_client(&t, says, 2 + len + 2, accepted,
		    len <= 512 ? sizeof(accepted) - 1 : 0);
	}
}

/* Passwords and prompts. */

TEST(a_password_is_not_echoed_by_a_client_in_line_mode)
{
	struct telnet_shm t = {0};
	const char *pending;

	CLIENT(&t, "general\r\n", DO TTYPE);
	telnet_hide(&t, true);
	CHECK_EQ(telnet_answers(&t, &pending), 0);
	CLIENT(&t, WILL TTYPE, DO NAWS WILL CHARSET SEND WILL ECHO);
	CLIENT(&t, DO ECHO IS("MUDLET 4.17") "secret\r\n", SEND);
	CHECK(!telnet_edits(&t));
	telnet_hide(&t, false);
	CLIENT(&t, DONT ECHO, WONT ECHO);
	telnet_hide(&t, true);
	CLIENT(&t, DONT ECHO, WILL ECHO);
	telnet_hide(&t, false);
	CLIENT(&t, "", "");
	CHECK(!telnet_edits(&t));
}

TEST(a_terminal_that_hid_a_password_goes_on_with_the_editor)
{
	struct telnet_shm t = {0};

	CLIENT(&t, WILL NAWS, DO NAWS DO TTYPE WILL CHARSET);
	telnet_hide(&t, true);
	CLIENT(&t, DO ECHO WILL TTYPE, WILL ECHO SEND);
	CHECK(!telnet_edits(&t));
	CLIENT(&t, IS("XTERM"), WILL SGA DO BINARY WILL BINARY);
	CHECK(telnet_edits(&t));
	telnet_hide(&t, false);
	CLIENT(&t, "", "");
	CHECK(telnet_edits(&t));
	telnet_hide(&t, true);
	CLIENT(&t, "", "");
	CHECK(telnet_edits(&t));
}

TEST(a_client_that_does_not_negotiate_is_not_asked_to_hide_a_password)
{
	struct telnet_shm t = {0};

	telnet_hide(&t, true);
	CLIENT(&t, "secret\n", "");
	telnet_hide(&t, false);
	CLIENT(&t, "", "");
}

static void
check_prompt_end(const struct telnet_shm *t, const char *end, size_t len)
{
	char out[TELNET_PROMPT_MAX];
	size_t n = telnet_prompt_end(t, out);

	CHECK_MEM(out, n, end, len);
}

TEST(a_prompt_ends_as_the_client_wants_it)
{
	struct telnet_shm t = {0};

	check_prompt_end(&t, TEXT(""));
	CLIENT(&t, DO EOR, WILL EOR DO TTYPE DO NAWS WILL CHARSET);
	check_prompt_end(&t, TEXT(IAC "\357"));
	CLIENT(&t, DONT EOR, WONT EOR);
	check_prompt_end(&t, TEXT(""));
	CLIENT(&t, WONT TTYPE, WILL ECHO WILL SGA DO BINARY WILL BINARY);
	check_prompt_end(&t, TEXT(""));
	CLIENT(&t, DONT SGA, "");
	check_prompt_end(&t, TEXT(IAC "\371"));
	CLIENT(&t, DO SGA, WILL SGA);
	check_prompt_end(&t, TEXT(""));
}
