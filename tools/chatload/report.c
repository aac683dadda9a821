/* SPDX-License-Identifier: MIT */
/* The figures; those that are not known are left out. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/chatload/load.h"

/* NAME_p50_us and so on. */
static void
print_latency(const char *name, const struct histogram *h)
{
	static const struct {
		const char *name;
		double q;
	} quantiles[] = {
	    {"p50", 0.50},
	    {"p99", 0.99},
	    {"p999", 0.999},
	    {"max", 1},
	};

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
		printf(" %s_%s_us=%.1f", name, quantiles[i].name,
		    histogram_quantile(h, quantiles[i].q) / 1e3);
}

/* Seconds of the server's CPU, and how much of something for each. */
static void
print_server_cpu(const char *prefix, double cpu, const char *what, double n)
{
	if (cpu >= 0)
		printf(" %s_s=%.4f", prefix, cpu);
	if (cpu > 0)
		printf(" %s_per_cpu_s=%.0f", what, n / cpu);
}

static void
print_memory(const char *suffix, const struct memory *m)
{
	printf(" rss%s=%" PRId64 " pss%s=%" PRId64 " private%s=%" PRId64,
	    suffix, m->rss, suffix, m->pss, suffix, m->private);
}

static void
print_joins(const struct load_config *cfg, const struct load_result *res)
{
	printf(
	    "joins=%ju join_s=%.3f", (uintmax_t)res->joins, res->join_seconds);
	if (cfg->mode == MODE_CONNECT)
		printf(" joins_per_s=%.0f",
		    (double)res->joins / res->join_seconds);
	print_server_cpu(
	    "join_cpu", res->join_cpu, "joins", (double)res->joins);
}

static void
print_idle(const struct load_config *cfg, const struct load_result *res)
{
	double clients = (double)res->joins;

	printf(" hold_s=%.3f", cfg->hold);
	if (!res->memory_known)
		return;
	print_memory("_before", &res->memory);
	print_memory("_grown", &res->grown);
	printf(
	    " private_per_client=%.1f", (double)res->grown.private / clients);
}

static void
print_talk(const struct load_result *res)
{
	double deliveries = (double)res->deliveries;

	printf(" messages=%ju deliveries=%ju seconds=%.3f",
	    (uintmax_t)res->messages, (uintmax_t)res->deliveries, res->seconds);
	if (res->keys > 0)
		printf(" keys=%ju", (uintmax_t)res->keys);
	printf(" deliveries_per_s=%.0f", deliveries / res->seconds);
	print_server_cpu(
	    "server_cpu", res->server_cpu, "deliveries", deliveries);
	printf(" load_cpu_s=%.4f", res->load_cpu);
	print_latency("latency", &res->latency);
	printf(" lost=%ju order_errors=%ju strays=%ju", (uintmax_t)res->lost,
	    (uintmax_t)res->order_errors, (uintmax_t)res->strays);
}

void
report(const struct load_config *cfg, const struct load_result *res)
{
	print_joins(cfg, res);
	switch (cfg->mode) {
	case MODE_CONNECT:
		printf(" load_cpu_s=%.4f", res->load_cpu);
		print_latency("join", &res->join_latency);
		break;
	case MODE_ASK:
		printf(" seconds=%.3f asked=%ju answered=%ju", res->seconds,
		    (uintmax_t)res->asked, (uintmax_t)res->answered);
		print_server_cpu("server_cpu", res->server_cpu, "answered",
		    (double)res->answered);
		break;
	case MODE_IDLE:
		print_idle(cfg, res);
		if (cfg->talking > 0)
			print_talk(res);
		break;
	case MODE_TALK:
		print_talk(res);
		break;
	}
	putchar('\n');
}
