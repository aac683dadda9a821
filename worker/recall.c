/* SPDX-License-Identifier: MIT */
/*
 * The history of the line editor.  A session keeps none: what it has said lies
 * in the ring, and is made again what was typed for it.  So it lives as long as
 * the ring's records do, and costs a session nothing.
 *
 * Records are looked at from the newest one back, while others write over the
 * oldest: where one is gone, all before it are.
 */
#include <string.h>

#include "proxy/editor.h"
#include "shared/base/utf8.h"
#include "worker/edit.h"

#define SCAN_MAX 65536 /* records looked at for one line, and for names */

/* Bytes of them, at most: no fewer than there are in a whole history. */
#define SCAN_BYTES (EDITOR_HISTORY_MAX * LIMIT_LINE_MAX)

/* A look back at what a session has said. */
struct scan {
	struct worker *w;
	uint64_t head, oldest;
	uint64_t names_left; /* records that may be looked at for names */
	uint64_t target;     /* sender_word of whose name this is */
	size_t name_len;
	char name[LIMIT_NAME + 8]; /* and what ring_copy adds */
};

/* A line as it was typed, put together in w->scratch. */
struct typed {
	char *bytes;
	size_t len, max;
	bool gone; /* its record was overwritten: so are all before it */
};
static_assert(
    1 + LIMIT_LINE_MAX + 8 <= SCRATCH_SIZE, "a slash, and what ring_copy adds");

/*
 * Is record `n` the session's?  Most are not, and are told by one word.  The
 * caller reads the record afterwards, with ring_read.
 */
static bool
is_own(const struct segment *seg, uint64_t n, uint64_t sender)
{
	const struct desc_shm *d = &seg->desc[n & (seg->layout.ndesc - 1)];

	static_assert(offsetof(struct desc_shm, sender) % sizeof(sender) == 0 &&
			  offsetof(struct desc_shm, sender_gen) ==
			      offsetof(struct desc_shm, sender) + 4,
	    "slot and generation are one word");
	return atomic_load_explicit(
		   (const _Atomic uint64_t *)(const void *)&d->sender,
		   memory_order_relaxed) == sender;
}

/* A slot and its generation as they lie in a descriptor: little-endian. */
static uint64_t
sender_word(uint32_t slot, uint32_t gen)
{
	return (uint64_t)gen << 32 | slot;
}

static void
put(struct typed *t, const char *bytes, size_t len)
{
	len = MIN(len, t->max - t->len);
	memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
}

/* Add `len` bytes of the record from `off` on, as far as they fit. */
static void
put_record(const struct segment *seg, struct typed *t, const struct desc_shm *d,
    size_t off, size_t len)
{
	len = MIN(len, t->max - t->len);
	if (ring_copy(seg, d, off, t->bytes + t->len, len) != RING_OK)
		t->gone = true;
	else
		t->len += len;
}

/* Add the record's text, its LF left out. */
static void
put_text(const struct segment *seg, struct typed *t, const struct desc_shm *d)
{
	if (d->text_off < d->len)
		put_record(
		    seg, t, d, d->text_off, d->len - d->text_off - (size_t)1);
}

/* The text of a message: a slash in front of it was two. */
static void
put_message(
    const struct segment *seg, struct typed *t, const struct desc_shm *d)
{
	put_text(seg, t, d);
	if (t->len == 0 || t->bytes[0] != '/')
		return;
	*--t->bytes = '/';
	t->len = MIN(t->len + 1, t->max);
}

/* What somebody who has left was called: the last that it said has it. */
static size_t
name_in_ring(struct scan *scan, uint64_t sender)
{
	const struct segment *seg = &scan->w->seg;
	struct desc_shm d;

	for (uint64_t n = scan->head; n-- > scan->oldest;) {
		if (scan->names_left == 0)
			return 0;
		scan->names_left--;
		if (!is_own(seg, n, sender))
			continue;
		if (ring_read(seg, n, &d) != RING_OK ||
		    d.name_len > LIMIT_NAME ||
		    ring_copy(seg, &d, d.name_off, scan->name, d.name_len) !=
			RING_OK)
			return 0;
		return d.name_len;
	}
	return 0;
}

/*
 * Find what the reader of a private message is called, or was when it left:
 * the record has no name of it.  False if that isn't known.
 */
static bool
find_target(struct scan *scan, const struct desc_shm *d)
{
	uint64_t target = sender_word(d->target, d->target_gen);
	const struct session_shm *s;

	if (target == scan->target)
		return scan->name_len > 0;
	if (d->target >= scan->w->seg.params.nslots)
		return false;
	s = session_row(scan->w, d->target);
	scan->target = target;
	scan->name_len = 0;
	lock_acquire(&scan->w->journal.lock);
	if (s->gen == d->target_gen) {
		scan->name_len = MIN((size_t)s->name_len, (size_t)LIMIT_NAME);
		memcpy(scan->name, s->name, scan->name_len);
	}
	lock_release(&scan->w->journal.lock);
	if (scan->name_len == 0)
		scan->name_len = name_in_ring(scan, target);
	return scan->name_len > 0;
}

/*
 * What was typed for the record `d`, which is the session's.  Nothing if it was
 * none, or isn't known.
 */
static struct typed
typed_for(struct scan *scan, const struct desc_shm *d)
{
	const struct segment *seg = &scan->w->seg;
	struct typed t = {.bytes = scan->w->scratch + 1};

	t.max = MIN(scan->w->settings->max_line, (uint32_t)LIMIT_LINE_MAX);
	switch ((enum record_type)d->type) {
	case RECORD_MESSAGE:
		put_message(seg, &t, d);
		break;
	case RECORD_ACTION:
		put(&t, "/me ", 4);
		put_text(seg, &t, d);
		break;
	case RECORD_PRIVATE:
		if (!find_target(scan, d))
			break;
		put(&t, "/msg ", 5);
		put(&t, scan->name, scan->name_len);
		put(&t, " ", 1);
		put_text(seg, &t, d);
		break;
	case RECORD_RENAME:
		put(&t, "/nick ", 6);
		put_text(seg, &t, d);
		break;
	case RECORD_TOPIC:
		put(&t, "/topic ", 7);
		put_text(seg, &t, d);
		break;
	case RECORD_JOIN:
		put(&t, "/join ", 6);
		put_record(seg, &t, d, d->len, d->extra);
		break;
	case RECORD_NONE:
	case RECORD_LEAVE:
	case RECORD_KICK:
	case RECORD_BAN:
	case RECORD_UNBAN:
	case RECORD_MUTE:
	case RECORD_UNMUTE:
	case RECORD_OP:
	case RECORD_DEOP:
	case RECORD_DISPLACE:
	case RECORD_ROOM:
	case RECORD_TYPES:
		break;
	}
	return t;
}

/*
 * Is this join the session's first?  Who goes to another room leaves the old
 * one with the record before.
 */
static bool
is_beginning(const struct segment *seg, const struct desc_shm *d, uint64_t n)
{
	struct desc_shm before;

	return d->type == RECORD_JOIN &&
	       (ring_read(seg, n - 1, &before) != RING_OK ||
		   before.type != RECORD_LEAVE || before.sender != d->sender ||
		   before.sender_gen != d->sender_gen);
}

/*
 * Make a line whole characters, the last of which may have been cut.  False if
 * there is something in it that nobody was let say.
 */
static bool
make_whole(const char *line, size_t *len)
{
	uint32_t code;

	for (size_t i = 0; i < *len;) {
		size_t n = utf8_decode(line + i, *len - i, &code);

		if (code == UTF8_INVALID && i > 0 && i + n == *len) {
			*len = i;
			return true;
		}
		if (code == UTF8_INVALID ||
		    (utf8_is_control(code) && code != '\t'))
			return false;
		i += n;
	}
	return true;
}

static bool
is_line(const struct typed *t, const char *line, size_t len)
{
	return t->len == len && memcmp(t->bytes, line, len) == 0;
}

static bool
contains(const char *line, size_t len, const char *pattern, size_t pattern_len)
{
	return pattern_len == 0 ||
	       memmem(line, len, pattern, pattern_len) != NULL;
}

bool
recall_line(struct worker *w, uint32_t slot, unsigned step, const char *pattern,
    size_t pattern_len, unsigned *found, char *line, size_t *len)
{
	const struct session_shm *s = session_row(w, slot);
	uint64_t sender = sender_word(slot, s->gen), left = SCAN_MAX;
	size_t bytes = 0;
	struct scan scan = {
	    .w = w,
	    .head = ring_head(&w->seg),
	    .oldest = ring_oldest(&w->seg),
	    .names_left = SCAN_MAX,
	    .target = UINT64_MAX, /* NONE is no slot */
	};
	struct desc_shm d;
	struct typed t;

	*found = 0;
	*len = 0;
	if (s->half.state != SESSION_JOINED)
		return false;
	for (uint64_t n = scan.head; n-- > scan.oldest && left > 0; left--) {
		if (!is_own(&w->seg, n, sender))
			continue;
		if (ring_read(&w->seg, n, &d) != RING_OK ||
		    is_beginning(&w->seg, &d, n))
			return false;
		t = typed_for(&scan, &d);
		bytes += t.len;
		if (t.gone || bytes > SCAN_BYTES)
			return false;
		if (t.len == 0 || is_line(&t, line, *len))
			continue;
		if (++*found > EDITOR_HISTORY_MAX)
			return false;
		memcpy(line, t.bytes, t.len);
		*len = t.len;
		if (*found >= step &&
		    contains(line, *len, pattern, pattern_len))
			return make_whole(line, len);
	}
	return false;
}
