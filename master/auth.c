/* SPDX-License-Identifier: MIT */
/* See auth.h. */
#include "master/auth.h"

#include <errno.h>
#include <signal.h>

#include "master/access.h"
#include "master/reload.h"
#include "master/spawn.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/net/ask.h"
#include "worker/auth/auth_worker.h"

#define RETRY_US (10 * 1000)

static int
take_secret(void *context, bool of_user, const char *name, size_t name_len,
    const char *hash, size_t hash_len)
{
	return auth_secrets_add(
	    context, of_user, name, name_len, hash, hash_len);
}

/* In the auth worker: the files are read once more, with the hashes kept. */
static int
auth_read_secrets(struct auth_secrets *secrets, unsigned *login_failures,
    char *err, size_t errsize)
{
	static struct options options; /* large */
	const struct access_sink sink = {secrets, take_secret};
	int r = reload_secrets(&options, &sink, err, errsize);

	*login_failures = options.login_failures;
	access_free(&options.access);
	return r;
}

int
auth_worker_main(const struct inherit *inherit)
{
	return auth_worker_run(inherit, auth_read_secrets);
}

int
auth_connect(struct master *m, uint32_t seat)
{
	int pair[2];

	if (channel_pair(pair) == -1)
		return -1;
	m->asks[seat] = pair[0];
	m->asked[seat] = pair[1];
	return 0;
}

void
auth_renew(struct master *m)
{
	static const struct channel_message stop = {.type = CHANNEL_STOP};

	for (uint32_t i = 0; i < m->nseats; i++) {
		struct seat *seat = &m->seats[i];

		if (seat->type != WORKER_AUTH)
			continue;
		if (seat->pid == 0)
			return;
		seat->renewed = true;
		if (channel_send(seat->channel, &stop, NULL, 0) == -1)
			kill(seat->pid, SIGKILL);
		return;
	}
	if (m->options.auth_workers > 0 &&
	    (m->nseats == SEATS_MAX || spawn_make_seat(m, WORKER_AUTH) == -1))
		log_errorx(
		    "reload-failed", "reason=\"no place for an auth worker\"");
}

/* Tells a worker; false when it is to be tried again. */
static bool
auth_tell(const struct seat *seat)
{
	static const struct channel_message message = {.type = CHANNEL_ASKED};

	if (seat->pid == 0 ||
	    channel_send(seat->channel, &message, NULL, 0) == 0)
		return true;
	/* If it is dead, its successor asks anyway. */
	return errno == EPIPE || errno == ECONNRESET;
}

static void
auth_send(struct master *m)
{
	m->auth_retry_us = 0;
	for (uint32_t i = 0; i < m->nseats; i++) {
		struct seat *seat = &m->seats[i];

		if (seat->asked_untold)
			seat->asked_untold = !auth_tell(seat);
		if (seat->asked_untold)
			m->auth_retry_us = clock_us() + RETRY_US;
	}
}

/* Each one counts from 0; we go on from what the dead ones have said. */
void
auth_on_pong(struct master *m, const struct ping *pong)
{
	for (unsigned i = 0; i < ASK_VERDICTS; i++) {
		m->verdicts[i] = pong->verdicts[i];
		atomic_store(&m->instance.status->verdicts[i],
		    m->verdicts_before[i] + pong->verdicts[i]);
	}
}

void
auth_on_ready(struct master *m)
{
	for (unsigned i = 0; i < ASK_VERDICTS; i++) {
		m->verdicts_before[i] += m->verdicts[i];
		m->verdicts[i] = 0;
	}
	for (uint32_t i = 0; i < m->nseats; i++)
		m->seats[i].asked_untold = !types[m->seats[i].type].foreign;
	auth_send(m);
}

void
auth_on_time(struct master *m, uint64_t now_us)
{
	if (m->auth_retry_us != 0 && now_us >= m->auth_retry_us)
		auth_send(m);
}

uint64_t
auth_due_us(const struct master *m)
{
	return m->auth_retry_us != 0 ? m->auth_retry_us : UINT64_MAX;
}
