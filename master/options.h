/* SPDX-License-Identifier: MIT */
/*
 * What the administrator asked for: the keys of the configuration file, each
 * of which is an option too.
 */
#ifndef MASTER_OPTIONS_H
#define MASTER_OPTIONS_H

#include "shared/base/base.h"

#include <stdio.h>

#include "master/access.h"
#include "shared/net/listen.h"
#include "shared/shm/segment.h"

#define WORKERS_MAX 48
#define LISTENERS_MAX 32 /* of one kind, and of all kinds together */

/* What `log` may be beside the path of a file. */
#define OPTIONS_STDERR "stderr"
#define OPTIONS_SYSLOG "syslog" /* and with a colon and a path behind it */

#define ORIGIN_MAX 255 /* bytes */
#define CERTS_MAX 16
#define PATH_SIZE 1024 /* of a certificate and the like, NUL included */

/* A key that names files, and may be repeated. */
struct path_list {
	unsigned count;
	char at[CERTS_MAX][PATH_SIZE];
};

/* A key that names listeners: `none` leaves it empty. */
struct listen_list {
	unsigned count;
	struct listen_address at[LISTENERS_MAX];
};

/* Origins whose pages may open WebSockets here, as browsers write them. */
#define ORIGINS_MAX 16
struct origin_list {
	unsigned count;
	char at[ORIGINS_MAX][ORIGIN_MAX + 1];
};

struct options {
	bool help, version, check;
	bool hash_password, list_users, is_operator; /* users_admin.h */
	char add_user[LIMIT_NAME + 1], remove_user[LIMIT_NAME + 1];
	char file[4096]; /* "" when there is none */
	unsigned workers;
	unsigned telnet_workers;
	unsigned web_workers;
	char name[INSTANCE_MAX + 1];
	struct listen_list line;
	struct listen_list telnet;
	struct listen_list web;
	struct listen_list metrics;
	struct origin_list web_origins;
	struct listen_list line_tls;
	struct listen_list telnet_tls;
	struct listen_list web_tls;
	unsigned tls_workers;
	struct path_list cert, key, ocsp; /* in the same order */
	unsigned max_clients;
	bool max_clients_given; /* not the default: never lowered in silence */
	unsigned max_clients_per_ip; /* or IPv6 /64; 0: no limit */
	unsigned connect_rate;       /* a second, likewise */
	unsigned max_rooms;
	unsigned max_rooms_per_ip;
	unsigned max_line;          /* bytes */
	unsigned login_timeout_s;   /* 0: never */
	unsigned idle_timeout_s;    /* 0: never */
	unsigned web_ping_s;        /* 0: never */
	unsigned rate, burst;       /* lines a second; 0: no limit */
	unsigned replay;            /* messages shown on joining */
	int wrap, color, time;      /* telnet clients begin with that: 1 */
	bool replay_given;          /* else each kind of listener has its own */
	char bans_file[PATH_SIZE];  /* "": see bans.h */
	char users_file[PATH_SIZE]; /* or ACCESS_NO_FILE */
	struct access access;       /* sections, and that file */
	unsigned auth_workers;      /* no key: 1 if there are passwords */
	unsigned login_failures;    /* wrong passwords a minute and address */
	uint64_t ring_size;         /* bytes, a power of two */
	uint64_t ring_size_asked;   /* the same before it was rounded up */
	unsigned watchdog_s;        /* 0: never */
	char user[64], group[64];   /* whom it becomes, or "none" */
	uid_t uid;                  /* no keys: those two looked up */
	gid_t gid;
	int sandbox;    /* workers are confined: 1 */
	char log[4096]; /* stderr, syslog, syslog:PATH, or a path */
	int log_level;  /* enum log_level */
	int log_format; /* enum log_format */
};

/*
 * Read options and, if they name one, the configuration file, and check all
 * of it.  Opens nothing else.  Returns 0, or -1 with a line for a person in
 * err, which names file, line and key; `options` is of no use then, but for
 * access_free.  With
 * help or version set, nothing else was looked at.
 */
int options_read(struct options *options, int argc, char *const argv[],
    char *err, size_t errsize);

/* The same, with each hash given to `sink`: for the auth worker alone. */
int options_read_secrets(struct options *options, int argc, char *const argv[],
    const struct access_sink *sink, char *err, size_t errsize);

/* Print the usage and every option. */
void options_help(FILE *out);

#endif
