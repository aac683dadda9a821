/* SPDX-License-Identifier: MIT */
/*
 * The program of a TLS worker: where it is, and what it is told.  The master
 * never opens certificates or keys; it only hands their names on.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/logs.h"
#include "master/tls.h"
#include "shared/base/log.h"

#define PROGRAM "chatmaster-tls"
#define ARGS_MAX (3 * CERTS_MAX + 16)

/* Where it may be, from the folder that our own executable is in. */
static const char *const places[] = {
    PROGRAM,
    "../libexec/chatmaster/" PROGRAM,
};

static char program[PATH_MAX];
static const struct options *asked;

struct args {
	unsigned count;
	char *at[ARGS_MAX + 1];
};

static void PRINTF_LIKE(2, 3) args_add(struct args *args, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (args->count == ARGS_MAX ||
	    vasprintf(&args->at[args->count++], fmt, ap) == -1)
		abort();
	va_end(ap);
	args->at[args->count] = NULL;
}

static void
args_free(struct args *args)
{
	while (args->count > 0)
		free(args->at[--args->count]);
}

static void
args_add_files(struct args *args, const struct options *o)
{
	for (unsigned i = 0; i < o->cert.count; i++) {
		args_add(args, "--cert=%s", o->cert.at[i]);
		args_add(args, "--key=%s", o->key.at[i]);
	}
	for (unsigned i = 0; i < o->ocsp.count; i++)
		args_add(args, "--ocsp=%s", o->ocsp.at[i]);
	args_add(args, "--for=%s/%zu", CHATMASTER_VERSION,
	    sizeof(struct channel_message));
}

/* Fills in `program`.  Returns 0, or -1 after saying why not. */
static int
tls_find(void)
{
	char self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0) {
		perror("chatmaster: /proc/self/exe");
		return -1;
	}
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < COUNT(places); i++) {
		if (snprintf(program, sizeof(program), "%s/%s", self,
			places[i]) < (int)sizeof(program) &&
		    access(program, X_OK) == 0)
			return 0;
	}
	fprintf(stderr,
	    "chatmaster: TLS listeners need the program " PROGRAM
	    ", which is neither in %s nor in %s/../libexec/chatmaster\n",
	    self, self);
	return -1;
}

/* Runs it to its end, which says what it thinks of the files. */
static int
tls_check(const struct options *o)
{
	struct args args = {0};
	int status = 0, error;
	pid_t pid;

	args_add(&args, "%s", PROGRAM);
	args_add(&args, "--check");
	args_add_files(&args, o);
	error = posix_spawn(&pid, program, NULL, NULL, args.at, environ);
	args_free(&args);
	if (error != 0) {
		fprintf(
		    stderr, "chatmaster: %s: %s\n", program, strerror(error));
		return -1;
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	if (!WIFEXITED(status))
		fprintf(stderr, "chatmaster: %s: ended by signal %d\n", program,
		    WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int
tls_prepare(const struct options *o)
{
	asked = o;
	if (types_count(o, WORKER_TLS) == 0)
		return 0;
	return tls_find() == -1 ? -1 : tls_check(o);
}

/* It keeps an fd under its number, and so must we. */
static void
tls_pass_on(int fd)
{
	if (fcntl(fd, F_SETFD, 0) == -1)
		die(1, "exec-failed", "fd=%d", fd);
}

int
tls_worker_main(const struct inherit *in)
{
	struct args args = {0};

	tls_pass_on(in->channel);
	tls_pass_on(in->ping);
	tls_pass_on(log_fd());
	args_add(&args, "%s", PROGRAM);
	args_add_files(&args, asked);
	args_add(&args, "--channel=%d", in->channel);
	args_add(&args, "--ping=%d", in->ping);
	args_add(&args, "--sandbox=%s", in->sandbox ? "on" : "off");
	args_add(&args, "--log=%d", log_fd());
	args_add(&args, "--log-level=%s", log_level_names[asked->log_level]);
	args_add(&args, "--log-format=%s", log_format_names[asked->log_format]);
	if (logs_syslog(asked))
		args_add(&args, "--syslog=%s", logs_syslog(asked));
	execv(program, args.at);
	log_error("exec-failed", "type=tls");
	args_free(&args);
	return 1;
}
