/* SPDX-License-Identifier: MIT */
/* worker/complete: what the word before the cursor becomes. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/worker.h"
#include "worker/edit.h"
#include "worker/talk.h"

#define WORD_BYTES 128
#define NOTHING NULL

static struct test_worker t;
static char word[WORD_BYTES + 1];
static bool unique;

/* Alice, to whom the words belong, in slot 0. */
static void
begin(void)
{
	struct segment_params params = test_params();

	params.max_line = LIMIT_LINE_DEFAULT;
	params.ring_bytes = 1024 * 1024;
	test_worker(&t, &params);
	test_worker_join(&t, 0, "general", "Alice");
}

/* What the word becomes, in a place of `size` bytes; the cursor is at '|'. */
static const char *
complete_in(const char *typed, size_t size)
{
	size_t end = strcspn(typed, "|"), from = end, len = strlen(typed) - 1;
	/* Of that very size, so that more is seen by the sanitizer. */
	char *text = malloc(len + (len == 0)), *place = malloc(size);
	size_t n;

	CHECK(end <= len && text != NULL && place != NULL);
	memcpy(text, typed, end);
	memcpy(text + end, typed + end + 1, len - end);
	while (from > 0 && text[from - 1] != ' ')
		from--;
	n = complete_word(&t.w, 0, text, len, from, end, place, size, &unique);
	free(text);
	CHECK(n <= size);
	memcpy(word, place, n);
	word[n] = '\0';
	free(place);
	return n > 0 ? word : NOTHING;
}

static const char *
complete(const char *typed)
{
	return complete_in(typed, WORD_BYTES);
}

TEST(a_slash_at_the_beginning_is_a_command)
{
	begin();
	CHECK_STR(complete("/he|"), "/help ");
	CHECK(unique);
	CHECK_STR(complete("/HE|"), "/help ");
	CHECK_STR(complete("/q|"), "/quit ");
	CHECK_STR(complete("/j| general"), "/join");
	CHECK_STR(complete("/who|"), NOTHING); /* or /whoami */
	CHECK(!unique);
	CHECK_STR(complete("/wh|"), "/who");
	CHECK(!unique);
	CHECK_STR(complete("/|"), NOTHING);
	CHECK_STR(complete("/nosuch|"), NOTHING);
	CHECK_STR(complete("//he|"), NOTHING);
	CHECK_STR(complete(" /he|"), NOTHING);
	CHECK_STR(complete("|/help"), NOTHING);
}

/* Every command has a word of its own, which is the one typed. */
TEST(every_command_can_be_completed)
{
	char typed[WORD_BYTES], whole[WORD_BYTES];

	begin();
	for (size_t i = 0; command_name(i) != NULL; i++) {
		snprintf(typed, sizeof(typed), "/%s|", command_name(i));
		snprintf(whole, sizeof(whole), "/%s ", command_name(i));
		if (complete(typed) != NOTHING)
			CHECK_STR(word, whole);
		else if (strcmp(command_name(i), "ban") != 0) /* or bans */
			CHECK_STR(command_name(i), "who");    /* or whoami */
	}
}

TEST(a_name_is_that_of_somebody_in_the_room)
{
	begin();
	test_worker_join(&t, 1, "general", "Bartholomew");
	test_worker_join(&t, 2, "elsewhere", "Basil");
	CHECK_STR(complete("hello ba|"), "Bartholomew ");
	CHECK(unique);
	CHECK_STR(complete("hello b|, how are you?"), "Bartholomew ");
	CHECK_STR(complete("/msg B|"), "Bartholomew ");
	CHECK_STR(complete("/msg bar| hello"), "Bartholomew");
	CHECK_STR(complete("/ignore b|"), "Bartholomew ");
	CHECK_STR(complete("/me greets BAR|"), "Bartholomew ");
	CHECK_STR(complete("/nosuch b|"), "Bartholomew ");
	CHECK_STR(complete("hello bas|"), NOTHING);
	CHECK_STR(complete("hello bartholomews|"), NOTHING);
	CHECK_STR(complete("hello Bartholomew|"), "Bartholomew ");
	test_worker_say(&t, 0, "/join elsewhere\n");
	CHECK_STR(complete("hello ba|"), "Basil ");
	CHECK_STR(complete("hello bar|"), NOTHING);
}

TEST(a_name_at_the_beginning_is_who_is_spoken_to)
{
	begin();
	test_worker_join(&t, 1, "general", "Bob");
	CHECK_STR(complete("b|"), "Bob: ");
	CHECK_STR(complete("b| hello"), "Bob:");
	CHECK_STR(complete("b|hello"), "Bob: ");
	CHECK_STR(complete("|"), "Bob: ");
	CHECK_STR(complete(" b|"), "Bob ");
	CHECK_STR(complete("Bob:|"), NOTHING);
}

TEST(several_names_become_what_they_have_in_common)
{
	begin();
	test_worker_join(&t, 1, "general", "Christine");
	test_worker_join(&t, 2, "general", "christopher");
	CHECK_STR(complete("chr|"), "Christ");
	CHECK(!unique);
	CHECK_STR(complete("christ|"), NOTHING);
	CHECK_STR(complete("christi|"), "Christine: ");
	CHECK(unique);
	CHECK_STR(complete("|"), "Christ");
	test_worker_join(&t, 3, "general", "Dan");
	CHECK_STR(complete("|"), NOTHING);
}

/* What several have in common may end within a character. */
TEST(a_common_beginning_is_of_whole_characters)
{
	begin();
	test_worker_join(&t, 1, "general", "Ren\xc3\xa9");
	test_worker_join(&t, 2, "general", "Ren\xc3\xa8");
	CHECK_STR(complete("R|"), "Ren");
	CHECK_STR(complete("Ren|"), NOTHING);
	CHECK_STR(complete("Ren\xc3\xa8|"), "Ren\xc3\xa8: ");
	CHECK(unique);
}

TEST(nobody_is_asked_about_oneself_if_there_is_another)
{
	begin();
	CHECK_STR(complete("/msg a|"), "Alice ");
	test_worker_join(&t, 1, "general", "Ann");
	CHECK_STR(complete("/msg a|"), "Ann ");
	CHECK(unique);
	CHECK_STR(complete("/msg al|"), "Alice ");
}

TEST(a_room_stands_behind_join_and_who)
{
	begin();
	test_worker_join(&t, 1, "Garden", "Bob");
	CHECK_STR(complete("/join gar|"), "Garden ");
	CHECK(unique);
	CHECK_STR(complete("/join   GEN|"), "general ");
	CHECK_STR(complete("/JOIN gen|"), "general ");
	CHECK_STR(complete("/who gar|"), "Garden ");
	CHECK_STR(complete("/join g|"), NOTHING);
	CHECK_STR(complete("/join |"), "g");
	CHECK_STR(complete("/join b|"), NOTHING);
	CHECK_STR(complete("/join garden gen|"), NOTHING);
	test_worker_close(&t, 1);
	CHECK_STR(complete("/join g|"), "general ");
	CHECK_STR(complete("/join |"), "general ");
}

TEST(no_name_stands_where_none_belongs)
{
	begin();
	CHECK_STR(complete("/topic al|"), NOTHING);
	CHECK_STR(complete("/topic tea with al|"), NOTHING);
	CHECK_STR(complete("/nick al|"), NOTHING);
	CHECK_STR(complete("/help al|"), NOTHING);
}

TEST(what_has_no_place_is_no_completion)
{
	begin();
	CHECK_STR(complete_in("al|", 7), "Alice: ");
	CHECK_STR(complete_in("al|", 6), NOTHING);
	CHECK_STR(complete_in("/he|", 6), "/help ");
	CHECK_STR(complete_in("/he|", 5), NOTHING);
	CHECK_EQ(complete_word(&t.w, 0, "al", 2, 1, 3, word, 64, &unique), 0);
	CHECK_EQ(complete_word(&t.w, 0, "al", 2, 2, 1, word, 64, &unique), 0);
}

TEST(before_the_join_and_behind_the_end_nothing_is_completed)
{
	begin();
	session_row(&t.w, 0)->half.state = SESSION_NAME;
	CHECK_STR(complete("/he|"), NOTHING);
	CHECK_STR(complete("al|"), NOTHING);
	session_row(&t.w, 0)->half.state = SESSION_LEAVING;
	CHECK_STR(complete("al|"), NOTHING);
}

/* More rows than are looked at under one lock. */
TEST(the_last_row_of_a_large_table_is_found)
{
	struct segment_params params = test_params();
	struct session_shm *s;

	params.nslots = 5000;
	params.nrooms = 5000;
	test_worker(&t, &params);
	test_worker_join(&t, 0, "general", "Alice");
	s = &t.w.seg.sessions[params.nslots - 1];
	memcpy(s->name, "Zoe", 3);
	s->name_len = 3;
	t.w.seg.members[params.nslots - 1] = t.w.seg.members[0];
	memcpy(t.w.seg.rooms[params.nrooms - 1].name, "zoo", 3);
	t.w.seg.rooms[params.nrooms - 1].name_len = 3;
	t.w.seg.rooms[params.nrooms - 1].used = 1;
	CHECK_STR(complete("z|"), "Zoe: ");
	CHECK_STR(complete("/join z|"), "zoo ");
}

/* A process gone wrong may have put anything there. */
TEST(nonsense_in_the_tables_harms_nothing)
{
	struct session_shm *s;
	struct room_shm *r;

	begin();
	test_worker_join(&t, 1, "general", "Bob");
	s = session_row(&t.w, 1);
	r = &t.w.seg.rooms[t.w.seg.members[0].room];
	for (unsigned len = 0; len < 256; len++) {
		s->name_len = r->name_len = (uint8_t)len;
		memset(s->name, 'q', sizeof(s->name));
		memset(r->name, 'q', sizeof(r->name));
		CHECK_EQ(complete("q|") != NOTHING, len > 0 && len <= 32);
		CHECK_EQ(complete("/who q|") != NOTHING, len > 0 && len <= 64);
		memset(s->name, '\033', sizeof(s->name));
		memset(r->name, '\033', sizeof(r->name));
		CHECK_STR(complete("hello \033|"), NOTHING);
		CHECK_STR(complete("/join |"), NOTHING);
		CHECK_STR(complete("/join \033|"), NOTHING);
	}
	t.w.seg.members[0].room = 12345;
	CHECK_STR(complete("q|"), NOTHING);
	t.w.seg.members[0].room = NONE;
	CHECK_STR(complete("q|"), NOTHING);
}
