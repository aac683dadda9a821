/* SPDX-License-Identifier: MIT */
/*
 * Rows to JSON or text.  A table's cells are kept as strings until the last
 * row has come, since only then the widths are known; a stream's are printed
 * at once.
 */
#include "tools/shmdump/out.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/shmdump/escape.h"

static int failed_with; /* errno of the first failed write */

struct out_value
out_none(void)
{
	return (struct out_value){.kind = OUT_NONE};
}

struct out_value
out_text(const char *text, size_t len)
{
	return (struct out_value){.kind = OUT_TEXT, .text = text, .len = len};
}

struct out_value
out_string(const char *text)
{
	return text == NULL ? out_none() : out_text(text, strlen(text));
}

struct out_value
out_number(uint64_t number)
{
	return out_as(OUT_NUMBER, number);
}

struct out_value
out_as(enum out_kind kind, uint64_t number)
{
	return (struct out_value){.kind = kind, .number = number};
}

/* A time that no calendar holds comes from a broken segment: print a dash. */
static void
put_time(struct outbuf *b, uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	char text[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) != 19)
		outbuf_puts(b, "-");
	else
		outbuf_printf(
		    b, "%s.%03uZ", text, (unsigned)(us / 1000 % 1000));
}

/* The two units that matter. */
static void
put_duration(struct outbuf *b, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (ms < 1000)
		outbuf_printf(b, "%" PRIu64 "ms", ms);
	else if (s < 60)
		outbuf_printf(
		    b, "%" PRIu64 ".%us", s, (unsigned)(ms / 100 % 10));
	else if (s < 3600)
		outbuf_printf(
		    b, "%" PRIu64 "m %02us", s / 60, (unsigned)(s % 60));
	else if (s < 86400)
		outbuf_printf(
		    b, "%" PRIu64 "h %02um", s / 3600, (unsigned)(s / 60 % 60));
	else
		outbuf_printf(b, "%" PRIu64 "d %02uh", s / 86400,
		    (unsigned)(s / 3600 % 24));
}

static void
put_bytes(struct outbuf *b, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t tenths;
	size_t unit = 0;

	if (bytes < 1024) {
		outbuf_printf(b, "%" PRIu64, bytes);
		return;
	}
	while (bytes >= (uint64_t)1024 * 1024) {
		bytes /= 1024;
		unit++;
	}
	tenths = bytes * 10 / 1024;
	outbuf_printf(b, "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10,
	    units[unit]);
}

void
out_put(struct outbuf *b, const struct out_value *v)
{
	switch (v->kind) {
	case OUT_NONE:
		outbuf_puts(b, "-");
		break;
	case OUT_TEXT:
		if (v->len == 0)
			outbuf_puts(b, "-");
		escape_terminal(b, v->text, v->len);
		break;
	case OUT_NUMBER:
		outbuf_printf(b, "%" PRIu64, v->number);
		break;
	case OUT_BYTES:
		put_bytes(b, v->number);
		break;
	case OUT_MS:
		put_duration(b, v->number);
		break;
	case OUT_SECONDS:
		if (v->number < 60)
			outbuf_printf(b, "%" PRIu64 "s", v->number);
		else
			put_duration(
			    b, MIN(v->number, UINT64_MAX / 1000) * 1000);
		break;
	case OUT_TIME:
		put_time(b, v->number);
		break;
	case OUT_BOOL:
		outbuf_puts(b, v->number != 0 ? "yes" : "no");
		break;
	}
}

static void
put_json(struct outbuf *b, const struct out_value *v)
{
	switch (v->kind) {
	case OUT_NONE:
		outbuf_puts(b, "null");
		break;
	case OUT_TEXT:
		escape_json(b, v->text, v->len);
		break;
	case OUT_NUMBER:
	case OUT_BYTES:
	case OUT_MS:
	case OUT_SECONDS:
		outbuf_printf(b, "%" PRIu64, v->number);
		break;
	case OUT_TIME:
		outbuf_puts(b, "\"");
		put_time(b, v->number);
		outbuf_puts(b, "\"");
		break;
	case OUT_BOOL:
		outbuf_puts(b, v->number != 0 ? "true" : "false");
		break;
	}
}

void
out_bytes(const char *bytes, size_t len)
{
	if (len > 0 && fwrite(bytes, 1, len, stdout) < len && failed_with == 0)
		failed_with = errno;
}

static void
flush_line(struct out *out)
{
	out_bytes(out->line.bytes, out->line.used);
	out->line.used = 0;
}

static void
json_row(struct out *out, const struct out_value *values)
{
	const char *separator = "{";

	if (out->shape == OUT_TABLE)
		outbuf_puts(&out->line, out->nrows == 0 ? "\n" : ",\n");
	for (size_t i = 0; i < out->ncolumns; i++) {
		if (out->columns[i].key == NULL)
			continue;
		outbuf_printf(
		    &out->line, "%s\"%s\":", separator, out->columns[i].key);
		put_json(&out->line, &values[i]);
		separator = ",";
	}
	outbuf_puts(&out->line, out->shape == OUT_TABLE ? "}" : "}\n");
	flush_line(out);
}

/* Print one row of cells; returns where the next row's begin. */
static const char *
print_cells(struct out *out, const char *cell)
{
	size_t gap = 0, width, pad;

	for (size_t i = 0; i < out->ncolumns; i++) {
		if (out->columns[i].head == NULL)
			continue;
		width = escape_width(cell);
		pad = out->widths[i] > width ? out->widths[i] - width : 0;
		outbuf_pad(&out->line, gap);
		if (out->columns[i].right)
			outbuf_pad(&out->line, pad);
		outbuf_puts(&out->line, cell);
		gap = 2 + (out->columns[i].right ? 0 : pad);
		cell += strlen(cell) + 1;
	}
	outbuf_puts(&out->line, "\n");
	flush_line(out);
	return cell;
}

static void
print_head(struct out *out)
{
	struct outbuf heads = {0};

	for (size_t i = 0; i < out->ncolumns; i++)
		if (out->columns[i].head != NULL)
			outbuf_add(&heads, out->columns[i].head,
			    strlen(out->columns[i].head) + 1);
	print_cells(out, heads.bytes);
	outbuf_fini(&heads);
}

static void
text_row(struct out *out, const struct out_value *values)
{
	size_t start, width;

	if (out->shape == OUT_STREAM)
		out->cells.used = 0;
	for (size_t i = 0; i < out->ncolumns; i++) {
		if (out->columns[i].head == NULL)
			continue;
		start = out->cells.used;
		out_put(&out->cells, &values[i]);
		outbuf_add(&out->cells, "", 1);
		if (out->shape != OUT_TABLE)
			continue;
		width = escape_width(out->cells.bytes + start);
		if (width > out->widths[i])
			out->widths[i] = width;
	}
	if (out->shape == OUT_STREAM)
		print_cells(out, out->cells.bytes);
}

static void
print_object(struct out *out)
{
	const char *cell = out->cells.bytes;
	size_t width = 0, len;

	for (size_t i = 0; i < out->ncolumns; i++)
		if (out->widths[i] > width)
			width = out->widths[i];
	for (size_t i = 0; i < out->ncolumns; i++) {
		if (out->columns[i].head == NULL)
			continue;
		len = strlen(out->columns[i].head);
		outbuf_add(&out->line, out->columns[i].head, len);
		outbuf_pad(&out->line, width - len + 2);
		outbuf_puts(&out->line, cell);
		outbuf_puts(&out->line, "\n");
		cell += strlen(cell) + 1;
	}
	flush_line(out);
}

void
out_begin(struct out *out, enum out_shape shape, bool json,
    const struct out_column *columns, size_t ncolumns)
{
	*out = (struct out){
	    .shape = shape,
	    .json = json,
	    .columns = columns,
	    .ncolumns = ncolumns,
	};
	if (ncolumns > OUT_COLUMNS)
		errx(1, "a table of %zu columns", ncolumns);
	for (size_t i = 0; i < ncolumns; i++) {
		out->widths[i] = columns[i].width;
		if (columns[i].head != NULL &&
		    strlen(columns[i].head) > out->widths[i])
			out->widths[i] = strlen(columns[i].head);
	}
	if (json && shape == OUT_TABLE)
		outbuf_puts(&out->line, "[");
	else if (!json && shape == OUT_STREAM)
		print_head(out);
}

void
out_row(struct out *out, const struct out_value *values)
{
	if (out->json)
		json_row(out, values);
	else
		text_row(out, values);
	out->nrows++;
}

int
out_end(struct out *out)
{
	const char *cell = out->cells.bytes;

	if (out->json && out->shape == OUT_TABLE) {
		outbuf_puts(&out->line, out->nrows == 0 ? "]\n" : "\n]\n");
		flush_line(out);
	} else if (!out->json && out->shape == OUT_TABLE) {
		print_head(out);
		for (size_t i = 0; i < out->nrows; i++)
			cell = print_cells(out, cell);
	} else if (!out->json && out->shape == OUT_OBJECT) {
		print_object(out);
	}
	outbuf_fini(&out->cells);
	outbuf_fini(&out->line);
	return failed_with != 0 ? -1 : 0;
}

void
out_flush(void)
{
	if (fflush(stdout) != 0 && failed_with == 0)
		failed_with = errno;
}

int
out_error(void)
{
	return failed_with;
}
