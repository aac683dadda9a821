/* SPDX-License-Identifier: MIT */
/* Host and Origin, and whether they are one. */
#include "proxy/http_host.h"

#include <string.h>
#include <strings.h>

#include "shared/base/base.h"

struct host {
	struct http_field name; /* with the brackets of an IPv6 address */
	int port;               /* -1: not said */
};

struct origin {
	struct host host; /* its port is always said */
	bool secure;
};

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* What stands between brackets (RFC 3986, IP-literal, without zones). */
static bool
is_literal(struct http_field f)
{
	for (size_t i = 0; i < f.len; i++)
		if (!is_alnum(f.at[i]) && f.at[i] != ':' && f.at[i] != '.')
			return false;
	return f.len > 0;
}

/* RFC 3986, reg-name; an IPv4 address is one too. */
static bool
is_name(struct http_field f)
{
	for (size_t i = 0; i < f.len; i++)
		if (!is_alnum(f.at[i]) &&
		    (f.at[i] == '\0' ||
			strchr("-._~%!$&'()*+,;=", f.at[i]) == NULL))
			return false;
	return f.len > 0;
}

/* The port behind its colon: digits, or nothing for the default. */
static bool
read_port(struct http_field f, int *port)
{
	*port = -1;
	for (size_t i = 0; i < f.len; i++) {
		if (f.at[i] < '0' || f.at[i] > '9')
			return false;
		*port = (*port < 0 ? 0 : *port) * 10 + (f.at[i] - '0');
		if (*port > UINT16_MAX)
			return false;
	}
	return true;
}

static bool
read_host(struct http_field f, struct host *host)
{
	bool literal = f.len > 0 && f.at[0] == '[';
	size_t end = 0;

	while (end < f.len && f.at[end] != (literal ? ']' : ':'))
		end++;
	if (literal) {
		if (end == f.len ||
		    !is_literal((struct http_field){f.at + 1, end - 1}))
			return false;
		end++;
	} else if (!is_name((struct http_field){f.at, end})) {
		return false;
	}
	host->name = (struct http_field){f.at, end};
	host->port = -1;
	if (end == f.len)
		return true;
	return f.at[end] == ':' &&
	       read_port((struct http_field){f.at + end + 1, f.len - end - 1},
		   &host->port);
}

bool
http_host_is_valid(struct http_field host)
{
	struct host parts;

	return read_host(host, &parts);
}

/* RFC 6454, section 6.2: of the web, one, and nothing behind the port. */
static bool
read_origin(struct http_field f, struct origin *origin)
{
	size_t scheme;

	origin->secure = f.len > 8 && strncasecmp(f.at, "https://", 8) == 0;
	if (!origin->secure &&
	    !(f.len > 7 && strncasecmp(f.at, "http://", 7) == 0))
		return false;
	scheme = origin->secure ? 8 : 7;
	f.at += scheme;
	f.len -= scheme;
	if (!read_host(f, &origin->host))
		return false;
	if (origin->host.port < 0)
		origin->host.port = origin->secure ? 443 : 80;
	return true;
}

static bool
same_text(struct http_field a, struct http_field b)
{
	return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

/* A Host without a port: that of http, or of https if TLS ended before us. */
static bool
is_ours(const struct origin *origin, struct http_field field)
{
	struct host host;

	if (field.at == NULL || !read_host(field, &host))
		return false;
	if (host.port < 0)
		host.port = origin->secure ? 443 : 80;
	return host.port == origin->host.port &&
	       same_text(host.name, origin->host.name);
}

static bool
is_listed(struct http_field text, const struct origin *origin, const char *more)
{
	struct http_field listed = {more, strlen(more)};
	struct origin other;

	if (origin == NULL || !read_origin(listed, &other))
		return same_text(text, listed);
	return other.secure == origin->secure &&
	       other.host.port == origin->host.port &&
	       same_text(other.host.name, origin->host.name);
}

bool
http_origin_is_allowed(
    const struct http_request *r, const char *const *more, size_t count)
{
	struct origin origin;
	bool web;

	if (r->origin.at == NULL)
		return true;
	if (r->origin.len == 0 ||
	    same_text(r->origin, (struct http_field){"null", 4}))
		return false;
	web = read_origin(r->origin, &origin);
	if (web && is_ours(&origin, r->host))
		return true;
	for (size_t i = 0; i < count; i++)
		if (is_listed(r->origin, web ? &origin : NULL, more[i]))
			return true;
	return false;
}
