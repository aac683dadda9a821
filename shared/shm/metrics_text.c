/* SPDX-License-Identifier: MIT */
/* The items as text. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/utf8.h"
#include "shared/shm/metrics.h"

/* Bytes that one byte of a label becomes at most: \\u{7f}, for a control. */
#define LABEL_EXPANSION 7
static_assert(
    2 * 128 + LABEL_EXPANSION * (INSTANCE_MAX + 16) <= METRICS_PIECE_MIN &&
	2 * 128 + LABEL_EXPANSION * LIMIT_ROOM <= METRICS_PIECE_MIN,
    "an item fits");

/* An item being written; what has no place counts, but isn't there. */
struct text {
	char *at;
	size_t len, size;
};

static void
add(struct text *t, const char *bytes, size_t len)
{
	if (t->len <= t->size && len <= t->size - t->len)
		memcpy(t->at + t->len, bytes, len);
	t->len += len;
}

static void
add_string(struct text *t, const char *s)
{
	add(t, s, strlen(s));
}

static void add_format(struct text *t, const char *format, ...)
    PRINTF_LIKE(2, 3);

/* Add what is short. */
static void
add_format(struct text *t, const char *format, ...)
{
	char line[64];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (n > 0)
		add(t, line, MIN((size_t)n, sizeof(line) - 1));
}

/*
 * Add the value of a label, quotes included: what a terminal may not see
 * becomes \u{HEX}, as text with its backslash escaped, and bytes that are not
 * UTF-8 U+FFFD.
 */
static void
add_value(struct text *t, const char *s, size_t len)
{
	uint32_t code;
	size_t n;

	add_string(t, "\"");
	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(s + i, len - i, &code);
		if (code == UTF8_INVALID)
			add_string(t, "\xef\xbf\xbd");
		else if (code == '"' || code == '\\')
			add_format(t, "\\%c", (char)code);
		else if (code == '\n')
			add_string(t, "\\n");
		else if (utf8_is_unprintable(code))
			add_format(t, "\\\\u{%x}", code);
		else
			add(t, s + i, n);
	}
	add_string(t, "\"");
}

/* Say what follows: all samples of a family stand behind its head. */
static void
add_head(struct text *t, const struct metrics_family *f)
{
	add_string(t, "# HELP chatmaster_");
	add_string(t, f->name);
	add_string(t, " ");
	add_string(t, f->help);
	add_string(t, "\n# TYPE chatmaster_");
	add_string(t, f->name);
	add_string(t, " ");
	add_string(t, f->type);
	add_string(t, "\n");
}

void
metrics_value(const struct metrics_item *item, char dst[METRICS_VALUE_MAX])
{
	int decimals = (int)MIN(item->family->decimals, 9u);
	uint64_t unit = 1;

	for (int i = 0; i < decimals; i++)
		unit *= 10;
	if (decimals == 0)
		snprintf(dst, METRICS_VALUE_MAX, "%" PRIu64, item->value);
	else
		snprintf(dst, METRICS_VALUE_MAX, "%" PRIu64 ".%0*" PRIu64,
		    item->value / unit, decimals, item->value % unit);
}

static void
add_sample(struct text *t, const struct metrics_item *item)
{
	char value[METRICS_VALUE_MAX];

	add_string(t, "chatmaster_");
	add_string(t, item->family->name);
	for (unsigned i = 0; i < item->nlabels; i++) {
		const struct metrics_label *label = &item->labels[i];

		add_string(t, i > 0 ? "," : "{");
		add_string(t, label->key);
		add_string(t, "=");
		add_value(t, label->text, label->len);
	}
	add_string(t, item->nlabels > 0 ? "} " : " ");
	metrics_value(item, value);
	add_string(t, value);
	add_string(t, "\n");
}

size_t
metrics_render(const struct metrics *m, uint64_t position, char *dst,
    size_t size, uint64_t *next)
{
	struct metrics_cursor c = {.position = position};
	struct metrics_item item;
	size_t used = 0;

	for (;;) {
		struct text t = {.at = dst + used, .size = size - used};

		*next = c.position;
		switch (metrics_next(m, &c, &item)) {
		case METRICS_ITEM:
			break;
		case METRICS_AGAIN:
		case METRICS_END:
			*next = c.position;
			return used;
		}
		if (item.head)
			add_head(&t, item.family);
		else
			add_sample(&t, &item);
		if (t.len > t.size)
			return used;
		used += t.len;
	}
}
