/* SPDX-License-Identifier: MIT */
/*
 * One run: workers, clients and master take turns at random until nothing
 * moves; then time goes on, or sleepers awake, or it is over.
 */
#include <stdlib.h>
#include <string.h>

#include "shared/shm/lock.h"
#include "tests/model/sim/sim.h"

#define STEPS_MAX 5000000
#define POINTS_MAX 50000000
#define PAUSES_MAX 300
#define NO_REST 2000     /* pauses, when there are buffers enough */
#define FROZEN_US 400000 /* at most, if others wait for time to pass */
#define IDLE_SECONDS_MAX 1000
#define POOR_SECONDS 100

/* A rate of n in 2^32. */
static uint32_t
rate(double probability)
{
	return (uint32_t)(probability * 4294967295.0);
}

static void
draw_lapping(struct profile *p)
{
	p->lapping = true;
	p->nclients = 3 + random_below(4);
	p->messages = 120 + random_below(100);
	p->message_max = MAX_LINE;
	p->sndbuf = 1000 + random_below(random_percent(80) ? 4000 : 64000);
	p->quantum = MAX(p->quantum, 40u);
	p->deaths_from = random_percent(30) ? 0 : (int)random_below(500);
	p->death_rate *= 2;
}

static void
draw_profile(struct profile *p)
{
	static const unsigned quanta[] = {8, 40, 200, 1000, 5000};

	*p = (struct profile){
	    .nworkers = 1 + random_below(SEATS),
	    .nclients = 2 + random_below(10),
	    .deaths_max = random_percent(10) ? 0 : 1 + random_below(12),
	    .death_rate = rate(0.0005 * (1 + random_below(20))),
	    .recovery_rate = rate(0.002 * (1 + random_below(20))),
	    .call_rate = rate(0.0005 * (1 + random_below(10))),
	    .quantum = quanta[random_below(COUNT(quanta))],
	    .short_sends = random_percent(50) ? 0 : random_below(40),
	    .rate_worker = 1 + random_below(20),
	    .rate_client = 1 + random_below(20),
	    .rate_master = 1 + random_below(10),
	    .small_pool = random_percent(20),
	    .sluggish = -1,
	    .slots = random_percent(50) ? SLOTS : 2 + random_below(SLOTS - 1),
	    .backoff = random_percent(20) ? 30 : 0,
	    .failures = random_percent(20) ? 1 + random_below(5) : 0,
	    .stops = random_percent(5),
	    .reorders = random_percent(40),
	    .rests = random_percent(30) ? 1 + random_below(8) : 0,
	    .messages = random_below(30),
	    .message_max = 1 + random_below(MAX_LINE),
	    .sndbuf = random_percent(30) ? 200 + random_below(2000) : 65536,
	    .rcvbuf = random_percent(30) ? 1 + random_below(500) : 65536,
	    .jumps_us = random_percent(50) ? 0 : 1500000,
	};
	if (random_percent(10))
		p->nclients = CLIENTS;
	if (random_percent(10))
		p->deaths_from = (int)random_below(100);
	if (random_percent(60))
		p->commands = 1 + random_below(60);
	if (random_percent(50))
		p->telnets = random_percent(20) ? 100 : random_below(60);
	if (random_percent(40))
		p->edits = random_percent(40) ? 100 : random_below(100);
	if (random_percent(50))
		p->webs = random_percent(20) ? 100 : random_below(60);
	if (random_percent(6)) {
		draw_lapping(p);
	} else if (random_percent(5)) {
		p->crowded = true;
		p->nclients = CLIENTS;
		p->slots = SLOTS;
	}
	if (p->lapping && p->nworkers > 1 && random_percent(50))
		p->sluggish = (int)random_below(p->nworkers);
	if (p->nworkers > 1 && random_percent(p->lapping ? 70 : 5))
		p->freezes = 1 + random_below(p->lapping ? 8 : 4);
}

static void
draw_settings(struct settings *s)
{
	for (unsigned i = 0; i < LISTENER_KINDS; i++)
		s->replay[i] = random_percent(30) ? 1 + random_below(10) : 0;
	s->idle_timeout_s = random_percent(20) ? IDLE_S : 0;
	s->rate = random_percent(10) ? 100 + random_below(2000) : 0;
	s->burst = 1 + random_below(20);
}

static void
reset_segment(void)
{
	const struct segment_layout *l = &sim.seg.layout;

	memcpy(sim.seg.base, sim.image, l->size);
	for (uint32_t i = 0; i < l->nbuffers + l->nsmall; i++)
		if (sim.profile.small_pool && i >= SEATS + 1 &&
		    random_percent(98))
			sim.seg.bufctl[i].owner = BUFFER_NOBODY;
}

static void
reset(uint64_t seed)
{
	sim.seed = seed;
	sim.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	sim.failure[0] = '\0';
	for (int i = 0; i < 8; i++)
		(void)random_next();
	draw_profile(&sim.profile);
	draw_settings(&sim.settings);
	sim.now_us = 1000000;
	sim.jumped_us = 0;
	sim.steps = 0;
	sim.stop_step = 100 + random_below(3000);
	sim.deaths = sim.recoveries_in_a_row = sim.quiets = 0;
	sim.parked_posts = sim.pauses = 0;
	sim.moved = false;
	sim.frozen = -1;
	sim.freezes = 0;
	sim.deaths_on = true;
	sim.next_file = 1000;
	memset(sim.epolls, 0, sizeof(sim.epolls));
	memset(sim.bells, 0, sizeof(sim.bells));
	for (int i = 0; i < CLIENTS; i++)
		sim.conns[i].refs = 0;
	proc_reset();
	reset_segment();
	points_reset();
	master_reset();
	oracle_reset();
	for (unsigned i = 0; i < sim.profile.nclients; i++)
		script_write((int)i);
}

/*
 * Somebody may be stopped for a while, as by a debugger or by a lack of memory:
 * until nobody else can go on, or by chance.
 */
static void
freeze_or_thaw(void)
{
	const struct profile *p = &sim.profile;
	uint32_t seat;

	if (sim.frozen >= 0) {
		if (!p->lapping && random_below(20000) == 0)
			sim.frozen = -1;
	} else if (sim.freezes < p->freezes && random_below(500) == 0) {
		seat = random_below(p->nworkers);
		/* With the lock it stops all others. */
		if ((sim.seg.lock->word & ~LOCK_CONTENDED) == seat + 1 &&
		    random_percent(80))
			return;
		sim.freezes++;
		sim.frozen = (int)seat;
		sim.frozen_us = sim.now_us;
		TRACE("seat %d is stopped", sim.frozen);
	}
}

static bool
step_worker(void)
{
	unsigned n = sim.profile.nworkers, first = random_below(n);

	freeze_or_thaw();
	for (unsigned i = 0; i < n; i++) {
		struct proc *p = &sim.procs[(first + i) % n];

		if (p->state == PROC_DEAD || (int)p->seat == sim.frozen ||
		    (p->state == PROC_WAITS && !wait_over(p)))
			continue;
		if ((int)p->seat != sim.profile.sluggish ||
		    random_below(sim.profile.quantum) == 0)
			proc_resume(p);
		return true;
	}
	return false;
}

static bool
step_client(void)
{
	unsigned n = sim.profile.nclients, first = random_below(n);

	for (unsigned i = 0; i < n; i++) {
		if (!client_step((int)((first + i) % n)))
			continue;
		sim.moved = true;
		return true;
	}
	return false;
}

/* Somebody does something.  False when nobody can. */
static bool
step(void)
{
	const struct profile *p = &sim.profile;
	unsigned n;

	if (p->stops && sim.steps > sim.stop_step && !sim.master.stopping)
		master_stop();
	n = random_below(p->rate_worker + p->rate_client + p->rate_master);

	if (n < p->rate_worker)
		return step_worker() || step_client() || master_step();
	if (n < p->rate_worker + p->rate_client)
		return step_client() || master_step() || step_worker();
	return master_step() || step_worker() || step_client();
}

/* Time passes: little by little, and by leaps now and then. */
static void
pass_time(void)
{
	uint64_t leap;

	sim.now_us += random_below(4);
	if (sim.jumped_us >= sim.profile.jumps_us || random_below(500) != 0)
		return;
	leap = random_below(80000);
	sim.now_us += leap;
	sim.jumped_us += leap;
}

/*
 * Does somebody wait for a moment that is near?  Not for ever: somebody short
 * of buffers asks again and again, until one who sleeps awakes.
 */
static bool
pass_pause(void)
{
	uint64_t next = UINT64_MAX;

	if (sim.moved) {
		sim.moved = false;
		sim.pauses = 0;
	} else if (++sim.pauses >
		   (sim.profile.small_pool ? PAUSES_MAX : NO_REST)) {
		return false;
	}

	if (sim.frozen >= 0 && sim.now_us > sim.frozen_us + FROZEN_US)
		return false;
	for (unsigned i = 0; i < sim.profile.nworkers; i++)
		if (sim.procs[i].state == PROC_WAITS && (int)i != sim.frozen)
			next = MIN(next, sim.procs[i].wake_us);
	if (next == UINT64_MAX)
		return false;
	sim.now_us = MAX(sim.now_us, next);
	return true;
}

/* The second for which idle workers wait at most. */
static void
pass_second(void)
{
	sim.now_us += 1000000;
	for (unsigned i = 0; i < sim.profile.nworkers; i++)
		if (sim.procs[i].state == PROC_WAITS)
			sim.procs[i].wake_us = sim.now_us;
}

static void
nobody_is_parked(void)
{
	for (unsigned i = 0; i < sim.profile.nworkers; i++)
		if (sim.procs[i].state == PROC_WAITS &&
		    sim.procs[i].wait == WAIT_LOCK)
			fail("seat %u is parked at the lock for ever, its word "
			     "is %x",
			    i, sim.seg.lock->word);
}

/* Returns whether that changed anything. */
static bool
master_exit_if_alone(void)
{
	for (unsigned i = 0; i < sim.profile.nworkers; i++)
		if (sim.procs[i].state != PROC_DEAD)
			return false;
	return master_exit();
}

/*
 * Is there anybody left but those who wait for their time to be up?  Where
 * there are hardly any buffers others may wait for them.
 */
static bool
all_done(unsigned seconds)
{
	bool all = true;

	for (unsigned i = 0; i < sim.profile.nclients; i++) {
		const struct client *c = &sim.clients[i];

		if (c->done || (sim.master.stopping && !c->connected))
			continue;
		all = false;
		if (!c->silent && c->connected && !sim.master.stopping &&
		    sim.quiets > QUIET_OPEN &&
		    (!sim.profile.small_pool || seconds > POOR_SECONDS))
			fail("%s hangs", c->name);
	}
	return all;
}

/* Nothing moves.  Returns whether the run is over. */
static bool
at_rest(unsigned *seconds)
{
	if (pass_pause())
		return false;
	if (sim.frozen >= 0) {
		TRACE("seat %d goes on", sim.frozen);
		sim.frozen = -1;
		sim.pauses = 0;
		return false;
	}
	nobody_is_parked();
	if (sim.master.stopping && master_exit_if_alone())
		return false;
	if (sim.pauses > NO_REST)
		fail("no rest: a worker wakes up again and again");
	if (sim.pauses <= PAUSES_MAX && !sim.master.stopping)
		check_quiet();
	sim.pauses = 0;
	sim.total.quiets++;
	if (sim.quiets++ < QUIET_OPEN)
		return false;
	if (all_done(*seconds)) {
		if (!sim.master.stopping && !master_at_rest())
			fail("all are gone, and a slot is not free");
		return true;
	}
	if (++*seconds > IDLE_SECONDS_MAX)
		fail("no end");
	pass_second();
	return false;
}

/* Runs the seed.  False when an error was found: see sim.failure. */
bool
run_once(uint64_t seed)
{
	static unsigned seconds;
	static uint64_t points;

	seconds = 0;
	points = sim.total.points;
	sim.total.runs++;
	if (sigsetjmp(sim.failed, 0) != 0)
		return false;
	reset(seed);
	for (;;) {
		if (++sim.steps > STEPS_MAX ||
		    sim.total.points - points > POINTS_MAX)
			fail("no end in sight");
		pass_time();
		if (!step() && at_rest(&seconds))
			break;
	}
	check_end();
	return true;
}
