/* SPDX-License-Identifier: MIT */
/*
 * Skeletons: what is left of a name when all that looks the same is the same.
 *
 * After UTS #39 (Unicode 15.0), "Confusable Detection", with a smaller table:
 * a character made of others (e with an acute) becomes these, marks on one
 * letter lose their order, letters, digits and signs that look like a Latin
 * letter or another sign (Cyrillic, Greek, fullwidth, mathematical) become
 * that one, and what shows nothing is left out.  The case of ASCII letters is
 * no difference, that of others is, as in names; which makes looking alike
 * depend on how a letter is written:
 *
 *      as written      looks like
 *      I               l  1  |
 *      1               l  I  |
 *      O               0
 *      rn              m
 *
 * and i is the same letter as I, but looks like none of them.  So there is
 * skeleton_alike, which is no equivalence (l and I are alike, I and i are, l
 * and i are not), and skeleton_hash, of an equivalence that is coarser.
 */
#ifndef SHARED_CHAT_SKELETON_H
#define SHARED_CHAT_SKELETON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/hash.h"
#include "shared/chat/limits.h"

/* No character of n bytes has more than 2 n signs. */
#define SKELETON_MAX (2 * LIMIT_NAME)

struct skeleton {
	uint32_t len;
	uint32_t signs[SKELETON_MAX];
};

/*
 * The skeleton of a name.  One that is none, or is too long, gives one, too,
 * which doesn't matter.  Nothing is left (len 0) of what shows nothing.
 */
void skeleton_make(struct skeleton *out, const char *name, size_t len);

/* Can the two be taken for each other?  Names that are equal can. */
bool skeleton_alike(const struct skeleton *a, const struct skeleton *b);

/* Have they the same hash whatever the key is?  They have if alike. */
bool skeleton_akin(const struct skeleton *a, const struct skeleton *b);

/* Keyed hash of what has skeletons that are akin. */
uint64_t skeleton_hash(
    const uint8_t key[HASH_KEY_BYTES], const struct skeleton *skeleton);

#endif
