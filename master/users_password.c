/* SPDX-License-Identifier: MIT */
/* See users_password.h. */
#include "master/users_password.h"

#include <crypt.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include "shared/base/base.h"
#include "shared/base/utf8.h"

#define EXIT_USAGE 2
#define METHOD "$y$" /* yescrypt, with libcrypt's own cost */

/* One byte more than a password may have, and NUL. */
#define PASSWORD_SIZE (LIMIT_PASSWORD + 2)

static volatile sig_atomic_t caught;

static void
on_signal(int signal)
{
	caught = signal;
}

const char *
users_password_check(const char *password, size_t len)
{
	uint32_t code;

	if (len == 0)
		return "a password has a byte at least";
	if (len > LIMIT_PASSWORD)
		return "a password has 128 bytes at most";
	if (password[0] == ' ' || password[len - 1] == ' ')
		return "a password doesn't begin or end with a blank";
	for (size_t i = 0; i < len;) {
		i += utf8_decode(password + i, len - i, &code);
		if (code == UTF8_INVALID)
			return "a password is UTF-8 text";
		if (code == 0 || utf8_is_control(code))
			return "a password has no control characters";
	}
	return NULL;
}

int
users_password_hash(const char *password, char hash[USERS_HASH_SIZE])
{
	static struct crypt_data data; /* large */
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *made = NULL;

	/* A libcrypt without yescrypt has a best method of its own. */
	if (crypt_gensalt_rn(METHOD, 0, NULL, 0, salt, sizeof(salt)) != NULL ||
	    crypt_gensalt_rn(NULL, 0, NULL, 0, salt, sizeof(salt)) != NULL)
		made = crypt_rn(password, salt, &data, (int)sizeof(data));
	if (made != NULL)
		snprintf(hash, USERS_HASH_SIZE, "%s", made);
	explicit_bzero(&data, sizeof(data));
	return made != NULL ? 0 : -1;
}

/*
 * A line of standard input, without its LF, byte by byte so that no more is
 * taken than that.  Returns its length, of which as much is kept as there is
 * room for, or -1.
 */
static ssize_t
read_line(char line[PASSWORD_SIZE])
{
	size_t len = 0;
	char c = '\0';
	ssize_t n;

	while (caught == 0) {
		n = read(STDIN_FILENO, &c, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || (n == 0 && len == 0))
			return -1;
		if (n == 0 || c == '\n')
			break;
		if (len < PASSWORD_SIZE - 1)
			line[len++] = c;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	explicit_bzero(&c, 1);
	return caught == 0 ? (ssize_t)len : -1;
}

static ssize_t
prompt(const char *text, char line[PASSWORD_SIZE])
{
	ssize_t n;

	fputs(text, stderr);
	fflush(stderr);
	n = read_line(line);
	fputc('\n', stderr);
	return n;
}

/* Both times; *same says whether they are equal. */
static ssize_t
read_twice(char line[PASSWORD_SIZE], bool *same)
{
	char again[PASSWORD_SIZE];
	ssize_t n = prompt("Password: ", line);

	if (n != -1 && prompt("Again: ", again) == -1)
		n = -1;
	*same = n != -1 && strcmp(line, again) == 0;
	explicit_bzero(again, sizeof(again));
	return n;
}

/* From the terminal, which shows again what is typed, whatever happens. */
static ssize_t
read_terminal(char line[PASSWORD_SIZE], bool *same)
{
	static const int signals[] = {
	    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	struct sigaction action = {.sa_handler = on_signal},
			 old[COUNT(signals)];
	struct termios shown, hidden;
	ssize_t n;

	if (tcgetattr(STDIN_FILENO, &shown) == -1)
		return -1;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < COUNT(signals); i++)
		sigaction(signals[i], &action, &old[i]);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	n = read_twice(line, same);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	for (size_t i = 0; i < COUNT(signals); i++)
		sigaction(signals[i], &old[i], NULL);
	if (caught != 0)
		raise(caught == SIGTSTP ? SIGINT : caught);
	return n;
}

static int
say(int code, const char *what)
{
	fprintf(stderr, "chatmaster: %s\n", what);
	return code;
}

int
users_password_ask(char hash[USERS_HASH_SIZE])
{
	static const struct rlimit no_core = {0, 0};
	char line[PASSWORD_SIZE];
	const char *wrong;
	bool same = true;
	ssize_t n;
	int r;

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	n = isatty(STDIN_FILENO) ? read_terminal(line, &same) : read_line(line);
	if (n == -1)
		return say(EXIT_USAGE, "no password was given");
	wrong = same ? users_password_check(line, (size_t)n)
		     : "these are two passwords";
	r = wrong == NULL ? users_password_hash(line, hash) : 0;
	explicit_bzero(line, sizeof(line));
	if (wrong != NULL)
		return say(EXIT_USAGE, wrong);
	return r == 0 ? 0 : say(EXIT_FAILURE, "libcrypt makes no hash of it");
}
