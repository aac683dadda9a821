/* SPDX-License-Identifier: MIT */
/*
 * Named dangerous moments, where tests kill, stop, delay or fail a process, or
 * send it round in circles.
 * Without -DFAULTS all of this is nothing, to the last instruction.
 *
 * Orders and hit counts lie in a file that the first process maps and all its
 * children inherit, so that tests arm a point while the server runs, and
 * successors find what is still armed.  Native byte order:
 *
 *   offset       size  field
 *        0          4  magic, FAULT_MAGIC, stored last
 *        4          4  count of rows in use, only grows
 *        8 + 96 n  48  name of row n, ended by NUL
 *       56 + 96 n  32  hits so far, 8 bytes for each kind of process
 *       88 + 96 n   4  action, enum fault_action; stored last when arming
 *       92 + 96 n   4  countdown: the hit that brings it to 0 does the action
 *       96 + 96 n   4  delay, microseconds
 *      100 + 96 n   4  who the order is for: a seat, FAULT_ANY, FAULT_KIND(k)
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
#define FAULT_KINDS 4           /* of processes; 0: one that hasn't said */

/* Who an order is for, if not for one seat. */
#define FAULT_ANY (-1)
#define FAULT_KIND(kind_) (-2 - (int32_t)(kind_))

enum fault_action {
	FAULT_NONE,
	FAULT_DIE,   /* SIGKILL to itself */
	FAULT_STOP,  /* SIGSTOP to itself */
	FAULT_DELAY, /* sleep for `delay_us`, whatever signals come */
	FAULT_FAIL,  /* FAULT_FAILS is true; nothing at a FAULT_POINT */
	FAULT_CRASH, /* SIGSEGV, by as many processes as delay_us says */
	FAULT_SPIN,  /* go round in circles for ever */
};

struct fault_row_shm {
	char name[FAULT_NAME];
	_Atomic uint64_t hits[FAULT_KINDS];
	_Atomic uint32_t action;
	_Atomic uint32_t countdown;
	_Atomic uint32_t delay_us;
	_Atomic int32_t who;
};
static_assert(sizeof(struct fault_row_shm) == 96, "layout comment above");

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

/*
 * The seat of this process from now on, and its kind, from 1 to FAULT_KINDS -
 * 1: for orders that are meant for some only, and to count hits apart.
 */
void fault_set_seat(int seat, unsigned kind);

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
 * `who`: a seat, FAULT_ANY or FAULT_KIND(kind).  A name that isn't in the file
 * yet gets a row, so a point can be armed before the server starts.  Returns 0,
 * or -1 with errno ENOSPC or ENAMETOOLONG.
 */
int fault_arm(struct fault_file *file, const char *name,
    enum fault_action action, uint32_t countdown, uint32_t delay_us,
    int32_t who);

/* Hits so far, of all kinds of processes. */
uint64_t fault_hits(const struct fault_row_shm *row);

/* What the macros call: true if the call there is to fail. */
bool fault_hit(struct fault_point *point);
bool fault_fails(struct fault_point *point, int error);

#else

#define FAULT_POINT(name_) ((void)0)
#define FAULT_FAILS(name_, errno_) false
#define fault_init(path) ((void)(path), 0)
#define fault_set_seat(seat, kind) ((void)(seat), (void)(kind))

#endif
#endif
