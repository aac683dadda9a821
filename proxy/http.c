/* SPDX-License-Identifier: MIT */
/*
 * The head of a request, read once as a whole: the request line, then field by
 * field.  What two readers could understand in two ways is refused: that is how
 * requests are smuggled (RFC 9112, section 11.2).
 */
#include "proxy/http.h"

#include <string.h>
#include <strings.h>

#include "proxy/http_host.h"
#include "shared/base/base64.h"

/* What is collected of the fields beside struct http_request. */
struct fields {
	struct http_field content_length, transfer_encoding, version;
	bool http_10;
	bool says_close, says_keep_alive, says_upgrade; /* Connection */
	bool websocket;                                 /* Upgrade */
};

/* What is left of the head. */
struct reader {
	const char *at, *end;
};

static bool
is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_token(struct http_field f)
{
	for (size_t i = 0; i < f.len; i++)
		if (!is_token_char(f.at[i]))
			return false;
	return f.len > 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is(struct http_field f, const char *text)
{
	return f.len == strlen(text) && memcmp(f.at, text, f.len) == 0;
}

static bool
is_nocase(struct http_field f, const char *text)
{
	return f.len == strlen(text) && strncasecmp(f.at, text, f.len) == 0;
}

long
http_head_end(const char *text, size_t len)
{
	size_t within = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;
	size_t line = within >= 2 && memcmp(text, "\r\n", 2) == 0 ? 2 : 0;

	/* A bare LF ends a line here, so that it is refused at once. */
	while (line < within) {
		const char *lf = memchr(text + line, '\n', within - line);
		size_t end;

		if (lf == NULL)
			break;
		end = (size_t)(lf - text);
		if (end == line || (end == line + 1 && text[line] == '\r'))
			return (long)end + 1;
		line = end + 1;
	}
	return len < HTTP_HEAD_MAX ? 0 : -1;
}

/*
 * Takes a line and the CR LF behind it; false if it ends otherwise.  A CR
 * within is found where other controls are.
 */
static bool
take_line(struct reader *r, struct http_field *line)
{
	const char *lf = memchr(r->at, '\n', (size_t)(r->end - r->at));

	if (lf == NULL || lf == r->at || lf[-1] != '\r')
		return false;
	line->at = r->at;
	line->len = (size_t)(lf - 1 - r->at);
	r->at = lf + 1;
	return true;
}

/* Takes what stands before the next `c`, or all if there is none. */
static struct http_field
take_until(struct http_field *f, char c)
{
	const char *at = memchr(f->at, c, f->len);
	struct http_field before = {f->at, f->len};

	if (at != NULL)
		before.len = (size_t)(at - f->at);
	f->len -= at != NULL ? before.len + 1 : before.len;
	f->at += at != NULL ? before.len + 1 : before.len;
	return before;
}

static struct http_field
trim(struct http_field f)
{
	while (f.len > 0 && is_blank(f.at[0])) {
		f.at++;
		f.len--;
	}
	while (f.len > 0 && is_blank(f.at[f.len - 1]))
		f.len--;
	return f;
}

/* HTTP/1.0 or 1.x; what is newer within 1 reads as 1.1. */
static unsigned
read_version(struct http_field f, struct fields *fields)
{
	if (f.len != 8 || memcmp(f.at, "HTTP/", 5) != 0 || f.at[6] != '.' ||
	    f.at[5] < '0' || f.at[5] > '9' || f.at[7] < '0' || f.at[7] > '9')
		return 400;
	fields->http_10 = f.at[7] == '0';
	return f.at[5] == '1' ? 0 : 505;
}

/*
 * The target in absolute form, as a proxy would have it: its host goes before
 * that of Host (RFC 9112, section 3.2.2).
 */
static bool
read_absolute(struct http_field target, struct http_request *r)
{
	size_t scheme;

	if (target.len > 7 && strncasecmp(target.at, "http://", 7) == 0)
		scheme = 7;
	else if (target.len > 8 && strncasecmp(target.at, "https://", 8) == 0)
		scheme = 8;
	else
		return false;
	target.at += scheme;
	target.len -= scheme;
	r->host.at = target.at;
	while (r->host.len < target.len && target.at[r->host.len] != '/')
		r->host.len++;
	r->path.at = target.at + r->host.len;
	r->path.len = target.len - r->host.len;
	if (r->path.len == 0)
		r->path = (struct http_field){"/", 1};
	return http_host_is_valid(r->host);
}

static unsigned
read_target(struct http_field target, struct http_request *r)
{
	for (size_t i = 0; i < target.len; i++)
		if (target.at[i] <= ' ' || target.at[i] > '~' ||
		    target.at[i] == '#')
			return 400;
	if (target.len == 0)
		return 400;
	if (r->method == HTTP_OTHER)
		return 0; /* OPTIONS has `*`, CONNECT a host and port */
	r->path = take_until(&target, '?');
	if (r->path.len > 0 && r->path.at[0] == '/')
		return 0;
	return read_absolute(r->path, r) ? 0 : 400;
}

static unsigned
read_request_line(
    struct http_field line, struct http_request *r, struct fields *fields)
{
	struct http_field method = take_until(&line, ' ');
	struct http_field target = take_until(&line, ' ');
	unsigned status = read_version(line, fields);

	if (!is_token(method))
		return 400;
	if (is(method, "GET"))
		r->method = HTTP_GET;
	else if (is(method, "HEAD"))
		r->method = HTTP_HEAD;
	else
		r->method = HTTP_OTHER;
	return status != 0 ? status : read_target(target, r);
}

/* A field that may come once. */
static unsigned
once(struct http_field *field, struct http_field value)
{
	if (field->at != NULL)
		return 400;
	*field = value;
	return 0;
}

static unsigned
read_connection(struct http_field list, struct fields *fields)
{
	while (list.len > 0) {
		struct http_field option = trim(take_until(&list, ','));

		if (option.len > 0 && !is_token(option))
			return 400;
		fields->says_close |= is_nocase(option, "close");
		fields->says_keep_alive |= is_nocase(option, "keep-alive");
		fields->says_upgrade |= is_nocase(option, "upgrade");
	}
	return 0;
}

/* Each is a name, or a name/version. */
static unsigned
read_upgrade(struct http_field list, struct fields *fields)
{
	while (list.len > 0) {
		struct http_field product = trim(take_until(&list, ','));
		bool websocket = is_nocase(product, "websocket");
		bool empty = product.len == 0;
		struct http_field name = take_until(&product, '/');

		if (!empty && (!is_token(name) ||
				  (product.len > 0 && !is_token(product))))
			return 400;
		fields->websocket |= websocket;
	}
	return 0;
}

/* The client's order is its preference; the names have one case. */
static unsigned
read_protocols(struct http_field list, struct http_request *r)
{
	while (list.len > 0) {
		struct http_field name = trim(take_until(&list, ','));

		if (name.len == 0)
			continue;
		if (!is_token(name))
			return 400;
		if (r->protocol == HTTP_PROTOCOL_JSON ||
		    r->protocol == HTTP_PROTOCOL_TEXT)
			continue;
		if (is(name, "chat.json"))
			r->protocol = HTTP_PROTOCOL_JSON;
		else if (is(name, "chat.text"))
			r->protocol = HTTP_PROTOCOL_TEXT;
		else
			r->protocol = HTTP_PROTOCOL_UNKNOWN;
	}
	return 0;
}

static unsigned
read_field(struct http_field name, struct http_field value,
    struct http_request *r, struct fields *fields, struct http_field *host)
{
	if (is_nocase(name, "Host"))
		return once(host, value);
	if (is_nocase(name, "Origin"))
		return once(&r->origin, value);
	if (is_nocase(name, "Content-Length"))
		return once(&fields->content_length, value);
	if (is_nocase(name, "Transfer-Encoding"))
		return once(&fields->transfer_encoding, value);
	if (is_nocase(name, "Sec-WebSocket-Key"))
		return once(&r->key, value);
	if (is_nocase(name, "Sec-WebSocket-Version"))
		return once(&fields->version, value);
	if (is_nocase(name, "Sec-WebSocket-Protocol"))
		return read_protocols(value, r);
	if (is_nocase(name, "Connection"))
		return read_connection(value, fields);
	if (is_nocase(name, "Upgrade"))
		return read_upgrade(value, fields);
	/* A list that goes on is a reason to send the page again, no more. */
	if (is_nocase(name, "If-None-Match") && r->if_none_match.at == NULL)
		r->if_none_match = value;
	return 0;
}

/* name ":" OWS value OWS; a line that begins with a blank is no token. */
static unsigned
read_field_line(struct http_field line, struct http_request *r,
    struct fields *fields, struct http_field *host)
{
	struct http_field value = line;
	struct http_field name = take_until(&value, ':');

	if (name.len == line.len || !is_token(name))
		return 400;
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return 400;
	}
	return read_field(name, trim(value), r, fields, host);
}

static bool
is_digits(struct http_field f)
{
	for (size_t i = 0; i < f.len; i++)
		if (f.at[i] < '0' || f.at[i] > '9')
			return false;
	return f.len > 0;
}

/* There is no body: none that we would read, none that another would. */
static unsigned
check_body(const struct fields *fields)
{
	const struct http_field *length = &fields->content_length;
	const struct http_field *coding = &fields->transfer_encoding;

	if (length->at != NULL && !is_digits(*length))
		return 400;
	if (coding->at != NULL && (length->at != NULL || fields->http_10))
		return 400;
	if (coding->at != NULL)
		return is_nocase(*coding, "chunked") ? 413 : 501;
	for (size_t i = 0; i < length->len; i++)
		if (length->at[i] != '0')
			return 413;
	return 0;
}

/* What can only be said when all fields are there. */
static unsigned
finish(
    struct http_request *r, const struct fields *fields, struct http_field host)
{
	unsigned status;

	if (host.at == NULL ? !fields->http_10 : !http_host_is_valid(host))
		return 400;
	if (r->host.at == NULL)
		r->host = host;
	if (r->key.at != NULL && !base64_is(r->key.at, r->key.len, 16))
		return 400;
	r->keep_alive = !fields->says_close &&
			(!fields->http_10 || fields->says_keep_alive);
	r->version_13 = is(fields->version, "13");
	r->upgrade = r->method == HTTP_GET && !fields->http_10 &&
		     fields->says_upgrade && fields->websocket;
	status = check_body(fields);
	if (status == 400)
		return status;
	if (r->method == HTTP_OTHER)
		return 405;
	if (status != 0)
		return status;
	return r->upgrade && r->version_13 && r->key.at == NULL ? 400 : 0;
}

unsigned
http_parse(const char *head, size_t len, struct http_request *r)
{
	struct reader reader = {head, head + len};
	struct fields fields = {0};
	struct http_field host = {0}, line;
	unsigned status;

	*r = (struct http_request){0};
	if (len >= 2 && memcmp(head, "\r\n", 2) == 0)
		reader.at += 2;
	if (!take_line(&reader, &line))
		return 400;
	status = read_request_line(line, r, &fields);
	if (status != 0)
		return status;
	for (;;) {
		if (!take_line(&reader, &line))
			return 400;
		if (line.len == 0)
			break;
		status = read_field_line(line, r, &fields, &host);
		if (status != 0)
			return status;
	}
	return reader.at == reader.end ? finish(r, &fields, host) : 400;
}
