/* SPDX-License-Identifier: MIT */
/*
 * Does the segment hold together?  Only the holder of the lock may ask that of
 * the segment itself, and we take no lock; so a private copy is checked, made
 * while nobody held the lock.
 *
 * A worker's own half of a session changes without the lock, so a copy of a
 * live instance may catch a move under way.  A breach counts when it is in
 * every copy of several.
 */
#include "tools/shmdump/views.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shared/shm/lock.h"
#include "tools/shmdump/out.h"

#define TRIES 100   /* to find the lock free, 1 ms apart */
#define CONFIRMS 20 /* copies that must all have breaches, 1 ms apart */

/*
 * An object of our own, of the same size and with the same header, but for
 * what somebody has written over it since we attached.
 */
static void
copy_make(struct segment *copy, const struct segment *seg)
{
	struct header_shm header = {
	    .magic = SEGMENT_MAGIC,
	    .version = SEGMENT_VERSION,
	    .header_size = sizeof(header),
	    .params = seg->params,
	    .layout = seg->layout,
	};
	int fd = memfd_create("shmdump", MFD_CLOEXEC);

	if (fd == -1 || ftruncate(fd, (off_t)seg->layout.size) == -1)
		err(1, "cannot make a copy");
	segment_copy(
	    header.hash_key, seg->header->hash_key, sizeof(header.hash_key));
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    segment_attach(copy, fd, true) == -1)
		err(1, "cannot copy the segment's header");
	close(fd);
}

/* All that tables_verify looks at: not buffers, staging, ring bytes. */
static void
copy_tables(const struct segment *copy, const struct segment *seg)
{
	const struct segment_layout *l = &seg->layout;

	segment_copy(
	    copy->base + l->lock, seg->base + l->lock, l->input - l->lock);
	segment_copy(copy->base + l->sessions, seg->base + l->sessions,
	    l->buffers - l->sessions);
}

static void
wait_1ms(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Copy while the lock is free.  Returns whether that worked out. */
static bool
copy_quietly(const struct segment *copy, const struct segment *seg)
{
	const struct lock_shm *lock = seg->lock;
	uint64_t before;

	for (int i = 0; i < TRIES; i++, wait_1ms()) {
		before = atomic_load(&lock->acquisitions);
		/* Pairs with the exchange in lock_release. */
		if (atomic_load_explicit(&lock->word, memory_order_acquire) !=
		    0)
			continue;
		copy_tables(copy, seg);
		/* The word before the counter, which its owner raises. */
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load(&lock->word) == 0 &&
		    atomic_load(&lock->acquisitions) == before)
			return true;
	}
	return false;
}

/* Check a dead instance's copy, or a live one's until breaches are certain. */
static bool
copy_is_sound(const struct dump *d, const struct segment *copy)
{
	for (int i = 0; i < CONFIRMS; i++, wait_1ms()) {
		if (d->alive && !copy_quietly(copy, &d->seg))
			errx(1, "the server is too busy to be verified; "
				"try again");
		if (tables_verify(copy, NULL, NULL) == 0)
			return true;
		if (!d->alive)
			return false;
	}
	return false;
}

static void
print_breach(void *context, const char *sentence)
{
	struct out *out = context;

	out_row(out, (struct out_value[]){out_string(sentence)});
}

int
verify_view(const struct dump *d)
{
	static const struct out_column columns[] = {
	    {.key = "breach", .head = "BREACH"},
	};
	struct segment copy;
	struct out out;
	bool sound;

	copy_make(&copy, &d->seg);
	if (!d->alive)
		copy_tables(&copy, &d->seg);
	sound = copy_is_sound(d, &copy);
	if (sound && !d->json) {
		puts("ok");
	} else {
		out_begin(&out, OUT_TABLE, d->json, columns, COUNT(columns));
		tables_verify(&copy, print_breach, &out);
		out_end(&out);
	}
	segment_detach(&copy);
	return !sound;
}
