/* SPDX-License-Identifier: MIT */
/*
 * shared/shm/pool: a buffer belongs to one at a time.  A variant without fault
 * points brings its own, see test_journal.c.
 */
#ifndef FAULTS
#define FAULTS
#include "shared/base/fault.c"
#include "shared/shm/pool.c"
#endif

#include "tests/harness/test.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/shm/pool.h"
#include "tests/harness/deaths.h"
#include "tests/harness/segment.h"

static struct segment seg;
static uint32_t hint;

static void
set_up(void)
{
	struct segment_params params = test_params();

	test_segment(&seg, &params);
	hint = 0;
}

static uint64_t
refusals(void)
{
	return atomic_load(&seg.tables->pool_empty);
}

TEST(each_buffer_is_claimed_once_until_none_is_left)
{
	bool claimed[1000] = {false};
	uint32_t ref;

	set_up();
	for (uint32_t i = 0; i < seg.layout.nbuffers; i++) {
		ref = pool_claim(&seg, 1 + i % TEST_SLOTS, &hint);
		CHECK(ref >= 1 && ref <= seg.layout.nbuffers);
		CHECK(!claimed[ref]);
		claimed[ref] = true;
		CHECK(pool_owns(&seg, ref, 1 + i % TEST_SLOTS));
	}
	CHECK_EQ(refusals(), 0);
	for (uint64_t i = 1; i <= 3; i++) {
		CHECK_EQ(pool_claim(&seg, 1, &hint), 0);
		CHECK_EQ(refusals(), i);
	}
	pool_give(&seg, 17);
	CHECK(!pool_owns(&seg, 17, 1 + 16 % TEST_SLOTS));
	CHECK_EQ(pool_claim(&seg, 5, &hint), 17);
	CHECK_EQ(pool_claim(&seg, 5, &hint), 0);
}

TEST(what_clients_do_not_read_leaves_buffers_for_half_lines)
{
	uint32_t n, common = 0, rest = 0;

	set_up();
	n = seg.layout.nbuffers;
	for (hint = n - 1; pool_claim_common(&seg, 1, &hint) != 0;)
		common++;
	CHECK_EQ(refusals(), 1);
	while (pool_claim(&seg, 2, &hint) != 0)
		rest++;
	CHECK_EQ(common + rest, n);
	CHECK(rest >= n / POOL_RESERVED && rest > 0 && common > 0);
	pool_give(&seg, n);
	CHECK_EQ(pool_claim_common(&seg, 1, &hint), 0);
	CHECK_EQ(pool_claim(&seg, 2, &hint), n);
	pool_give(&seg, 1);
	CHECK_EQ(pool_claim_common(&seg, 1, &hint), 1);
}

TEST(a_claimed_buffer_is_not_asked_back_for_its_predecessor)
{
	uint32_t ref;

	set_up();
	ref = pool_claim(&seg, 1, &hint);
	atomic_store(&seg.bufctl[ref - 1].evict, 1);
	atomic_store(&seg.bufctl[ref - 1].since_us, 1000);
	pool_give(&seg, ref);
	hint = ref - 1;
	CHECK_EQ(pool_claim(&seg, 2, &hint), ref);
	CHECK_EQ(atomic_load(&seg.bufctl[ref - 1].evict), 0);
	CHECK_EQ(atomic_load(&seg.bufctl[ref - 1].since_us), 0);
	CHECK_EQ(pool_evict_oldest(&seg), NONE);
}

TEST(references_to_no_buffer_are_harmless)
{
	uint32_t none;
	static const uint32_t odd[] = {0, 100000, UINT32_MAX};

	set_up();
	for (unsigned i = 0; i < COUNT(odd); i++) {
		pool_give(&seg, odd[i]);
		CHECK(!pool_owns(&seg, odd[i], 0));
		CHECK(!pool_owns(&seg, odd[i], 1));
		hint = odd[i];
		CHECK(pool_claim(&seg, 1, &hint) != 0);
	}
	none = seg.layout.nbuffers + seg.layout.nsmall + 1;
	pool_give(&seg, none);
	CHECK(!pool_owns(&seg, none, 0));
	CHECK_EQ(pool_size(&seg, none), 0);
	CHECK_EQ(pool_size(&seg, 0), 0);
}

TEST(small_buffers_are_claimed_apart_from_large_ones)
{
	uint32_t small_hint = 0, ref;

	set_up();
	for (uint32_t i = 0; i < seg.layout.nsmall; i++) {
		ref = pool_claim_small(&seg, i + 1, &small_hint);
		CHECK(ref > seg.layout.nbuffers);
		CHECK_EQ(pool_size(&seg, ref), SMALL_BYTES);
		memset(segment_buffer(&seg, ref - 1), 'x', SMALL_BYTES);
		CHECK(pool_owns(&seg, ref, i + 1));
	}
	CHECK_EQ(pool_claim_small(&seg, 1, &small_hint), 0);
	CHECK_EQ(seg.tables->pool_empty, 0);
	ref = pool_claim(&seg, 1, &hint);
	CHECK(ref != 0 && ref <= seg.layout.nbuffers);
	CHECK_EQ(pool_size(&seg, ref), seg.layout.buffer_stride);
	pool_give(&seg, seg.layout.nbuffers + 3);
	CHECK_EQ(
	    pool_claim_small(&seg, 9, &small_hint), seg.layout.nbuffers + 3);
}

TEST(the_oldest_half_line_is_the_one_to_go)
{
	uint32_t refs[5];

	set_up();
	CHECK_EQ(pool_evict_oldest(&seg), NONE);
	for (uint32_t i = 0; i < 5; i++) {
		refs[i] = pool_claim(&seg, i + 1, &hint);
		atomic_store(&seg.bufctl[refs[i] - 1].since_us, 1000 - i * 10);
	}
	/* The youngest of all, one that holds no input, a seat's spare. */
	atomic_store(&seg.bufctl[refs[0] - 1].since_us, UINT64_MAX - 1);
	atomic_store(&seg.bufctl[refs[4] - 1].since_us, 0);
	atomic_store(&seg.bufctl[refs[3] - 1].owner, 1 | BUFFER_SPARE);
	CHECK_EQ(pool_evict_oldest(&seg), 2);
	for (uint32_t i = 0; i < 5; i++)
		CHECK_EQ(atomic_load(&seg.bufctl[refs[i] - 1].evict), i == 2);
	pool_give(&seg, refs[2]);
	CHECK_EQ(pool_evict_oldest(&seg), 1);
	pool_give(&seg, refs[1]);
	CHECK_EQ(pool_evict_oldest(&seg), 0);
	/* An owner that is no session. */
	atomic_store(&seg.bufctl[refs[0] - 1].owner, TEST_SLOTS + 1);
	CHECK_EQ(pool_evict_oldest(&seg), NONE);
}

static void
claim_one(void *context)
{
	(void)context;
	pool_claim(&seg, 7, &hint);
}

TEST(a_buffer_claimed_by_the_dead_is_found_by_its_owner_word)
{
	unsigned found = 0;

	deaths_init();
	set_up();
	deaths_die(&(struct death){"pool.claimed", 1}, claim_one, NULL);
	for (uint32_t ref = 1; ref <= seg.layout.nbuffers; ref++)
		if (pool_owns(&seg, ref, 7)) {
			pool_give(&seg, ref);
			found++;
		}
	CHECK_EQ(found, 1);
}

#define CLAIMANTS 4
#define ROUNDS 20000

/* Claims, writes its number all over, looks whether it is still there. */
static void
claim_and_write(uint32_t me)
{
	uint32_t held[60], my_hint = me, ref;
	size_t n = 0, size = seg.layout.buffer_stride;

	for (unsigned i = 0; i < ROUNDS; i++) {
		ref = pool_claim(&seg, me, &my_hint);
		if (ref != 0) {
			memset(segment_buffer(&seg, ref - 1), (int)me, size);
			held[n++] = ref;
		}
		if (ref != 0 && n < COUNT(held))
			continue;
		for (; n > 0; n--) {
			const char *b = segment_buffer(&seg, held[n - 1] - 1);

			CHECK(pool_owns(&seg, held[n - 1], me));
			CHECK_EQ(b[0], me);
			CHECK(memcmp(b, b + 1, size - 1) == 0);
			pool_give(&seg, held[n - 1]);
		}
	}
	for (; n > 0; n--)
		pool_give(&seg, held[n - 1]);
}

/* There are fewer buffers than they want at once. */
TEST(processes_never_get_the_same_buffer_at_a_time)
{
	pid_t pids[CLAIMANTS];
	int status;

	set_up();
	for (uint32_t i = 0; i < CLAIMANTS; i++) {
		pids[i] = fork();
		CHECK(pids[i] != -1);
		if (pids[i] == 0) {
			claim_and_write(i + 1);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < CLAIMANTS; i++) {
		CHECK_EQ(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_EQ(status, 0);
	}
	for (uint32_t i = 0; i < seg.layout.nbuffers; i++)
		CHECK_EQ(atomic_load(&seg.bufctl[i].owner), 0);
}
