/* SPDX-License-Identifier: MIT */
/* What the server's processes have, to be compared: nothing is to grow. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/torture/torture.h"

/* Allocators round, and what a client does leaves pages touched. */
#define SLACK_KB 512

static unsigned
count_fds(pid_t pid)
{
	char path[32];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* Private memory; what lies in the segment is no part of it. */
static unsigned
count_kb(pid_t pid, const char *what)
{
	char path[32], line[256];
	unsigned kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, what, strlen(what)) == 0)
			kb = (unsigned)strtoul(line + strlen(what), NULL, 10);
	fclose(f);
	return kb;
}

unsigned
resources_master_fds(void)
{
	return count_fds(server.pid);
}

/* Of all workers together, since sessions move. */
unsigned
resources_worker_fds(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < server_workers(); i++)
		n += count_fds(server_worker(i));
	return n;
}

void
resources_look(struct resources *r)
{
	r->master_fds = resources_master_fds();
	r->worker_fds = resources_worker_fds();
	r->master_kb = count_kb(server.pid, "RssAnon:");
	r->worker_kb = 0;
	for (uint32_t i = 0; i < server_workers(); i++)
		r->worker_kb =
		    MAX(r->worker_kb, count_kb(server_worker(i), "RssAnon:"));
	r->shared_kb = server_shared_kb();
}

void
resources_compare(const struct resources *was)
{
	struct resources is;

	resources_look(&is);
	printf("before and after: fds master=%u/%u workers=%u/%u "
	       "private_kb master=%u/%u largest_worker=%u/%u "
	       "shared_kb=%u/%u\n",
	    was->master_fds, is.master_fds, was->worker_fds, is.worker_fds,
	    was->master_kb, is.master_kb, was->worker_kb, is.worker_kb,
	    was->shared_kb, is.shared_kb);
	if (is.master_kb > was->master_kb + SLACK_KB ||
	    is.worker_kb > was->worker_kb + SLACK_KB)
		wrong(CHECK_FDS, "private memory has grown");
	if (is.shared_kb != was->shared_kb)
		wrong(CHECK_FDS, "shared memory has grown");
}
