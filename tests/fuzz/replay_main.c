/* SPDX-License-Identifier: MIT */
/*
 * main for a fuzz target built without libFuzzer: runs it once for each file.
 *
 *   fuzz_line [FILE or DIRECTORY ...]
 *
 * Without arguments it takes the target's corpus in the tree, tests/fuzz/
 * corpus/line.  Each input stands in a block of its exact size, so that the
 * address sanitizer sees a read behind its end.
 */
#include "tests/fuzz/check.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static unsigned replayed;

static void
fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	exit(1);
}

static void
replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(size + (size == 0));

	if (f == NULL || data == NULL || fread(data, 1, size, f) != size)
		fail(path);
	fclose(f);
	/* Said first: if the target aborts, this is the file that did it. */
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	replayed++;
}

static void
replay(const char *path)
{
	struct stat st;
	struct dirent **names;
	int count;

	if (stat(path, &st) == -1)
		fail(path);
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return;
	}
	count = scandir(path, &names, NULL, alphasort);
	if (count == -1)
		fail(path);
	for (int i = 0; i < count; i++) {
		char inside[4096];

		snprintf(
		    inside, sizeof(inside), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			replay(inside);
		free(names[i]);
	}
	free(names);
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	char corpus[256];

	name = name != NULL ? name + 1 : argv[0];
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	snprintf(corpus, sizeof(corpus), "tests/fuzz/corpus/%s", name);
	if (argc < 2)
		replay(corpus);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u passed, 0 failed\n", replayed);
	return 0;
}
