/* SPDX-License-Identifier: MIT */
/* See files.h. */
#include "proxy/tls/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/log.h"

/* What is wrong with a file of that kind; NULL if nothing is. */
static const char *
file_fault(const struct stat *st, bool secret)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_size == 0)
		return "is empty";
	if (st->st_size > FILE_MAX)
		return "is too large";
	if (secret && (st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "may be read by others than its owner (chmod 600)";
	return NULL;
}

/* Reads up to file->len bytes.  Returns 0, or -1 with errno. */
static int
file_fill(struct file *file, int fd)
{
	size_t got = 0;

	while (got < file->len) {
		ssize_t n = read(fd, file->bytes + got, file->len - got);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	file->len = got;
	return 0;
}

int
file_read(struct file *file, const char *path, bool secret, char *err,
    size_t errsize, const char *key)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char quoted[LOG_QUOTED(64)];
	const char *what = NULL;
	struct stat st = {0};

	*file = (struct file){0};
	if (fd == -1 || fstat(fd, &st) == -1)
		what = strerror(errno);
	else
		what = file_fault(&st, secret);
	if (what == NULL) {
		file->len = (size_t)st.st_size;
		file->bytes = malloc(file->len + 1);
		if (file->bytes == NULL || file_fill(file, fd) == -1) {
			what = strerror(errno);
			file_free(file);
		}
	}
	if (fd != -1)
		close(fd);
	if (what == NULL)
		return 0;
	snprintf(err, errsize, "%s: %s %s%s", key,
	    log_quote(quoted, sizeof(quoted), path, strlen(path)),
	    fd == -1 ? "cannot be opened: " : "", what);
	return -1;
}

void
file_free(struct file *file)
{
	if (file->bytes != NULL)
		explicit_bzero(file->bytes, file->len);
	free(file->bytes);
	*file = (struct file){0};
}
