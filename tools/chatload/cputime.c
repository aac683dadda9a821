/* SPDX-License-Identifier: MIT */
/*
 * One scan of /proc finds the tree: parents are followed upwards from each
 * process, in as many rounds as the tree is deep.
 */
#include "tools/chatload/cputime.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct process {
	pid_t pid;
	pid_t parent;
	bool in_tree;
	long long ticks;  /* its own */
	long long waited; /* ticks of its dead children */
};

struct table {
	struct process *rows;
	size_t count;
	size_t cap;
};

/* Fields of /proc/PID/stat, as proc(5) numbers them; all but 3 are numbers. */
enum {
	STAT_STATE = 3,
	STAT_PPID = 4,
	STAT_UTIME = 14,
	STAT_STIME,
	STAT_CUTIME,
	STAT_CSTIME,
};

/* Returns false when the process is gone. */
static bool
process_read(struct process *p, const char *pid)
{
	long long fields[STAT_CSTIME + 1] = {0};
	char path[64];
	char line[1024];
	char *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	/* The command may hold anything: STAT_STATE follows its last ')'. */
	rest = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (!rest || strlen(rest) < 4)
		return false;
	rest += 3;
	for (int i = STAT_PPID; i <= STAT_CSTIME; i++)
		fields[i] = strtoll(rest, &rest, 10);
	*p = (struct process){
	    .pid = (pid_t)strtol(pid, NULL, 10),
	    .parent = (pid_t)fields[STAT_PPID],
	    .ticks = fields[STAT_UTIME] + fields[STAT_STIME],
	    .waited = fields[STAT_CUTIME] + fields[STAT_CSTIME],
	};
	return true;
}

static void
table_read(struct table *t)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	if (!dir)
		err(1, "/proc");
	while ((e = readdir(dir))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		if (t->count == t->cap) {
			t->cap = t->cap * 2 + 64;
			t->rows = realloc(t->rows, t->cap * sizeof(*t->rows));
			if (!t->rows)
				err(1, "realloc");
		}
		if (process_read(&t->rows[t->count], e->d_name))
			t->count++;
	}
	closedir(dir);
}

static bool
table_in_tree(const struct table *t, pid_t pid)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].pid == pid)
			return t->rows[i].in_tree;
	return false;
}

static void
table_mark(struct table *t, pid_t root)
{
	bool more = true;

	for (size_t i = 0; i < t->count; i++)
		t->rows[i].in_tree = t->rows[i].pid == root;
	while (more) {
		more = false;
		for (size_t i = 0; i < t->count; i++) {
			struct process *p = &t->rows[i];

			if (!p->in_tree && table_in_tree(t, p->parent))
				p->in_tree = more = true;
		}
	}
}

static double
clock_seconds(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) == -1)
		return -1;
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
process_seconds(const struct process *p, double tick)
{
	clockid_t clock;
	double own = -1;

	if (clock_getcpuclockid(p->pid, &clock) == 0)
		own = clock_seconds(clock);
	if (own < 0)
		own = (double)p->ticks * tick;
	return own + (double)p->waited * tick;
}

double
cputime_tree(pid_t root)
{
	struct table t = {0};
	double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
	double sum = 0;
	bool found = false;

	table_read(&t);
	table_mark(&t, root);
	for (size_t i = 0; i < t.count; i++) {
		if (!t.rows[i].in_tree)
			continue;
		found = true;
		sum += process_seconds(&t.rows[i], tick);
	}
	free(t.rows);
	if (!found) {
		errno = ESRCH;
		return -1;
	}
	return sum;
}

double
cputime_self(void)
{
	return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}
