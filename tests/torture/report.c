/* SPDX-License-Identifier: MIT */
/* What was wrong, and the sum of it all. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/torture/torture.h"

#define SHOWN_MAX 5 /* of each check */
#define AROUND 48   /* bytes shown around a difference */

static const char *const sentences[CHECKS] = {
    [CHECK_BYTES] = "every line read is one that the server says",
    [CHECK_ORDER] = "all members of a room read the same order",
    [CHECK_LOST] = "nothing is lost",
    [CHECK_TWICE] = "nothing comes twice",
    [CHECK_OPEN] = "nobody is disconnected",
    [CHECK_RECOVERY] = "every death is recovered from",
    [CHECK_WAKEUP] = "no message waits for a lost wake-up",
    [CHECK_SLEEP] = "workers with nothing to do sleep",
    [CHECK_PLACES] = "every fault point is a place of death",
    [CHECK_SEGMENT] = "the segment holds together",
    [CHECK_FDS] = "fds and memory are as before",
    [CHECK_STOP] = "the server stops cleanly and leaves nothing",
};

struct counts counts;
static unsigned wrongs[CHECKS];
static bool progress_shown;

void
wrong(enum check check, const char *format, ...)
{
	double at = (double)(clock_us() - counts.began_us) / 1e6;
	va_list args;

	if (wrongs[check]++ >= SHOWN_MAX)
		return;
	printf("%sWRONG at %.3f s: %s: ", progress_shown ? "\n" : "", at,
	    sentences[check]);
	progress_shown = false;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

unsigned
report_count(enum check check)
{
	return wrongs[check];
}

unsigned
report_wrongs(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < CHECKS; i++)
		sum += wrongs[i];
	return sum;
}

/* Shows the bytes around position `at`, escaped. */
void
report_bytes(const char *what, const char *bytes, size_t len, size_t at)
{
	size_t from = at > AROUND ? at - AROUND : 0;
	size_t to = MIN(len, at + AROUND);

	if (wrongs[CHECK_BYTES] + wrongs[CHECK_ORDER] > SHOWN_MAX)
		return;
	printf("  %s, %zu bytes, from %zu: \"", what, len, from);
	for (size_t i = from; i < to; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (i == at)
			printf("[HERE]");
		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\')
			putchar(c);
		else
			printf("\\x%02x", c);
	}
	printf("\"\n");
}

void
report_progress(const char *phase)
{
	if (!isatty(STDOUT_FILENO))
		return;
	printf("\r%6.1f s  %-6s kills=%-5ju deliveries=%-9ju wrong=%u  ",
	    (double)(clock_us() - counts.began_us) / 1e6, phase,
	    (uintmax_t)counts.exits, (uintmax_t)counts.deliveries,
	    report_wrongs());
	fflush(stdout);
	progress_shown = true;
}

static void
print_counts(void)
{
	const struct counts *n = &counts;

	printf("seed=%ju kills=%ju random=%ju at_points=%ju in_repair=%ju\n",
	    (uintmax_t)options.seed, (uintmax_t)n->exits,
	    (uintmax_t)n->random_kills, (uintmax_t)n->point_kills,
	    (uintmax_t)n->died_in_repair);
	printf("recoveries=%ju with_lock=%ju recovery_max_ms=%.1f\n",
	    (uintmax_t)n->recoveries, (uintmax_t)n->locks_recovered,
	    (double)n->recovery_max_us / 1e3);
	printf("deliveries=%ju messages=%ju joins=%ju leaves=%ju replies=%ju "
	       "connections=%ju\n",
	    (uintmax_t)n->deliveries, (uintmax_t)n->messages,
	    (uintmax_t)n->joins, (uintmax_t)n->leaves, (uintmax_t)n->replies,
	    (uintmax_t)n->connections);
	printf("renames=%ju privates=%ju moves=%ju\n", (uintmax_t)n->renames,
	    (uintmax_t)n->privates, (uintmax_t)n->moves);
	printf("objects=%ju formats=%ju ignores=%ju ignored=%ju\n",
	    (uintmax_t)n->objects, (uintmax_t)n->formats, (uintmax_t)n->ignores,
	    (uintmax_t)n->ignored);
	printf("typed=%ju unseen=%ju half_typed=%ju\n", (uintmax_t)n->typed,
	    (uintmax_t)n->unseen, (uintmax_t)n->halves);
	printf("pongs=%ju\n", (uintmax_t)n->pongs);
	if (options.lagging)
		printf("lapped=%ju missed=%ju untold=%ju\n", (uintmax_t)n->gaps,
		    (uintmax_t)n->missed, (uintmax_t)n->untold);
	printf("quiet_messages=%ju quiet_max_ms=%.1f quiet_slow=%ju\n",
	    (uintmax_t)n->quiet_messages, (double)n->quiet_max_us / 1e3,
	    (uintmax_t)n->quiet_slow);
	printf("seconds_busy=%.1f seconds_quiet=%.1f seconds_drain=%.1f\n",
	    (double)n->mode_us[LOAD_BUSY] / 1e6,
	    (double)n->mode_us[LOAD_QUIET] / 1e6,
	    (double)n->mode_us[LOAD_DRAIN] / 1e6);
	printf("lost=%ju twice=%ju order_errors=%ju disconnects=%ju hangs=%ju "
	       "seconds=%.1f\n",
	    (uintmax_t)n->lost, (uintmax_t)n->twice, (uintmax_t)n->order_errors,
	    (uintmax_t)n->disconnects, (uintmax_t)n->hangs,
	    (double)(clock_us() - n->began_us) / 1e6);
}

unsigned
report_summary(void)
{
	unsigned failed = 0;

	if (progress_shown)
		printf("\n");
	if (server.port != 0)
		places_table();
	print_counts();
	for (unsigned i = 0; i < CHECKS; i++) {
		failed += wrongs[i] > 0;
		if (wrongs[i] > 0)
			printf(
			    "FAILED %s: %u times\n", sentences[i], wrongs[i]);
	}
	return failed;
}
