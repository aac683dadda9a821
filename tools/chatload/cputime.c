/* SPDX-License-Identifier: MIT */
/* CPU clocks of the living, ticks of the dead; see cputime.h. */
#include "tools/chatload/cputime.h"

#include <time.h>
#include <unistd.h>

#include "tools/chatload/tree.h"

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
	double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
	double sum = 0;
	struct tree t;

	if (tree_init(&t, root) == -1)
		return -1;
	for (size_t i = 0; i < t.count; i++)
		sum += process_seconds(&t.rows[i], tick);
	tree_fini(&t);
	return sum;
}

double
cputime_self(void)
{
	return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}
