/* SPDX-License-Identifier: MIT */
/* Values that only keys of the server have: for config_key.set, see config.h.
 */
#ifndef MASTER_OPTIONS_SET_H
#define MASTER_OPTIONS_SET_H

#include "shared/base/config.h"

/* Says what is wrong with a value; returns -1. */
int options_complain(
    char *err, size_t errsize, const char *value, const char *what);

int options_set_name(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);
int options_set_listen(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);
int options_set_origin(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);
int options_set_path(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);
int options_set_log(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);

#endif
