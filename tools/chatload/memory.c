/* SPDX-License-Identifier: MIT */
/* Lines of smaps_rollup are "Key:   N kB"; see proc(5). */
#include "tools/chatload/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/chatload/tree.h"

static bool
memory_value(const char *line, const char *key, int64_t *bytes)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0 || line[len] != ':')
		return false;
	*bytes = strtoll(line + len + 1, NULL, 10) * 1024;
	return true;
}

/* Adds a process; one that has ended meanwhile has no memory. */
static int
memory_add(struct memory *m, pid_t pid)
{
	int64_t rss = 0;
	int64_t pss = 0;
	int64_t pss_anon = -1;
	int64_t anonymous = 0;
	char path[64];
	char line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return errno == ESRCH ? 0 : -1;
	while (fgets(line, sizeof(line), f)) {
		(void)(memory_value(line, "Rss", &rss) ||
		       memory_value(line, "Pss", &pss) ||
		       memory_value(line, "Pss_Anon", &pss_anon) ||
		       memory_value(line, "Anonymous", &anonymous));
	}
	fclose(f);
	m->rss += rss;
	m->pss += pss;
	m->private += pss_anon >= 0 ? pss_anon : anonymous;
	return 0;
}

int
memory_tree(pid_t root, struct memory *m)
{
	struct tree t;
	int rc = 0;
	int saved;

	*m = (struct memory){0};
	if (tree_init(&t, root) == -1)
		return -1;
	for (size_t i = 0; i < t.count && rc == 0; i++)
		rc = memory_add(m, t.rows[i].pid);
	saved = errno;
	tree_fini(&t);
	errno = saved;
	return rc;
}
