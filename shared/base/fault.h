/* SPDX-License-Identifier: MIT */
/*
 * Named dangerous moments, where tests kill, stop, delay or fail a process.
 * Without -DFAULTS all of this is nothing, to the last instruction.
 *
 * Orders and hit counts lie in a file that the first process maps and all its
 * children inherit, so that tests arm a point while the server runs, and
 * successors find what is still armed.  Native byte order:
 *
 *   offset       size  field
 *        0          4  magic, FAULT_MAGIC, stored last
 *        4          4  count of rows in use, only grows
 *        8 + 72 n  48  name of row n, ended by NUL
 *       56 + 72 n   8  hits so far
 *       64 + 72 n   4  action, enum fault_action; stored last when arming
 *       68 + 72 n   4  countdown: the hit that brings it to 0 does the action
 *       72 + 72 n   4  delay, microseconds
 *       76 + 72 n   4  seat that the order is for, -1 for any
 *
 * A row is armed while its action isn't FAULT_NONE; arm it again only then.
 * An action is done once, by one process, which clears it first; a crash, the
 * delay of which is a number, as often as that.  Names in
 * use at several places share a row.  A hit is counted before the action.
 */
#ifndef SHARED_BASE_FAULT_H
#define SHARED_BASE_FAULT_H

#include "shared/base/base.h"

#ifdef FAULTS

#include <stdatomic.h>

#define FAULT_MAGIC 0x544c4146u /* "FALT" */
#define FAULT_NAME 48           /* bytes, NUL included */
#define FAULT_ROWS 256          /* in the file, in use or not */

enum fault_action {
	FAULT_NONE,
	FAULT_DIE,   /* SIGKILL to itself */
	FAULT_STOP,  /* SIGSTOP to itself */
	FAULT_DELAY, /* sleep for `delay_us`, whatever signals come */
	FAULT_FAIL,  /* FAULT_FAILS is true; nothing at a FAULT_POINT */
	FAULT_CRASH, /* SIGSEGV, by as many processes as delay_us says */
};

struct fault_row_shm {
	char name[FAULT_NAME];
	_Atomic uint64_t hits;
	_Atomic uint32_t action;
	_Atomic uint32_t countdown;
	_Atomic uint32_t delay_us;
	_Atomic int32_t only_seat;
};
static_assert(sizeof(struct fault_row_shm) == 72, "layout comment above");

struct fault_shm {
	_Atomic uint32_t magic;
	_Atomic uint32_t count;
	struct fault_row_shm rows[FAULT_ROWS];
};
static_assert(offsetof(struct fault_shm, rows) == 8, "layout comment above");

/* One use of a name; all of them are found through section fault_points. */
struct fault_point {
	const char *name;
	struct fault_row_shm *row; /* NULL before fault_init */
};

/* An expression: the address of this place's struct fault_point. */
#define FAULT_HERE_(name_)                                                     \
	__extension__({                                                        \
		static struct fault_point fault_here_ = {name_, NULL};         \
		static struct fault_point *fault_ref_                          \
		    __attribute__((section("fault_points"), used)) =           \
			&fault_here_;                                          \
		&fault_here_;                                                  \
	})

/*
 * The process may be killed here: no allocation, no lock and no log line, so
 * it may stand where a lock is held.
 */
#define FAULT_POINT(name_) ((void)fault_hit(FAULT_HERE_(name_)))

/* Shall the call that stands here fail?  Then errno is `errno_`. */
#define FAULT_FAILS(name_, errno_) fault_fails(FAULT_HERE_(name_), errno_)

/*
 * Map the file, creating it if there is none, and give each point of this
 * executable its row; orders that lie there already stay.  NULL or "" as path
 * does nothing.  Before any fork.  Returns 0, or -1 with errno (EINVAL: the
 * file is something else; ENOSPC: too many names; ENAMETOOLONG).
 */
int fault_init(const char *path);

/* The seat of this process from now on, for orders meant for one seat only. */
void fault_set_seat(int seat);

/* The file as a test holds it, to arm points and to read hits. */
struct fault_file {
	struct fault_shm *shm;
	int fd;
};

/*
 * Map the file, created if there is none.  Returns 0, or -1 with errno as
 * above; the file itself stays when it is detached.
 */
int fault_attach(struct fault_file *file, const char *path);
void fault_detach(struct fault_file *file);

/* The row of a name, or NULL. */
struct fault_row_shm *fault_find(
    const struct fault_file *file, const char *name);

/*
 * Arm a point: do `action` at the `countdown`th hit from now (1: the next) by
 * `seat` (-1: any).  A name that isn't in the file yet gets a row, so a point
 * can be armed before the server starts.  Returns 0, or -1 with errno ENOSPC
 * or ENAMETOOLONG.
 */
int fault_arm(struct fault_file *file, const char *name,
    enum fault_action action, uint32_t countdown, uint32_t delay_us, int seat);

/* What the macros call: true if the call there is to fail. */
bool fault_hit(struct fault_point *point);
bool fault_fails(struct fault_point *point, int error);

#else

#define FAULT_POINT(name_) ((void)0)
#define FAULT_FAILS(name_, errno_) false
#define fault_init(path) ((void)(path), 0)
#define fault_set_seat(seat) ((void)(seat))

#endif
#endif
