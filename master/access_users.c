/* SPDX-License-Identifier: MIT */
/* The file of users; see access.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/access_rows.h"
#include "shared/chat/users.h"

#define USERS_FILE_MAX (64u << 20) /* bytes */

static int
access_take_users(
    struct access *a, const char *text, size_t size, char *err, size_t errsize)
{
	char why[CONFIG_ERROR_MAX / 4];
	unsigned number = 0;

	for (size_t i = 0; i < size;) {
		const char *lf = memchr(text + i, '\n', size - i);
		size_t len = lf ? (size_t)(lf - text) - i : size - i;
		struct users_line line = {0};
		const char *wrong = NULL;
		struct policy_user *user;
		int r = users_parse(text + i, len, &line, &wrong);

		number++;
		i += len + 1;
		if (r == 0)
			continue;
		user = r == 1 ? access_new_user(a, line.name, line.name_len,
				    why, sizeof(why))
			      : NULL;
		if (user == NULL) {
			snprintf(err, errsize, "%u: %s", number,
			    wrong != NULL && r == -1 ? wrong : why);
			return -1;
		}
		user->is_operator = line.is_operator;
		if (access_give(a, true, line.name, line.name_len, line.hash,
			line.hash_len) == -1)
			return access_no_memory(err, errsize);
	}
	return 0;
}

/* May it be read by nobody but its owner, who is root or we? */
static const char *
access_is_private(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to somebody else";
	if ((st->st_mode & 077) != 0)
		return "may be read by others (chmod 600)";
	if (st->st_size > (off_t)USERS_FILE_MAX)
		return "is too large";
	return NULL;
}

int
access_read_users(struct access *a, const char *path, char *err, size_t errsize)
{
	char why[CONFIG_ERROR_MAX / 2];
	const char *wrong = NULL;
	struct stat st = {0};
	char *text = NULL;
	ssize_t n = 0;
	int result = -1, fd;

	if (strcmp(path, ACCESS_NO_FILE) == 0)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1)
		wrong = strerror(errno);
	else
		wrong = access_is_private(&st);
	if (wrong == NULL) {
		text = malloc((size_t)st.st_size + 1);
		if (text == NULL ||
		    (n = read(fd, text, (size_t)st.st_size)) == -1)
			wrong = strerror(errno);
	}
	if (wrong != NULL)
		snprintf(err, errsize, "%s: %s", path, wrong);
	else if (access_take_users(a, text, (size_t)n, why, sizeof(why)) == -1)
		snprintf(err, errsize, "%s:%s", path, why);
	else
		result = 0;
	if (text != NULL)
		explicit_bzero(text, (size_t)st.st_size);
	free(text);
	if (fd != -1)
		close(fd);
	return result;
}
