/* SPDX-License-Identifier: MIT */
/* A flood of refused connections is a handful of lines. */
#include "master/refusals.h"

#include <string.h>

#include "tests/harness/test.h"

#define SECOND_US 1000000
#define T0 (UINT64_C(5) * SECOND_US)

static struct refusals refusals;
static unsigned lines; /* logged one by one */
static unsigned sums;
static unsigned summed;  /* the counts of all sums */
static uint8_t last[16]; /* the address in the last one */

static void
on_sum(void *context, const struct refusal *r)
{
	(void)context;
	sums++;
	summed += r->count - REFUSALS_LOGGED;
	memcpy(last, r->addr, sizeof(last));
	CHECK_STR(r->reason, "server-full");
}

/* `n` refusals of client `who` at `now_us`. */
static void
refuse(unsigned who, unsigned n, uint64_t now_us)
{
	uint8_t addr[16] = {(uint8_t)(who >> 8), (uint8_t)who};

	while (n-- > 0)
		lines +=
		    refusals_count(&refusals, addr, 1, "server-full", now_us);
}

static void
flush(uint64_t now_us)
{
	refusals_flush(&refusals, now_us, on_sum, NULL);
}

TEST(refusals_up_to_twenty_a_second_are_logged_one_by_one)
{
	refuse(1, 20, T0);
	flush(T0 + SECOND_US);
	CHECK_EQ(lines, 20);
	CHECK_EQ(sums, 0);
}

TEST(refusals_beyond_twenty_a_second_are_one_line)
{
	refuse(1, 1000, T0);
	CHECK_EQ(lines, 20);
	flush(T0 + SECOND_US - 1);
	CHECK_EQ(sums, 0);
	flush(T0 + SECOND_US);
	CHECK_EQ(sums, 1);
	CHECK_EQ(summed, 980);
}

TEST(refusals_begin_anew_each_second)
{
	for (unsigned s = 0; s < 3; s++) {
		refuse(1, 21, T0 + s * SECOND_US);
		flush(T0 + (s + 1) * SECOND_US);
	}
	CHECK_EQ(lines, 60);
	CHECK_EQ(sums, 3);
	CHECK_EQ(summed, 3);
}

TEST(refusals_of_one_address_do_not_hide_those_of_another)
{
	refuse(1, 1000, T0);
	refuse(2, 5, T0);
	CHECK_EQ(lines, 25);
	flush(T0 + SECOND_US);
	CHECK_EQ(sums, 1);
}

TEST(refusals_of_an_ipv6_flood_from_one_64_are_one_line)
{
	uint8_t addr[16] = {0x20, 0x01, 0x0d, 0xb8};

	for (unsigned i = 0; i < 1000; i++) {
		addr[8] = (uint8_t)(i >> 8);
		addr[15] = (uint8_t)i;
		lines += refusals_count(&refusals, addr, 1, "server-full", T0);
	}
	CHECK_EQ(lines, 20);
	flush(T0 + SECOND_US);
	CHECK_EQ(sums, 1);
	CHECK_EQ(summed, 980);
	CHECK_MEM(last, sizeof(last), addr, sizeof(addr));
}

TEST(refusals_of_more_addresses_than_there_is_room_for_are_all_logged)
{
	for (unsigned who = 0; who < 2 * REFUSALS_ROWS; who++)
		refuse(who, 21, T0);
	CHECK_EQ(lines, REFUSALS_ROWS * 20 + REFUSALS_ROWS * 21);
	flush(T0 + SECOND_US);
	CHECK_EQ(sums, REFUSALS_ROWS);
	refuse(1000, 21, T0 + SECOND_US); /* there is room again */
	flush(T0 + 2 * SECOND_US);
	CHECK_EQ(sums, REFUSALS_ROWS + 1);
}

TEST(refusals_are_due_a_second_after_the_first)
{
	CHECK(refusals_due_us(&refusals) == UINT64_MAX);
	refuse(1, 1, T0 + 7);
	refuse(2, 1, T0 + 5);
	refuse(1, 1, T0 + 9);
	CHECK_EQ(refusals_due_us(&refusals), T0 + 5 + SECOND_US);
	flush(T0 + 5 + SECOND_US);
	CHECK_EQ(refusals_due_us(&refusals), T0 + 7 + SECOND_US);
}

TEST(refusals_are_all_summed_up_at_the_end)
{
	refuse(1, 30, T0);
	flush(UINT64_MAX);
	CHECK_EQ(sums, 1);
	CHECK_EQ(summed, 10);
}
