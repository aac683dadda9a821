/* SPDX-License-Identifier: MIT */
/* The calls that each kind of process may make; only sandbox.c asks. */
#ifndef SHARED_BASE_SANDBOX_CALLS_H
#define SHARED_BASE_SANDBOX_CALLS_H

#include "shared/base/sandbox.h"

/* What is asked of a call's arguments. */
enum sandbox_rule {
	RULE_ANY,
	RULE_SELF,      /* the first is our own pid */
	RULE_NOWHERE,   /* the fifth, an address, is NULL */
	RULE_NO_CODE,   /* the third, a protection, is without PROT_EXEC */
	RULE_FCNTL,     /* the second is one of sandbox_fcntls */
	RULE_IOCTL,     /* the second is one of sandbox_ioctls */
	RULE_READ_ONLY, /* the third, of openat(2), opens for nothing else */
	RULE_INET,      /* the first is AF_INET, of a stream */
	RULE_REFUSED,   /* it fails with EPERM */
	RULE_DENIED,    /* none will do */
};

struct sandbox_call {
	uint32_t number;
	uint32_t kinds; /* bits by enum sandbox_kind */
	enum sandbox_rule rule;
};

/* In the order in which they are looked up: those made often come first. */
extern const struct sandbox_call sandbox_calls[];
extern const unsigned sandbox_ncalls;

extern const uint32_t sandbox_fcntls[];
extern const unsigned sandbox_nfcntls;

extern const uint32_t sandbox_ioctls[];
extern const unsigned sandbox_nioctls;

#endif
