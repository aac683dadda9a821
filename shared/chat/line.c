/* SPDX-License-Identifier: MIT */
/* Finding lines and telling them apart. */
#include "shared/chat/line.h"

#include <string.h>

static const char *
find_lf(const char *buf, size_t len)
{
	return len == 0 ? NULL : memchr(buf, '\n', len);
}

/* The line buf[0, len), its LF off already. */
static enum line_result
line_end(const char *buf, size_t len, size_t max_line, struct line *out)
{
	if (len > 0 && buf[len - 1] == '\r')
		len--;
	out->ended = true;
	if (len > max_line)
		return LINE_TOO_LONG;
	out->len = len;
	return LINE_FOUND;
}

enum line_result
line_next(const char *buf, size_t len, size_t max_line, struct line *out)
{
	const char *lf = find_lf(buf, len);

	*out = (struct line){.text = buf};
	if (lf != NULL) {
		out->consumed = (size_t)(lf - buf) + 1;
		return line_end(buf, out->consumed - 1, max_line, out);
	}
	/* One byte more than a line may be the CR of a line that fits. */
	if (len <= max_line || (len == max_line + 1 && buf[len - 1] == '\r'))
		return LINE_PARTIAL;
	out->consumed = len;
	return LINE_TOO_LONG;
}

enum line_result
line_last(const char *buf, size_t len, size_t max_line, struct line *out)
{
	enum line_result result = line_next(buf, len, max_line, out);

	if (len == 0 || out->ended)
		return result;
	out->consumed = len;
	return line_end(buf, len, max_line, out);
}

bool
line_skip(const char *buf, size_t len, size_t *consumed)
{
	const char *lf = find_lf(buf, len);

	*consumed = lf != NULL ? (size_t)(lf - buf) + 1 : len;
	return lf != NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

enum line_kind
line_classify(const char *text, size_t len, struct line_words *out)
{
	const char *end = text + len, *p = text;

	*out = (struct line_words){.name = text, .text = text};
	if (len == 0)
		return LINE_EMPTY;
	if (*p != '/' || (len > 1 && p[1] == '/')) {
		out->text = *p == '/' ? p + 1 : p;
		out->text_len = (size_t)(end - out->text);
		return LINE_MESSAGE;
	}
	out->name = ++p;
	while (p < end && !is_blank(*p))
		p++;
	out->name_len = (size_t)(p - out->name);
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	out->text = p;
	out->text_len = (size_t)(end - p);
	return LINE_COMMAND;
}
