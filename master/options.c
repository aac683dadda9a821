/* SPDX-License-Identifier: MIT */
/* The table of keys, and what their values are checked for. */
#include "master/options.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "master/options_set.h"
#include "master/privileges.h"
#include "master/tls.h"
#include "master/types.h"
#include "master/users_admin.h"
#include "shared/base/config.h"
#include "shared/base/log.h"
#include "shared/chat/limits.h"
#include "shared/net/inherit.h"

#define RING_MIN (64 * 1024)
#define RING_MAX (1024u * 1024 * 1024)
#define CLIENTS_MAX 1000000
#define LINES_MIN 32 /* of the longest kind: the ring holds so many */

static const char *const off_on[] = {"off", "on", NULL};

#define AT(field) offsetof(struct options, field)

static const struct config_key keys[] = {
    {.name = "help",
	.short_option = 'h',
	.help = "show this and exit",
	.flags = CONFIG_SWITCH | CONFIG_OPTION_ONLY,
	.set = config_set_bool,
	.offset = AT(help)},
    {.name = "version",
	.help = "show the version and exit",
	.flags = CONFIG_SWITCH | CONFIG_OPTION_ONLY,
	.set = config_set_bool,
	.offset = AT(version)},
    {.name = "check",
	.help = "check options and configuration file, and exit: 0 if the "
		"server would start with them, 2 if not",
	.flags = CONFIG_SWITCH | CONFIG_OPTION_ONLY,
	.set = config_set_bool,
	.offset = AT(check)},
    {.name = "hash-password",
	.help = "read a password, print its crypt(3) hash for the "
		"configuration, and exit",
	.flags = CONFIG_SWITCH | CONFIG_OPTION_ONLY,
	.set = config_set_bool,
	.offset = AT(hash_password)},
    {.name = "add-user",
	.placeholder = "NAME",
	.help = "read a password, write it and NAME into the users-file, in "
		"place of an older one, and exit",
	.flags = CONFIG_OPTION_ONLY,
	.set = config_set_string,
	.offset = AT(add_user),
	.min = 1,
	.max = LIMIT_NAME},
    {.name = "operator",
	.help = "add-user: NAME is an operator",
	.flags = CONFIG_SWITCH | CONFIG_OPTION_ONLY,
	.set = config_set_bool,
	.offset = AT(is_operator)},
    {.name = "remove-user",
	.placeholder = "NAME",
	.help = "take NAME out of the users-file, and exit",
	.flags = CONFIG_OPTION_ONLY,
	.set = config_set_string,
	.offset = AT(remove_user),
	.min = 1,
	.max = LIMIT_NAME},
    {.name = "list-users",
	.help = "list who is registered, and exit",
	.flags = CONFIG_SWITCH | CONFIG_OPTION_ONLY,
	.set = config_set_bool,
	.offset = AT(list_users)},
    {.name = "config",
	.short_option = 'c',
	.placeholder = "FILE",
	.help = "configuration file; options win over it",
	.flags = CONFIG_OPTION_ONLY,
	.set = config_set_string,
	.offset = AT(file),
	.min = 1,
	.max = sizeof(((struct options *)0)->file) - 1},
    {.name = "workers",
	.short_option = 'w',
	.placeholder = "N",
	.help = "chat workers (default: one a CPU)",
	.set = config_set_uint,
	.offset = AT(workers),
	.min = 1,
	.max = WORKERS_MAX},
    {.name = "telnet-workers",
	.placeholder = "N",
	.help = "telnet workers; 0 closes the telnet listeners",
	.initial = "1",
	.set = config_set_uint,
	.offset = AT(telnet_workers),
	.max = WORKERS_MAX},
    {.name = "web-workers",
	.placeholder = "N",
	.help = "web workers; 0 closes the web and metrics listeners",
	.initial = "1",
	.set = config_set_uint,
	.offset = AT(web_workers),
	.max = WORKERS_MAX},
    {.name = "name",
	.short_option = 'n',
	.placeholder = "NAME",
	.help = "the instance: its shared memory is /chatmaster.NAME",
	.initial = "default",
	.set = options_set_name,
	.offset = AT(name),
	.min = 1,
	.max = INSTANCE_MAX},
    {.name = "line",
	.placeholder = "ADDR:PORT",
	.help = "line listener; or PORT, on every address; or none; "
		"may be repeated",
	.initial = "5555",
	.flags = CONFIG_LIST,
	.set = options_set_listen,
	.offset = AT(line)},
    {.name = "telnet",
	.placeholder = "ADDR:PORT",
	.help = "telnet listener; as line",
	.initial = "2323",
	.flags = CONFIG_LIST,
	.set = options_set_listen,
	.offset = AT(telnet)},
    {.name = "web",
	.placeholder = "ADDR:PORT",
	.help = "listener for browsers: the page, and WebSockets at /chat; as "
		"line",
	.initial = "8080",
	.flags = CONFIG_LIST,
	.set = options_set_listen,
	.offset = AT(web)},
    {.name = "metrics",
	.placeholder = "ADDR:PORT",
	.help = "listener for /metrics (Prometheus) and /healthz; as line",
	.initial = "none",
	.flags = CONFIG_LIST,
	.set = options_set_listen,
	.offset = AT(metrics)},
    {.name = "web-origin",
	.placeholder = "ORIGIN",
	.help = "a further origin whose pages may open WebSockets, such as "
		"https://chat.example.org; or none; may be repeated",
	.initial = "none",
	.flags = CONFIG_LIST,
	.set = options_set_origin,
	.offset = AT(web_origins)},
    {.name = "line-tls",
	.placeholder = "ADDR:PORT",
	.help = "line listener that speaks TLS (default: none); as line",
	.flags = CONFIG_LIST,
	.set = options_set_listen,
	.offset = AT(line_tls)},
    {.name = "telnet-tls",
	.placeholder = "ADDR:PORT",
	.help = "telnet listener that speaks TLS (default: none); as line",
	.flags = CONFIG_LIST,
	.set = options_set_listen,
	.offset = AT(telnet_tls)},
    {.name = "web-tls",
	.placeholder = "ADDR:PORT",
	.help = "listener for browsers that speaks TLS (default: none); as "
		"line",
	.flags = CONFIG_LIST,
	.set = options_set_listen,
	.offset = AT(web_tls)},
    {.name = "tls-workers",
	.placeholder = "N",
	.help = "TLS workers; 0 closes the TLS listeners",
	.initial = "1",
	.set = config_set_uint,
	.offset = AT(tls_workers),
	.max = WORKERS_MAX},
    {.name = "cert",
	.placeholder = "FILE",
	.help = "TLS: certificate and what leads to its root (PEM); may be "
		"repeated: a client gets the first one with the name it asks "
		"for, or else the first",
	.flags = CONFIG_LIST,
	.set = options_set_path,
	.offset = AT(cert)},
    {.name = "key",
	.placeholder = "FILE",
	.help = "TLS: private key (PEM) of each cert, in the same order; only "
		"its owner may have access to the file",
	.flags = CONFIG_LIST,
	.set = options_set_path,
	.offset = AT(key)},
    {.name = "ocsp",
	.placeholder = "FILE",
	.help = "TLS: OCSP response (DER) to be stapled, of each cert in the "
		"same order, as far as given; none for one without",
	.flags = CONFIG_LIST,
	.set = options_set_path,
	.offset = AT(ocsp)},
    {.name = "max-clients",
	.placeholder = "N",
	.help = "connections in all; one more is told so and closed",
	.initial = "10000",
	.set = config_set_uint,
	.offset = AT(max_clients),
	.min = 1,
	.max = CLIENTS_MAX},
    {.name = "max-clients-per-ip",
	.placeholder = "N",
	.help = "connections from one IPv4 address or IPv6 /64; 0 no limit",
	.initial = "0",
	.set = config_set_uint,
	.offset = AT(max_clients_per_ip),
	.max = CLIENTS_MAX},
    {.name = "connect-rate",
	.placeholder = "N",
	.help = "new connections a second from one IPv4 address or IPv6 /64, "
		"and as many at once; 0 no limit",
	.initial = "0",
	.set = config_set_uint,
	.offset = AT(connect_rate),
	.max = CLIENTS_MAX},
    {.name = "max-rooms",
	.placeholder = "N",
	.help = "rooms at once",
	.initial = "4096",
	.set = config_set_uint,
	.offset = AT(max_rooms),
	.min = 1,
	.max = CLIENTS_MAX},
    {.name = "max-rooms-per-ip",
	.placeholder = "N",
	.help = "rooms that one IPv4 address or IPv6 /64 may have brought into "
		"being; 0 no limit",
	.initial = "0",
	.set = config_set_uint,
	.offset = AT(max_rooms_per_ip),
	.max = CLIENTS_MAX},
    {.name = "max-line",
	.placeholder = "BYTES",
	.help = "bytes in one message, line end not counted",
	.initial = "4096",
	.set = config_set_uint,
	.offset = AT(max_line),
	.min = LIMIT_LINE_MIN,
	.max = LIMIT_LINE_MAX},
    {.name = "login-timeout",
	.placeholder = "SECONDS",
	.help = "time to name a room and a user; 0 never ends",
	.initial = "30",
	.set = config_set_uint,
	.offset = AT(login_timeout_s),
	.max = 1000000},
    {.name = "idle-timeout",
	.placeholder = "SECONDS",
	.help = "silence before a client is closed; 0 never",
	.initial = "0",
	.set = config_set_uint,
	.offset = AT(idle_timeout_s),
	.max = 10000000},
    {.name = "web-ping",
	.placeholder = "SECONDS",
	.help = "silence before a WebSocket is sent a ping, and then before "
		"it is closed; 0 never",
	.initial = "30",
	.set = config_set_uint,
	.offset = AT(web_ping_s),
	.max = 10000000},
    {.name = "rate",
	.placeholder = "N",
	.help = "messages a second per client; one over it is read more "
		"slowly, nothing is dropped; 0 no limit",
	.initial = "0",
	.set = config_set_uint,
	.offset = AT(rate),
	.max = 1000000},
    {.name = "burst",
	.placeholder = "N",
	.help = "messages that a client may send at once before its rate "
		"counts",
	.initial = "20",
	.set = config_set_uint,
	.offset = AT(burst),
	.min = 1,
	.max = 1000000},
    {.name = "replay",
	.placeholder = "N",
	.help = "recent messages shown on joining (default: 0, and 20 over "
		"telnet and web)",
	.set = config_set_uint,
	.offset = AT(replay),
	.max = 1000},
    {.name = "wrap",
	.placeholder = "on|off",
	.help = "telnet: lines are broken at words until a client says "
		"/wrap off",
	.initial = "off",
	.set = config_set_enum,
	.offset = AT(wrap),
	.names = off_on},
    {.name = "color",
	.placeholder = "on|off",
	.help = "telnet: names are in colour until a client says /color off, "
		"on terminals that are known to show it",
	.initial = "off",
	.set = config_set_enum,
	.offset = AT(color),
	.names = off_on},
    {.name = "time",
	.placeholder = "on|off",
	.help = "telnet: lines begin with the time (UTC) until a client says "
		"/time off",
	.initial = "off",
	.set = config_set_enum,
	.offset = AT(time),
	.names = off_on},
    {.name = "bans-file",
	.placeholder = "FILE",
	.help = "where bans and mutes outlive the server (default: "
		"chatmaster.NAME.bans)",
	.set = config_set_string,
	.offset = AT(bans_file),
	.min = 1,
	.max = PATH_SIZE - 1},
    {.name = "login-failures",
	.placeholder = "N",
	.help = "wrong passwords a minute from one IPv4 address or IPv6 /64; "
		"more are not looked at; 0 no limit",
	.initial = "10",
	.set = config_set_uint,
	.offset = AT(login_failures),
	.max = 60000},
    {.name = "users-file",
	.placeholder = "FILE",
	.help = "registered users, a line each: NAME:HASH, or "
		"NAME:HASH:operator; only its owner may have access to it",
	.initial = "none",
	.set = config_set_string,
	.offset = AT(users_file),
	.min = 1,
	.max = PATH_SIZE - 1},
    {.name = "ring-size",
	.placeholder = "BYTES",
	.help = "bytes of message ring, rounded up to a power of two; "
		"K, M, G may follow",
	.initial = "16M",
	.set = config_set_size,
	.offset = AT(ring_size_asked),
	.min = RING_MIN,
	.max = RING_MAX},
    {.name = "watchdog",
	.placeholder = "SECONDS",
	.help = "a worker that doesn't answer for this long is killed and "
		"replaced; 0 never",
	.initial = "3",
	.set = config_set_uint,
	.offset = AT(watchdog_s),
	.max = 3600},
    {.name = "user",
	.placeholder = "NAME",
	.help = "whom root becomes once all is open",
	.initial = "none",
	.set = config_set_string,
	.offset = AT(user),
	.min = 1,
	.max = sizeof(((struct options *)0)->user) - 1},
    {.name = "group",
	.placeholder = "NAME",
	.help = "and of which group; none: the user's own",
	.initial = "none",
	.set = config_set_string,
	.offset = AT(group),
	.min = 1,
	.max = sizeof(((struct options *)0)->group) - 1},
    {.name = "sandbox",
	.placeholder = "on|off",
	.help = "what reads bytes of strangers can ask the kernel for what it "
		"needs and nothing else; off for debuggers",
	.initial = "on",
	.set = config_set_enum,
	.offset = AT(sandbox),
	.names = off_on},
    {.name = "log",
	.placeholder = "WHERE",
	.help = "stderr, syslog (or syslog:SOCKET), or the path of a file that "
		"is appended to",
	.initial = "stderr",
	.set = options_set_log,
	.offset = AT(log),
	.min = 1,
	.max = sizeof(((struct options *)0)->log) - 1},
    {.name = "log-level",
	.placeholder = "LEVEL",
	.help = "debug, info, warn or error",
	.initial = "info",
	.set = config_set_enum,
	.offset = AT(log_level),
	.names = log_level_names},
    {.name = "log-format",
	.placeholder = "FORMAT",
	.help = "logfmt, or json: one object a line",
	.initial = "logfmt",
	.set = config_set_enum,
	.offset = AT(log_format),
	.names = log_format_names},
};

/* CPUs that this process may run on. */
static unsigned
options_count_cpus(void)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return (unsigned)MIN(MAX(n, 1L), (long)WORKERS_MAX);
}

/*
 * Fills in what follows from other values.  Returns 0, or -1 and says why they
 * don't go together: a message, grown by sanitising, takes an eighth of the
 * ring at most.
 */
static int
options_derive(struct options *o, char *err, size_t errsize)
{
	o->auth_workers = access_has_passwords(&o->access);
	if (o->workers == 0)
		o->workers = options_count_cpus();
	if (types_settle(o, err, errsize) == -1 ||
	    tls_settle(o, err, errsize) == -1 ||
	    privileges_settle(o, err, errsize) == -1)
		return -1;
	o->ring_size = RING_MIN;
	while (o->ring_size < o->ring_size_asked)
		o->ring_size *= 2;
	if (o->access.nrooms > o->max_rooms) {
		snprintf(err, errsize,
		    "max-rooms: %u are too few for the %u that are configured",
		    o->max_rooms, o->access.nrooms);
		return -1;
	}
	if (o->ring_size >= (uint64_t)LINES_MIN * o->max_line)
		return 0;
	snprintf(err, errsize,
	    "ring-size: %u bytes are too few for max-line = %u: at least %u",
	    (unsigned)o->ring_size, o->max_line, LINES_MIN * o->max_line);
	return -1;
}

int
options_read(struct options *options, int argc, char *const argv[], char *err,
    size_t errsize)
{
	return options_read_secrets(options, argc, argv, NULL, err, errsize);
}

int
options_read_secrets(struct options *options, int argc, char *const argv[],
    const struct access_sink *sink, char *err, size_t errsize)
{
	struct config_sections sections = access_sections(&options->access);
	struct config config;
	int operand;

	memset(options, 0, sizeof(*options));
	options->access.sink = sink;
	config_init(&config, keys, COUNT(keys), options);
	config.sections = &sections;
	if (config_options(&config, argc, argv, &operand, err, errsize) == -1)
		return -1;
	if (options->help || options->version)
		return 0;
	if (operand < argc)
		return options_complain(
		    err, errsize, argv[operand], "is no option");
	if (options->file[0] != '\0' &&
	    config_file(&config, options->file, err, errsize) == -1)
		return -1;
	if (access_end(&options->access, err, errsize) == -1)
		return -1;
	if (users_admin_wanted(options))
		return 0; /* which reads that file by itself */
	if (access_read_users(
		&options->access, options->users_file, err, errsize) == -1)
		return -1;
	options->max_clients_given = config_given(&config, "max-clients");
	options->replay_given = config_given(&config, "replay");
	return options_derive(options, err, errsize);
}

void
options_help(FILE *out)
{
	fputs("usage: chatmaster [-w N] [-c FILE] [-n NAME] [--KEY=VALUE ...]\n"
	      "\n"
	      "A chat server.  Stays in the foreground and logs to standard "
	      "error.\nEvery option but the first four is a key of the "
	      "configuration file, too.\n\n",
	    out);
	config_help(out, keys, COUNT(keys));
}
