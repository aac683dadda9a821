/* SPDX-License-Identifier: MIT */
/*
 * A client's input through a whole worker: the code that serves, on sockets
 * that are a pair each, beside two clients who listen and sometimes speak.
 * Whatever the one says, the segment holds together, everybody reads lines
 * that are safe to show, or objects, and when all have gone nothing is left.
 *
 * The input begins with a struct choice; the rest is what the client sends.
 */
#include "tests/fuzz/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/telnet.h"
#include "shared/base/base.h"
#include "shared/base/utf8.h"
#include "tests/harness/json.h"
#include "worker/worker.h"

#define INPUT_MAX 4096
#define SLOTS 4
#define CLIENTS 3
#define ROOMS 4
#define RING_BYTES 65536
#define MAX_LINE 300
#define SMALL_BUFFER 2048 /* the kernel doubles it */
#define TURNS_MAX 10000
#define READ_MAX_BYTES 65536
#define READ_SIZE (LINE_BYTES + READ_MAX_BYTES)
#define LINE_BYTES 8192

/* What the flags stand for. */
#define BY_TELNET 0x01
#define HALF_CLOSES 0x02  /* reads to its end, or just goes */
#define READS_LITTLE 0x04 /* nothing until all is said */
#define IN_ROOM 0x08      /* has joined already */
#define OTHERS_SPEAK 0x10
#define SMALL_SENDS 0x20

struct choice {
	uint8_t flags;
	uint8_t chunk; /* bytes sent at once; 0: all */
};

/* One of the clients, at its end. */
/* What the server says of telnet, byte by byte. */
enum heard {
	HEARD_TEXT,
	HEARD_IAC,
	HEARD_VERB, /* WILL, WONT, DO, DONT */
	HEARD_SB,
	HEARD_SB_IAC,
};

struct end {
	int fd; /* -1: closed */
	bool json, telnet;
	bool reads;
	bool ended;     /* has read the end */
	char *line;     /* read, without a line end so far */
	size_t len;     /* bytes of it */
	enum heard iac; /* what of telnet comes next */
};

static struct segment image, now; /* as formatted, and as it is */
static struct inherit in;
static struct slot slots[SLOTS];
static struct settings settings = {
    .max_line = MAX_LINE,
    .max_rooms = ROOMS,
    .replay = {3, 3},
};
static int bell, master_end;
static struct worker *worker;
static struct end ends[CLIENTS];

static int
must_fd(int fd)
{
	MUST(fd != -1);
	return fd;
}

static int
new_segment(struct segment *seg)
{
	const struct segment_params params = {
	    .nseats = 1,
	    .nslots = SLOTS,
	    .nrooms = ROOMS,
	    .max_line = MAX_LINE,
	    .ring_bytes = RING_BYTES,
	    .first_seq = UINT64_C(1700000000000000),
	    .created_us = 1,
	};
	static const uint8_t key[16] = {1, 2, 3};
	int fd = must_fd(memfd_create("fuzz", MFD_CLOEXEC));

	MUST(segment_format(fd, &params, key, "fuzz") == 0);
	MUST(segment_attach(seg, fd, true) == 0);
	return fd;
}

/* All that outlives an input. */
static void
prepare(void)
{
	struct rlimit files;
	int pair[2];

	MUST(getrlimit(RLIMIT_NOFILE, &files) == 0);
	files.rlim_cur = files.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &files) == 0);
	MUST(files.rlim_cur > FD_BASE + SLOTS);
	close(new_segment(&image));
	in.segment_fd = new_segment(&now);
	in.nseats = 1;
	in.nslots = SLOTS;
	in.slots = slots;
	in.settings = &settings;
	in.bells = &bell;
	bell = must_fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	MUST(channel_pair(pair) == 0);
	in.channel = pair[0];
	master_end = pair[1];
	MUST(channel_pair(pair) == 0);
	in.ping = pair[0];
	worker = malloc(sizeof(*worker));
	MUST(worker != NULL);
	for (int i = 0; i < CLIENTS; i++) {
		ends[i].line = malloc(READ_SIZE);
		MUST(ends[i].line != NULL);
	}
}

static void
breach(void *context, const char *sentence)
{
	(void)context;
	fprintf(stderr, "%s\n", sentence);
}

static void
connect_client(unsigned i, const struct choice *c)
{
	struct peer peer = {.id = i + 1, .accepted_us = 1, .port = 1};
	bool telnet = i == 0 && (c->flags & BY_TELNET) != 0;
	int pair[2], size = SMALL_BUFFER;

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		 pair) == 0);
	MUST(dup3(pair[0], session_fd(i), O_CLOEXEC) != -1);
	close(pair[0]);
	if ((c->flags & SMALL_SENDS) != 0)
		MUST(setsockopt(session_fd(i), SOL_SOCKET, SO_SNDBUF, &size,
			 sizeof(size)) == 0);
	ends[i] = (struct end){
	    .fd = pair[1],
	    .telnet = telnet,
	    .reads = i != 0 || (c->flags & READS_LITTLE) == 0,
	    .line = ends[i].line,
	};
	memset(peer.addr + 10, 0xff, 2);
	peer.kind = telnet ? LISTENER_TELNET : LISTENER_LINE;
	adopt_new(worker, i, 1, &peer);
	adopt_row(worker, i);
}

/* A character that may be shown, wherever it comes from. */
static bool
is_safe(uint32_t code)
{
	return code != UTF8_INVALID &&
	       (code == '\t' || !utf8_is_control(code)) &&
	       !(code >= 0x202a && code <= 0x202e) &&
	       !(code >= 0x2066 && code <= 0x2069) && code != 0x2028 &&
	       code != 0x2029;
}

/* A line, or the last part of one, without its line end. */
static void
check_line(const struct end *e, const char *line, size_t len, bool whole)
{
	uint32_t code;

	if (whole && len > 0 && line[0] == '{') {
		MUST(json_object(line, line + len) == line + len);
		return;
	}
	MUST(!(whole && e->json));
	for (size_t i = 0; i < len;) {
		size_t n = utf8_decode(line + i, len - i, &code);

		/* The connection may have ended in the middle of one. */
		if (!whole && code == UTF8_INVALID && i + 4 > len)
			return;
		MUST(is_safe(code));
		i += n;
	}
}

/* The state behind byte `b`. */
static enum heard
heard(enum heard before, unsigned char b)
{
	switch (before) {
	case HEARD_TEXT:
		return b == TELNET_IAC ? HEARD_IAC : HEARD_TEXT;
	case HEARD_IAC:
		MUST((b >= TELNET_SB && b <= TELNET_DONT) || b == TELNET_DM ||
		     b == TELNET_GA || b == TELNET_EOR || b == TELNET_IAC);
		if (b == TELNET_SB)
			return HEARD_SB;
		return b >= TELNET_WILL && b <= TELNET_DONT ? HEARD_VERB
							    : HEARD_TEXT;
	case HEARD_VERB:
		return HEARD_TEXT;
	case HEARD_SB:
		return b == TELNET_IAC ? HEARD_SB_IAC : HEARD_SB;
	case HEARD_SB_IAC:
		return b == TELNET_SE ? HEARD_TEXT : HEARD_SB;
	}
	return HEARD_TEXT;
}

/* Take telnet's answers out, which are WONT x and DONT x. */
static size_t
strip(struct end *e, char *bytes, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)bytes[i];

		if (e->iac == HEARD_TEXT && b != TELNET_IAC)
			bytes[n++] = bytes[i];
		e->iac = heard(e->iac, b);
	}
	return n;
}

/* Check all whole lines that have been read, and keep the rest. */
static void
take_lines(struct end *e)
{
	char *at = e->line, *end = e->line + e->len, *lf;

	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		size_t len = (size_t)(lf - at);

		if (e->telnet) {
			MUST(len > 0 && at[len - 1] == '\r');
			len--;
		}
		check_line(e, at, len, true);
		at = lf + 1;
	}
	e->len = (size_t)(end - at);
	memmove(e->line, at, e->len);
	MUST(e->len < LINE_BYTES);
}

/* Returns whether there was anything to read. */
static bool
read_some(struct end *e)
{
	char *to = e->line + e->len;
	ssize_t n;

	if (e->fd == -1 || !e->reads || e->ended)
		return false;
	n = recv(e->fd, to, READ_MAX_BYTES, MSG_DONTWAIT);
	if (n == 0 || (n == -1 && errno == ECONNRESET)) {
		e->ended = true;
		if (e->len > 0 && e->line[e->len - 1] == '\r')
			e->len--;
		check_line(e, e->line, e->len, false);
		return true;
	}
	if (n <= 0)
		return false;
	e->len += e->telnet ? strip(e, to, (size_t)n) : (size_t)n;
	take_lines(e);
	return true;
}

static bool
is_quiet(void)
{
	int queued;

	if (worker->due.count > 0 || worker->later.count > 0 ||
	    ring_head(&worker->seg) != atomic_load(&worker->seat->cursor))
		return false;
	for (uint32_t i = 0; i < CLIENTS; i++)
		if (worker->locals[i].mine && !worker->locals[i].waiting &&
		    !worker->locals[i].eof &&
		    ioctl(session_fd(i), SIOCINQ, &queued) == 0 && queued > 0)
			return false;
	return true;
}

/* Until nothing moves any more. */
static void
settle(void)
{
	static const uint64_t one = 1;
	struct channel_message m;
	int fds[CHANNEL_FDS], quiet = 0;
	unsigned nfds;

	for (int turns = 0; quiet < 3; turns++) {
		MUST(turns < TURNS_MAX);
		MUST(write(bell, &one, sizeof(one)) == sizeof(one));
		worker_turn(worker);
		quiet = is_quiet() ? quiet + 1 : 0;
		for (unsigned i = 0; i < CLIENTS; i++)
			if (read_some(&ends[i]))
				quiet = 0;
		while (channel_recv(master_end, &m, fds, &nfds) == 1)
			continue;
	}
	MUST(tables_verify(&worker->seg, breach, NULL) == 0);
}

/* As much as is taken, or nothing if it takes nothing. */
static size_t
say(struct end *e, const char *bytes, size_t len)
{
	ssize_t n = e->fd == -1
			? -1
			: send(e->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n > 0 ? (size_t)n : 0;
}

static void
say_line(struct end *e, const char *line)
{
	(void)say(e, line, strlen(line));
}

static void
others_speak(unsigned turn)
{
	static const char *const lines[] = {"hello\n", "/me waves\n",
	    "/msg fuzz psst\n", "/topic tea\n", "/nick Ann\n", "/nick Ada\n"};

	say_line(&ends[1 + turn % 2], lines[turn % COUNT(lines)]);
}

static void
say_all(const struct choice *c, const char *bytes, size_t len)
{
	size_t chunk = c->chunk == 0 ? len : c->chunk, n;

	for (unsigned turn = 0; len > 0; turn++) {
		n = say(&ends[0], bytes, MIN(chunk, len));
		if (n == 0)
			return; /* it was closed, or doesn't read */
		bytes += n;
		len -= n;
		if ((c->flags & OTHERS_SPEAK) != 0)
			others_speak(turn);
		settle();
	}
}

static void
hang_up(struct end *e)
{
	close(e->fd);
	e->fd = -1;
}

/* All have gone: is anything left of them? */
static void
check_nothing_left(void)
{
	const struct segment *seg = &worker->seg;

	for (uint32_t i = 0; i < CLIENTS; i++)
		MUST(atomic_load(&seg->sessions[i].owner) == 0);
	for (uint32_t i = 0; i < seg->layout.nbuffers + seg->layout.nsmall;
	     i++) {
		uint32_t owner = atomic_load(&seg->bufctl[i].owner);

		MUST(owner == 0 || (owner & BUFFER_SPARE) != 0);
	}
	MUST(seg->tables->rooms_used == 0);
	MUST(worker->sessions == 0 && worker->ignorers == 0);
}

static void
begin(const struct choice *c)
{
	memcpy(now.base, image.base, image.layout.size);
	in.epoll = must_fd(epoll_create1(EPOLL_CLOEXEC));
	worker_init(worker, &in);
	worker_begin(worker);
	for (unsigned i = 0; i < CLIENTS; i++)
		connect_client(i, c);
	say_line(&ends[1], "room\nAnn\n");
	say_line(&ends[2], "room\nJoe\n");
	settle();
	say_line(&ends[2], "/format json\n");
	settle();
	ends[2].json = true;
	if ((c->flags & IN_ROOM) != 0)
		say_line(&ends[0], "room\nfuzz\n");
	settle();
}

static void
finish(const struct choice *c)
{
	ends[0].reads = true;
	settle();
	if ((c->flags & HALF_CLOSES) != 0) {
		(void)shutdown(ends[0].fd, SHUT_WR);
		settle();
		MUST(ends[0].ended);
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		hang_up(&ends[i]);
	settle();
	check_nothing_left();
	worker_fini(worker);
	close(in.epoll);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool prepared;
	struct choice c;

	if (size < sizeof(c) || size > INPUT_MAX)
		return 0;
	if (!prepared)
		prepare();
	prepared = true;
	memcpy(&c, data, sizeof(c));
	begin(&c);
	say_all(&c, (const char *)data + sizeof(c), size - sizeof(c));
	finish(&c);
	return 0;
}
