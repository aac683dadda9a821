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
#include "shared/base/log.h"
#include "shared/chat/name.h"

#define EXIT_USAGE 2

/* Tells the person; returns `code`. */
static int PRINTF_LIKE(2, 3) say(int code, const char *fmt, ...)
{
	va_list ap;

	fputs("chatmaster: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

bool
users_admin_wanted(const struct options *o)
{
	return o->hash_password || o->list_users || o->add_user[0] != '\0' ||
	       o->set_password[0] != '\0' || o->remove_user[0] != '\0';
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

static int
list_users(const struct options *o)
{
	struct users_file file;
	struct users_line line;
	char err[CONFIG_ERROR_MAX];
	size_t at = 0;

	if (users_file_read(&file, o->users_file, err, sizeof(err)) == -1)
		return say(EXIT_FAILURE, "%s", err);
	while (users_file_next(&file, &at, &line, NULL))
		printf("%.*s%s\n", (int)line.name_len, line.name,
		    line.is_operator ? "\toperator" : "");
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

enum wanted {
	WANT_NEW,
	WANT_OLD
};

static int
check_there(const struct users_file *file, const char *name, enum wanted wanted)
{
	bool is_there = users_file_find(file, name, NULL, NULL);

	if (is_there == (wanted == WANT_OLD))
		return EXIT_SUCCESS;
	return say(EXIT_FAILURE, "%s: user %s is %s there", file->path, name,
	    is_there ? "already" : "not");
}

/* Before a password is asked for in vain. */
static int
check_early(const char *path, const char *name, enum wanted wanted)
{
	struct users_file file;
	char err[CONFIG_ERROR_MAX];
	int r;

	if (!users_file_exists(path) && wanted == WANT_NEW)
		return EXIT_SUCCESS; /* it will be made */
	if (users_file_read(&file, path, err, sizeof(err)) == -1)
		return say(EXIT_FAILURE, "%s", err);
	r = check_there(&file, name, wanted);
	users_file_close(&file);
	return r;
}

/* Put `hash` behind the name, or with NULL take the name out. */
static int
change(const struct options *o, const char *name, enum wanted wanted,
    const char *hash)
{
	struct users_file file;
	char err[CONFIG_ERROR_MAX];
	int r;

	if (users_file_lock(&file, o->users_file, wanted == WANT_NEW, err,
		sizeof(err)) == -1)
		return say(EXIT_FAILURE, "%s", err);
	r = check_there(&file, name, wanted);
	if (r == EXIT_SUCCESS && users_file_put(&file, name, hash, o->operator,
				     err, sizeof(err)) == -1)
		r = say(EXIT_FAILURE, "%s", err);
	users_file_close(&file);
	return r;
}

/* With a password that is asked for. */
static int
give_password(const struct options *o, const char *name, enum wanted wanted)
{
	char hash[USERS_HASH_SIZE];
	int r = check_early(o->users_file, name, wanted);

	if (r == EXIT_SUCCESS)
		r = users_password_ask(hash);
	if (r == EXIT_SUCCESS)
		r = change(o, name, wanted, hash);
	explicit_bzero(hash, sizeof(hash));
	return r;
}

static unsigned
count_wanted(const struct options *o)
{
	return (unsigned)o->hash_password + o->list_users +
	       (o->add_user[0] != '\0') + (o->set_password[0] != '\0') +
	       (o->remove_user[0] != '\0');
}

int
users_admin_run(const struct options *o)
{
	const char *name = o->add_user;
	int r;

	if (count_wanted(o) > 1)
		return say(EXIT_USAGE, "one thing at a time");
	if (o->hash_password)
		return hash_password();
	if (o->users_file[0] == '\0')
		return say(EXIT_USAGE,
		    "which users-file? -c FILE or --users-file=FILE says so");
	if (o->list_users)
		return list_users(o);
	if (o->set_password[0] != '\0')
		name = o->set_password;
	if (o->remove_user[0] != '\0')
		name = o->remove_user;
	r = check_name(o, name);
	if (r != EXIT_SUCCESS)
		return r;
	if (name == o->remove_user)
		r = change(o, name, WANT_OLD, NULL);
	else
		r = give_password(
		    o, name, name == o->add_user ? WANT_NEW : WANT_OLD);
	if (r == EXIT_SUCCESS)
		puts("done; a running server takes it in at HUP");
	return r;
}
