/* SPDX-License-Identifier: MIT */
/*
 * The auth worker: takes a question, hashes, answers, one at a time and from
 * each worker in turn.  What waits lies in the sockets, which are the bounded
 * queue: no worker has more than a few questions under way.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/auth.h"
#include "master/auth_budget.h"
#include "master/auth_secrets.h"
#include "master/reload.h"
#include "shared/base/clock.h"
#include "shared/base/config.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/net/ask.h"
#include "shared/net/listen.h"

#define NICENESS 10   /* who talks goes before who logs in */
#define LOGGED_MAX 20 /* failures a second; more are summed up */
#define FIRST_ASKED 2 /* in the list of what is waited for */

struct auth {
	const struct inherit *in;
	struct auth_secrets secrets;
	struct auth_budget budget;
	struct pollfd fds[FIRST_ASKED + SEATS_MAX];
	uint32_t next; /* whose turn it is */
	bool stopping;
	/* Failures of this second. */
	uint64_t second_us;
	unsigned failures;
};

static int
take_secret(void *context, bool of_user, const char *name, size_t name_len,
    const char *hash, size_t hash_len)
{
	return auth_secrets_add(
	    context, of_user, name, name_len, hash, hash_len);
}

/* The files were looked at before we were forked; now they may be others. */
static int
load(struct auth *a)
{
	static struct options options; /* large */
	const struct access_sink sink = {&a->secrets, take_secret};
	char err[CONFIG_ERROR_MAX], quoted[LOG_QUOTED(CONFIG_ERROR_MAX)];
	int r = reload_secrets(&options, &sink, err, sizeof(err));

	a->budget.limit = options.login_failures;
	access_free(&options.access);
	if (r == 0)
		return 0;
	log_errorx("auth-failed", "reason=%s",
	    log_quote(quoted, sizeof(quoted), err, strlen(err)));
	return -1;
}

/* Nothing of this process goes to disk, or to a debugger. */
static void
hide(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	/* Best effort: a limit may forbid both. */
	(void)!mlockall(MCL_CURRENT | MCL_FUTURE);
	(void)!setpriority(PRIO_PROCESS, 0, NICENESS);
}

static void
log_failures(struct auth *a)
{
	if (a->failures > LOGGED_MAX)
		log_info("auth-wrong", "count=%u", a->failures - LOGGED_MAX);
	a->failures = 0;
}

static void
log_wrong(struct auth *a, const struct ask_question *q, const char *reason)
{
	char ip[LISTEN_NAME_MAX], name[LOG_QUOTED(LIMIT_ROOM)];
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

static enum ask_verdict
judge(struct auth *a, const struct ask_question *q)
{
	char password[LIMIT_PASSWORD + 1];
	bool right;

	if (!auth_budget_allows(&a->budget, q->addr, clock_us())) {
		log_wrong(a, q, "too-many");
		return ASK_TOO_MANY;
	}
	memcpy(password, q->password, q->password_len);
	password[q->password_len] = '\0';
	right = auth_secrets_match(
	    &a->secrets, q->kind == ASK_USER, q->name, q->name_len, password);
	explicit_bzero(password, sizeof(password));
	FAULT_POINT("auth.judged");
	if (right)
		return ASK_RIGHT;
	auth_budget_spend(&a->budget, q->addr, clock_us());
	log_wrong(a, q, "bad-password");
	return ASK_WRONG;
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
		FAULT_POINT("auth.asked");
		ask_reply(a->in->asked[i], q.id, judge(a, &q));
		explicit_bzero(&q, sizeof(q));
		a->next = i + 1;
		return;
	}
}

static void
answer_pings(const struct auth *a)
{
	struct ping ping;

	while (recv(a->in->ping, &ping, sizeof(ping), MSG_DONTWAIT) ==
	       sizeof(ping)) {
		ping.waits_for = -1;
		ping.acquisition = 0;
		(void)send(a->in->ping, &ping, sizeof(ping),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	}
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

int
auth_worker_main(const struct inherit *in)
{
	static struct auth a;
	nfds_t n = FIRST_ASKED + in->nseats;

	a.in = in;
	hide();
	if (load(&a) == -1 ||
	    getrandom(a.budget.key, sizeof(a.budget.key), 0) == -1)
		return 1;
	a.fds[0] = (struct pollfd){.fd = in->channel, .events = POLLIN};
	a.fds[1] = (struct pollfd){.fd = in->ping, .events = POLLIN};
	for (uint32_t i = 0; i < in->nseats; i++)
		a.fds[FIRST_ASKED + i] =
		    (struct pollfd){.fd = in->asked[i], .events = POLLIN};
	report_ready(&a);
	while (!a.stopping) {
		int timeout = a.failures > LOGGED_MAX ? 1000 : -1;
		int r = poll(a.fds, n, timeout);

		if (r == -1 && errno != EINTR)
			bug("poll: errno %d", errno);
		if (r == 0)
			log_failures(&a);
		if (r <= 0)
			continue;
		answer_pings(&a);
		if (a.fds[0].revents != 0)
			obey(&a);
		if (!a.stopping)
			serve(&a);
	}
	log_failures(&a);
	auth_secrets_free(&a.secrets);
	return 0;
}
