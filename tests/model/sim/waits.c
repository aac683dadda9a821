/* SPDX-License-Identifier: MIT */
/*
 * Calls that may block: the epoll set, poll and the lock's semaphore.
 *
 * Time never rescues anybody who missed a wake-up.  A wait of up to 100 ms is
 * meant as a pause and ends by time; a longer one ends by an event, or when
 * everything else has come to rest (see run.c).
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <time.h>

#include "tests/model/sim/sim.h"

#define PAUSE_MS 100

int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(
    int epoll, struct epoll_event *events, int max, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);
int __real_poll(struct pollfd *fds, nfds_t n, int timeout);
int __wrap_sem_clockwait(
    sem_t *sem, clockid_t clock, const struct timespec *until);
int __wrap_sem_post(sem_t *sem);

/* What an fd of the running worker stands for. */
static struct file
file_of(const struct proc *p, int fd)
{
	struct file file = {NULL, 0};

	if (fd == FD_CHANNEL)
		file.id = p->channel_id;
	else if (fd == FD_PING)
		file.id = p->ping_id;
	else if (fd >= FD_BELL && fd < FD_BELL + SEATS)
		file.id = (uint64_t)fd; /* outlives processes */
	else if (fd >= FD_BASE && fd < FD_BASE + SLOTS)
		file.conn = p->session[fd - FD_BASE];
	return file;
}

static bool
same_file(const struct file *a, const struct file *b)
{
	return a->conn == b->conn && a->id == b->id;
}

static struct watch *
watch_find(struct epoll_set *set, const struct file *file, int fd)
{
	for (int i = 0; i < set->count; i++)
		if (set->watches[i].fd == fd &&
		    same_file(&set->watches[i].file, file))
			return &set->watches[i];
	return NULL;
}

/* The file is gone: so is it from all sets. */
void
epoll_forget(const struct file *file)
{
	for (unsigned s = 0; s < SEATS; s++) {
		struct epoll_set *set = &sim.epolls[s];

		for (int i = 0; i < set->count; i++)
			if (same_file(&set->watches[i].file, file))
				set->watches[i--] = set->watches[--set->count];
	}
}

static int
epoll_change(struct epoll_set *set, int op, int fd, struct epoll_event *event)
{
	struct file file = file_of(sim.current, fd);
	struct watch *w;

	if (file.conn == NULL && file.id == 0) {
		errno = EBADF;
		return -1;
	}
	w = watch_find(set, &file, fd);
	if ((op == EPOLL_CTL_ADD) == (w != NULL)) {
		errno = op == EPOLL_CTL_ADD ? EEXIST : ENOENT;
		return -1;
	}
	if (op == EPOLL_CTL_DEL) {
		*w = set->watches[--set->count];
		return 0;
	}
	if (w == NULL) {
		if (set->count == WATCHES)
			fail("too many registrations");
		w = &set->watches[set->count++];
	}
	*w = (struct watch){file, fd, event->events, event->data.u64};
	return 0;
}

int
__wrap_epoll_ctl(int epoll UNUSED, int op, int fd, struct epoll_event *event)
{
	int result, saved;

	point_call();
	result = epoll_change(&sim.epolls[sim.current->seat], op, fd, event);
	saved = errno;
	point_call();
	errno = saved;
	return result;
}

/* What epoll says now of a registration of that seat. */
static uint32_t
watch_poll(const struct proc *p, const struct watch *w)
{
	uint32_t events;

	if (w->file.conn != NULL)
		events = conn_poll(w->file.conn);
	else if (w->file.id == p->channel_id)
		events =
		    sim.master.desks[p->seat].to_worker.count > 0 ? EPOLLIN : 0;
	else if (w->fd >= FD_BELL)
		events = sim.bells[w->fd - FD_BELL] > 0 ? EPOLLIN : 0;
	else
		events = 0;
	return events & (w->events | EPOLLHUP | EPOLLERR);
}

bool
epoll_ready(const struct proc *p)
{
	const struct epoll_set *set = &sim.epolls[p->seat];

	for (int i = 0; i < set->count; i++)
		if (watch_poll(p, &set->watches[i]) != 0)
			return true;
	return false;
}

static bool
fd_ready(const struct proc *p, int fd)
{
	if (fd == FD_CHANNEL)
		return sim.master.desks[p->seat].to_worker.count > 0;
	return fd >= FD_BELL && sim.bells[fd - FD_BELL] > 0;
}

static bool
poll_ready(const struct proc *p)
{
	for (unsigned i = 0; i < p->npolled; i++)
		if (fd_ready(p, p->polled[i]))
			return true;
	return false;
}

bool
wait_over(struct proc *p)
{
	if (sim.now_us >= p->wake_us)
		return true;
	switch (p->wait) {
	case WAIT_EPOLL:
		return epoll_ready(p);
	case WAIT_POLL:
		return poll_ready(p);
	case WAIT_LOCK:
		return sim.parked_posts > 0;
	}
	return true;
}

/* Blocks until there is something, or until the time is over. */
static void
wait_for(enum wait_kind kind, int timeout_ms)
{
	struct proc *p = sim.current;

	p->wait = kind;
	p->wake_us = timeout_ms < 0 || timeout_ms > PAUSE_MS
			 ? UINT64_MAX
			 : sim.now_us + (uint64_t)timeout_ms * 1000;
	p->idle = p->wake_us == UINT64_MAX && kind == WAIT_EPOLL;
	p->state = PROC_WAITS;
	while (!wait_over(p))
		proc_yield();
	p->state = PROC_RUNNABLE;
	p->turns = 0;
	p->idle = false;
}

static int
epoll_collect(const struct proc *p, struct epoll_event *events, int max)
{
	const struct epoll_set *set = &sim.epolls[p->seat];
	int n = 0, at;

	if (set->count == 0)
		return 0;
	at = (int)random_below((unsigned)set->count);
	for (int i = 0; i < set->count && n < max; i++) {
		const struct watch *w = &set->watches[(at + i) % set->count];
		uint32_t found = watch_poll(p, w);

		if (found == 0)
			continue;
		events[n].events = found;
		events[n++].data.u64 = w->data;
	}
	return n;
}

int
__wrap_epoll_wait(
    int epoll UNUSED, struct epoll_event *events, int max, int timeout)
{
	int n;

	point_call();
	if (timeout != 0)
		wait_for(WAIT_EPOLL, timeout);
	n = epoll_collect(sim.current, events, max);
	point_call();
	return n;
}

int
__wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct proc *p = sim.current;

	if (p == NULL)
		return __real_poll(fds, n, timeout);
	point_call();
	p->npolled = 0;
	for (nfds_t i = 0; i < n && i < COUNT(p->polled); i++)
		p->polled[p->npolled++] = fds[i].fd;
	wait_for(WAIT_POLL, timeout);
	for (nfds_t i = 0; i < n; i++)
		fds[i].revents = fd_ready(p, fds[i].fd) ? POLLIN : 0;
	point_call();
	return 0;
}

int
__wrap_sem_clockwait(sem_t *sem UNUSED, clockid_t clock UNUSED,
    const struct timespec *until UNUSED)
{
	sim.total.parks++;
	point_call();
	wait_for(WAIT_LOCK, -1);
	sim.parked_posts--;
	point_call();
	return 0;
}

int
__wrap_sem_post(sem_t *sem UNUSED)
{
	if (sim.current == NULL)
		return 0;
	point_call();
	sim.parked_posts++;
	point_call();
	return 0;
}
