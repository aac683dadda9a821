/* SPDX-License-Identifier: MIT */
/* See policy.h. */
#include "master/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "master/access.h"
#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/chat/policy_shm.h"

#define RETRY_US (10 * 1000)
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static_assert(LISTENER_KINDS <= SETTINGS_KINDS, "settings for each kind");
static_assert(ORIGINS_MAX <= SETTINGS_ORIGINS, "settings for each");
static_assert(ORIGIN_MAX < SETTINGS_ORIGIN_SIZE, "they fit");

static void
policy_set(struct settings *s, const struct options *o)
{
	*s = (struct settings){
	    .max_line = o->max_line,
	    .max_rooms = o->max_rooms,
	    .max_rooms_per_ip = o->max_rooms_per_ip,
	    .login_timeout_s = o->login_timeout_s,
	    .idle_timeout_s = o->idle_timeout_s,
	    .web_ping_s = o->web_ping_s,
	    .watchdog_s = o->watchdog_s,
	    .rate = o->rate,
	    .burst = o->burst,
	    .wrap = o->wrap == 1,
	    .color = o->color == 1,
	    .time = o->time == 1,
	    .origins_count = o->web_origins.count,
	};
	for (unsigned kind = 0; kind < LISTENER_KINDS; kind++)
		s->replay[kind] = types_replay(o, kind);
	for (unsigned i = 0; i < o->web_origins.count; i++)
		memcpy(s->origins[i], o->web_origins.at[i],
		    sizeof(o->web_origins.at[i]));
}

/* The tables, behind the head, which is complete. */
static void
policy_fill(struct policy_shm *shm, const struct access *a)
{
	struct policy_layout l = policy_plan(shm);
	char *base = (char *)shm;
	struct policy_room *rooms = (void *)(base + l.rooms);
	uint32_t *members = (void *)(base + l.members), n = 0;

	if (a->nusers > 0)
		memcpy(base + l.users, a->users, a->nusers * sizeof(*a->users));
	if (a->nrooms > 0)
		memcpy(rooms, a->rooms, a->nrooms * sizeof(*rooms));
	if (a->by_room.count > 0)
		memcpy(base + l.room_buckets, a->by_room.buckets,
		    a->by_room.count * sizeof(uint32_t));
	if (a->by_user.count > 0)
		memcpy(base + l.user_buckets, a->by_user.buckets,
		    a->by_user.count * sizeof(uint32_t));
	/* Who isn't registered can't come in, and is left out. */
	for (uint32_t i = 0; i < a->nrooms; i++) {
		rooms[i].members = n;
		for (uint32_t k = 0; k < a->rooms[i].members_count; k++) {
			const struct access_member *m =
			    &a->members[a->rooms[i].members + k];
			uint32_t user =
			    access_find_user(a, m->name, m->name_len);

			if (user != UINT32_MAX)
				members[n++] = user;
		}
		rooms[i].members_count = n - rooms[i].members;
	}
}

/* An object of that size, which nobody can open by a name.  -1 with errno. */
static int
policy_create(size_t size)
{
	int fd =
	    memfd_create("chatmaster-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd == -1 || ftruncate(fd, (off_t)size) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int
policy_make(
    struct policy *policy, int *fd, const struct options *o, uint64_t version)
{
	const struct access *a = &o->access;
	struct policy_shm head = {
	    .magic = POLICY_MAGIC,
	    .version = version,
	    .rooms = a->nrooms,
	    .users = a->nusers,
	    .members = a->nmembers,
	    .room_buckets = a->by_room.count > 0 ? a->by_room.count : 1,
	    .user_buckets = a->by_user.count > 0 ? a->by_user.count : 1,
	};
	struct policy_shm *shm;
	int error;

	policy_set(&head.settings, o);
	head.size = policy_plan(&head).size;
	*fd = policy_create(head.size);
	if (*fd == -1)
		return -1;
	shm = mmap(NULL, head.size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (shm == MAP_FAILED)
		goto fail;
	*shm = head;
	policy_fill(shm, a);
	munmap(shm, head.size);
	/* Not even a worker that has gone wrong changes it. */
	if (fcntl(*fd, F_ADD_SEALS, SEALS) == -1 ||
	    policy_attach(policy, *fd) == -1)
		goto fail;
	return 0;
fail:
	error = errno;
	close(*fd);
	errno = error;
	return -1;
}

/* Tells a worker; false when it is to be tried again. */
static bool
policy_tell(const struct master *m, const struct seat *seat)
{
	static const struct channel_message message = {
	    .type = CHANNEL_POLICY, .count = 1};

	if (seat->pid == 0 ||
	    channel_send(seat->channel, &message, &m->policy_fd, 1) == 0)
		return true;
	/* If it is dead, its successor inherits the policy. */
	return errno == EPIPE || errno == ECONNRESET;
}

static void
policy_send(struct master *m)
{
	m->policy_retry_us = 0;
	for (uint32_t i = 0; i < m->nseats; i++) {
		struct seat *seat = &m->seats[i];

		if (seat->policy_untold)
			seat->policy_untold = !policy_tell(m, seat);
		if (seat->policy_untold)
			m->policy_retry_us = clock_us() + RETRY_US;
	}
}

int
policy_renew(struct master *m)
{
	struct policy policy;
	int fd;

	if (policy_make(&policy, &fd, &m->options,
		policy_version(&m->policy) + 1) == -1)
		return -1;
	if (m->policy_fd > 0)
		close(m->policy_fd);
	policy_detach(&m->policy);
	m->policy = policy;
	m->policy_fd = fd;
	FAULT_POINT("master.policy");
	for (uint32_t i = 0; i < m->nseats; i++)
		m->seats[i].policy_untold = !types[m->seats[i].type].foreign;
	policy_send(m);
	return 0;
}

void
policy_on_time(struct master *m, uint64_t now_us)
{
	if (m->policy_retry_us != 0 && now_us >= m->policy_retry_us)
		policy_send(m);
}

uint64_t
policy_due_us(const struct master *m)
{
	return m->policy_retry_us != 0 ? m->policy_retry_us : UINT64_MAX;
}
