/* SPDX-License-Identifier: MIT */
/*
 * HUP: the configuration is read anew, with the options as they were given.  A
 * bad file is refused whole; what needs a restart is named in the log.
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include "master/master.h"

/* At the start, with the options as read: they are what changes refer to. */
void reload_begin(const struct options *options, int argc, char *const argv[]);

/* Reads it all once more, for who keeps the secrets in it: see options.h. */
int reload_secrets(struct options *options, const struct access_sink *sink,
    char *err, size_t errsize);

void reload_on_hup(struct master *m);

#endif
