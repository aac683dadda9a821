/* SPDX-License-Identifier: MIT */
/* Fault points: the file, and what happens at a hit. */
#include "shared/base/fault.h"

#ifdef FAULTS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The linker's: all pointers of section fault_points; absent without any. */
extern struct fault_point *__start_fault_points[] __attribute__((weak));
extern struct fault_point *__stop_fault_points[] __attribute__((weak));

static int32_t fault_seat = FAULT_ANY;
static unsigned fault_kind;

/* The first to open the file lays it out; the caller holds the flock. */
static int
file_format(struct fault_file *file)
{
	struct stat st;
	bool fresh;

	if (fstat(file->fd, &st) == -1)
		return -1;
	fresh = st.st_size == 0;
	if (fresh && ftruncate(file->fd, sizeof(*file->shm)) == -1)
		return -1;
	if (!fresh && st.st_size != (off_t)sizeof(*file->shm)) {
		errno = EINVAL;
		return -1;
	}
	file->shm = mmap(NULL, sizeof(*file->shm), PROT_READ | PROT_WRITE,
	    MAP_SHARED, file->fd, 0);
	if (file->shm == MAP_FAILED)
		return -1;
	if (fresh) {
		atomic_store(&file->shm->magic, FAULT_MAGIC);
	} else if (atomic_load(&file->shm->magic) != FAULT_MAGIC ||
		   atomic_load(&file->shm->count) > FAULT_ROWS) {
		munmap(file->shm, sizeof(*file->shm));
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int
fault_attach(struct fault_file *file, const char *path)
{
	int saved;

	file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file->fd == -1)
		return -1;
	if (flock(file->fd, LOCK_EX) == -1 || file_format(file) == -1)
		goto undo;
	flock(file->fd, LOCK_UN);
	return 0;
undo:
	saved = errno;
	close(file->fd);
	errno = saved;
	return -1;
}

void
fault_detach(struct fault_file *file)
{
	munmap(file->shm, sizeof(*file->shm));
	close(file->fd);
}

struct fault_row_shm *
fault_find(const struct fault_file *file, const char *name)
{
	struct fault_shm *shm = file->shm;
	/* Pairs with row_of's release: names before the count. */
	uint32_t count =
	    atomic_load_explicit(&shm->count, memory_order_acquire);

	for (uint32_t i = 0; i < MIN(count, (uint32_t)FAULT_ROWS); i++) {
		if (strncmp(shm->rows[i].name, name, FAULT_NAME) == 0)
			return &shm->rows[i];
	}
	return NULL;
}

/* The row of a name, a new one if it has none; the caller holds the flock. */
static struct fault_row_shm *
row_of(struct fault_file *file, const char *name)
{
	struct fault_row_shm *row = fault_find(file, name);
	uint32_t count = atomic_load(&file->shm->count);

	if (row != NULL)
		return row;
	if (strlen(name) >= FAULT_NAME || count >= FAULT_ROWS) {
		errno = count >= FAULT_ROWS ? ENOSPC : ENAMETOOLONG;
		return NULL;
	}
	row = &file->shm->rows[count];
	memcpy(row->name, name, strlen(name) + 1);
	atomic_store(&row->who, FAULT_ANY);
	/* Pairs with fault_find's acquire. */
	atomic_store_explicit(
	    &file->shm->count, count + 1, memory_order_release);
	return row;
}

int
fault_arm(struct fault_file *file, const char *name, enum fault_action action,
    uint32_t countdown, uint32_t delay_us, int32_t who)
{
	struct fault_row_shm *row;

	if (flock(file->fd, LOCK_EX) == -1)
		return -1;
	row = row_of(file, name);
	flock(file->fd, LOCK_UN);
	if (row == NULL)
		return -1;
	atomic_store(&row->countdown, countdown);
	atomic_store(&row->delay_us, delay_us);
	atomic_store(&row->who, who);
	/* Pairs with row_due's acquire load. */
	atomic_store_explicit(
	    &row->action, (uint32_t)action, memory_order_release);
	return 0;
}

/* The mapping stays for the life of the process, and of its children. */
int
fault_init(const char *path)
{
	struct fault_file file;
	int result = 0, saved;

	if (path == NULL || *path == '\0')
		return 0;
	if (fault_attach(&file, path) == -1)
		return -1;
	if (flock(file.fd, LOCK_EX) == -1)
		result = -1;
	for (struct fault_point **p = __start_fault_points;
	     p < __stop_fault_points && result == 0; p++) {
		(*p)->row = row_of(&file, (*p)->name);
		if ((*p)->row == NULL)
			result = -1;
	}
	saved = errno;
	flock(file.fd, LOCK_UN); /* the mapping outlives close, so would it */
	close(file.fd);
	errno = saved;
	return result;
}

uint64_t
fault_hits(const struct fault_row_shm *row)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
		sum += atomic_load(&row->hits[kind]);
	return sum;
}

void
fault_set_seat(int seat, unsigned kind)
{
	fault_seat = seat;
	fault_kind = kind % FAULT_KINDS;
}

/* What this hit is to do, and nobody else will. */
static enum fault_action
row_due(struct fault_row_shm *row)
{
	/* Pairs with fault_arm's release: the order before its action. */
	uint32_t action =
	    atomic_load_explicit(&row->action, memory_order_acquire);
	int32_t who = atomic_load(&row->who);

	if (action == FAULT_NONE || (who != FAULT_ANY && who != fault_seat &&
					who != FAULT_KIND(fault_kind)))
		return FAULT_NONE;
	if (atomic_fetch_sub(&row->countdown, 1) > 1)
		return FAULT_NONE;
	if (!atomic_compare_exchange_strong(&row->action, &action, FAULT_NONE))
		return FAULT_NONE;
	return (enum fault_action)action;
}

static void
sleep_us(uint32_t us)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += us / 1000000;
	until.tv_nsec += (long)(us % 1000000) * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
	       EINTR)
		continue;
}

/* Die of one's own fault; the order stays for the next one, or was the last. */
static _Noreturn void
crash(struct fault_row_shm *row)
{
	atomic_store(&row->countdown, 1);
	if (atomic_fetch_sub(&row->delay_us, 1) > 1)
		atomic_store_explicit(
		    &row->action, FAULT_CRASH, memory_order_release);
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	_exit(139);
}

bool
fault_hit(struct fault_point *point)
{
	struct fault_row_shm *row = point->row;
	const int saved = errno;

	if (row == NULL)
		return false;
	atomic_fetch_add_explicit(
	    &row->hits[fault_kind], 1, memory_order_relaxed);
	switch (row_due(row)) {
	case FAULT_NONE:
		break;
	case FAULT_DIE:
		kill(getpid(), SIGKILL);
		break;
	case FAULT_STOP:
		kill(getpid(), SIGSTOP);
		break;
	case FAULT_DELAY:
		sleep_us(atomic_load(&row->delay_us));
		break;
	case FAULT_FAIL:
		return true;
	case FAULT_CRASH:
		crash(row);
	case FAULT_SPIN:
		for (;;)
			compiler_barrier();
	}
	errno = saved;
	return false;
}

bool
fault_fails(struct fault_point *point, int error)
{
	if (!fault_hit(point))
		return false;
	errno = error;
	return true;
}

#endif
