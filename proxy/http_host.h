/* SPDX-License-Identifier: MIT */
/* Hosts and ports as the fields of HTTP have them; for proxy/http.c. */
#ifndef PROXY_HTTP_HOST_H
#define PROXY_HTTP_HOST_H

#include "proxy/http.h"

/* A host of at least one character, perhaps with a port (RFC 9110, 7.2)? */
bool http_host_is_valid(struct http_field host);

#endif
