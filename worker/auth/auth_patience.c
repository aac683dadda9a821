/* SPDX-License-Identifier: MIT */
/*
 * See auth_patience.h.  The handler runs while crypt(3) does and nothing
 * else; it calls what is safe in signal handlers.
 */
#include "worker/auth/auth_patience.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "shared/net/inherit.h"

#define TICK_MS 200

static struct {
	int ping;
	const uint64_t *verdicts;
	int fd; /* of the question, and its number */
	uint64_t id;
	uint64_t began_ms; /* CPU time */
} patience;

static void
send_pong(struct ping *ping)
{
	ping->waits_for = -1;
	ping->acquisition = 0;
	memcpy(ping->verdicts, patience.verdicts, sizeof(ping->verdicts));
	(void)send(
	    patience.ping, ping, sizeof(*ping), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
auth_patience_pong(void)
{
	struct ping ping;

	while (recv(patience.ping, &ping, sizeof(ping), MSG_DONTWAIT) ==
	       sizeof(ping))
		send_pong(&ping);
}

void
auth_patience_report(void)
{
	struct ping ping = {0};

	send_pong(&ping);
}

static uint64_t
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
on_alarm(int signal)
{
	int saved = errno;

	(void)signal;
	auth_patience_pong();
	if (cpu_ms() - patience.began_ms >= AUTH_PATIENCE_MS) {
		ask_reply(patience.fd, patience.id, ASK_WRONG);
		_exit(WORKER_SLOW);
	}
	errno = saved;
}

static void
set_timer(long ms)
{
	const struct timeval tick = {0, ms * 1000};
	const struct itimerval timer = {tick, tick};

	setitimer(ITIMER_REAL, &timer, NULL);
}

void
auth_patience_init(int ping, const uint64_t verdicts[ASK_VERDICTS])
{
	struct sigaction action = {
	    .sa_handler = on_alarm, .sa_flags = SA_RESTART};

	patience.ping = ping;
	patience.verdicts = verdicts;
	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
}

void
auth_patience_begin(int fd, uint64_t id)
{
	patience.fd = fd;
	patience.id = id;
	patience.began_ms = cpu_ms();
	set_timer(TICK_MS);
}

uint64_t
auth_patience_end(void)
{
	set_timer(0);
	return cpu_ms() - patience.began_ms;
}
