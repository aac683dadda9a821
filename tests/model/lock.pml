/* SPDX-License-Identifier: MIT */
/*
 * The lock of the segment: the owner is in the word, a semaphore only parks
 * the losers, and the successor in a seat takes the lock over from the dead.
 *
 * Each process below is a seat.  A worker may die at each of its steps; it then
 * is reaped and its successor starts at `takeover`, knowing nothing but what
 * lies in shared memory.  The successor may die too.  A worker at `idle` may
 * also rest for ever, so a loser whose wake-up is lost hangs for good, which
 * spin reports as an invalid end state.  No wait has a time limit.
 *
 * Each worker takes the lock any number of times.
 *
 * Variants that must be found faulty, one -D each:
 *   OWNER_BESIDE          a semaphore is the lock, the owner is noted beside it
 *   FETCH_OR_FREE         CONTENDED is or'ed in without a look at the word
 *   RETRY_FAST            whoever was parked tries the fast path again
 *   NO_POST_AT_TAKEOVER   the successor wakes nobody but for its own unlock
 *   PARK_ON_FAILED_CAS    a loser parks though it could not set CONTENDED
 */

#ifndef WORKERS
#define WORKERS 3
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
/* Waits that end without a post (EINTR, the safety net), all in all. */
#ifndef EARLY_WAKES
#define EARLY_WAKES 1
#endif

#define FREE	  0
#define CONTENDED 16 /* a bit beside the owner */
#define ME	  (me + 1)
#define OWNER(w)  ((w) & 15)

/*
 * The semaphore counts to MANY, and MANY stands for any number from there on:
 * a wait may leave it at MANY or one below.  So the number of rounds need not
 * be bounded, and every behaviour of a counter without limit is covered.
 */
#define MANY	  (WORKERS + 1)

byte word = FREE;
byte parked = 0;
byte deaths = 0;
byte early = 0;

/* Whose half-done change the guarded data holds: 0, or a seat + 1. */
byte torn = 0;

#ifdef OWNER_BESIDE
bool gate = true; /* the semaphore that is the lock */
byte owner = 0;	  /* noted beside it */
#endif

/* One more thing that may happen instead of the next step. */
#define OR_DIE :: atomic { deaths < DEATHS -> deaths++; w = 0; goto takeover }

inline post()
{
	if
	:: d_step { parked < MANY -> parked++ }
	:: parked == MANY
	OR_DIE
	fi
}

inline settle()
{
	if
	:: d_step {
		assert(torn == 0 || torn == ME);
		torn = 0
	   }
	OR_DIE
	fi
}

/* Exchange with 0; a loser that said so is woken. */
inline unlock()
{
	if
	:: d_step {
		assert(OWNER(word) == ME);
		w = word;
		word = FREE
	   }
	OR_DIE
	fi;
	if
	:: w & CONTENDED ->
		w = 0;
		post()
	:: else ->
		w = 0
	fi
}

proctype seat(byte me)
{
	byte w = 0; /* what the last load or exchange gave; private */

	goto idle;

takeover:
#ifdef OWNER_BESIDE
	if
	:: atomic { owner == ME -> goto change_done }
	:: atomic { owner != ME -> goto idle }
	OR_DIE
	fi;
#else
	if
	:: OWNER(word) == ME ->
		settle();
		unlock()
	:: OWNER(word) != ME
	OR_DIE
	fi;
#ifndef NO_POST_AT_TAKEOVER
	post();
#endif
#endif

idle:
	if
	:: goto fast
	:: goto end_rest
	OR_DIE
	fi;

fast:
#ifdef OWNER_BESIDE
	if
	:: atomic { gate -> gate = false }
	OR_DIE
	fi;
	if
	:: owner = ME
	OR_DIE
	fi;
#else
	if
	:: atomic { word == FREE -> word = ME; goto locked }
	:: word != FREE
	OR_DIE
	fi;

slow:
	if
	:: w = word
	OR_DIE
	fi;
	if
	:: atomic {
		w == FREE ->
		if
		:: word == FREE ->
			word = ME | CONTENDED;
			goto locked
		:: else ->
			goto slow
		fi
	   }
#if defined(FETCH_OR_FREE)
	:: d_step {
		w != FREE ->
		w = 0;
		word = word | CONTENDED
	   }
#elif defined(PARK_ON_FAILED_CAS)
	:: d_step {
		w != FREE ->
		if
		:: word == w ->
			word = w | CONTENDED
		:: else
		fi;
		w = 0
	   }
#else
	:: atomic {
		w != FREE ->
		if
		:: word == w ->
			word = w | CONTENDED;
			w = 0
		:: else ->
			w = 0;
			goto slow
		fi
	   }
	:: w & CONTENDED -> /* said already: the CAS may be left out */
		w = 0
#endif
	OR_DIE
	fi;

	/* Parked.  The last choice is a wait that ends without a post. */
	if
	:: d_step { parked > 0 -> parked-- }
	:: parked == MANY
	:: atomic { early < EARLY_WAKES -> early++ }
	OR_DIE
	fi;
#ifdef RETRY_FAST
	if
	:: atomic { word == FREE -> word = ME; goto locked }
	:: word != FREE
	OR_DIE
	fi;
#endif
	goto slow;
#endif

locked:
	if
	:: d_step {
		assert(torn == 0);
		torn = ME
	   }
	OR_DIE
	fi;

change_done:
	settle();
#ifdef OWNER_BESIDE
	if
	:: owner = 0
	OR_DIE
	fi;
	if
	:: d_step {
		assert(!gate);
		gate = true
	   }
	OR_DIE
	fi;
#else
	unlock();
#endif
	goto idle;

end_rest:
	false
}

init {
	byte i;

	atomic {
		for (i : 0 .. WORKERS - 1) {
			run seat(i)
		}
	}
}
