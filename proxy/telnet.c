/* SPDX-License-Identifier: MIT */
/*
 * The telnet parser: a machine of one byte at a time, but for plain text.
 *
 *   DATA --IAC--> COMMAND --WILL--> WILL --any--> DATA; so WONT, DO, DONT
 *                    |-----SB--> SUB --IAC--> SUB_COMMAND --SE----> DATA
 *                    |            ^--------IAC-----|
 *                    '-----any other--> DATA
 *
 * In SUB_COMMAND any other byte ends the subnegotiation, whose SE was lost,
 * and is a command itself, as telnetd has it: what is lost is a parameter that
 * nobody wanted, not the lines up to the next SE.
 */
#include "proxy/telnet.h"

#include <string.h>

#include "proxy/negotiate.h"
#include "proxy/subneg.h"
#include "shared/chat/text.h"

enum state {
	STATE_DATA,
	STATE_COMMAND,
	STATE_WILL,
	STATE_WONT,
	STATE_DO,
	STATE_DONT,
	STATE_SUB,
	STATE_SUB_COMMAND,
	STATES
};

/*
 * Beside the state, in the same byte: the last byte of text was a CR, and has
 * become an LF.  An LF or a NUL as the next byte of text belongs to it; what
 * is taken out between the two does not count.
 */
#define AFTER_CR 0x80

/* A command that is a key in both modes; 0 if it isn't. */
static char
key_of(uint8_t c)
{
	switch (c) {
	case TELNET_EOF:
		return TELNET_KEY_END;
	case TELNET_IP:
	case TELNET_BRK:
	case TELNET_ABORT:
		return TELNET_KEY_INTERRUPT;
	case TELNET_AO:
		return TELNET_KEY_DISCARD;
	case TELNET_EC:
		return TELNET_KEY_ERASE;
	case TELNET_EL:
		return TELNET_KEY_KILL;
	default:
		return 0;
	}
}

/*
 * The byte behind an IAC that is no data.  Returns the state it leads to;
 * appends to out[*n] what it is in the text.
 */
static enum state
command(struct telnet_shm *t, uint8_t c, char *out, size_t *n)
{
	/* RFC 854: whoever wants no more output hears where that begins. */
	static const uint8_t data_mark[] = {TELNET_IAC, TELNET_DM};
	char key = key_of(c);

	switch (c) {
	case TELNET_WILL:
		return STATE_WILL;
	case TELNET_WONT:
		return STATE_WONT;
	case TELNET_DO:
		return STATE_DO;
	case TELNET_DONT:
		return STATE_DONT;
	case TELNET_SB:
		subneg_begin(t);
		return STATE_SUB;
	case TELNET_AYT:
		if (telnet_edits(t))
			key = TELNET_KEY_THERE;
		else
			negotiate_say(t, "[Yes]\r\n", 7);
		break;
	case TELNET_AO:
		negotiate_say(t, data_mark, sizeof(data_mark));
		break;
	default:
		break;
	}
	if (key != 0)
		out[(*n)++] = key;
	return STATE_DATA;
}

/* The text may not hold what looks like a command: see enum telnet_key. */
static char
disguised(const struct telnet_shm *t, char c)
{
	switch (c) {
	case TELNET_KEY_MARK:
		return 0x1f;
	case TELNET_KEY_END:
	case TELNET_KEY_INTERRUPT:
	case TELNET_KEY_DISCARD:
	case TELNET_KEY_KILL:
	case TELNET_KEY_ERASE:
		return telnet_edits(t) ? c : 0x1f;
	default:
		return c;
	}
}

void
telnet_open(struct telnet_shm *t)
{
	t->flags |= NEGOTIATE_OPEN;
	negotiate_ask(t);
}

bool
telnet_is_typed(const char *text, size_t len, const char *raw, size_t got)
{
	return len > 0 && got > 1 && raw[got - 2] == '\r' &&
	       (raw[got - 1] == '\n' || raw[got - 1] == '\0') &&
	       memchr(text, '\n', len) == text + len - 1;
}

/* A byte of text.  Returns how many bytes of `out` it became. */
static size_t
text(struct telnet_shm *t, bool *after_cr, uint8_t c, char *out)
{
	bool joined = *after_cr && (c == '\n' || c == '\0');

	*after_cr = c == '\r';
	if (joined)
		return 0;
	*out = c == '\r' ? '\n' : disguised(t, (char)c);
	return 1;
}

/* A byte of the stream in `state`; returns the state behind it. */
static enum state
step(struct telnet_shm *t, enum state state, uint8_t c, bool *after_cr,
    char *out, size_t *n)
{
	switch (state) {
	case STATE_DATA:
		if (c == TELNET_IAC)
			return STATE_COMMAND;
		*n += text(t, after_cr, c, out + *n);
		return STATE_DATA;
	case STATE_COMMAND:
		if (c != TELNET_IAC)
			return command(t, c, out, n);
		*n += text(t, after_cr, c, out + *n);
		return STATE_DATA;
	case STATE_WILL:
		negotiate_heard(t, TELNET_WILL, c);
		return STATE_DATA;
	case STATE_WONT:
		negotiate_heard(t, TELNET_WONT, c);
		return STATE_DATA;
	case STATE_DO:
		negotiate_heard(t, TELNET_DO, c);
		return STATE_DATA;
	case STATE_DONT:
		negotiate_heard(t, TELNET_DONT, c);
		return STATE_DATA;
	case STATE_SUB:
		if (c == TELNET_IAC)
			return STATE_SUB_COMMAND;
		subneg_byte(t, c);
		return STATE_SUB;
	case STATE_SUB_COMMAND:
		if (c == TELNET_SE) {
			subneg_end(t);
			return STATE_DATA;
		}
		if (c != TELNET_IAC)
			return command(t, c, out, n);
		subneg_byte(t, c);
		return STATE_SUB;
	case STATES:
		break;
	}
	return STATE_DATA;
}

size_t
telnet_decode(struct telnet_shm *t, const char *in, size_t len, char *out)
{
	unsigned state = t->state & ~AFTER_CR;
	bool after_cr;
	size_t n = 0, plain;

	if (state >= STATES || !negotiate_is_sound(t)) {
		memset(t, 0, sizeof(*t));
		state = STATE_DATA;
	}
	after_cr = (t->state & AFTER_CR) != 0;
	negotiate_ask(t); /* there may be room now */
	for (size_t i = 0; i < len; i++) {
		if (state == STATE_DATA) { /* as step() does, all at once */
			plain = text_plain(out + n, in + i, len - i);
			after_cr = after_cr && plain == 0;
			n += plain;
			i += plain;
			if (i == len)
				break;
		}
		state = step(
		    t, (enum state)state, (uint8_t)in[i], &after_cr, out, &n);
	}
	t->state = (uint8_t)(state | (after_cr ? AFTER_CR : 0));
	return n;
}

bool
telnet_edits(const struct telnet_shm *t)
{
	return option_state(t, OPTION_US, OPTION_ECHO) == OPTION_YES &&
	       (t->flags & NEGOTIATE_HIDING) == 0;
}

unsigned
telnet_width(const struct telnet_shm *t)
{
	return t->width;
}

unsigned
telnet_terminal(const struct telnet_shm *t)
{
	return t->terminal & ~(unsigned)TERMINAL_ECHO;
}

enum charset
telnet_charset(const struct telnet_shm *t)
{
	return t->charset < CHARSETS ? (enum charset)t->charset : CHARSET_UTF8;
}

void
telnet_hide(struct telnet_shm *t, bool hide)
{
	if (hide)
		t->flags |= NEGOTIATE_HIDE;
	else
		t->flags &= (uint8_t)~NEGOTIATE_HIDE;
	negotiate_ask(t);
}

size_t
telnet_prompt_end(const struct telnet_shm *t, char *out)
{
	bool eor = option_state(t, OPTION_US, OPTION_EOR) == OPTION_YES;

	if (!eor && !negotiate_wants_ga(t))
		return 0;
	out[0] = (char)TELNET_IAC;
	out[1] = (char)(eor ? TELNET_EOR : TELNET_GA);
	return TELNET_PROMPT_MAX;
}

size_t
telnet_answers(const struct telnet_shm *t, const char **out)
{
	size_t off = t->answer_off, len = t->answer_len;

	if (off + len > sizeof(t->answer))
		off = len = 0;
	*out = (const char *)t->answer + off;
	return len;
}

void
telnet_answers_sent(struct telnet_shm *t, size_t len)
{
	const char *pending;
	size_t waiting = telnet_answers(t, &pending);

	if (len >= waiting) {
		t->answer_off = t->answer_len = 0;
	} else {
		t->answer_off = (uint8_t)(t->answer_off + len);
		t->answer_len = (uint8_t)(waiting - len);
	}
}
