/* SPDX-License-Identifier: MIT */
/*
 * shmdump: what lies in an instance's shared memory, live or post mortem.
 * Read-only, takes no lock, and neither slows nor stops the server.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/base.h"
#include "tools/shmdump/out.h"
#include "tools/shmdump/views.h"

#define EXIT_USAGE 2

static const struct view {
	const char *name;
	int (*show)(const struct dump *dump);
	const char *what;
} views[] = {
    {"status", status_view, "the instance as a whole (the default)"},
    {"workers", workers_view, "seats and the workers in them"},
    {"rooms", rooms_view, "rooms that somebody is in"},
    {"sessions", sessions_view, "connections"},
    {"ring", ring_view, "the records in the ring, oldest first"},
    {"locks", locks_view, "the lock: value, owner, counters"},
    {"verify", verify_view, "check every invariant; exit 1 on a breach"},
};

static void
help(void)
{
	puts("usage: shmdump [-n NAME] [--json] [VIEW]\n"
	     "\n"
	     "Show the shared memory of a chatmaster instance, running or "
	     "dead.\n"
	     "\n"
	     "  -n, --name NAME  the instance (default); NAME.old is the "
	     "memory that a\n"
	     "                   dead one of that name left\n"
	     "      --json       one JSON document, for ring one object a "
	     "line\n"
	     "      --help       this\n"
	     "      --version    the version\n"
	     "\n"
	     "Views:");
	for (size_t i = 0; i < COUNT(views); i++)
		printf("  %-9s %s\n", views[i].name, views[i].what);
}

static int
usage(void)
{
	fputs("Try 'shmdump --help'.\n", stderr);
	return EXIT_USAGE;
}

static const struct view *
find_view(const char *name)
{
	for (size_t i = 0; i < COUNT(views); i++)
		if (strcmp(views[i].name, name) == 0)
			return &views[i];
	return NULL;
}

/* Somebody cut the object short under our mapping. */
static void
on_bus_error(int signal)
{
	static const char text[] =
	    "shmdump: the shared memory was cut short while it was read\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) == -1)
		_exit(1);
	_exit(1);
}

/* Say so if what was printed did not get out, except to a reader who left. */
static int
finish(int code)
{
	int error = out_error();

	if (fclose(stdout) != 0 && error == 0)
		error = errno;
	if (error == 0)
		return code;
	errno = error;
	if (error != EPIPE)
		warn("cannot write");
	return 1;
}

static int
show(const struct view *view, const char *name, bool json)
{
	struct dump dump = {.json = json};
	int code;

	signal(SIGBUS, on_bus_error);
	setlocale(LC_CTYPE, "C.UTF-8"); /* for the widths of characters */
	if (dump_open(&dump, name) == -1)
		return 1;
	code = view->show(&dump);
	dump_close(&dump);
	return finish(code);
}

int
main(int argc, char **argv)
{
	enum {
		OPTION_JSON = 256,
		OPTION_HELP,
		OPTION_VERSION,
	};
	static const struct option options[] = {
	    {"name", required_argument, NULL, 'n'},
	    {"json", no_argument, NULL, OPTION_JSON},
	    {"help", no_argument, NULL, OPTION_HELP},
	    {"version", no_argument, NULL, OPTION_VERSION},
	    {NULL, 0, NULL, 0},
	};
	const struct view *view = &views[0];
	const char *name = "default";
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			name = optarg;
			break;
		case OPTION_JSON:
			json = true;
			break;
		case OPTION_HELP:
			help();
			return finish(0);
		case OPTION_VERSION:
			puts("shmdump " CHATMASTER_VERSION);
			return finish(0);
		default:
			return usage();
		}
	}
	if (optind < argc && (view = find_view(argv[optind])) == NULL) {
		warnx("unknown view: %s", argv[optind]);
		return usage();
	}
	if (argc - optind > 1) {
		warnx("one view at a time");
		return usage();
	}
	if (name[0] == '\0' || strchr(name, '/') != NULL) {
		warnx("bad instance name: %s", name);
		return usage();
	}
	return show(view, name, json);
}
