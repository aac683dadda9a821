/* SPDX-License-Identifier: MIT */
/* See sandbox.h; sandbox_calls.c has the list. */
#include "shared/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/sandbox_calls.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0 /* no list for it: its numbers are looked up, not tested */
#endif

/* Sanitizers look into their own process, and coverage writes files. */
#ifdef SANDBOX_INSTRUMENTED
#define INSTRUMENTED true
#define OTHERWISE SECCOMP_RET_ALLOW
#else
#define INSTRUMENTED false
#define OTHERWISE SECCOMP_RET_TRAP
#endif

/* Of kernels later than the headers: landlock(7) says since when. */
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)
#define RULE_NET_PORT 2

struct ruleset {
	uint64_t fs, net, scoped;
};
struct net_port {
	uint64_t allowed, port;
};

/* A filter in the making.  Longer than any kind's is. */
struct filter {
	struct sock_filter code[1024];
	unsigned short len;
};

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "the low half of an argument comes first");

#define LOW(i) (offsetof(struct seccomp_data, args) + 8 * (i))
#define HIGH(i) (LOW(i) + 4)

bool
sandbox_filters(void)
{
	uint32_t action = SECCOMP_RET_TRAP;

	return ARCH != 0 &&
	       syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int
sandbox_landlock(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

/* No instruction of ours is more than 255 from where it jumps to. */
static void
put(struct filter *f, uint16_t code, uint32_t k, size_t yes, size_t no)
{
	f->code[f->len++] = (struct sock_filter){
	    .code = code,
	    .k = k,
	    .jt = (uint8_t)yes,
	    .jf = (uint8_t)no,
	};
}

static void
put_load(struct filter *f, size_t offset)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
put_return(struct filter *f, uint32_t action)
{
	put(f, BPF_RET | BPF_K, action, 0, 0);
}

/* Allowed if what was loaded is k; else what comes next is done. */
static void
put_allow_if(struct filter *f, uint32_t k)
{
	put(f, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	put_return(f, SECCOMP_RET_ALLOW);
}

static void
put_allow_if_none(struct filter *f, uint32_t bits)
{
	put(f, BPF_ALU | BPF_AND | BPF_K, bits, 0, 0);
	put_allow_if(f, 0);
}

static void
put_allow_set(struct filter *f, const uint32_t *set, unsigned n)
{
	put_load(f, LOW(1));
	for (unsigned i = 0; i < n; i++)
		put_allow_if(f, set[i]);
}

/* What a rule says of a call, up to its return. */
static void
put_rule(struct filter *f, enum sandbox_rule rule)
{
	switch (rule) {
	case RULE_ANY:
		put_return(f, SECCOMP_RET_ALLOW);
		return;
	case RULE_REFUSED:
		put_return(f, SECCOMP_RET_ERRNO | EPERM);
		return;
	case RULE_DENIED:
		put_return(f, SECCOMP_RET_TRAP);
		return;
	case RULE_SELF:
		put_load(f, LOW(0));
		put_allow_if(f, (uint32_t)getpid());
		break;
	case RULE_NOWHERE:
		put_load(f, HIGH(4));
		put(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
		put_load(f, LOW(4));
		put_allow_if(f, 0);
		break;
	case RULE_NO_CODE:
		put_load(f, LOW(2));
		put_allow_if_none(f, PROT_EXEC);
		break;
	case RULE_FCNTL:
		put_allow_set(f, sandbox_fcntls, sandbox_nfcntls);
		break;
	case RULE_IOCTL:
		put_allow_set(f, sandbox_ioctls, sandbox_nioctls);
		break;
	case RULE_READ_ONLY:
		put_load(f, LOW(2));
		put_allow_if_none(f,
		    O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY));
		break;
	case RULE_INET:
		put_load(f, LOW(0));
		put(f, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 0, 4);
		put_load(f, LOW(1));
		put(f, BPF_ALU | BPF_AND | BPF_K,
		    ~(uint32_t)(SOCK_NONBLOCK | SOCK_CLOEXEC), 0, 0);
		put_allow_if(f, SOCK_STREAM);
		break;
	}
	put_return(f, OTHERWISE);
}

static void
put_call(struct filter *f, const struct sandbox_call *call)
{
	unsigned at = f->len;

	put(f, BPF_JMP | BPF_JEQ | BPF_K, call->number, 0, 0);
	put_rule(f, call->rule);
	f->code[at].jf = (uint8_t)(f->len - at - 1);
}

static void
filter_make(struct filter *f, enum sandbox_kind kind)
{
	f->len = 0;
	put_load(f, offsetof(struct seccomp_data, arch));
	put(f, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	put_return(f, SECCOMP_RET_KILL_PROCESS);
	put_load(f, offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < sandbox_ncalls; i++)
		if (sandbox_calls[i].kinds & 1u << kind)
			put_call(f, &sandbox_calls[i]);
	put_return(f, OTHERWISE);
}

/*
 * The call was of our own making and is none of the log's, so that this, unlike
 * other handlers, may log.
 */
static void
on_denied(int number, siginfo_t *info, void *context)
{
	(void)context;
	log_errorx("sandbox", "reason=denied call=%d arch=%#x",
	    info->si_syscall, info->si_arch);
	log_flush();
	raise(number);
}

static int
seccomp_enter(enum sandbox_kind kind)
{
	static struct filter filter;
	struct sigaction action = {
	    .sa_sigaction = on_denied,
	    .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER,
	};
	struct sock_fprog program = {.filter = filter.code};

	filter_make(&filter, kind);
	program.len = filter.len;
	if (sigaction(SIGSYS, &action, NULL) == -1)
		return -1;
	/* Our secrets aren't guarded by what that would slow us down for. */
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

/* Rights to files that the version of Landlock knows. */
static uint64_t
landlock_fs(int version)
{
	uint64_t rights = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1;

	if (version >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		rights |= FS_TRUNCATE;
	if (version >= 5)
		rights |= FS_IOCTL_DEV;
	return rights;
}

/* One that isn't there any more is none that could be read. */
static int
landlock_add_folder(int ruleset, const char *folder, uint64_t allowed)
{
	struct landlock_path_beneath_attr rule = {
	    .allowed_access = allowed,
	    .parent_fd = open(folder, O_PATH | O_CLOEXEC),
	};
	long r;

	if (rule.parent_fd == -1)
		return errno == ENOENT ? 0 : -1;
	r = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
	    &rule, 0);
	close(rule.parent_fd);
	return (int)r;
}

static int
landlock_add(int ruleset, const struct sandbox *s, const struct ruleset *all)
{
	const struct net_port port = {NET_CONNECT_TCP, s->port};
	uint64_t allowed = LANDLOCK_ACCESS_FS_READ_FILE;

	if (s->kind == SANDBOX_BANS)
		allowed |= LANDLOCK_ACCESS_FS_WRITE_FILE |
			   LANDLOCK_ACCESS_FS_MAKE_REG |
			   LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_TRUNCATE;
	for (unsigned i = 0; i < s->nfolders; i++)
		if (landlock_add_folder(
			ruleset, s->folders[i], allowed & all->fs) == -1)
			return -1;
	if (s->port == 0 || all->net == 0)
		return 0;
	return (int)syscall(
	    SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &port, 0);
}

static int
landlock_enter(const struct sandbox *s)
{
	int version = sandbox_landlock();
	struct ruleset all = {
	    .fs = landlock_fs(version),
	    .net = version >= 4 ? NET_BIND_TCP | NET_CONNECT_TCP : 0,
	    .scoped =
		version >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0,
	};
	size_t size = version >= 6   ? sizeof(all)
		      : version >= 4 ? offsetof(struct ruleset, scoped)
				     : offsetof(struct ruleset, net);
	int ruleset, r;

	if (version == 0)
		return 0;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (ruleset == -1)
		return -1;
	r = landlock_add(ruleset, s, &all);
	if (r == 0)
		r = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
	return r;
}

/* The bounding set is cut down as well, for programs that are started. */
static int
drop_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) == -1)
		return -1;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if ((keep >> cap & 1) == 0)
			/* EPERM: we are nobody who could give it to others. */
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	for (unsigned i = 0; i < COUNT(data); i++) {
		data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].effective &= (uint32_t)(keep >> 32 * i);
		data[i].inheritable = 0;
	}
	head.pid = 0;
	return (int)syscall(SYS_capset, &head, data);
}

int
sandbox_renounce(uint64_t keep)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    drop_capabilities(keep) == -1)
		return -1;
	return INSTRUMENTED ? 0 : prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int
sandbox_enter(const struct sandbox *s)
{
	tzset(); /* even gmtime(3) reads the time zone's file, the first time */
	if (sandbox_renounce(0) == -1)
		return -1;
	if (!INSTRUMENTED && landlock_enter(s) == -1)
		return -1;
	return sandbox_filters() ? seccomp_enter(s->kind) : 0;
}
