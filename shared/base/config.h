/* SPDX-License-Identifier: MIT */
/*
 * Configuration: a table of keys, each at once a line of the file and a long
 * option.  Knows nothing of what the keys mean.
 *
 * The file is UTF-8 text.  A line is `key = value`, `[kind NAME]`, a comment
 * that begins with `#`, or blank.  White space around key and value is taken
 * off; a `#` inside a value belongs to it.  Lines after `[kind NAME]` belong
 * to that section.
 *
 * Use: fill the target with zeros, config_init, config_options, and then, if
 * they name a file, config_file.  Options are read first and win: a key given
 * as an option is only checked in the file.  Every key is checked whether it
 * counts or not; nothing is opened.  After an error the target is half filled
 * and of no use.
 *
 * Errors are one line for a person, safe to print:
 *   chatmaster.conf:12: max-clients: "abc" is not a number
 *   --max-clients: "abc" is not a number
 */
#ifndef SHARED_BASE_CONFIG_H
#define SHARED_BASE_CONFIG_H

#include "shared/base/base.h"

#include <stdio.h>

#define CONFIG_LINE_MAX 4096       /* bytes in a line, line end not counted */
#define CONFIG_FILE_MAX (4u << 20) /* bytes in a file */
#define CONFIG_KEYS_MAX 64         /* rows in a table */
#define CONFIG_ERROR_MAX 512       /* an error is never longer, NUL included */

enum config_flag {
	CONFIG_LIST = 1,        /* may be repeated; each value is appended */
	CONFIG_OPTION_ONLY = 2, /* not a key of the file: --check */
	CONFIG_SWITCH = 4,      /* as an option it takes no value: set to yes */
};

struct config_key {
	const char *name;  /* "max-clients" */
	char short_option; /* 'w' for -w, 0 for none */
	const char
	    *placeholder;    /* "N", for the help; NULL with CONFIG_SWITCH */
	const char *help;    /* what it means */
	const char *initial; /* value before anything is read, or NULL */
	unsigned flags;      /* enum config_flag */

	/*
	 * Checks `value` and, unless `field` is NULL, stores it there; `first`
	 * means that whatever a list holds so far (the initial value) goes.
	 * Returns 0, or -1 with what is wrong in err ("\"abc\" is not a
	 * number"; use log_quote for what the user wrote).
	 */
	int (*set)(const struct config_key *key, void *field, bool first,
	    const char *value, char *err, size_t errsize);

	size_t offset;            /* of the field in the target */
	uint64_t min, max;        /* for `set`: bounds of value or length */
	const char *const *names; /* for config_set_enum: NULL ends it */
};

/* What lies in a section goes to the caller; `context` is the caller's. */
struct config_sections {
	void *context;
	/* `[kind name]`; -1 with err refuses it. */
	int (*begin)(void *context, const char *kind, const char *name,
	    char *err, size_t errsize);
	/* A line of the section that `begin` took last. */
	int (*set)(void *context, const char *key, const char *value, char *err,
	    size_t errsize);
};

struct config {
	const struct config_key *keys;
	size_t count;
	void *target;
	const struct config_sections *sections; /* NULL: none is known */
	bool by_option[CONFIG_KEYS_MAX];
	unsigned line[CONFIG_KEYS_MAX]; /* where the file sets it, 0: nowhere */
};

/* Get ready and store every initial value; `target` is zeroed by the caller. */
void config_init(struct config *config, const struct config_key *keys,
    size_t count, void *target);

/*
 * Read --key=value, --key value, -k value, -kvalue and switches from argv[1]
 * on, up to the first operand or behind "--".  *operand becomes the index of
 * the first operand, argc if there is none.  Returns 0, or -1 with err.
 */
int config_options(struct config *config, int argc, char *const argv[],
    int *operand, char *err, size_t errsize);

/* Read a file, whose name begins each error.  Returns 0, or -1 with err. */
int config_file(
    struct config *config, const char *path, char *err, size_t errsize);

/* The same for text in memory; `name` stands for the file's.  Pure. */
int config_text(struct config *config, const char *name, const char *text,
    size_t len, char *err, size_t errsize);

/* Did option or file give this key a value? */
bool config_given(const struct config *config, const char *key);

/* Print the options, one or more lines each, 80 columns. */
void config_help(FILE *out, const struct config_key *keys, size_t count);

/* A number, min to max, into an `unsigned`. */
int config_set_uint(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);

/* Bytes, min to max, with K, M or G (powers of 1024), into a `uint64_t`. */
int config_set_size(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);

/* Text of min to max bytes into a `char [max + 1]`. */
int config_set_string(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);

/* One of key->names, its index into an `int` (an enum). */
int config_set_enum(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);

/* yes or no into a `bool`. */
int config_set_bool(const struct config_key *key, void *field, bool first,
    const char *value, char *err, size_t errsize);

#endif
