/* SPDX-License-Identifier: MIT */
/* Byte by byte, but only where there are commands; see telnet.h. */
#include "tools/chatload/telnet.h"

#include <err.h>
#include <string.h>

enum {
	BINARY = 0, /* RFC 856 */
	ECHO = 1,   /* RFC 857 */
	SGA = 3,    /* RFC 858 */
	TTYPE = 24, /* RFC 1091 */
	NAWS = 31,  /* RFC 1073 */
	SE = 240,
	SB = 250,
	WILL,
	WONT,
	DO,
	DONT,
	IAC,
};

#define BIT(option) (UINT32_C(1) << (option))
#define OURS (BIT(BINARY) | BIT(TTYPE) | BIT(NAWS))
#define OPENED (BIT(TTYPE) | BIT(NAWS)) /* by TELNET_OPENS */
#define HIS (BIT(BINARY) | BIT(ECHO) | BIT(SGA))

enum telnet_state {
	IN_TEXT,
	IN_COMMAND, /* behind IAC */
	IN_OPTION,  /* behind a verb */
	IN_SUB,     /* behind IAC SB */
	IN_SUB_IAC,
};

static void
answer(struct telnet_answers *a, const void *bytes, size_t len)
{
	if (a->len + len > sizeof(a->bytes))
		errx(1, "the server asks too much");
	memcpy(a->bytes + a->len, bytes, len);
	a->len += len;
}

static void
answer_verb(struct telnet_answers *a, uint8_t verb, uint8_t option)
{
	const uint8_t bytes[] = {IAC, verb, option};

	answer(a, bytes, sizeof(bytes));
}

/* The server will, or asks us to. */
static void
agree(struct telnet *t, uint8_t option, struct telnet_answers *a)
{
	static const uint8_t window[] = {
	    IAC, SB, NAWS, 0, TELNET_COLUMNS, 0, 24, IAC, SE};
	bool will = t->verb == WILL;
	uint32_t *on = will ? &t->his : &t->ours;
	uint32_t bit = option < 32 ? BIT(option) : 0;

	if (!(bit & (will ? HIS : OURS))) {
		answer_verb(a, will ? DONT : WONT, option);
		return;
	}
	if (*on & bit)
		return;
	*on |= bit;
	if (will || !(bit & OPENED))
		answer_verb(a, will ? DO : WILL, option);
	if (!will && option == NAWS)
		answer(a, window, sizeof(window));
}

static void
negotiate(struct telnet *t, uint8_t option, struct telnet_answers *a)
{
	bool his = t->verb == WONT;
	uint32_t *on = his ? &t->his : &t->ours;
	uint32_t bit = option < 32 ? BIT(option) : 0;

	if (t->verb == WILL || t->verb == DO) {
		agree(t, option, a);
		return;
	}
	if (!(*on & bit))
		return;
	*on &= ~bit;
	answer_verb(a, his ? DONT : WONT, option);
}

static void
sub_end(struct telnet *t, struct telnet_answers *a)
{
	static const char terminal[] = "\xff\xfa\x18\0XTERM\xff\xf0";

	if (t->sub_len == 2 && t->sub[0] == TTYPE && t->sub[1] == 1)
		answer(a, terminal, sizeof(terminal) - 1);
}

/* A byte of a command; returns the state behind it. */
static enum telnet_state
command(struct telnet *t, uint8_t byte, struct telnet_answers *a)
{
	switch ((enum telnet_state)t->state) {
	case IN_TEXT:
		break;
	case IN_COMMAND:
		t->verb = byte;
		t->sub_len = 0;
		if (byte == SB)
			return IN_SUB;
		return byte > SB && byte < IAC ? IN_OPTION : IN_TEXT;
	case IN_OPTION:
		if (a)
			negotiate(t, byte, a);
		break;
	case IN_SUB:
		if (byte == IAC)
			return IN_SUB_IAC;
		if (t->sub_len < sizeof(t->sub))
			t->sub[t->sub_len] = byte;
		t->sub_len += t->sub_len < UINT8_MAX;
		return IN_SUB;
	case IN_SUB_IAC:
		if (byte != SE)
			return IN_SUB;
		if (a)
			sub_end(t, a);
		break;
	}
	return IN_TEXT;
}

size_t
telnet_strip(
    struct telnet *t, char *data, size_t len, struct telnet_answers *answers)
{
	char *end = data + len;
	char *in = data;
	char *out = data;

	while (in < end) {
		char *iac;

		if (t->state != IN_TEXT) {
			t->state = command(t, (uint8_t)*in++, answers);
			continue;
		}
		iac = memchr(in, IAC, (size_t)(end - in));
		if (!iac && out == in)
			return len; /* as nearly always */
		memmove(out, in, (size_t)((iac ? iac : end) - in));
		out += (iac ? iac : end) - in;
		in = iac ? iac + 1 : end;
		if (iac)
			t->state = IN_COMMAND;
	}
	return (size_t)(out - data);
}

bool
telnet_keys(const struct telnet *t)
{
	return (t->his & HIS) == HIS && (t->ours & OURS) == OURS;
}
