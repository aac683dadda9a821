/* SPDX-License-Identifier: MIT */
/*
 * shared/chat/line: the input's first byte chooses max-line and how the rest
 * is cut into packets; what comes out must be what a plain split on LF gives.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "shared/base/base.h"
#include "shared/chat/line.h"
#include "shared/chat/name.h"

#define INPUT_MAX 4096
#define MAX_LINE_MOST 32

/* A reader as a session is one: keeps what is partial, skips what is not. */
struct session {
	char kept[MAX_LINE_MOST + 1 + 256];
	size_t len;
	bool skipping;
	size_t max_line;
	/* What is expected next: the plain split. */
	const char *at, *end;
};

static void
check_words(const struct line *line)
{
	struct line_words words;
	enum line_kind kind = line_classify(line->text, line->len, &words);
	const char *end = line->text + line->len;

	MUST((kind == LINE_EMPTY) == (line->len == 0));
	MUST(words.text >= line->text && words.text_len <= line->len);
	MUST(words.text + words.text_len <= end);
	MUST(words.name >= line->text && words.name + words.name_len <= end);
	if (kind == LINE_MESSAGE) {
		MUST(words.text_len > 0);
		MUST(words.text + words.text_len == end);
		MUST(words.text == line->text || line->text[0] == '/');
	}
	if (kind == LINE_COMMAND) {
		MUST(line->text[0] == '/' && words.name == line->text + 1);
		MUST(memchr(words.name, ' ', words.name_len) == NULL);
		MUST(words.text_len == 0 ||
		     (words.text[0] != ' ' && words.text[0] != '\t'));
	}
	/* Both must come to an answer, whatever it is. */
	MUST(line->len > 0 || name_check(line->text, line->len) != NULL);
	MUST(line->len > 0 || room_check(line->text, line->len) != NULL);
}

/* The next line of the plain split is this one, or was too long. */
static void
expect(struct session *s, const struct line *line)
{
	const char *lf = memchr(s->at, '\n', (size_t)(s->end - s->at));
	const char *stop = lf != NULL ? lf : s->end;
	size_t len = (size_t)(stop - s->at);

	if (len > 0 && stop[-1] == '\r')
		len--;
	if (line == NULL) {
		MUST(len > s->max_line);
	} else {
		MUST(line->len == len && len <= s->max_line);
		MUST(memcmp(line->text, s->at, len) == 0);
		MUST(memchr(line->text, '\n', len) == NULL);
		check_words(line);
	}
	s->at = lf != NULL ? lf + 1 : s->end;
}

/* Take one line, or a part of one to skip; 0 if there is none. */
static size_t
take(struct session *s, const char *buf, size_t len, bool last)
{
	enum line_result result;
	struct line line;
	size_t consumed;

	if (s->skipping) {
		s->skipping = !line_skip(buf, len, &consumed);
		MUST(consumed <= len && (consumed > 0 || len == 0));
		return consumed;
	}
	result = last ? line_last(buf, len, s->max_line, &line)
		      : line_next(buf, len, s->max_line, &line);
	switch (result) {
	case LINE_PARTIAL:
		MUST(line.consumed == 0 && len <= s->max_line + 1);
		MUST(!last || len == 0);
		return 0;
	case LINE_FOUND:
		MUST(line.ended && line.text == buf);
		MUST(line.consumed > 0 && line.consumed <= len);
		MUST(line.len <= line.consumed);
		expect(s, &line);
		return line.consumed;
	case LINE_TOO_LONG:
		MUST(line.consumed > s->max_line && line.consumed <= len);
		expect(s, NULL);
		s->skipping = !line.ended;
		return line.consumed;
	}
	abort();
}

static void
receive(struct session *s, const char *packet, size_t len, bool last)
{
	size_t done = 0, step;

	MUST(s->len + len <= sizeof(s->kept));
	memcpy(s->kept + s->len, packet, len);
	s->len += len;
	while ((step = take(s, s->kept + done, s->len - done, last)) > 0)
		done += step;
	memmove(s->kept, s->kept + done, s->len - done);
	s->len -= done;
	MUST(s->len <= s->max_line + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session s;
	size_t packet;
	const char *text, *end;

	if (size < 2 || size > INPUT_MAX)
		return 0;
	s.len = 0;
	s.skipping = false;
	s.max_line = 1 + data[0] % MAX_LINE_MOST;
	packet = 1 + data[1];
	text = (const char *)data + 2;
	end = (const char *)data + size;
	s.at = text;
	s.end = end;
	while (text < end) {
		size_t len = MIN(packet, (size_t)(end - text));

		receive(&s, text, len, false);
		text += len;
	}
	receive(&s, end, 0, true);
	MUST(s.len == 0 && s.at == s.end);
	return 0;
}
