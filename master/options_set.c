/* SPDX-License-Identifier: MIT */
/* See options_set.h. */
#include "master/options_set.h"

#include <stdio.h>
#include <string.h>

#include "master/options.h"
#include "shared/base/log.h"

#define SOCKET_PATH_MAX 107 /* struct sockaddr_un */

int
options_complain(char *err, size_t errsize, const char *value, const char *what)
{
	char quoted[LOG_QUOTED(64)];

	snprintf(err, errsize, "%s %s",
	    log_quote(quoted, sizeof(quoted), value, strlen(value)), what);
	return -1;
}

/* Does the name end as that of memory that is kept, or being made, does? */
static bool
options_is_suffixed(const char *name)
{
	static const char *const suffixes[] = {".old", ".new", ".ruined"};
	size_t len = strlen(name);

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len >= n && strcmp(name + len - n, suffixes[i]) == 0)
			return true;
	}
	return false;
}

/* Part of the name of a shared memory object, so no slash. */
int
options_set_name(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize)
{
	static const char charset[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	if (value[strspn(value, charset)] != '\0')
		return options_complain(err, errsize, value,
		    "holds something else than letters, digits, '.', '_', '-'");
	if (options_is_suffixed(value))
		return options_complain(err, errsize, value,
		    "ends in .old, .new or .ruined, which name other memory");
	return config_set_string(key, field, first, value, err, errsize);
}

int
options_set_listen(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize)
{
	struct listen_list *list = field;
	struct listen_address address;

	(void)key;
	if (list && first)
		list->count = 0;
	if (strcmp(value, "none") == 0)
		return 0;
	if (listen_parse(value, &address) == -1)
		return options_complain(err, errsize, value,
		    "is not ADDR:PORT, [V6]:PORT, PORT or none "
		    "(numbers, no host names)");
	if (!list)
		return 0;
	if (list->count == LISTENERS_MAX)
		return options_complain(
		    err, errsize, value, "is one listener too many (32)");
	list->at[list->count++] = address;
	return 0;
}

/* An origin as browsers write it (RFC 6454, section 6.2): no path behind it. */
int
options_set_origin(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize)
{
	struct origin_list *list = field;
	const char *host = strstr(value, "://");

	(void)key;
	if (list && first)
		list->count = 0;
	if (strcmp(value, "none") == 0)
		return 0;
	if (host == NULL || host == value || host[3] == '\0' ||
	    strlen(value) > ORIGIN_MAX ||
	    strcspn(host + 3, "/?#@ \t") != strlen(host + 3))
		return options_complain(err, errsize, value,
		    "is not SCHEME://HOST, SCHEME://HOST:PORT or none");
	if (!list)
		return 0;
	if (list->count == ORIGINS_MAX)
		return options_complain(
		    err, errsize, value, "is one origin too many (16)");
	memcpy(list->at[list->count++], value, strlen(value) + 1);
	return 0;
}

/* What is in it is looked at by who uses it. */
int
options_set_path(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize)
{
	struct path_list *list = field;

	(void)key;
	if (list && first)
		list->count = 0;
	if (*value == '\0' || strlen(value) >= PATH_SIZE)
		return options_complain(
		    err, errsize, value, "is not a path of 1 to 1023 bytes");
	if (!list)
		return 0;
	if (list->count == CERTS_MAX)
		return options_complain(
		    err, errsize, value, "is one file too many (16)");
	memcpy(list->at[list->count++], value, strlen(value) + 1);
	return 0;
}

/* A path is believed until it is opened; only a socket's must be short. */
int
options_set_log(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize)
{
	static const char prefix[] = OPTIONS_SYSLOG ":";
	const size_t len = sizeof(prefix) - 1;

	if (strncmp(value, prefix, len) == 0 &&
	    (value[len] == '\0' || strlen(value + len) > SOCKET_PATH_MAX))
		return options_complain(err, errsize, value,
		    "is not " OPTIONS_SYSLOG
		    ":PATH with a path of 1 to 107 bytes");
	return config_set_string(key, field, first, value, err, errsize);
}
