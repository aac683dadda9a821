/* SPDX-License-Identifier: MIT */
/* When the file of bans is written: see bans.h. */
#include "master/bans.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/privileges.h"
#include "master/spawn.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"

#define BACKOFF_FIRST_US (1000 * 1000)
#define BACKOFF_MAX_US (60 * 1000 * 1000)

/* In the child: all rows that hold, as they are now.  0, or -1 with errno. */
static int
write_rows(const struct segment *seg, int fd)
{
	uint64_t now_us = clock_real_us();
	char line[BANS_LINE_MAX];

	for (uint32_t i = 0; i < LIMIT_BANS; i++) {
		struct ban_shm b;
		size_t len;

		segment_copy(&b, &seg->bans[i], sizeof(b));
		len = bans_format(&b, line);
		if (len == 0 || (b.until_us != 0 && b.until_us <= now_us))
			continue;
		errno = ENOSPC;
		if (write(fd, line, len) != (ssize_t)len)
			return -1;
	}
	return fsync(fd);
}

/* In the child: the new file takes the old one's place as a whole. */
static int
write_file(const struct segment *seg, const char *path)
{
	char tmp[PATH_SIZE + 8];
	int fd, r;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	fd = open(
	    tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	r = write_rows(seg, fd);
	close(fd);
	FAULT_POINT("bans.written");
	if (r == 0)
		r = rename(tmp, path);
	if (r == -1)
		unlink(tmp);
	return r;
}

/* What it reads may be ruined; what it writes is in that one folder. */
static void
confine(const struct master *m, const char *path)
{
	char copy[PATH_SIZE];
	const char *folder;
	struct sandbox sandbox = {
	    .kind = SANDBOX_BANS,
	    .folders = &folder,
	    .nfolders = 1,
	};

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	privileges_confine(m, &sandbox);
}

static _Noreturn void
bans_child_main(const struct master *m)
{
	bool keep[FD_BASE] = {false};
	char quoted[LOG_QUOTED(128)];
	const char *path = bans_path(&m->options);
	struct segment seg;
	int r;

	keep[m->instance.fd] = true;
	spawn_enter_child(m, keep, SPAWN_NOBODY, "chatmaster:b");
	r = segment_attach_private(&seg, m->instance.fd, &m->instance.params);
	confine(m, path);
	if (r == -1 || write_file(&seg, path) == -1) {
		log_error("bans-failed", "file=%s",
		    log_quote(quoted, sizeof(quoted), path, strlen(path)));
		exit(EXIT_FAILURE);
	}
	log_info("bans-kept", "file=%s",
	    log_quote(quoted, sizeof(quoted), path, strlen(path)));
	exit(EXIT_SUCCESS);
}

void
bans_on_change(struct master *m)
{
	m->bans.changed = true;
}

/* How long until it is tried again? */
static uint64_t
backoff_us(const struct bans *b)
{
	uint64_t us = UINT64_C(1) * BACKOFF_FIRST_US << MIN(b->failures, 6U);

	return MIN(us, UINT64_C(1) * BACKOFF_MAX_US);
}

static void
bans_fork(struct master *m, uint64_t now_us)
{
	struct bans *b = &m->bans;

	b->changed = false;
	log_flush();
	b->child = FAULT_FAILS("master.bans.fork", EAGAIN) ? -1 : fork();
	if (b->child == 0)
		bans_child_main(m);
	if (b->child == -1) {
		b->child = 0;
		b->changed = true;
		b->due_us = now_us + backoff_us(b);
	}
}

void
bans_on_exit(struct master *m, pid_t pid, int status)
{
	struct bans *b = &m->bans;

	if (b->child == 0 || pid != b->child)
		return;
	b->child = 0;
	b->due_us = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
		b->failures = 0;
		return;
	}
	b->changed = true;
	b->due_us = clock_us() + backoff_us(b);
	b->failures++;
}

bool
bans_are_kept(const struct master *m)
{
	const struct bans *b = &m->bans;

	return b->child == 0 && (!b->changed || b->failures > 0);
}

void
bans_on_time(struct master *m, uint64_t now_us)
{
	const struct bans *b = &m->bans;

	if (b->changed && b->child == 0 && now_us >= b->due_us)
		bans_fork(m, now_us);
}

uint64_t
bans_due_us(const struct master *m)
{
	const struct bans *b = &m->bans;

	return b->changed && b->child == 0 ? b->due_us : UINT64_MAX;
}
