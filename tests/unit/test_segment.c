/* SPDX-License-Identifier: MIT */
/* shared/shm/segment: sizes, laying out, and whom an attacher refuses. */
#include "shared/shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/options.h"
#include "shared/chat/limits.h"
#include "shared/shm/lock.h"
#include "shared/shm/ring.h"
#include "shared/shm/seat.h"
#include "shared/shm/tables.h"
#include "tests/harness/segment.h"
#include "tests/harness/test.h"

static struct segment_params
default_params(void)
{
	char program[] = "chatmaster", *argv[] = {program, NULL}, err[256];
	struct segment_params params = test_params();
	struct options options;

	CHECK_EQ(options_read(&options, 1, argv, err, sizeof(err)), 0);
	params.nslots = options.max_clients;
	params.nrooms = options.max_rooms;
	params.max_line = options.max_line;
	params.ring_bytes = options.ring_size;
	return params;
}

/* Containers have 64 MiB of shared memory. */
TEST(a_segment_of_the_default_configuration_is_below_48_mib)
{
	struct segment_params params = default_params();
	struct segment_layout layout;

	for (params.nseats = 1; params.nseats <= SEATS_MAX; params.nseats++) {
		CHECK_EQ(segment_plan(&params, &layout), 0);
		CHECK(layout.size < 48 * 1024 * 1024);
	}
}

static bool
planned(const struct segment_params *params)
{
	struct segment_layout layout;

	errno = 0;
	if (segment_plan(params, &layout) == 0)
		return true;
	CHECK_EQ(errno, EINVAL);
	return false;
}

TEST(a_plan_needs_counts_within_bounds)
{
	static const struct {
		uint64_t ring_bytes;
		uint32_t nseats, nslots, nrooms, max_line;
		bool good;
	} cases[] = {
	    {65536, 1, 1, 1, LIMIT_LINE_MIN, true},
	    {65536, 0, 1, 1, LIMIT_LINE_MIN, false},
	    {65536, 1, 0, 1, LIMIT_LINE_MIN, false},
	    {65536, 1, 1, 0, LIMIT_LINE_MIN, false},
	    {65536, 1, 1, 1, LIMIT_LINE_MIN - 1, false},
	    {32768, 1, 1, 1, LIMIT_LINE_MIN, false},
	    {65537, 1, 1, 1, LIMIT_LINE_MIN, false},
	    {0, 1, 1, 1, LIMIT_LINE_MIN, false},
	    {1 << 30, SEATS_MAX, 1000000, 1000000, LIMIT_LINE_MAX, true},
	    {65536, SEATS_MAX + 1, 1, 1, LIMIT_LINE_MIN, false},
	    {65536, UINT32_MAX, 1, 1, LIMIT_LINE_MIN, false},
	    {65536, 1, 1000001, 1, LIMIT_LINE_MIN, false},
	    {65536, 1, UINT32_MAX, 1, LIMIT_LINE_MIN, false},
	    {65536, 1, 1, 1000001, LIMIT_LINE_MIN, false},
	    {65536, 1, 1, UINT32_MAX, LIMIT_LINE_MIN, false},
	    {65536, 1, 1, 1, LIMIT_LINE_MAX + 1, false},
	    {65536, 1, 1, 1, UINT32_MAX, false},
	    {UINT64_C(1) << 31, 1, 1, 1, LIMIT_LINE_MIN, false},
	    {UINT64_C(1) << 63, 1, 1, 1, LIMIT_LINE_MIN, false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct segment_params params = {
		    .nseats = cases[i].nseats,
		    .nslots = cases[i].nslots,
		    .nrooms = cases[i].nrooms,
		    .max_line = cases[i].max_line,
		    .ring_bytes = cases[i].ring_bytes,
		};

		if (planned(&params) != cases[i].good)
			test_fail(__FILE__, __LINE__, "case %zu", i);
	}
}

/* The areas in their order; each ends where the next begins, or before. */
static void
check_areas(const struct segment_params *p, const struct segment_layout *l)
{
	const struct {
		uint64_t at, size, align;
	} areas[] = {
	    {0, sizeof(struct header_shm), 4096},
	    {l->status, sizeof(struct status_shm), 4096},
	    {l->lock, sizeof(struct lock_shm), 4096},
	    {l->tables, sizeof(struct tables_shm), 64},
	    {l->ring, sizeof(struct ring_shm), 64},
	    {l->seats, p->nseats * l->seat_stride, 64},
	    {l->input, p->nseats * l->input_stride, 64},
	    {l->sessions, p->nslots * sizeof(struct session_shm), 4096},
	    {l->members, p->nslots * sizeof(struct member_shm), 64},
	    {l->rooms, p->nrooms * sizeof(struct room_shm), 64},
	    {l->names, l->nnames * sizeof(uint32_t), 64},
	    {l->roomnames, l->nroomnames * sizeof(uint32_t), 64},
	    {l->creators, l->nroomnames * sizeof(uint32_t), 64},
	    {l->bufctl, (l->nbuffers + l->nsmall) * sizeof(struct buffer_shm),
		64},
	    {l->buffers, l->nbuffers * l->buffer_stride, 64},
	    {l->small, l->nsmall * SMALL_BYTES, 64},
	    {l->staging, p->nseats * l->staging_stride, 4096},
	    {l->desc, l->ndesc * sizeof(struct desc_shm), 4096},
	    {l->bytes, p->ring_bytes, 4096},
	    {l->size, 0, 4096},
	};

	for (size_t i = 0; i < COUNT(areas); i++) {
		CHECK_EQ(areas[i].at % areas[i].align, 0);
		if (i > 0)
			CHECK(
			    areas[i].at >= areas[i - 1].at + areas[i - 1].size);
	}
	CHECK_EQ(l->size, l->bytes + p->ring_bytes);
	CHECK(l->seat_stride >= sizeof(struct seat_shm));
	CHECK_EQ(l->seat_stride % CACHELINE, 0);
	CHECK(l->staging_stride >= sizeof(struct staging_shm));
	CHECK(l->nnames >= p->nslots && (l->nnames & (l->nnames - 1)) == 0);
	CHECK(l->nroomnames >= p->nrooms &&
	      (l->nroomnames & (l->nroomnames - 1)) == 0);
	CHECK((l->ndesc & (l->ndesc - 1)) == 0 && l->ndesc > 0);
}

TEST(areas_are_aligned_and_do_not_overlap)
{
	struct segment_params params = test_params();
	struct segment_layout layout;

	for (uint32_t i = 1; i < 300; i += 7) {
		params.nseats = 1 + i % SEATS_MAX;
		params.nslots = i * i;
		params.nrooms = i * 3;
		params.max_line = LIMIT_LINE_MIN + i;
		params.ring_bytes = UINT64_C(65536) << i % 4;
		CHECK_EQ(segment_plan(&params, &layout), 0);
		check_areas(&params, &layout);
	}
}

/* What a session owns ends up in the others' cache lines only on purpose. */
TEST(what_two_processes_write_lies_on_different_cache_lines)
{
	CHECK_EQ(offsetof(struct session_shm, owner) % CACHELINE, 0);
	CHECK_EQ(sizeof(struct session_shm) % CACHELINE, 0);
	CHECK_EQ(offsetof(struct seat_shm, cursor) % CACHELINE, 0);
	CHECK_EQ(offsetof(struct seat_shm, spare) % CACHELINE, 0);
	CHECK_EQ(offsetof(struct ring_shm, head) % CACHELINE, 0);
	CHECK_EQ(offsetof(struct ring_shm, rsv_desc) % CACHELINE, 0);
	CHECK_EQ(offsetof(struct lock_shm, acquisitions) % CACHELINE, 0);
}

TEST(a_buffer_holds_the_largest_rendering_of_the_longest_line)
{
	struct segment_params params = default_params();
	struct segment_layout layout;

	params.nseats = 1;
	for (params.max_line = LIMIT_LINE_MIN;
	     params.max_line <= LIMIT_LINE_MAX; params.max_line += 333) {
		CHECK_EQ(segment_plan(&params, &layout), 0);
		CHECK(layout.buffer_stride >= 3 * params.max_line + 1024);
		CHECK(layout.input_stride >= params.max_line + 1024);
	}
}

TEST(a_formatted_segment_is_attached_as_it_was_asked_for)
{
	struct segment_params params = test_params();
	struct segment seg;
	struct stat st;
	int fd = test_segment_fd(&params);

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(segment_attach(&seg, fd, true), 0);
	close(fd);
	CHECK_EQ(st.st_size, seg.layout.size);
	CHECK(st.st_blocks * 512 >= st.st_size); /* not sparse */
	CHECK_MEM(&seg.params, sizeof(params), &params, sizeof(params));
	CHECK_STR(seg.header->instance, "test");
	CHECK_EQ(seg.header->version, SEGMENT_VERSION);
	CHECK_STR(test_breach(&seg), "");
	CHECK_EQ(ring_head(&seg), params.first_seq);
	for (uint32_t i = 0; i < params.nseats; i++) {
		CHECK_EQ(atomic_load(&segment_seat(&seg, i)->cursor),
		    params.first_seq);
		CHECK_EQ(
		    atomic_load(&segment_seat(&seg, i)->state), SEAT_EMPTY);
	}
	segment_detach(&seg);
	CHECK(seg.base == NULL);
}

TEST(an_instance_name_of_any_length_ends_with_nul)
{
	struct segment_params params = test_params();
	uint8_t key[16] = {0};
	char name[INSTANCE_MAX + 20];
	struct segment seg;
	int fd = memfd_create("test", MFD_CLOEXEC);

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	CHECK_EQ(segment_format(fd, &params, key, name), 0);
	CHECK_EQ(segment_attach(&seg, fd, false), 0);
	CHECK_EQ(strlen(seg.header->instance), INSTANCE_MAX);
}

TEST(the_bytes_of_the_ring_are_mapped_twice_in_a_row)
{
	struct segment_params params = test_params();
	struct segment seg;
	char *again;

	test_segment(&seg, &params);
	again = seg.bytes + params.ring_bytes;
	for (size_t i = 0; i < params.ring_bytes; i += 511) {
		seg.bytes[i] = (char)(1 + i % 100);
		CHECK_EQ(again[i], seg.bytes[i]);
		again[i] = 0;
		CHECK_EQ(seg.bytes[i], 0);
	}
	again[params.ring_bytes - 1] = 1;
	CHECK_EQ(seg.bytes[params.ring_bytes - 1], 1);
}

TEST(two_mappings_show_the_same_segment_at_different_places)
{
	struct segment_params params = test_params();
	struct segment a, b;
	int fd = test_segment_fd(&params);

	CHECK_EQ(segment_attach(&a, fd, true), 0);
	CHECK_EQ(segment_attach(&b, fd, false), 0);
	CHECK(a.base != b.base);
	memset(segment_input(&a, 1), 'i', a.layout.input_stride);
	memset(segment_buffer(&a, 2), 'b', a.layout.buffer_stride);
	segment_staging(&a, 2)->bytes[STAGING_BYTES - 1] = 's';
	segment_seat(&a, 2)->step.half.room_name[LIMIT_ROOM - 1] = 'h';
	CHECK_EQ(segment_input(&b, 1)[0], 'i');
	CHECK_EQ(segment_input(&b, 2)[0], 0);
	CHECK_EQ(segment_input(&b, 0)[b.layout.input_stride - 1], 0);
	CHECK_EQ(segment_buffer(&b, 2)[0], 'b');
	CHECK_EQ(segment_buffer(&b, 3)[0], 0);
	CHECK_EQ(segment_staging(&b, 2)->bytes[STAGING_BYTES - 1], 's');
	CHECK_EQ(segment_seat(&b, 2)->step.half.room_name[LIMIT_ROOM - 1], 'h');
}

/* An inspector holds the object read-only, and can't even try. */
TEST(a_reader_needs_no_right_to_write)
{
	struct segment_params params = test_params();
	struct segment seg;
	int fd = test_segment_fd(&params), reader;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(reader != -1);
	CHECK_EQ(segment_attach(&seg, reader, false), 0);
	CHECK_EQ(ring_head(&seg), params.first_seq);
	segment_detach(&seg);
	CHECK_EQ(segment_attach(&seg, reader, true), -1);
	CHECK_EQ(errno, EACCES);
}

/* CHECKs that the object is refused, and that nothing stays mapped. */
static void
check_refused(int fd)
{
	struct segment seg;

	errno = 0;
	CHECK_EQ(segment_attach(&seg, fd, true), -1);
	CHECK_EQ(errno, EPROTO);
}

TEST(what_is_no_segment_is_refused)
{
	static char garbage[1 << 20];
	int fd = memfd_create("test", MFD_CLOEXEC), ends[2];

	check_refused(fd);
	CHECK_EQ(ftruncate(fd, 100), 0);
	check_refused(fd);
	CHECK_EQ(ftruncate(fd, sizeof(garbage)), 0);
	check_refused(fd);
	memset(garbage, 0xff, sizeof(garbage));
	CHECK_EQ(pwrite(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	check_refused(fd);
	memcpy(garbage, SEGMENT_MAGIC, sizeof(SEGMENT_MAGIC) - 1);
	CHECK_EQ(pwrite(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	check_refused(fd);
	CHECK_EQ(pipe(ends), 0);
	check_refused(ends[0]);
	check_refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	close(ends[0]);
	CHECK_EQ(segment_attach(&(struct segment){0}, ends[0], false), -1);
	CHECK_EQ(errno, EBADF);
}

/* Each word of what says how the segment is laid out, one at a time. */
TEST(a_header_with_any_word_changed_is_refused)
{
	struct segment_params params = test_params();
	int fd = test_segment_fd(&params);
	struct header_shm header;
	const struct {
		size_t from, to;
	} ranges[] = {
	    {offsetof(struct header_shm, magic),
		offsetof(struct header_shm, params.first_seq)},
	    {offsetof(struct header_shm, layout),
		offsetof(struct header_shm, layout) + sizeof(header.layout)},
	};

	for (unsigned i = 0; i < COUNT(ranges); i++) {
		for (size_t at = ranges[i].from; at < ranges[i].to; at += 4) {
			uint32_t word, changed;

			CHECK_EQ(pread(fd, &word, 4, (off_t)at), 4);
			for (unsigned bit = 0; bit < 32; bit += 5) {
				changed = word ^ (UINT32_C(1) << bit);
				CHECK_EQ(pwrite(fd, &changed, 4, (off_t)at), 4);
				check_refused(fd);
			}
			CHECK_EQ(pwrite(fd, &word, 4, (off_t)at), 4);
		}
	}
	CHECK_EQ(segment_attach(&(struct segment){0}, fd, true), 0);
}

TEST(a_truncated_segment_is_refused)
{
	struct segment_params params = test_params();
	int fd = test_segment_fd(&params);
	struct stat st;

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(ftruncate(fd, st.st_size - 1), 0);
	check_refused(fd);
	CHECK_EQ(ftruncate(fd, sizeof(struct header_shm)), 0);
	check_refused(fd);
	CHECK_EQ(ftruncate(fd, sizeof(struct header_shm) - 1), 0);
	check_refused(fd);
}

/* Killed while laying out: the magic is stored last. */
TEST(a_segment_not_laid_out_to_the_end_is_refused)
{
	struct segment_params params = test_params();
	int fd = test_segment_fd(&params);
	char none[8] = {0};

	CHECK_EQ(pwrite(fd, none, sizeof(none), 0), sizeof(none));
	check_refused(fd);
}

TEST(a_header_overwritten_later_misleads_nobody)
{
	struct segment_params params = test_params();
	struct segment seg;

	test_segment(&seg, &params);
	memset(&seg.header->layout, 0xff, sizeof(seg.header->layout));
	memset(&seg.header->params, 0xff, sizeof(seg.header->params));
	CHECK_EQ(tables_find_name(&seg, "alice", 5), NONE);
	CHECK_STR(test_breach(&seg), "");
	CHECK(segment_buffer(&seg, 0) < seg.base + seg.mapped);
}

TEST(formatting_says_why_it_failed)
{
	struct segment_params params = test_params();
	uint8_t key[16] = {0};
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	params.nseats = 0;
	CHECK_EQ(segment_format(fd, &params, key, "test"), -1);
	CHECK_EQ(errno, EINVAL);
	params = test_params();
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_EQ(segment_format(fd, &params, key, "test"), -1);
	CHECK_EQ(errno, EPERM);
}

TEST(mapping_fails_in_too_small_an_address_space)
{
#ifndef __SANITIZE_ADDRESS__ /* which needs all there is */
	struct segment_params params = test_params();
	struct rlimit limit = {4 << 20, 4 << 20};
	struct segment seg;
	int fd;

	params.ring_bytes = 16 << 20;
	fd = test_segment_fd(&params);
	CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
	CHECK_EQ(segment_attach(&seg, fd, true), -1);
	CHECK_EQ(errno, ENOMEM);
#endif
}

TEST(each_state_of_a_seat_has_a_name)
{
	for (unsigned i = SEAT_EMPTY; i <= SEAT_STOPPING; i++)
		CHECK(strlen(seat_state_names[i]) > 0);
	for (unsigned i = 0; i < CLOSE_REASONS; i++)
		CHECK(strlen(close_reason_names[i]) > 0);
}
