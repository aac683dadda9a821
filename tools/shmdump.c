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
#include "tools/shmdump/screen.h"
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
    {"metrics", metrics_view, "the figures as Prometheus text"},
    {"top", top_view, "a live screen; q or Ctrl-C ends it"},
};

static const char help_text[] =
    "usage: shmdump [-n NAME | --file PATH] [--json] [VIEW]\n"
    "       shmdump [...] ring [-f] [--room ROOM] [--count N] "
    "[--private]\n"
    "\n"
    "Show the shared memory of a chatmaster instance, running or dead.\n"
    "\n"
    "  -n, --name NAME  the instance (default); NAME.old is the memory that\n"
    "                   a dead one of that name left\n"
    "      --file PATH  a copy of such memory in an ordinary file\n"
    "      --json       one JSON document, for ring one object a line\n"
    "  -f, --follow     ring: go on with what comes, until the server ends\n"
    "      --room ROOM  ring: only what belongs to this room\n"
    "      --count N    ring: only the last N of that\n"
    "      --private    ring: the text of private messages too\n"
    "      --help       this\n"
    "      --version    the version\n"
    "\n"
    "Views:\n";

static void
help(void)
{
	fputs(help_text, stdout);
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
	// NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): made for it
	screen_close();
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

struct arguments {
	const char *name; /* NULL: not given */
	const char *file; /* NULL: not given */
	const struct view *view;
	struct dump dump; /* its options */
};

static int
show(struct arguments *a)
{
	struct dump *dump = &a->dump;
	int code;

	signal(SIGBUS, on_bus_error);
	setlocale(LC_CTYPE, "C.UTF-8"); /* for the widths of characters */
	if (a->file != NULL)
		code = dump_open_file(dump, a->file);
	else
		code = dump_open(dump, a->name != NULL ? a->name : "default");
	if (code == -1)
		return 1;
	code = a->view->show(dump);
	dump_close(dump);
	return finish(code);
}

static bool
parse_count(const char *text, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

/* Do the arguments go together?  Complains if not. */
static bool
arguments_agree(const struct arguments *a)
{
	const struct dump *d = &a->dump;

	if (a->name != NULL &&
	    (a->name[0] == '\0' || strchr(a->name, '/') != NULL))
		warnx("bad instance name: %s", a->name);
	else if (a->name != NULL && a->file != NULL)
		warnx("either an instance or a file");
	else if (d->room != NULL && d->room[0] == '\0')
		warnx("--room: no name");
	else if (a->view->show != ring_view &&
		 (d->follow || d->room != NULL || d->count != UINT64_MAX ||
		     d->private))
		warnx("-f, --room, --count and --private are for the view "
		      "ring");
	else
		return true;
	return false;
}

/* The view, behind the options.  Complains if there is none of that name. */
static bool
parse_view(struct arguments *a, int argc, char **argv)
{
	a->view = &views[0];
	if (argc > 1) {
		warnx("one view at a time");
		return false;
	}
	if (argc == 1 && (a->view = find_view(argv[0])) == NULL) {
		warnx("unknown view: %s", argv[0]);
		return false;
	}
	return arguments_agree(a);
}

int
main(int argc, char **argv)
{
	enum {
		OPTION_FILE = 256,
		OPTION_JSON,
		OPTION_ROOM,
		OPTION_COUNT,
		OPTION_PRIVATE,
		OPTION_HELP,
		OPTION_VERSION,
	};
	static const struct option options[] = {
	    {"name", required_argument, NULL, 'n'},
	    {"file", required_argument, NULL, OPTION_FILE},
	    {"json", no_argument, NULL, OPTION_JSON},
	    {"follow", no_argument, NULL, 'f'},
	    {"room", required_argument, NULL, OPTION_ROOM},
	    {"count", required_argument, NULL, OPTION_COUNT},
	    {"private", no_argument, NULL, OPTION_PRIVATE},
	    {"help", no_argument, NULL, OPTION_HELP},
	    {"version", no_argument, NULL, OPTION_VERSION},
	    {NULL, 0, NULL, 0},
	};
	struct arguments a = {.dump.count = UINT64_MAX};
	int option;

	while ((option = getopt_long(argc, argv, "n:f", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			a.name = optarg;
			break;
		case 'f':
			a.dump.follow = true;
			break;
		case OPTION_FILE:
			a.file = optarg;
			break;
		case OPTION_JSON:
			a.dump.json = true;
			break;
		case OPTION_ROOM:
			a.dump.room = optarg;
			break;
		case OPTION_COUNT:
			if (parse_count(optarg, &a.dump.count))
				break;
			warnx("--count: a number is needed: %s", optarg);
			return usage();
		case OPTION_PRIVATE:
			a.dump.private = true;
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
	if (!parse_view(&a, argc - optind, argv + optind))
		return usage();
	return show(&a);
}
