/* SPDX-License-Identifier: MIT */
/*
 * Configuration: reading file and options.  What the values look like is in
 * config_set.c.
 */
#include "shared/base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/utf8.h"

#define SHOWN 64 /* bytes of what the user wrote that an error repeats */

/* Where in the text we are. */
struct reader {
	struct config *config;
	const char *name;
	unsigned line;
	bool in_section;
	char *err;
	size_t errsize;
};

void
config_init(struct config *config, const struct config_key *keys, size_t count,
    void *target)
{
	char why[CONFIG_ERROR_MAX];

	*config = (struct config){
	    .keys = keys,
	    .count = count,
	    .target = target,
	};
	if (count > CONFIG_KEYS_MAX)
		bug("%zu configuration keys are too many", count);
	for (const struct config_key *key = keys; key < keys + count; key++) {
		if (key->initial != NULL &&
		    key->set(key, (char *)target + key->offset, true,
			key->initial, why, sizeof(why)) == -1)
			bug("initial value of %s: %s", key->name, why);
	}
}

static const struct config_key *
find_key(const struct config *config, const char *name, size_t len)
{
	for (size_t i = 0; i < config->count; i++) {
		const char *known = config->keys[i].name;

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return &config->keys[i];
	}
	return NULL;
}

bool
config_given(const struct config *config, const char *key)
{
	const struct config_key *k = find_key(config, key, strlen(key));

	if (k == NULL)
		bug("%s is no configuration key", key);
	return config->by_option[k - config->keys] ||
	       config->line[k - config->keys] != 0;
}

/* Always -1, so that `return fail(...)` reads well. */
static int PRINTF_LIKE(2, 3) fail(const struct reader *r, const char *fmt, ...)
{
	char what[CONFIG_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (r->line > 0)
		snprintf(
		    r->err, r->errsize, "%s:%u: %s", r->name, r->line, what);
	else
		snprintf(r->err, r->errsize, "%s: %s", r->name, what);
	return -1;
}

/* A key that the user wrote: bare if it looks like one, quoted otherwise. */
static const char *
show_key(char *dst, size_t size, const char *key)
{
	static const char usual[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(key);

	if (len > 0 && len < size && strspn(key, usual) == len)
		return memcpy(dst, key, len + 1);
	return log_quote(dst, size, key, len);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the white space off both ends, in place. */
static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (is_blank(*s))
		s++;
	while (end > s && is_blank(end[-1]))
		end--;
	*end = '\0';
	return s;
}

static int
read_section(struct reader *r, char *line)
{
	const struct config_sections *sections = r->config->sections;
	char why[CONFIG_ERROR_MAX / 2], shown[SHOWN];
	char *kind, *name, *end = line + strlen(line);

	if (end[-1] != ']')
		return fail(r, "a section is [kind NAME]");
	end[-1] = '\0';
	kind = trim(line + 1);
	name = kind + strcspn(kind, " \t");
	if (*name != '\0')
		*name++ = '\0';
	name = trim(name);
	log_quote(shown, sizeof(shown), kind, strlen(kind));
	if (sections == NULL)
		return fail(r, "%s: no such section", shown);
	r->in_section = true;
	if (sections->begin(sections->context, kind, name, why, sizeof(why)) ==
	    -1)
		return fail(r, "%s: %s", shown, why);
	return 0;
}

static int
read_key(struct reader *r, const char *name, const char *value)
{
	struct config *config = r->config;
	const struct config_key *key = find_key(config, name, strlen(name));
	char why[CONFIG_ERROR_MAX / 2], shown[SHOWN];
	unsigned *line;
	void *field = NULL;

	if (key == NULL || key->flags & CONFIG_OPTION_ONLY)
		return fail(
		    r, "%s: no such key", show_key(shown, sizeof(shown), name));
	line = &config->line[key - config->keys];
	if (*line != 0 && !(key->flags & CONFIG_LIST))
		return fail(r, "%s: given in line %u already", name, *line);
	if (!config->by_option[key - config->keys])
		field = (char *)config->target + key->offset;
	if (key->set(key, field, *line == 0, value, why, sizeof(why)) == -1)
		return fail(r, "%s: %s%s", name, why,
		    strchr(value, '#') == NULL
			? ""
			: " (a comment needs a line of its own)");
	if (*line == 0)
		*line = r->line;
	return 0;
}

/* One line, NUL-terminated, checked to be text. */
static int
read_line(struct reader *r, char *line)
{
	const struct config_sections *sections = r->config->sections;
	char why[CONFIG_ERROR_MAX / 2], shown[SHOWN];
	char *value;

	line = trim(line);
	if (*line == '\0' || *line == '#')
		return 0;
	if (*line == '[')
		return read_section(r, line);
	value = strchr(line, '=');
	if (value != NULL)
		*value++ = '\0';
	line = trim(line);
	show_key(shown, sizeof(shown), line);
	if (value == NULL || *line == '\0')
		return fail(r, "%s: a line is \"key = value\"", shown);
	value = trim(value);
	if (!r->in_section)
		return read_key(r, line, value);
	if (sections->set(sections->context, line, value, why, sizeof(why)) ==
	    -1)
		return fail(r, "%s: %s", shown, why);
	return 0;
}

static int
check_text(const struct reader *r, const char *line, size_t len)
{
	if (len > CONFIG_LINE_MAX)
		return fail(
		    r, "the line is longer than %d bytes", CONFIG_LINE_MAX);
	for (size_t i = 0; i < len;) {
		uint32_t code;

		i += utf8_decode(line + i, len - i, &code);
		if (code == UTF8_INVALID)
			return fail(r, "the line is not UTF-8 text");
		if (code == 0)
			return fail(r, "the line holds a NUL byte");
		if (utf8_is_control(code) && code != '\t' && code != '\r')
			return fail(r, "the line holds a control character");
	}
	return 0;
}

int
config_text(struct config *config, const char *name, const char *text,
    size_t len, char *err, size_t errsize)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct reader r = {config, name, 0, false, err, errsize};
	size_t at = 0;

	if (len >= 3 && memcmp(text, bom, 3) == 0)
		at = 3;
	while (at < len) {
		const char *line = text + at;
		const char *lf = memchr(line, '\n', len - at);
		size_t n = lf != NULL ? (size_t)(lf - line) : len - at;
		char copy[CONFIG_LINE_MAX + 1];
		int result;

		r.line++;
		if (check_text(&r, line, n) == -1)
			return -1;
		memcpy(copy, line, n);
		copy[n] = '\0';
		result = read_line(&r, copy);
		explicit_bzero(copy, n + 1); /* a hash, perhaps */
		if (result == -1)
			return -1;
		at += n + 1;
	}
	return 0;
}

/* Up to `size` bytes; how many there were, or -1 with errno. */
static ssize_t
read_whole(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n == 0)
			break;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int
config_file(struct config *config, const char *path, char *err, size_t errsize)
{
	const struct reader r = {config, path, 0, false, err, errsize};
	char *buf = NULL;
	ssize_t len;
	int result = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return fail(&r, "%s", strerror(errno));
	buf = malloc(CONFIG_FILE_MAX + 1);
	if (buf == NULL) {
		fail(&r, "%s", strerror(errno));
		goto out;
	}
	len = read_whole(fd, buf, CONFIG_FILE_MAX + 1);
	if (len == -1)
		fail(&r, "%s", strerror(errno));
	else if (len > (ssize_t)CONFIG_FILE_MAX)
		fail(&r, "the file is larger than %u bytes", CONFIG_FILE_MAX);
	else
		result =
		    config_text(config, path, buf, (size_t)len, err, errsize);
out:
	if (buf != NULL)
		explicit_bzero(buf, CONFIG_FILE_MAX + 1); /* hashes, perhaps */
	free(buf);
	close(fd);
	return result;
}

/* One option; `shown` is how the user wrote it, for errors. */
static int
set_option(struct config *config, const struct config_key *key,
    const char *shown, const char *value, char *err, size_t errsize)
{
	const struct reader r = {config, shown, 0, false, err, errsize};
	char why[CONFIG_ERROR_MAX / 2];
	bool *given = &config->by_option[key - config->keys];

	if (key->set(key, (char *)config->target + key->offset, !*given, value,
		why, sizeof(why)) == -1)
		return fail(&r, "%s", why);
	*given = true;
	return 0;
}

static const struct config_key *
find_short(const struct config *config, char c)
{
	for (size_t i = 0; i < config->count; i++) {
		if (c != '\0' && config->keys[i].short_option == c)
			return &config->keys[i];
	}
	return NULL;
}

/* argv[*at] is an option: read it, and move *at behind it and its value. */
static int
read_option(struct config *config, int argc, char *const argv[], int *at,
    char *err, size_t errsize)
{
	const char *arg = argv[(*at)++], *value = NULL;
	const bool is_long = arg[1] == '-';
	size_t len = is_long ? strcspn(arg, "=") : 2;
	const struct config_key *key = is_long
					   ? find_key(config, arg + 2, len - 2)
					   : find_short(config, arg[1]);
	char shown[SHOWN], bare[SHOWN];
	struct reader r = {config, shown, 0, false, err, errsize};

	snprintf(bare, sizeof(bare), "%.*s", (int)len, arg);
	show_key(shown, sizeof(shown), bare);
	if (key == NULL)
		return fail(&r, "no such option");
	if (arg[len] != '\0')
		value = arg + len + (is_long ? 1 : 0);
	if (key->flags & CONFIG_SWITCH) {
		if (value != NULL)
			return fail(&r, "takes no value");
		value = "yes";
	} else if (value == NULL) {
		if (*at == argc)
			return fail(&r, "needs a value");
		value = argv[(*at)++];
	}
	return set_option(config, key, shown, value, err, errsize);
}

int
config_options(struct config *config, int argc, char *const argv[],
    int *operand, char *err, size_t errsize)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		if (read_option(config, argc, argv, &i, err, errsize) == -1)
			return -1;
	}
	*operand = i;
	return 0;
}
