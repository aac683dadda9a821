/* SPDX-License-Identifier: MIT */
/*
 * The part of the configuration that workers know, but for rooms and users:
 * it is part of a policy, see policy.h.  No pointers.
 */
#ifndef SHARED_CHAT_SETTINGS_H
#define SHARED_CHAT_SETTINGS_H

#include <stdint.h>

#define SETTINGS_KINDS 8 /* kinds of listeners that there is room for */
#define SETTINGS_ORIGINS 16
#define SETTINGS_ORIGIN_SIZE 256

struct settings {
	uint32_t max_line; /* bytes in one message */
	uint32_t max_rooms;
	uint32_t max_rooms_per_ip; /* or IPv6 /64; 0: no limit */
	uint32_t login_timeout_s;  /* 0: never */
	uint32_t idle_timeout_s;   /* 0: never */
	uint32_t web_ping_s;       /* 0: never */
	uint32_t watchdog_s;       /* 0: there is none */
	uint32_t rate;             /* lines a second and client; 0: no limit */
	uint32_t burst;            /* lines that may come at once */
	uint32_t replay[SETTINGS_KINDS]; /* messages shown on joining */
	uint32_t wrap, color, time; /* telnet: 1 if a client begins with that */
	uint32_t origins_count;     /* web: whose pages may come, too */
	char origins[SETTINGS_ORIGINS][SETTINGS_ORIGIN_SIZE];
};

#endif
