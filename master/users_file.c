/* SPDX-License-Identifier: MIT */
/* See users_file.h. */
#include "master/users_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "shared/base/base.h"
#include "shared/base/fault.h"
#include "shared/chat/limits.h"
#include "shared/chat/name.h"

#define FILE_MAX (64u << 20) /* bytes */
#define LINE_ROOM (LIMIT_NAME + USERS_HASH_MAX + sizeof("::operator\n\n"))

/* Returns -1. */
static int
complain(
    const struct users_file *f, const char *what, char *err, size_t errsize)
{
	snprintf(err, errsize, "%s: %s", f->path, what);
	return -1;
}

bool
users_file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

void
users_file_close(struct users_file *f)
{
	if (f->text != NULL)
		explicit_bzero(f->text, f->len);
	free(f->text);
	f->text = NULL;
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
}

/* Closes; returns -1. */
static int
give_up(struct users_file *f, const char *what, char *err, size_t errsize)
{
	complain(f, what, err, errsize);
	users_file_close(f);
	return -1;
}

static const char *
find_wrong(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	/* root administers files of those that servers run as. */
	if (st->st_uid != 0 && st->st_uid != geteuid() && geteuid() != 0)
		return "belongs to somebody else";
	if ((st->st_mode & 077) != 0)
		return "may be read by others (chmod 600)";
	if (st->st_size > (off_t)FILE_MAX)
		return "is too large";
	return NULL;
}

static int
check_lines(struct users_file *f, char *err, size_t errsize)
{
	unsigned number = 0;

	for (size_t i = 0; i < f->len;) {
		const char *lf = memchr(f->text + i, '\n', f->len - i);
		size_t len = lf ? (size_t)(lf - f->text) - i : f->len - i;
		struct users_line line;
		const char *why;

		number++;
		if (users_parse(f->text + i, len, &line, &why) == -1) {
			snprintf(
			    err, errsize, "%s:%u: %s", f->path, number, why);
			users_file_close(f);
			return -1;
		}
		i += len + 1;
	}
	return 0;
}

/* What the open file holds. */
static int
load(struct users_file *f, char *err, size_t errsize)
{
	const char *wrong = NULL;
	ssize_t n = 0;

	if (fstat(f->fd, &f->st) == -1)
		wrong = strerror(errno);
	else
		wrong = find_wrong(&f->st);
	if (wrong != NULL)
		return give_up(f, wrong, err, errsize);
	f->text = malloc((size_t)f->st.st_size + 1);
	if (f->text == NULL)
		return give_up(f, strerror(errno), err, errsize);
	while (f->len < (size_t)f->st.st_size) {
		n = read(
		    f->fd, f->text + f->len, (size_t)f->st.st_size - f->len);
		if (n <= 0)
			break;
		f->len += (size_t)n;
	}
	if (n == -1)
		return give_up(f, strerror(errno), err, errsize);
	return check_lines(f, err, errsize);
}

/* The file itself, where `path` is a link to it: that is what is replaced. */
static void
begin(struct users_file *f, const char *path)
{
	char *real = realpath(path, NULL);

	*f = (struct users_file){.fd = -1};
	snprintf(f->path, sizeof(f->path), "%s", real != NULL ? real : path);
	free(real);
}

int
users_file_read(
    struct users_file *f, const char *path, char *err, size_t errsize)
{
	begin(f, path);
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f->fd == -1)
		return give_up(f, strerror(errno), err, errsize);
	return load(f, err, errsize);
}

/* Is what we have open still what lies there? */
static bool
is_current(const struct users_file *f)
{
	struct stat ours, there;

	return fstat(f->fd, &ours) == 0 && stat(f->path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

int
users_file_lock(struct users_file *f, const char *path, bool make, char *err,
    size_t errsize)
{
	begin(f, path);
	/* Who had the lock before us has put another file in its place. */
	do {
		if (f->fd != -1)
			close(f->fd);
		f->fd = open(f->path,
		    O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
			(make ? O_CREAT : 0),
		    0600);
		if (f->fd == -1 || flock(f->fd, LOCK_EX) == -1)
			return give_up(f, strerror(errno), err, errsize);
	} while (!is_current(f));
	return load(f, err, errsize);
}

bool
users_file_next(const struct users_file *f, size_t *at, struct users_line *line,
    size_t *begin)
{
	while (*at < f->len) {
		const char *text = f->text + *at, *why;
		const char *lf = memchr(text, '\n', f->len - *at);
		size_t len = lf ? (size_t)(lf - text) : f->len - *at;

		if (begin != NULL)
			*begin = *at;
		*at = MIN(*at + len + 1, f->len);
		if (users_parse(text, len, line, &why) == 1)
			return true;
	}
	return false;
}

bool
users_file_find(
    const struct users_file *f, const char *name, size_t *begin, size_t *end)
{
	struct users_line line;
	size_t at = 0, from;

	while (users_file_next(f, &at, &line, &from)) {
		if (!name_equal(line.name, line.name_len, name, strlen(name)))
			continue;
		if (begin != NULL)
			*begin = from;
		if (end != NULL)
			*end = at;
		return true;
	}
	return false;
}

/* The text with the user's line made anew; NULL without memory. */
static char *
compose(const struct users_file *f, const char *name, const char *hash,
    bool is_operator, size_t *len)
{
	size_t size = f->len + LINE_ROOM, from = f->len, to = from;
	char *text = malloc(size);

	if (text == NULL)
		return NULL;
	users_file_find(f, name, &from, &to);
	memcpy(text, f->text, from);
	*len = from;
	if (hash != NULL) {
		if (from > 0 && text[from - 1] != '\n')
			text[(*len)++] = '\n';
		*len += (size_t)snprintf(text + *len, size - *len, "%s:%s%s\n",
		    name, hash, is_operator ? ":operator" : "");
	}
	memcpy(text + *len, f->text + to, f->len - to);
	*len += f->len - to;
	return text;
}

/* A file with that text and the old one's owner and mode, on the disk. */
static int
write_new(
    const struct users_file *f, const char *path, const char *text, size_t len)
{
	int fd, error;
	ssize_t n;

	unlink(path); /* of one who died: we have the lock */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (f->st.st_uid != geteuid() || f->st.st_gid != getegid())
		if (fchown(fd, f->st.st_uid, f->st.st_gid) == -1)
			goto undo;
	if (fchmod(fd, f->st.st_mode & 0700) == -1)
		goto undo;
	while (len > 0) {
		n = write(fd, text, len);
		if (n == -1)
			goto undo;
		text += n;
		len -= (size_t)n;
	}
	FAULT_POINT("users.written");
	if (fsync(fd) == -1)
		goto undo;
	return close(fd);
undo:
	error = errno;
	close(fd);
	unlink(path);
	errno = error;
	return -1;
}

/* That the name now means the new file survives a power cut, too. */
static void
sync_folder(const struct users_file *f)
{
	char path[sizeof(f->path)];
	int fd;

	memcpy(path, f->path, sizeof(path));
	fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	fsync(fd);
	close(fd);
}

int
users_file_put(struct users_file *f, const char *name, const char *hash,
    bool is_operator, char *err, size_t errsize)
{
	char path[sizeof(f->path) + sizeof(".new")];
	size_t len = 0;
	char *text = compose(f, name, hash, is_operator, &len);
	int r = -1;

	snprintf(path, sizeof(path), "%s.new", f->path);
	if (text != NULL && write_new(f, path, text, len) == 0) {
		FAULT_POINT("users.synced");
		r = rename(path, f->path);
		FAULT_POINT("users.renamed");
	}
	if (r == -1)
		complain(f, strerror(errno), err, errsize);
	else
		sync_folder(f);
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
	return r;
}
