/* SPDX-License-Identifier: MIT */
/* shared/chat/skeleton. */
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "shared/base/utf8.h"
#include "shared/chat/name.h"
#include "shared/chat/skeleton.h"

static const uint8_t key[HASH_KEY_BYTES] = "a key for names";

static struct skeleton
made(const char *name)
{
	struct skeleton s;

	skeleton_make(&s, name, strlen(name));
	return s;
}

/* Alike or not, the same in both directions; and what follows from it. */
static void
check(const char *one, const char *other, bool alike)
{
	struct skeleton a = made(one), b = made(other);

	if (skeleton_alike(&a, &b) != alike)
		fprintf(stderr, "%s, %s\n", one, other);
	CHECK(skeleton_alike(&a, &b) == alike);
	CHECK(skeleton_alike(&b, &a) == alike);
	if (alike)
		CHECK(skeleton_akin(&a, &b));
	if (skeleton_akin(&a, &b))
		CHECK_EQ(skeleton_hash(key, &a), skeleton_hash(key, &b));
}

TEST(names_that_look_the_same_are_alike)
{
	static const char *const pairs[][2] = {
	    {"Alice", "Alice"},
	    {"Alice", "aLICE"},
	    {"Alice", "AIice"},         /* capital i */
	    {"Alice", "A1ice"},         /* one */
	    {"Alice", "A|ice"},         /* bar */
	    {"Ian", "lan"},             /* small l */
	    {"Bob1", "Bobl"},           /* small l */
	    {"Bob1", "BobI"},           /* capital i */
	    {"BOB", "B0B"},             /* zero */
	    {"A10", "A1O"},             /* capital o */
	    {"Admin", "Adrnin"},        /* r, n */
	    {"Alice", "Аӏісе"},         /* Cyrillic */
	    {"ACE", "АСЕ"},             /* Cyrillic */
	    {"cope", "соре"},           /* Cyrillic */
	    {"COPE", "соре"},           /* Cyrillic */
	    {"TOM", "ΤΟΜ"},             /* Greek */
	    {"NIKOS", "ΝΙΚΟ\u0405"},    /* Greek, Cyrillic */
	    {"oo", "օօ"},               /* Armenian */
	    {"DAVE", "ᎠᎪᏙᎬ"},           /* Cherokee */
	    {"BEN", "ꓐꓰꓠ"},             /* Lisu */
	    {"Alice", "Ａｌｉｃｅ"},    /* fullwidth */
	    {"Bob10", "Ｂｏｂ１０"},    /* fullwidth */
	    {"Alice", "𝐀𝐥𝐢𝐜𝐞"},         /* mathematical */
	    {"Alice", "𝒜𝓁𝒾𝒸ℯ"},         /* script */
	    {"Alice", "Ⓐⓛⓘⓒⓔ"},         /* in circles */
	    {"user7", "user𝟟"},         /* double-struck */
	    {"Alice", "Alıce"},         /* dotless i */
	    {"Alice", "Ali̇ce"},         /* a dot on the dot */
	    {"gabi", "ɡɑbi"},           /* phonetic */
	    {"Jürgen", "Ju\u0308rgen"}, /* the same, decomposed */
	    {"JÜRGEN", "Ju\u0308rgen"},
	    {"jü", "JU\u0308"},
	    {"ace", "АСЕ"},
	    {"İpek", "ipek"},
	    {"Đức", "Đu\u031b\u0301c"},
	    {"Ngọc", "Ngo\u0323c"},
	    {"Huệ", "Hue\u0323\u0302"},
	    {"Huệ", "Hue\u0302\u0323"},
	    {"각하", "\u1100\u1161\u11a8\u1112\u1161"},
	    {"ガス", "カ\u3099ス"},
	    {"Ёлка", "Е\u0308лка"},
	    {"ёе", "ëe"}, /* Cyrillic */
	    {"o'Neill", "o’Neill"},
	    {"a-b", "a‐b"}, /* hyphen */
	    {"a-b", "a−b"}, /* minus */
	    {"a_b", "a＿b"},
	    {"Bob", "Bo\ufe0fb"}, /* variation selector */
	    {"Bob", "Bob\u3164"}, /* Hangul filler */
	    {"Bob", "B\u034fob"}, /* grapheme joiner */
	    {"Bob", "Bob\u2800"}, /* Braille blank */
	    {"❤", "❤\ufe0f"},
	    {"file", "ﬁle"}, /* ligature */
	    {"aeon", "æon"},
	};

	for (size_t i = 0; i < COUNT(pairs); i++)
		check(pairs[i][0], pairs[i][1], true);
}

TEST(names_that_look_different_are_not)
{
	static const char *const pairs[][2] = {
	    {"Alice", "Alicia"},
	    {"Alice", "Alic"},
	    {"Eila", "Ella"},
	    {"Aila", "Alla"},
	    {"Milla", "Miila"},
	    {"Bob1", "Bobi"},
	    {"BOB1", "BOBL"},
	    {"Bob1", "Bob2"},
	    {"Bob10", "Bob01"},
	    {"Bob0", "Bobo"},
	    {"Arno", "Amos"},
	    {"ARNO", "Amo"},
	    {"Jürgen", "Jurgen"},
	    {"Änne", "änne"},
	    {"АСЕ", "асе"},
	    {"Ａ", "ａ"},
	    {"Ñ", "ñ"},
	    {"Müller", "Mueller"},
	    {"Ayşe", "Ayse"},
	    {"Hoa", "Hòa"},
	    {"Hoa", "Hóa"},
	    {"Анна", "Anna"},
	    {"Иван", "Ivan"},
	    {"Ольга", "Оля"},
	    {"Γιώργος", "Giorgos"},
	    {"李雷", "李磊"},
	    {"サトシ", "さとし"},
	    {"ハ", "パ"},
	    {"ハ", "バ"},
	    {"שרה", "שרי"},
	    {"محمد", "محمود"},
	    {"राम", "रामा"},
	    {"🌟", "⭐"},
	    {"👍🏽", "👍"},
	};

	for (size_t i = 0; i < COUNT(pairs); i++)
		check(pairs[i][0], pairs[i][1], false);
}

TEST(what_only_looks_alike_by_way_of_a_third_is_akin)
{
	struct skeleton i = made("i"), l = made("l"), big = made("I");

	CHECK(skeleton_alike(&i, &big) && skeleton_alike(&big, &l));
	CHECK(!skeleton_alike(&i, &l) && skeleton_akin(&i, &l));
	i = made("rn");
	l = made("M");
	CHECK(!skeleton_alike(&i, &l) && skeleton_akin(&i, &l));
	CHECK(!skeleton_akin(&i, &big));
}

TEST(equal_names_are_alike_whatever_ascii_they_are_of)
{
	for (unsigned n = 0; n < 128 * 128; n++) {
		char name[2] = {(char)(n / 128), (char)(n % 128)};
		char swapped[2] = {name[0], name[1]};
		struct skeleton a, b;

		for (size_t i = 0; i < 2; i++) {
			if ((name[i] >= 'a' && name[i] <= 'z') ||
			    (name[i] >= 'A' && name[i] <= 'Z'))
				swapped[i] ^= 32;
		}
		skeleton_make(&a, name, 2);
		for (unsigned mask = 0; mask < 4; mask++) {
			char other[2] = {mask & 1 ? swapped[0] : name[0],
			    mask & 2 ? swapped[1] : name[1]};

			CHECK(name_equal(name, 2, other, 2));
			skeleton_make(&b, other, 2);
			CHECK(skeleton_alike(&a, &b));
			CHECK(skeleton_akin(&a, &b));
			CHECK_EQ(
			    skeleton_hash(key, &a), skeleton_hash(key, &b));
		}
	}
}

/* As many as a name can hold: none overruns the room for signs. */
TEST(each_character_fits_and_is_like_itself)
{
	for (uint32_t code = 0x80; code < 0x110000; code++) {
		char name[LIMIT_NAME + 4];
		struct skeleton s;
		size_t n = 0, bytes;
		uint32_t got;

		if (code >= 0xd800 && code < 0xe000)
			continue;
		bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
		for (size_t i = 0; i < bytes; i++) {
			uint32_t part = code >> 6 * (bytes - 1 - i);

			name[i] = i > 0        ? (char)(0x80 | (part & 63))
				  : bytes == 2 ? (char)(0xc0 | part)
				  : bytes == 3 ? (char)(0xe0 | part)
					       : (char)(0xf0 | part);
		}
		CHECK_EQ(utf8_decode(name, bytes, &got), bytes);
		CHECK_EQ(got, code);
		skeleton_make(&s, name, bytes);
		CHECK(s.len <= 2 * bytes);
		for (n = bytes; n + bytes <= LIMIT_NAME; n += bytes)
			memcpy(name + n, name, bytes);
		skeleton_make(&s, name, n);
		CHECK(s.len <= SKELETON_MAX);
		CHECK(skeleton_alike(&s, &s));
	}
}

TEST(what_shows_nothing_leaves_nothing)
{
	CHECK_EQ(made("").len, 0);
	CHECK_EQ(made("\u3164").len, 0);
	CHECK_EQ(made("\u2800\ufe0f\u034f\U000e0100").len, 0);
	CHECK_EQ(made("\xff\xfe").len, 0);
}
