/* SPDX-License-Identifier: MIT */
/* See spawn.h. */
#include "master/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "master/auth.h"
#include "master/loop.h"
#include "master/pass.h"
#include "master/rescue.h"
#include "master/slots.h"
#include "master/watchdog.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/net/fd.h"
#include "shared/net/listen.h"
#include "shared/net/notify.h"
#include "shared/shm/seat.h"

#define RETRY_US (10 * 1000)
#define BACKOFF_FIRST_MS 10
#define BACKOFF_MAX_MS 1000
#define OOM_SCORE "500" /* rather a worker, which is replaced, than us */

/* A seat's six fds, listeners, and what else there is now and then. */
static_assert(6 * SEATS_MAX + LISTENERS_MAX + 64 <= FD_BASE,
    "connections' fds lie above all others");

void
spawn_show(struct master *m, uint32_t i)
{
	struct status_shm *status = m->instance.status;
	const struct seat *seat = &m->seats[i];

	atomic_store(&status->nseats, m->nseats);
	atomic_store(&status->seats[i].type, (uint32_t)seat->type);
	atomic_store(&status->seats[i].restarts, seat->restarts);
	atomic_store(&status->seats[i].sessions, seat->sessions);
	atomic_store(&status->seats[i].state,
	    seat->phase == SEAT_READY ? SEAT_SERVING : SEAT_EMPTY);
	atomic_store(&status->seats[i].pid, (uint32_t)seat->pid);
}

int
spawn_make_seat(struct master *m, enum worker_type type)
{
	uint32_t i = m->nseats++;
	struct seat *seat = &m->seats[i];

	*seat = (struct seat){
	    .type = type,
	    .phase = SEAT_VACANT,
	    .epoll = epoll_create1(EPOLL_CLOEXEC),
	    .channel = -1,
	    .ping = -1,
	    .queue_first = NONE,
	    .queue_last = NONE,
	};
	m->bells[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (seat->epoll == -1 || m->bells[i] == -1)
		return -1;
	if (!types[type].foreign && auth_connect(m, i) == -1)
		return -1;
	spawn_show(m, i);
	return 0;
}

int
spawn_make_seats(struct master *m)
{
	for (unsigned type = 0; type < WORKER_TYPES; type++)
		for (unsigned n = types_count(&m->options, type); n > 0; n--)
			if (spawn_make_seat(m, type) == -1)
				return -1;
	return 0;
}

uint32_t
spawn_backoff_ms(const struct seat *seat)
{
	if (seat->quick_deaths <= 2)
		return 0;
	if (seat->quick_deaths - 3 > 6)
		return BACKOFF_MAX_MS;
	return BACKOFF_FIRST_MS << (seat->quick_deaths - 3);
}

/* In the child: closes all that isn't its own. */
static void
spawn_close_others(const struct master *m, bool keep[FD_BASE], int seat)
{
	uint32_t end = FD_BASE + m->nslots;
	uint32_t first; /* of a run that is to be closed */

	for (uint32_t i = 0; i <= STDERR_FILENO; i++)
		keep[i] = true;
	keep[log_fd()] = true;

	first = 0;
	for (uint32_t fd = 0; fd < end; fd++) {
		if (fd < FD_BASE ? !keep[fd]
				 : m->slots[fd - FD_BASE].seat != seat &&
				       seat != SPAWN_NO_SEAT)
			continue;
		if (fd > first)
			fd_close_range(first, fd - 1);
		first = fd + 1;
	}
	if (end > first)
		fd_close_range(first, end - 1);
}

/*
 * In the child: signals.  Those that tell the master to stop often go to the
 * whole process group (Ctrl-C, systemd); a worker waits until the master says
 * so, or it would be gone before its clients are told.  So it is with those
 * that a person sends to all processes of one name.
 */
static void
spawn_set_signals(void)
{
	sigset_t none;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * In the child: the file that says how readily it is killed for want of memory.
 * It is root's while the process, as the user it has become, isn't dumpable.
 */
static int
spawn_open_score(void)
{
	static const char path[] = "/proc/self/oom_score_adj";
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd != -1 || errno != EACCES)
		return fd;
	prctl(PR_SET_DUMPABLE, 1);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	prctl(PR_SET_DUMPABLE, 0);
	return fd;
}

/* In the child: what the system shall know of it.  Best effort. */
static void
spawn_introduce(const char *name)
{
	static const struct rlimit no_core = {0, 0};
	int fd = spawn_open_score();

	if (fd != -1) {
		if (write(fd, OOM_SCORE, strlen(OOM_SCORE)) == -1)
			log_debug("oom-score", NULL);
		close(fd);
	}
	/* Dumping would hold the segment's lock for seconds. */
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_NAME, name);
}

void
spawn_enter_child(
    const struct master *m, bool keep[FD_BASE], int seat, const char *name)
{
	log_forked();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != m->pid)
		_exit(1); /* it died before we asked to be told */
	fault_set_seat(seat, seat < 0 || types[m->seats[seat].type].foreign
				 ? 0
				 : 1 + (unsigned)m->seats[seat].type);
	spawn_set_signals();
	spawn_close_others(m, keep, seat);
	spawn_introduce(name);
}

static _Noreturn void
spawn_child(const struct master *m, const struct inherit *inherit)
{
	bool keep[FD_BASE] = {false};
	char name[16];

	keep[inherit->channel] = true;
	keep[inherit->ping] = true;
	if (!types[inherit->type].foreign) {
		keep[inherit->segment_fd] = true;
		keep[inherit->epoll] = true;
		keep[inherit->ask] = true;
		for (uint32_t i = 0; i < inherit->nseats; i++)
			keep[m->bells[i]] = true;
	}
	if (inherit->type == WORKER_AUTH)
		for (uint32_t i = 0; i < inherit->nseats; i++)
			keep[m->asked[i]] = true;
	snprintf(name, sizeof(name), "chatmaster:%c%u",
	    types[inherit->type].name[0], inherit->seat);
	spawn_enter_child(m, keep, (int)inherit->seat, name);
	if (types[inherit->type].foreign && m->instance.mapped != NULL)
		munmap(m->instance.mapped, m->instance.mapped_size);
	FAULT_POINT("master.forked");
	/* The master has no exit handlers; tools that measure us may. */
	exit(types[inherit->type].main(inherit));
}

/* Closes pairs that were made for a worker that there won't be. */
static void
spawn_undo(struct master *m, struct seat *seat, int channel, int ping)
{
	int saved = errno;

	if (seat->channel != -1) {
		loop_remove(m, seat->channel);
		close(seat->channel);
		close(channel);
	}
	if (seat->ping != -1) {
		loop_remove(m, seat->ping);
		close(seat->ping);
		close(ping);
	}
	seat->channel = seat->ping = -1;
	errno = saved;
}

/* Makes the pairs that a worker needs; its ends go to `inherit`. */
static int
spawn_connect(struct master *m, uint32_t i, struct inherit *inherit)
{
	struct seat *seat = &m->seats[i];
	int pair[2];

	if (channel_pair(pair) == -1)
		return -1;
	seat->channel = pair[0];
	inherit->channel = pair[1];
	if (channel_pair(pair) == -1)
		return -1;
	seat->ping = pair[0];
	inherit->ping = pair[1];
	if (loop_add(m, seat->channel, SOURCE_CHANNEL, i) == -1 ||
	    loop_add(m, seat->ping, SOURCE_PING, i) == -1)
		return -1;
	return 0;
}

/* Forks.  Returns 0, or -1 with errno and nothing changed. */
static int
spawn_fork(struct master *m, uint32_t i)
{
	struct seat *seat = &m->seats[i];
	struct inherit inherit = {
	    .seat = i,
	    .nseats = m->instance.params.nseats,
	    .type = seat->type,
	    .policy = &m->policy,
	    .segment_fd = m->instance.fd,
	    .channel = -1,
	    .ping = -1,
	    .epoll = seat->epoll,
	    .bells = m->bells,
	    .ask = m->asks[i],
	    .asked = m->asked,
	    .slots = m->slots,
	    .nslots = m->nslots,
	    .takeover = seat->takeover,
	    .signal = seat->signal,
	    .by_watchdog = seat->by_watchdog,
	    .suspect = rescue_suspects(seat),
	    .backoff_ms = spawn_backoff_ms(seat),
	    .forked_us = clock_us(),
	    .master_pid = m->pid,
	    .sandbox = m->options.sandbox != 0,
	};
	pid_t pid;

	if (spawn_connect(m, i, &inherit) == -1) {
		spawn_undo(m, seat, inherit.channel, inherit.ping);
		return -1;
	}
	log_flush();
	pid = FAULT_FAILS("master.fork", EAGAIN) ? -1 : fork();
	if (pid == 0)
		spawn_child(m, &inherit);
	if (pid == -1) {
		spawn_undo(m, seat, inherit.channel, inherit.ping);
		return -1;
	}
	close(inherit.channel);
	close(inherit.ping);
	seat->pid = pid;
	seat->forked_us = inherit.forked_us;
	return 0;
}

static void
spawn_worker(struct master *m, uint32_t i)
{
	struct seat *seat = &m->seats[i];

	if (!types[seat->type].foreign)
		pass_forget(m, i);
	if (spawn_fork(m, i) == -1) {
		if (!seat->fork_failed)
			log_error("fork-failed", "type=%s seat=%u retry_ms=%d",
			    types[seat->type].name, i, RETRY_US / 1000);
		seat->fork_failed = true;
		seat->retry_us = clock_us() + RETRY_US;
		return;
	}
	seat->phase = SEAT_STARTING;
	seat->credits = CHANNEL_CREDITS;
	seat->fork_failed = false;
	seat->settled = false;
	watchdog_forgive(seat);
	spawn_show(m, i);
	if (!seat->takeover)
		log_info("worker-start", "type=%s seat=%u worker=%d",
		    types[seat->type].name, i, (int)seat->pid);
}

/* Is a worker wanted there?  Not while the segment is being laid out anew. */
static bool
spawn_may(const struct master *m, const struct seat *seat)
{
	return seat->phase == SEAT_VACANT &&
	       (!rescue_is_on(m) || types[seat->type].foreign);
}

void
spawn_on_time(struct master *m, uint64_t now_us)
{
	for (uint32_t i = 0; i < m->nseats; i++)
		if (spawn_may(m, &m->seats[i]) &&
		    m->seats[i].retry_us <= now_us)
			spawn_worker(m, i);
}

uint64_t
spawn_due_us(const struct master *m)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < m->nseats; i++)
		if (spawn_may(m, &m->seats[i]))
			due = MIN(due, m->seats[i].retry_us);
	return due;
}

/* Says, once, that all is up. */
static void
spawn_announce(struct master *m)
{
	char line[LISTENERS_MAX * (LISTEN_NAME_MAX + 16)] = "";
	size_t len = 0;

	for (uint32_t i = 0; i < m->nseats; i++)
		if (m->seats[i].phase != SEAT_READY)
			return;
	m->ready = true;
	for (unsigned i = 0; i < m->nlisteners; i++) {
		const struct listener *l = &m->listeners[i];
		char name[LISTEN_NAME_MAX];

		len += (size_t)snprintf(line + len, sizeof(line) - len,
		    " %s=%s", entrances[l->kind].key, listen_name(l->fd, name));
	}
	log_info("ready", "name=%s workers=%u max-clients=%u%s",
	    m->options.name, m->options.workers, m->options.max_clients, line);
	if (notify_send("READY=1") == -1)
		log_warn("notify", NULL);
}

void
spawn_on_ready(
    struct master *m, uint32_t i, const struct channel_message *message)
{
	struct seat *seat = &m->seats[i];

	if (seat->phase != SEAT_STARTING)
		return;
	seat->phase = SEAT_READY;
	seat->ready_us = clock_us();
	atomic_store(&m->instance.status->seats[i].beat_us, seat->ready_us);
	spawn_show(m, i);
	if (seat->takeover)
		log_info("worker-recovered",
		    "type=%s seat=%u worker=%d sessions=%u lock=%s ms=%.1f",
		    types[seat->type].name, i, (int)seat->pid,
		    message->ready.sessions,
		    message->ready.held_lock ? "released" : "free",
		    (double)(seat->ready_us - seat->died_us) / 1e3);
	if (seat->type == WORKER_AUTH)
		auth_on_ready(m);
	if (!m->ready && !m->stopping)
		spawn_announce(m);
}
