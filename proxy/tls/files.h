/* SPDX-License-Identifier: MIT */
/*
 * Small files, read as a whole: certificates, keys, OCSP responses.
 */
#ifndef PROXY_TLS_FILES_H
#define PROXY_TLS_FILES_H

#include "shared/base/base.h"

#define FILE_MAX (1024 * 1024) /* bytes */

struct file {
	char *bytes;
	size_t len;
};

/*
 * Read a regular file.  With `secret`, nobody but its owner may have access to
 * it.  Returns 0, or -1 with a line for a person in err: what is wrong with
 * the file that option `key` names.  It is file_free's.
 */
int file_read(struct file *file, const char *path, bool secret, char *err,
    size_t errsize, const char *key);

/* Wipe it and free it. */
void file_free(struct file *file);

#endif
