/* SPDX-License-Identifier: MIT */
/* The line protocol: "ROOM", "NAME", then texts; "NAME: TEXT" is read. */
#include <stdio.h>
#include <string.h>

#include "tools/chatload/protocol.h"

static void
line_layout(const struct text_format *f, struct layout *layout)
{
	*layout = (struct layout){
	    .size = f->name_len + 2 + f->size + 1,
	    .probe_at = 0,
	    .probe = f->tag[0],
	    .end_at = f->name_len + 2 + f->size,
	    .end = '\n',
	    .who_at = f->tag_len,
	    .text_at = f->name_len + 2,
	};
}

static size_t
line_join(const struct text_format *f, const struct speaker *s, char *out)
{
	char room[TEXT_NAME_SIZE];
	char name[TEXT_NAME_SIZE];

	text_room(f, s->room, room);
	text_name(f, s->who, name);
	return (size_t)snprintf(out, PROTOCOL_TEXT_MAX, "%s\n%s\n", room, name);
}

static size_t
line_before(const struct text_format *f, const struct speaker *s, char *out)
{
	(void)f;
	(void)s;
	(void)out;
	return 0;
}

static enum heard
line_heard(const struct text_format *f, const char *frame, size_t len,
    const char **who, const char **text)
{
	if (protocol_begins(frame, len, f->tag)) {
		if (len != f->name_len + 2 + f->size + 1)
			return HEARD_STRAY;
		*who = frame + f->tag_len;
		*text = frame + f->name_len + 2;
		return HEARD_MESSAGE;
	}
	return protocol_heard_line(frame, len);
}

const struct protocol protocol_line = {
    .name = "line",
    .port = "5555",
    .talkers_listen = true,
    .joins_seen = true,
    .size_max = TEXT_MAX / 2,
    .joining_max = PROTOCOL_JOINING_MAX,
    .layout = line_layout,
    .join = line_join,
    .before = line_before,
    .after = "\n",
    .frame = protocol_frame_line,
    .heard = line_heard,
};
