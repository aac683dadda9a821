/* SPDX-License-Identifier: MIT */
/*
 * chatload: a load generator for the line protocol.
 *
 * Fills rooms with members, lets some of them publish, reads everything that
 * everyone receives, and prints one line of key=value figures.
 */
#include <err.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/chatload/load.h"

static const char usage_text[] =
    "usage: chatload [--OPTION VALUE ...]\n"
    "  --host HOST         where the server listens (localhost)\n"
    "  --port PORT         its line listener (5555)\n"
    "  --rooms N           rooms (1)\n"
    "  --members N         members of each room (10)\n"
    "  --publishers N      of these, how many talk (1)\n"
    "  --size BYTES        of text in a message (64)\n"
    "  --window N          messages of a publisher on their way: it waits\n"
    "                      until all others have read them (1)\n"
    "  --rate N            messages a second in all, instead of as fast as\n"
    "                      the windows allow (window: 4096)\n"
    "  --warmup SECONDS    before the measurement (0.5)\n"
    "  --seconds SECONDS   of measurement (2)\n"
    "  --pid PID           the server's first process: measure its CPU and\n"
    "                      that of all its descendants\n"
    "  --tag TEXT          how names and rooms begin (c and the process id)\n"
    "  --verify            check the bytes of each text too, and that all\n"
    "                      who only listen read a room in the same order\n"
    "  --help, --version\n"
    "Exit status: 0 all arrived once and in order, 1 not, 2 wrong usage.\n";

enum option_id {
	OPT_HOST = 1,
	OPT_PORT,
	OPT_ROOMS,
	OPT_MEMBERS,
	OPT_PUBLISHERS,
	OPT_SIZE,
	OPT_WINDOW,
	OPT_RATE,
	OPT_WARMUP,
	OPT_SECONDS,
	OPT_PID,
	OPT_TAG,
	OPT_VERIFY,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option options[] = {
    {"host", required_argument, NULL, OPT_HOST},
    {"port", required_argument, NULL, OPT_PORT},
    {"rooms", required_argument, NULL, OPT_ROOMS},
    {"members", required_argument, NULL, OPT_MEMBERS},
    {"publishers", required_argument, NULL, OPT_PUBLISHERS},
    {"size", required_argument, NULL, OPT_SIZE},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"rate", required_argument, NULL, OPT_RATE},
    {"warmup", required_argument, NULL, OPT_WARMUP},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"pid", required_argument, NULL, OPT_PID},
    {"tag", required_argument, NULL, OPT_TAG},
    {"verify", no_argument, NULL, OPT_VERIFY},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

/* The command line as it was given, before it is made a configuration. */
struct args {
	const char *host;
	const char *port;
	const char *tag;
	unsigned int size;
};

static double
number(const char *option, const char *value, double min, double max)
{
	char *end;
	double d = strtod(value, &end);

	if (end == value || *end || !(d >= min && d <= max))
		errx(2, "--%s %s: a number from %.15g to %.15g is needed",
		    option, value, min, max);
	return d;
}

static unsigned int
count(const char *option, const char *value, unsigned int min, unsigned int max)
{
	double d = number(option, value, min, max);

	if (d != (unsigned int)d)
		errx(2, "--%s %s: a whole number is needed", option, value);
	return (unsigned int)d;
}

static void
set_option(struct load_config *cfg, struct args *args, int id, const char *name)
{
	switch ((enum option_id)id) {
	case OPT_HOST:
		args->host = optarg;
		break;
	case OPT_PORT:
		args->port = optarg;
		break;
	case OPT_ROOMS:
		cfg->rooms = count(name, optarg, 1, LOAD_ROOMS_MAX);
		break;
	case OPT_MEMBERS:
		cfg->members = count(name, optarg, 2, LOAD_MEMBERS_MAX);
		break;
	case OPT_PUBLISHERS:
		cfg->publishers = count(name, optarg, 1, LOAD_MEMBERS_MAX);
		break;
	case OPT_SIZE:
		args->size = count(name, optarg, TEXT_MIN, TEXT_MAX / 2);
		break;
	case OPT_WINDOW:
		cfg->window = count(name, optarg, 1, 1 << 20);
		break;
	case OPT_RATE:
		cfg->rate = number(name, optarg, 0.001, 1e8);
		break;
	case OPT_WARMUP:
		cfg->warmup = number(name, optarg, 0, 1e6);
		break;
	case OPT_SECONDS:
		cfg->seconds = number(name, optarg, 0.01, 1e6);
		break;
	case OPT_PID:
		cfg->pid = (pid_t)count(name, optarg, 1, 1 << 30);
		break;
	case OPT_TAG:
		args->tag = optarg;
		break;
	case OPT_VERIFY:
		cfg->verify = true;
		break;
	case OPT_HELP:
		fputs(usage_text, stdout);
		exit(0);
	case OPT_VERSION:
		puts("chatload " CHATMASTER_VERSION);
		exit(0);
	}
}

static void
resolve(struct load_config *cfg, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int rc = getaddrinfo(host, port, &hints, &found);

	if (rc != 0)
		errx(2, "%s, port %s: %s", host, port, gai_strerror(rc));
	memcpy(&cfg->addr, found->ai_addr, found->ai_addrlen);
	cfg->addr_len = found->ai_addrlen;
	freeaddrinfo(found);
}

static void
parse_args(int argc, char **argv, struct load_config *cfg)
{
	struct args args = {"localhost", "5555", NULL, 64};
	char tag[16];
	int index = 0;
	int opt;

	snprintf(tag, sizeof(tag), "c%x", (unsigned int)getpid());
	args.tag = tag;
	while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (opt == '?') {
			fputs(usage_text, stderr);
			exit(2);
		}
		set_option(cfg, &args, opt, options[index].name);
	}
	if (optind < argc)
		errx(2, "%s: unexpected argument", argv[optind]);
	if (cfg->publishers > cfg->members)
		errx(2, "more publishers than members");
	if (args.tag[0] == '\0' || strlen(args.tag) > TEXT_TAG_MAX ||
	    strpbrk(args.tag, " \t\r\n:") || strchr("*[/", args.tag[0]))
		errx(2, "--tag %s: names cannot begin so", args.tag);
	if (cfg->window == 0)
		cfg->window = cfg->rate > 0 ? 4096 : 1;
	text_format_init(&cfg->format, args.tag, args.size);
	resolve(cfg, args.host, args.port);
}

/* Figures that need --pid are left out without it. */
static void
print_result(const struct load_config *cfg, const struct load_result *res)
{
	double deliveries = (double)res->deliveries;

	printf("joins=%u join_s=%.3f ", cfg->rooms * cfg->members,
	    res->join_seconds);
	if (res->join_cpu >= 0)
		printf("join_cpu_s=%.4f ", res->join_cpu);
	printf("messages=%ju deliveries=%ju seconds=%.3f ",
	    (uintmax_t)res->messages, (uintmax_t)res->deliveries, res->seconds);
	printf("deliveries_per_s=%.0f ", deliveries / res->seconds);
	if (res->server_cpu >= 0)
		printf("server_cpu_s=%.4f ", res->server_cpu);
	if (res->server_cpu > 0)
		printf(
		    "deliveries_per_cpu_s=%.0f ", deliveries / res->server_cpu);
	printf("load_cpu_s=%.4f ", res->load_cpu);
	printf("latency_p50_us=%.1f latency_p99_us=%.1f ",
	    histogram_quantile(&res->latency, 0.50) / 1e3,
	    histogram_quantile(&res->latency, 0.99) / 1e3);
	printf("lost=%ju order_errors=%ju strays=%ju\n", (uintmax_t)res->lost,
	    (uintmax_t)res->order_errors, (uintmax_t)res->strays);
}

int
main(int argc, char **argv)
{
	static struct load_result result;
	struct load_config cfg = {
	    .rooms = 1,
	    .members = 10,
	    .publishers = 1,
	    .warmup = 0.5,
	    .seconds = 2,
	};

	parse_args(argc, argv, &cfg);
	load_run(&cfg, &result);
	print_result(&cfg, &result);
	return result.lost + result.order_errors + result.strays > 0;
}
