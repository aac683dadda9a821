/* SPDX-License-Identifier: MIT */
/* See stop.h. */
#include "master/stop.h"

#include <inttypes.h>
#include <signal.h>

#include "master/admit.h"
#include "master/bans.h"
#include "master/rescue.h"
#include "master/slots.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/net/notify.h"
#include "shared/shm/tables.h"

#define STOP_US (4500 * 1000) /* of the 5 s that a stop may take */

static void
stop_kill(struct master *m)
{
	m->kill_us = 0;
	for (uint32_t i = 0; i < m->nseats; i++) {
		const struct seat *seat = &m->seats[i];

		if (seat->pid == 0)
			continue;
		log_warnx("stop-kill", "type=%s seat=%u worker=%d",
		    types[seat->type].name, i, (int)seat->pid);
		kill(seat->pid, SIGKILL);
	}
}

/* Tells a worker; one that can't be told is killed. */
static void
stop_worker(struct seat *seat)
{
	static const struct channel_message stop = {.type = CHANNEL_STOP};

	if (seat->pid == 0)
		seat->phase = SEAT_CLOSED;
	else if (channel_send(seat->channel, &stop, NULL, 0) == -1)
		kill(seat->pid, SIGKILL);
}

void
stop_on_signal(struct master *m, int signal)
{
	if (m->stopping)
		return;
	log_info("stopping", "signal=%d", signal);
	if (notify_send("STOPPING=1") == -1)
		log_warn("notify", NULL);
	m->stopping = true;
	m->kill_us = clock_us() + STOP_US;
	m->tick_us = 0; /* a worker that is busy ending answers no pings */
	atomic_store(&m->instance.status->stopping, 1);
	admit_end(m);
	rescue_abandon(m);
	for (uint32_t i = 0; i < m->nseats; i++)
		stop_worker(&m->seats[i]);
}

void
stop_on_time(struct master *m, uint64_t now_us)
{
	if (m->kill_us != 0 && now_us >= m->kill_us)
		stop_kill(m);
}

uint64_t
stop_due_us(const struct master *m)
{
	return m->kill_us != 0 ? m->kill_us : UINT64_MAX;
}

bool
stop_is_done(const struct master *m)
{
	if (!m->stopping)
		return false;
	for (uint32_t i = 0; i < m->nseats; i++)
		if (m->seats[i].pid != 0)
			return false;
	return m->rescue.child == 0 && bans_are_kept(m);
}

void
stop_finish(struct master *m)
{
	/* Whose worker ended before it could say so. */
	for (uint32_t i = 0; i < m->nslots; i++)
		if (m->slots[i].seat != -1) {
			log_info("close",
			    "session=%" PRIu64 " listener=%s reason=%s",
			    m->slots[i].peer.id,
			    admit_listener_name(m, &m->slots[i].peer),
			    close_reason_names[CLOSE_SHUTDOWN]);
			slots_free(m, i);
		}
	instance_remove(&m->instance, true);
	log_info("stopped", NULL);
}
