/* SPDX-License-Identifier: MIT */
/* See ask.h. */
#include "worker/ask.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/base/clock.h"
#include "shared/base/fault.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"

static_assert(ASK_NAME_MAX == LIMIT_ROOM && LIMIT_NAME <= LIMIT_ROOM &&
		  ASK_PASSWORD_MAX == LIMIT_PASSWORD,
    "what a client may name fits into a question");

enum asked_state {
	ASKED_NOT,    /* all zero: nothing */
	ASKED_QUEUED, /* waits for its turn */
	ASKED_TURN,   /* may ask, when it looks at its line again */
	ASKED_SENT,
	ASKED_KNOWN, /* the verdict is there */
};

/* What a session has asked. */
struct asked {
	uint64_t hash; /* of the question; no password stays here */
	uint8_t state; /* enum asked_state */
	uint8_t verdict;
	bool listed; /* is in the queue, perhaps for nothing */
};

struct asking {
	uint32_t waiting; /* sessions QUEUED or SENT */
	/* Numbers of no predecessor: it hadn't one for each microsecond. */
	uint64_t next_id;
	uint32_t under_way_count;
	struct {
		uint64_t id;
		uint64_t sent_us;
		uint32_t slot; /* NONE: it has gone meanwhile */
	} under_way[ASK_UNDER_WAY];
	/* A ring of slots, and when the first of them may ask. */
	uint32_t queue_first, queue_count;
	uint64_t again_us;
	uint32_t *queue;
	struct asked *rows; /* by slot */
};

void
ask_init(struct worker *w)
{
	struct asking *a = calloc(1, sizeof(*a));

	if (a != NULL) {
		a->queue = calloc(w->in->nslots, sizeof(*a->queue));
		a->rows = calloc(w->in->nslots, sizeof(*a->rows));
		a->next_id = clock_us();
	}
	if (a == NULL || a->queue == NULL || a->rows == NULL)
		die(1, "out-of-memory", NULL);
	w->asking = a;
}

void
ask_fini(struct worker *w)
{
	free(w->asking->queue);
	free(w->asking->rows);
	free(w->asking);
	w->asking = NULL;
}

static void
enter(struct asking *a, struct asked *row, enum asked_state next)
{
	bool waited = row->state == ASKED_QUEUED || row->state == ASKED_SENT;
	bool waits = next == ASKED_QUEUED || next == ASKED_SENT;

	a->waiting += waits;
	a->waiting -= waited;
	row->state = (uint8_t)next;
}

bool
ask_waits(const struct worker *w, uint32_t slot)
{
	const struct asking *a = w->asking;

	return a->waiting > 0 && (a->rows[slot].state == ASKED_QUEUED ||
				     a->rows[slot].state == ASKED_SENT);
}

bool
ask_queues(const struct worker *w)
{
	return w->asking->queue_count > 0;
}

static void
enqueue(struct worker *w, uint32_t slot)
{
	struct asking *a = w->asking;
	struct asked *row = &a->rows[slot];

	enter(a, row, ASKED_QUEUED);
	if (row->listed)
		return;
	row->listed = true;
	a->queue[(a->queue_first + a->queue_count++) % w->in->nslots] = slot;
}

/*
 * Hand the question over; false if there is no place for it now.  A number
 * that went before this is known to nobody, so that no verdict is taken for
 * that of another question.
 */
static bool
hand_over(struct worker *w, uint32_t slot, struct ask_question *q)
{
	struct asking *a = w->asking;
	ssize_t n;

	if (a->under_way_count == ASK_UNDER_WAY || w->now_us < a->again_us)
		return false;
	q->id = a->next_id;
	n = send(w->in->ask, q, sizeof(*q), MSG_DONTWAIT | MSG_NOSIGNAL);
	FAULT_POINT("ask.sent");
	if (n != (ssize_t)sizeof(*q)) {
		a->again_us = w->now_us + ASK_AGAIN_US;
		return false;
	}
	a->next_id++;
	a->under_way[a->under_way_count].id = q->id;
	a->under_way[a->under_way_count].sent_us = w->now_us;
	a->under_way[a->under_way_count++].slot = slot;
	enter(a, &a->rows[slot], ASKED_SENT);
	return true;
}

static void
put_question(const struct session_shm *s, struct ask_question *q,
    enum ask_kind kind, const char *name, size_t name_len, const char *password,
    size_t len)
{
	memset(q, 0, sizeof(*q));
	q->kind = (uint8_t)kind;
	memcpy(q->addr, s->addr, sizeof(q->addr));
	q->name_len = (uint8_t)name_len;
	q->password_len = (uint8_t)len;
	memcpy(q->name, name, name_len);
	memcpy(q->password, password, len);
}

bool
ask_verdict(struct worker *w, uint32_t slot, enum ask_kind kind,
    const char *name, size_t name_len, const char *password, size_t len,
    enum ask_verdict *verdict)
{
	struct asking *a = w->asking;
	struct asked *row = &a->rows[slot];
	struct ask_question q;
	uint64_t hash;

	*verdict = ASK_WRONG;
	if (name_len > sizeof(q.name) || len > sizeof(q.password) ||
	    memchr(password, '\0', len) != NULL)
		return true; /* nobody's */
	put_question(
	    session_row(w, slot), &q, kind, name, name_len, password, len);
	hash = hash_sip(w->seg.header->hash_key, &q, sizeof(q));
	if (row->hash != hash) {
		ask_forget(w, slot);
		row->hash = hash;
	}
	if (row->state == ASKED_KNOWN)
		*verdict = (enum ask_verdict)row->verdict;
	/* Who has no turn yet goes behind the others. */
	if ((row->state == ASKED_NOT && a->queue_count > 0) ||
	    ((row->state == ASKED_NOT || row->state == ASKED_TURN) &&
		!hand_over(w, slot, &q)))
		enqueue(w, slot);
	explicit_bzero(&q, sizeof(q));
	return row->state == ASKED_KNOWN;
}

void
ask_forget(struct worker *w, uint32_t slot)
{
	struct asking *a = w->asking;
	struct asked *row = &a->rows[slot];

	if (row->state == ASKED_SENT)
		for (uint32_t i = 0; i < a->under_way_count; i++)
			if (a->under_way[i].slot == slot)
				a->under_way[i].slot = NONE;
	enter(a, row, ASKED_NOT);
	row->hash = 0;
}

/* Let the session look at its line again. */
static void
look_again(struct worker *w, uint32_t slot, enum asked_state state)
{
	enter(w->asking, &w->asking->rows[slot], state);
	worker_due(w, slot);
}

static void
on_answer(struct worker *w, const struct ask_answer *answer)
{
	struct asking *a = w->asking;
	uint32_t slot, i = 0;

	while (i < a->under_way_count && a->under_way[i].id != answer->id)
		i++;
	if (i == a->under_way_count)
		return; /* a predecessor's, or it was answered before */
	slot = a->under_way[i].slot;
	a->under_way[i] = a->under_way[--a->under_way_count];
	if (answer->verdict == ASK_BUSY)
		a->again_us = w->now_us + ASK_AGAIN_US;
	if (slot == NONE)
		return;
	if (answer->verdict == ASK_BUSY) {
		enqueue(w, slot);
		return;
	}
	a->rows[slot].verdict = answer->verdict;
	look_again(w, slot, ASKED_KNOWN);
}

void
ask_on_readable(struct worker *w)
{
	struct ask_answer answer;

	while (recv(w->in->ask, &answer, sizeof(answer), MSG_DONTWAIT) ==
	       (ssize_t)sizeof(answer)) {
		FAULT_POINT("ask.answered");
		on_answer(w, &answer);
	}
}

void
ask_again(struct worker *w)
{
	struct asking *a = w->asking;
	uint32_t slot;

	a->again_us = 0;
	while (a->under_way_count > 0) {
		slot = a->under_way[--a->under_way_count].slot;
		if (slot != NONE)
			look_again(w, slot, ASKED_TURN);
	}
}

/* The verdict may have found no place in a queue, however unlikely. */
void
ask_sweep(struct worker *w)
{
	struct asking *a = w->asking;

	for (uint32_t i = a->under_way_count; i-- > 0;) {
		uint32_t slot = a->under_way[i].slot;

		if (w->now_us - a->under_way[i].sent_us < ASK_LOST_US)
			continue;
		a->under_way[i] = a->under_way[--a->under_way_count];
		if (slot != NONE)
			look_again(w, slot, ASKED_TURN);
	}
}

void
ask_serve(struct worker *w)
{
	struct asking *a = w->asking;
	uint32_t turns = ASK_UNDER_WAY - a->under_way_count, slot;

	while (turns > 0 && a->queue_count > 0 && w->now_us >= a->again_us) {
		slot = a->queue[a->queue_first];
		a->queue_first = (a->queue_first + 1) % w->in->nslots;
		a->queue_count--;
		a->rows[slot].listed = false;
		if (a->rows[slot].state != ASKED_QUEUED)
			continue; /* it has gone */
		look_again(w, slot, ASKED_TURN);
		turns--;
	}
}
