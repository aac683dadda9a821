/* SPDX-License-Identifier: MIT */
/* shared/chat/name. */
#include "tests/harness/test.h"

#include <string.h>

#include "shared/chat/limits.h"
#include "shared/chat/name.h"

static const char *
name(const char *s)
{
	return name_check(s, strlen(s));
}

static const char *
room(const char *s)
{
	return room_check(s, strlen(s));
}

TEST(usual_names_are_names)
{
	static const char *const good[] = {"a", "Alice", "Bob-2", "o'Neill",
	    "Jürgen", "李雷", "שרה", "🌟", "x*[/", "a.b@c", "--", "<b>",
	    "\u0301"};

	for (size_t i = 0; i < COUNT(good); i++) {
		CHECK_STR(name(good[i]), NULL);
		CHECK_STR(room(good[i]), NULL);
	}
}

TEST(names_are_1_to_32_bytes_and_rooms_1_to_64)
{
	char s[LIMIT_ROOM + 1];

	memset(s, 'x', sizeof(s));
	CHECK_STR(name_check(s, 0), "is empty");
	CHECK_STR(room_check(s, 0), "is empty");
	CHECK_STR(name_check(s, 32), NULL);
	CHECK_STR(name_check(s, 33), "is longer than 32 bytes");
	CHECK_STR(room_check(s, 64), NULL);
	CHECK_STR(room_check(s, 65), "is longer than 64 bytes");
}

TEST(what_would_make_a_line_ambiguous_is_for_rooms_only)
{
	static const char *const lead[] = {"*a", "[a", "/a", "*", "[", "/"};

	for (size_t i = 0; i < COUNT(lead); i++) {
		CHECK_STR(name(lead[i]), "begins with \"*\", \"[\" or \"/\"");
		CHECK_STR(room(lead[i]), NULL);
	}
	CHECK_STR(name("a:b"), "holds \":\"");
	CHECK_STR(name(":"), "holds \":\"");
	CHECK_STR(room("a:b"), NULL);
}

TEST(white_space_of_any_script_is_refused)
{
	static const char *const space[] = {" ", "\t", "\n", "\v", "\f", "\r",
	    "\302\205", "\u00a0", "\u1680", "\u2000", "\u2005", "\u200a",
	    "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

	for (size_t i = 0; i < COUNT(space); i++) {
		char s[8] = "a";

		strcat(s, space[i]);
		CHECK_STR(name(s), "holds white space");
		CHECK_STR(room(s), "holds white space");
		CHECK_STR(name(space[i]), "holds white space");
	}
}

TEST(controls_are_refused)
{
	CHECK_STR(name_check("a\0b", 3), "holds a control character");
	CHECK_STR(room("a\x1b[m"), "holds a control character");
	CHECK_STR(name("a\x7f"), "holds a control character");
	CHECK_STR(room("a\302\233"), "holds a control character");
}

TEST(invisible_characters_are_refused)
{
	static const char *const format[] = {"\u00ad", "\u0600", "\u0605",
	    "\u061c", "\u06dd", "\u070f", "\u0890", "\u08e2", "\u180e",
	    "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202a",
	    "\u202e", "\u2060", "\u2064", "\u2066", "\u2069", "\u206f",
	    "\ufeff", "\ufff9", "\ufffb", "\U000110bd", "\U000110cd",
	    "\U00013430", "\U0001343f", "\U0001bca0", "\U0001d17a",
	    "\U000e0001", "\U000e0020", "\U000e007f"};

	for (size_t i = 0; i < COUNT(format); i++) {
		CHECK_STR(
		    name(format[i]), "holds an invisible format character");
		CHECK_STR(
		    room(format[i]), "holds an invisible format character");
	}
}

TEST(private_use_and_noncharacters_are_refused)
{
	static const char *const private_use[] = {"\ue000", "\uf8ff",
	    "\U000f0000", "\U000ffffd", "\U00100000", "\U0010fffd"};
	static const char *const nonchars[] = {
	    "\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff"};

	for (size_t i = 0; i < COUNT(private_use); i++)
		CHECK_STR(
		    name(private_use[i]), "holds a private-use character");
	for (size_t i = 0; i < COUNT(nonchars); i++)
		CHECK_STR(room(nonchars[i]), "holds a noncharacter");
	CHECK_STR(name("\ufffd"), NULL);
}

TEST(nothing_is_repaired_in_a_name)
{
	CHECK_STR(name("caf\xe9"), "is not valid UTF-8");
	CHECK_STR(room("\xc0\x80"), "is not valid UTF-8");
	CHECK_STR(name("\xed\xa0\x80"), "is not valid UTF-8");
	CHECK_STR(room("\xf4\x90\x80\x80"), "is not valid UTF-8");
	CHECK_STR(name("a\xe2\x82"), "is not valid UTF-8");
}

TEST(names_compare_without_ascii_case_and_exactly_else)
{
	CHECK(name_equal("Alice", 5, "aLICE", 5));
	CHECK(name_equal("", 0, "", 0));
	CHECK(!name_equal("Alice", 5, "Alic", 4));
	CHECK(!name_equal("Alice", 5, "Alicf", 5));
	CHECK(!name_equal("Ü", 2, "ü", 2));
	CHECK(name_equal("JÜ", 3, "jÜ", 3));
	/* The neighbours of the letters. */
	CHECK(!name_equal("@[`{", 4, "`{@[", 4));
}

TEST(eight_combining_marks_in_a_row_are_the_most)
{
	CHECK_STR(
	    name("a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308"), NULL);
	CHECK_STR(
	    name("a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309"),
	    "holds more than 8 combining marks in a row");
	CHECK_STR(
	    room("a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308\u0309"),
	    "holds more than 8 combining marks in a row");
}

TEST(what_a_name_is_and_what_may_be_taken_are_two_questions)
{
	static const struct {
		const char *name;
		enum name_fault fault;
	} cases[] = {
	    {"Alice", NAME_FINE},
	    {"山田タロウ", NAME_FINE},
	    {"", NAME_NONE},
	    {"a b", NAME_NONE},
	    {"*a", NAME_NONE},
	    {"Аlice", NAME_MIXED},
	    {"\u3164", NAME_UNSEEN},
	    {"\u2800\u2800", NAME_UNSEEN},
	    {"\ufe0f", NAME_UNSEEN},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *s = cases[i].name;

		CHECK_EQ(name_fault(s, strlen(s)), cases[i].fault);
		CHECK((name(s) != NULL) == (cases[i].fault == NAME_NONE));
	}
}
