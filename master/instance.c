/* SPDX-License-Identifier: MIT */
/*
 * Who owns the name?  The object /chatmaster.NAME carries an flock that its
 * master holds and its workers inherit, so it is free exactly when all of
 * them are gone.  Whatever else lies in the object is only believed as far as
 * a wrong answer does no harm: is this pid alive, which number comes next.
 */
#include "master/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/shm/ring.h"

#define DYING_WAIT_US (5 * 1000 * 1000)
#define DYING_POLL_MS 10

#define OBJECT_MAX (sizeof("/chatmaster..ruined") + INSTANCE_MAX)

/* Where glibc keeps shared memory objects; it has no call to rename one. */
#define SHM_DIR "/dev/shm"

enum found {
	FOUND_NOTHING,
	FOUND_FREE, /* and locked by us now */
	FOUND_HELD,
	FOUND_ERROR,
};

static void
instance_object(char dst[OBJECT_MAX], const char *name, const char *suffix)
{
	snprintf(dst, OBJECT_MAX, "/chatmaster.%s%s", name, suffix);
}

static void
instance_log_failure(const char *object, const char *what)
{
	log_error("start-failed", "reason=\"shared memory object %s %s\"",
	    object, what);
}

/* Reads the header; false unless it is one of this version. */
static bool
instance_read_header(int fd, struct header_shm *h)
{
	return pread(fd, h, sizeof(*h), 0) == (ssize_t)sizeof(*h) &&
	       memcmp(h->magic, SEGMENT_MAGIC, sizeof(h->magic)) == 0 &&
	       h->version == SEGMENT_VERSION && h->header_size == sizeof(*h);
}

/* The pid in the status page of somebody's segment; 0 if it has none. */
static pid_t
instance_read_pid(int fd)
{
	struct header_shm h;
	uint32_t pid = 0;
	uint64_t at;

	if (!instance_read_header(fd, &h) || h.layout.status > h.layout.size)
		return 0;
	at = h.layout.status + offsetof(struct status_shm, pid);
	if (pread(fd, &pid, sizeof(pid), (off_t)at) != sizeof(pid))
		return 0;
	return pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* The number behind the last record of a dead segment; 0 if it has none. */
static uint64_t
instance_read_head(int fd)
{
	struct header_shm h;
	uint64_t head;
	uint64_t at;

	if (!instance_read_header(fd, &h) || h.layout.ring > h.layout.size)
		return 0;
	at = h.layout.ring + offsetof(struct ring_shm, head);
	if (pread(fd, &head, sizeof(head), (off_t)at) != sizeof(head))
		return 0;
	return head >= h.params.first_seq && head < RING_SEQ_SANE ? head : 0;
}

/* Our own pid in there is a dead namesake's: in a container all are pid 1. */
static bool
instance_is_alive(pid_t pid)
{
	return pid > 0 && pid != getpid() &&
	       (kill(pid, 0) == 0 || errno == EPERM);
}

/* Does `object` still name the file that `fd` is? */
static bool
instance_is_named(const char *object, int fd)
{
	struct stat named, opened;
	char path[sizeof(SHM_DIR) + OBJECT_MAX];

	snprintf(path, sizeof(path), SHM_DIR "%s", object);
	return stat(path, &named) == 0 && fstat(fd, &opened) == 0 &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* Looks for the object; on FOUND_FREE and FOUND_HELD it is open in *fd. */
static enum found
instance_find(const char *object, int *fd)
{
	*fd = shm_open(object, O_RDWR, 0);
	if (*fd == -1)
		return errno == ENOENT ? FOUND_NOTHING : FOUND_ERROR;
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return FOUND_FREE;
	if (errno == EWOULDBLOCK)
		return FOUND_HELD;
	close(*fd);
	return FOUND_ERROR;
}

/*
 * Somebody holds the lock: a living instance, or the last workers of a dead
 * one.  Returns 0 when it is worth looking again, -1 after logging.
 */
static int
instance_wait(const char *name, int fd, uint64_t since_us)
{
	static const struct timespec pause = {
	    .tv_nsec = DYING_POLL_MS * 1000 * 1000};
	pid_t pid = instance_read_pid(fd);

	if (instance_is_alive(pid)) {
		log_errorx("start-failed",
		    "reason=\"instance %s is already running (pid %d)\"", name,
		    (int)pid);
		return -1;
	}
	if (clock_us() - since_us > DYING_WAIT_US) {
		log_errorx("start-failed",
		    "reason=\"instance %s: its master is dead, but another "
		    "process still holds its shared memory\"",
		    name);
		return -1;
	}
	nanosleep(&pause, NULL);
	return 0;
}

/* Keeps what a dead instance left, as OBJECT.old.  Returns 0, or -1. */
static int
instance_keep_old(const char *object, int fd)
{
	struct header_shm h;
	char from[sizeof(SHM_DIR) + OBJECT_MAX];
	char to[sizeof(from) + sizeof(".old")];

	snprintf(from, sizeof(from), SHM_DIR "%s", object);
	snprintf(to, sizeof(to), "%s.old", from);
	if (rename(from, to) == -1)
		return -1;
	if (instance_read_header(fd, &h))
		log_warnx("stale-segment",
		    "object=%s master=%d kept=%s.old reason=\"its instance "
		    "ended without removing it\"",
		    object, (int)instance_read_pid(fd), object);
	else
		log_warnx("foreign-segment",
		    "object=%s kept=%s.old reason=\"it is corrupt, of another "
		    "version, or not ours\"",
		    object, object);
	return 0;
}

/* Raises *seq to what follows the numbers in the object, if there is one. */
static void
instance_continue_seq(const char *object, uint64_t *seq)
{
	int fd = shm_open(object, O_RDONLY, 0);

	if (fd == -1)
		return;
	*seq = MAX(*seq, instance_read_head(fd));
	close(fd);
}

/*
 * Makes a new object under the name, locked.  Returns its fd, or -1 with
 * errno: EEXIST when somebody was quicker.
 */
static int
instance_create(const char *object)
{
	int fd = shm_open(object, O_RDWR | O_CREAT | O_EXCL, 0600);
	int saved;

	if (fd == -1)
		return -1;
	/*
	 * Another starting instance may have found it before it was locked:
	 * then it has taken it for stale, and has the name.
	 */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (instance_is_named(object, fd))
			return fd;
		errno = EEXIST;
	} else if (errno == EWOULDBLOCK) {
		errno = EEXIST;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Gets the name, whoever had it.  Returns the fd, or -1 after logging. */
static int
instance_claim(const char *name, const char *object)
{
	uint64_t since_us = clock_us();

	for (;;) {
		int fd;
		int r = 0;

		switch (instance_find(object, &fd)) {
		case FOUND_NOTHING:
			fd = instance_create(object);
			if (fd != -1)
				return fd;
			if (errno == EEXIST)
				continue;
			instance_log_failure(object, "cannot be made");
			return -1;
		case FOUND_FREE:
			if (instance_is_named(object, fd))
				r = instance_keep_old(object, fd);
			if (r == -1)
				instance_log_failure(
				    object, "cannot be set aside");
			break;
		case FOUND_HELD:
			r = instance_wait(name, fd, since_us);
			break;
		case FOUND_ERROR:
			instance_log_failure(object, "cannot be opened");
			return -1;
		}
		close(fd);
		if (r == -1)
			return -1;
	}
}

/* Allocates and lays out the segment.  Returns 0, or -1 after logging. */
static int
instance_format(struct instance *instance, const char *object,
    const struct segment_params *params)
{
	struct segment_layout layout;
	uint8_t *key = instance->key;

	if (segment_plan(params, &layout) == -1) {
		instance_log_failure(object, "cannot be laid out so large");
		return -1;
	}
	if (getrandom(key, sizeof(instance->key), 0) != sizeof(instance->key)) {
		log_error("start-failed", "reason=\"no random bytes\"");
		return -1;
	}
	if (FAULT_FAILS("master.format", ENOSPC) ||
	    segment_format(instance->fd, params, key, instance->name) == -1) {
		log_error("start-failed",
		    "object=%s needs=%" PRIu64
		    " reason=\"shared memory of that many bytes is not to be "
		    "had; make " SHM_DIR " larger or ring-size and max-clients "
		    "smaller\"",
		    object, layout.size);
		return -1;
	}
	return 0;
}

/* Maps the pages of `fd` with the status, and no others. */
static int
instance_map_status(struct instance *instance, int fd)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct segment_layout layout;
	uint64_t from;
	char *p;

	if (segment_plan(&instance->params, &layout) == -1)
		return -1;
	from = layout.status / page * page;
	instance->mapped_size =
	    (size_t)(layout.status + sizeof(struct status_shm) - from);
	p = mmap(NULL, instance->mapped_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, (off_t)from);
	if (p == MAP_FAILED)
		return -1;
	instance->mapped = p;
	instance->status =
	    (struct status_shm *)(void *)(p + (layout.status - from));
	atomic_store(&instance->status->started_us, instance->started_us);
	atomic_store(&instance->status->pid, (uint32_t)getpid());
	return 0;
}

int
instance_open(
    struct instance *instance, const char *name, struct segment_params *params)
{
	char object[OBJECT_MAX], old[OBJECT_MAX];

	snprintf(instance->name, sizeof(instance->name), "%s", name);
	instance_object(object, name, "");
	instance_object(old, name, ".old");

	instance->fd = instance_claim(name, object);
	if (instance->fd == -1)
		return -1;
	params->created_us = clock_real_us();
	params->first_seq = params->created_us;
	instance_continue_seq(old, &params->first_seq);
	if (instance_format(instance, object, params) == -1)
		goto undo;
	instance->params = *params;
	instance->started_us = params->created_us;
	if (instance_map_status(instance, instance->fd) == -1) {
		instance_log_failure(object, "cannot be mapped");
		goto undo;
	}
	return 0;
undo:
	shm_unlink(object);
	close(instance->fd);
	return -1;
}

/* What the status is while there is no page for it. */
static struct status_shm nowhere;

void
instance_put_away(struct instance *instance)
{
	if (instance->mapped == NULL)
		return;
	atomic_store(&instance->status->pid, 0);
	munmap(instance->mapped, instance->mapped_size);
	instance->mapped = NULL;
	memset(&nowhere, 0, sizeof(nowhere));
	instance->status = &nowhere;
}

int
instance_make_next(const struct instance *instance)
{
	char object[OBJECT_MAX];

	instance_object(object, instance->name, ".new");
	shm_unlink(object);
	return instance_create(object);
}

void
instance_drop_next(const struct instance *instance)
{
	char object[OBJECT_MAX];

	instance_object(object, instance->name, ".new");
	shm_unlink(object);
}

/* There is an object of our name at any time, or somebody would take it. */
static int
instance_rename_next(const struct instance *instance)
{
	static const char *const suffixes[] = {".new", "", ".ruined"};
	char paths[COUNT(suffixes)][sizeof(SHM_DIR) + OBJECT_MAX];

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		char object[OBJECT_MAX];

		instance_object(object, instance->name, suffixes[i]);
		snprintf(paths[i], sizeof(paths[i]), SHM_DIR "%s", object);
	}
	unlink(paths[2]);
	if (link(paths[1], paths[2]) == -1)
		log_warn("ruined-segment", "object=%s", paths[2]);
	return rename(paths[0], paths[1]);
}

int
instance_take_next(struct instance *instance, int fd)
{
	if (instance_map_status(instance, fd) == -1)
		return -1;
	if (fd != instance->fd) {
		if (instance_rename_next(instance) == -1) {
			instance_put_away(instance);
			return -1;
		}
		close(instance->fd);
		instance->fd = fd;
	}
	atomic_fetch_add(
	    &instance->status->accepted, atomic_load(&nowhere.accepted));
	for (unsigned i = 0; i < REFUSAL_REASONS; i++)
		atomic_fetch_add(&instance->status->refused[i],
		    atomic_load(&nowhere.refused[i]));
	atomic_fetch_add(
	    &instance->status->closed, atomic_load(&nowhere.closed));
	return 0;
}

void
instance_remove(struct instance *instance, bool old)
{
	char object[OBJECT_MAX];

	if (instance->mapped != NULL)
		munmap(instance->mapped, instance->mapped_size);
	instance_object(object, instance->name, "");
	shm_unlink(object);
	instance_drop_next(instance);
	if (old) {
		instance_object(object, instance->name, ".old");
		shm_unlink(object);
		instance_object(object, instance->name, ".ruined");
		shm_unlink(object);
	}
	close(instance->fd);
}
