/* SPDX-License-Identifier: MIT */
/* The editor's state as bytes: see editor.h. */
#include <string.h>

#include "proxy/editor_edit.h"
#include "proxy/telnet.h"
#include "proxy/width.h"
#include "shared/base/base.h"

/* What stands between the texts: the keys that would lead to the same. */
enum mark {
	MARK_START = 0x01,    /* ^A */
	MARK_LEFT = 0x02,     /* ^B */
	MARK_RIGHT = 0x06,    /* ^F */
	MARK_RECALLED = 0x10, /* ^P */
	MARK_SEARCH = 0x12,   /* ^R */
	MARK_KILLED = 0x15,   /* ^U */
	MARK_PASTING = 0x16,  /* ^V */
};

/* The parts of a state. */
struct parts {
	const char *killed, *origin, *text;
	size_t killed_len, origin_len, text_len;
	unsigned recalled, left, right;
	bool searching, start, pasting;
};

/* kept[0, len) is a state, without its mark; it may be nonsense. */
static struct parts
parse(const char *kept, size_t len)
{
	struct parts p = {.killed = kept, .origin = kept, .text = kept};
	size_t run = 0, end = len;

	for (size_t i = 0; i < len; i++) {
		switch (kept[i]) {
		case MARK_KILLED:
			p.killed = kept + run;
			p.killed_len = i - run;
			run = i + 1;
			break;
		case MARK_SEARCH:
		case MARK_RECALLED:
			if (p.recalled == 0 && !p.searching) {
				p.origin = kept + run;
				p.origin_len = i - run;
			}
			p.searching |= kept[i] == MARK_SEARCH;
			p.recalled += kept[i] == MARK_RECALLED;
			run = i + 1;
			break;
		case MARK_START:
		case MARK_LEFT:
		case MARK_RIGHT:
		case MARK_PASTING:
			end = MIN(end, i);
			p.start |= kept[i] == MARK_START;
			p.left += kept[i] == MARK_LEFT;
			p.right += kept[i] == MARK_RIGHT;
			p.pasting |= kept[i] == MARK_PASTING;
			break;
		default:
			break;
		}
	}
	p.text = kept + run;
	p.text_len = end > run ? end - run : 0;
	return p;
}

/* Bytes of the state in front of kept[0, len), its mark among them. */
static size_t
state_len(const char *kept, size_t len)
{
	const char *mark = memchr(kept, TELNET_KEY_MARK, len);

	return mark == NULL ? 0 : (size_t)(mark - kept) + 1;
}

void
editor_wipe(struct editor *e)
{
	struct editor_text *const texts[] = {
	    &e->text, &e->seen, &e->killed, &e->origin};

	/* What was longer once is wiped, too. */
	for (size_t i = 0; i < COUNT(texts); i++)
		explicit_bzero(texts[i], sizeof(*texts[i]));
	e->cursor = e->seen_cursor = 0;
}

size_t
editor_load(struct editor *e, const char *kept, size_t len)
{
	size_t used = state_len(kept, len);
	struct editor_text *t = &e->text;
	struct parts p;

	if (used == 0)
		return 0;
	p = parse(kept, used - 1);
	editor_text_copy(&e->killed, p.killed, p.killed_len);
	editor_text_copy(&e->origin, p.origin, p.origin_len);
	editor_text_copy(t, p.text, p.text_len);
	e->recalled = MIN(p.recalled, (unsigned)EDITOR_HISTORY_MAX);
	e->searching = p.searching;
	e->pasting = p.pasting;
	e->cursor = p.start ? 0 : t->len;
	while (p.left-- > 0 && e->cursor > 0)
		e->cursor = width_previous(t->bytes, t->len, e->cursor);
	while (p.right-- > 0 && e->cursor < t->len)
		e->cursor = width_next(t->bytes, t->len, e->cursor);
	return used;
}

static void
put_mark(struct output *out, enum mark mark, size_t times)
{
	char c = (char)mark;

	while (times-- > 0)
		output_put(out, &c, 1);
}

/* Where the cursor is, in steps from the nearer end. */
struct steps {
	bool start; /* from the beginning */
	size_t count;
};

static struct steps
cursor_steps(const struct editor *e)
{
	const struct editor_text *t = &e->text;
	size_t left = 0, right = 0, at;

	for (at = e->cursor; at < t->len; left++)
		at = width_next(t->bytes, t->len, at);
	for (at = 0; at < e->cursor && right < left; right++)
		at = width_next(t->bytes, t->len, at);
	return (struct steps){
	    .start = right < left,
	    .count = right < left ? right : left,
	};
}

size_t
editor_save(const struct editor *e, char *place, size_t size)
{
	struct output out = {place, 0, size};
	bool history = !e->finished && (e->recalled > 0 || e->searching);
	size_t text = e->finished ? 0 : e->text.len;
	size_t origin =
	    history ? e->origin.len + e->recalled + e->searching : 0;
	struct steps steps = text > 0 ? cursor_steps(e) : (struct steps){0};
	size_t need = text + steps.start + steps.count + e->pasting + 1;

	if (e->killed.len > 0 && e->killed.len + 1 + origin + need <= size) {
		output_put(&out, e->killed.bytes, e->killed.len);
		put_mark(&out, MARK_KILLED, 1);
	} else if (text == 0 && !history && !e->pasting) {
		return 0;
	}
	if (history && origin + need <= size - out.len) {
		output_put(&out, e->origin.bytes, e->origin.len);
		put_mark(&out, MARK_SEARCH, e->searching);
		put_mark(&out, MARK_RECALLED, e->recalled);
	}
	if (size - out.len >= need) {
		output_put(&out, e->text.bytes, text);
		put_mark(&out, MARK_START, steps.start);
		put_mark(
		    &out, steps.start ? MARK_RIGHT : MARK_LEFT, steps.count);
	} else {
		output_put(
		    &out, e->text.bytes, MIN(text, size > 2 ? size - 2 : 0));
	}
	put_mark(&out, MARK_PASTING, e->pasting);
	put_mark(&out, (enum mark)TELNET_KEY_MARK, 1);
	return out.len;
}

size_t
editor_plain(char *line, size_t len)
{
	size_t at = state_len(line, len), n = 0;

	if (at > 0) {
		struct parts p = parse(line, at - 1);

		memmove(line, p.text, p.text_len);
		n = p.text_len;
	}
	for (; at < len; at++) {
		switch (line[at]) {
		case TELNET_KEY_ERASE:
			n = width_previous(line, n, n);
			break;
		case TELNET_KEY_INTERRUPT:
		case TELNET_KEY_KILL:
			n = 0;
			break;
		case TELNET_KEY_DISCARD:
		case TELNET_KEY_END:
			break;
		default:
			line[n++] = line[at];
			break;
		}
	}
	return n;
}
