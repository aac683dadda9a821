/* SPDX-License-Identifier: MIT */
/*
 * See rescue_child.h.  Whatever lies in the old segment may crash this process
 * but for the checks in shared/shm/salvage.c: that is why it is one.
 */
#include "master/rescue_child.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/privileges.h"
#include "master/slots.h"
#include "master/spawn.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/net/tcp.h"
#include "shared/shm/salvage.h"

static struct salvage_connection
child_connection(const struct master *m, uint32_t slot)
{
	const struct slot *s = &m->slots[slot];
	struct salvage_connection c = {
	    .seat = (uint32_t)s->seat,
	    .gen = s->gen,
	    .telnet = s->peer.kind == LISTENER_TELNET,
	    .web = s->peer.kind == LISTENER_WEB ||
		   s->peer.kind == LISTENER_METRICS,
	    .id = s->peer.id,
	    .accepted_us = s->peer.accepted_us,
	    .port = s->peer.port,
	    .listener = s->peer.listener,
	    .kind = s->peer.kind,
	    .tls = s->peer.tls,
	};
	struct tcp_counts counts;

	memcpy(c.addr, s->peer.addr, sizeof(c.addr));
	if (tcp_counts(slots_fd(slot), &counts) == -1) {
		c.gone = true;
		return c;
	}
	c.gone = counts.state == TCP_CLOSE;
	c.read = counts.read;
	c.accepted = counts.accepted;
	return c;
}

/* Has anybody with a place in the segment got the connection? */
static bool
child_is_session(const struct master *m, uint32_t slot)
{
	int seat = m->slots[slot].seat;

	return seat >= 0 && !types[m->seats[seat].type].foreign;
}

/*
 * Lay the new object out.  If there is no place for two segments, the old one
 * gives the text of its records.
 */
static int
child_format(const struct master *m, const struct salvage *v, int old_fd)
{
	const struct instance *instance = &m->instance;
	struct segment_params params = instance->params;
	struct segment_layout layout;
	int fd = m->rescue.fd;

	params.created_us = v->real_us;
	params.first_seq = v->real_us;
	params.first_seq = MAX(
	    params.first_seq, v->old != NULL ? salvage_next_seq(v->old)
					     : instance->params.first_seq + 1);
	if (!FAULT_FAILS("rescue.format", ENOSPC) &&
	    segment_format(fd, &params, instance->key, instance->name) == 0)
		return 0;
	if (errno != ENOSPC || old_fd == fd ||
	    segment_plan(&params, &layout) == -1 ||
	    fallocate(old_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)layout.bytes, (off_t)params.ring_bytes) == -1)
		return -1;
	return segment_format(fd, &params, instance->key, instance->name);
}

/* The status page's counts of connections go on. */
static void
child_copy_status(const struct segment *old, struct segment *new)
{
	atomic_store(
	    &new->status->accepted, atomic_load(&old->status->accepted));
	for (unsigned i = 0; i < REFUSAL_REASONS; i++)
		atomic_store(&new->status->refused[i],
		    atomic_load(&old->status->refused[i]));
	atomic_store(&new->status->closed, atomic_load(&old->status->closed));
}

/* Returns 0, or -1 after logging. */
static int
child_salvage(const struct master *m, struct salvage *v)
{
	int old_fd = m->instance.fd;
	unsigned breaches;

	if (v->old == NULL && ftruncate(m->rescue.fd, 0) == -1)
		return -1;
	salvage_begin(v);
	FAULT_POINT("rescue.settled");
	if (child_format(m, v, old_fd) == -1 ||
	    segment_attach(v->new, m->rescue.fd, true) == -1) {
		log_error("salvage-failed", NULL);
		return -1;
	}
	FAULT_POINT("rescue.formatted");
	for (uint32_t slot = 0; slot < m->nslots; slot++) {
		struct salvage_connection c;

		if (!child_is_session(m, slot))
			continue;
		c = child_connection(m, slot);
		salvage_session(v, slot, &c);
	}
	if (v->old != NULL)
		child_copy_status(v->old, v->new);
	breaches = salvage_end(v);
	if (breaches == 0)
		return 0;
	log_errorx("salvage-failed", "breaches=%u", breaches);
	return -1;
}

_Noreturn void
rescue_child_main(const struct master *m, int report)
{
	bool keep[FD_BASE] = {false};
	static struct segment old, new;
	struct salvage v = {
	    .new = &new,
	    .now_us = clock_us(),
	    .real_us = clock_real_us(),
	    .login_us = m->options.login_timeout_s *UINT64_C(1000000),
	    .idle_us = m->options.idle_timeout_s *UINT64_C(1000000),
	};
	static const struct sandbox sandbox = {.kind = SANDBOX_RESCUE};
	struct rescue_report result;

	log_forked();
	keep[report] = true;
	keep[m->instance.fd] = true;
	keep[m->rescue.fd] = true;
	spawn_enter_child(m, keep, SPAWN_NO_SEAT, "chatmaster:s");
	FAULT_POINT("rescue.forked");
	if (!m->rescue.in_place) {
		if (segment_attach_private(
			&old, m->instance.fd, &m->instance.params) == -1)
			exit(EXIT_FAILURE);
		v.old = &old;
	}
	privileges_confine(m, &sandbox);
	if (child_salvage(m, &v) == -1)
		exit(EXIT_FAILURE);
	FAULT_POINT("rescue.done");
	result = (struct rescue_report){v.kept, v.lost};
	if (write(report, &result, sizeof(result)) != sizeof(result))
		exit(EXIT_FAILURE);
	/* The master has no exit handlers; tools that measure us may. */
	exit(EXIT_SUCCESS);
}
