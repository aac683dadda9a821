/* SPDX-License-Identifier: MIT */
/*
 * One scan of /proc finds the tree: parents are followed upwards from each
 * process, in as many rounds as the tree is deep.
 */
#include "tools/chatload/tree.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Every process there is. */
static void
tree_read(struct tree *t)
{
	DIR *dir = opendir("/proc");
	size_t cap = 0;
	struct dirent *e;

	if (!dir)
		err(1, "/proc");
	while ((e = readdir(dir))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		if (t->count == cap) {
			cap = cap * 2 + 64;
			t->rows = realloc(t->rows, cap * sizeof(*t->rows));
			if (!t->rows)
				err(1, "realloc");
		}
		if (process_read(&t->rows[t->count], e->d_name))
			t->count++;
	}
	closedir(dir);
}

static bool
tree_has(const struct tree *t, pid_t pid)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].pid == pid)
			return t->rows[i].in_tree;
	return false;
}

static void
tree_mark(struct tree *t, pid_t root)
{
	bool more = true;

	for (size_t i = 0; i < t->count; i++)
		t->rows[i].in_tree = t->rows[i].pid == root;
	while (more) {
		more = false;
		for (size_t i = 0; i < t->count; i++) {
			struct process *p = &t->rows[i];

			if (!p->in_tree && tree_has(t, p->parent))
				p->in_tree = more = true;
		}
	}
}

int
tree_init(struct tree *t, pid_t root)
{
	size_t kept = 0;

	*t = (struct tree){0};
	tree_read(t);
	tree_mark(t, root);
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].in_tree)
			t->rows[kept++] = t->rows[i];
	t->count = kept;
	if (kept > 0)
		return 0;
	tree_fini(t);
	errno = ESRCH;
	return -1;
}

void
tree_fini(struct tree *t)
{
	free(t->rows);
}
