/* SPDX-License-Identifier: MIT */
/*
 * TLS workers, as the master sees them: a program of its own, chatmaster-tls,
 * which is passed connections, and hands each back when the handshake is over
 * as a connection that speaks in the clear.  From then on that is the slot's.
 *
 * A TLS worker has no place in the segment, and nobody takes over what it
 * had: its connections end with it, as their keys did.
 */
#ifndef MASTER_TLS_H
#define MASTER_TLS_H

#include "master/master.h"

/*
 * Do the options for TLS go together?  Returns 0, or -1 with a line for a
 * person in err.
 */
int tls_settle(const struct options *options, char *err, size_t errsize);

/*
 * Files that a TLS worker has open at most when there are so many clients; 0
 * if there is none.  It takes no more connections than it has files for, but
 * with fewer it would make clients wait.
 */
unsigned tls_files(const struct options *options, unsigned clients);

/*
 * Find the program and have it look at certificates and keys, if there is a
 * TLS listener; to be called before anything is opened.  Returns 0, or -1
 * after saying on standard error why not.  `options` is kept.
 */
int tls_prepare(const struct options *options);

/* In the child: become the program. */
worker_main tls_worker_main;

/*
 * The worker in `seat` hands a connection back, whose clear side is `fd`: that
 * is the slot's from now on.  Returns 0 and has taken fd, or -1 and has not.
 */
int tls_on_clear(struct master *m, uint32_t seat,
    const struct channel_message *message, int fd);

/* The worker in `seat` has died, and what it had been passed with it. */
void tls_on_death(struct master *m, uint32_t seat);

/* HUP: have all TLS workers load their certificates again. */
void tls_reload(struct master *m);

/* Tell those who could not be told. */
void tls_on_time(struct master *m, uint64_t now_us);
uint64_t tls_due_us(const struct master *m);

#endif
