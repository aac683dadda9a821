/* SPDX-License-Identifier: MIT */
/* The connections. */
#include "tools/shmdump/views.h"

#include <stdio.h>

#include "shared/net/channel.h"
#include "shared/net/listen.h"
#include "shared/net/suite.h"
#include "shared/shm/seat.h"
#include "tools/shmdump/out.h"

enum {
	COL_SLOT,
	COL_ID,
	COL_LISTENER,
	COL_STATE,
	COL_MOVING,
	COL_LAGGING,
	COL_WORKER,
	COL_ROOM,
	COL_NAME,
	COL_ADDRESS,
	COL_PORT,
	COL_IN,
	COL_OUT,
	COL_LAG,
	COL_AGE,
	COL_TLS,
	COL_CIPHER,
	COL_RIGHTS,
	COLS,
};

static const struct out_column columns[COLS] = {
    [COL_SLOT] = {.key = "slot", .head = "SLOT", .right = true},
    [COL_ID] = {.key = "id", .head = "ID", .right = true},
    [COL_LISTENER] = {.key = "listener", .head = "LISTENER"},
    [COL_STATE] = {.key = "state", .head = "STATE"},
    [COL_MOVING] = {.key = "moving"},
    [COL_LAGGING] = {.key = "lagging"},
    [COL_WORKER] = {.key = "worker", .head = "WORKER", .right = true},
    [COL_ROOM] = {.key = "room", .head = "ROOM"},
    [COL_NAME] = {.key = "name", .head = "NAME"},
    [COL_ADDRESS] = {.key = "address", .head = "ADDRESS"},
    [COL_PORT] = {.key = "port", .head = "PORT", .right = true},
    [COL_IN] = {.key = "in", .head = "IN", .right = true},
    [COL_OUT] = {.key = "out", .head = "OUT", .right = true},
    [COL_LAG] = {.key = "lag", .head = "LAG", .right = true},
    [COL_AGE] = {.key = "age_s", .head = "AGE", .right = true},
    [COL_TLS] = {.key = "tls", .head = "TLS"},
    [COL_CIPHER] = {.key = "cipher", .head = "CIPHER"},
    [COL_RIGHTS] = {.key = "rights", .head = "RIGHTS"},
};

/* What it came in by: a session of TLS says what it is within that. */
static const char *
listener_name(uint8_t kind, bool tls)
{
	static const char *const names[LISTENER_KINDS][2] = {
	    [LISTENER_LINE] = {"line", "line-tls"},
	    [LISTENER_TELNET] = {"telnet", "telnet-tls"},
	    [LISTENER_WEB] = {"web", "web-tls"},
	    [LISTENER_METRICS] = {"metrics", NULL},
	};

	return kind < LISTENER_KINDS ? names[kind][tls] : NULL;
}

static const char *
state_name(uint8_t state)
{
	static const char *const names[] = {
	    [SESSION_ROOM] = "room",
	    [SESSION_NAME] = "name",
	    [SESSION_JOINED] = "joined",
	    [SESSION_LEAVING] = "leaving",
	    [SESSION_HTTP] = "http",
	    [SESSION_ROOM_PASSWORD] = "room-password",
	    [SESSION_NAME_PASSWORD] = "name-password",
	};

	return state < COUNT(names) ? names[state] : NULL;
}

/* The room it reads, or the one it has asked for. */
static struct out_value
session_room(
    const struct dump *d, const struct session_shm *s, char name[LIMIT_ROOM])
{
	size_t len = 0;

	if (s->half.state == SESSION_NAME && s->half.room_len <= LIMIT_ROOM)
		return out_text(s->half.room_name, s->half.room_len);
	if (s->half.state != SESSION_ROOM)
		len = dump_room_name(d, s->half.room, s->half.room_gen, name);
	return len == 0 ? out_none() : out_text(name, len);
}

#define RIGHTS_MAX 32

/* The words that hold, with commas. */
static struct out_value
session_rights(uint8_t rights, char text[RIGHTS_MAX])
{
	static const char *const names[] = {"registered", "operator", "muted"};
	size_t len = 0;

	for (size_t i = 0; i < COUNT(names); i++)
		if ((rights & 1u << i) != 0)
			len += (size_t)snprintf(text + len, RIGHTS_MAX - len,
			    "%s%s", len > 0 ? "," : "", names[i]);
	return len == 0 ? out_none() : out_text(text, len);
}

/* Records that it has not been sent yet, of whatever room. */
static uint64_t
session_lag(const struct dump *d, const struct session_shm *s, uint32_t seat)
{
	uint64_t next = s->half.own, cursor;

	if (s->half.state != SESSION_JOINED && s->half.state != SESSION_LEAVING)
		return 0;
	if (!s->half.lag && seat != NONE) {
		cursor = atomic_load(&segment_seat(&d->seg, seat)->cursor);
		next = MAX(next, cursor);
	}
	return figures_lag(&d->seg, next, d->head);
}

static void
sessions_row(const struct dump *d, struct out *out, uint32_t slot,
    const struct session_shm *s)
{
	char room[LIMIT_ROOM], address[LISTEN_NAME_MAX], rights[RIGHTS_MAX];
	uint32_t owner = atomic_load(&s->owner);
	uint32_t seat = figures_owner_seat(&d->seg, owner);
	struct out_value row[COLS];

	row[COL_SLOT] = out_number(slot);
	row[COL_ID] = out_number(s->id);
	row[COL_LISTENER] =
	    out_string(listener_name(s->kind, s->tls != SUITE_NONE));
	row[COL_STATE] = out_string(state_name(s->half.state));
	row[COL_MOVING] = out_as(OUT_BOOL, (owner & OWNER_MOVING) != 0);
	row[COL_LAGGING] = out_as(OUT_BOOL, s->half.lag != 0);
	row[COL_WORKER] = seat == NONE ? out_none() : out_number(seat);
	row[COL_ROOM] = session_room(d, s, room);
	row[COL_NAME] = s->name_len == 0 || s->name_len > LIMIT_NAME
			    ? out_none()
			    : out_text(s->name, s->name_len);
	row[COL_ADDRESS] = out_string(listen_address_text(s->addr, address));
	row[COL_PORT] = out_number(s->port);
	row[COL_IN] = out_as(OUT_BYTES, atomic_load(&s->in_total));
	row[COL_OUT] = out_as(OUT_BYTES, atomic_load(&s->out_total));
	row[COL_LAG] = out_number(session_lag(d, s, seat));
	row[COL_AGE] = out_as(
	    OUT_SECONDS, figures_age_us(s->accepted_us, d->now_us) / 1000000);
	row[COL_TLS] = out_string(suite_version(s->tls));
	row[COL_CIPHER] = out_string(suite_cipher(s->tls));
	row[COL_RIGHTS] = session_rights(
	    atomic_load_explicit(&s->rights, memory_order_relaxed), rights);
	out_row(out, row);
}

int
sessions_view(const struct dump *d)
{
	const struct segment *seg = &d->seg;
	struct session_shm s;
	struct out out;

	out_begin(&out, OUT_TABLE, d->json, columns, COLS);
	for (uint32_t i = 0; i < seg->params.nslots; i++) {
		if (atomic_load_explicit(
			&seg->sessions[i].owner, memory_order_acquire) == 0)
			continue;
		segment_copy(&s, &seg->sessions[i], sizeof(s));
		if (atomic_load(&s.owner) != 0)
			sessions_row(d, &out, i, &s);
	}
	return out_end(&out) == -1;
}
