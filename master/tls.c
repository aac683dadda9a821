/* SPDX-License-Identifier: MIT */
/* See tls.h. */
#include "master/tls.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "master/admit.h"
#include "master/pass.h"
#include "master/slots.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/net/fd.h"
#include "shared/net/suite.h"
#include "shared/shm/tables.h"

#define RETRY_US (10 * 1000)

/* The key of the first TLS listener; NULL if there is none. */
static const char *
tls_listener(const struct options *o)
{
	for (unsigned kind = 0; kind < LISTENER_KINDS; kind++)
		if (types[entrances[kind].feeds].foreign &&
		    types_listeners(o, kind)->count > 0)
			return entrances[kind].key;
	return NULL;
}

int
tls_settle(const struct options *o, char *err, size_t errsize)
{
	const char *listener = tls_listener(o);

	if (o->cert.count != o->key.count) {
		snprintf(err, errsize, "key: %u given for %u of cert",
		    o->key.count, o->cert.count);
		return -1;
	}
	if (o->ocsp.count > o->cert.count) {
		snprintf(err, errsize, "ocsp: %u given for %u of cert",
		    o->ocsp.count, o->cert.count);
		return -1;
	}
	if (listener && o->cert.count == 0) {
		snprintf(err, errsize, "%s: needs cert and key", listener);
		return -1;
	}
	return 0;
}

unsigned
tls_files(const struct options *options, unsigned clients)
{
	if (types_count(options, WORKER_TLS) == 0)
		return 0;
	/* Two a connection, and room for a message and its own. */
	return 2 * (clients + CHANNEL_FDS) + 64;
}

/* The slot's connection ends here and now. */
static void
tls_close(struct master *m, uint32_t slot, enum close_reason reason)
{
	const struct peer *peer = &m->slots[slot].peer;
	double seconds =
	    (double)(int64_t)(clock_real_us() - peer->accepted_us) / 1e6;

	log_info("close",
	    "session=%" PRIu64 " listener=%s reason=%s seconds=%.1f", peer->id,
	    admit_listener_name(m, peer), close_reason_names[reason],
	    MAX(seconds, 0.0));
	atomic_fetch_add_explicit(
	    &m->instance.status->closed, 1, memory_order_relaxed);
	slots_free(m, slot);
}

int
tls_on_clear(struct master *m, uint32_t seat,
    const struct channel_message *message, int fd)
{
	uint32_t slot = message->clear.slot;
	const struct entrance *entrance;
	struct peer *peer;

	if (m->seats[seat].type != WORKER_TLS ||
	    !slots_holds(m, seat, slot, message->clear.gen) ||
	    suite_version(message->clear.tls) == NULL)
		return -1;
	peer = &m->slots[slot].peer;
	entrance = &entrances[m->listeners[peer->listener].kind];
	if (m->stopping || fd_move(fd, slots_fd(slot)) == -1) {
		close(fd);
		tls_close(
		    m, slot, m->stopping ? CLOSE_SHUTDOWN : CLOSE_INTERNAL);
		return 0;
	}
	peer->kind = (uint8_t)entrance->inner;
	peer->tls = message->clear.tls;
	slots_assign(
	    m, slot, admit_choose_seat(m, entrances[entrance->inner].feeds));
	pass_queue(m, slot);
	FAULT_POINT("master.clear");
	return 0;
}

void
tls_on_death(struct master *m, uint32_t seat)
{
	for (uint32_t i = 0; i < m->nslots; i++)
		if (m->slots[i].seat == (int)seat && !m->slots[i].queued)
			tls_close(m, i,
			    m->stopping ? CLOSE_SHUTDOWN : CLOSE_TLS_DIED);
}

/* Tells a worker; false when it is to be tried again. */
static bool
tls_tell(const struct seat *seat)
{
	static const struct channel_message reload = {.type = CHANNEL_RELOAD};

	if (seat->pid == 0 ||
	    channel_send(seat->channel, &reload, NULL, 0) == 0)
		return true;
	/* If it is dead, its successor reads the new ones anyway. */
	return errno == EPIPE || errno == ECONNRESET;
}

static void
tls_send(struct master *m)
{
	m->tls_retry_us = 0;
	for (uint32_t i = 0; i < m->nseats; i++) {
		struct seat *seat = &m->seats[i];

		if (seat->reload_untold)
			seat->reload_untold = !tls_tell(seat);
		if (seat->reload_untold)
			m->tls_retry_us = clock_us() + RETRY_US;
	}
}

void
tls_reload(struct master *m)
{
	for (uint32_t i = 0; i < m->nseats; i++)
		m->seats[i].reload_untold = m->seats[i].type == WORKER_TLS;
	tls_send(m);
}

void
tls_on_time(struct master *m, uint64_t now_us)
{
	if (m->tls_retry_us != 0 && now_us >= m->tls_retry_us)
		tls_send(m);
}

uint64_t
tls_due_us(const struct master *m)
{
	return m->tls_retry_us != 0 ? m->tls_retry_us : UINT64_MAX;
}
