/* SPDX-License-Identifier: MIT */
/* What clients that send keys type, with detours: drawn before the run. */
#include <string.h>

#include "tests/model/sim/sim.h"

#define DETOUR_MAX 12 /* keys there and back */

static void
put(struct client *c, const char *keys)
{
	bytes_add(&c->text, keys, strlen(keys));
}

static void
put_times(struct client *c, const char *keys, unsigned times)
{
	while (times-- > 0)
		put(c, keys);
}

/* As many columns of the line as there are, or less. */
static unsigned
some_columns(const struct client *c)
{
	return random_below(MIN((unsigned)c->line.len, DETOUR_MAX + 0u) + 1);
}

/* Keys after which the line is as it was, the cursor at its end. */
static void
put_detour(struct client *c)
{
	unsigned n = some_columns(c);

	switch (random_below(9)) {
	case 0:
		put(c, random_percent(50) ? "q\x7f" : "q\b");
		break;
	case 1:
		put_times(c, "\033[D", n);
		put_times(c, "\033[C", n);
		break;
	case 2:
		put(c, "\x01zz\b\b\x05");
		break;
	case 3:
		put_times(c, "\033[D", n);
		put(c, random_percent(50) ? "\x05" : "\033[F");
		break;
	case 4:
		if (c->line.len == 0)
			put(c, random_percent(50) ? "not this\x03"
						  : "nor this\x15");
		break;
	case 5:
		if (c->yes_due++ == 0)
			put(c, "\xff\xf6");
		else
			c->yes_due--;
		break;
	case 6: /* what was killed is kept if there are buffers */
		if (!sim.profile.small_pool && c->line.len > 0)
			put(c, "\x15\x19");
		break;
	case 7:
		if (!sim.profile.small_pool && n > 0) {
			put_times(c, "\033[D", n);
			put(c, "\x0b\x19");
		}
		break;
	case 8:
		put(c, "\x05\x05");
		break;
	}
}

static void
put_enter(struct client *c)
{
	bool cr = c->text.len > 0 && c->text.data[c->text.len - 1] == '\r';

	switch (random_below(4)) {
	case 0:
		put(c, "\r\n");
		break;
	case 1:
		bytes_add(&c->text, "\r\0", 2);
		break;
	case 2:
		if (cr) /* it would be that one's */
			put(c, "\r");
		put(c, cr ? "" : "\n");
		break;
	case 3:
		put(c, "\r");
		break;
	}
}

/* What is in the client's line when the script has come so far. */
void
typing_put(struct client *c, char letter)
{
	if (c->keys_from == SIZE_MAX) { /* in line mode, and on its own */
		if (letter == '\n')
			put(c, "\r\n");
		else
			bytes_add(&c->text, &letter, 1);
	} else if (letter == '\n') {
		if (c->astray)
			put(c, "\x05");
		put_enter(c);
	} else {
		if (c->astray)
			put(c, "\x05");
		if (!c->unseen && c->line.len < MAX_LINE - 20 &&
		    random_percent(c->detours))
			put_detour(c);
		bytes_add(&c->text, &letter, 1);
	}
	c->astray = false;
	if (letter == '\n') {
		if (!c->unseen) {
			bytes_add(&c->own, c->line.data, c->line.len);
			bytes_add(&c->own, "\n", 1);
			bytes_add(
			    &c->own_ends, &c->text.len, sizeof(c->text.len));
		}
		c->line.len = 0;
	} else {
		bytes_add(&c->line, &letter, 1);
	}
}

/* The cursor is left somewhere in the line that is half typed. */
void
typing_stray(struct client *c)
{
	if (c->line.len == 0 || c->keys_from == SIZE_MAX)
		return;
	if (random_percent(20))
		put(c, "\x01");
	else
		put_times(c, "\033[D", some_columns(c));
	c->astray = true;
}

/* From here on it sends keys. */
void
typing_begin(struct client *c)
{
	c->keys_from = c->text.len;
}
