/* SPDX-License-Identifier: MIT */
/*
 * shared/base/config: any text either sets what the table allows, or gives one
 * printable line that names the place.
 */
#include "tests/fuzz/check.h"

#include <string.h>

#include "shared/base/config.h"
#include "shared/base/utf8.h"

#define INPUT_MAX 16384
#define LIST_MAX 4

struct target {
	unsigned number;
	uint64_t bytes;
	char name[17];
	int level;
	bool flag;
	unsigned values; /* in the list */
	unsigned sections;
	unsigned in_sections;
};

static int
set_list(const struct config_key *key UNUSED, void *field, bool first,
    const char *value, char *err, size_t errsize)
{
	unsigned *values = field;

	if (values == NULL)
		return 0;
	if (first)
		*values = 0;
	if (*values == LIST_MAX) {
		snprintf(err, errsize, "no room for %zu bytes", strlen(value));
		return -1;
	}
	++*values;
	return 0;
}

static const char *const levels[] = {"debug", "info", NULL};

static const struct config_key keys[] = {
    {.name = "number",
	.short_option = 'n',
	.placeholder = "N",
	.initial = "5",
	.set = config_set_uint,
	.offset = offsetof(struct target, number),
	.min = 3,
	.max = 99},
    {.name = "bytes",
	.placeholder = "SIZE",
	.initial = "1M",
	.set = config_set_size,
	.offset = offsetof(struct target, bytes),
	.min = 512,
	.max = UINT64_C(1) << 33},
    {.name = "name",
	.placeholder = "NAME",
	.initial = "default",
	.set = config_set_string,
	.offset = offsetof(struct target, name),
	.min = 1,
	.max = 16},
    {.name = "level",
	.placeholder = "LEVEL",
	.set = config_set_enum,
	.offset = offsetof(struct target, level),
	.names = levels},
    {.name = "flag",
	.short_option = 'f',
	.flags = CONFIG_SWITCH,
	.set = config_set_bool,
	.offset = offsetof(struct target, flag)},
    {.name = "list",
	.placeholder = "VALUE",
	.flags = CONFIG_LIST,
	.set = set_list,
	.offset = offsetof(struct target, values)},
};

static int
begin_section(void *context, const char *kind, const char *name, char *err,
    size_t errsize)
{
	struct target *target = context;

	if (strcmp(kind, "room") != 0 || *name == '\0') {
		snprintf(err, errsize, "no such kind");
		return -1;
	}
	target->sections++;
	return 0;
}

static int
set_in_section(void *context, const char *key, const char *value, char *err,
    size_t errsize)
{
	struct target *target = context;

	MUST(target->sections > 0);
	MUST(*key != '\0' && strchr(key, '=') == NULL);
	MUST(utf8_valid(value, strlen(value)));
	snprintf(err, errsize, "unused");
	target->in_sections++;
	return 0;
}

static void
check_target(const struct target *target)
{
	MUST(target->number >= 3 && target->number <= 99);
	MUST(target->bytes >= 512 && target->bytes <= UINT64_C(1) << 33);
	MUST(strnlen(target->name, 17) >= 1 && strnlen(target->name, 17) < 17);
	MUST(utf8_valid(target->name, strlen(target->name)));
	MUST(target->level == 0 || target->level == 1);
	MUST(target->values <= LIST_MAX);
	MUST(target->in_sections == 0 || target->sections > 0);
}

static void
check_error(const char *err, const char *start)
{
	size_t len = strnlen(err, CONFIG_ERROR_MAX);

	MUST(len > strlen(start) && len < CONFIG_ERROR_MAX);
	MUST(strncmp(err, start, strlen(start)) == 0);
	for (size_t i = 0; i < len;) {
		uint32_t code;

		i += utf8_decode(err + i, len - i, &code);
		MUST(code != UTF8_INVALID && !utf8_is_control(code));
		MUST(!utf8_is_bidi(code));
	}
}

static void
check_file(const char *text, size_t len, bool sections_known)
{
	struct target target = {0};
	struct config config;
	const struct config_sections sections = {
	    .context = &target,
	    .begin = begin_section,
	    .set = set_in_section,
	};
	char err[CONFIG_ERROR_MAX] = "";

	config_init(&config, keys, COUNT(keys), &target);
	if (sections_known)
		config.sections = &sections;
	if (config_text(&config, "the.conf", text, len, err, sizeof(err)) == -1)
		check_error(err, "the.conf:");
	check_target(&target);
}

/* The same bytes as one line of words behind the program's name. */
static void
check_options(const char *text, size_t len)
{
	struct target target = {0};
	struct config config;
	char words[256], err[CONFIG_ERROR_MAX] = "", program[] = "program";
	char *argv[40] = {program}, *rest = words;
	int argc = 1, operand = 0;

	len = MIN(len, sizeof(words) - 1);
	memcpy(words, text, len);
	words[len] = '\0';
	if (strlen(words) != len)
		return;
	while (rest != NULL && argc < (int)COUNT(argv))
		argv[argc++] = strsep(&rest, " \n");
	config_init(&config, keys, COUNT(keys), &target);
	if (config_options(&config, argc, argv, &operand, err, sizeof(err)) ==
	    -1)
		check_error(err, "");
	else
		MUST(operand >= 1 && operand <= argc);
	MUST(target.number >= 3 && target.number <= 99);
	MUST(target.values <= LIST_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	if (size > INPUT_MAX)
		return 0;
	check_file(text, size, false);
	check_file(text, size, true);
	check_options(text, size);
	return 0;
}
