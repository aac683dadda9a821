/* SPDX-License-Identifier: MIT */
/*
 * The server under torture: started with a log file that is read as it grows,
 * looked at through its segment, which is mapped read-only, and removed with
 * all that it might leave, however the run ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/shm/seat.h"
#include "shared/shm/tables.h"
#include "tests/torture/torture.h"

#define START_US (10 * SECOND_US)
#define LOG_CHUNK 65536
#define RING_USUAL "--ring-size=16M"
#define RING_SMALL "--ring-size=1M" /* some seconds */

struct server server = {.log_fd = -1};

unsigned
server_workers(void)
{
	return options.workers + options.telnet + options.web;
}

/* And the auth worker behind them. */
unsigned
server_seats(void)
{
	return server_workers() + 1;
}

/* A quick hash, as it is not what is tested. */
static int
server_write_users(void)
{
	static const char hash[] =
	    "$6$rounds=1000$torture$2XWTZ9m2Mx1WKSdHdFjbLfafV/tn0EtTUAqDQ"
	    "OTxX9ifLrJ2YORApRDWbi.ZZmMHbhE.OEpCX9O.05J5rOyCd0";
	int fd = open(
	    server.users_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char name[NAME_SIZE];

	if (fd == -1)
		return -1;
	for (uint32_t i = 0; i < 2 * options.clients; i++) {
		size_t n = text_name(i / 2, i % 2 == 1, name);

		if (text_registered(i / 2))
			dprintf(fd, "%.*s:%s\n", (int)n, name, hash);
	}
	return close(fd);
}

/* In the child. */
static _Noreturn void
server_exec(void)
{
	char path[300], workers[16], telnet[40], web[40], name[40];
	char clients_text[40], users[320];
	pid_t parent = getppid();

	/* Its clean stop removes the segment even if we are killed. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	dup2(server.log_fd, STDERR_FILENO);
	if (options.server != NULL)
		snprintf(path, sizeof(path), "%s", options.server);
	else
		snprintf(path, sizeof(path), "%s/chatmaster", options.build);
	snprintf(workers, sizeof(workers), "%u", options.workers);
	snprintf(telnet, sizeof(telnet), "--telnet-workers=%u", options.telnet);
	snprintf(web, sizeof(web), "--web-workers=%u", options.web);
	snprintf(name, sizeof(name), "%s", server.name);
	snprintf(clients_text, sizeof(clients_text), "--max-clients=%u",
	    options.clients + 100);
	snprintf(users, sizeof(users), "--users-file=%s", server.users_path);
	setenv("CHATMASTER_FAULTS", server.faults_path, 1);
	execl(path, path, "-w", workers, "-n", name, "--line=127.0.0.1:0",
	    "--telnet=127.0.0.1:0", telnet, "--web=127.0.0.1:0", web,
	    "--replay=0", "--watchdog=60", clients_text, users,
	    "--login-failures=0", options.lagging ? RING_SMALL : RING_USUAL,
	    (char *)NULL);
	fprintf(stderr, "cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
}

static int
server_attach(void)
{
	char object[64];
	int fd, r;

	snprintf(object, sizeof(object), "/chatmaster.%s", server.name);
	fd = shm_open(object, O_RDONLY | O_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	r = segment_attach(&server.seg, fd, false);
	close(fd);
	server.attached = r == 0;
	return r;
}

/* Returns 0 once the server is ready, or -1. */
int
server_start(void)
{
	uint64_t until = clock_us() + START_US;

	snprintf(server.name, sizeof(server.name), "torture-%d", getpid());
	snprintf(server.log_path, sizeof(server.log_path), "%s/%s.log",
	    options.build, server.name);
	snprintf(server.faults_path, sizeof(server.faults_path), "%s/%s.faults",
	    options.build, server.name);
	snprintf(server.users_path, sizeof(server.users_path), "%s/%s.users",
	    options.build, server.name);
	server.log_fd = open(server.log_path,
	    O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (server.log_fd == -1 || !points_open() || server_write_users() == -1)
		return -1;
	server.pid = fork();
	if (server.pid == 0)
		server_exec();
	if (server.pid == -1) {
		server.pid = 0;
		return -1;
	}
	while (server.port == 0 && clock_us() < until && !server_ended()) {
		usleep(1000);
		server_poll();
	}
	return server.port == 0 || server_attach() == -1 ? -1 : 0;
}

/* The number behind "key=" in a log line, or `none`. */
static unsigned long
log_number(const char *line, const char *key, unsigned long none)
{
	const char *p = strstr(line, key);

	return p != NULL ? strtoul(p + strlen(key), NULL, 10) : none;
}

static void
log_exit(const char *line)
{
	unsigned long seat = log_number(line, " seat=", SERVER_SEATS);
	struct seat_seen *seen = &server.seats[seat % SERVER_SEATS];

	if (stopping)
		return;
	counts.exits++;
	counts.died_in_repair += !seen->up;
	if (seen->up)
		seen->died_us = clock_us();
	seen->up = false;
	server.changed_us = clock_us();
	if (log_number(line, " signal=", 0) != SIGKILL)
		wrong(CHECK_RECOVERY, "a worker died by itself: %s", line);
}

static void
log_recovered(const char *line)
{
	unsigned long seat = log_number(line, " seat=", SERVER_SEATS);
	struct seat_seen *seen = &server.seats[seat % SERVER_SEATS];
	uint64_t now = clock_us();

	counts.recoveries++;
	counts.locks_recovered += strstr(line, " lock=released") != NULL;
	counts.recovery_max_us =
	    MAX(counts.recovery_max_us, now - MIN(now, seen->died_us));
	seen->up = true;
	server.changed_us = now;
}

static void
log_ready(const char *line)
{
	for (uint32_t i = 0; i < server_seats(); i++)
		server.seats[i].up = true;
	server.telnet_port = (uint16_t)log_number(line, "telnet=127.0.0.1:", 0);
	server.web_port = (uint16_t)log_number(line, " web=127.0.0.1:", 0);
	server.port = (uint16_t)log_number(line, " line=127.0.0.1:", 0);
}

static void
log_line(const char *line)
{
	const char *event = strstr(line, " event=");

	if (event == NULL) {
		wrong(CHECK_RECOVERY, "in the log: %s", line);
		return;
	}
	event += strlen(" event=");
	if (strncmp(event, "worker-exit ", 12) == 0)
		log_exit(line);
	else if (strncmp(event, "worker-recovered ", 17) == 0)
		log_recovered(line);
	else if (strncmp(event, "ready ", 6) == 0)
		log_ready(line);
	else if (strstr(line, "level=info") == NULL &&
		 strstr(line, "level=debug") == NULL)
		wrong(CHECK_RECOVERY, "in the log: %s", line);
}

/* Read what has been added to the log. */
void
server_poll(void)
{
	static char text[LOG_CHUNK + 1];
	static size_t len;
	char *p = text, *lf;
	static off_t at;
	ssize_t n;

	if (server.dumped)
		return;
	n = pread(server.log_fd, text + len, LOG_CHUNK - len, at);
	if (n <= 0)
		return;
	at += n;
	len += (size_t)n;
	text[len] = '\0';
	while ((lf = memchr(p, '\n', len - (size_t)(p - text))) != NULL) {
		*lf = '\0';
		log_line(p);
		p = lf + 1;
	}
	len -= (size_t)(p - text);
	memmove(text, p, len);
	if (len == LOG_CHUNK)
		len = 0;
}

/* Do all workers serve, as far as the log says? */
bool
server_all_up(void)
{
	for (uint32_t i = 0; i < server_seats(); i++)
		if (!server.seats[i].up)
			return false;
	return true;
}

/* The pid of the worker in a seat now, or 0. */
pid_t
server_worker(uint32_t seat)
{
	return (pid_t)atomic_load(&server.seg.status->seats[seat].pid);
}

/* How often a worker has woken up or looked around, in its seat's life. */
uint64_t
server_passes(uint32_t seat)
{
	return atomic_load(&segment_seat(&server.seg, seat)->passes);
}

/* Pool buffers that somebody's input or the rest of a line lies in. */
unsigned
server_buffers(void)
{
	const struct segment_layout *l = &server.seg.layout;
	unsigned n = 0;
	uint32_t owner;

	for (uint32_t i = 0; i < l->nbuffers + l->nsmall; i++) {
		owner = atomic_load(&server.seg.bufctl[i].owner);
		n += owner != 0 && (owner & BUFFER_SPARE) == 0;
	}
	return n;
}

/* Rows of sessions that are some worker's, and not on their way. */
unsigned
server_rows(void)
{
	unsigned n = 0;
	uint32_t owner;

	for (uint32_t i = 0; i < server.seg.params.nslots; i++) {
		owner = atomic_load(&server.seg.sessions[i].owner);
		n += owner != 0 && (owner & OWNER_MOVING) == 0;
	}
	return n;
}

/* What the segment's object takes. */
unsigned
server_shared_kb(void)
{
	char path[80];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/shm/chatmaster.%s", server.name);
	return stat(path, &st) == 0 ? (unsigned)(st.st_blocks / 2) : 0;
}

/* Read all that a child says; returns its wait status. */
static int
read_child(pid_t pid, int fd, char *out, size_t size)
{
	size_t len = 0;
	int status = -1;
	ssize_t n;

	while (len < size - 1 && (n = read(fd, out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fd);
	(void)waitpid(pid, &status, 0);
	return status;
}

static int
server_shmdump(const char *view, char *out, size_t size)
{
	char path[300];
	int fds[2];
	pid_t pid;

	out[0] = '\0';
	snprintf(path, sizeof(path), "%s/shmdump", options.build);
	if (pipe2(fds, O_CLOEXEC) == -1)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		execl(path, path, "-n", server.name, view, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	if (pid != -1)
		return read_child(pid, fds[0], out, size);
	close(fds[0]);
	return -1;
}

void
server_verify(void)
{
	char out[4096];

	if (server_shmdump("verify", out, sizeof(out)) != 0)
		wrong(CHECK_SEGMENT, "shmdump verify says:\n%s", out);
}

/* For whoever looks into a failure: what is where. */
void
server_dump(void)
{
	static const char *const views[] = {
	    "status", "workers", "locks", "rooms", "sessions"};
	static char out[262144];

	if (server.pid == 0 || server.log_fd == -1)
		return;
	server.dumped = true;
	for (size_t i = 0; i < COUNT(views); i++) {
		(void)server_shmdump(views[i], out, sizeof(out));
		dprintf(server.log_fd, "--- %s\n%s", views[i], out);
	}
}

/* Has the master ended?  Reaps it. */
bool
server_ended(void)
{
	if (server.pid != 0 &&
	    waitpid(server.pid, &server.status, WNOHANG) == server.pid)
		server.pid = 0;
	return server.pid == 0;
}

/* End it, whatever it takes. */
void
server_abandon(void)
{
	uint64_t until = clock_us() + 6 * SECOND_US;

	if (server.pid == 0)
		return;
	kill(server.pid, SIGTERM);
	while (!server_ended() && clock_us() < until)
		usleep(10000);
	if (server.pid == 0)
		return;
	kill(server.pid, SIGKILL); /* and its workers with it */
	(void)waitpid(server.pid, &server.status, 0);
	server.pid = 0;
}

/* Remove its objects; returns how many there were. */
int
server_remove(void)
{
	char object[64];
	int n = 0;

	snprintf(object, sizeof(object), "/chatmaster.%s", server.name);
	n += shm_unlink(object) == 0;
	strcat(object, ".old");
	n += shm_unlink(object) == 0;
	return n;
}

/* The log is kept for whoever looks into a failure. */
void
server_forget_log(bool keep)
{
	if (server.attached)
		segment_detach(&server.seg);
	points_close();
	if (server.faults_path[0] != '\0')
		unlink(server.faults_path);
	if (server.users_path[0] != '\0')
		unlink(server.users_path);
	if (server.log_path[0] == '\0')
		return;
	if (keep)
		printf("the server's log: %s\n", server.log_path);
	else
		unlink(server.log_path);
	close(server.log_fd);
}
