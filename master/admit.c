/* SPDX-License-Identifier: MIT */
/* See admit.h. */
#include "master/admit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/loop.h"
#include "master/pass.h"
#include "master/slots.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/chat/notice.h"
#include "shared/net/fd.h"
#include "shared/net/listen.h"
#include "shared/shm/figures.h"

#define ACCEPT_BATCH 64 /* then others have their turn */
#define REFUSAL_MAX (NOTICE_MAX + 256)
#define PAUSE_US (100 * 1000)

static int
admit_open(
    struct master *m, enum listener_kind kind, const struct listen_address *at)
{
	char text[LISTEN_NAME_MAX];
	int fd;

	if (m->nlisteners == LISTENERS_MAX) {
		log_errorx("start-failed", "reason=\"more than %d listeners\"",
		    LISTENERS_MAX);
		return -1;
	}
	fd = listen_open(at);
	if (fd == -1) {
		log_error("start-failed",
		    "reason=\"cannot listen on %s\" listener=%s",
		    listen_text(at, text), entrances[kind].key);
		return -1;
	}
	m->listeners[m->nlisteners++] =
	    (struct listener){.fd = fd, .kind = kind};
	return 0;
}

int
admit_listen(struct master *m)
{
	m->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (unsigned kind = 0; kind < LISTENER_KINDS; kind++) {
		const struct listen_list *list =
		    types_listeners(&m->options, kind);

		for (unsigned i = 0; i < list->count; i++)
			if (admit_open(m, kind, &list->at[i]) == -1)
				return -1;
	}
	return 0;
}

int
admit_begin(struct master *m)
{
	for (unsigned i = 0; i < m->nlisteners; i++)
		if (loop_add(m, m->listeners[i].fd, SOURCE_LISTENER, i) == -1)
			return -1;
	return 0;
}

uint32_t
admit_choose_seat(struct master *m, enum worker_type type)
{
	uint32_t best = NONE;
	bool best_ready = false;

	for (uint32_t n = 0; n < m->nseats; n++) {
		uint32_t i = (m->next_seat[type] + n) % m->nseats;
		const struct seat *seat = &m->seats[i];
		bool ready = seat->phase == SEAT_READY;

		if (seat->type != type || (best_ready && !ready))
			continue;
		if (best == NONE || (ready && !best_ready) ||
		    seat->sessions < m->seats[best].sessions) {
			best = i;
			best_ready = ready;
		}
	}
	m->next_seat[type] = best + 1 < m->nseats ? best + 1 : 0;
	return best;
}

static void
admit_log_refusal(const struct master *m, const uint8_t addr[16],
    uint8_t listener, const char *reason, const char *more)
{
	char ip[LISTEN_NAME_MAX];

	log_info("refuse", "reason=%s listener=%s ip=%s%s", reason,
	    entrances[m->listeners[listener].kind].key,
	    listen_address_text(addr, ip), more);
}

/*
 * What a client is refused with, in the listener's terms: a line, or an answer
 * to the request that it has sent or is about to.  Returns its length: 0 where
 * TLS would have to be spoken first.
 */
static size_t
admit_refusal(
    char out[REFUSAL_MAX], enum chat_error code, enum listener_kind kind)
{
	char line[NOTICE_MAX] = "";
	size_t len = notice_error(line, sizeof(line) - 1, code, 0);
	const char *end = entrances[kind].line_end;

	if (types[entrances[kind].feeds].foreign)
		return 0;
	if (len > 0 && line[len - 1] == '\n')
		len--;
	if (end != NULL)
		return (size_t)snprintf(
		    out, REFUSAL_MAX, "%.*s%s", (int)len, line, end);
	return (size_t)snprintf(out, REFUSAL_MAX,
	    "HTTP/1.1 503 Service Unavailable\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Connection: close\r\n"
	    "\r\n"
	    "%.*s\n",
	    len + 1, (int)len, line);
}

/* What the client is told. */
static enum chat_error
admit_error(enum refusal_reason reason)
{
	return reason == REFUSED_TOO_MANY_FROM_ADDRESS ||
		       reason == REFUSED_CONNECT_RATE
		   ? CHAT_TOO_MANY_FROM_ADDRESS
		   : CHAT_SERVER_FULL;
}

/*
 * Tells the client why, and closes.  What it has sent is thrown away, as
 * otherwise the close would be a reset that might overtake what it is told.
 */
static void
admit_refuse(struct master *m, int fd, unsigned listener,
    const struct peer *peer, enum refusal_reason why)
{
	const char *reason = figures_refusal_names[why];
	char line[REFUSAL_MAX];
	char port[32];
	size_t len =
	    admit_refusal(line, admit_error(why), m->listeners[listener].kind);

	if (len > 0)
		send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	recv(fd, NULL, 64 * 1024, MSG_DONTWAIT | MSG_TRUNC);
	close(fd);
	atomic_fetch_add_explicit(
	    &m->instance.status->refused[why], 1, memory_order_relaxed);
	snprintf(port, sizeof(port), " port=%u", peer->port);
	if (refusals_count(&m->refusals, peer->addr, (uint8_t)listener, reason,
		clock_us()))
		admit_log_refusal(
		    m, peer->addr, (uint8_t)listener, reason, port);
}

/* Has its address as many connections as it may have? */
static bool
admit_is_over_budget(const struct master *m, const struct peer *peer)
{
	unsigned limit = m->options.max_clients_per_ip;

	return limit != 0 && budget_used(&m->budget, peer->addr) >= limit;
}

/*
 * A slot for a connection, or NONE and the reason why there is none.  Whoever
 * is refused has come all the same: it counts for `connect-rate`.
 */
static uint32_t
admit_decide(
    struct master *m, const struct peer *peer, enum refusal_reason *why)
{
	*why = REFUSED_CONNECT_RATE;
	if (!rate_allows(
		&m->rate, peer->addr, m->options.connect_rate, clock_us()))
		return NONE;
	*why = REFUSED_TOO_MANY_FROM_ADDRESS;
	if (admit_is_over_budget(m, peer))
		return NONE;
	*why = REFUSED_SERVER_FULL;
	return slots_take(m, peer);
}

static void
admit_connection(struct master *m, int fd, unsigned listener,
    const struct sockaddr_storage *from)
{
	const struct entrance *entrance =
	    &entrances[m->listeners[listener].kind];
	struct peer peer = {
	    .accepted_us = clock_real_us(),
	    .listener = (uint8_t)listener,
	    .kind = (uint8_t)m->listeners[listener].kind,
	};
	enum refusal_reason why;
	char ip[LISTEN_NAME_MAX];
	uint32_t slot;

	listen_unpack(from, peer.addr, &peer.port);
	peer.id = m->last_id + 1;
	slot = admit_decide(m, &peer, &why);
	if (slot == NONE) {
		admit_refuse(m, fd, listener, &peer, why);
		return;
	}
	if (fd_move(fd, slots_fd(slot)) == -1) {
		admit_refuse(m, fd, listener, &peer, REFUSED_INTERNAL);
		slots_free(m, slot);
		return;
	}
	m->last_id = peer.id;
	slots_assign(m, slot, admit_choose_seat(m, entrance->feeds));
	pass_queue(m, slot);
	atomic_fetch_add_explicit(
	    &m->instance.status->accepted, 1, memory_order_relaxed);
	log_info("accept", "listener=%s session=%" PRIu64 " ip=%s port=%u",
	    entrance->key, peer.id, listen_address_text(peer.addr, ip),
	    peer.port);
	FAULT_POINT("master.accepted");
}

static void
admit_pause(struct master *m, unsigned listener)
{
	m->listeners[listener].paused_until_us = clock_us() + PAUSE_US;
	loop_mute(
	    m, m->listeners[listener].fd, SOURCE_LISTENER, listener, true);
}

/*
 * No fd left, for this process or the machine: the reserve is given up to
 * accept one connection and tell it so.
 */
static void
admit_out_of_fds(struct master *m, unsigned listener)
{
	struct sockaddr_storage from = {0};
	socklen_t len = sizeof(from);
	struct peer peer = {0};
	int fd;

	log_warn("out-of-fds", "listener=%s pause_ms=%d",
	    entrances[m->listeners[listener].kind].key, PAUSE_US / 1000);
	if (m->reserve != -1)
		close(m->reserve);
	fd = accept4(m->listeners[listener].fd, (struct sockaddr *)&from, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1) {
		listen_unpack(&from, peer.addr, &peer.port);
		admit_refuse(m, fd, listener, &peer, REFUSED_NO_FDS);
	}
	m->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	admit_pause(m, listener);
}

/* accept(2): what was wrong with that one connection, or with the network. */
static bool
admit_is_passing(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPERM: /* firewall rules */
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

const char *
admit_listener_name(const struct master *m, const struct peer *peer)
{
	return entrances[m->listeners[peer->listener].kind].key;
}

void
admit_on_readable(struct master *m, unsigned listener)
{
	int listen_fd = m->listeners[listener].fd;

	if (listen_fd == -1)
		return;
	for (int n = 0; n < ACCEPT_BATCH; n++) {
		struct sockaddr_storage from = {0};
		socklen_t len = sizeof(from);
		int fd = -1;

		if (!FAULT_FAILS("master.accept", EMFILE))
			fd = accept4(listen_fd, (struct sockaddr *)&from, &len,
			    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			admit_connection(m, fd, listener, &from);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno == EMFILE || errno == ENFILE) {
			admit_out_of_fds(m, listener);
			return;
		} else if (!admit_is_passing(errno)) {
			log_warn("accept-failed", "listener=%s",
			    entrances[m->listeners[listener].kind].key);
			admit_pause(m, listener);
			return;
		}
	}
}

static void
admit_sum(void *context, const struct refusal *r)
{
	char count[32];

	snprintf(count, sizeof(count), " count=%u", r->count - REFUSALS_LOGGED);
	admit_log_refusal(context, r->addr, r->listener, r->reason, count);
}

void
admit_on_time(struct master *m, uint64_t now_us)
{
	for (unsigned i = 0; i < m->nlisteners; i++) {
		struct listener *l = &m->listeners[i];

		if (l->paused_until_us == 0 || now_us < l->paused_until_us)
			continue;
		l->paused_until_us = 0;
		loop_mute(m, l->fd, SOURCE_LISTENER, i, false);
	}
	refusals_flush(&m->refusals, now_us, admit_sum, m);
}

uint64_t
admit_due_us(const struct master *m)
{
	uint64_t due = refusals_due_us(&m->refusals);

	for (unsigned i = 0; i < m->nlisteners; i++)
		if (m->listeners[i].paused_until_us != 0)
			due = MIN(due, m->listeners[i].paused_until_us);
	return due;
}

void
admit_end(struct master *m)
{
	refusals_flush(&m->refusals, UINT64_MAX, admit_sum, m);
	for (unsigned i = 0; i < m->nlisteners; i++) {
		close(m->listeners[i].fd);
		m->listeners[i].fd = -1;
		m->listeners[i].paused_until_us = 0;
	}
}
