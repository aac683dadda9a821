/* SPDX-License-Identifier: MIT */
/*
 * See sandbox_calls.h.  A call is listed because our code, or libc's beneath
 * it, makes it once the process is in its sandbox; the numbers are those of
 * the architecture that this is compiled for, and what an architecture lacks
 * is left out.
 */
#include "shared/base/sandbox_calls.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define WORKER (1u << SANDBOX_WORKER)
#define AUTH (1u << SANDBOX_AUTH)
#define TLS (1u << SANDBOX_TLS)
#define RESCUE (1u << SANDBOX_RESCUE)
#define BANS (1u << SANDBOX_BANS)
#define ALL (WORKER | AUTH | TLS | RESCUE | BANS)
#define LIVE (WORKER | AUTH | TLS) /* what serves until it is told to end */
#define TALKS (WORKER | TLS)       /* what clients talk to */

const struct sandbox_call sandbox_calls[] = {
    /* Messages in and out. */
    {SYS_sendto, LIVE, RULE_NOWHERE},
    {SYS_recvfrom, LIVE, RULE_ANY},
    {SYS_sendmsg, ALL, RULE_ANY},
    {SYS_recvmsg, LIVE, RULE_ANY},
    {SYS_epoll_pwait, LIVE, RULE_ANY},
    {SYS_epoll_ctl, LIVE, RULE_ANY},
    {SYS_read, ALL, RULE_ANY},
    {SYS_write, ALL, RULE_ANY},
    {SYS_writev, ALL, RULE_ANY},
    {SYS_futex, ALL, RULE_ANY},
    {SYS_close, ALL, RULE_ANY},
    {SYS_ppoll, ALL, RULE_ANY},
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, LIVE, RULE_ANY},
#endif
#ifdef SYS_poll
    {SYS_poll, ALL, RULE_ANY},
#endif
    {SYS_ioctl, ALL, RULE_IOCTL},
    {SYS_fcntl, ALL, RULE_FCNTL},
    {SYS_getsockopt, TALKS | RESCUE, RULE_ANY},
    {SYS_setsockopt, TALKS, RULE_ANY},
    {SYS_shutdown, TALKS, RULE_ANY},
    {SYS_getsockname, TALKS, RULE_ANY},
    {SYS_getpeername, TALKS, RULE_ANY},
    {SYS_dup3, LIVE, RULE_ANY},
    {SYS_close_range, LIVE, RULE_ANY},

    /* Time, identity, chance. */
    {SYS_clock_gettime, ALL, RULE_ANY},
    {SYS_gettimeofday, ALL, RULE_ANY},
    {SYS_clock_nanosleep, ALL, RULE_ANY},
    {SYS_nanosleep, ALL, RULE_ANY},
    {SYS_restart_syscall, ALL, RULE_ANY},
    {SYS_sched_yield, ALL, RULE_ANY},
    {SYS_setitimer, AUTH, RULE_ANY},
    {SYS_getpid, ALL, RULE_ANY},
    {SYS_gettid, ALL, RULE_ANY},
    {SYS_getppid, ALL, RULE_ANY},
    {SYS_getrandom, ALL, RULE_ANY},
#ifdef SYS_time
    {SYS_time, ALL, RULE_ANY},
#endif

    /* Memory, of which none is ever code. */
    {SYS_brk, ALL, RULE_ANY},
    {SYS_mmap, ALL, RULE_NO_CODE},
    {SYS_mprotect, ALL, RULE_NO_CODE},
    {SYS_munmap, ALL, RULE_ANY},
    {SYS_mremap, ALL, RULE_ANY},
    {SYS_madvise, ALL, RULE_ANY},

    /* Signals, and the end. */
    {SYS_rt_sigaction, ALL, RULE_ANY},
    {SYS_rt_sigprocmask, ALL, RULE_ANY},
    {SYS_rt_sigreturn, ALL, RULE_ANY},
    {SYS_sigaltstack, ALL, RULE_ANY},
    {SYS_tgkill, ALL, RULE_SELF},
    {SYS_kill, ALL, RULE_SELF},
    {SYS_exit, ALL, RULE_ANY},
    {SYS_exit_group, ALL, RULE_ANY},

    /* Sizes of what is mapped; its own fds, by their numbers. */
    {SYS_fstat, ALL, RULE_ANY},
    {SYS_newfstatat, ALL, RULE_ANY},
    {SYS_lseek, ALL, RULE_ANY},

    /* A segment is laid out. */
    {SYS_ftruncate, RESCUE | BANS, RULE_ANY},
    {SYS_fallocate, RESCUE, RULE_ANY},
    {SYS_pread64, RESCUE | BANS, RULE_ANY},
    {SYS_pwrite64, RESCUE | BANS, RULE_ANY},

    /* A file is written beside the old one, and takes its place. */
    {SYS_openat, BANS, RULE_ANY},
    {SYS_fsync, BANS, RULE_ANY},
#ifdef SYS_rename
    {SYS_rename, BANS, RULE_ANY},
#endif
    {SYS_renameat, BANS, RULE_ANY},
#ifdef SYS_unlink
    {SYS_unlink, BANS, RULE_ANY},
#endif
    {SYS_unlinkat, BANS, RULE_ANY},

    /* Certificates are read again; pairs are made through one's listener. */
    {SYS_openat, TLS, RULE_READ_ONLY},
    {SYS_socket, TLS, RULE_INET},
    {SYS_connect, TLS, RULE_ANY},
    {SYS_accept4, TLS, RULE_ANY},

    /*
     * The log's daemon was restarted: a worker drops the line and counts it,
     * the master connects the socket that they share again.
     */
    {SYS_connect, ALL & ~TLS, RULE_REFUSED},

#ifdef SANDBOX_INSTRUMENTED
    /* Sanitizers and coverage make whatever calls they like but these. */
    {SYS_execve, ALL, RULE_DENIED},
    {SYS_chroot, ALL, RULE_DENIED},
#endif
};
const unsigned sandbox_ncalls = COUNT(sandbox_calls);

/* Not F_SETOWN and F_SETSIG, by which the kernel signals others. */
const uint32_t sandbox_fcntls[] = {
    F_GETFD,
    F_SETFD,
    F_GETFL,
    F_SETFL,
    F_DUPFD_CLOEXEC,
};
const unsigned sandbox_nfcntls = COUNT(sandbox_fcntls);

const uint32_t sandbox_ioctls[] = {
    SIOCINQ, SIOCOUTQ, FIONBIO, /* OpenSSL makes a socket non-blocking */
    TCGETS,                     /* stdio, of the fd that it writes to first */
};
const unsigned sandbox_nioctls = COUNT(sandbox_ioctls);
