/* SPDX-License-Identifier: MIT */
/*
 * See screen.h.  Signals are let in while we wait, and only then, so nothing
 * is half drawn when one ends or stops us.
 */
#include "tools/shmdump/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[m\033[?25h\033[?1049l"

static volatile sig_atomic_t is_open;
static struct termios was; /* of standard input, if it is a terminal */
static bool has_keys;
static sigset_t mask; /* of the program */
static volatile sig_atomic_t got_resize, got_stop, got_end;

static void
on_signal(int number)
{
	if (number == SIGWINCH)
		got_resize = 1;
	else if (number == SIGTSTP)
		got_stop = 1;
	else
		got_end = 1;
}

static void
catch_signals(void)
{
	static const int numbers[] = {
	    SIGWINCH, SIGTSTP, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT(numbers); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&set, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &set, &mask);
}

/* All of it.  Returns 0, or -1. */
static int
put(const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(STDOUT_FILENO, bytes, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Without echo, and each key at once; Ctrl-C and Ctrl-Z stay signals. */
static int
enter(void)
{
	struct termios t;

	if (has_keys) {
		t = was;
		t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		t.c_cc[VMIN] = 1;
		t.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &t);
	}
	is_open = 1;
	return put(ENTER, strlen(ENTER));
}

int
screen_open(void)
{
	if (!isatty(STDOUT_FILENO))
		return -1;
	has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &was) == 0;
	catch_signals();
	return enter();
}

void
screen_close(void)
{
	if (!is_open)
		return;
	is_open = 0;
	put(LEAVE, strlen(LEAVE));
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &was);
}

void
screen_size(size_t *rows, size_t *columns)
{
	struct winsize size;

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1)
		return;
	if (size.ws_row > 0)
		*rows = size.ws_row;
	if (size.ws_col > 0)
		*columns = size.ws_col;
}

/* Ctrl-Z: give the terminal back, stop, and take it again. */
static void
stop(void)
{
	screen_close();
	raise(SIGSTOP);
	enter();
}

static bool
is_quit_key(const char *keys, ssize_t n)
{
	for (ssize_t i = 0; i < n; i++)
		if (keys[i] == 'q' || keys[i] == 'Q')
			return true;
	return false;
}

/* What a signal or a key means; SCREEN_TICK: nothing. */
static enum screen_event
take_events(short revents)
{
	char keys[64];
	ssize_t n;

	if (got_end)
		return SCREEN_QUIT;
	if (got_stop) {
		got_stop = 0;
		stop();
		return SCREEN_REDRAW;
	}
	if (got_resize) {
		got_resize = 0;
		return SCREEN_REDRAW;
	}
	if (revents == 0)
		return SCREEN_TICK;
	n = read(STDIN_FILENO, keys, sizeof(keys));
	if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
		return SCREEN_HANGUP;
	return is_quit_key(keys, n) ? SCREEN_QUIT : SCREEN_TICK;
}

enum screen_event
screen_wait(uint64_t until_us)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	enum screen_event event;
	struct timespec left;
	uint64_t now;

	while ((now = clock_us()) < until_us) {
		left.tv_sec = (time_t)((until_us - now) / 1000000);
		left.tv_nsec = (long)((until_us - now) % 1000000 * 1000);
		in.revents = 0;
		if (ppoll(&in, has_keys ? 1 : 0, &left, &mask) == -1) {
			if (errno != EINTR)
				return SCREEN_HANGUP;
			in.revents = 0;
		}
		event = take_events(in.revents);
		if (event != SCREEN_TICK)
			return event;
	}
	return SCREEN_TICK;
}

int
screen_draw(const struct outbuf *text)
{
	const char *line = text->bytes, *end = text->bytes + text->used, *lf;
	struct outbuf b = {0};
	int result;

	/*
	 * A line's place is cleared before it is written: one that fills its
	 * row leaves the cursor on its last character.
	 */
	outbuf_puts(&b, "\033[H");
	for (; line < end; line = lf + 1) {
		lf = memchr(line, '\n', (size_t)(end - line));
		if (lf == NULL)
			lf = end;
		if (line != text->bytes)
			outbuf_puts(&b, "\r\n");
		outbuf_puts(&b, lf + 1 < end ? "\033[K" : "\033[J");
		outbuf_add(&b, line, (size_t)(lf - line));
	}
	result = put(b.bytes, b.used);
	outbuf_fini(&b);
	return result;
}
