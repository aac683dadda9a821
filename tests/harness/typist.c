/* SPDX-License-Identifier: MIT */
/* Keys and the line they make. */
#include "tests/harness/typist.h"

#include <string.h>

#include "shared/base/base.h"

enum state {
	STATE_TEXT,
	STATE_ESCAPE,
	STATE_SEQUENCE,
	STATE_COMMAND, /* IAC, */
	STATE_OPTION,  /* WILL, WONT, DO, DONT, */
	STATE_SUB,
	STATE_SUB_COMMAND,
};

void
typist_init(struct typist *t)
{
	t->len = t->cursor = t->killed_len = t->lines = 0;
	t->state = STATE_TEXT;
	t->after_cr = false;
}

static void
insert(struct typist *t, const char *text, size_t len)
{
	len = MIN(len, sizeof(t->text) - t->len);
	memmove(
	    t->text + t->cursor + len, t->text + t->cursor, t->len - t->cursor);
	memcpy(t->text + t->cursor, text, len);
	t->len += len;
	t->cursor += len;
}

/* Take out [from, to). */
static void
take_out(struct typist *t, size_t from, size_t to, bool kill)
{
	if (from == to)
		return;
	if (kill) {
		memcpy(t->killed, t->text + from, to - from);
		t->killed_len = to - from;
	}
	memmove(t->text + from, t->text + to, t->len - to);
	t->len -= to - from;
	t->cursor = from;
}

static void
control(struct typist *t, char c)
{
	switch (c) {
	case 0x01: /* ^A */
		t->cursor = 0;
		break;
	case 0x03: /* ^C */
		t->len = t->cursor = 0;
		break;
	case 0x05: /* ^E */
		t->cursor = t->len;
		break;
	case '\b':
	case 0x7f:
		take_out(t, t->cursor - (t->cursor > 0), t->cursor, false);
		break;
	case 0x0b: /* ^K */
		take_out(t, t->cursor, t->len, true);
		break;
	case 0x15: /* ^U */
		take_out(t, 0, t->cursor, true);
		break;
	case 0x19: /* ^Y */
		insert(t, t->killed, t->killed_len);
		break;
	default:
		break;
	}
}

static void
sequence(struct typist *t, char c)
{
	t->state = STATE_TEXT;
	if (c == 'D' && t->cursor > 0)
		t->cursor--;
	else if (c == 'C' && t->cursor < t->len)
		t->cursor++;
	else if (c == 'H')
		t->cursor = 0;
	else if (c == 'F')
		t->cursor = t->len;
}

static void
key(struct typist *t, char c)
{
	bool joined = t->after_cr && (c == '\n' || c == '\0');

	t->after_cr = c == '\r';
	if (joined)
		return;
	if (c == '\r' || c == '\n') {
		t->lines++;
		t->len = t->cursor = 0;
	} else if (c == '\033') {
		t->state = STATE_ESCAPE;
	} else if (t->state == STATE_ESCAPE) {
		t->state = c == '[' ? STATE_SEQUENCE : STATE_TEXT;
	} else if (t->state == STATE_SEQUENCE) {
		sequence(t, c);
	} else if ((unsigned char)c < ' ' || c == 0x7f) {
		control(t, c);
	} else {
		insert(t, &c, 1);
	}
}

static void
take(struct typist *t, unsigned char c)
{
	switch (t->state) {
	case STATE_COMMAND:
		t->state = c == 250   ? STATE_SUB
			   : c >= 251 ? STATE_OPTION
				      : STATE_TEXT;
		break;
	case STATE_OPTION:
		t->state = STATE_TEXT;
		break;
	case STATE_SUB:
		if (c == 255)
			t->state = STATE_SUB_COMMAND;
		break;
	case STATE_SUB_COMMAND:
		t->state = c == 255 ? STATE_SUB : STATE_TEXT;
		break;
	default:
		if (c == 255)
			t->state = STATE_COMMAND;
		else
			key(t, (char)c);
		break;
	}
}

/* No command may come within an escape sequence. */
void
typist_keys(struct typist *t, const char *keys, size_t len)
{
	for (size_t i = 0; i < len; i++)
		take(t, (unsigned char)keys[i]);
}
