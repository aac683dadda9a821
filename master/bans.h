/* SPDX-License-Identifier: MIT */
/*
 * The file in which bans and mutes outlive the server: read at the start, and
 * written by a child of ours, forked for that alone, whenever a worker says
 * that they have changed, and before a clean stop.  It reads the segment, which
 * we don't.  A line of the file is
 *
 *   name|mute|address WHO SINCE UNTIL BY [WHY]
 *
 * where WHO is a name, an address or a range of addresses, times are UTC as
 * 2026-01-31T12:00:00Z, and UNTIL may be `never`.
 */
#ifndef MASTER_BANS_H
#define MASTER_BANS_H

#include "master/master.h"
#include "shared/shm/bans.h"

#define BANS_LINE_MAX 512

/*
 * Take a line apart, without its LF.  Returns 1, 0 for a blank one or a comment
 * (#), -1 for what is none.  Pure.
 */
int bans_parse(const char *text, size_t len, struct ban_shm *ban);

/* The same the other way round, LF included; 0 for a row that holds nothing. */
size_t bans_format(const struct ban_shm *ban, char line[BANS_LINE_MAX]);

/* Where the file is, by default in the working directory. */
const char *bans_path(const struct options *options);

/*
 * Read the file, if there is one.  Returns 0, or -1 with a line for a person
 * in err: nothing in it is ever left out in silence.
 */
int bans_read(const struct options *options, char *err, size_t errsize);

/* Put what was read into the new segment.  Returns 0, or -1 with errno. */
int bans_seed(const struct master *m);

/* A worker says that they have changed. */
void bans_on_change(struct master *m);

/* A child that is no worker has ended. */
void bans_on_exit(struct master *m, pid_t pid, int status);

/* Is there nothing left to be written, or no hope? */
bool bans_are_kept(const struct master *m);

void bans_on_time(struct master *m, uint64_t now_us);
uint64_t bans_due_us(const struct master *m);

#endif
