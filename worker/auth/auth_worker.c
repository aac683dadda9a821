/* SPDX-License-Identifier: MIT */
/*
 * See auth_worker.h.  One question at a time, from each worker in turn.  What
 * waits lies in the sockets, which are the bounded queue: a worker has at most
 * ASK_UNDER_WAY questions under way (worker/ask.h), and further ones wait with
 * it, each in its session's unread line.
 */
#include "worker/auth/auth_worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/config.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/base/sandbox.h"
#include "shared/net/ask.h"
#include "shared/net/listen.h"
#include "shared/shm/segment.h"
#include "worker/auth/auth_budget.h"
#include "worker/auth/auth_patience.h"

#define NICENESS 10   /* who talks goes before who logs in */
#define LOGGED_MAX 20 /* failures a second; more are summed up */
#define SLOW_MS 500   /* a hash that takes longer is worth a word */
#define REPORT_MS 100 /* after a verdict, the master knows of it */
#define FIRST_ASKED 2 /* in the list of what is waited for */

struct auth {
	const struct inherit *in;
	struct auth_secrets secrets;
	struct auth_budget budget;
	struct pollfd fds[FIRST_ASKED + SEATS_MAX];
	uint32_t next; /* whose turn it is */
	bool stopping;
	uint64_t verdicts[ASK_VERDICTS];
	uint64_t report_us; /* 0: nothing new */
	/* Failures of this second. */
	uint64_t second_us;
	unsigned failures;
};

/* The files were looked at before we were forked; now they may be others. */
static int
load(struct auth *a, auth_read *read)
{
	char err[CONFIG_ERROR_MAX], quoted[LOG_QUOTED(CONFIG_ERROR_MAX)];

	if (read(&a->secrets, &a->budget.limit, err, sizeof(err)) == 0)
		return 0;
	log_errorx("auth-failed", "reason=%s",
	    log_quote(quoted, sizeof(quoted), err, strlen(err)));
	return -1;
}

/*
 * Nothing of what is kept goes to swap; as far as the limit of locked memory
 * lets us.  What is mapped later isn't locked: if crypt(3) got no memory for
 * that, no password would be right.
 */
static void
lock_memory(const struct auth *a)
{
	if (mlockall(MCL_CURRENT | MCL_ONFAULT) == -1)
		(void)!auth_secrets_lock(&a->secrets);
}

/* A hash takes long: who talks goes first. */
static void
stand_back(void)
{
	static const struct sched_param none;

	(void)!setpriority(PRIO_PROCESS, 0, NICENESS);
	(void)!sched_setscheduler(0, SCHED_BATCH, &none);
}

static void
log_failures(struct auth *a)
{
	if (a->failures > LOGGED_MAX)
		log_info("auth-wrong", "count=%u", a->failures - LOGGED_MAX);
	a->failures = 0;
}

static void
log_failure(struct auth *a, const struct ask_question *q, const char *reason)
{
	char ip[LISTEN_NAME_MAX], name[LOG_QUOTED(ASK_NAME_MAX)];
	uint64_t now = clock_us();

	if (now - a->second_us >= 1000000) {
		log_failures(a);
		a->second_us = now;
	}
	if (++a->failures > LOGGED_MAX)
		return;
	log_info("auth-wrong", "%s=%s ip=%s reason=%s",
	    q->kind == ASK_USER ? "user" : "room",
	    log_quote(name, sizeof(name), q->name, q->name_len),
	    listen_address_text(q->addr, ip), reason);
}

static bool
matches(const struct auth *a, int fd, const struct ask_question *q)
{
	char password[ASK_PASSWORD_MAX + 1];
	uint64_t ms;
	bool right;

	memcpy(password, q->password, q->password_len);
	password[q->password_len] = '\0';
	auth_patience_begin(fd, q->id);
	right = auth_secrets_match(
	    &a->secrets, q->kind == ASK_USER, q->name, q->name_len, password);
	ms = auth_patience_end();
	explicit_bzero(password, sizeof(password));
	if (ms > SLOW_MS)
		log_warnx("auth-slow", "ms=%" PRIu64, ms);
	return right;
}

static enum ask_verdict
judge(struct auth *a, int fd, const struct ask_question *q)
{
	bool right;

	if (!auth_budget_allows(&a->budget, q->addr, clock_us())) {
		log_failure(a, q, "too-many");
		return ASK_TOO_MANY;
	}
	right = matches(a, fd, q);
	FAULT_POINT("auth.judged");
	if (right)
		return ASK_RIGHT;
	auth_budget_spend(&a->budget, q->addr, clock_us());
	log_failure(a, q, "bad-password");
	return ASK_WRONG;
}

static void
answer(struct auth *a, int fd, const struct ask_question *q)
{
	enum ask_verdict verdict;

	FAULT_POINT("auth.asked");
	verdict = judge(a, fd, q);
	ask_reply(fd, q->id, verdict);
	FAULT_POINT("auth.answered");
	a->verdicts[verdict]++;
	if (a->report_us == 0)
		a->report_us = clock_us() + REPORT_MS * 1000;
}

/* One question of one worker, the next one in turn that has any. */
static void
serve(struct auth *a)
{
	uint32_t n = a->in->nseats;
	struct ask_question q;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (a->next + k) % n;

		if ((a->fds[FIRST_ASKED + i].revents & POLLIN) == 0 ||
		    ask_receive(a->in->asked[i], &q) != 1)
			continue;
		answer(a, a->in->asked[i], &q);
		explicit_bzero(&q, sizeof(q));
		a->next = i + 1;
		return;
	}
}

/* What our predecessor left unread will be asked again. */
static void
drain(const struct auth *a)
{
	struct ask_question q;

	for (uint32_t i = 0; i < a->in->nseats; i++)
		while (ask_receive(a->in->asked[i], &q) != -1)
			continue;
	explicit_bzero(&q, sizeof(q));
}

static void
obey(struct auth *a)
{
	struct channel_message m;
	int fds[CHANNEL_FDS], r;
	unsigned nfds;

	while ((r = channel_recv(a->in->channel, &m, fds, &nfds)) == 1) {
		if (m.type == CHANNEL_LOG && nfds == 1 &&
		    log_replace(fds[0]) == -1)
			log_warn("log-reopen-failed", NULL);
		while (nfds > 0)
			close(fds[--nfds]);
		if (m.type == CHANNEL_STOP)
			a->stopping = true;
	}
	if (r == 0 || errno != EAGAIN)
		a->stopping = true;
}

static void
report_ready(const struct auth *a)
{
	struct channel_message m = {.type = CHANNEL_READY};

	m.ready.us = clock_us() - a->in->forked_us;
	if (channel_send(a->in->channel, &m, NULL, 0) == -1)
		exit(1); /* the master is gone, or kills us */
	log_info("auth-ready", "users=%" PRIu32 " rooms=%" PRIu32,
	    a->secrets.users, a->secrets.count - a->secrets.users);
}

/* What is waited for. */
static nfds_t
watch(struct auth *a)
{
	const struct inherit *in = a->in;

	a->fds[0] = (struct pollfd){.fd = in->channel, .events = POLLIN};
	a->fds[1] = (struct pollfd){.fd = in->ping, .events = POLLIN};
	for (uint32_t i = 0; i < in->nseats; i++)
		a->fds[FIRST_ASKED + i] =
		    (struct pollfd){.fd = in->asked[i], .events = POLLIN};
	return FIRST_ASKED + in->nseats;
}

/* What is due. */
static void
tend(struct auth *a)
{
	uint64_t now = clock_us();

	if (a->failures > LOGGED_MAX && now - a->second_us >= 1000000)
		log_failures(a);
	if (a->report_us != 0 && now >= a->report_us) {
		a->report_us = 0;
		auth_patience_report();
	}
}

static int
timeout_ms(const struct auth *a)
{
	if (a->report_us != 0)
		return REPORT_MS;
	return a->failures > LOGGED_MAX ? 1000 : -1;
}

int
auth_worker_run(const struct inherit *in, auth_read *read)
{
	static const struct sandbox sandbox = {.kind = SANDBOX_AUTH};
	static struct auth a;
	nfds_t n;

	a.in = in;
	prctl(PR_SET_DUMPABLE, 0); /* no core, no debugger */
	if (load(&a, read) == -1 ||
	    getrandom(a.budget.key, sizeof(a.budget.key), 0) == -1)
		return 1;
	lock_memory(&a);
	stand_back();
	auth_patience_init(in->ping, a.verdicts);
	if (in->sandbox && sandbox_enter(&sandbox) == -1)
		die(1, "sandbox", "reason=failed");
	n = watch(&a);
	drain(&a);
	report_ready(&a);
	while (!a.stopping) {
		int r = poll(a.fds, n, timeout_ms(&a));

		if (r == -1 && errno != EINTR)
			bug("poll: errno %d", errno);
		tend(&a);
		if (r <= 0)
			continue;
		auth_patience_pong();
		if (a.fds[0].revents != 0)
			obey(&a);
		if (!a.stopping)
			serve(&a);
	}
	log_failures(&a);
	auth_patience_report();
	auth_secrets_free(&a.secrets);
	return 0;
}
