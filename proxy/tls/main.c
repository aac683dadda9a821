/* SPDX-License-Identifier: MIT */
/*
 * chatmaster-tls: started by chatmaster, which looks at its --check first.
 * Exit codes: 0 a clean stop, 1 a failure at run time, 2 a mistake in options
 * or files.  See tls.h.
 */
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/tls/link.h"
#include "proxy/tls/loop.h"
#include "proxy/tls/tls.h"
#include "shared/base/clock.h"
#include "shared/base/config.h"
#include "shared/base/log.h"
#include "shared/base/sandbox.h"
#include "shared/net/fd.h"

#define EXIT_USAGE 2
#define FDS_MAX 1000000
#define NONE_GIVEN UINT32_MAX

struct tls_options {
	bool help, version, check;
	struct certs_files files;
	char built_for[64];
	unsigned channel, ping, log;
	int log_level, log_format, sandbox;
	char syslog[128];
};

static int
set_file(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize)
{
	struct certs_list *list = field;

	(void)key;
	if (list && first)
		list->count = 0;
	if (*value == '\0' || strlen(value) >= CERTS_PATH ||
	    (list && list->count == CERTS_MAX)) {
		snprintf(err, errsize, "at most %d files, of 1 to %d bytes",
		    CERTS_MAX, CERTS_PATH - 1);
		return -1;
	}
	if (list)
		memcpy(list->at[list->count++], value, strlen(value) + 1);
	return 0;
}

static const char *const off_on[] = {"off", "on", NULL};

#define AT(field) offsetof(struct tls_options, field)

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
	.help = "look at certificates and keys, and exit: 0 if they can be "
		"used, 2 if not",
	.flags = CONFIG_SWITCH | CONFIG_OPTION_ONLY,
	.set = config_set_bool,
	.offset = AT(check)},
    {.name = "cert",
	.placeholder = "FILE",
	.help = "as of chatmaster; so are key and ocsp",
	.flags = CONFIG_LIST,
	.set = set_file,
	.offset = AT(files.cert)},
    {.name = "key",
	.placeholder = "FILE",
	.help = "private key",
	.flags = CONFIG_LIST,
	.set = set_file,
	.offset = AT(files.key)},
    {.name = "ocsp",
	.placeholder = "FILE",
	.help = "OCSP response",
	.flags = CONFIG_LIST,
	.set = set_file,
	.offset = AT(files.ocsp)},
    {.name = "for",
	.placeholder = "BUILD",
	.help = "which build of chatmaster asks; this and what follows is "
		"between the two programs",
	.set = config_set_string,
	.offset = AT(built_for),
	.max = sizeof(((struct tls_options *)0)->built_for) - 1},
    {.name = "channel",
	.placeholder = "FD",
	.help = "where connections come from",
	.set = config_set_uint,
	.offset = AT(channel),
	.max = FDS_MAX},
    {.name = "ping",
	.placeholder = "FD",
	.help = "where pings come from",
	.set = config_set_uint,
	.offset = AT(ping),
	.max = FDS_MAX},
    {.name = "sandbox",
	.placeholder = "on|off",
	.help = "may it do what it needs and nothing else?",
	.initial = "on",
	.set = config_set_enum,
	.offset = AT(sandbox),
	.names = off_on},
    {.name = "log",
	.placeholder = "FD",
	.help = "where the log goes",
	.initial = "2",
	.set = config_set_uint,
	.offset = AT(log),
	.max = FDS_MAX},
    {.name = "log-level",
	.placeholder = "LEVEL",
	.help = "debug, info, warn or error",
	.initial = "info",
	.set = config_set_enum,
	.offset = AT(log_level),
	.names = log_level_names},
    {.name = "log-format",
	.placeholder = "FORMAT",
	.help = "logfmt or json",
	.initial = "logfmt",
	.set = config_set_enum,
	.offset = AT(log_format),
	.names = log_format_names},
    {.name = "syslog",
	.placeholder = "SOCKET",
	.help = "the log is one of syslog, with this socket",
	.set = config_set_string,
	.offset = AT(syslog),
	.max = sizeof(((struct tls_options *)0)->syslog) - 1},
};

static _Noreturn void PRINTF_LIKE(1, 2) main_refuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("chatmaster-tls: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(EXIT_USAGE);
}

static void
main_help(void)
{
	puts("usage: chatmaster-tls --check --cert=FILE --key=FILE ...\n\n"
	     "The part of chatmaster that speaks TLS.  chatmaster starts it "
	     "where it has\nTLS listeners; on its own it only checks files.\n");
	config_help(stdout, keys, COUNT(keys));
}

/* Different builds don't understand each other. */
static void
main_check_build(const char *built_for)
{
	char own[64];

	snprintf(own, sizeof(own), "%s/%zu", CHATMASTER_VERSION,
	    sizeof(struct channel_message));
	if (*built_for != '\0' && strcmp(built_for, own) != 0)
		main_refuse(
		    "this is build %s, chatmaster is build %s", own, built_for);
}

/* Exits if it isn't to serve. */
static void
main_configure(struct tls_options *o, int argc, char *argv[])
{
	struct config config;
	char err[CONFIG_ERROR_MAX];
	int operand;

	o->channel = o->ping = NONE_GIVEN;
	config_init(&config, keys, COUNT(keys), o);
	if (config_options(&config, argc, argv, &operand, err, sizeof(err)) ==
	    -1)
		main_refuse("%s", err);
	if (o->help) {
		main_help();
		exit(EXIT_SUCCESS);
	}
	if (o->version) {
		puts("chatmaster-tls " CHATMASTER_VERSION);
		exit(EXIT_SUCCESS);
	}
	if (operand < argc)
		main_refuse("there are no operands");
	main_check_build(o->built_for);
	if (o->files.cert.count == 0)
		main_refuse("cert: none is given");
	if (o->files.key.count != o->files.cert.count)
		main_refuse("key: %u given for %u of cert", o->files.key.count,
		    o->files.cert.count);
	if (!o->check && (o->channel == NONE_GIVEN || o->ping == NONE_GIVEN))
		main_refuse("it is started by chatmaster; see --help");
}

static void
main_open_log(const struct tls_options *o)
{
	log_open((int)o->log, (enum log_level)o->log_level);
	log_set_format((enum log_format)o->log_format);
	if (o->syslog[0] != '\0' && log_set_syslog(o->syslog) == -1)
		die(1, "start-failed", "syslog");
}

/* Folders that files are read from when they are renewed. */
struct folders {
	char paths[2 * 3 * CERTS_MAX][PATH_MAX];
	const char *at[2 * 3 * CERTS_MAX];
	unsigned count;
};

/* The file's own, and the one that it leads to if it is a symbolic link. */
static void
add_folders(struct folders *f, const struct certs_list *files)
{
	for (unsigned i = 0; i < files->count; i++) {
		char *path = f->paths[f->count];

		snprintf(path, PATH_MAX, "%s", files->at[i]);
		f->at[f->count++] = dirname(path);
		path = f->paths[f->count];
		if (realpath(files->at[i], path) != NULL)
			f->at[f->count++] = dirname(path);
	}
}

/* All is open that needs a name. */
static void
main_confine(const struct tls_options *o, const struct tls *tls)
{
	static struct folders folders; /* large */
	struct sandbox sandbox = {.kind = SANDBOX_TLS};
	struct sockaddr_in own = {0};
	socklen_t len = sizeof(own);

	if (!o->sandbox)
		return;
	add_folders(&folders, &o->files.cert);
	add_folders(&folders, &o->files.key);
	add_folders(&folders, &o->files.ocsp);
	sandbox.folders = folders.at;
	sandbox.nfolders = folders.count;
	if (getsockname(tls->listener, (struct sockaddr *)&own, &len) == -1)
		die(1, "sandbox", "reason=failed");
	sandbox.port = ntohs(own.sin_port);
	if (sandbox_enter(&sandbox) == -1)
		die(1, "sandbox", "reason=failed");
}

static int
main_check(const struct tls_options *o)
{
	char err[CERTS_ERROR_MAX];
	struct certs *certs = certs_load(&o->files, err, sizeof(err));

	if (certs == NULL)
		main_refuse("%s", err);
	certs_release(certs);
	return EXIT_SUCCESS;
}

int
main(int argc, char *argv[])
{
	static struct tls_options options;
	static struct tls tls;
	char err[CERTS_ERROR_MAX], quoted[LOG_QUOTED(CERTS_ERROR_MAX)];
	uint64_t began_us = clock_us();

	main_configure(&options, argc, argv);
	if (options.check)
		return main_check(&options);
	/* Before there are keys in it. */
	if (options.sandbox && sandbox_renounce(0) == -1)
		die(1, "sandbox", "reason=failed");
	main_open_log(&options);
	tls.channel = (int)options.channel;
	tls.ping = (int)options.ping;
	signal(SIGPIPE, SIG_IGN);
	tls.limit = fd_raise_limit();
	tls.files = &options.files;
	tls.certs = certs_load(&options.files, err, sizeof(err));
	if (tls.certs == NULL)
		diex(1, "tls-unusable", "reason=%s",
		    log_quote(quoted, sizeof(quoted), err, strlen(err)));
	if (loop_open(&tls) == -1)
		die(1, "start-failed", "type=tls");
	certs_log(tls.certs, &options.files);
	main_confine(&options, &tls);
	link_ready(&tls, began_us);
	loop_run(&tls);
	loop_close(&tls);
	certs_release(tls.certs);
	return EXIT_SUCCESS;
}
