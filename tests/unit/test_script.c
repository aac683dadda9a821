/* SPDX-License-Identifier: MIT */
/* shared/chat/script. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "shared/chat/script.h"

static void
check(const char *s, bool mixed)
{
	if (script_mixed(s, strlen(s)) != mixed)
		fprintf(stderr, "%s\n", s);
	CHECK(script_mixed(s, strlen(s)) == mixed);
}

TEST(names_of_one_script_mix_none)
{
	static const char *const good[] = {"", "Alice", "Jürgen", "Şükrü",
	    "İbrahim", "Ngọc-Hân", "Nguye\u0302\u0303n", "François", "Łukasz",
	    "Þórður", "Ольга", "Ђорђе", "Ні\u0301на", "Γιώργος", "Ἀχιλλεύς",
	    "Արմեն", "გიორგი", "שרה", "שָׂרָה", "محمد", "مُحَمَّد", "پریسا", "فاطمة٣",
	    "สมชาย", "ก้อง", "राम", "श्रीकृष्ण", "অনিতা", "தமிழ்", "ສົມ", "មករា",
	    "မြ", "བཀྲ་ཤིས", "አበበ", "ꮳꮃꭹ", "🌟", "👍🏽", "❤️",
	    "1️⃣", "123", "--", "_", "٣٤"};

	for (size_t i = 0; i < COUNT(good); i++)
		check(good[i], false);
}

TEST(what_chinese_japanese_and_korean_mix_is_mixed_by_right)
{
	static const char *const good[] = {"李雷", "山田太郎", "サトシ",
	    "ひろし", "山田タロウ", "お茶の水", "ラーメン", "Aさん",
	    "Tシャツ屋", "時々", "김철수", "金철수", "K팝", "ㄅㄆ", "李ㄅ",
	    "AㄅB", "Ａ子"};

	for (size_t i = 0; i < COUNT(good); i++)
		check(good[i], false);
}

TEST(words_of_different_scripts_may_stand_side_by_side)
{
	static const char *const good[] = {"Anna-Анна", "Bob_Боб", "Γ.Smith",
	    "O'Нил", "Bob🌟Боб", "سارة-Sara", "a·б"};

	for (size_t i = 0; i < COUNT(good); i++)
		check(good[i], false);
}

TEST(other_mixtures_within_a_word_are_none_of_any_language)
{
	static const char *const bad[] = {"Аlice", "Alicе", "Bоb", "pаypal",
	    "Ρaul", "Αlice", "Κоля", "Bob1боб", "Bob\u0301Боб", "Aliсe-Bob",
	    "Bob-Aliсe", "Aא", "Aا", "Aก", "aक", "ꓮlice", "Ꭺlice", "ひ김",
	    "ㄅひ", "ㄅ김", "李б", "ひα", "Αл", "Լиa", "カka김"};

	for (size_t i = 0; i < COUNT(bad); i++)
		check(bad[i], true);
}

TEST(bytes_that_are_no_text_do_no_harm)
{
	CHECK(!script_mixed("a\xff\xd0\xb0", 4));
	CHECK(!script_mixed("\xd0", 1));
}
