/* SPDX-License-Identifier: MIT */
/*
 * chatload: a load generator for chat servers.
 *
 * Fills rooms with members, lets some of them publish, reads everything that
 * everyone receives, and prints one line of key=value figures.
 */
#include <err.h>
#include <getopt.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/chatload/load.h"
#include "tools/chatload/progress.h"

static const char usage_text[] =
    "usage: chatload [--OPTION VALUE ...]\n"
    "  --mode MODE         talk: join, then publish and read (default)\n"
    "                      idle: join, stay for a while, report the memory\n"
    "                      of the server, and publish if --talking says so\n"
    "                      connect: join, leave and come again\n"
    "                      ask: send commands with long replies (line only)\n"
    "  --protocol NAME     line (default), redis, irc, telnet, "
    "telnet-edit:\n"
    "                      a terminal that sends keys, which are echoed,\n"
    "                      ws: WebSocket with lines (chat.text), or ws-json\n"
    "  --host HOST         where the server listens (localhost)\n"
    "  --port PORT         the port (the protocol's own, line: 5555)\n"
    "  --sources N         addresses to connect from, 127.0.0.1 and on\n"
    "                      (0: the kernel's choice; mode connect to\n"
    "                      127.0.0.0/8: 64)\n"
    "  --rooms N           rooms (1)\n"
    "  --members N         members of each room (10)\n"
    "  --publishers N      of these, how many talk (1)\n"
    "  --talking N         rooms in which they do (all; mode idle: 0)\n"
    "  --size BYTES        of text in a message (64)\n"
    "  --window N          messages of a publisher on their way: it waits\n"
    "                      until all others have read them (1)\n"
    "  --rate N            messages a second in all, instead of as fast as\n"
    "                      the windows allow (window: 4096)\n"
    "  --messages N        so many in all, without a warm-up\n"
    "  --typed N           telnet-edit: keys of a line that stands, half "
    "typed,\n"
    "                      before all who only listen (0)\n"
    "  --typists N         telnet-edit: of these, in each room, who type on,\n"
    "                      key by key, and delete what they have typed (0)\n"
    "  --keys N            a second, of each of them (5)\n"
    "  --hold SECONDS      of mode idle (1)\n"
    "  --warmup SECONDS    before the measurement (0.5)\n"
    "  --seconds SECONDS   of measurement, at most (2; with --messages 60)\n"
    "  --pid PID           the server's first process: measure its CPU and\n"
    "                      memory, and that of all its descendants\n"
    "  --tag TEXT          how names and rooms begin (c and the process id)\n"
    "  --verify            check the bytes of each text too, and that all\n"
    "                      who only listen read a room in the same order\n"
    "  --help, --version\n"
    "Exit status: 0 all arrived once and in order, 1 not, 2 wrong usage.\n";

enum option_id {
	OPT_MODE = 1,
	OPT_PROTOCOL,
	OPT_HOST,
	OPT_PORT,
	OPT_SOURCES,
	OPT_ROOMS,
	OPT_MEMBERS,
	OPT_PUBLISHERS,
	OPT_TALKING,
	OPT_SIZE,
	OPT_WINDOW,
	OPT_RATE,
	OPT_MESSAGES,
	OPT_TYPED,
	OPT_TYPISTS,
	OPT_KEYS,
	OPT_HOLD,
	OPT_WARMUP,
	OPT_SECONDS,
	OPT_PID,
	OPT_TAG,
	OPT_VERIFY,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option options[] = {
    {"mode", required_argument, NULL, OPT_MODE},
    {"protocol", required_argument, NULL, OPT_PROTOCOL},
    {"host", required_argument, NULL, OPT_HOST},
    {"port", required_argument, NULL, OPT_PORT},
    {"sources", required_argument, NULL, OPT_SOURCES},
    {"rooms", required_argument, NULL, OPT_ROOMS},
    {"members", required_argument, NULL, OPT_MEMBERS},
    {"publishers", required_argument, NULL, OPT_PUBLISHERS},
    {"talking", required_argument, NULL, OPT_TALKING},
    {"size", required_argument, NULL, OPT_SIZE},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"rate", required_argument, NULL, OPT_RATE},
    {"messages", required_argument, NULL, OPT_MESSAGES},
    {"typed", required_argument, NULL, OPT_TYPED},
    {"typists", required_argument, NULL, OPT_TYPISTS},
    {"keys", required_argument, NULL, OPT_KEYS},
    {"hold", required_argument, NULL, OPT_HOLD},
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
	char tag[TEXT_TAG_MAX + 2]; /* longer ones are seen to be so */
	unsigned int size;
	int sources; /* these and the next: -1 is not given */
	int talking;
	double seconds;
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

static enum load_mode
mode_of(const char *name)
{
	static const char *const names[] = {
	    [MODE_TALK] = "talk",
	    [MODE_IDLE] = "idle",
	    [MODE_CONNECT] = "connect",
	    [MODE_ASK] = "ask",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return (enum load_mode)i;
	errx(2, "--mode %s: talk, idle, connect or ask is needed", name);
}

static const struct protocol *
protocol_of(const char *name)
{
	const struct protocol *p = protocol_find(name);

	if (!p)
		errx(2,
		    "--protocol %s: line, redis, irc, telnet, telnet-edit, ws "
		    "or ws-json is needed",
		    name);
	return p;
}

static void
set_option(struct load_config *cfg, struct args *args, int id, const char *name)
{
	switch ((enum option_id)id) {
	case OPT_MODE:
		cfg->mode = mode_of(optarg);
		break;
	case OPT_PROTOCOL:
		cfg->protocol = protocol_of(optarg);
		break;
	case OPT_HOST:
		args->host = optarg;
		break;
	case OPT_PORT:
		args->port = optarg;
		break;
	case OPT_SOURCES:
		args->sources = (int)count(name, optarg, 0, LOAD_SOURCES_MAX);
		break;
	case OPT_ROOMS:
		cfg->rooms = count(name, optarg, 1, LOAD_ROOMS_MAX);
		break;
	case OPT_MEMBERS:
		cfg->members = count(name, optarg, 1, LOAD_MEMBERS_MAX);
		break;
	case OPT_PUBLISHERS:
		cfg->publishers = count(name, optarg, 1, LOAD_MEMBERS_MAX);
		break;
	case OPT_TALKING:
		args->talking = (int)count(name, optarg, 0, LOAD_ROOMS_MAX);
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
	case OPT_MESSAGES:
		cfg->messages = count(name, optarg, 1, UINT_MAX);
		break;
	case OPT_TYPED:
		cfg->typed = count(name, optarg, 0, LOAD_TYPED_MAX);
		break;
	case OPT_TYPISTS:
		cfg->typists = count(name, optarg, 0, LOAD_MEMBERS_MAX);
		break;
	case OPT_KEYS:
		cfg->keys = number(name, optarg, 0.001, 1e6);
		break;
	case OPT_HOLD:
		cfg->hold = number(name, optarg, 0, 1e6);
		break;
	case OPT_WARMUP:
		cfg->warmup = number(name, optarg, 0, 1e6);
		break;
	case OPT_SECONDS:
		args->seconds = number(name, optarg, 0.01, 1e6);
		break;
	case OPT_PID:
		cfg->pid = (pid_t)count(name, optarg, 1, 1 << 30);
		break;
	case OPT_TAG:
		snprintf(args->tag, sizeof(args->tag), "%s", optarg);
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

/* All of 127.0.0.0/8 leads here; no other network is as generous. */
static bool
on_loopback(const struct load_config *cfg)
{
	const struct sockaddr_in *in = (const void *)&cfg->addr;

	return cfg->addr.ss_family == AF_INET &&
	       ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static void
set_tag(struct load_config *cfg, const char *tag, size_t size)
{
	size_t len = strlen(tag);

	if (len == 0 || len > TEXT_TAG_MAX || strpbrk(tag, " \t\r\n:") ||
	    strchr("*[/", tag[0]))
		errx(2, "--tag %s: names cannot begin so", tag);
	text_format_init(&cfg->format, tag, size);
}

static void
settle_typing(const struct load_config *cfg)
{
	bool types = cfg->typed > 0 || cfg->typists > 0;

	if (types && cfg->protocol->telnet != TELNET_KEYS)
		errx(2, "--typed and --typists need --protocol telnet-edit");
	if (cfg->typists > cfg->members - cfg->publishers)
		errx(2, "--typists %u: more than those who only listen",
		    cfg->typists);
}

/* What depends on several options. */
static void
settle(struct load_config *cfg, const struct args *args)
{
	bool sends = cfg->mode == MODE_TALK || cfg->mode == MODE_IDLE;

	if (cfg->publishers > cfg->members ||
	    (sends && !cfg->protocol->talkers_listen &&
		cfg->publishers == cfg->members))
		errx(2, "more publishers than members who listen");
	if (sends && cfg->members < 2)
		errx(2, "--members 1: nobody would listen");
	if (args->talking > (int)cfg->rooms)
		errx(2, "--talking %d: more than there are rooms",
		    args->talking);
	if (args->size > cfg->protocol->size_max)
		errx(2, "--size %u: a text in this protocol has %zu at most",
		    args->size, cfg->protocol->size_max);
	if (cfg->mode == MODE_ASK && cfg->protocol != &protocol_line)
		errx(2, "--mode ask is for the line protocol");
	settle_typing(cfg);
	if (cfg->window == 0)
		cfg->window = cfg->rate > 0 ? 4096 : 1;
	cfg->talking = cfg->mode == MODE_IDLE ? 0 : cfg->rooms;
	if (args->talking >= 0)
		cfg->talking = (unsigned int)args->talking;
	if (cfg->mode == MODE_TALK && cfg->talking == 0)
		errx(2, "--talking 0 is for mode idle");
	if (cfg->messages > 0)
		cfg->warmup = 0;
	cfg->seconds = cfg->messages > 0 ? 60 : 2;
	if (args->seconds > 0)
		cfg->seconds = args->seconds;
	cfg->sources = cfg->mode == MODE_CONNECT && on_loopback(cfg) ? 64 : 0;
	if (args->sources > 0 && !on_loopback(cfg))
		errx(2, "--sources needs a HOST in 127.0.0.0/8");
	if (args->sources >= 0)
		cfg->sources = (unsigned int)args->sources;
}

static void
parse_args(int argc, char **argv, struct load_config *cfg)
{
	struct args args = {
	    .host = "localhost",
	    .size = 64,
	    .sources = -1,
	    .talking = -1,
	};
	int index = 0;
	int opt;

	snprintf(args.tag, sizeof(args.tag), "c%x", (unsigned int)getpid());
	while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (opt == '?') {
			fputs(usage_text, stderr);
			exit(2);
		}
		set_option(cfg, &args, opt, options[index].name);
	}
	if (optind < argc)
		errx(2, "%s: unexpected argument", argv[optind]);
	resolve(cfg, args.host, args.port ? args.port : cfg->protocol->port);
	settle(cfg, &args);
	set_tag(cfg, args.tag, args.size);
}

int
main(int argc, char **argv)
{
	static struct load_result result;
	struct load_config cfg = {
	    .mode = MODE_TALK,
	    .protocol = &protocol_line,
	    .rooms = 1,
	    .members = 10,
	    .publishers = 1,
	    .keys = 5,
	    .hold = 1,
	    .warmup = 0.5,
	};

	parse_args(argc, argv, &cfg);
	switch (cfg.mode) {
	case MODE_TALK:
	case MODE_IDLE:
		load_run(&cfg, &result);
		break;
	case MODE_CONNECT:
		churn_run(&cfg, &result);
		break;
	case MODE_ASK:
		ask_run(&cfg, &result);
		break;
	}
	progress_end();
	report(&cfg, &result);
	return result.lost + result.order_errors + result.strays > 0;
}
