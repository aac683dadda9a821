/* SPDX-License-Identifier: MIT */
/* See reload.h. */
#include "master/reload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "master/access.h"
#include "master/auth.h"
#include "master/policy.h"
#include "master/tls.h"
#include "shared/base/clock.h"
#include "shared/base/config.h"
#include "shared/base/log.h"
#include "shared/net/notify.h"

#define SHOWN LOG_QUOTED(CONFIG_ERROR_MAX)

/* What the options were at the start, before they were fitted. */
static struct options at_start;
static int args_count;
static char *const *args;

#define KEY(key, field)                                                        \
	{                                                                      \
		key, offsetof(struct options, field),                          \
		    sizeof(((struct options *)0)->field)                       \
	}

/* What can't be changed while it runs. */
static const struct {
	const char *key;
	size_t at, size;
} fixed[] = {
    KEY("workers", workers),
    KEY("telnet-workers", telnet_workers),
    KEY("web-workers", web_workers),
    KEY("tls-workers", tls_workers),
    KEY("name", name),
    KEY("line", line),
    KEY("telnet", telnet),
    KEY("web", web),
    KEY("metrics", metrics),
    KEY("line-tls", line_tls),
    KEY("telnet-tls", telnet_tls),
    KEY("web-tls", web_tls),
    KEY("cert", cert),
    KEY("key", key),
    KEY("ocsp", ocsp),
    KEY("max-clients", max_clients),
    KEY("max-rooms", max_rooms),
    KEY("max-line", max_line),
    KEY("ring-size", ring_size_asked),
    KEY("watchdog", watchdog_s),
    KEY("bans-file", bans_file),
    KEY("user", user),
    KEY("group", group),
    KEY("sandbox", sandbox),
    KEY("log", log),
    KEY("log-level", log_level),
    KEY("log-format", log_format),
};

void
reload_begin(const struct options *options, int argc, char *const argv[])
{
	at_start = *options;
	args_count = argc;
	args = argv;
}

int
reload_secrets(struct options *options, const struct access_sink *sink,
    char *err, size_t errsize)
{
	return options_read_secrets(
	    options, args_count, args, sink, err, errsize);
}

static void
reload_name_fixed(const struct options *new)
{
	for (size_t i = 0; i < COUNT(fixed); i++)
		if (memcmp((const char *)new + fixed[i].at,
			(const char *)&at_start + fixed[i].at,
			fixed[i].size) != 0)
			log_warnx("reload-ignored",
			    "key=%s reason=\"it needs a restart\"",
			    fixed[i].key);
}

/* What takes effect at once. */
static void
reload_take(struct options *o, const struct options *new)
{
	o->max_clients_per_ip = new->max_clients_per_ip;
	o->connect_rate = new->connect_rate;
	o->max_rooms_per_ip = new->max_rooms_per_ip;
	o->login_timeout_s = new->login_timeout_s;
	o->idle_timeout_s = new->idle_timeout_s;
	o->web_ping_s = new->web_ping_s;
	o->rate = new->rate;
	o->burst = new->burst;
	o->replay = new->replay;
	o->replay_given = new->replay_given;
	o->wrap = new->wrap;
	o->color = new->color;
	o->time = new->time;
	o->web_origins = new->web_origins;
	o->login_failures = new->login_failures;
	o->auth_workers = MAX(o->auth_workers, new->auth_workers);
	memcpy(o->users_file, new->users_file, sizeof(o->users_file));
}

/* Returns whether there is a new policy. */
static bool
reload_options(struct master *m)
{
	static struct options new; /* large */
	char err[CONFIG_ERROR_MAX], quoted[SHOWN];
	struct access old;

	if (options_read(&new, args_count, args, err, sizeof(err)) == -1) {
		log_errorx("reload-failed", "reason=%s",
		    log_quote(quoted, sizeof(quoted), err, strlen(err)));
		access_free(&new.access);
		return false;
	}
	reload_name_fixed(&new);
	access_warn(&new.access);
	old = m->options.access;
	reload_take(&m->options, &new);
	m->options.access = new.access;
	if (policy_renew(m) == -1) {
		log_error("reload-failed", "reason=\"no memory for it\"");
		m->options.access = old;
		access_free(&new.access);
		return false;
	}
	access_free(&old);
	return true;
}

void
reload_on_hup(struct master *m)
{
	char state[64];

	if (m->stopping)
		return;
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    clock_us());
	notify_send(state);
	if (reload_options(m)) {
		log_info("reload",
		    "version=%" PRIu64 " rooms=%" PRIu32 " users=%" PRIu32,
		    policy_version(&m->policy), m->options.access.nrooms,
		    m->options.access.nusers);
		auth_renew(m); /* it would read what has been refused */
	}
	tls_reload(m);
	notify_send("READY=1");
}
