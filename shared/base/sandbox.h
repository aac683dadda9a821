/* SPDX-License-Identifier: MIT */
/*
 * The sandbox: what a process that reads bytes of strangers may still ask of
 * the kernel.  Once in, there is no way out.
 *
 *   no new privileges   no program it could run has more rights than it has
 *   capabilities        none, though it may be root's
 *   not dumpable        nobody of the same user looks into it
 *   seccomp(2)          a list of calls by kind (sandbox_calls.c), and of some
 *                       only what honest code asks for; another call is logged
 *                       with its number and kills the process by SIGSYS
 *   landlock(7)         no file but below the folders named, and no TCP
 *                       connection but to the one port
 *
 * What the kernel lacks is left out.  tests/system/t870_sandbox.py tries every
 * call there is.
 */
#ifndef SHARED_BASE_SANDBOX_H
#define SHARED_BASE_SANDBOX_H

#include "shared/base/base.h"

enum sandbox_kind {
	SANDBOX_WORKER, /* has sessions, and what it needs open already */
	SANDBOX_AUTH,   /* answers questions */
	SANDBOX_TLS,    /* reads its certificates anew, connects to itself */
	SANDBOX_RESCUE, /* lays a segment out */
	SANDBOX_BANS,   /* writes one file */
	SANDBOX_KINDS,
};

struct sandbox {
	enum sandbox_kind kind;
	const char *const *folders; /* that it reads; of BANS, and writes */
	unsigned nfolders;
	uint16_t port; /* TCP port that it connects to; 0: none */
};

/* Does this kernel filter calls, on an architecture that we have a list for? */
bool sandbox_filters(void);

/* The version of Landlock that this kernel has, 0 for none. */
int sandbox_landlock(void);

/*
 * Give up for good what any process may give up: privileges that it could gain
 * (prctl(2), PR_SET_NO_NEW_PRIVS), being looked into, and all capabilities(7)
 * but those in `keep`, a mask by number.  Returns 0, or -1 with errno.
 */
int sandbox_renounce(uint64_t keep);

/*
 * All of it, for this process, which has one thread, and what it forks.
 * Returns 0, or -1 with errno; it is half in then, and had better end.
 */
int sandbox_enter(const struct sandbox *sandbox);

#endif
