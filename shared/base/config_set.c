/* SPDX-License-Identifier: MIT */
/* Configuration: what values look like, and the help that lists the keys. */
#include "shared/base/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/log.h"

#define SHOWN 64 /* bytes of a value that an error repeats */
#define HELP_COLUMN 29
#define HELP_WIDTH 79

static const char *
show(char dst[SHOWN], const char *value)
{
	return log_quote(dst, SHOWN, value, strlen(value));
}

enum number {
	NUMBER,
	NO_NUMBER,
	NUMBER_TOO_LARGE
};

/* Digits, and with `suffixes` a K, M or G behind them. */
static enum number
read_number(const char *s, bool suffixes, uint64_t *out)
{
	static const char units[] = "kmg";
	enum number result = NUMBER;
	uint64_t value = 0;
	const char *unit;
	unsigned shift = 0;

	if (*s < '0' || *s > '9')
		return NO_NUMBER;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *s - '0', &value))
			result = NUMBER_TOO_LARGE;
	}
	unit = *s == '\0' ? NULL : strchr(units, *s | 0x20);
	if (suffixes && unit != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		s++;
	}
	if (*s != '\0')
		return NO_NUMBER;
	if (value > UINT64_MAX >> shift)
		result = NUMBER_TOO_LARGE;
	*out = value << shift;
	return result;
}

/* A bound as a person would write it. */
static const char *
show_size(char dst[24], uint64_t value, bool suffixes)
{
	static const char units[] = "KMG";
	size_t unit = 0;

	while (suffixes && value != 0 && value % 1024 == 0 && unit < 3) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(dst, 24, "%" PRIu64, value);
	else
		snprintf(dst, 24, "%" PRIu64 "%c", value, units[unit - 1]);
	return dst;
}

static int
bounded_number(const struct config_key *key, bool suffixes, uint64_t max,
    const char *value, uint64_t *out, char *err, size_t errsize)
{
	enum number result = read_number(value, suffixes, out);
	char shown[SHOWN], bound[24];

	if (result == NO_NUMBER) {
		snprintf(err, errsize, "%s is not a %s", show(shown, value),
		    suffixes ? "size" : "number");
		return -1;
	}
	if (result == NUMBER_TOO_LARGE || *out > max) {
		snprintf(err, errsize, "%s is more than %s", show(shown, value),
		    show_size(bound, max, suffixes));
		return -1;
	}
	if (*out < key->min) {
		snprintf(err, errsize, "%s is less than %s", show(shown, value),
		    show_size(bound, key->min, suffixes));
		return -1;
	}
	return 0;
}

int
config_set_uint(const struct config_key *key, void *field, bool first UNUSED,
    const char *value, char *err, size_t errsize)
{
	uint64_t number;

	if (bounded_number(key, false, MIN(key->max, (uint64_t)UINT32_MAX),
		value, &number, err, errsize) == -1)
		return -1;
	if (field != NULL)
		*(unsigned *)field = (unsigned)number;
	return 0;
}

int
config_set_size(const struct config_key *key, void *field, bool first UNUSED,
    const char *value, char *err, size_t errsize)
{
	uint64_t number;

	if (bounded_number(key, true, key->max, value, &number, err, errsize) ==
	    -1)
		return -1;
	if (field != NULL)
		*(uint64_t *)field = number;
	return 0;
}

int
config_set_string(const struct config_key *key, void *field, bool first UNUSED,
    const char *value, char *err, size_t errsize)
{
	size_t len = strlen(value);
	char shown[SHOWN];

	if (len < key->min && len == 0) {
		snprintf(err, errsize, "needs a value");
		return -1;
	}
	if (len < key->min || len > key->max) {
		snprintf(err, errsize,
		    "%s is not %" PRIu64 " to %" PRIu64 " bytes long",
		    show(shown, value), key->min, key->max);
		return -1;
	}
	if (field != NULL)
		memcpy(field, value, len + 1);
	return 0;
}

int
config_set_enum(const struct config_key *key, void *field, bool first UNUSED,
    const char *value, char *err, size_t errsize)
{
	char shown[SHOWN];
	int n;

	for (int i = 0; key->names[i] != NULL; i++) {
		if (strcmp(key->names[i], value) == 0) {
			if (field != NULL)
				*(int *)field = i;
			return 0;
		}
	}
	n = snprintf(err, errsize, "%s is none of", show(shown, value));
	for (int i = 0; key->names[i] != NULL; i++) {
		if (n < 0 || (size_t)n >= errsize)
			break;
		n += snprintf(
		    err + n, errsize - (size_t)n, " %s", key->names[i]);
	}
	return -1;
}

int
config_set_bool(const struct config_key *key UNUSED, void *field,
    bool first UNUSED, const char *value, char *err, size_t errsize)
{
	const bool yes = strcmp(value, "yes") == 0;
	char shown[SHOWN];

	if (!yes && strcmp(value, "no") != 0) {
		snprintf(err, errsize, "%s is neither yes nor no",
		    show(shown, value));
		return -1;
	}
	if (field != NULL)
		*(bool *)field = yes;
	return 0;
}

/* Print words from column `at` on, later lines indented to HELP_COLUMN. */
static void
print_wrapped(FILE *out, const char *text, size_t at)
{
	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (at > HELP_COLUMN && at + 1 + n > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			at = HELP_COLUMN;
		} else if (at > HELP_COLUMN) {
			fputc(' ', out);
			at++;
		}
		fwrite(text, 1, n, out);
		at += n;
		text += n + strspn(text + n, " ");
	}
	fputc('\n', out);
}

void
config_help(FILE *out, const struct config_key *keys, size_t count)
{
	for (const struct config_key *key = keys; key < keys + count; key++) {
		char left[128], right[512], option[] = "    ";
		int n;

		if (key->short_option != '\0')
			snprintf(
			    option, sizeof(option), "-%c, ", key->short_option);
		n = snprintf(left, sizeof(left), "  %s--%s%s%s", option,
		    key->name, key->placeholder != NULL ? "=" : "",
		    key->placeholder != NULL ? key->placeholder : "");
		fprintf(out, "%-*s", HELP_COLUMN, left);
		if (n >= HELP_COLUMN)
			fprintf(out, "\n%*s", HELP_COLUMN, "");
		if (key->initial == NULL || key->flags & CONFIG_SWITCH)
			snprintf(right, sizeof(right), "%s", key->help);
		else
			snprintf(right, sizeof(right), "%s (default: %s)",
			    key->help, key->initial);
		print_wrapped(out, right, HELP_COLUMN);
	}
}
