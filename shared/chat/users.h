/* SPDX-License-Identifier: MIT */
/*
 * The file of registered users: text, a line each,
 *
 *   NAME:HASH
 *   NAME:HASH:operator
 *
 * where HASH is what crypt(3) makes of a password.  A line that begins with #
 * is a comment; blank ones are skipped.
 */
#ifndef SHARED_CHAT_USERS_H
#define SHARED_CHAT_USERS_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a hash, at most; those of today's methods have up to 130. */
#define USERS_HASH_MAX 383

/* A line, whose parts lie in the text that was given. */
struct users_line {
	const char *name, *hash;
	size_t name_len, hash_len;
	bool is_operator;
};

/*
 * Take a line apart, without its LF.  Returns 1, 0 for a blank line or a
 * comment, or -1 with *why: what is wrong, a constant that holds nothing of
 * the line.  Pure.
 */
int users_parse(
    const char *text, size_t len, struct users_line *line, const char **why);

/*
 * Does the text have the form of a hash that users_parse takes: a method that
 * is named ($y$, $6$, $2b$ ...), with salt and hash behind it?  Whether
 * libcrypt knows the method is for crypt_checksalt(3) to say.  Pure.
 */
bool users_hash_is_sound(const char *hash, size_t len);

#endif
