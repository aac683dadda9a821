/* SPDX-License-Identifier: MIT */
/* See auth_admin.h. */
#include "master/auth_admin.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "shared/chat/limits.h"
#include "shared/chat/name.h"
#include "shared/chat/users.h"

#define EXIT_USAGE 2
#define METHOD "$y$" /* yescrypt, as costly as libcrypt thinks right */

static _Noreturn void
fail(int code, const char *what, const char *why)
{
	fprintf(stderr, "chatmaster: %s%s%s\n", what, why ? ": " : "",
	    why ? why : "");
	exit(code);
}

/* A line without echo, if it is a terminal.  Ends in NUL, without its LF. */
static void
read_line(const char *prompt, char *line, size_t size)
{
	bool terminal = isatty(STDIN_FILENO);
	struct termios was, hidden;
	size_t len;

	if (terminal && tcgetattr(STDIN_FILENO, &was) == 0) {
		fputs(prompt, stderr);
		hidden = was;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	if (fgets(line, (int)size, stdin) == NULL)
		line[0] = '\0';
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		fputs("\n", stderr);
	}
	len = strcspn(line, "\r\n");
	if (len == strlen(line) && len + 1 == size)
		fail(EXIT_USAGE, "that password is too long", NULL);
	line[len] = '\0';
}

/* A password is what clients can send: blanks only within it. */
static void
read_password(char password[LIMIT_PASSWORD + 3])
{
	char again[LIMIT_PASSWORD + 3];
	size_t len;

	read_line("Password: ", password, LIMIT_PASSWORD + 3);
	len = strlen(password);
	if (len == 0)
		fail(EXIT_USAGE, "no password was given", NULL);
	if (len > LIMIT_PASSWORD)
		fail(EXIT_USAGE, "that password is too long", NULL);
	if (strchr(" \t", password[0]) || strchr(" \t", password[len - 1]))
		fail(EXIT_USAGE, "a password begins and ends with no blank",
		    NULL);
	if (!isatty(STDIN_FILENO))
		return;
	read_line("Again: ", again, sizeof(again));
	if (strcmp(password, again) != 0)
		fail(EXIT_USAGE, "those are two different passwords", NULL);
	explicit_bzero(again, sizeof(again));
}

/* Its hash, in memory of crypt's. */
static const char *
make_hash(void)
{
	char password[LIMIT_PASSWORD + 3];
	const char *setting = crypt_gensalt(METHOD, 0, NULL, 0);
	static struct crypt_data data; /* large */
	const char *hash;

	if (setting == NULL)
		fail(EXIT_FAILURE, "crypt_gensalt", strerror(errno));
	read_password(password);
	hash = crypt_r(password, setting, &data);
	explicit_bzero(password, sizeof(password));
	if (hash == NULL || hash[0] == '*')
		fail(EXIT_FAILURE, "crypt", strerror(errno));
	return hash;
}

/* The file of users, locked against another one of us, and its new one. */
struct edit {
	const char *path;
	char tmp[PATH_SIZE + 8];
	FILE *old, *new; /* old is NULL where there was none */
	int lock;
	bool found;
};

static void
edit_begin(struct edit *e, const char *path)
{
	char folder[PATH_SIZE], *slash;
	struct stat st;
	int fd;

	e->path = path;
	if (strcmp(path, ACCESS_NO_FILE) == 0)
		fail(EXIT_USAGE, "users-file: is not given", NULL);
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder] = '\0';
	e->lock = open(slash != NULL ? folder : ".", O_RDONLY | O_CLOEXEC);
	if (e->lock == -1 || flock(e->lock, LOCK_EX) == -1)
		fail(EXIT_FAILURE, path, strerror(errno));
	e->old = fopen(path, "re");
	if (e->old == NULL && errno != ENOENT)
		fail(EXIT_FAILURE, path, strerror(errno));
	snprintf(e->tmp, sizeof(e->tmp), "%s.new", path);
	unlink(e->tmp);
	fd = open(
	    e->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	e->new = fd != -1 ? fdopen(fd, "w") : NULL;
	if (e->new == NULL)
		fail(EXIT_FAILURE, e->tmp, strerror(errno));
	/* It stays whose it was, if we may give it away. */
	if (e->old != NULL && fstat(fileno(e->old), &st) == 0 &&
	    (st.st_uid != geteuid() || st.st_gid != getegid()) &&
	    fchown(fd, st.st_uid, st.st_gid) == -1)
		fail(EXIT_FAILURE, e->tmp, strerror(errno));
}

static void
write_user(struct edit *e, const char *name, const char *hash, bool op)
{
	fprintf(e->new, "%s:%s%s\n", name, hash, op ? ":operator" : "");
}

/* Copy all lines but the user's, in whose place comes another, or nothing. */
static void
edit_copy(struct edit *e, const char *name, const char *hash, bool op)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while (e->old != NULL && (n = getline(&line, &size, e->old)) > 0) {
		struct users_line user;
		size_t len = (size_t)n - (line[n - 1] == '\n');
		const char *why;
		bool same =
		    users_parse(line, len, &user, &why) == 1 &&
		    name_equal(user.name, user.name_len, name, strlen(name));

		if (!same)
			fprintf(e->new, "%.*s\n", (int)len, line);
		else if (hash != NULL && !e->found)
			write_user(e, name, hash, op);
		e->found |= same;
		explicit_bzero(line, size);
	}
	free(line);
	if (hash != NULL && !e->found)
		write_user(e, name, hash, op);
}

static void
edit_end(struct edit *e)
{
	if (fflush(e->new) != 0 || ferror(e->new) ||
	    fsync(fileno(e->new)) == -1 || rename(e->tmp, e->path) == -1) {
		int error = errno;

		unlink(e->tmp);
		fail(EXIT_FAILURE, e->path, strerror(error));
	}
	fclose(e->new);
	if (e->old != NULL)
		fclose(e->old);
	fsync(e->lock);
	close(e->lock);
}

static void
set_user(const struct options *o, const char *name, const char *hash, bool op)
{
	struct edit e = {0};

	edit_begin(&e, o->users_file);
	edit_copy(&e, name, hash, op);
	if (hash == NULL && !e.found) {
		unlink(e.tmp);
		fail(EXIT_FAILURE, name, "is not in the file");
	}
	edit_end(&e);
}

static void
list_users(const struct options *o)
{
	for (uint32_t i = 0; i < o->access.nusers; i++) {
		const struct policy_user *u = &o->access.users[i];

		printf("%.*s%s\n", u->name_len, u->name,
		    u->is_operator ? " (operator)" : "");
	}
}

void
auth_admin(const struct options *o)
{
	const char *wrong = NULL;

	if (o->add_user[0] != '\0')
		wrong = name_check(o->add_user, strlen(o->add_user));
	if (wrong != NULL)
		fail(EXIT_USAGE, "add-user: a name", wrong);
	if (o->hash_password)
		puts(make_hash());
	else if (o->add_user[0] != '\0')
		set_user(o, o->add_user, make_hash(), o->is_operator);
	else if (o->remove_user[0] != '\0')
		set_user(o, o->remove_user, NULL, false);
	else if (o->list_users)
		list_users(o);
	else
		return;
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
