/* SPDX-License-Identifier: MIT */
/*
 * The test harness.  A test file is an executable: it holds TESTs and links
 * test_main.c, which has main.
 *
 *   TEST(ring_wraps_at_its_end) { CHECK(...); }
 *
 * Each test runs in a child in a process group of its own with a deadline, so
 * a crash or a hang fails that test alone, and whatever it forked is ended
 * with it (stopped or daemonised too).  The first CHECK that fails prints file
 * and line and ends the test through exit(3): atexit functions run.
 *
 * Usage: test_ring [--list] [SUBSTRING ...].  Exit status 1 if a test failed.
 */
#ifndef TESTS_HARNESS_TEST_H
#define TESTS_HARNESS_TEST_H

#include "shared/base/base.h"

#include <sys/types.h>

struct test {
	const char *name;
	void (*run)(void);
	unsigned deadline_s;
	struct test *next;
};

void test_register(struct test *test);

#define TEST_DEADLINE_S 20

#define TEST(sentence) TEST_WITHIN(sentence, TEST_DEADLINE_S)

/* A test that may take longer (seconds). */
#define TEST_WITHIN(sentence, seconds)                                         \
	static void sentence(void);                                            \
	__attribute__((constructor)) static void register_##sentence(void)     \
	{                                                                      \
		static struct test test = {                                    \
		    #sentence, sentence, seconds, NULL};                       \
		test_register(&test);                                          \
	}                                                                      \
	static void sentence(void)

/*
 * Called by the runner after each test, however that ended, with the pid the
 * test had: the place to remove what a killed test leaves behind.  One a file.
 */
#define TEST_AFTER(pid)                                                        \
	static void after_test(pid_t);                                         \
	__attribute__((constructor)) static void register_after_test(void)     \
	{                                                                      \
		test_register_after(after_test);                               \
	}                                                                      \
	static void after_test(pid_t pid)

void test_register_after(void (*after)(pid_t pid));

/* Prints the message and ends the test. */
void test_fail(const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(3, 4) __attribute__((noreturn));

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			test_fail(__FILE__, __LINE__, "%s", #condition);       \
	} while (0)

/* Integers that fit an intmax_t; both values are printed. */
#define CHECK_EQ(got, expected)                                                \
	test_check_eq(                                                         \
	    __FILE__, __LINE__, #got, (intmax_t)(got), (intmax_t)(expected))

/* Strings; NULL equals NULL only. */
#define CHECK_STR(got, expected)                                               \
	test_check_str(__FILE__, __LINE__, #got, got, expected)

/* Bytes with lengths. */
#define CHECK_MEM(got, got_len, expected, expected_len)                        \
	test_check_mem(                                                        \
	    __FILE__, __LINE__, #got, got, got_len, expected, expected_len)

/*
 * Waits up to `ms` for a condition, looking every millisecond; fails the test
 * if it doesn't come true.
 */
#define CHECK_WITHIN(ms, condition)                                            \
	do {                                                                   \
		int test_left_ = (ms);                                         \
		while (!(condition)) {                                         \
			if (test_left_-- == 0)                                 \
				test_fail(__FILE__, __LINE__,                  \
				    "not within %d ms: %s", (ms), #condition); \
			test_pause_ms(1);                                      \
		}                                                              \
	} while (0)

void test_check_eq(const char *file, int line, const char *what, intmax_t got,
    intmax_t expected);
void test_check_str(const char *file, int line, const char *what,
    const char *got, const char *expected);
void test_check_mem(const char *file, int line, const char *what,
    const void *got, size_t got_len, const void *expected, size_t expected_len);
void test_pause_ms(unsigned ms);

#endif
