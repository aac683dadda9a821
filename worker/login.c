/* SPDX-License-Identifier: MIT */
/* See login.h. */
#include "worker/login.h"

#include <string.h>

#include "proxy/negotiate.h"
#include "proxy/telnet.h"
#include "shared/chat/name.h"
#include "shared/shm/pool.h"
#include "worker/ask.h"
#include "worker/edit.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The password is what there is of text, less blanks around it. */
static void
give(struct given *g, const char *text, size_t len)
{
	for (; len > 0 && is_blank(text[0]); len--)
		text++;
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	g->password = text;
	g->password_len = len;
}

struct given
login_given(const char *text, size_t len)
{
	const char *end = memchr(text, ' ', len);
	struct given g = {.name = text, .name_len = len, .blank = end != NULL};

	if (end != NULL)
		g.name_len = (size_t)(end - text);
	give(&g, text + g.name_len, len - g.name_len);
	return g;
}

struct given
login_alone(const struct line *line, const char *name, size_t len)
{
	struct given g = {.name = name, .name_len = len, .blank = true};

	give(&g, line->text, line->len);
	return g;
}

void
login_note_name(struct session_shm *s, const char *name, size_t len)
{
	memset(s->name, 0, sizeof(s->name));
	memcpy(s->name, name, MIN(len, sizeof(s->name)));
}

static enum login
ask(struct consumer *c, enum ask_kind kind, const struct given *given)
{
	enum ask_verdict verdict;

	if (given->password_len == 0)
		return LOGIN_NEEDED;
	if (!ask_verdict(c->w, c->slot, kind, given->name, given->name_len,
		given->password, given->password_len, &verdict))
		return LOGIN_WAITS;
	switch (verdict) {
	case ASK_RIGHT:
		return LOGIN_RIGHT;
	case ASK_WRONG:
	case ASK_BUSY: /* is asked again before it comes here */
		return LOGIN_WRONG;
	case ASK_TOO_MANY:
		return LOGIN_TOO_MANY;
	}
	return LOGIN_WRONG;
}

enum login
login_room(struct consumer *c, const struct given *given)
{
	const struct policy *policy = &c->w->policy;
	const struct policy_room *room = NULL;

	c->w->secret |= given->password_len > 0;
	if (policy->shm != NULL)
		room = policy_room(policy, given->name, given->name_len);
	if (room == NULL || (room->flags & POLICY_PASSWORD) == 0)
		return LOGIN_OPEN;
	return ask(c, ASK_ROOM, given);
}

enum login
login_name(struct consumer *c, const struct given *given, uint8_t *rights)
{
	const struct policy *policy = &c->w->policy;
	const struct policy_user *user = NULL;
	enum login login;

	c->w->secret |= given->password_len > 0;
	*rights = 0;
	if (policy->shm != NULL)
		user = policy_user(policy, given->name, given->name_len);
	if (user == NULL)
		return LOGIN_OPEN;
	login = ask(c, ASK_USER, given);
	if (login == LOGIN_RIGHT)
		*rights =
		    RIGHT_REGISTERED | (user->is_operator ? RIGHT_OPERATOR : 0);
	return login;
}

bool
login_has_name(const struct session_shm *s, const struct given *given)
{
	return (session_rights(s) & RIGHT_REGISTERED) != 0 &&
	       name_equal(s->name, MIN((size_t)s->name_len, (size_t)LIMIT_NAME),
		   given->name, given->name_len);
}

enum chat_error
login_error(enum login login, enum ask_kind kind, uint64_t *arg)
{
	*arg = (kind == ASK_ROOM ? PASSWORD_OF_ROOM : 0) |
	       (login == LOGIN_TOO_MANY ? PASSWORD_UNSEEN : 0);
	return login == LOGIN_NEEDED ? CHAT_NEED_PASSWORD : CHAT_BAD_PASSWORD;
}

bool
login_is_hidden(unsigned state)
{
	return state == SESSION_ROOM_PASSWORD || state == SESSION_NAME_PASSWORD;
}

void
login_hide(struct worker *w, const struct session_shm *s)
{
	const struct note_in *note = &w->seat->in;
	const struct telnet_shm *was = &note->telnet;

	/* Its client has not shown where that line ends, either. */
	if (login_is_hidden(note->state) && s->half.in_done != note->base &&
	    !telnet_edits(was) &&
	    option_state(was, OPTION_US, OPTION_ECHO) == OPTION_YES)
		(void)negotiate_say(&w->telnet, "\r\n", 2);
	telnet_hide(&w->telnet, login_is_hidden(s->half.state));
}

void
login_wipe_buffer(struct worker *w, uint32_t ref)
{
	size_t size = pool_size(&w->seg, ref);

	if (size > 0)
		explicit_bzero(segment_buffer(&w->seg, ref - 1), size);
}

/* Before the join any line may have a password in it, be it a wrong one. */
static bool
is_secret(const struct worker *w)
{
	return w->secret || (w->seat->in.state != SESSION_JOINED &&
				w->seat->in.state != SESSION_HTTP);
}

void
login_wipe_kept(
    struct worker *w, uint32_t slot, uint32_t ref, uint32_t old, size_t used)
{
	const struct note_in *note = &w->seat->in;
	size_t size, large = pool_size(&w->seg, ref);
	char *kept = session_kept(session_row(w, slot), &size);

	if (!is_secret(w))
		return;
	if (ref == 0)
		explicit_bzero(kept + MIN(used, size), size - MIN(used, size));
	else
		explicit_bzero(kept, size);
	if (old != 0 && old != ref)
		login_wipe_buffer(w, old);
	else if (ref != 0 && used < large)
		explicit_bzero(
		    segment_buffer(&w->seg, ref - 1) + used, large - used);
	if (w->text == w->decoded)
		explicit_bzero(w->decoded,
		    MIN(note->kept + (size_t)READ_MAX + WSLINES_EXTRA,
			w->seg.layout.input_stride));
}

void
login_wipe_row(struct worker *w, uint32_t slot)
{
	struct session_shm *s = session_row(w, slot);
	size_t size;
	char *kept = session_kept(s, &size);

	explicit_bzero(kept, size);
	if (pool_owns(&w->seg, s->in_buf, slot + 1))
		login_wipe_buffer(w, s->in_buf);
}

void
login_wipe_seen(struct worker *w)
{
	struct editing *e = w->editing;

	if (!w->secret && !login_is_hidden(w->seat->in.state))
		return;
	w->secret = false;
	explicit_bzero(w->batch.text, w->batch.text_size);
	explicit_bzero(w->scratch, SCRATCH_SIZE);
	if (e == NULL)
		return;
	editor_wipe(&e->editor);
	explicit_bzero(e->plain, sizeof(e->plain));
	explicit_bzero(e->answer, sizeof(e->answer));
	explicit_bzero(e->behind, sizeof(e->behind));
	explicit_bzero(e->state, 2 * w->seg.layout.buffer_stride);
	explicit_bzero(w->staging->bytes, STAGING_BYTES);
}
