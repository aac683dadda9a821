/* SPDX-License-Identifier: MIT */
/* A line that is edited, as simple as can be. */
#include "tests/harness/line_model.h"

#include <stdbool.h>
#include <string.h>

#include "proxy/width.h"
#include "shared/base/utf8.h"

static void
take(struct line_model *m, size_t from, size_t to)
{
	memmove(
	    m->step[from], m->step[to], (m->count - to) * sizeof(m->step[0]));
	m->count -= to - from;
	m->cursor = from;
}

static void
kill(struct line_model *m, size_t from, size_t to)
{
	if (from == to)
		return;
	memcpy(m->killed, m->step[from], (to - from) * sizeof(m->step[0]));
	m->killed_count = to - from;
	take(m, from, to);
}

static void
put(struct line_model *m, const char steps[][32], size_t count)
{
	memmove(m->step[m->cursor + count], m->step[m->cursor],
	    (m->count - m->cursor) * sizeof(m->step[0]));
	memcpy(m->step[m->cursor], steps, count * sizeof(m->step[0]));
	m->count += count;
	m->cursor += count;
}

static bool
is_blank(const struct line_model *m, size_t i)
{
	return m->step[i][0] == ' ' || m->step[i][0] == '\t';
}

static bool
is_part(const struct line_model *m, size_t i)
{
	unsigned char c = (unsigned char)m->step[i][0];

	return c >= 0x80 || (c >= 'a' && c <= 'z');
}

static size_t
left(struct line_model *m, bool (*belongs)(const struct line_model *, size_t),
    bool while_it)
{
	size_t at = m->cursor;

	while (at > 0 && belongs(m, at - 1) == !while_it)
		at--;
	while (at > 0 && belongs(m, at - 1) == while_it)
		at--;
	return at;
}

static size_t
right(struct line_model *m)
{
	size_t at = m->cursor;

	while (at < m->count && !is_part(m, at))
		at++;
	while (at < m->count && is_part(m, at))
		at++;
	return at;
}

static void
transpose(struct line_model *m)
{
	size_t right = m->cursor + (m->cursor < m->count);
	char step[32];

	if (m->cursor == 0 || right < 2)
		return;
	memcpy(step, m->step[right - 2], sizeof(step));
	memcpy(m->step[right - 2], m->step[right - 1], sizeof(step));
	memcpy(m->step[right - 1], step, sizeof(step));
	m->cursor = right;
}

const char *const line_model_keys[MODEL_KEYS] = {"\002", "\006", "\033[D",
    "\033OC", "\001", "\005", "\b", "\x7f", "\033[3~", "\004", "\013", "\025",
    "\027", "\033b", "\033f", "\033d", "\033\x7f", "\031", "\024", "\014",
    "\021", "\033[5~"};

void
line_model_key(struct line_model *m, size_t key)
{
	size_t at = m->cursor;

	switch (key) {
	case 0:
	case 2:
		m->cursor -= at > 0;
		break;
	case 1:
	case 3:
		m->cursor += at < m->count;
		break;
	case 4:
		m->cursor = 0;
		break;
	case 5:
		m->cursor = m->count;
		break;
	case 6:
	case 7:
		if (at > 0)
			take(m, at - 1, at);
		break;
	case 8:
	case MODEL_CTRL_D:
		if (at < m->count)
			take(m, at, at + 1);
		break;
	case 10:
		kill(m, at, m->count);
		break;
	case 11:
		kill(m, 0, at);
		break;
	case 12:
		kill(m, left(m, is_blank, false), at);
		break;
	case 13:
		m->cursor = left(m, is_part, true);
		break;
	case 14:
		m->cursor = right(m);
		break;
	case 15:
		kill(m, at, right(m));
		break;
	case 16:
		kill(m, left(m, is_part, true), at);
		break;
	case MODEL_YANK:
		put(m, (const char(*)[32])m->killed, m->killed_count);
		break;
	case 18:
		transpose(m);
		break;
	default:
		break;
	}
}

void
line_model_character(struct line_model *m, const char *character)
{
	char step[1][32] = {{0}};
	uint32_t code;

	(void)utf8_decode(character, strlen(character), &code);
	strcpy(step[0], character);
	if (width_of(code) > 0)
		put(m, (const char(*)[32])step, 1);
	else if (m->cursor > 0)
		strcat(m->step[m->cursor - 1], character);
}
