/* SPDX-License-Identifier: MIT */
/*
 * The staging area: records of one room, rendered once for all who read them
 * in the same dialect.  It lies in the segment, so that a successor can tell
 * where in them a send was cut; see send.c.
 */
#include "shared/base/fault.h"
#include "shared/chat/render.h"
#include "worker/worker.h"

/* Begin anew, in a dialect, for those who are in the room that `half` reads. */
void
stage_reset(struct worker *w, unsigned dialect, const struct session_half *half)
{
	w->staging->count = 0;
	w->staging->bytes_used = 0;
	w->span = (struct span){0};
	w->form.dialect = dialect;
	w->form.look = (struct look){0};
	w->form.room = half->room_name;
	w->form.room_len = MIN((size_t)half->room_len, (size_t)LIMIT_ROOM);
}

/*
 * Copy the records staged last.  Returns false when they were overwritten
 * meanwhile.  To be called when all are staged.
 */
bool
stage_copy(struct worker *w)
{
	const struct span *span = &w->span;

	return span->len == 0 ||
	       ring_copy_span(&w->seg, span->pos, w->staging->bytes + span->off,
		   span->len) == RING_OK;
}

/*
 * Bytes of the lines of `count` records of one run, from the one with the
 * descriptor `d` to the one before `end`.
 */
static uint64_t
lines_len(const struct worker *w, const struct desc_shm *d, uint32_t count,
    uint64_t end)
{
	struct desc_shm last;

	if (count == 1)
		return d->len;
	ring_load(&w->seg, end - 1, &last);
	return last.pos + last.len - d->pos;
}

/*
 * Lines are sent as they lie in the ring.  Those that lie one behind the other
 * there, as the lines of one read do, are copied at once, by stage_copy.
 */
static enum stage_result
stage_lines(struct worker *w, const struct desc_shm *d, uint64_t len)
{
	struct staging_shm *st = w->staging;
	uint32_t room = STAGING_BYTES - st->bytes_used;

	/* Nonsense may be as long as it likes. */
	if (room < 8 || len > room - 8)
		return STAGE_FULL;
	if (w->span.pos + w->span.len != d->pos) {
		if (!stage_copy(w))
			return STAGE_LAPPED;
		w->span = (struct span){.pos = d->pos, .off = st->bytes_used};
	}
	w->span.len += len;
	st->bytes_used += (uint32_t)len;
	return STAGE_OK;
}

/* What is shown of record `n`, whose bytes are in w->scratch. */
struct render_record
stage_shown(const struct worker *w, uint64_t n, const struct desc_shm *d,
    const char *room, size_t room_len)
{
	return (struct render_record){
	    .type = d->type,
	    .seq = n,
	    .time_us = d->time_us,
	    .line = w->scratch,
	    .len = d->len,
	    .name_off = d->name_off,
	    .name_len = d->name_len,
	    .text_off = d->text_off,
	    .room = room,
	    .room_len = room_len,
	};
}

/*
 * What stands for a record that can't be shown; that one isn't needed any more.
 */
static size_t
stage_poison(
    struct worker *w, uint64_t n, uint64_t time_us, char *to, size_t room)
{
	static const char poison[] =
	    "*** error internal: what was said here can't be shown\n";
	size_t len = render_reply(w->form.dialect, n, time_us, poison,
	    sizeof(poison) - 1, w->scratch, SCRATCH_SIZE);

	return look_lines(
	    w->form.look, w->form.dialect, w->scratch, len, to, room);
}

/* Render the record whose bytes are in w->scratch, or what stands for it. */
static size_t
stage_render(struct worker *w, uint64_t n, const struct desc_shm *d)
{
	struct staging_shm *st = w->staging;
	char *to = st->bytes + st->bytes_used;
	size_t room = STAGING_BYTES - st->bytes_used;
	struct render_record r =
	    stage_shown(w, n, d, w->form.room, w->form.room_len);

	if (!look_is_plain(w->form.look, w->form.dialect)) {
		/* What it becomes is a function of the room there is. */
		if (room < w->seg.layout.buffer_stride)
			return 0;
		room = w->seg.layout.buffer_stride;
	}
	if (poison_is_record(w, n))
		return stage_poison(w, n, d->time_us, to, room);
	FAULT_POINT("stage.rendering");
	if (look_is_plain(w->form.look, w->form.dialect))
		return render_record(w->form.dialect, &r, to, room);
	return look_record(w->form.look, w->form.dialect, &r, to, room);
}

/* Any other dialect takes rendering. */
static enum stage_result
stage_rendered(struct worker *w, uint64_t n, const struct desc_shm *d)
{
	size_t len;

	if (d->len > SCRATCH_SIZE - 8)
		return STAGE_FULL; /* nonsense */
	if (ring_copy(&w->seg, d, 0, w->scratch, d->len) != RING_OK)
		return STAGE_LAPPED;
	poison_at_record(w, n);
	len = stage_render(w, n, d);
	poison_at_record(w, 0);
	w->staging->bytes_used += (uint32_t)len;
	return len > 0 ? STAGE_OK : STAGE_FULL;
}

/* Who said it, as far as that is of interest: sessions here may ignore them. */
static enum stage_result
stage_name(struct worker *w, const struct desc_shm *d, uint32_t *hash)
{
	char name[LIMIT_NAME + 8];

	*hash = 0;
	if (w->ignorers == 0 || d->name_len > LIMIT_NAME)
		return STAGE_OK;
	if (ring_copy(&w->seg, d, d->name_off, name, d->name_len) != RING_OK)
		return STAGE_LAPPED;
	*hash = tables_name_hash(&w->seg, name, d->name_len);
	return STAGE_OK;
}

/*
 * Stage record `n`, whose descriptor is `d`, and with it those behind it, of
 * which `*count` in all are of one run, if that can be done at once; *count is
 * then how many were.  STAGE_FULL when there is no room for them behind the
 * others, or, where there are none, because it is nonsense; STAGE_LAPPED when
 * some were overwritten meanwhile.
 */
enum stage_result
stage_run(
    struct worker *w, uint64_t n, uint32_t *count, const struct desc_shm *d)
{
	const bool plain = w->form.dialect == DIALECT_TEXT &&
			   look_is_plain(w->form.look, DIALECT_TEXT);
	struct staging_shm *st = w->staging;
	struct staged *row = &st->table[st->count];
	uint32_t off = st->bytes_used, hash = 0;
	enum stage_result result;

	if (st->count == STAGING_RECORDS)
		return STAGE_FULL;
	result = stage_name(w, d, &hash);
	if (result == STAGE_OK)
		result = plain ? stage_lines(
				     w, d, lines_len(w, d, *count, n + *count))
			       : stage_rendered(w, n, d);
	if (result != STAGE_OK)
		return result;
	if (!plain)
		*count = 1;
	*row = (struct staged){
	    .record = n,
	    .room_msg = d->room_msg,
	    .count = *count,
	    .off = off,
	    .len = st->bytes_used - off,
	    .sender = d->sender,
	    .sender_gen = d->sender_gen,
	    .room_gen = d->room_gen,
	    .type = d->type,
	    .target = d->target,
	    .target_gen = d->target_gen,
	    .name_hash = hash,
	};
	st->count++;
	return STAGE_OK;
}

/* The same for a record alone. */
enum stage_result
stage_record(struct worker *w, uint64_t n, const struct desc_shm *d)
{
	uint32_t count = 1;

	return stage_run(w, n, &count, d);
}
