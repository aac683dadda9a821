/* SPDX-License-Identifier: MIT */
/*
 * The chat page, as it is built into the binary: proxy/page/ holds its source
 * and the script that makes these.
 */
#ifndef PROXY_PAGE_H
#define PROXY_PAGE_H

#include <stddef.h>

extern const char page_bytes[];
extern const size_t page_size;
extern const char page_etag[];   /* a strong validator, with its quotes */
extern const char page_policy[]; /* value of Content-Security-Policy */

#endif
