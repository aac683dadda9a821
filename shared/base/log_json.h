/* SPDX-License-Identifier: MIT */
/*
 * A line of the log as a JSON object (RFC 8259).  Apart from log.c because it
 * is pure, and so that it can be tested alone.
 */
#ifndef SHARED_BASE_LOG_JSON_H
#define SHARED_BASE_LOG_JSON_H

#include "shared/base/log.h"

/*
 * Room for any line as JSON.  The worst is one of single letters: two bytes
 * each, and seven as "a":"",
 */
#define LOG_JSON_MAX (4 * LOG_LINE_MAX)

/*
 * Turn a line of logfmt (at most LOG_LINE_MAX bytes, LF included) into one
 * object with the same keys in the same order, LF behind it and no NUL.
 * Returns its bytes.
 *
 * The line is as log.c finishes it: UTF-8 without control characters.  What
 * it holds beyond that cannot end a string or the object, whatever it is.
 *
 *   key=word       "key":"word"
 *   key=12.5       "key":12.5, but for `name`, which is always a string
 *   key="a \"b\""  "key":"a \"b\""; what no Unicode stands for is U+FFFD
 *   k=a ... k=b    "k":["a","b"]
 *   word           "word":""
 */
size_t log_json(char dst[LOG_JSON_MAX], const char *line, size_t len);

#endif
