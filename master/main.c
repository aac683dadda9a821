/* SPDX-License-Identifier: MIT */
/*
 * chatmaster: read the configuration, open what it names, run, clean up.
 * Exit codes: 0 a clean stop, 1 a failure at run time, 2 a mistake in options
 * or configuration, which is found before anything but the log is opened.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "master/access.h"
#include "master/admit.h"
#include "master/bans.h"
#include "master/logs.h"
#include "master/loop.h"
#include "master/master.h"
#include "master/policy.h"
#include "master/privileges.h"
#include "master/reload.h"
#include "master/slots.h"
#include "master/spawn.h"
#include "master/stop.h"
#include "master/tls.h"
#include "master/users_admin.h"
#include "master/watchdog.h"
#include "shared/base/config.h"
#include "shared/base/fault.h"
#include "shared/base/log.h"
#include "shared/net/fd.h"
#include "shared/shm/tables.h"

#define EXIT_USAGE 2

/* Where a test that arms fault points has its file. */
#define FAULTS_VARIABLE "CHATMASTER_FAULTS"

static struct master master;

/* Files that a process has open at most when there are so many clients. */
static unsigned
main_files(const struct options *options, unsigned clients)
{
	return MAX(FD_BASE + clients, tls_files(options, clients));
}

/* Every connection has a place among our fds, or there are fewer of them. */
static int
main_fit_clients(struct options *options)
{
	unsigned limit = fd_raise_limit();
	unsigned clients = options->max_clients;

	while (clients > 0 && main_files(options, clients) > limit)
		clients--;
	if (clients == options->max_clients)
		return 0;
	if (options->max_clients_given || clients == 0) {
		fprintf(stderr,
		    "chatmaster: max-clients: %u needs a limit of %u open "
		    "files, which is %u here (ulimit -Hn)\n",
		    options->max_clients,
		    main_files(options, options->max_clients), limit);
		return -1;
	}
	log_warnx("max-clients",
	    "from=%u to=%u reason=\"the limit of open files is %u\"",
	    options->max_clients, clients, limit);
	options->max_clients = clients;
	return 0;
}

/* Opens the log, or only looks whether it could be.  Exits if not. */
static void
main_open_log(const struct options *options)
{
	char err[CONFIG_ERROR_MAX];
	int r = options->check ? logs_check(options, err, sizeof(err))
			       : logs_open(options, err, sizeof(err));

	if (r == 0)
		return;
	fprintf(stderr, "chatmaster: %s\n", err);
	exit(r == LOGS_UNUSABLE ? EXIT_USAGE : EXIT_FAILURE);
}

/* Everything that is a matter of options alone.  Exits if it isn't to run. */
static void
main_configure(struct options *options, int argc, char *argv[])
{
	char err[CONFIG_ERROR_MAX];

	if (options_read(options, argc, argv, err, sizeof(err)) == -1) {
		fprintf(stderr, "chatmaster: %s\n", err);
		exit(EXIT_USAGE);
	}
	if (options->help) {
		options_help(stdout);
		exit(EXIT_SUCCESS);
	}
	if (options->version) {
		puts("chatmaster " CHATMASTER_VERSION);
		exit(EXIT_SUCCESS);
	}
	if (users_admin_wanted(options))
		exit(users_admin_run(options));
	if (tls_prepare(options) == -1)
		exit(EXIT_USAGE);
	main_open_log(options);
	if (options->ring_size != options->ring_size_asked)
		log_warnx("ring-size",
		    "from=%" PRIu64 " to=%" PRIu64
		    " reason=\"it is a power of two\"",
		    options->ring_size_asked, options->ring_size);
	if (bans_read(options, err, sizeof(err)) == -1) {
		fprintf(stderr, "chatmaster: %s\n", err);
		exit(EXIT_USAGE);
	}
	access_warn(&options->access);
	reload_begin(options, argc, argv);
	if (main_fit_clients(options) == -1)
		exit(EXIT_USAGE);
	if (options->check) {
		puts("configuration ok");
		privileges_print(options, stdout);
		exit(EXIT_SUCCESS);
	}
}

static_assert(WORKER_TLS <= HOMES_MAX, "a home for each with sessions");

static int
main_open_instance(struct master *m)
{
	struct segment_params params = {
	    .nslots = m->options.max_clients,
	    .nrooms = m->options.max_rooms,
	    .max_line = m->options.max_line,
	    .ring_bytes = m->options.ring_size,
	};

	params.nseats = types_sum(&m->options, false);
	return instance_open(&m->instance, m->options.name, &params);
}

/* Opens everything.  Returns 0, or -1 after logging why not. */
static int
main_open(struct master *m)
{
	m->pid = getpid();
	if (policy_renew(m) == -1) {
		log_error("start-failed", "reason=\"no memory\"");
		return -1;
	}
	if (main_open_instance(m) == -1)
		return -1;
	if (bans_seed(m) == -1) {
		log_error("start-failed", NULL);
		goto undo;
	}
	if (admit_listen(m) == -1)
		goto undo;
	if (slots_make(m) == -1 || loop_open(m) == -1 ||
	    spawn_make_seats(m) == -1 || admit_begin(m) == -1) {
		log_error("start-failed", NULL);
		goto undo;
	}
	if (privileges_drop(m) == -1)
		goto undo;
	return 0;
undo:
	instance_remove(&m->instance, false);
	return -1;
}

int
main(int argc, char *argv[])
{
	const char *faults = getenv(FAULTS_VARIABLE);

	if (fd_clean() == -1)
		return EXIT_FAILURE;
	if (fault_init(faults) == -1) {
		perror(FAULTS_VARIABLE);
		return EXIT_FAILURE;
	}
	main_configure(&master.options, argc, argv);
	if (loop_block_signals() == -1 || main_open(&master) == -1) {
		if (log_fd() != STDERR_FILENO)
			fprintf(stderr,
			    "chatmaster: not started; the log (%s) says why\n",
			    master.options.log);
		return EXIT_FAILURE;
	}
	watchdog_begin(&master);
	loop_run(&master);
	stop_finish(&master);
	log_flush();
	slots_unmake(&master);
	return EXIT_SUCCESS;
}
