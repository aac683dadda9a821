/* SPDX-License-Identifier: MIT */
/* Scripts: a table, searched by halves, and the sets that go together. */
#include "shared/chat/script.h"

#include <stdint.h>

#include "shared/base/base.h"
#include "shared/base/utf8.h"

struct script_range {
	uint32_t first, last;
	uint8_t script; /* SCRIPT_NONE: goes with any */
};

#include "shared/chat/script_table.h"

/* A set of scripts: bits for those that may be mixed. */
enum script_bit {
	BIT_LATIN = 1,
	BIT_HAN = 2,
	BIT_HIRAGANA = 4,
	BIT_KATAKANA = 8,
	BIT_BOPOMOFO = 16,
	BIT_HANGUL = 32,
};

static const unsigned mixtures[] = {
    BIT_LATIN | BIT_HAN | BIT_HIRAGANA | BIT_KATAKANA, /* Japanese */
    BIT_LATIN | BIT_HAN | BIT_BOPOMOFO,                /* Chinese */
    BIT_LATIN | BIT_HAN | BIT_HANGUL,                  /* Korean */
};

static unsigned
bit_of(unsigned script)
{
	switch (script) {
	case SCRIPT_LATIN:
		return BIT_LATIN;
	case SCRIPT_HAN:
		return BIT_HAN;
	case SCRIPT_HIRAGANA:
		return BIT_HIRAGANA;
	case SCRIPT_KATAKANA:
		return BIT_KATAKANA;
	case SCRIPT_BOPOMOFO:
		return BIT_BOPOMOFO;
	case SCRIPT_HANGUL:
		return BIT_HANGUL;
	}
	return 0;
}

static bool
is_mixture(unsigned bits)
{
	for (size_t i = 0; i < COUNT(mixtures); i++) {
		if ((bits & ~mixtures[i]) == 0)
			return true;
	}
	return false;
}

static const struct script_range *
find(uint32_t code)
{
	size_t low = 0, high = COUNT(scripts), mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (scripts[mid].last < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low < COUNT(scripts) && scripts[low].first <= code
		   ? &scripts[low]
		   : NULL;
}

/* A word, so far. */
struct word {
	unsigned script; /* its only one, or SCRIPT_NONE */
	unsigned bits;   /* what it mixes, if it does */
};

/* False if it can't go on like this. */
static bool
word_add(struct word *word, unsigned script)
{
	if (script == SCRIPT_NONE || script == word->script)
		return true;
	if (word->script == SCRIPT_NONE) {
		word->script = script;
		word->bits = bit_of(script);
		return true;
	}
	if (word->bits == 0 || bit_of(script) == 0)
		return false;
	word->bits |= bit_of(script);
	return is_mixture(word->bits);
}

bool
script_mixed(const char *s, size_t len)
{
	struct word word = {SCRIPT_NONE, 0};

	for (size_t i = 0; i < len;) {
		const struct script_range *range;
		uint32_t code;

		i += utf8_decode(s + i, len - i, &code);
		range = find(code);
		if (range == NULL)
			word = (struct word){SCRIPT_NONE, 0};
		else if (!word_add(&word, range->script))
			return true;
	}
	return false;
}
