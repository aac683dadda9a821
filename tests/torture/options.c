/* SPDX-License-Identifier: MIT */
/* What is asked for. */
#include <err.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/torture/torture.h"

struct options options = {
    .kills = 500,
    .clients = 400,
    .rooms = 20,
    .workers = 8,
    .telnet = 2,
    .edit = 40,
    .web = 2,
    .rate = 12,
    .quiet = 35,
};

static unsigned
number(const char *text, unsigned min, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < min || n > max)
		errx(2, "%s is not a number from %u to %u", text, min, max);
	return (unsigned)n;
}

static const struct option known[] = {
    {"kills", required_argument, NULL, 'k'},
    {"seed", required_argument, NULL, 's'},
    {"clients", required_argument, NULL, 'c'},
    {"rooms", required_argument, NULL, 'r'},
    {"workers", required_argument, NULL, 'w'},
    {"telnet", required_argument, NULL, 'T'},
    {"edit", required_argument, NULL, 'E'},
    {"web", required_argument, NULL, 'W'},
    {"seconds-max", required_argument, NULL, 't'},
    {"rate", required_argument, NULL, 'f'},
    {"quiet", required_argument, NULL, 'q'},
    {"build", required_argument, NULL, 'b'},
    {"server", required_argument, NULL, 'S'},
    {"at", required_argument, NULL, 'a'},
    {"first", no_argument, NULL, 'F'},
    {"every", no_argument, NULL, 'e'},
    {"lagging", no_argument, NULL, 'l'},
    {"check", no_argument, NULL, 'C'},
    {NULL, 0, NULL, 0},
};

static const struct {
	int letter;
	unsigned *value, min, max;
} numbers[] = {
    {'k', &options.kills, 0, 10000000},
    {'c', &options.clients, 2, 10000},
    {'r', &options.rooms, 1, 1000},
    {'w', &options.workers, 1, 48},
    {'T', &options.telnet, 0, 12},
    {'E', &options.edit, 0, 10000},
    {'W', &options.web, 0, 12},
    {'t', &options.seconds_max, 1, 1000000},
    {'f', &options.rate, 1, 1000},
    {'q', &options.quiet, 0, 100},
};

static const struct {
	int letter;
	bool *value;
} flags[] = {
    {'F', &options.first},
    {'e', &options.every},
    {'l', &options.lagging},
    {'C', &options.check},
};

/* Is it one of the two tables above? */
static bool
take_plain(int letter)
{
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (numbers[i].letter == letter) {
			*numbers[i].value =
			    number(optarg, numbers[i].min, numbers[i].max);
			return true;
		}
	for (size_t i = 0; i < COUNT(flags); i++)
		if (flags[i].letter == letter)
			return *flags[i].value = true;
	return false;
}

static void
take(int letter)
{
	switch (letter) {
	case 's':
		options.seed = strtoull(optarg, NULL, 10);
		break;
	case 'b':
		snprintf(options.build, sizeof(options.build), "%s", optarg);
		break;
	case 'S':
		options.server = optarg;
		break;
	case 'a':
		options.at = optarg;
		break;
	default:
		exit(2);
	}
}

/* Exits with status 2 if it makes no sense. */
void
options_read(int argc, char *argv[])
{
	char path[sizeof(options.build)];
	int o;

	while ((o = getopt_long(argc, argv, "w:", known, NULL)) != -1)
		if (!take_plain(o))
			take(o);
	if (optind < argc)
		errx(2, "what is %s?", argv[optind]);
	if (options.clients < options.rooms * 4)
		errx(2, "each room needs a few clients");
	if (options.seconds_max == 0)
		options.seconds_max = 300 + options.kills / 4;
	if (options.seed == 0)
		options.seed = clock_real_us() % 1000000007;
	if (options.build[0] != '\0')
		return;
	snprintf(path, sizeof(path), "%s", argv[0]);
	snprintf(options.build, sizeof(options.build), "%s", dirname(path));
}
