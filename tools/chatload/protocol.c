/* SPDX-License-Identifier: MIT */
/* The table, and what its rows share. */
#include "tools/chatload/protocol.h"

#include <string.h>

static const struct protocol *const protocols[] = {
    &protocol_line,
    &protocol_redis,
    &protocol_irc,
    &protocol_telnet,
    &protocol_telnet_edit,
    &protocol_ws,
    &protocol_ws_json,
    NULL,
};

const struct protocol *
protocol_find(const char *name)
{
	for (const struct protocol *const *p = protocols; *p; p++)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

size_t
protocol_frame_line(const char *data, size_t len)
{
	const char *nl = memchr(data, '\n', len);

	return nl ? (size_t)(nl + 1 - data) : 0;
}

enum heard
protocol_heard_line(const char *line, size_t len)
{
	if (protocol_begins(line, len, "🌟 "))
		return HEARD_JOIN;
	if (protocol_begins(line, len, "👋 "))
		return HEARD_LEAVE;
	if (protocol_begins(line, len, "*** error "))
		return HEARD_REFUSAL;
	return HEARD_STRAY;
}

bool
protocol_begins(const char *frame, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && memcmp(frame, prefix, n) == 0;
}
