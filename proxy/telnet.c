/* SPDX-License-Identifier: MIT */
/*
 * The telnet parser: a machine of one byte at a time.
 *
 *   DATA --IAC--> COMMAND --WILL, WONT, DO, DONT--> OPTION --any--> DATA
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

enum state {
	STATE_DATA,
	STATE_COMMAND,
	STATE_OPTION,
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

static bool
answer(struct telnet_shm *t, const void *bytes, size_t len)
{
	const char *pending;
	size_t waiting = telnet_answers(t, &pending);

	if (waiting + len > sizeof(t->answer))
		return false;
	memmove(t->answer, pending, waiting);
	memcpy(t->answer + waiting, bytes, len);
	t->answer_off = 0;
	t->answer_len = (uint8_t)(waiting + len);
	return true;
}

/*
 * Answer WILL with DONT, DO with WONT, each option once.  The client who asks
 * again has been told; and two ends that each answer what was an answer would
 * never stop (RFC 854).
 *
 * Not once but always: options above 63, which clients don't use and for which
 * there is no bit; and TIMING-MARK, which is no state but a question, and a
 * client that interrupts throws all output away until its answer comes.
 */
static void
refuse(struct telnet_shm *t, uint8_t option)
{
	uint8_t bytes[] = {TELNET_IAC, TELNET_WONT, option};
	uint64_t *refused = &t->wont;
	uint64_t bit = option < 64 ? (uint64_t)1 << option : 0;

	if (t->verb == TELNET_WILL) {
		bytes[1] = TELNET_DONT;
		refused = &t->dont;
	} else if (t->verb != TELNET_DO) {
		return; /* off already */
	} else if (option == TELNET_TIMING_MARK) {
		bit = 0;
	}
	if ((*refused & bit) != 0)
		return;
	if (answer(t, bytes, sizeof(bytes)))
		*refused |= bit;
}

/* The byte behind an IAC that is no data.  Returns the state it leads to. */
static enum state
command(struct telnet_shm *t, uint8_t c)
{
	switch (c) {
	case TELNET_WILL:
	case TELNET_WONT:
	case TELNET_DO:
	case TELNET_DONT:
		t->verb = c;
		return STATE_OPTION;
	case TELNET_SB:
		return STATE_SUB;
	case TELNET_AYT:
		answer(t, "[Yes]\r\n", 7);
		return STATE_DATA;
	default:
		return STATE_DATA;
	}
}

/* A byte of text.  Returns how many bytes of `out` it became. */
static size_t
text(bool *after_cr, uint8_t c, char *out)
{
	bool joined = *after_cr && (c == '\n' || c == '\0');

	*after_cr = c == '\r';
	if (joined)
		return 0;
	*out = c == '\r' ? '\n' : (char)c;
	return 1;
}

size_t
telnet_decode(struct telnet_shm *t, const char *in, size_t len, char *out)
{
	bool after_cr = (t->state & AFTER_CR) != 0;
	unsigned state = t->state & ~AFTER_CR;
	size_t n = 0;

	if (state >= STATES)
		state = STATE_DATA;
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)in[i];

		switch ((enum state)state) {
		case STATE_DATA:
			if (c == TELNET_IAC)
				state = STATE_COMMAND;
			else
				n += text(&after_cr, c, out + n);
			break;
		case STATE_COMMAND:
			if (c == TELNET_IAC) {
				n += text(&after_cr, c, out + n);
				state = STATE_DATA;
			} else {
				state = command(t, c);
			}
			break;
		case STATE_OPTION:
			refuse(t, c);
			state = STATE_DATA;
			break;
		case STATE_SUB:
			if (c == TELNET_IAC)
				state = STATE_SUB_COMMAND;
			break;
		case STATE_SUB_COMMAND:
			if (c == TELNET_IAC)
				state = STATE_SUB;
			else
				state = command(t, c);
			break;
		case STATES:
			break;
		}
	}
	t->state = (uint8_t)(state | (after_cr ? AFTER_CR : 0));
	return n;
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
