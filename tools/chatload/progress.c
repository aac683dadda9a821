/* SPDX-License-Identifier: MIT */
/* A line that is written over; see progress.h. */
#include "tools/chatload/progress.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/chatload/load.h"

#define EVERY_NS UINT64_C(200000000)

static uint64_t next_ns;
static bool shown;

bool
progress_due(void)
{
	static int terminal = -1;
	uint64_t now;

	if (terminal == -1)
		terminal = isatty(STDERR_FILENO);
	if (!terminal)
		return false;
	now = load_now();
	if (now < next_ns)
		return false;
	next_ns = now + EVERY_NS;
	return true;
}

void
progress_show(const char *format, ...)
{
	va_list ap;

	fputs("\033[K", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	/* An error message may come over it. */
	fputs("\r", stderr);
	fflush(stderr);
	shown = true;
}

void
progress_end(void)
{
	if (shown)
		fputs("\033[K", stderr);
	shown = false;
}
