/* SPDX-License-Identifier: MIT */
/*
 * Scripts: which writing systems a word is made of.
 */
#ifndef SHARED_CHAT_SCRIPT_H
#define SHARED_CHAT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does a word within `s` mix scripts as no language does?  What is allowed is
 * the "highly restrictive" level of UTS #39 (Unicode 15.0): one script, or
 * Latin with what Japanese, Chinese or Korean is written in.  A word is
 * letters, digits and marks; whatever else (-, _, ., ', emoji) ends it.  The
 * characters that all scripts share (digits among them) go with each.
 *
 * Of bytes that are no UTF-8 each maximal subpart ends a word.
 */
bool script_mixed(const char *s, size_t len);

#endif
