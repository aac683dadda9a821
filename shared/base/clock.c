/* SPDX-License-Identifier: MIT */
/* The two clocks. */
#include "shared/base/clock.h"

#include <string.h>
#include <time.h>

static uint64_t
read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t
clock_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t
clock_real_us(void)
{
	return read_us(CLOCK_REALTIME);
}

static inline void
put_digits(char *dst, int digits, unsigned number)
{
	while (digits-- > 0) {
		dst[digits] = (char)('0' + number % 10);
		number /= 10;
	}
}

/*
 * Worked out here, because gmtime_r reads the time zone's file on its first
 * call, which a confined process may not; and without printf, because every
 * message in JSON has one.  The date is by Howard Hinnant's civil_from_days:
 * years begin in March, eras have 400.
 */
void
clock_stamp(char dst[CLOCK_STAMP_SIZE], uint64_t real_us)
{
	uint64_t ms = real_us / 1000;
	unsigned second = (unsigned)(ms / 1000 % 86400);
	uint64_t days = ms / 86400000 + 719468; /* since 0000-03-01 */
	uint64_t era = days / 146097;
	unsigned doe = (unsigned)(days % 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned march = (5 * doy + 2) / 153; /* months since March */
	unsigned day = doy - (153 * march + 2) / 5 + 1;
	unsigned month = march < 10 ? march + 3 : march - 9;
	unsigned year = (unsigned)(era * 400 + yoe + (month <= 2)) % 10000;

	memcpy(dst, "0000-00-00T00:00:00.000Z", CLOCK_STAMP_SIZE);
	put_digits(dst, 4, year);
	put_digits(dst + 5, 2, month);
	put_digits(dst + 8, 2, day);
	put_digits(dst + 11, 2, second / 3600);
	put_digits(dst + 14, 2, second / 60 % 60);
	put_digits(dst + 17, 2, second % 60);
	put_digits(dst + 20, 3, (unsigned)(ms % 1000));
}
