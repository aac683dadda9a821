/* SPDX-License-Identifier: MIT */
/*
 * proxy/telnet, and what it negotiates: the input's first bytes choose where
 * the rest is cut and, if the first is odd, a state to begin with that no
 * parser left behind.  Text, answers and state must be what one call gives; and
 * from a clean state the text must be what a plain reading of the RFCs gives,
 * as long as the client doesn't send keys.  Then once more, with the answers
 * sent in between: they stay in proportion to what is asked.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "proxy/telnet.h"
#include "shared/base/base.h"

#define INPUT_MAX 4096
#define CUTS 8

struct outcome {
	struct telnet_shm t;
	size_t len;
	char text[INPUT_MAX];
};

/* One call may write no more than it reads; the sanitizer watches the rest. */
static void
feed(struct outcome *o, const uint8_t *in, size_t len)
{
	char *exact = malloc(len + (len == 0));
	size_t n;

	MUST(exact != NULL);
	n = telnet_decode(&o->t, (const char *)in, len, exact);
	MUST(n <= len);
	memcpy(o->text + o->len, exact, n);
	o->len += n;
	free(exact);
}

/* The commands that are keys, and what no text may have in their place. */
static int
key_of(uint8_t command)
{
	switch (command) {
	case TELNET_EOF:
		return TELNET_KEY_END;
	case TELNET_ABORT:
	case TELNET_BRK:
	case TELNET_IP:
		return TELNET_KEY_INTERRUPT;
	case TELNET_AO:
		return TELNET_KEY_DISCARD;
	case TELNET_EC:
		return TELNET_KEY_ERASE;
	case TELNET_EL:
		return TELNET_KEY_KILL;
	default:
		return -1;
	}
}

static char
text_of(uint8_t c)
{
	for (int command = TELNET_EOF; command < TELNET_SB; command++)
		if (key_of((uint8_t)command) == c)
			return 0x1f;
	return c == TELNET_KEY_MARK ? 0x1f : c == '\r' ? '\n' : (char)c;
}

/* The text alone, by looking back and forth instead of by a state. */
static size_t
plain_text(const uint8_t *in, size_t len, char *out)
{
	size_t n = 0, i = 0;
	uint8_t last = 0;

	while (i < len) {
		uint8_t c = in[i++];

		if (c == TELNET_IAC) {
			if (i == len)
				break;
			c = in[i++];
			while (c == TELNET_SB) {
				while (
				    i + 1 < len && !(in[i] == TELNET_IAC &&
						       in[i + 1] != TELNET_IAC))
					i += in[i] == TELNET_IAC ? 2 : 1;
				if (i + 1 >= len)
					return n;
				c = in[i + 1];
				i += 2;
			}
			if (c >= TELNET_WILL && c <= TELNET_DONT)
				i++;
			if (key_of(c) >= 0)
				out[n++] = (char)key_of(c);
			if (c != TELNET_IAC)
				continue;
		}
		if (last != '\r' || (c != '\n' && c != '\0')) {
			out[n++] = text_of(c);
			last = c;
		} else {
			last = 0;
		}
	}
	return n;
}

/* Is the client ever asked for, or does it ask for, keys? */
static bool
may_edit(const uint8_t *in, size_t len)
{
	static const uint8_t echo[] = {TELNET_IAC, TELNET_DO, TELNET_ECHO};

	return memmem(in, len, echo, sizeof(echo)) != NULL;
}

/* A client that reads its answers, and types passwords now and then. */
static void
talk(const uint8_t *in, size_t len)
{
	static struct outcome o;
	char end[TELNET_PROMPT_MAX];
	const char *pending;
	size_t answered = 0, part;

	memset(&o, 0, sizeof(o));
	for (size_t i = 0; i < len; i += part) {
		part = MIN((size_t)in[i] % 31 + 1, len - i);
		feed(&o, in + i, part);
		answered += telnet_answers(&o.t, &pending);
		telnet_answers_sent(&o.t, sizeof(o.t.answer));
		if (in[i] % 5 == 0)
			telnet_hide(&o.t, in[i] % 2 == 0);
		MUST(telnet_prompt_end(&o.t, end) <= sizeof(end));
		MUST(telnet_charset(&o.t) < CHARSETS);
	}
	/* At most: a name for each AYT, CHARSET REQUEST for each two DOs. */
	MUST(answered <= 7 * len + 200);
}

static void
check_answers(struct telnet_shm *t)
{
	const char *pending;
	size_t len = telnet_answers(t, &pending), sent = 0;

	MUST(len <= TELNET_ANSWER_MAX);
	MUST(pending >= (const char *)t->answer);
	MUST(pending + len <= (const char *)t->answer + sizeof(t->answer));
	for (size_t part = 1; sent < len; part++) {
		telnet_answers_sent(t, part);
		sent = MIN(sent + part, len);
		MUST(telnet_answers(t, &pending) == len - sent);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, cut;
	static char plain[INPUT_MAX];
	const uint8_t *in = data + CUTS, *end = data + size;
	bool garbage;

	if (size < CUTS || size > INPUT_MAX)
		return 0;
	garbage = (data[0] & 1) != 0;
	memset(&whole, 0, sizeof(whole));
	if (garbage && (size_t)(end - in) >= sizeof(whole.t)) {
		memcpy(&whole.t, in, sizeof(whole.t));
		in += sizeof(whole.t);
	}
	cut = whole;
	feed(&whole, in, (size_t)(end - in));
	feed(&cut, in, 0); /* puts right what cannot be, as any call does */
	for (size_t i = 0; in < end; i++) {
		size_t len = data[i % CUTS] / 2 % 16;

		/* Empty calls are among them, but it must come to an end. */
		len = MIN(len + (i % CUTS == 0), (size_t)(end - in));
		feed(&cut, in, len);
		in += len;
	}
	MUST(cut.len == whole.len);
	MUST(memcmp(cut.text, whole.text, whole.len) == 0);
	MUST(memcmp(&cut.t, &whole.t, sizeof(whole.t)) == 0);
	if (!garbage) {
		in = data + CUTS;
		talk(in, (size_t)(end - in));
	}
	if (!garbage && !may_edit(in, (size_t)(end - in))) {
		MUST(plain_text(in, (size_t)(end - in), plain) == whole.len);
		MUST(memcmp(plain, whole.text, whole.len) == 0);
	}
	check_answers(&whole.t);
	return 0;
}
