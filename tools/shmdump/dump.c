/* SPDX-License-Identifier: MIT */
/*
 * Attaching, and copying rows.  The mapping is read-only and no lock is taken,
 * not even the one on the object's fd that says whether its instance lives: a
 * server that starts at that moment would take it for another instance.
 */
#include "tools/shmdump/dump.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/net/inherit.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"

/*
 * Is there a process with this pid that may be a master?  A zombie is none,
 * nor is a stranger who was given a dead master's pid.  Without /proc any
 * process will do.
 */
static bool
master_lives(uint32_t pid)
{
	char path[32], stat[256], *comm, *end;
	ssize_t n;
	int fd;

	if (pid == 0 || pid > INT_MAX ||
	    (kill((pid_t)pid, 0) == -1 && errno == ESRCH))
		return false;
	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return access("/proc/self/stat", F_OK) == -1;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return false;
	/* PID (COMM) STATE ...; COMM may hold anything. */
	stat[n] = '\0';
	comm = strchr(stat, '(');
	end = strrchr(stat, ')');
	if (comm == NULL || end == NULL || end[1] == '\0')
		return false;
	return strncmp(comm + 1, "chatmaster", strlen("chatmaster")) == 0 &&
	       end[2] != 'Z' && end[2] != 'X';
}

/* A dead instance's last signs of life: a record, a worker's heartbeat. */
static void
dump_find_end(struct dump *d)
{
	const struct segment *seg = &d->seg;
	uint64_t now = clock_real_us(), beat;
	struct desc_shm last;

	d->now_us = atomic_load(&d->status.started_us);
	if (d->head > 0 && ring_read(seg, d->head - 1, &last) == RING_OK &&
	    last.time_us > d->now_us)
		d->now_us = last.time_us;
	if (d->now_us > now)
		d->now_us = now;
	d->beat_us = 0;
	for (uint32_t i = 0; i < seg->params.nseats; i++) {
		beat = atomic_load_explicit(
		    &segment_seat(seg, i)->beat_us, memory_order_relaxed);
		if (beat > d->beat_us)
			d->beat_us = beat;
	}
}

/* Say why the object `path` is no segment for us. */
static void
dump_explain(int fd, const char *path)
{
	struct segment_layout layout;
	struct header_shm h;
	struct stat st;
	ssize_t n = pread(fd, &h, sizeof(h), 0);

	if (n < (ssize_t)offsetof(struct header_shm, header_size) ||
	    memcmp(h.magic, SEGMENT_MAGIC, sizeof(h.magic)) != 0)
		warnx("%s is no chatmaster segment, or one not finished yet",
		    path);
	else if (h.version != SEGMENT_VERSION)
		warnx("%s has layout version %u; this shmdump reads version %u",
		    path, h.version, SEGMENT_VERSION);
	else if (n == sizeof(h) && fstat(fd, &st) == 0 &&
		 segment_plan(&h.params, &layout) == 0 &&
		 (uint64_t)st.st_size < layout.size)
		warnx("%s is cut short: %" PRIu64 " of %" PRIu64 " bytes", path,
		    (uint64_t)st.st_size, layout.size);
	else
		warnx("%s is damaged: its header makes no sense", path);
}

/* Map the object and look for the first time.  Closes `fd`. */
static int
dump_attach(struct dump *d, int fd, const char *path)
{
	const struct segment *seg = &d->seg;
	int result = segment_attach(&d->seg, fd, false);

	if (result == -1 && errno == EPROTO)
		dump_explain(fd, path);
	else if (result == -1)
		warn("cannot map %s", path);
	close(fd);
	if (result == -1)
		return -1;
	segment_copy(d->instance, seg->header->instance, INSTANCE_MAX);
	segment_copy(
	    d->version, seg->header->server_version, sizeof(d->version) - 1);
	d->instance[INSTANCE_MAX] = d->version[sizeof(d->version) - 1] = '\0';
	dump_refresh(d);
	return 0;
}

int
dump_open(struct dump *d, const char *name)
{
	char path[NAME_MAX];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "/chatmaster.%s", name) >=
	    sizeof(path)) {
		warnx("no such instance: the name is too long");
		return -1;
	}
	fd = shm_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (fd == -1 && errno == ENOENT)
		warnx("no such instance: %s (no shared memory %s)", name, path);
	else if (fd == -1)
		warn("instance %s: %s", name, path);
	if (fd == -1)
		return -1;
	d->is_file = false;
	return dump_attach(d, fd, path);
}

int
dump_open_file(struct dump *d, const char *path)
{
	/* Not to wait for the writer of a fifo. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1) {
		warn("%s", path);
		if (fd != -1)
			close(fd);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		warnx("%s is no ordinary file", path);
		close(fd);
		return -1;
	}
	d->is_file = true;
	return dump_attach(d, fd, path);
}

bool
dump_is_alive(const struct dump *d)
{
	return !d->is_file && master_lives(atomic_load_explicit(
				  &d->seg.status->pid, memory_order_relaxed));
}

void
dump_refresh(struct dump *d)
{
	segment_copy(&d->status, d->seg.status, sizeof(d->status));
	d->head = ring_head(&d->seg);
	d->alive = dump_is_alive(d);
	d->now_us = clock_real_us();
	d->beat_us = clock_us();
	if (!d->alive)
		dump_find_end(d);
}

struct figures_moment
dump_moment(const struct dump *d)
{
	return (struct figures_moment){
	    .seg = &d->seg,
	    .alive = d->alive,
	    .now_us = d->now_us,
	    .beat_us = d->beat_us,
	    .head = d->head,
	    .types = worker_type_names,
	    .ntypes = WORKER_TYPES,
	};
}

void
dump_close(struct dump *d)
{
	segment_detach(&d->seg);
}

size_t
dump_room_name(
    const struct dump *d, uint32_t room, uint32_t gen, char name[LIMIT_ROOM])
{
	struct room_shm r;

	if (room >= d->seg.params.nrooms)
		return 0;
	segment_copy(&r, &d->seg.rooms[room], sizeof(r));
	if (!r.used || r.gen != gen || r.name_len > LIMIT_ROOM)
		return 0;
	memcpy(name, r.name, r.name_len);
	return r.name_len;
}

/* Sessions in each room, counted from the memberships. */
static uint32_t *
count_members(const struct segment *seg)
{
	uint32_t *counts = calloc(seg->params.nrooms, sizeof(*counts));

	if (counts == NULL)
		errx(1, "out of memory");
	figures_members(seg, 0, seg->params.nrooms, counts);
	return counts;
}

size_t
dump_rooms(const struct dump *d, struct room_figures **out)
{
	uint32_t *counts = count_members(&d->seg);
	struct room_figures *rooms = NULL, *at;
	size_t n = 0, size = 0;

	for (uint32_t i = 0; i < d->seg.params.nrooms; i++) {
		if (counts[i] == 0)
			continue;
		if (n == size) {
			size = size == 0 ? 64 : 2 * size;
			rooms = reallocarray(rooms, size, sizeof(*rooms));
			if (rooms == NULL)
				errx(1, "out of memory");
		}
		at = &rooms[n];
		at->index = i;
		at->members = counts[i];
		segment_copy(&at->row, &d->seg.rooms[i], sizeof(at->row));
		n += figures_room_makes_sense(&at->row);
	}
	free(counts);
	*out = rooms;
	return n;
}

const char *
dump_state(const struct dump *d)
{
	if (d->is_file)
		return "copy";
	if (!d->alive)
		return "dead";
	return atomic_load(&d->status.stopping) != 0 ? "stopping" : "running";
}
