/* SPDX-License-Identifier: MIT */
/* See users_admin.h. */
#include "master/users_admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/access.h"
#include "master/users_file.h"
#include "master/users_password.h"
#include "shared/base/config.h"
#include "shared/base/log.h"
#include "shared/chat/name.h"

#define EXIT_USAGE 2

/* Tells the person; returns `code`. */
static int PRINTF_LIKE(2, 3) say(int code, const char *fmt, ...)
{
	char what[CONFIG_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	fprintf(stderr, "chatmaster: %s\n", what);
	return code;
}

bool
users_admin_wanted(const struct options *o)
{
	return o->hash_password || o->list_users || o->add_user[0] != '\0' ||
	       o->remove_user[0] != '\0';
}

static bool
has_file(const struct options *o)
{
	return strcmp(o->users_file, ACCESS_NO_FILE) != 0;
}

static int
hash_password(void)
{
	char hash[USERS_HASH_SIZE];
	int r = users_password_ask(hash);

	if (r == 0)
		puts(hash);
	return r;
}

static void
show(const char *name, size_t len, bool is_operator)
{
	printf("%.*s%s\n", (int)len, name, is_operator ? " (operator)" : "");
}

/* Those of the configuration, and those of the file, if one is named. */
static int
list_users(const struct options *o)
{
	struct users_file file;
	struct users_line line;
	char err[CONFIG_ERROR_MAX];
	size_t at = 0;

	if (has_file(o) &&
	    users_file_read(&file, o->users_file, err, sizeof(err)) == -1)
		return say(EXIT_FAILURE, "%s", err);
	for (uint32_t i = 0; i < o->access.nusers; i++)
		show(o->access.users[i].name, o->access.users[i].name_len,
		    o->access.users[i].is_operator);
	if (!has_file(o))
		return EXIT_SUCCESS;
	while (users_file_next(&file, &at, &line, NULL))
		show(line.name, line.name_len, line.is_operator);
	users_file_close(&file);
	return EXIT_SUCCESS;
}

/* The name is a name, and not one that the configuration has a section for. */
static int
check_name(const struct options *o, const char *name)
{
	const char *wrong = name_check(name, strlen(name));
	char shown[LOG_QUOTED(LIMIT_NAME)];

	log_quote(shown, sizeof(shown), name, strlen(name));
	if (wrong != NULL)
		return say(EXIT_USAGE, "%s %s", shown, wrong);
	if (access_find_user(&o->access, name, strlen(name)) != UINT32_MAX)
		return say(EXIT_USAGE,
		    "user %s has a section in the configuration", shown);
	return EXIT_SUCCESS;
}

/* Before a password is asked for in vain: could the file be changed? */
static int
check_file(const char *path)
{
	struct users_file file;
	char err[CONFIG_ERROR_MAX];

	if (!users_file_exists(path))
		return EXIT_SUCCESS; /* it will be made */
	if (users_file_read(&file, path, err, sizeof(err)) == -1)
		return say(EXIT_FAILURE, "%s", err);
	users_file_close(&file);
	return EXIT_SUCCESS;
}

/* Put `hash` behind the name, or with NULL take the name out. */
static int
change(const struct options *o, const char *name, const char *hash)
{
	struct users_file file;
	char err[CONFIG_ERROR_MAX];
	int r = EXIT_SUCCESS;

	if (users_file_lock(
		&file, o->users_file, hash != NULL, err, sizeof(err)) == -1)
		return say(EXIT_FAILURE, "%s", err);
	if (hash == NULL && !users_file_find(&file, name, NULL, NULL))
		r = say(
		    EXIT_FAILURE, "%s: user %s is not there", file.path, name);
	else if (users_file_put(
		     &file, name, hash, o->is_operator, err, sizeof(err)) == -1)
		r = say(EXIT_FAILURE, "%s", err);
	users_file_close(&file);
	return r;
}

static int
add_user(const struct options *o)
{
	char hash[USERS_HASH_SIZE];
	int r = check_name(o, o->add_user);

	if (r == EXIT_SUCCESS)
		r = check_file(o->users_file);
	if (r == EXIT_SUCCESS)
		r = users_password_ask(hash);
	if (r == EXIT_SUCCESS)
		r = change(o, o->add_user, hash);
	explicit_bzero(hash, sizeof(hash));
	return r;
}

int
users_admin_run(const struct options *o)
{
	unsigned wanted = (unsigned)o->hash_password + o->list_users +
			  (o->add_user[0] != '\0') +
			  (o->remove_user[0] != '\0');
	int r;

	if (wanted > 1)
		return say(EXIT_USAGE, "one thing at a time");
	if (o->hash_password)
		return hash_password();
	if (o->list_users)
		return list_users(o);
	if (!has_file(o))
		return say(EXIT_USAGE,
		    "which users-file? -c FILE or --users-file=FILE says so");
	if (o->add_user[0] != '\0')
		return add_user(o);
	r = check_name(o, o->remove_user);
	return r == EXIT_SUCCESS ? change(o, o->remove_user, NULL) : r;
}
