/* SPDX-License-Identifier: MIT */
/*
 * Where the log goes: opened at the start, and again when USR1 says that the
 * file has been moved away.
 *
 * Master and workers share what is behind one fd number.  On USR1 the master
 * opens the file anew, puts it under that number, and sends it to each worker,
 * who does the same; a worker forked later inherits it.  Until a worker has
 * read that message, its lines go to the old file.
 */
#ifndef MASTER_LOGS_H
#define MASTER_LOGS_H

#include "master/master.h"

/* What logs_open and logs_check return beside 0. */
enum {
	LOGS_UNUSABLE = -1,  /* a file that can't be written */
	LOGS_NO_DAEMON = -2, /* no syslog daemon */
};

/*
 * Open the log that the options name.  Returns 0, or one of the above with a
 * line for a person in err, and the log is standard error.
 */
int logs_open(const struct options *options, char *err, size_t errsize);

/* The socket of the syslog daemon, or NULL when the log is none of syslog. */
const char *logs_syslog(const struct options *options);

/*
 * Would logs_open succeed?  Nothing is created, and standard error is the log.
 */
int logs_check(const struct options *options, char *err, size_t errsize);

/* USR1: as above.  If it can't be opened, the old one stays: logged there. */
void logs_reopen(struct master *m);

/* Tell the workers who haven't been told. */
void logs_on_time(struct master *m, uint64_t now_us);
uint64_t logs_due_us(const struct master *m);

#endif
