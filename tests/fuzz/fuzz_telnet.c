/* SPDX-License-Identifier: MIT */
/*
 * proxy/telnet: the input's first bytes choose where the rest is cut and, if
 * the first is odd, a state to begin with that no parser left behind.  Text,
 * answers and state must be what one call gives; and from a clean state they
 * must be what a plain reading of the RFCs gives.
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
			if (c != TELNET_IAC)
				continue;
		}
		if (last != '\r' || (c != '\n' && c != '\0')) {
			out[n++] = (char)(c == '\r' ? '\n' : c);
			last = c;
		} else {
			last = 0;
		}
	}
	return n;
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
		MUST(plain_text(in, (size_t)(end - in), plain) == whole.len);
		MUST(memcmp(plain, whole.text, whole.len) == 0);
	}
	check_answers(&whole.t);
	return 0;
}
