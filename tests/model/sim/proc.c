/* SPDX-License-Identifier: MIT */
/*
 * Workers as processes: each a coroutine with a stack, private memory and a
 * table of fds of its own.  What dies with a process is freed here; what
 * outlives it is in the segment, the master and the epoll set.
 */
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "tests/model/sim/sim.h"

#define STACK (256 * 1024)
#define ARENA (1024 * 1024)

void *__real_memset(void *dst, int c, size_t len);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *p);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *p);

/* Private memory: all of it goes when the process goes. */
void *
__wrap_calloc(size_t count, size_t size)
{
	struct proc *p = sim.current;
	size_t bytes = (count * size + 15) & ~(size_t)15;
	void *at;

	if (p == NULL)
		return __real_calloc(count, size);
	if (bytes > ARENA - p->arena_used)
		fail("seat %u: out of private memory", p->seat);
	at = p->arena + p->arena_used;
	p->arena_used += bytes;
	return at;
}

void
__wrap_free(void *at)
{
	if (sim.current == NULL)
		__real_free(at);
}

/* The life of a process. */
static void
proc_main(void)
{
	struct proc *p = sim.current;

	worker_init(&p->worker, &p->inherit);
	worker_begin(&p->worker);
	p->serving = true;
	while (worker_turn(&p->worker))
		if (++p->turns > 3000)
			fail(
			    "seat %u: turns and turns without an end", p->seat);
	worker_fini(&p->worker);
	TRACE("seat %u ends", p->seat);
	proc_die();
}

static void
prepare(struct proc *p)
{
	if (p->stack == NULL) {
		p->stack = malloc(STACK);
		p->arena = malloc(ARENA);
		if (p->stack == NULL || p->arena == NULL)
			abort();
		p->arena_used = ARENA;
	}
	__real_memset(p->arena, 0, p->arena_used);
	p->arena_used = 0;
	p->serving = false;
	p->turns = 0;
	p->idle = false;
	memset(p->transient, 0, sizeof(p->transient));
	p->channel_id = ++sim.next_file;
	p->ping_id = ++sim.next_file;
}

/* What fork gives a worker: the master's table, and the fds of its own. */
static void
inherit_all(struct proc *p, bool takeover)
{
	memcpy(p->slots, sim.master.slots, sizeof(p->slots));
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		p->session[slot] = NULL;
		if (p->slots[slot].seat != (int)p->seat)
			continue;
		p->session[slot] = sim.master.conns[slot];
		conn_hold(p->session[slot]);
	}
	p->inherit = (struct inherit){
	    .seat = p->seat,
	    .nseats = sim.profile.nworkers,
	    .type = WORKER_TELNET, /* which serves both */
	    .settings = &sim.settings,
	    .segment_fd = FD_SEGMENT,
	    .channel = FD_CHANNEL,
	    .ping = FD_PING,
	    .epoll = FD_EPOLL,
	    .bells = sim.bell_fds,
	    .slots = p->slots,
	    .nslots = SLOTS,
	    .takeover = takeover,
	    .signal = takeover ? 9 : 0,
	    .suspect = takeover, /* each takeover looks at all tables */
	    .backoff_ms = takeover && random_percent(sim.profile.backoff)
			      ? 1 + random_below(20)
			      : 0,
	    .forked_us = sim.now_us,
	    .master_pid = 1,
	};
}

void
proc_start(uint32_t seat, bool takeover)
{
	struct proc *p = &sim.procs[seat];

	p->seat = seat;
	prepare(p);
	inherit_all(p, takeover);
	p->state = PROC_FRESH;
	TRACE("seat %u starts%s", seat, takeover ? " and takes over" : "");
}

/* Enter a process for the first time. */
static void
proc_enter(struct proc *p)
{
	static ucontext_t context;

	/* Threads would not be deterministic. */
	/* cppcheck-suppress getcontextCalled */
	getcontext(&context);
	context.uc_stack.ss_sp = p->stack;
	context.uc_stack.ss_size = STACK;
	context.uc_link = NULL;
	/* cppcheck-suppress makecontextCalled */
	makecontext(&context, proc_main, 0);
	setcontext(&context);
	abort();
}

void
proc_resume(struct proc *p)
{
	bool fresh = p->state == PROC_FRESH;

	sim.current = p;
	p->state = PROC_RUNNABLE;
	if (sigsetjmp(sim.scheduler, 0) == 0) {
		if (fresh)
			proc_enter(p);
		siglongjmp(p->context, 1);
	}
	sim.current = NULL;
}

/* Let others run; comes back when it is this process' turn again. */
void
proc_yield(void)
{
	struct proc *p = sim.current;

	stores_settle();
	if (sigsetjmp(p->context, 0) == 0)
		siglongjmp(sim.scheduler, 1);
}

void
proc_close_all(struct proc *p)
{
	struct file channel = {NULL, p->channel_id};
	struct file ping = {NULL, p->ping_id};

	for (uint32_t i = 0; i < SLOTS; i++) {
		if (p->session[i] != NULL)
			conn_drop(p->session[i]);
		p->session[i] = NULL;
	}
	for (unsigned i = 0; i < TRANSIENT; i++) {
		if (p->transient[i] != NULL)
			conn_drop(p->transient[i]);
		p->transient[i] = NULL;
	}
	epoll_forget(&channel);
	epoll_forget(&ping);
}

/* The running process dies: never returns. */
void
proc_die(void)
{
	struct proc *p = sim.current;

	stores_settle();
	proc_close_all(p);
	p->state = PROC_DEAD;
	siglongjmp(sim.scheduler, 1);
}

void
proc_reset(void)
{
	for (uint32_t i = 0; i < SEATS; i++)
		sim.procs[i].state = PROC_DEAD;
	sim.current = NULL;
}
