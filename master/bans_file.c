/* SPDX-License-Identifier: MIT */
/* What is in the file of bans: see bans.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "master/bans.h"
#include "shared/chat/name.h"
#include "shared/chat/text.h"

#define FILE_MAX (LIMIT_BANS * BANS_LINE_MAX)

static const char *const kinds[BAN_KINDS] = {
    [BAN_NAME] = "name",
    [BAN_ADDRESS] = "address",
    [BAN_MUTE] = "mute",
};

/* What the file held, until it is in the segment. */
static struct ban_shm *read_rows;
static uint32_t read_count;

const char *
bans_path(const struct options *o)
{
	static char path[sizeof("chatmaster..bans") + INSTANCE_MAX];

	if (o->bans_file[0] != '\0')
		return o->bans_file;
	snprintf(path, sizeof(path), "chatmaster.%s.bans", o->name);
	return path;
}

/* The next word, which is taken off the text; "" at the end. */
static const char *
take(const char **text, size_t *len, size_t *word_len)
{
	const char *word = *text;
	size_t n = 0;

	while (n < *len && word[n] != ' ')
		n++;
	*word_len = n;
	n += n < *len;
	*text += n;
	*len -= n;
	return word;
}

static bool
parse_time(const char *text, size_t len, uint64_t *us)
{
	char copy[32];
	struct tm tm = {0};
	const char *end;
	time_t t;

	if (len == 0 || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0')
		return false;
	t = timegm(&tm);
	*us = (uint64_t)t * 1000000;
	return t > 0;
}

static int
find_kind(const char *text, size_t len)
{
	for (int i = BAN_NAME; i < BAN_KINDS; i++)
		if (strlen(kinds[i]) == len && memcmp(kinds[i], text, len) == 0)
			return i;
	return BAN_NONE;
}

/* A name into 32 bytes; returns its length, 0 for none. */
static uint8_t
parse_name(char to[LIMIT_NAME], const char *text, size_t len)
{
	if (name_check(text, len) != NULL)
		return 0;
	memcpy(to, text, len);
	return (uint8_t)len;
}

int
bans_parse(const char *text, size_t len, struct ban_shm *b)
{
	char why[(BANS_LINE_MAX + 1) * TEXT_EXPANSION];
	const char *word;
	size_t n;

	memset(b, 0, sizeof(*b));
	if (len == 0 || text[0] == '#')
		return 0;
	if (len >= BANS_LINE_MAX)
		return -1;
	word = take(&text, &len, &n);
	b->kind = (uint8_t)find_kind(word, n);
	word = take(&text, &len, &n);
	if (b->kind == BAN_NONE ||
	    (b->kind == BAN_ADDRESS
		    ? !cidr_parse(word, n, &b->cidr)
		    : (b->name_len = parse_name(b->name, word, n)) == 0))
		return -1;
	word = take(&text, &len, &n);
	if (!parse_time(word, n, &b->since_us))
		return -1;
	word = take(&text, &len, &n);
	if ((n != 5 || memcmp(word, "never", 5) != 0) &&
	    !parse_time(word, n, &b->until_us))
		return -1;
	word = take(&text, &len, &n);
	b->by_len = parse_name(b->by, word, n);
	n = text_sanitise(why, text, len);
	if (b->by_len == 0 || n > LIMIT_WHY)
		return -1;
	b->why_len = (uint8_t)n;
	memcpy(b->why, why, n);
	return 1;
}

static void
format_time(char text[32], uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (us == 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		memcpy(text, "never", sizeof("never"));
}

size_t
bans_format(const struct ban_shm *b, char line[BANS_LINE_MAX])
{
	char address[CIDR_TEXT_MAX] = "", since[32], until[32];
	bool by_address = b->kind == BAN_ADDRESS;
	int n;

	if (b->kind == BAN_NONE || !bans_row_is_sound(b))
		return 0;
	if (by_address)
		cidr_text(&b->cidr, address);
	format_time(since, b->since_us);
	format_time(until, b->until_us);
	n = snprintf(line, BANS_LINE_MAX, "%s %.*s %s %s %.*s %.*s\n",
	    kinds[b->kind], by_address ? (int)strlen(address) : b->name_len,
	    by_address ? address : b->name, since, until, b->by_len, b->by,
	    b->why_len, b->why);
	return n > 0 && n < BANS_LINE_MAX ? (size_t)n : 0;
}

static int
take_lines(
    const char *path, const char *text, size_t size, char *err, size_t errsize)
{
	unsigned number = 0;

	for (size_t i = 0; i < size;) {
		const char *lf = memchr(text + i, '\n', size - i);
		size_t len = lf ? (size_t)(lf - text) - i : size - i;
		int r = read_count < LIMIT_BANS
			    ? bans_parse(text + i, len, &read_rows[read_count])
			    : -1;

		number++;
		i += len + 1;
		if (r == -1) {
			snprintf(err, errsize, "%s:%u: %s", path, number,
			    read_count < LIMIT_BANS ? "that is no ban"
						    : "there are too many");
			return -1;
		}
		read_count += (uint32_t)r;
	}
	return 0;
}

int
bans_read(const struct options *o, char *err, size_t errsize)
{
	const char *path = bans_path(o);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text = malloc(FILE_MAX);
	ssize_t n = 0;
	int result = -1;

	read_rows = calloc(LIMIT_BANS, sizeof(*read_rows));
	read_count = 0;
	if (fd == -1 && errno == ENOENT)
		result = 0;
	else if (fd == -1 || text == NULL || read_rows == NULL ||
		 (n = read(fd, text, FILE_MAX)) == -1)
		snprintf(err, errsize, "%s: %s", path, strerror(errno));
	else if (n == FILE_MAX)
		snprintf(err, errsize, "%s: is too large", path);
	else
		result = take_lines(path, text, (size_t)n, err, errsize);
	free(text);
	if (fd != -1)
		close(fd);
	return result;
}

int
bans_seed(const struct master *m)
{
	struct segment seg;

	if (read_count > 0) {
		if (segment_attach(&seg, m->instance.fd, true) == -1)
			return -1;
		for (uint32_t i = 0; i < read_count; i++)
			bans_set(&seg, i, &read_rows[i]);
		segment_detach(&seg);
	}
	free(read_rows);
	read_rows = NULL;
	return 0;
}
